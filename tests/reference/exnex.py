#!/usr/bin/env python3
"""Reference values for effects that are exchangeable or not, and for Student t effects, by brute-force integration.

    python3 exnex.py [--out exnex.json]

Needs numpy and scipy and reads no file. Every case is computed at two resolutions; the finer is written, with the largest change
between the two ("doubling_change").

Model:  mu ~ normal, tau ~ half-normal; estimates y_g ~ N(theta_g, se_g^2), or counts with log odds alpha_g -/+ theta_g / 2 and
alpha_g ~ normal. Either theta_g ~ w N(mu, tau^2) + (1 - w) N(m, s^2), or theta_g ~ t_nu(mu, tau).

Method: composite Gauss-Legendre panels in mu and tau, and in every theta_g at each node (mu, tau), with breaks at multiples of
tau around mu, at even steps of the likelihood, and at every value asked about. The baselines are integrated out by trapezoid sums
over alpha on a grid of theta, and interpolated by a cubic spline. Of effects that are exchangeable or not all 2^3 memberships
are summed one by one, each an integral of its own.
"""

import argparse
import itertools
import json
import math

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import gammaln, ndtr

AT = [-0.5, 0.0, 0.25]


def panels(ends, order):
    x, w = np.polynomial.legendre.leggauss(order)
    ends = np.asarray(ends)
    low, high = ends[..., :-1], ends[..., 1:]
    half = 0.5 * (high - low)
    nodes = low[..., None] + half[..., None] * (x + 1)
    return nodes, half[..., None] * w


def log_normal(x, mean, sd):
    z = (x - mean) / sd
    return -0.5 * z * z - math.log(math.sqrt(2 * math.pi)) - np.log(sd)


def likelihood_of_estimate(row, _):
    y, se = row
    return (lambda theta: log_normal(theta, y, se)), (y - 12 * se, y + 12 * se), se


def likelihood_of_counts(row, case):
    (y0, n0), (y1, n1) = row
    mean, sd = case["baseline"]
    rough = math.log((y1 + 0.5) / (n1 - y1 + 0.5)) - math.log((y0 + 0.5) / (n0 - y0 + 0.5))
    se = math.sqrt(sum(1 / (x + 0.5) for x in (y0, n0 - y0, y1, n1 - y1)))
    theta = np.linspace(rough - 14 * se, rough + 14 * se, 6001)
    centre = 0.5 * (math.log((y1 + 0.5) / (n1 - y1 + 0.5)) + math.log((y0 + 0.5) / (n0 - y0 + 0.5)))
    alpha = np.linspace(centre - 8, centre + 8, 3001)
    coefficient = sum(gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1) for y, n in row)
    values = np.empty_like(theta)
    for i, t in enumerate(theta):
        log = coefficient + log_normal(alpha, mean, sd)
        for (y, n), x in (((y0, n0), alpha - 0.5 * t), ((y1, n1), alpha + 0.5 * t)):
            log = log + y * x - n * np.logaddexp(0, x)
        high = log.max()
        values[i] = high + math.log(np.exp(log - high).sum() * (alpha[1] - alpha[0]))
    return CubicSpline(theta, values), (theta[0], theta[-1]), se


def integrals(log_kernel, centre, scale, likelihood, order):
    """By node: the whole of the kernel times the likelihood, theta times it, and what is above each value asked about."""
    at, (low, high), se = likelihood
    far = [0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8]
    while far[-1] * scale.min() < high - low:
        far.append(far[-1] * 1.5)
    steps = np.array([-c for c in reversed(far)] + [0.0] + far)
    moving = centre[:, None] + scale[:, None] * steps[None, :]
    still = np.concatenate([np.arange(low, high, se), [high], AT])
    ends = np.concatenate([moving, np.broadcast_to(still, (len(centre), len(still)))], axis=1)
    ends = np.sort(np.clip(ends, low, high), axis=1)
    x, w = panels(ends, order)
    f = w * np.exp(log_kernel(x, centre[:, None, None], scale[:, None, None]) + at(x))
    each, first = f.sum(axis=2), (f * x).sum(axis=2)
    middle = 0.5 * (ends[:, :-1] + ends[:, 1:])
    above = [np.where(middle > value, each, 0.0).sum(axis=1) for value in AT]
    return np.stack([each.sum(axis=1), first.sum(axis=1), *above])


