#!/usr/bin/env python3
"""Reference values for ordinal outcomes, by direct numerical integration.

    python3 levels.py [--out levels.json]

Needs numpy only and reads no file. Every case is computed twice, the second time with twice as many nodes over wider ranges;
the second values are written, with the largest change between the two ("refinement_change"). About two minutes on one core.

Model
-----
Levels 0 … 3, cuts 0 … 2. Log odds of lying above cut k in the control arm of subgroup g: x_gk; in the active arm
x_gk + theta + delta f_k. Control arm's level probabilities of a typical subgroup: Dirichlet(a).

shared:        x_gk = b_k + alpha_g, alpha_g ~ N(0, s^2); b has the Dirichlet prior.
by subgroup:   x_g has the Dirichlet prior for each g.
Pooling is complete: theta ~ N(0, s_theta^2) for all subgroups. delta ~ N(0, s_delta^2) where the order of the active arm's
cut points is kept, and density zero where it is not.

Method
------
Trapezoid sums, which converge geometrically for smooth integrands that vanish at the ends. Coordinates: log odds at the primary
cut (x), logarithms of the two gaps between neighbouring cuts, theta, delta.

shared: for every (gaps, theta, delta) the likelihood of subgroup g is a vector over x; its Gaussian smoothing over alpha is one
matrix, and what is left is a sum over b.
"""

import argparse
import json
import math

import numpy as np


def sigma(x):
    return 1.0 / (1.0 + np.exp(-x))


def log_levels(x):
    """ln P(Y = k) from the log odds of lying above each cut, last axis first: x has shape (3, ...)."""
    s = [sigma(v) for v in x]
    p = [sigma(-x[0]), s[0] - s[1], s[1] - s[2], s[2]]
    with np.errstate(divide="ignore", invalid="ignore"):
        return [np.log(np.where(v > 0, v, 0.0)) for v in p]


def log_likelihood(x, counts):
    total = 0.0
    for n, log_p in zip(counts, log_levels(x)):
        if n:
            total = total + n * log_p
    return total


def coefficients(data):
    """Logarithm of the multinomial coefficients of all arms."""
    def of(counts):
        return math.lgamma(sum(counts) + 1) - sum(math.lgamma(n + 1) for n in counts)
    return sum(of(g["control"]) + of(g["active"]) for g in data)


def log_dirichlet(x, a):
    """Density of the log odds x whose level probabilities are Dirichlet(a)."""
    total = math.lgamma(sum(a)) - sum(math.lgamma(v) for v in a)
    for ai, log_p in zip(a, log_levels(x)):
        total = total + (ai - 1) * log_p
    for v in x:
        total = total + np.log(sigma(v)) + np.log(sigma(-v))
    return total


def cuts(x, g1, g2, primary):
    """Log odds by cut from that at the primary one and the gaps between neighbours."""
    if primary == 0:
        return x, x - g1, x - g1 - g2
    if primary == 1:
        return x + g1, x, x - g2
    return x + g1 + g2, x + g2, x


def normal(x, sd):
    return np.exp(-0.5 * (x / sd) ** 2) / (sd * math.sqrt(2 * math.pi))


def grid(centre, half, n):
    x = np.linspace(centre - half, centre + half, n)
    return x, x[1] - x[0]


def span(centre, below, above, n):
    x = np.linspace(centre - below, centre + above, n)
    return x, x[1] - x[0]


def probabilities(x):
    s = [sigma(v) for v in x]
    return [1 - s[0], s[0] - s[1], s[1] - s[2], s[2]]


def win(control, active):
    """P(active level > control level) + half P(equal)."""
    total, below = 0.0, 0.0
    for c, a in zip(control, active):
        total = total + a * (below + 0.5 * c)
        below = below + c
    return total


class Moments:
    def __init__(self):
        self.sums = {}

    def add(self, name, weight, value):
        s = self.sums.setdefault(name, [0.0, 0.0])
        s[0] += float((weight * value).sum())
        s[1] += float((weight * value * value).sum())

    def of(self, total):
        out = {}
        for name, (one, two) in self.sums.items():
            mean = one / total
            out[name] = {"mean": mean, "sd": math.sqrt(max(two / total - mean * mean, 0.0))}
        return out


