"""Times equipoise, Stan and nutpie on one synthetic trial: the same data, model and draws."""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
ENGINES = ["equipoise", "stan", "nutpie"]
SEED = 20250101
CHAINS = 4
DRAWS = 1000

MODEL_FILE = """\
title = "A synthetic trial"

[study]
assignment = "randomised"

[outcome]
name = "event"
{outcome}higher_is = "worse"

[treatment]
name = "treatment"
control = "control"
active = "active"

[data]
file = "trial.csv"
rows = "patients"
missing = "error"
columns = {{ outcome = "outcome", treatment = "treatment", subgroup = "subgroup" }}

[model]
pooling = "partial"
adjust = {adjust}

[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.25)"
{baseline}"""

BINARY = 'kind = "binary"\n'
BASELINE = 'baseline = "normal(0, 1.5)"\nbaseline_of = "control"\n'



def write_trial(folder, rows, subgroups, covariates, levels):
    """Writes trial.csv and trial.toml; the outcome has `levels` ordered levels, or is binary where there are 2."""
    rng = np.random.default_rng(SEED)
    alpha = rng.normal(-0.5, 0.5, subgroups)
    theta = rng.normal(-0.2, 0.15, subgroups)
    gamma = rng.normal(0, 0.3, covariates)
    subgroup = rng.integers(subgroups, size=rows)
    treatment = rng.integers(2, size=rows)
    x = rng.normal(size=(rows, covariates)).round(3)
    eta = alpha[subgroup] + treatment * theta[subgroup] + x @ gamma
    u = rng.random(rows)
    cuts = [0.0] if levels == 2 else np.linspace(2.0, -2.0, levels - 1)
    outcome = sum((u < 1 / (1 + np.exp(-eta - cut))).astype(int) for cut in cuts)

    names = [f"x{j + 1}" for j in range(covariates)]
    trial = pd.DataFrame({"outcome": outcome, "treatment": treatment})
    trial["subgroup"] = [f"g{g:02}" for g in subgroup]
    trial[names] = x
    trial.to_csv(folder / "trial.csv", index=False)
    adjust = ", ".join(f'{{ column = "{name}", prior = "normal(0, 1)" }}' for name in names)
    kind, baseline = BINARY, BASELINE
    if levels > 2:
        kind = f'kind = "ordinal"\nlevels = {list(range(levels))}\nabove = {levels // 2 - 1}\n'
        baseline = ""
    text = MODEL_FILE.format(outcome=kind, adjust=f"[{adjust}]", baseline=baseline)
    (folder / "trial.toml").write_text(text)


def read_trial(folder):
    """The columns of trial.csv, subgroups numbered from 0, covariates standardised."""
    trial = pd.read_csv(folder / "trial.csv")
    subgroup, names = pd.factorize(trial["subgroup"], sort=True)
    x = trial.drop(columns=["outcome", "treatment", "subgroup"])
    x = ((x - x.mean()) / x.std(ddof=1)).to_numpy()
    return trial["outcome"].to_numpy(), trial["treatment"].to_numpy(), subgroup, len(names), x


def summary(draws):
    """Least bulk ESS, and the means of mu and tau, of arrays (chain, draw, ...)."""
    import arviz

    ess = [
        float(arviz.ess(column, method="bulk"))
        for array in draws.values()
        for column in np.moveaxis(array.reshape(CHAINS, DRAWS, -1), 2, 0)
    ]
    return {"ess": min(ess), "mu": float(draws["mu"].mean()), "tau": float(draws["tau"].mean())}


def fit_stan(folder):
    import stan

    outcome, treatment, subgroup, subgroups, x = read_trial(folder)
    data = {
        "rows": len(outcome),
        "subgroups": subgroups,
        "covariates": x.shape[1],
        "outcome": outcome,
        "treatment": treatment,
        "subgroup": subgroup + 1,
        "x": x,
    }
    program = "trial.stan"
    if outcome.max() > 1:
        program = "levels.stan"
        data.update(levels=int(outcome.max()) + 1, outcome=outcome + 1)
    start = time.perf_counter()
    model = stan.build((HERE / program).read_text(), data=data, random_seed=SEED)
    compiled = time.perf_counter()
    fit = model.sample(num_chains=CHAINS, num_samples=DRAWS)
    sampled = time.perf_counter()
    # PyStan's last axis holds the chains' first draws, then their second draws, and so on.
    draws = {
        name: np.moveaxis(fit[name].reshape(-1, DRAWS, CHAINS), 0, -1).swapaxes(0, 1)
        for name in ["mu", "tau", "theta"]
    }
    return {"compile": compiled - start, "sampling": sampled - compiled, **summary(draws)}


