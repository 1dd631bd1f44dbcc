//! Effects fitted elsewhere as people hold them: a covariance beside estimates, in the file or in one of its own, and posterior
//! draws; what is no covariance or no normal is refused with the figure. And studies without subgroups.

use std::fmt::Write as _;

use crate::common::close;
use crate::common::folder::{Folder, flowing};
use equipoise::exact::{ExactPosterior, Resolution};
use equipoise::model::Model;
use serde_json::Value;

const HEAD: &str = r#"title = "Fitted elsewhere"
illustrative = true
study = { assignment = "observational" }
outcome = { name = "death", kind = "estimate", scale = "log_hazard_ratio", higher_is = "worse" }
treatment = { name = "the drug", control = "placebo", active = "drug" }
prior = { effect = "normal(0, 0.355)", heterogeneity = "half-normal(0.5)" }
[thresholds]
hazard_ratio = [1.1]
primary = { hazard_ratio = 1.1 }
[data]
"#;

const DECISION: &str =
    "[decision]\nquestion = \"The drug?\"\n[[outcome]]\nmodel = \"model.toml\"\nbaseline_risk = 0.2\n";

const ROWS: &str = r#"estimates = [
  { subgroup = "men", estimate = -0.3 },
  { subgroup = "women", estimate = 0.1 },
  { subgroup = "others", estimate = -0.5 },
]
"#;

const MATRIX: &str = "covariance = [[0.04, 0.02, 0.01], [0.02, 0.05, 0.015], [0.01, 0.015, 0.09]]\n";

fn with(data: &str) -> Folder {
    let desk = Folder::new();
    desk.write("model.toml", format!("{HEAD}{data}"));
    desk
}

#[track_caller]
fn refuses(data: &str, told: &[&str]) {
    with(data).refuses(&["check", "model.toml"], told);
}

fn result(desk: &Folder, model: &str) -> Value {
    serde_json::from_str(&desk.says(&["fit", model, "--format", "json"])).expect("JSON")
}

#[test]
fn every_command_runs_on_correlated_estimates() {
    let desk = with(&format!("{ROWS}{MATRIX}"));
    let check = flowing(desk.says(&["check", "model.toml"]).as_bytes());
    assert!(
        check.contains("From one fit: their errors are correlated, the strongest correlation 0.45 (men and"),
        "{check}"
    );
    let fit = flowing(desk.says(&["fit", "model.toml"]).as_bytes());
    assert!(fit.contains("Computed by numerical integration and, beside it, by sampling"), "{fit}");
    let compare = flowing(desk.says(&["compare", "model.toml", "--full"]).as_bytes());
    for words in ["Sceptical SD", "P(better) over the scale", "leaving out one estimate at a time"] {
        assert!(compare.contains(words), "{words}\n{compare}");
    }
    assert!(compare.contains("Without pooling correlated estimates are sampled."), "{compare}");
    assert!(!compare.contains("did not pass their checks"), "{compare}");
    desk.write("decision.toml", DECISION);
    let decide = desk.says(&["decide", "decision.toml", "--full"]);
    assert!(decide.contains("men"), "{decide}");
    desk.says(&["report", "model.toml", "--out", "page.md"]);
    let page = desk.read("page.md");
    assert!(page.contains("multivariate normal likelihood"), "{page}");
    // Biases that are known, or normal and added, stay exact.
    let bias = "\n[bias]\nlog_hazard_ratio = \"normal(0.05, 0.1)\"\n";
    let biased = with(&format!("{ROWS}{MATRIX}{bias}"));
    let error =
        String::from_utf8(biased.run(&["fit", "model.toml", "--engine", "exact"]).stderr).expect("UTF-8");
    assert!(!error.contains("does not cover"), "{error}");
    let told = biased.says(&["compare", "model.toml", "--bias"]);
    assert!(told.contains("bias"), "{told}");
}

