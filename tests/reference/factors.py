"""Studies with several subgroup factors, in their own parametrisation and by three methods.

    python3 -m venv v && v/bin/pip install numpy scipy polyagamma && v/bin/python tests/reference/factors.py > tests/reference/factors.json

- "estimates": given the three standard deviations everything is jointly normal, and these are integrated by Gauss-Legendre
  quadrature. No Monte Carlo error.
- "horseshoe": the same estimates under a regularised horseshoe; its scales are sampled by differential-evolution Markov chains
  (ter Braak 2006), with coefficients integrated out.
- "counts": Gibbs sampling with Polya-Gamma variables (Polson, Scott & Windle 2013), a standard deviation drawn from a grid of its
  density given its coefficients, and then once more given the standardised ones (Yu & Meng 2011).

Errors of the last two are by batch means.
"""
import json
import sys

import numpy as np
from polyagamma import random_polyagamma
from scipy.special import expit
from scipy.stats import norm

# Three factors of two levels: log hazard ratios with standard errors (SOLVD by ejection fraction, sodium, vasodilator).
ESTIMATES = np.array([-0.37783038, -0.34655336, -0.79235451, -0.39334304, 0.06776454, -0.23655764, 0.15435495, 0.0594729])
ERRORS = np.array([0.110126563553, 0.100224697555, 0.198493904189, 0.172320080084, 0.21515489769, 0.154930726455, 0.321953350658, 0.278600789661])
LEVELS = [(f, s, v) for f in (0, 1) for s in (0, 1) for v in (0, 1)]
EFFECT, TAU = (0.0, 1.0), 0.25
GLOBAL, SLAB = 0.25, (2.0, 4.0)

# Events and patients, control first; factors of two and three levels, one combination without patients.
COUNTS = {(0, 0): [(12, 40), (7, 38)], (0, 1): [(9, 25), (4, 30)], (0, 2): [(14, 22), (9, 25)], (1, 0): [(8, 51), (9, 47)], (1, 2): [(6, 19), (0, 17)]}


def weights(whom):
    share = 1 / ERRORS**2
    own = np.array([1.0 if whom is None or level[whom[0]] == whom[1] else 0.0 for level in LEVELS])
    return own * share / np.sum(own * share)


WHOSE = [("overall", None)] + [(f"level {f} {l}", (f, l)) for f in range(3) for l in range(2)]
# Columns: mu, then two levels of each factor.
X = np.array([[1.0] + [float(level[f] == l) for f in range(3) for l in range(2)] for level in LEVELS])


def given(variances):
    """Log marginal likelihood, conditional mean and covariance of the coefficients; `variances` are of all shifts, by row."""
    V = np.concatenate([np.full((len(variances), 1), EFFECT[1] ** 2), variances], axis=1)
    S = np.einsum("ij,nj,kj->nik", X, V, X) + np.diag(ERRORS**2)
    r = ESTIMATES - EFFECT[0]
    L = np.linalg.cholesky(S)
    z = np.linalg.solve(L, np.broadcast_to(r, (len(V), len(r)))[..., None])[..., 0]
    log = -0.5 * np.sum(z**2, axis=1) - np.sum(np.log(np.diagonal(L, axis1=1, axis2=2)), axis=1)
    VX = V[:, :, None] * X.T[None]
    mean = np.einsum("nij,nj->ni", VX, np.linalg.solve(S, np.broadcast_to(r, (len(V), len(r)))[..., None])[..., 0])
    mean[:, 0] += EFFECT[0]
    covariance = V[:, :, None] * np.eye(7) - np.einsum("nij,njk->nik", VX, np.linalg.solve(S, np.swapaxes(VX, 1, 2)))
    return log, mean, covariance


def of_conditionals(mean, covariance):
    """By row: means, second moments and probabilities below zero of the averaged effects, and of differences of levels."""
    out = {}
    for name, whom in WHOSE:
        a = weights(whom) @ X
        m = mean @ a
        v = np.einsum("i,nij,j->n", a, covariance, a)
        out[f"mean {name}"], out[f"square {name}"], out[f"below {name}"] = m, m**2 + v, norm.cdf(-m / np.sqrt(v))
    for f in range(3):
        # The other factors alike: two shifts.
        a = np.zeros(7)
        a[1 + 2 * f], a[2 + 2 * f] = 1.0, -1.0
        m = mean @ a
        v = np.einsum("i,nij,j->n", a, covariance, a)
        out[f"apart {f}"] = norm.cdf(-m / np.sqrt(v))
    return out


