#!/usr/bin/env python3
"""Reference values for correlated estimates, by brute-force integration over mu and tau.

    python3 correlated.py [--out correlated.json]

Needs numpy and scipy and reads no file. Every case is computed at two resolutions; the finer is written, with the largest change
between the two ("doubling_change").

Model:  y ~ N(theta, Sigma), theta_g ~ N(mu, tau^2), mu ~ effect prior, tau ~ heterogeneity prior.

Method: composite Gauss-Legendre panels in mu and in tau, geometric, and finer in mu around the values
asked about, where a small tau makes a step. At every node (mu, tau)

    p(y | mu, tau)   = N(y; mu 1, Sigma + tau^2 I)
    theta | y, mu, tau ~ N(mu 1 + tau^2 V^-1 (y - mu 1), tau^2 I - tau^4 V^-1),   V = Sigma + tau^2 I,

by general linear solves for each tau: no eigenvectors, no closed form in mu. Probabilities of one effect, of a difference and
of a further effect are normal tails at each node; that of opposite signs is a Gauss-Legendre sum over the first effect.
"""

import argparse
import json
import math

import numpy as np
from scipy.special import ndtr



def above(x, mean, sd):
    """P(N(mean, sd^2) > x)."""
    return ndtr((mean - x) / sd)


def panels(ends, order):
    x, w = np.polynomial.legendre.leggauss(order)
    low, high = np.array(ends[:-1]), np.array(ends[1:])
    half = 0.5 * (high - low)
    return (low[:, None] + half[:, None] * (x + 1)).ravel(), (half[:, None] * w).ravel()


def log_effect(prior, mu):
    kind = prior[0]
    if kind == "normal":
        z = (mu - prior[1]) / prior[2]
        return -0.5 * z * z - math.log(prior[2] * math.sqrt(2 * math.pi))
    if kind == "student-t":
        nu, m, s = prior[1:]
        constant = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi) - math.log(s)
        return constant - (nu + 1) / 2 * np.log1p(((mu - m) / s) ** 2 / nu)
    return np.zeros_like(mu)


def log_spread(prior, tau):
    kind, scale = prior
    if kind == "half-normal":
        return math.log(2 / (scale * math.sqrt(2 * math.pi))) - 0.5 * (tau / scale) ** 2
    return math.log(2 / (math.pi * scale)) - np.log1p((tau / scale) ** 2)


