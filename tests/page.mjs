// The page in a real browser: no error, no request, sliders that show the engine's numbers, keyboard, accessibility, widths.
//
// node tests/page.mjs PROGRAM FOLDER: FOLDER holds node_modules with playwright-core and axe-core. With SCREENSHOTS=1 pictures to be
// looked at are left in it, which nothing here looks at.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const [program, folder] = process.argv.slice(2).map((p) => path.resolve(p));
const require = createRequire(path.join(folder, "here.js"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

let passed = 0;
const holds = (what, condition) => {
  if (!condition) {
    console.error(`FAILED: ${what}`);
    process.exit(1);
  }
  passed += 1;
};
const run = (...words) => execFileSync(program, words, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 });

const pictured = (of, name, how = { fullPage: true }) =>
  process.env.SCREENSHOTS ? of.screenshot({ path: path.join(folder, `${name}.png`), ...how }) : null;

const MARKUP = `
title = "<script>document.title='gone'</script> & <b>bold</b>"
[study]
assignment = "randomised"
[outcome]
name = "<img src=x onerror=alert(1)>"
kind = "binary"
higher_is = "worse"
[treatment]
name = "the drug"
control = "<i>none</i>"
active = "drug"
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
[thresholds]
risk_difference = [0.02, 0.05]
[data]
counts = [
  { subgroup = "</script><script>alert(2)</script>", control = { events = 8, total = 40 }, active = { events = 4, total = 41 } },
  { subgroup = "women", control = { events = 5, total = 30 }, active = { events = 6, total = 29 } },
]
`;
fs.writeFileSync(path.join(folder, "markup.toml"), MARKUP);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function opened(file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const trouble = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && trouble.push(m.text()));
  page.on("pageerror", (e) => trouble.push(String(e)));
  page.on("dialog", (d) => trouble.push(`dialog ${d.message()}`) && d.dismiss());
  page.on("request", (r) => r.url().startsWith("file:") && r.url().endsWith(".html") || trouble.push(`request ${r.url()}`));
  await page.goto(`file://${file}`);
  return { page, trouble, close: () => context.close() };
}

// As the page prints a probability.
const printed = (p) => {
  const digits = p >= 0.01 && p <= 0.99 ? 2 : 3;
  if (digits === 3 && p < 0.001) return "< 0.001";
  if (digits === 3 && p > 0.999) return "> 0.999";
  return p.toFixed(digits);
};

async function slidersShowTheEnginesNumbers(page, model) {
  const fit = JSON.parse(run("fit", model, "--format", "json", "--out", path.join(folder, "run")));
  const counts = fit.estimates.some((e) => e.measure === "risk_control");
  const rows = fit.probabilities.filter((p) => p.scope === "subgroup" && /at_least$/.test(p.statement) && (counts ? p.measure === "risk_difference" : /_ratio$|^difference$/.test(p.measure)));
  holds(`${model} has thresholds`, rows.length > 0);
  const names = await page.locator("#asked th").allTextContents();
  for (const row of rows) {
    const step = counts ? Math.round(1000 * row.threshold) : Math.round(100 * row.threshold) - 100;
    if (Math.abs((counts ? step / 1000 : 1 + step / 100) - row.threshold) > 1e-12) continue;
    await page.locator("#size").focus();
    await page.evaluate((v) => {
      const slider = document.getElementById("size");
      slider.value = v - 1;
    }, step);
    // The last step by keyboard, as a reader would.
    await page.keyboard.press("ArrowRight");
    holds(`${model}: the slider stands at ${step}`, (await page.locator("#size").inputValue()) === String(step));
    const cells = page.locator("#asked tr").nth(names.indexOf(row.subgroup)).locator("td");
    const shown = await cells.nth(row.statement.startsWith("benefit") ? 0 : 1).textContent();
    const wanted = printed(row.probability);
    holds(`${model}, ${row.subgroup}, ${row.statement} ${row.threshold}: ${shown} is ${wanted}`, shown === wanted);
  }
}

async function keyboardReachesEverything(page, model) {
  const wanted = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], input, select, summary, [tabindex='0']")];
    return all.filter((e) => e.checkVisibility()).length;
  });
  await page.evaluate(() => document.activeElement.blur());
  await page.evaluate(() => window.scrollTo(0, 0));
  const seen = new Set();
  for (let k = 0; k < 3 * wanted && seen.size < wanted; k += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const all = [...document.querySelectorAll("a[href], input, select, summary, [tabindex='0']")];
      return all.indexOf(document.activeElement);
    });
    if (at >= 0) seen.add(at);
  }
  holds(`${model}: the keyboard reaches ${seen.size} of ${wanted}`, seen.size === wanted);
}

