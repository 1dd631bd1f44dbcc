"""What others do with the program's files: an editor validates model files against the schema; Python reads the results
and checks them against its own computation.

Usage: interoperability.py PATH_TO_EQUIPOISE
"""

import csv
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import tomllib

import jsonschema
import numpy as np
from scipy import integrate, stats

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
ROOT = pathlib.Path(__file__).resolve().parent.parent
passed = 0


def holds(what, condition):
    global passed
    if not condition:
        sys.exit(f"FAILED: {what}")
    passed += 1


def run(*arguments, folder=None):
    return subprocess.run([PROGRAM, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def schema_accepts_the_shipped_models_and_refuses_bad_ones():
    schema = json.loads((ROOT / "models/model.schema.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    models = sorted((ROOT / "models").glob("*.toml"))
    holds("seventeen models are shipped", len(models) == 17)
    for path in models:
        errors = list(validator.iter_errors(tomllib.loads(path.read_text())))
        holds(f"{path.name} satisfies the schema: {errors[:1]}", not errors)
    model = tomllib.loads(models[0].read_text())
    model["outcome"]["higher_is"] = "good"
    holds("a wrong direction is refused", not validator.is_valid(model))
    model = tomllib.loads(models[0].read_text())
    model["study"]["assignement"] = "randomised"
    holds("an unknown key is refused", not validator.is_valid(model))


def schema_accepts_the_shipped_decisions_and_refuses_bad_ones():
    validator = jsonschema.Draft7Validator(json.loads((ROOT / "decisions/decision.schema.json").read_text()))
    decisions = sorted((ROOT / "decisions").glob("*.toml"))
    holds("four decisions are shipped", len(decisions) == 4)
    for path in decisions:
        errors = list(validator.iter_errors(tomllib.loads(path.read_text())))
        holds(f"{path.name} satisfies the schema: {errors[:1]}", not errors)
    decision = tomllib.loads((ROOT / "decisions/rescue-stenting.toml").read_text())
    decision["rule"][0]["all"][0]["atleast"] = 0.05
    holds("an unknown key is refused", not validator.is_valid(decision))


def expected_utilities_follow_from_the_means_that_stand_beside_them():
    found = json.loads(run("decide", "rescue-stenting", "--format", "json"))
    values = {o["name"]: o["values"] for o in found["outcomes"] if o["values"]}
    for action in found["actions"]:
        if action["expected_utility"] is None:
            continue
        risk = "mean_risk_active" if action["action"] == "stent" else "mean_risk_control"
        here = [e for e in found["effects"] if (e["scope"], e["subgroup"]) == (action["scope"], action["subgroup"])]
        utility = sum(
            values[e["outcome"]]["no_event"] * (1 - e[risk]) + values[e["outcome"]]["event"] * e[risk]
            for e in here
            if e["outcome"] in values
        )
        holds(f"{action}", abs(utility - action["expected_utility"]) < 1e-12)


def csv_and_json_say_the_same():
    with tempfile.TemporaryDirectory() as folder:
        table = list(csv.DictReader(run("fit", "ras-basilar-death", "--format", "csv", folder=folder).splitlines()))
        result = json.loads((pathlib.Path(folder) / "runs/ras-basilar-death/result.json").read_text())
    probabilities = [r for r in table if r["row"] == "probability"]
    holds("as many rows", len(probabilities) == len(result["probabilities"]))
    for row, entry in zip(probabilities, result["probabilities"]):
        same = row["probability"] == "" if entry["probability"] is None else float(row["probability"]) == entry["probability"]
        holds(f"row {row}", same and row["statement"] == entry["statement"])
        holds("the caveat stands in every row", "not randomised" in row["caveat"])
    for entry in result["probabilities"]:
        if entry["probability"] is not None:
            holds("a probability", 0 <= entry["probability"] <= 1)
            best = entry["sampled"] if entry["exact"] is None else entry["exact"]
            holds("the exact number where there is one", entry["probability"] == best)


def a_single_table_agrees_with_adaptive_quadrature():
    """ATTENTION: one table, complete pooling; P(RD > 0.05) by QUADPACK over (control log odds, theta)."""
    with tempfile.TemporaryDirectory() as folder:
        result = json.loads(run("fit", "attention-evt", "--format", "json", folder=folder))
    found = {
        (p["statement"], p["measure"], p["threshold"]): p["exact"]
        for p in result["probabilities"]
        if p["scope"] == "subgroup"
    }
    y0, n0, y1, n1 = 26, 114, 104, 226

    def density(alpha, theta):
        log = y0 * alpha - n0 * np.logaddexp(0, alpha) + y1 * (alpha + theta) - n1 * np.logaddexp(0, alpha + theta)
        # The prior of the baseline is of the mean of the arms' log odds.
        baseline = stats.norm.pdf(alpha + 0.5 * theta, 0, 2.5)
        return math.exp(log + 220.0) * baseline * stats.norm.pdf(theta, 0, 0.355)

    def mass(lower):
        inner = lambda alpha: integrate.quad(lambda t: density(alpha, t), lower(alpha), 3, epsabs=0, epsrel=1e-11)[0]
        return integrate.quad(inner, -2.6, 0.2, epsabs=0, epsrel=1e-10)[0]

    logit = lambda p: math.log(p / (1 - p))
    total = mass(lambda alpha: -2)
    at_least = mass(lambda alpha: logit(1 / (1 + math.exp(-alpha)) + 0.05) - alpha) / total
    benefit = mass(lambda alpha: 0.0) / total
    holds("P(RD > 0.05)", abs(found["benefit_at_least", "risk_difference", 0.05] - at_least) < 1e-7)
    holds("P(RD > 0)", abs(found["benefit", "risk_difference", 0.0] - benefit) < 1e-7)


def draws_summarise_to_what_the_result_says():
    with tempfile.TemporaryDirectory() as folder:
        result = json.loads(run("fit", "ras-basilar-function", "--format", "json", folder=folder))
        runs = pathlib.Path(folder) / "runs/ras-basilar-function"
        tables = {}
        for name in ("parameters", "estimands", "diagnostics"):
            with open(runs / f"draws_{name}.csv", newline="") as file:
                rows = list(csv.reader(file))
            columns = np.array(rows[1:], dtype=float).T
            tables[name] = dict(zip(rows[0], columns))
    sampler = result["settings"]["sampler"]
    n = sampler["chains"] * sampler["draws"]
    parameters, estimands = tables["parameters"], tables["estimands"]
    holds("chains, iterations, draws", list(parameters)[:3] == [".chain", ".iteration", ".draw"] and len(parameters[".draw"]) == n)
    for row in result["parameters"]:
        draws = parameters[row["name"]]
        holds(f"mean of {row['name']}", abs(draws.mean() - row["mean"]) < 1e-12)
        holds(f"sd of {row['name']}", abs(draws.std(ddof=1) / row["sd"] - 1) < 1e-11)
        for key, p in (("median", 0.5), ("q2_5", 0.025), ("q97_5", 0.975)):
            holds(f"{key} of {row['name']}", abs(np.quantile(draws, p) - row[key]) < 1e-12)
    diagnostics = {name: column.reshape(sampler["chains"], -1) for name, column in tables["diagnostics"].items()}
    for chain, summary in enumerate(result["checks"]["chains"]):
        of = lambda name: diagnostics[name][chain]
        holds("acceptance", abs(of("accept_stat__").mean() - summary["acceptance"]) < 1e-12)
        holds("leapfrog steps", abs(of("n_leapfrog__").mean() - summary["steps"]) < 1e-9)
        holds("depth", of("treedepth__").max() == summary["max_depth"])
        holds("divergences", of("divergent__").sum() == summary["divergences"])
        holds("step size", (of("stepsize__") == summary["step_size"]).all())
        energy = of("energy__")
        ebfmi = (np.diff(energy) ** 2).sum() / ((energy - energy.mean()) ** 2).sum()
        holds("E-BFMI", abs(ebfmi / summary["ebfmi"] - 1) < 1e-9)
    for row in result["probabilities"]:
        if row["scope"] == "subgroup" and row["measure"] == "risk_difference":
            draws = estimands[f"risk_difference[{row['subgroup']}]"]
            t = row["threshold"]
            share = {
                "benefit": draws > 0,
                "harm": draws < 0,
                "benefit_at_least": draws > t,
                "harm_at_least": draws < -t,
                "equivalent": abs(draws) < t,
            }[row["statement"]].mean()
            holds(f"share of draws: {row}", abs(share - row["sampled"]) < 1e-12)
    sizes = {r["subgroup"]: r["control"]["total"] + r["active"]["total"] for r in result["data"]["audit"]["rows"]}
    patients = sum(sizes.values())
    for arm in ("control", "active"):
        averaged = sum(size / patients * estimands[f"risk_{arm}[{name}]"] for name, size in sizes.items())
        holds(f"overall risk, {arm}", np.abs(averaged - estimands[f"overall.risk_{arm}"]).max() < 1e-14)


schema_accepts_the_shipped_models_and_refuses_bad_ones()
schema_accepts_the_shipped_decisions_and_refuses_bad_ones()
expected_utilities_follow_from_the_means_that_stand_beside_them()
csv_and_json_say_the_same()
a_single_table_agrees_with_adaptive_quadrature()
draws_summarise_to_what_the_result_says()
print(f"{passed} passed, 0 failed")