def solve(case, order):
    y, sigma = np.array(case["estimates"]), np.array(case["covariance"])
    k = len(y)
    ones = np.ones(k)
    grow = [2.0 ** (0.5 * i) for i in range(-3, 29)]
    ends = {0.0, *grow, *(-x for x in grow)}
    ends |= {c + sign * 2.0**-i for c in case["at"] for sign in (-1, 1) for i in range(3, 15)} | set(case["at"])
    mus, mu_weights = panels(sorted(ends), order)
    reach = [2.0 ** (0.5 * i) for i in range(-18, 23 if case["spread"][0] == "half-cauchy" else 5)]
    taus, tau_weights = panels([0.0] + reach, order)
    inner, inner_weights = panels(np.linspace(-1.0, 1.0, 5), order)

    log_p = np.empty((len(taus), len(mus)))
    keep = []
    for i, tau in enumerate(taus):
        v = sigma + tau**2 * np.eye(k)
        inverse = np.linalg.solve(v, np.eye(k))
        _, log_determinant = np.linalg.slogdet(v)
        d = y[:, None] - ones[:, None] * mus
        quadratic = np.einsum("im,ij,jm->m", d, inverse, d)
        log_p[i] = (
            -0.5 * (quadratic + log_determinant + k * math.log(2 * math.pi))
            + log_effect(case["effect"], mus)
            + log_spread(case["spread"], tau)
        )
        mean = mus + tau**2 * (inverse @ d)
        covariance = tau**2 * np.eye(k) - tau**4 * inverse
        keep.append((mean, covariance))
    high = log_p.max()
    weight = np.exp(log_p - high) * mu_weights * tau_weights[:, None]
    total = weight.sum()
    weight /= total
    out = {}
    if case["effect"][0] != "flat":
        out["log_marginal"] = high + math.log(total)
    marginal_mu = weight.sum(axis=0)
    out["mu_mean"] = float(marginal_mu @ mus)
    out["mu_above"] = float(marginal_mu[mus > 0].sum())
    if case["spread"][0] == "half-normal":
        out["tau_mean"] = float(weight.sum(axis=1) @ taus)
        out["mu_sd"] = float(math.sqrt(marginal_mu @ (mus - out["mu_mean"]) ** 2))
    def expect(of):
        return float(sum((weight[i] * of(i)).sum() for i in range(len(taus)) if weight[i].sum() > 1e-18))

    at = case["at"]
    out["theta_mean"] = [expect(lambda i, g=g: keep[i][0][g]) for g in range(k)]
    out["theta_sd"] = [
        math.sqrt(expect(lambda i, g=g: (keep[i][0][g] - out["theta_mean"][g]) ** 2 + keep[i][1][g, g])) for g in range(k)
    ]
    sd = lambda i, g: math.sqrt(keep[i][1][g, g])
    out["theta_above"] = [
        [expect(lambda i, g=g, x=x: above(x, keep[i][0][g], sd(i, g))) for x in at] for g in range(k)
    ]
    out["new_above"] = [expect(lambda i, x=x: above(x, mus, taus[i])) for x in at]
    out["difference_above"], out["above_below"] = {}, {}
    for a in range(k):
        for b in range(k):
            if a == b:
                continue

            def apart(i, x, a=a, b=b):
                mean, c = keep[i]
                spread = math.sqrt(max(c[a, a] + c[b, b] - 2 * c[a, b], 1e-300))
                return above(x, mean[a] - mean[b], spread)

            def opposed(i, a=a, b=b):
                mean, c = keep[i]
                sa = math.sqrt(c[a, a])
                by = c[a, b] / c[a, a]
                rest = math.sqrt(max(c[b, b] - by * c[a, b], 1e-300))
                low = np.maximum(-mean[a] / sa, -9.0)
                half = 0.5 * np.maximum(9.0 - low, 0.0)
                z = low[:, None] + half[:, None] * (inner + 1)
                inside = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
                heavy = weight[i] > 1e-17
                found = np.zeros(len(mus))
                below = 1 - above(0.0, (mean[b][:, None] + by * sa * z)[heavy], rest)
                found[heavy] = ((inside[heavy] * below) @ inner_weights) * half[heavy]
                return found

            name = f"{a}:{b}"
            out["difference_above"][name] = [expect(lambda i, x=x: apart(i, x)) for x in at]
            out["above_below"][name] = expect(opposed)
    return out


CASES = [
    {
        "name": "three of one registry",
        "estimates": [-0.3, 0.1, -0.5],
        "covariance": [[0.04, 0.02, 0.01], [0.02, 0.05, 0.015], [0.01, 0.015, 0.09]],
        "effect": ["normal", 0.0, 0.355],
        "spread": ["half-normal", 0.5],
    },
    {
        "name": "strongly correlated, heavy-tailed prior of the effect",
        "estimates": [0.62, 0.35, 0.9],
        "covariance": [[0.09, 0.081, 0.05], [0.081, 0.1, 0.06], [0.05, 0.06, 0.16]],
        "effect": ["student-t", 4.0, 0.1, 0.4],
        "spread": ["half-normal", 0.25],
    },
    {
        "name": "negatively correlated, flat",
        "estimates": [0.2, -0.4, 0.5],
        "covariance": [[0.12, -0.05, -0.02], [-0.05, 0.08, 0.01], [-0.02, 0.01, 0.3]],
        "effect": ["flat"],
        "spread": ["half-cauchy", 0.3],
    },
]


def changes(a, b):
    if isinstance(a, dict):
        return max(changes(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return max(changes(x, y) for x, y in zip(a, b))
    return abs(a - b)


def words(prior):
    return prior[0] if len(prior) == 1 else f"{prior[0]}({', '.join(repr(x) for x in prior[1:])})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default="correlated.json")
    args = parser.parse_args()
    cases = []
    for case in CASES:
        case["at"] = [0.0, 0.25]
        coarse, fine = solve(case, 10), solve(case, 14)
        change = changes(coarse, fine)
        print(f"{case['name']}: changes by {change:.1e}")
        cases.append(
            {
                "name": case["name"],
                "estimates": case["estimates"],
                "covariance": case["covariance"],
                "effect": words(case["effect"]),
                "heterogeneity": words(case["spread"]),
                "at": case["at"],
                "doubling_change": change,
                "values": fine,
            }
        )
    with open(args.out, "w") as f:
        json.dump({"about": "Made by correlated.py.", "cases": cases}, f, indent=1)
        f.write("\n")


main()
