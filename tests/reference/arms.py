"""Studies with several active arms by Gibbs sampling with Polya-Gamma variables (Polson, Scott & Windle 2013), in its own
parametrisation: coefficients with their standard deviations, not in units of them.

    python3 -m venv v && v/bin/pip install numpy scipy polyagamma && v/bin/python tests/reference/arms.py > tests/reference/arms.json

Given the Polya-Gamma variables all coefficients are jointly normal; given the coefficients each standard deviation is drawn from a
grid of its density (centred), and then once more given the standardised coefficients by a random walk (interwoven; Yu & Meng
2011). Means, standard deviations and probabilities stand with errors by batch means over 8 chains.
"""
import json
import sys

import numpy as np
from polyagamma import random_polyagamma
from scipy.special import expit

CHAINS, BURN, DRAWS, BATCHES = 8, 2_000, 30_000, 20

# Events and patients by subgroup and arm, control first; priors as in tests/arms.rs.
STUDIES = [
    dict(
        name="exchangeable",
        counts=[[(12, 40), (7, 38), (5, 21)], [(9, 25), (4, 30), (0, 12)]],
        related="exchangeable", control_share=1 / 3, higher_is_better=False,
        effect=(0.0, 0.5), tau=0.5, arms=0.4, interaction=0.3, baseline=dict(mean=0.0, sd=1.5),
    ),
    dict(
        name="separate",
        counts=[[(20, 45), (30, 50), (22, 41)], [(14, 33), (12, 31), (19, 29)], [(8, 30), (9, 28), (14, 33)]],
        related="separate", control_share=0.0, higher_is_better=True,
        effect=(0.1, 0.6), tau=0.4, arms=None, interaction=0.2, baseline=dict(mean=(0.0, 1.0), spread=0.7),
    ),
]


def design(study):
    """Rows of X by cell, prior means and variances of located columns, groups of scaled ones with their half-normal scales."""
    counts = study["counts"]
    G, A = len(counts), len(counts[0])
    columns, located, groups = {}, {}, {}

    def column(key, group=None, prior=None):
        columns[key] = len(columns)
        if group is None:
            located[columns[key]] = prior
        else:
            groups.setdefault(group, []).append(columns[key])

    base = study["baseline"]
    if "spread" in base:
        column("m", prior=base["mean"])
    for g in range(G):
        if "spread" in base:
            column(("a", g), "baselines")
        else:
            column(("a", g), prior=(base["mean"], base["sd"]))
        column(("z", g), "tau")
        for a in range(1, A):
            column(("w", g, a), "interaction")
    for a in range(1, A):
        if study["related"] == "separate":
            column(("mu", a), prior=study["effect"])
        else:
            column(("b", a), "arms")
    if study["related"] != "separate":
        column("mu", prior=study["effect"])

    def effect(g, a):
        row = np.zeros(len(columns))
        if a > 0:
            keys = [("z", g), ("w", g, a)] + ([("mu", a)] if study["related"] == "separate" else ["mu", ("b", a)])
            for key in keys:
                row[columns[key]] += 1
        return row

    rows = []
    for g in range(G):
        mean = sum(effect(g, a) for a in range(A)) * (study["control_share"])
        for a in range(A):
            row = effect(g, a) - mean
            row[columns[("a", g)]] += 1
            if "spread" in base:
                row[columns["m"]] += 1
            rows.append(row)
    scales = {"tau": study["tau"], "interaction": study["interaction"], "arms": study["arms"], "baselines": base.get("spread")}
    return np.array(rows), located, groups, {k: scales[k] for k in groups}


def on_grid(rng, b, scale):
    """A standard deviation given its centred coefficients, under half-normal(scale)."""
    grid = np.exp(np.linspace(np.log(1e-4 * scale), np.log(6 * scale), 4001))
    log = -len(b) * np.log(grid) - 0.5 * np.sum(b**2) / grid**2 - 0.5 * (grid / scale) ** 2 + np.log(grid)
    p = np.exp(log - log.max())
    c = np.cumsum(p)
    return float(np.interp(rng.uniform() * c[-1], c, grid))