#[test]
fn a_matrix_may_stand_in_a_file_of_its_own() {
    let inline = with(&format!("{ROWS}{MATRIX}"));
    let expected = result(&inline, "model.toml");
    // As `write.csv(vcov(fit))` writes it, with coefficients that are no subgroup's, in another order.
    let file = "\"\",\"(Intercept)\",\"trt:women\",\"trt:men\",\"trt:x\"\n\"(Intercept)\",9,0,0,0\n\"trt:women\",0,0.05,0.02,0.015\n\"trt:men\",0,0.02,0.04,0.01\n\"trt:x\",0,0.015,0.01,0.09\n";
    let columns = "columns = { men = \"trt:men\", women = \"trt:women\", others = \"trt:x\" }\n";
    let data = format!("{ROWS}covariance = \"vcov.csv\"\n{columns}");
    let desk = with(&data);
    desk.write("vcov.csv", file);
    let found = result(&desk, "model.toml");
    assert_eq!(found["estimates"], expected["estimates"]);
    assert_ne!(found["data"]["sha256"], expected["data"]["sha256"]);
    // By the subgroups' own names; rows without names are in the order of the columns.
    let desk = with(&format!("{ROWS}covariance = \"vcov.csv\"\n"));
    desk.write("vcov.csv", "men,women,others\n0.04,0.02,0.01\n0.02,0.05,0.015\n0.01,0.015,0.09\n");
    assert_eq!(result(&desk, "model.toml")["estimates"], expected["estimates"]);
    desk.write("vcov.csv", "men,women\n0.04,0.02\n0.02,0.05\n");
    desk.refuses(
        &["check", "model.toml"],
        &["has no column `others`", "its columns are `men`, `women`", "columns = { others ="],
    );
    desk.write("vcov.csv", "men,women,others\n0.04,0.02,0.01\n0.02,x,0.015\n0.01,0.015,0.09\n");
    desk.refuses(
        &["check", "model.toml"],
        &["vcov.csv, row 3, column `women`: found `x`, expected a finite number"],
    );
    desk.write("vcov.csv", "men,women,others\n0.04,0.02,0.01\n0.02,0.05,0.015\n");
    desk.refuses(&["check", "model.toml"], &["no row for `others`"]);
    // Estimates in a data file beside it.
    let data = "file = \"table.csv\"\nrows = \"estimates\"\ncovariance = \"vcov.csv\"\ncolumns = { subgroup = \"sex\", estimate = \"b\", se = \"se\" }\n";
    let desk = with(data);
    desk.write("vcov.csv", "men,women,others\n0.04,0.02,0.01\n0.02,0.05,0.015\n0.01,0.015,0.09\n");
    desk.write("table.csv", "sex,b,se\nmen,-0.3,0.2\nwomen,0.1,0.2236\nothers,-0.5,0.3\n");
    assert_eq!(result(&desk, "model.toml")["estimates"], expected["estimates"]);
}

#[test]
fn what_is_no_covariance_of_these_estimates_is_told_apart() {
    refuses(
        &format!("{ROWS}covariance = [[0.04, 0.02], [0.02, 0.05]]\n"),
        &["`covariance` has 2 rows, and there are 3 subgroups"],
    );
    refuses(
        &format!("{ROWS}covariance = [[0.04, 0.02, 0.01], [0.03, 0.05, 0.015], [0.01, 0.015, 0.09]]\n"),
        &[
            "`covariance` is not symmetric: 0.03 in row 2 (`women`), column 1, and 0.02 in row 1 (`men`), column 2",
        ],
    );
    refuses(
        &format!("{ROWS}covariance = [[0.04, 0.06, 0.01], [0.06, 0.05, 0.015], [0.01, 0.015, 0.09]]\n"),
        &[
            "not positive definite: the smallest of the 3 eigenvalues of its correlations is -3.",
            "less than no error",
        ],
    );
    refuses(
        &format!("{ROWS}covariance = [[0.04, 0.04, 0.01], [0.04, 0.04, 0.01], [0.01, 0.01, 0.09]]\n"),
        &["not positive definite", "would together have", "women"],
    );
    let stated = ROWS.replace("estimate = 0.1 }", "estimate = 0.1, se = 0.25 }");
    refuses(
        &format!("{stated}{MATRIX}"),
        &[
            "subgroup `women`: a standard error of 0.250000, and its variance in `covariance` is 0.050000, whose root is 0.223607",
        ],
    );
    let agrees = ROWS.replace("estimate = 0.1 }", "estimate = 0.1, se = 0.2236 }");
    with(&format!("{agrees}{MATRIX}")).says(&["check", "model.toml"]);
    refuses(
        &format!("{ROWS}covariance = [[0.04, 0.02, nan], [0.02, 0.05, 0.015], [0.01, 0.015, 0.09]]\n"),
        &["finite number"],
    );
    refuses(&format!("{ROWS}covariance = [0.04, 0.02]\n"), &["covariance"]);
    refuses(
        &format!("{ROWS}correlation = [[1, 0.2, 0], [0.2, 1, 0], [0, 0, 1]]\n"),
        &["has neither `ci` nor `se`"],
    );
    refuses(
        &format!("{ROWS}{MATRIX}correlation = [[1, 0.2, 0], [0.2, 1, 0], [0, 0, 1]]\n"),
        &["both `covariance` and `correlation`"],
    );
    let all = ROWS.replace(" }", ", se = 0.2 }");
    refuses(
        &format!("{all}correlation = [[0.04, 0, 0], [0, 0.04, 0], [0, 0, 0.04]]\n"),
        &["with itself is 0.04, not 1", "under `covariance`"],
    );
    refuses(&format!("{ROWS}covariance = \"nowhere.csv\"\n"), &["there is no file `nowhere.csv`"]);
    refuses(&format!("{ROWS}{MATRIX}columns = {{ men = \"x\" }}\n"), &["`columns` is for a data file"]);
}