def estimates():
    nodes, w = np.polynomial.legendre.leggauss(60)
    u, w = 0.5 * (nodes + 1), 0.5 * w
    # tau = 2 u^2, so that nodes are dense near zero.
    t, w = 2.0 * u**2, w * 4.0 * u
    w = w * np.exp(-0.5 * (t / TAU) ** 2)
    grid = np.array(np.meshgrid(t, t, t, indexing="ij")).reshape(3, -1).T
    weight = np.array(np.meshgrid(w, w, w, indexing="ij")).reshape(3, -1).prod(axis=0)
    sums, total = {}, 0.0
    logs = []
    parts = [slice(i, i + 20_000) for i in range(0, len(grid), 20_000)]
    for part in parts:
        logs.append(given(np.repeat(grid[part] ** 2, 2, axis=1))[0])
    top = max(log.max() for log in logs)
    for part, log in zip(parts, logs):
        _, mean, covariance = given(np.repeat(grid[part] ** 2, 2, axis=1))
        p = weight[part] * np.exp(log - top)
        total += p.sum()
        values = of_conditionals(mean, covariance)
        values.update({f"tau {f}": grid[part][:, f] for f in range(3)})
        for name, x in values.items():
            sums[name] = sums.get(name, 0.0) + float(np.sum(p * x))
    return {name: [x / total, 0.0] for name, x in sums.items()}