def shared(case, refine):
    """Shared cut points with a departure."""
    p, a, f, u = case["primary"], case["dirichlet"], case["f"], case["utilities"]
    s, s_theta, s_delta = case["shift"], case["theta_sd"], case["delta_sd"]
    n = (lambda k: int(k * 1.5)) if refine else (lambda k: k)
    wide = 1.15 if refine else 1.0
    data = case["subgroups"]
    every = np.array([v for g in data for v in (g["control"], g["active"])]).sum(0)
    share = np.cumsum(every[::-1])[::-1][1:] / every.sum()
    at = np.log(share / (1 - share))
    x, hx = grid(at[p], 2.6 * wide, n(61))
    t1, h1 = grid(math.log(at[0] - at[1]), 1.5 * wide, n(21))
    t2, h2 = grid(math.log(at[1] - at[2]), 1.9 * wide, n(23))
    theta, ht = grid(case["theta_centre"], 1.75 * wide, n(25))
    delta, hd = grid(0.0, 1.65 * wide, n(23))
    smooth = normal(x[:, None] - x[None, :], s) * hx
    moments, evidence = Moments(), 0.0
    by_theta = np.zeros(len(theta))
    X, TH = x[None, :], theta[:, None]
    for g1 in np.exp(t1):
        for g2 in np.exp(t2):
            base = cuts(x, g1, g2, p)
            prior = np.exp(log_dirichlet(base, a)) * g1 * g2 * h1 * h2 * hx
            control = [np.exp(log_likelihood(base, g["control"]) + 60) for g in data]
            for d in delta:
                active_x = [c[None, :] + TH + d * fk for c, fk in zip(base, f)]
                if not (g1 + d * (f[0] - f[1]) > 0 and g2 + d * (f[1] - f[2]) > 0):
                    continue
                likelihood = [c[None, :] * np.exp(log_likelihood(active_x, g["active"]) + 60)
                              for c, g in zip(control, data)]
                smoothed = [v @ smooth.T for v in likelihood]
                outer = normal(d, s_delta) * hd * normal(theta, s_theta) * ht
                inner = prior[None, :] * smoothed[0] * smoothed[1] * outer[:, None]
                by_row = inner.sum(1)
                evidence += by_row.sum()
                by_theta += by_row
                moments.add("theta", by_row, theta)
                moments.add("delta", by_row, d + 0 * theta)
                moments.add("theta_at_last_cut", by_row, theta + d * f[2])
                pc, pa = probabilities([c[None, :] for c in base]), probabilities(active_x)
                rd = sigma(active_x[p]) - sigma(X)
                rd_last = sigma(active_x[2]) - sigma(base[2][None, :])
                worth = sum(ui * (qa - qc) for ui, qa, qc in zip(u, pa, pc))
                better = win(pa, pc)  # a lower level is better
                for g in range(2):
                    other = prior[None, :] * smoothed[1 - g] * outer[:, None]
                    weight = likelihood[g] * (other @ smooth)
                    for name, value in (("risk_difference", rd), ("risk_difference_at_last_cut", rd_last),
                                        ("utility_difference", worth), ("win_probability", better)):
                        moments.add(f"{name} {g}", weight, value)
    out = moments.of(evidence)
    out["p_theta_below_0"] = below(theta, by_theta / (evidence * ht), 0.0)
    out["log_evidence"] = math.log(evidence) - 240.0 + coefficients(data)
    return out