/// Normal numbers of a linear congruential generator.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

const MEANS: [f64; 3] = [-0.3, 0.1, -0.5];
/// Lower factor of the covariance of [`MATRIX`].
const FACTOR: [[f64; 3]; 3] = [[0.2, 0.0, 0.0], [0.1, 0.2, 0.0], [0.05, 0.05, 0.291_547_594_742_265]];

/// Draws of the three effects, each made from three normal numbers.
fn draws(n: usize, of: impl Fn([f64; 3], &mut Noise) -> [f64; 3]) -> String {
    let mut noise = Noise(20_261_128);
    let mut text = ".chain,b_men,b_women,b_others\n".to_string();
    for i in 0..n {
        let z = [noise.normal(), noise.normal(), noise.normal()];
        let [a, b, c] = of(z, &mut noise);
        let _ = writeln!(text, "{},{a:?},{b:?},{c:?}", 1 + i * 4 / n);
    }
    text
}

fn normal(z: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|g| MEANS[g] + (0..3).map(|k| FACTOR[g][k] * z[k]).sum::<f64>())
}

const DRAWS: &str = r#"file = "draws.csv"
rows = "draws"
fitted_under = "flat"
chain = ".chain"
columns = { men = "b_men", women = "b_women", others = "b_others" }
"#;

fn posterior(desk: &Folder) -> ExactPosterior {
    let path = desk.at().join("model.toml");
    let study = equipoise::input::open(path.to_str().expect("UTF-8")).unwrap_or_else(|e| panic!("{e}"));
    ExactPosterior::new(&Model::of(&study), Resolution::default()).expect("exact")
}