async function noSeriousViolation(page, what) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = result.violations.filter((v) => ["serious", "critical"].includes(v.impact));
  holds(`${what}: ${serious.map((v) => `${v.id} (${v.nodes[0].html.slice(0, 120)})`).join("; ")}`, serious.length === 0);
}

// Patients who were weighted: numbers by a linear congruence, so that the file is always the same.
let state = 7;
const uniform = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
const patients = Array.from({ length: 400 }, (_, i) => {
  const [site, age, severe] = [i % 2 ? "brain stem" : "thalamus", Math.round(40 + 45 * uniform()), uniform() < 0.4];
  const treated = uniform() < (severe ? 0.65 : 0.3);
  const good = uniform() < (severe ? 0.3 : 0.6) + (treated ? 0.1 : 0);
  return [Number(good), Number(treated), site, age, severe ? "yes" : "no"].join(",");
});
fs.writeFileSync(path.join(folder, "patients.csv"), `good,treated,site,age,severe\n${patients.join("\n")}\n`);
fs.writeFileSync(path.join(folder, "weighted.toml"), `
title = "Patients who were weighted"
illustrative = true
study = { assignment = "observational" }
outcome = { name = "a good outcome", kind = "binary", higher_is = "better" }
treatment = { name = "the drug", control = "none", active = "drug" }
subgroup = { name = "site" }
prior = { effect = "normal(0, 0.355)", heterogeneity = "half-normal(0.5)" }
thresholds = { risk_difference = [0.05] }
[data]
file = "patients.csv"
rows = "patients"
missing = "error"
columns = { outcome = "good", treatment = "treated", subgroup = "site" }
[adjustment]
method = "overlap"
propensity = ["age", { column = "severe", reference = "no" }]
replicates = 400
replays = 100
`);

// A whole scale of ordered levels, whose last cut may depart.
const SHIFT = path.join(import.meta.dirname, "..", "docs", "src", "gallery", "made-up-shift.toml");