def by_subgroup(case, refine):
    """Cut points of each subgroup's own, odds proportional."""
    p, a, s_theta = case["primary"], case["dirichlet"], case["theta_sd"]
    n = (lambda k: int(k * 1.5)) if refine else (lambda k: k)
    wide = 1.15 if refine else 1.0
    data = case["subgroups"]
    theta, ht = grid(case["theta_centre"], 2.9 * wide, n(71))
    curves, differences = [], []
    for g in data:
        every = np.array([g["control"], g["active"]]).sum(0) + np.array(a)
        share = np.cumsum(every[::-1])[::-1][1:] / every.sum()
        at = np.log(share / (1 - share))
        x, hx = grid(at[p], 3.6 * wide, n(61))
        (t1, h1), (t2, h2) = (span(math.log(at[j] - at[j + 1]), case["below"] * wide, 2.0 * wide, n(case["nodes"]))
                              for j in range(2))
        T1, T2, X = np.meshgrid(t1, t2, x, indexing="ij")
        base = cuts(X, np.exp(T1), np.exp(T2), p)
        first = log_dirichlet(base, a) + log_likelihood(base, g["control"]) + T1 + T2 + math.log(h1 * h2 * hx)
        curve, one, two = [], [], []
        for th in theta:
            weight = np.exp(first + log_likelihood([c + th for c in base], g["active"]) + 60)
            rd = sigma(X + th) - sigma(X)
            curve.append(weight.sum())
            one.append((weight * rd).sum())
            two.append((weight * rd * rd).sum())
        curves.append(np.array(curve))
        differences.append((np.array(one) / curve, np.array(two) / curve))
    density = normal(theta, s_theta) * np.prod(curves, 0)
    evidence = density.sum() * ht
    density = density / evidence
    mean = (density * theta).sum() * ht
    out = {
        "theta": {"mean": mean, "sd": math.sqrt((density * (theta - mean) ** 2).sum() * ht)},
        "p_theta_below_0": below(theta, density, 0.0),
        "p_theta_above_0_3": 1 - below(theta, density, 0.3),
        "log_evidence": math.log(evidence) - 60.0 * len(data) + coefficients(data),
    }
    for g, (one, two) in enumerate(differences):
        m = (density * one).sum() * ht
        out[f"risk_difference {g}"] = {"mean": m, "sd": math.sqrt((density * two).sum() * ht - m * m)}
    return out


def below(x, density, at):
    """The integral of a smooth density, known at even nodes and vanishing at the ends, up to a point: its Fourier series."""
    h = x[1] - x[0]
    k = np.arange(-(len(x) // 2) + 1, len(x) // 2)
    width = h * len(x)
    c = np.array([(density * np.exp(-2j * math.pi * j * x / width)).sum() for j in k]) * h / width
    total = 0.0
    for j, cj in zip(k, c):
        w = 2j * math.pi * j / width
        total += cj * (at - x[0] + h / 2) if j == 0 else cj * (np.exp(w * at) - np.exp(w * (x[0] - h / 2))) / w
    return float(np.real(total))


TRIAL = [
    {"name": "men", "control": [9, 14, 12, 8], "active": [14, 15, 9, 7]},
    {"name": "women", "control": [11, 12, 14, 9], "active": [13, 16, 8, 10]},
]
CASES = [
    {"name": "departure at death", "kind": "shared", "subgroups": TRIAL, "primary": 1, "dirichlet": [1, 1, 1, 1],
     "shift": 0.5, "theta_sd": 0.5, "theta_centre": -0.3, "f": [0, 0, 1], "delta_sd": 0.3,
     "utilities": [1, 0.7, 0.3, 0]},
    {"name": "cut points by subgroup", "kind": "by subgroup", "subgroups": TRIAL, "primary": 1,
     "dirichlet": [1, 1, 1, 1], "theta_sd": 0.5, "theta_centre": -0.3, "below": 2.6, "nodes": 41},
    {"name": "cut points by subgroup, few patients and a prior of its own", "kind": "by subgroup", "primary": 2,
     "subgroups": [{"name": "first", "control": [3, 0, 4, 6], "active": [5, 2, 3, 1]},
                   {"name": "second", "control": [8, 6, 2, 5], "active": [6, 9, 0, 7]}],
     "dirichlet": [2, 2, 2, 3], "theta_sd": 0.6, "theta_centre": -0.3, "below": 6.5, "nodes": 71},
]


def change(one, two):
    if isinstance(one, dict):
        return max(change(one[k], two[k]) for k in one)
    return abs(one - two)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default="levels.json")
    args = parser.parse_args()
    cases = []
    for case in CASES:
        run = shared if case["kind"] == "shared" else by_subgroup
        first, values = run(case, False), run(case, True)
        found = {**case, "values": values, "refinement_change": change(first, values)}
        print(case["name"], found["refinement_change"], json.dumps(values)[:1500], flush=True)
        cases.append(found)
    with open(args.out, "w") as out:
        json.dump({"program": "levels.py", "cases": cases}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