def fit_nutpie(folder):
    import nutpie
    import pymc

    outcome, treatment, subgroup, subgroups, x = read_trial(folder)
    with pymc.Model() as model:
        mu = pymc.Normal("mu", 0, 0.355)
        tau = pymc.HalfNormal("tau", 0.25)
        z = pymc.Normal("z", 0, 1, shape=subgroups)
        theta = pymc.Deterministic("theta", mu + tau * z)
        ordinal = outcome.max() > 1
        alpha = pymc.Normal("w", 0, 1.0 if ordinal else 1.5, shape=subgroups)
        if ordinal:
            alpha = alpha * pymc.HalfNormal("shift", 1)
        gamma = pymc.Normal("gamma", 0, 1, shape=x.shape[1])
        eta = alpha[subgroup] + treatment * theta[subgroup] + x @ gamma
        if ordinal:
            levels = int(outcome.max()) + 1
            order = pymc.distributions.transforms.ordered
            start_at = np.linspace(-2, 2, levels - 1)
            cut = pymc.Flat("cut", shape=levels - 1, transform=order, initval=start_at)
            above = pymc.math.sigmoid(-cut)
            # The Dirichlet of ones has a constant density: its Jacobian is left.
            pymc.Potential("induced", pymc.math.log(above * (1 - above)).sum())
            pymc.OrderedLogistic("outcome", eta=eta, cutpoints=cut, observed=outcome, compute_p=False)
        else:
            pymc.Bernoulli("outcome", logit_p=eta, observed=outcome)
    start = time.perf_counter()
    compiled_model = nutpie.compile_pymc_model(model)
    compiled = time.perf_counter()
    trace = nutpie.sample(compiled_model, chains=CHAINS, draws=DRAWS, seed=SEED, progress_bar=False)
    sampled = time.perf_counter()
    draws = {name: np.asarray(trace.posterior[name]) for name in ["mu", "tau", "theta"]}
    return {"compile": compiled - start, "sampling": sampled - compiled, **summary(draws)}


def read_equipoise(run):
    """The same summary, of equipoise's run folder."""
    result = json.loads((run / "result.json").read_text())
    rows = {row["name"]: row for row in result["parameters"]}
    names = [name for name in rows if name in ("mu", "tau") or name.startswith("theta[")]
    return {
        "ess": min(rows[name]["ess_bulk"] for name in names),
        "mu": rows["mu"]["mean"],
        "tau": rows["tau"]["mean"],
    }


def children_cpu():
    """Processor seconds of all processes that this one started and that ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(engine, folder):
    """Runs an engine as a process of its own; None if it failed."""
    if engine == "equipoise":
        run = folder / "run"
        program = os.environ.get("EQUIPOISE", HERE.parents[1] / "target/dist/equipoise")
        program = Path(program).resolve()
        options = ["--draws", str(DRAWS), "--chains", str(CHAINS), "--out", run]
        command = [program, "fit", folder / "trial.toml", *options]
    else:
        command = [sys.executable, HERE / "peers.py", "--folder", folder, "--fit", engine]
    with tempfile.TemporaryDirectory() as cache, open(folder / f"{engine}.log", "w") as log:
        # An empty cache: every run compiles its model. PyStan writes into the current folder too.
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": cache,
            "PYTENSOR_FLAGS": f"base_compiledir={cache}/pytensor",
        }
        start, cpu_start = time.perf_counter(), children_cpu()
        done = subprocess.run(command, cwd=cache, env=environment, stdout=log, stderr=log)
        times = {"whole": time.perf_counter() - start, "cpu": children_cpu() - cpu_start}
    if done.returncode != 0:
        print(f"{engine} failed with status {done.returncode}: see {log.name}", file=sys.stderr)
        return None
    if engine == "equipoise":
        return {**times, "compile": 0.0, "sampling": None, **read_equipoise(run)}
    return {**times, **json.loads((folder / f"{engine}.json").read_text())}


def print_table(results):
    """One line an engine; ratios are to equipoise."""
    print(
        f"{'engine':<10}{'whole s':>9}{'ratio':>8}{'CPU s':>9}{'compile s':>11}{'sampling s':>12}"
        f"{'least ESS':>11}{'ESS/s':>9}{'ratio':>9}{'mean mu':>9}{'mean tau':>10}"
    )
    for result in results.values():
        result["rate"] = result["ess"] / (result["whole"] - result["compile"])
    base = results.get("equipoise")
    for engine, result in results.items():
        whole_ratio = f"{result['whole'] / base['whole']:.3g}" if base else "-"
        rate_ratio = f"{result['rate'] / base['rate']:.3g}" if base else "-"
        sampling = "-" if result["sampling"] is None else f"{result['sampling']:.2f}"
        print(
            f"{engine:<10}{result['whole']:>9.2f}{whole_ratio:>8}{result['cpu']:>9.2f}"
            f"{result['compile']:>11.2f}{sampling:>12}{result['ess']:>11.0f}"
            f"{result['rate']:>9.1f}{rate_ratio:>9}{result['mu']:>9.4f}{result['tau']:>10.4f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--subgroups", type=int, default=10)
    parser.add_argument("--covariates", type=int, default=6)
    parser.add_argument("--levels", type=int, default=2, help="ordered levels of the outcome; 2 is a binary one")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--folder", type=Path, required=True, help="where files are written")
    parser.add_argument("--fit", choices=["stan", "nutpie"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder.resolve()

    if options.fit:
        fit = {"stan": fit_stan, "nutpie": fit_nutpie}[options.fit]
        (folder / f"{options.fit}.json").write_text(json.dumps(fit(folder)))
        return

    folder.mkdir(parents=True, exist_ok=True)
    write_trial(folder, options.rows, options.subgroups, options.covariates, options.levels)
    print(
        f"{options.rows} rows, {options.subgroups} subgroups, {options.covariates} covariates, {options.levels} levels; "
        f"{CHAINS} chains of {DRAWS} draws; {os.cpu_count()} processors"
    )
    print(", ".join(f"{name} {version(name)}" for name in ["pystan", "httpstan", "nutpie", "pymc"]))
    measured = {engine: measure(engine, folder) for engine in options.engines}
    print_table({engine: result for engine, result in measured.items() if result})
    sys.exit(None in measured.values())


if __name__ == "__main__":
    main()