for (const model of ["attention-ras-etiology", "ras-basilar-death", "attention-evt", "solvd", "blocker", "ist-aspirin-shift", SHIFT, "weighted.toml", "markup.toml"]) {
  const name = path.basename(model, ".toml");
  const file = path.join(folder, `${name}.html`);
  run("report", model, "-o", file);
  holds(`${model}: under 1.5 MB`, fs.statSync(file).size < 1_500_000);
  for (const colorScheme of ["light", "dark"]) {
    const { page, trouble, close } = await opened(file, { colorScheme });
    if (colorScheme === "light") {
      if (model !== "blocker") await slidersShowTheEnginesNumbers(page, model);
      await keyboardReachesEverything(page, model);
      await pictured(page, `${name}-laptop`);
    } else {
      await pictured(page, `${name}-dark`);
    }
    await noSeriousViolation(page, `${model}, ${colorScheme}`);
    holds(`${model}, ${colorScheme}: ${trouble.join("; ")}`, trouble.length === 0);
    await close();
  }
  const phone = await opened(file, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  holds(`${model}: nothing beyond a phone's edge (${wide} px)`, wide <= 0);
  await pictured(phone.page, `${name}-phone`);
  await phone.close();
}

// A decision's page: no sliders, else the same.
for (const decision of ["rescue-stenting", "rescue-by-etiology", "aspirin-by-values"]) {
  const file = path.join(folder, `${decision}.html`);
  run("report", decision, "-o", file);
  holds(`${decision}: under 1.5 MB`, fs.statSync(file).size < 1_500_000);
  const asked = JSON.parse(run("decide", decision, "--format", "json"));
  for (const colorScheme of ["light", "dark"]) {
    const { page, trouble, close } = await opened(file, { colorScheme });
    if (colorScheme === "light") await keyboardReachesEverything(page, decision);
    await pictured(page, `${decision}-${colorScheme}`);
    await noSeriousViolation(page, `${decision}, ${colorScheme}`);
    holds(`${decision}, ${colorScheme}: ${trouble.join("; ")}`, trouble.length === 0);
    const text = await page.locator("main").innerText();
    for (const e of asked.effects) {
      const [median] = e.per_1000;
      const shown = `${median < 0 ? "−" : "+"}${Math.abs(median)} (`;
      holds(`${decision}, ${e.outcome}, ${e.subgroup}: ${shown}`, text.includes(shown));
    }
    await close();
  }
  const phone = await opened(file, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  holds(`${decision}: nothing beyond a phone's edge (${wide} px)`, wide <= 0);
  await phone.close();
}

// On paper: checklists are open, sliders gone but their sizes told, every prior's table there; afterwards as before.
const paper = await opened(path.join(folder, "ras-basilar-death.html"), { viewport: { width: 794, height: 1123 } });
const shut = () => paper.page.locator("details:not(.file):not([open])").count();
const before_print = await shut();
await paper.page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
await paper.page.emulateMedia({ media: "print" });
holds("checklists are open on paper", before_print > 0 && (await shut()) === 0);
holds("no slider on paper", (await paper.page.locator("input:visible, select:visible").count()) === 0);
holds("the sliders' sizes are told on paper", (await paper.page.locator("#size-out").isVisible()) && (await paper.page.locator("#size-out").textContent()).includes("points"));
const priors = await paper.page.locator("#prior option").count();
holds("every prior is on paper", (await paper.page.locator(".under:visible").count()) === priors);
await pictured(paper.page, "ras-basilar-death-print");
await paper.page.emulateMedia({ media: "screen" });
await paper.page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
holds("and closed again afterwards", (await shut()) === before_print);
await paper.close();

// Figures of ordered levels: there, named for a screen reader, levels told apart in order on either page, no text below 9 px on paper.
const shares = (page, figure) =>
  page.evaluate((figure) => {
    const svg = document.querySelector(`svg[aria-labelledby^="${figure}-t"]`);
    const [, red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/(\d+), (\d+), (\d+)/).map(Number);
    const paper = [red, green, blue];
    const key = [...svg.querySelectorAll("rect")].slice(-7).map((r) => {
      const style = getComputedStyle(r);
      const own = style.fill.match(/\d+/g).slice(0, 3).map(Number);
      return own.map((c, i) => (c - paper[i]) * Number(r.getAttribute("fill-opacity")));
    });
    return key.map((d) => Math.hypot(...d));
  }, figure);
for (const colorScheme of ["light", "dark"]) {
  const { page, close } = await opened(path.join(folder, "made-up-shift.html"), { colorScheme });
  for (const figure of ["levels", "cuts", "departure", "departure-cuts"]) {
    const svg = page.locator(`svg[aria-labelledby^="${figure}-t"]`);
    holds(`${figure} is on the page`, (await svg.count()) === 1);
    holds(`${figure} says what it shows`, (await svg.locator("desc").textContent()).length > 80);
    await pictured(svg, `${figure}-${colorScheme}`, {});
  }
  const far = await shares(page, "levels");
  holds(`${colorScheme}: the worse, the farther from the page: ${far}`, far.length === 7 && far.every((d, k) => k === 0 || d > far[k - 1] + 8));
  await close();
}

const { page, close } = await opened(path.join(folder, "markup.html"));
holds("a title with markup stays text", (await page.locator("h1").textContent()).includes("<b>bold</b>"));
holds("and runs nothing", (await page.title()).startsWith("<script>"));
holds("nothing of it is an element", (await page.locator("h1 *, img, figure i").count()) === 0);
await page.emulateMedia({ media: "print" });
await pictured(page, "markup-print");
await close();

const illustrative = await opened(path.join(folder, "attention-ras-etiology.html"));
const text = await illustrative.page.locator("body").innerText();
holds("the banner stands", text.includes("ILLUSTRATIVE") && text.includes("Treatment was not randomised"));
holds("an observational study neither helps nor harms", !/\b(helps|harms|because)\b|effect of/.test(await illustrative.page.locator("#main > section").first().innerText()));
const before = await illustrative.page.locator(".under:visible").innerText();
await illustrative.page.locator("#prior").selectOption({ label: "optimistic-strong" });
const after = await illustrative.page.locator(".under:visible").innerText();
holds("another prior shows other numbers", before !== after && after.startsWith("optimistic-strong"));
await illustrative.close();
await browser.close();
console.log(`${passed} checks of the page passed`);