def solve(case, order):
    m, s = case["effect"]
    # Of a further effect a small tau makes a step in mu at every value asked about.
    near = [x + side * step for x in AT for side in (-1, 1) for step in (0, 0.001, 0.003, 0.01, 0.03, 0.08, 0.16)]
    ends = np.unique(np.concatenate([np.linspace(m - 9 * s, m + 9 * s, 25), near]))
    mu, w_mu = (a.ravel() for a in panels(ends, order))
    ends = case["heterogeneity"] * np.array([0, 1e-5, 1e-4, 1e-3, 4e-3, 0.016, 0.05, 0.1, 0.2, 0.4, 0.8, 1.4, 2.2, 3.2, 4.5, 6, 8.5])
    tau, w_tau = (a.ravel() for a in panels(ends, order))
    scale = case["heterogeneity"]
    of = likelihood_of_counts if case["kind"] == "counts" else likelihood_of_estimate
    likelihoods = [of(row, case) for row in case["rows"]]
    weight = w_tau * 2 * np.exp(log_normal(tau, 0, scale))
    nu = case.get("df")

    def student(x, centre, scale):
        constant = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi)
        return constant - np.log(scale) - (nu + 1) / 2 * np.log1p(((x - centre) / scale) ** 2 / nu)

    kernel = student if nu else log_normal
    common = np.empty((len(likelihoods), 2 + len(AT), len(tau), len(mu)))
    for i, t in enumerate(tau):
        for g, likelihood in enumerate(likelihoods):
            common[g, :, i, :] = integrals(kernel, mu, np.full_like(mu, t), likelihood, order)
    prior = weight[:, None] * (w_mu * np.exp(log_normal(mu, m, s)))[None, :]
    w = 1.0 if nu else case["exchangeable"]
    alone = None
    if not nu:
        one = lambda v: np.array([v])
        a_mean, a_sd = case["stand_alone"]
        alone = [integrals(log_normal, one(a_mean), one(a_sd), l, 2 * order)[:, 0] for l in likelihoods]
    n = len(likelihoods)
    total = 0.0
    out = {"alone": np.zeros(n), "mean": np.zeros(n), "above": np.zeros((n, len(AT)))}
    opposed = {}
    moments = np.zeros(4)
    new = np.zeros(len(AT))
    for members in itertools.product([True, False], repeat=n) if not nu else [(True,) * n]:
        part = [w * common[g] if members[g] else (1 - w) * alone[g][:, None, None] * np.ones((1, len(tau), len(mu)))
                for g in range(n)]
        whole = prior.copy()
        for p in part:
            whole = whole * p[0]
        mass = whole.sum()
        total += mass
        for g in range(n):
            rest = prior.copy()
            for h in range(n):
                if h != g:
                    rest = rest * part[h][0]
            out["alone"][g] += 0.0 if members[g] else mass
            out["mean"][g] += (rest * part[g][1]).sum()
            for k in range(len(AT)):
                out["above"][g, k] += (rest * part[g][2 + k]).sum()
        zero = 2 + AT.index(0.0)
        for a, b in itertools.permutations(range(n), 2):
            rest = prior.copy()
            for h in range(n):
                if h not in (a, b):
                    rest = rest * part[h][0]
            value = (rest * part[a][zero] * (part[b][0] - part[b][zero])).sum()
            opposed[a, b] = opposed.get((a, b), 0.0) + value
        moments += [(whole * f).sum() for f in (mu[None, :], mu[None, :] ** 2, tau[:, None], tau[:, None] ** 2)]
        for k, x in enumerate(AT):
            z = (mu[None, :] - x) / tau[:, None]
            if nu:
                from scipy.stats import t as t_distribution
                above = t_distribution.cdf(z, nu)
            else:
                a_mean, a_sd = case["stand_alone"]
                above = w * ndtr(z) + (1 - w) * ndtr((a_mean - x) / a_sd)
            new[k] += (whole * above).sum()
    result = {
        "log_evidence": math.log(total),
        "stands_alone": (out["alone"] / total).tolist(),
        "mean": (out["mean"] / total).tolist(),
        "above": (out["above"] / total).tolist(),
        "opposed": [[opposed.get((a, b), 0.0) / total for b in range(n)] for a in range(n)],
        "mu": (moments[:2] / total).tolist(),
        "tau": (moments[2:] / total).tolist(),
        "new_above": (new / total).tolist(),
    }
    return result


ESTIMATES = [[0.9, 0.3], [-0.1, 0.25], [0.05, 0.4]]
COUNTS = [[[22, 46], [33, 70]], [[37, 71], [8, 34]], [[10, 40], [12, 41]]]
PRIORS = {"effect": [0.1, 0.5], "heterogeneity": 0.4}
MIXED = {"exchangeable": 0.6, "stand_alone": [-0.2, 0.9]}

CASES = [
    {"name": "estimates, exchangeable or not", "kind": "estimates", "rows": ESTIMATES, **PRIORS, **MIXED},
    {"name": "counts, exchangeable or not", "kind": "counts", "rows": COUNTS, "baseline": [0.0, 2.5], **PRIORS, **MIXED},
    {"name": "estimates, student-t(4)", "kind": "estimates", "rows": ESTIMATES, "df": 4, **PRIORS},
    {"name": "counts, student-t(2)", "kind": "counts", "rows": COUNTS, "baseline": [0.0, 2.5], "df": 2, **PRIORS},
]


def flat(x):
    if isinstance(x, dict):
        return [v for key in sorted(x) for v in flat(x[key])]
    return [v for item in x for v in flat(item)] if isinstance(x, list) else [x]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default="exnex.json")
    args = parser.parse_args()
    cases = []
    for case in CASES:
        coarse, fine = solve(case, 8), solve(case, 11)
        change = max(abs(a - b) for a, b in zip(flat(coarse), flat(fine)))
        print(case["name"], change, fine["stands_alone"])
        cases.append({**case, "at": AT, "result": fine, "doubling_change": change})
    with open(args.out, "w") as out:
        json.dump({"source": "tests/reference/exnex.py", "cases": cases}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