def horseshoe(chains=480, burn=6_000, steps=40_000, thin=20, batches=40):
    rng = np.random.default_rng(7)

    def variances(q):
        tau, local, c2 = np.exp(q[:, :1]), np.exp(q[:, 1:7]), np.exp(2 * q[:, 7:8])
        a = (tau * local) ** 2
        return c2 * a / (c2 + a)

    def density(q):
        tau, local, c = np.exp(q[:, 0]), np.exp(q[:, 1:7]), np.exp(q[:, 7])
        log = given(variances(q))[0]
        log = log - np.log1p((tau / GLOBAL) ** 2) + q[:, 0]
        log = log + np.sum(-np.log1p(local**2) + q[:, 1:7], axis=1)
        # c^2 is inverse gamma(nu/2, nu s^2/2); in log c.
        s, nu = SLAB
        return log - nu * q[:, 7] - 0.5 * nu * s**2 / c**2

    q = rng.standard_normal((chains, 8)) * 0.7 + np.array([-1.5] + [0.0] * 6 + [0.7])
    log = density(q)
    kept = []
    for it in range(burn + steps):
        half = it % 2
        own = np.arange(half, chains, 2)
        others = np.arange(1 - half, chains, 2)
        a, b = rng.permutation(others)[: len(own)], rng.permutation(others)[: len(own)]
        gamma = 1.0 if it % 10 < 2 else 2.38 / np.sqrt(2 * 8) * rng.uniform(0.4, 1.2)
        move = gamma * (q[a] - q[b]) + 0.05 * rng.standard_normal((len(own), 8))
        if it % 3 == 0:
            keep = rng.uniform(size=(len(own), 8)) < 0.4
            move = move * keep * 1.8
        new = q[own] + move
        other = density(new)
        taken = np.log(rng.uniform(size=len(own))) < other - log[own]
        q[own[taken]], log[own[taken]] = new[taken], other[taken]
        if it >= burn and (it - burn) % thin < 2:
            _, mean, covariance = given(variances(q))
            values = of_conditionals(mean, covariance)
            values["tau below 0.2"] = (np.exp(q[:, 0]) < 0.2).astype(float)
            values["slab below 2"] = (np.exp(q[:, 7]) < 2.0).astype(float)
            kept.append({name: x.mean() for name, x in values.items()})
    found = {}
    for name in kept[0]:
        x = np.array([k[name] for k in kept])
        x = x[: len(x) // batches * batches].reshape(batches, -1).mean(axis=1)
        found[name] = [float(x.mean()), float(x.std(ddof=1) / np.sqrt(batches))]
    return found


def on_grid(rng, b, scale):
    grid = np.exp(np.linspace(np.log(1e-4 * scale), np.log(6 * scale), 4001))
    log = -len(b) * np.log(grid) - 0.5 * np.sum(b**2) / grid**2 - 0.5 * (grid / scale) ** 2 + np.log(grid)
    p = np.exp(log - log.max())
    c = np.cumsum(p)
    return float(np.interp(rng.uniform() * c[-1], c, grid))


# Columns of the counts: mu, alpha, shifts by factor and level, main effects by factor and level.
SHAPE = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
TAUS = (0.4, 0.4)


def counts(chains=8, burn=2_000, draws=30_000, batches=20):
    cells, y, n = [], [], []
    for levels, arms in COUNTS.items():
        for arm, (events, total) in enumerate(arms):
            of = [float(levels[f] == l) for f, l in SHAPE]
            by = arm - 0.5
            cells.append([by, 1.0] + [by * x for x in of] + of)
            y.append(events)
            n.append(total)
    X, y, n = np.array(cells), np.array(y, float), np.array(n, float)
    groups = [np.array([2, 3]), np.array([4, 5, 6])]
    mean = np.zeros(12)
    precision = np.array([1 / 0.5**2, 1 / 1.5**2] + [1.0] * 5 + [1 / 0.8**2] * 5)
    everything = []
    for seed in range(chains):
        rng = np.random.default_rng(300 + seed)
        tau, b = [0.2, 0.2], np.zeros(12)
        log_likelihood = lambda b: float(np.sum(y * (X @ b) - n * np.logaddexp(0, X @ b)))
        kept = []
        for it in range(burn + draws):
            omega = random_polyagamma(n, X @ b, random_state=rng)
            for own, t in zip(groups, tau):
                precision[own] = 1 / t**2
            L = np.linalg.cholesky(X.T @ (omega[:, None] * X) + np.diag(precision))
            b = np.linalg.solve(L.T, np.linalg.solve(L, X.T @ (y - n / 2) + precision * mean) + rng.standard_normal(12))
            for k, own in enumerate(groups):
                t = on_grid(rng, b[own], TAUS[k])
                ll = log_likelihood(b)
                for _ in range(2):
                    new = t * np.exp(0.8 * rng.standard_normal())
                    moved = b.copy()
                    moved[own] *= new / t
                    other = log_likelihood(moved)
                    if np.log(rng.uniform()) < other - ll - 0.5 * (new**2 - t**2) / TAUS[k] ** 2 + np.log(new / t):
                        b, t, ll = moved, new, other
                tau[k] = t
            if it >= burn:
                kept.append(np.concatenate([b, tau, expit(X @ b)]))
        everything.append(kept)
    all_draws = np.array(everything)
    found = {}

    def put(name, values):
        means = values.reshape(chains * batches, -1).mean(axis=1)
        found[name] = [float(values.mean()), float(means.std(ddof=1) / np.sqrt(len(means)))]

    groups_of = list(COUNTS)
    sizes = np.array([sum(t for _, t in arms) for arms in COUNTS.values()], float)
    p = all_draws[:, :, 14:].reshape(chains, draws, len(groups_of), 2)
    for name, whom in [("overall", None)] + [(f"level {f} {l}", (f, l)) for f, l in SHAPE]:
        own = np.array([1.0 if whom is None or g[whom[0]] == whom[1] else 0.0 for g in groups_of]) * sizes
        risks = np.tensordot(p, own / own.sum(), axes=([2], [0]))
        put(f"control {name}", risks[..., 0])
        put(f"active {name}", risks[..., 1])
        difference = risks[..., 1] - risks[..., 0]
        put(f"difference {name}", difference)
        put(f"below {name}", (difference < 0).astype(float))
        put(f"below {name} by 0.1", (difference < -0.1).astype(float))
    names = ["mu", "alpha"] + [f"shift {f} {l}" for f, l in SHAPE] + [f"main {f} {l}" for f, l in SHAPE] + ["tau 0", "tau 1"]
    for k, name in enumerate(names):
        put(name, all_draws[:, :, k])
    return found


json.dump(dict(estimates=estimates(), horseshoe=horseshoe(), counts=counts()), sys.stdout, indent=1)
print()