def run(study, seed):
    rng = np.random.default_rng(seed)
    X, located, groups, scales = design(study)
    y = np.array([e for row in study["counts"] for e, _ in row], float)
    n = np.array([t for row in study["counts"] for _, t in row], float)
    P = X.shape[1]
    mean, precision = np.zeros(P), np.zeros(P)
    for j, (m, s) in located.items():
        mean[j], precision[j] = m, 1 / s**2
    tau = {k: 0.5 * s for k, s in scales.items()}
    b = np.zeros(P)
    log_likelihood = lambda b: float(np.sum(y * (X @ b) - n * np.logaddexp(0, X @ b)))
    kept = []
    for it in range(BURN + DRAWS):
        omega = random_polyagamma(n, X @ b, random_state=rng)
        for k, columns in groups.items():
            precision[columns] = 1 / tau[k] ** 2
        Q = X.T @ (omega[:, None] * X) + np.diag(precision)
        L = np.linalg.cholesky(Q)
        v = X.T @ (y - n / 2) + precision * mean
        b = np.linalg.solve(L.T, np.linalg.solve(L, v) + rng.standard_normal(P))
        for k, columns in groups.items():
            tau[k] = on_grid(rng, b[columns], scales[k])
            b[columns] *= 1.0
            old, ll = tau[k], log_likelihood(b)
            for _ in range(2):
                new = old * np.exp(0.8 * rng.standard_normal())
                moved = b.copy()
                moved[columns] *= new / old
                other = log_likelihood(moved)
                ratio = other - ll - 0.5 * (new**2 - old**2) / scales[k] ** 2 + np.log(new / old)
                if np.log(rng.uniform()) < ratio:
                    b, old, ll = moved, new, other
            tau[k] = old
        if it >= BURN:
            kept.append(np.concatenate([X @ b, [tau[k] for k in sorted(groups)]]))
    return np.array(kept)


def summarised(study):
    draws = np.array([run(study, 100 + c) for c in range(CHAINS)])
    G, A = len(study["counts"]), len(study["counts"][0])
    x = draws[:, :, : G * A].reshape(CHAINS, DRAWS, G, A)
    p = expit(x)
    sizes = np.array([sum(t for _, t in row) for row in study["counts"]], float)
    overall = np.tensordot(p, sizes / sizes.sum(), axes=([2], [0]))
    sign = 1 if study["higher_is_better"] else -1
    found = {}

    def put(name, values):
        batches = values.reshape(CHAINS * BATCHES, -1).mean(axis=1)
        found[name] = [float(values.mean()), float(batches.std(ddof=1) / np.sqrt(len(batches)))]

    for whom, risks in [("overall", overall)] + [(str(g), p[:, :, g]) for g in range(G)]:
        best = np.argmax(sign * risks, axis=-1)
        for a in range(A):
            put(f"risk {whom} {a}", risks[..., a])
            put(f"best {whom} {a}", (best == a).astype(float))
            for against in range(a):
                put(f"difference {whom} {a} {against}", risks[..., a] - risks[..., against])
                put(f"benefit {whom} {a} {against}", (sign * (risks[..., a] - risks[..., against]) > 0).astype(float))
    for g in range(G):
        for a in range(1, A):
            put(f"theta {g} {a}", x[:, :, g, a] - x[:, :, g, 0])
            put(f"theta squared {g} {a}", (x[:, :, g, a] - x[:, :, g, 0]) ** 2)
    _, _, groups, _ = design(study)
    for k, name in enumerate(sorted(groups)):
        put(f"sd {name}", draws[:, :, G * A + k])
    return found


json.dump({study["name"]: summarised(study) for study in STUDIES}, sys.stdout, indent=1)
print()