#[test]
fn draws_given_back_are_the_direct_fit() {
    let direct = posterior(&with(&format!("{ROWS}{MATRIX}")));
    let near = |what: &str, desk: &Folder| {
        let found = posterior(desk);
        for g in 0..3 {
            // Of 20,000 draws a mean errs by 0.007 sd, and an sd by 0.005 of itself.
            let (a, b) = (direct.theta(g), found.theta(g));
            close(what, a.cdf(0.0), b.cdf(0.0), 0.012);
            close(what, a.mean().expect("exists"), b.mean().expect("exists"), 0.008);
            close(what, a.sd().expect("exists"), b.sd().expect("exists"), 0.006);
        }
        let (a, b) = (direct.pair(0, 1), found.pair(0, 1));
        close(what, a.first_below_second_above, b.first_below_second_above, 0.015);
    };
    let desk = with(DRAWS);
    desk.write("draws.csv", draws(20_000, |z, _| normal(z)));
    near("flat", &desk);
    // Under independent normal priors the draws are of a narrower posterior, from which the priors are taken out again.
    // θ ~ N(m, s²) each and y ~ N(θ, Σ): drawn by Matheron's rule from the same prior, error and estimates.
    let (m, s) = (0.2, 0.5);
    let desk = with(&DRAWS.replace("\"flat\"", "\"normal(0.2, 0.5)\""));
    let sigma = [[0.04, 0.02, 0.01], [0.02, 0.05, 0.015], [0.01, 0.015, 0.09_f64]];
    let text = draws(20_000, |z, noise| {
        let prior = [0; 3].map(|_| m + s * noise.normal());
        let error: [f64; 3] = std::array::from_fn(|g| (0..3).map(|k| FACTOR[g][k] * z[k]).sum());
        let mut apart: [f64; 3] = std::array::from_fn(|g| MEANS[g] - prior[g] - error[g]);
        // (Σ + s²)⁻¹ by elimination.
        let mut v = sigma;
        (0..3).for_each(|g| v[g][g] += s * s);
        for k in 0..3 {
            for i in k + 1..3 {
                let by = v[i][k] / v[k][k];
                apart[i] -= by * apart[k];
                let row = v[k];
                (k..3).for_each(|j| v[i][j] -= by * row[j]);
            }
        }
        for k in (0..3).rev() {
            let done: f64 = (k + 1..3).map(|j| v[k][j] * apart[j]).sum();
            apart[k] = (apart[k] - done) / v[k][k];
        }
        std::array::from_fn(|g| prior[g] + s * s * apart[g])
    });
    desk.write("draws.csv", text);
    near("a normal prior divided out", &desk);
    let check = desk.says(&["check", "model.toml"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        check.contains(
            "From 20,000 draws (4 chains) in draws.csv, fitted under normal(0.2, 0.5), which is divided out"
        ),
        "{check}"
    );
    assert!(check.contains("Mardia's skewness 0.0"), "{check}");
    let fit = desk.says(&["fit", "model.toml"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(fit.contains("The draws themselves, weighted to this posterior (Pareto k"), "{fit}");
    let json = result(&desk, "model.toml");
    assert!(
        json["checks"]["draws"]["largest_difference"].as_f64().is_some_and(|d| d < 0.05),
        "{}",
        json["checks"]
    );
    // The chains' column is not needed where rows are in order.
    desk.write("plain.toml", desk.read("model.toml").replace("chain = \".chain\"\n", ""));
    desk.says(&["check", "plain.toml"]);
}

#[test]
fn draws_that_no_normal_stands_for_are_refused_with_the_figure() {
    let given = |text: String, model: &str, told: &[&str]| {
        let desk = with(model);
        desk.write("draws.csv", text);
        desk.refuses(&["check", "model.toml"], told);
    };
    let plain = |z: [f64; 3], _: &mut Noise| normal(z);
    given(
        draws(2_000, |z, _| normal(z).map(f64::exp)),
        DRAWS,
        &[
            "far from normal: those of `others` have a skewness of",
            "at most 0.3 allowed",
            "the log of a ratio",
        ],
    );
    let heavy = |z: [f64; 3], noise: &mut Noise| {
        let chi: f64 = (0..3).map(|_| noise.normal().powi(2)).sum::<f64>() / 3.0;
        z.map(|z| 0.2 * z / chi.sqrt())
    };
    given(draws(4_000, heavy), DRAWS, &["far from normal"]);
    // All three have one scale, which only their squares together show.
    given(draws(300, plain), DRAWS, &["draws of `", "independent ones, and at least 400 are needed"]);
    let wide = |z: [f64; 3], _: &mut Noise| z;
    given(
        draws(4_000, wide),
        &DRAWS.replace("\"flat\"", "\"normal(0, 1)\""),
        &[
            "without normal(0, 1) the draws leave no positive definite precision: its smallest eigenvalue is",
            "hardly narrower than the prior",
        ],
    );
    given(
        draws(2_000, plain),
        &DRAWS.replace("fitted_under = \"flat\"\n", ""),
        &["`fitted_under` is missing", "it is divided out"],
    );
    given(
        draws(2_000, plain),
        &DRAWS.replace("\"flat\"", "\"student-t(4, 0, 1)\""),
        &["only a flat or a normal prior"],
    );
    given(
        draws(2_000, plain),
        &DRAWS.replace("b_women", "b_wimmin"),
        &["no column `b_wimmin`", "did you mean `b_women`?"],
    );
    given(draws(2_000, plain).replacen("\n1,", "\n1,NA,", 1), DRAWS, &["draws.csv"]);
    let mut missing: Vec<String> = draws(2_000, plain).lines().map(str::to_string).collect();
    missing[5] = "1,0.1,inf,0.2".to_string();
    given(
        missing.join("\n"),
        DRAWS,
        &["draws.csv, row 6, column `b_women`: found `inf`, expected a finite number"],
    );
    let same = |z: [f64; 3], _: &mut Noise| [z[0], z[0], z[1]];
    given(draws(2_000, same), DRAWS, &["not positive definite", "a sum or a copy"]);
    given(draws(2_000, plain), &format!("{DRAWS}covariance = [[1]]\n"), &["a matrix of errors beside draws"]);
    refuses(&format!("{ROWS}{MATRIX}fitted_under = \"flat\"\n"), &["`fitted_under` is for"]);
}

const ALONE: &str = r#"title = "One group"
study = { assignment = "randomised" }
treatment = { name = "the drug", control = "placebo", active = "drug" }
prior = { effect = "normal(0, 0.355)" }
"#;

const BINARY: &str = "outcome = { name = \"death\", kind = \"binary\", higher_is = \"worse\" }\n";
const ESTIMATE: &str = "outcome = { name = \"death\", kind = \"estimate\", scale = \"log_hazard_ratio\", higher_is = \"worse\" }\n";
const COUNTS: &str = "data = { counts = [{ control = { events = 30, total = 120 }, active = { events = 19, total = 118 } }] }\n";

/// Words that no output about one group has.
const OF_SUBGROUPS: [&str; 8] =
    ["subgroup", "τ", "heterogen", "further similar", "the average", "pooling", "pooled", "Two at a time"];

#[test]
fn a_study_without_subgroups_needs_none_of_their_words() {
    let desk = Folder::new();
    desk.write("counts.toml", format!("{ALONE}{BINARY}{COUNTS}[thresholds]\nrisk_difference = [0.02]\nprimary = {{ risk_difference = 0.02 }}\n"));
    let one = "data = { estimates = [{ ratio = 0.8, ci = [0.6, 1.0667] }] }\n";
    desk.write(
        "estimate.toml",
        format!(
            "{ALONE}{ESTIMATE}{one}[thresholds]\nhazard_ratio = [1.1]\nprimary = {{ hazard_ratio = 1.1 }}\n"
        ),
    );
    let mut rows = "arm,died\n".to_string();
    for (arm, events, total) in [(0, 30, 120), (1, 19, 118)] {
        (0..total).for_each(|i| rows += &format!("{arm},{}\n", u8::from(i < events)));
    }
    desk.write("rows.csv", rows);
    let of_rows = "[data]\nfile = \"rows.csv\"\nrows = \"patients\"\nmissing = \"drop\"\ncolumns = { outcome = \"died\", treatment = \"arm\" }\n";
    desk.write("rows.toml", format!("{ALONE}{BINARY}{of_rows}"));
    desk.write("table.csv", "y0,n0,y1,n1\n30,120,19,118\n");
    let of_table = "[data]\nfile = \"table.csv\"\nrows = \"counts\"\ncolumns = { control_events = \"y0\", control_total = \"n0\", active_events = \"y1\", active_total = \"n1\" }\n";
    desk.write("table.toml", format!("{ALONE}{BINARY}{of_table}"));
    for model in ["counts.toml", "estimate.toml", "rows.toml", "table.toml"] {
        for command in ["check", "fit", "compare", "decide"] {
            let mut call = vec![command, model];
            call.extend(["compare", "decide"].contains(&command).then_some("--full"));
            if model == "estimate.toml" && command == "decide" {
                desk.write("decision.toml", DECISION.replace("model.toml", model));
                call[1] = "decision.toml";
            }
            let told = desk.says(&call);
            for words in OF_SUBGROUPS {
                // Published estimates are decided on at another control risk.
                if call == ["decide", "decision.toml", "--full"] && words == "further similar" {
                    continue;
                }
                assert!(!told.contains(words), "{call:?}: {words}\n{told}");
            }
        }
        desk.says(&["report", model, "--out", "page.md"]);
        let page = desk.read("page.md");
        for words in [
            "One effect is assumed",
            "1 subgroup",
            "1 group",
            "every heterogeneity prior",
            "draws on the other",
        ] {
            assert!(!page.contains(words), "{model}: {words}\n{page}");
        }
    }
    // The same numbers as one named subgroup has under complete pooling, and as each form of the same data.
    let named = COUNTS.replace("[{ control", "[{ subgroup = \"all patients\", control");
    desk.write("named.toml", format!("{ALONE}{BINARY}{named}model = {{ pooling = \"complete\" }}\n"));
    let of = |model: &str| result(&desk, model)["probabilities"].clone();
    let benefit = |rows: &Value| rows.as_array().expect("rows")[0]["exact"].clone();
    for model in ["counts.toml", "rows.toml", "table.toml"] {
        assert_eq!(benefit(&of(model)), benefit(&of("named.toml")), "{model}");
    }
}

#[test]
fn what_belongs_to_subgroups_has_no_place_without_them() {
    let desk = Folder::new();
    let refuses = |text: String, told: &[&str]| {
        desk.write("model.toml", text);
        desk.refuses(&["check", "model.toml"], told);
    };
    let model = format!("{ALONE}{BINARY}{COUNTS}");
    refuses(format!("{model}[subgroup]\nname = \"sex\"\n"), &["[subgroup], and the data have no subgroups"]);
    refuses(
        format!("{model}model = {{ pooling = \"partial\" }}\n"),
        &["`pooling`, and the data have no subgroups", "nothing to pool"],
    );
    let spread = model.replace("0.355)\" }", "0.355)\", heterogeneity = \"half-normal(0.5)\" }");
    refuses(
        spread,
        &["a heterogeneity prior, and the data have no subgroups", "the spread between subgroups"],
    );
    let two = COUNTS
        .replace("[{", "[{ control = { events = 1, total = 9 }, active = { events = 2, total = 9 } }, {");
    refuses(
        format!("{ALONE}{BINARY}{two}"),
        &["`subgroup` is missing in entry 1", "write subgroup = \"men\""],
    );
    desk.write("table.csv", "y0,n0,y1,n1\n30,120,19,118\n3,12,1,11\n");
    let of_table = "[data]\nfile = \"table.csv\"\nrows = \"counts\"\ncolumns = { control_events = \"y0\", control_total = \"n0\", active_events = \"y1\", active_total = \"n1\" }\n";
    refuses(
        format!("{ALONE}{BINARY}{of_table}"),
        &["rows 2 and 3, and no column of subgroups", "columns = { subgroup ="],
    );
}

#[test]
fn a_first_model_without_subgroups_runs() {
    let desk = Folder::new();
    desk.write("table.csv", "placebo_events,placebo_n,drug_events,drug_n\n30,120,19,118\n");
    desk.write("hr.csv", "HR,lower,upper\n0.8,0.6,1.07\n");
    desk.write("arms.csv", "arm,events,n\nplacebo,30,120\ndrug,19,118\n");
    let said = ["--assignment", "randomised", "--higher-is", "worse", "--no-subgroup"];
    for (data, model) in [("table.csv", "table.toml"), ("hr.csv", "hr.toml"), ("arms.csv", "arms.toml")] {
        desk.says(&[&["new", data, "-o", model][..], &said].concat());
        let draft = desk.read(model);
        assert!(!draft.contains("[subgroup]") && !draft.contains("heterogeneity ="), "{draft}");
        assert!(desk.says(&["fit", model]).contains("all patients"));
    }
}

/// The model file of the book is what it shows.
#[test]
fn the_books_example_runs() {
    let text = include_str!("../docs/src/elsewhere.md");
    let file = include_str!("../examples/regimens.toml");
    assert!(text.contains(&format!("```toml\n{file}```")), "the page shows another file");
    let desk = Folder::new();
    desk.write("regimens.toml", file);
    desk.says(&["compare", "regimens.toml", "--full"]);
}
