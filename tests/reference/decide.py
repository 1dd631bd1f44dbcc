#!/usr/bin/env python3
"""Reference values for decision quantities: an independent derivation, by deterministic integration.

Run with numpy and scipy; writes decide.json beside this file (about a minute, 1-2 GB).

Model: y0 ~ Bin(n0, logistic(alpha)), y1 ~ Bin(n1, logistic(alpha + theta)), alpha ~ N(0, 1.5^2) by subgroup.
  partial pooling:  theta_g ~ N(mu, tau^2), mu ~ N(0, 0.355^2), tau ~ half-normal(0.5).   complete: theta_g = mu.

Method, for one subgroup g (all on one uniform theta grid, periodic over [-16, 16), far beyond any mass):
  1. L_g(theta) = int Bin(y0 | alpha) Bin(y1 | alpha + theta) N(alpha) d alpha     (trapezoid in alpha)
  2. for each Gauss-Legendre node of tau: M_h(mu) = (L_h * N(0, tau^2))(mu), a convolution done by FFT
  3. predictive of theta_g from the OTHER subgroups:
       R_g(theta) = int pi(tau) [ (pi(mu) prod_{h != g} M_h(mu)) * N(0, tau^2) ](theta) d tau
     (with nothing left out: the density of theta_new, a further subgroup)
  4. joint posterior of (alpha_g, theta_g)  propto  Bin(y0) Bin(y1) N(alpha) R_g(theta), tabulated in two dimensions.
Everything asked is then of the form  int d alpha G(alpha, theta*(alpha)), where theta* bounds a half line of theta at that
alpha and G is a cumulative integral in theta (fourth-order rule, cubic Hermite between nodes), never a count of nodes.
All is done at two resolutions (every step halved, node number doubled); the finer is written, the largest change recorded.
"""
import json
import os
import time

import numpy as np
from scipy.fft import irfft, rfft
from scipy.interpolate import CubicHermiteSpline, CubicSpline
from scipy.optimize import brentq, minimize
from scipy.signal import fftconvolve
from scipy.special import expit, log_expit, logit

BASELINE_SD, EFFECT_SD, TAU_SCALE = 1.5, 0.355, 0.5
HALF_WIDTH = 16.0                                    # theta grid covers [-16, 16)
T = [-0.2, -0.1, -0.05, -0.03, -0.01, 0.0, 0.01, 0.03, 0.05, 0.1, 0.2]   # thresholds of RD
C = [-0.03, 0.0, 0.02]                               # cut-offs of the expected gain and loss
QUANTILES = [0.025, 0.5, 0.975]

# (events, total) control, then active. The counts of "death" are those of models/ras-basilar-death.toml.
DATASETS = {
    "function": ("better", "partial", {"PC-SEARCH": (10, 54, 29, 65), "SAINT": (12, 64, 29, 82),
                                       "ANGEL-ACT": (2, 12, 42, 81)}),
    "death": ("worse", "partial", {"PC-SEARCH": (35, 54, 28, 65), "SAINT": (38, 64, 35, 82),
                                   "ANGEL-ACT": (7, 12, 15, 81), "ATTENTION registry": (49, 131, 123, 346)}),
    "sich": ("worse", "partial", {"PC-SEARCH": (7, 54, 2, 65), "ATTENTION registry": (2, 131, 22, 346)}),
    "etiology": ("better", "partial", {"atherosclerotic": (22, 46, 33, 70), "non-atherosclerotic": (37, 71, 8, 34)}),
    "evt": ("better", "complete", {"all": (26, 114, 104, 226)}),
}
KNOWN_CONTROL_RISK = {"function": 0.18, "death": 0.45, "sich": 0.05, "etiology": 0.5}
WEIGHTS = {"function": 0.8, "death": -0.3, "sich": -0.2}     # D = sum of weight * RD, PC-SEARCH
SHIFTS = [0.0, 0.01]                                         # D itself, and D - 0.01


def log_binomial(y, n, eta):
    """Log likelihood of y in n at log odds eta, scaled to 0 at the observed proportion (constants cancel)."""
    p = y / n
    top = (y * np.log(p) if y else 0.0) + ((n - y) * np.log1p(-p) if y < n else 0.0)
    return y * log_expit(eta) + (n - y) * log_expit(-eta) - top


def safe_logit(p):
    """Logit with p <= 0 sent to -inf and p >= 1 to +inf."""
    return logit(np.clip(p, 0.0, 1.0))


def cumulative(f, h):
    """Integral of f (last axis, uniform step h, vanishing at both ends) from the left end to each node: the cubic rule
    h (-f[-1] + 13 f[0] + 13 f[1] - f[2]) / 24 on each interval."""
    zero = np.zeros(f.shape[:-1] + (1,))
    g = np.concatenate([zero, f, zero], axis=-1)
    cell = h / 24 * (13 * (g[..., 1:-2] + g[..., 2:-1]) - g[..., :-3] - g[..., 3:])
    return np.concatenate([zero, np.cumsum(cell, axis=-1)], axis=-1)


def hermite(x0, h, F, f, x):
    """Row i of the table F (derivative f, nodes x0 + h j) at x[i]: cubic Hermite, constant outside the table."""
    n = F.shape[1]
    u = np.clip((x - x0) / h, 0.0, n - 1.0)                  # sends -inf and +inf to the ends
    j = np.minimum(u.astype(int), n - 2)
    s = u - j
    i = np.arange(F.shape[0])
    a, b, da, db = F[i, j], F[i, j + 1], h * f[i, j], h * f[i, j + 1]
    return a + s * (da + s * (3 * (b - a) - 2 * da - db + s * (2 * (a - b) + da + db)))


class Alpha:
    """One subgroup's baseline: nodes over the range where Bin(y0 | alpha) N(alpha) is above exp(-45) of its maximum."""

    def __init__(self, counts, n):
        self.counts = counts
        y0, n0 = counts[:2]
        log_w = lambda a: log_binomial(y0, n0, a) - 0.5 * (a / BASELINE_SD) ** 2
        wide = np.linspace(-20, 20, 8001)
        kept = wide[log_w(wide) > log_w(wide).max() - 45]
        self.nodes = np.linspace(kept[0], kept[-1], n)
        self.log_w = log_w(self.nodes) - log_w(wide).max()
        self.step = self.nodes[1] - self.nodes[0]

    def likelihood(self, theta):
        """L(theta), up to a constant."""
        y1, n1 = self.counts[2:]
        out = np.empty(len(theta))
        for k in range(0, len(theta), 512):
            block = theta[k:k + 512]
            out[k:k + 512] = np.exp(self.log_w + log_binomial(y1, n1, self.nodes + block[:, None])).sum(1)
        return out / out.max()


def predictives(likelihoods, theta, n_tau):
    """R_g for each g, and last the density of theta_new (nothing left out), up to constants: partial pooling."""
    n, h = len(theta), theta[1] - theta[0]
    frequency = 2 * np.pi * np.fft.rfftfreq(n, h)
    prior_mu = np.exp(-0.5 * (theta / EFFECT_SD) ** 2)
    transforms = [rfft(L) for L in likelihoods]
    x, w = np.polynomial.legendre.leggauss(n_tau)
    upper = 10 * TAU_SCALE                                   # prior density there: exp(-50) of its maximum
    out = np.zeros((len(likelihoods) + 1, n))
    for tau, weight in zip(upper * (x + 1) / 2, w):
        weight *= np.exp(-0.5 * (tau / TAU_SCALE) ** 2)
        smooth = np.exp(-0.5 * (tau * frequency) ** 2)       # Fourier transform of N(0, tau^2)
        M = [irfft(t * smooth, n) for t in transforms]
        for g in range(len(likelihoods) + 1):
            product = prior_mu.copy()
            for k in range(len(M)):
                if k != g:
                    product *= M[k]
            out[g] += weight * irfft(rfft(product) * smooth, n)
    return np.maximum(out, 0.0)


class Joint:
    """The posterior of (alpha, theta) of one subgroup, as a table, and its functionals."""

    def __init__(self, alpha, theta, L, R):
        mass = L * R
        kept = np.flatnonzero(mass > 1e-18 * mass.max())
        theta, R = theta[kept[0]:kept[-1] + 1], R[kept[0]:kept[-1] + 1]
        self.alpha, self.x0, self.h = alpha, theta[0], theta[1] - theta[0]
        self.p0 = expit(alpha.nodes)
        y1, n1 = alpha.counts[2:]
        eta = alpha.nodes[:, None] + theta
        f = np.exp(alpha.log_w[:, None] + log_binomial(y1, n1, eta)) * R
        self.scale = 1 / (f.sum() * self.h * alpha.step)
        f *= self.scale                                      # joint density
        self.f, self.F = f, cumulative(f, self.h)            # int f d theta, up to each node
        self.f1 = f * expit(eta)
        self.F1 = cumulative(self.f1, self.h)                # int p1 f d theta, up to each node
        self.log_R = CubicSpline(theta, np.log(np.maximum(R, 1e-300)))
        self.ends = theta[0], theta[-1]
        self.total = self.F[:, -1].sum() * alpha.step        # 1 but for rounding
        self.mean_p0 = (self.p0 * self.F[:, -1]).sum() * alpha.step
        self.mean_p1 = self.F1[:, -1].sum() * alpha.step

    def below(self, p1):
        """P(p1 <= limit), the limit one per alpha node; anything <= 0 gives none, >= 1 all."""
        return hermite(self.x0, self.h, self.F, self.f, safe_logit(p1) - self.alpha.nodes).sum() * self.alpha.step

    def rd_below(self, t):
        return self.below(self.p0 + t)

    def expected_parts(self, c):
        """E max(RD - c, 0) and E max(c - RD, 0)."""
        star = safe_logit(self.p0 + c) - self.alpha.nodes
        F = hermite(self.x0, self.h, self.F, self.f, star)
        F1 = hermite(self.x0, self.h, self.F1, self.f1, star)
        limit = self.p0 + c
        loss = (limit * F - F1).sum()
        gain = (self.F1[:, -1] - F1 - limit * (self.F[:, -1] - F)).sum()
        return gain * self.alpha.step, loss * self.alpha.step

    def rd_density(self, t):
        """Density of RD at t: the joint density on the curve RD = t, over d RD / d theta = p1 (1 - p1)."""
        p1 = self.p0 + t
        ok = (p1 > 0) & (p1 < 1)
        p1, a, log_w = p1[ok], self.alpha.nodes[ok], self.alpha.log_w[ok]
        star = logit(p1) - a
        inside = (star > self.ends[0]) & (star < self.ends[1])
        p1, star, log_w = p1[inside], star[inside], log_w[inside]
        y1, n1 = self.alpha.counts[2:]
        value = np.exp(log_w + log_binomial(y1, n1, logit(p1)) + self.log_R(star)) / (p1 * (1 - p1))
        return value.sum() * self.alpha.step * self.scale

    def bound_cdfs(self, better):
        """P(bound <= v), 0 <= v < 1, of the Tian and Pearl bounds in good-outcome risks q, each from the half line of q1."""
        q0 = self.p0 if better else 1 - self.p0
        # P(q1 <= limit), and P(q1 >= limit), in terms of p1
        q1_below = (lambda x: self.below(x)) if better else (lambda x: self.total - self.below(1 - x))
        q1_above = (lambda x: self.total - self.below(x)) if better else (lambda x: self.below(1 - x))
        with_v = lambda v: np.full_like(q0, np.inf) if v == 0 else q0 / v
        return {
            # max(0, 1 - (1 - q0) / q1), rising in q1
            "anyway_low": lambda v: q1_below((1 - q0) / (1 - v)),
            # min(1, q0 / q1), falling in q1
            "anyway_high": lambda v: q1_above(with_v(v)),
            # max(0, 1 - (1 - q0) / (1 - q1)), falling in q1
            "otherwise_low": lambda v: q1_above(1 - (1 - q0) / (1 - v)),
            # min(1, q0 / (1 - q1)), rising in q1
            "otherwise_high": lambda v: q1_below(1 - with_v(v)),
        }


def quantile(cdf, p):
    """Smallest v with P(bound <= v) >= p; 0 or 1 where the bound has an atom there."""
    if cdf(0.0) >= p:
        return 0.0
    top = 1 - 1e-12                                          # P(bound < 1)
    if cdf(top) < p:
        return 1.0
    return brentq(lambda v: cdf(v) - p, 0.0, top, xtol=1e-11)


def sum_of_terms(joints, dt):
    """D = sum of weight * RD over the three outcomes: independent, any dependence, comonotone."""
    m = int(round(1.0 / dt))
    x = dt * np.arange(-m, m + 1)                            # values of each term; 0 and 0.01 are nodes
    density, cdf, tail = [], [], []
    for name, w in WEIGHTS.items():
        J = joints[name]
        t = x / w
        inside = np.abs(t) < 1
        f, F = np.zeros(len(x)), np.where(t * w > 0, 1.0, 0.0)
        f[inside] = [J.rd_density(v) / abs(w) for v in t[inside]]
        below = np.array([J.rd_below(v) for v in t[inside]])
        F[inside] = below if w > 0 else J.total - below      # of the term, not of RD
        density.append(f)
        cdf.append(CubicHermiteSpline(x, F, f))
        xf = cumulative(x * f, dt)                           # int_{-1}^x s f(s) ds
        tail.append(CubicHermiteSpline(x, xf[-1] - xf, -x * f))
    # independent: the density of D on [-3, 3]
    f = fftconvolve(fftconvolve(density[0], density[1]), density[2]) * dt * dt
    d = dt * np.arange(-3 * m, 3 * m + 1)
    f[np.abs(f) < 1e-13 * f.max()] = 0.0
    F, xF = cumulative(f, dt), cumulative(d * f, dt)
    out = {"weights": WEIGHTS, "subgroup": "PC-SEARCH", "independent": {}, "any_dependence": {}, "comonotone": {}}
    clamp = lambda k, v: np.where(v <= -1, 0.0, np.where(v >= 1, 1.0, cdf[k](np.clip(v, -1, 1))))
    for shift in SHIFTS:
        k = 3 * m + int(round(shift / dt))                   # node where D = shift
        mass, first = F[-1] - F[k], xF[-1] - xF[k]
        gain, loss = first - shift * mass, shift * F[k] - xF[k]
        out["independent"]["D" if shift == 0 else f"D - {shift}"] = {
            "mean": xF[-1] - shift, "prob_above_0": mass, "expected_gain": gain, "expected_loss": loss}
        # any dependence: optimum over x1 + x2 + x3 = shift of the sum of the three distribution functions
        G = lambda a, b: clamp(0, a) + clamp(1, b) + clamp(2, shift - a - b)
        a, b = np.meshgrid(np.linspace(-0.4, 0.6, 501), np.linspace(-0.3, 0.3, 301), indexing="ij")
        values = G(a, b)
        best = {}
        for label, sign in (("high", 1), ("low", -1)):
            i = np.unravel_index(np.argmin(sign * values), values.shape)
            r = minimize(lambda z: sign * float(G(z[0], z[1])), [a[i], b[i]], method="Nelder-Mead",
                         options={"xatol": 1e-10, "fatol": 1e-13, "initial_simplex":
                                  [[a[i], b[i]], [a[i] + 2e-3, b[i]], [a[i], b[i] + 2e-3]]})
            best[label] = sign * r.fun
            best["at_" + label] = [r.x[0], r.x[1], shift - r.x[0] - r.x[1]]
        out["any_dependence"]["D" if shift == 0 else f"D - {shift}"] = {
            "prob_below_0_low": max(0.0, best["low"] - 2), "prob_below_0_high": min(1.0, best["high"]),
            "sum_of_cdfs_max": best["low"], "sum_of_cdfs_min": best["high"],
            "x_at_max": best["at_low"], "x_at_min": best["at_high"]}
        # comonotone: D(u) = sum of the terms' quantile functions, rising; u0 its zero (D = shift);
        # E max(D - shift, 0) = sum of int_{Q_k(u0)} x f_k dx - shift (1 - u0)
        Q = lambda k, u: brentq(lambda v: float(cdf[k](v)) - u, -0.999, 0.999, xtol=1e-13)
        u0 = brentq(lambda u: sum(Q(k, u) for k in range(3)) - shift, 1e-6, 1 - 1e-6, xtol=1e-13)
        gain = sum(float(tail[k](Q(k, u0))) for k in range(3)) - shift * (1 - u0)
        out["comonotone"]["D" if shift == 0 else f"D - {shift}"] = {
            "prob_above_0": 1 - u0, "expected_gain": gain, "expected_loss": gain - (xF[-1] - shift)}
    return out


def compute(n_theta, n_alpha, n_tau, dt):
    theta = -HALF_WIDTH + 2 * HALF_WIDTH / n_theta * np.arange(n_theta)
    h = theta[1] - theta[0]
    out = {"datasets": {}, "new": {}, "sum": {}}
    kept, identity = {}, 0.0
    for name, (direction, pooling, groups) in DATASETS.items():
        alphas = [Alpha(c, n_alpha) for c in groups.values()]
        L = [a.likelihood(theta) for a in alphas]
        if pooling == "partial":
            R = predictives(L, theta, n_tau)
        else:
            assert len(L) == 1                               # complete pooling, one subgroup: theta = mu
            R = [np.exp(-0.5 * (theta / EFFECT_SD) ** 2)]
        out["datasets"][name] = {}
        for g, (group, counts) in enumerate(groups.items()):
            J = Joint(alphas[g], theta, L[g], R[g])
            parts = {c: J.expected_parts(c) for c in C}
            mean_rd = J.mean_p1 - J.mean_p0
            identity = max([identity, abs(J.total - 1)] + [abs(a - b - (mean_rd - c)) for c, (a, b) in parts.items()])
            out["datasets"][name][group] = {
                "control": list(counts[:2]), "active": list(counts[2:]), "higher_is": direction, "pooling": pooling,
                "mean_p0": J.mean_p0, "mean_p1": J.mean_p1, "mean_rd": mean_rd,
                "prob_rd_above": {str(t): J.total - J.rd_below(t) for t in T},
                "expected_rd_above": {str(c): parts[c][0] for c in C},
                "expected_rd_below": {str(c): parts[c][1] for c in C},
                "bounds": {b: {str(p): quantile(F, p) for p in QUANTILES}
                           for b, F in J.bound_cdfs(direction == "better").items()}}
            if group == "PC-SEARCH":
                kept[name] = J
        if pooling == "partial":
            f = R[-1] / (R[-1].sum() * h)                    # density of theta_new
            F = cumulative(f, h)
            p0 = KNOWN_CONTROL_RISK[name]
            star = [float(safe_logit(round(p0 + t, 12)) - logit(p0)) for t in T]
            above = [F[-1] - hermite(theta[0], h, F[None], f[None], np.array([s]))[0] for s in star]
            mean = (expit(logit(p0) + theta) * f).sum() * h
            out["new"][name] = {"known_p0": p0, "mean_p1": mean, "mean_rd": mean - p0,
                                "prob_rd_above": {str(t): float(v) for t, v in zip(T, above)}}
    out["sum"] = sum_of_terms(kept, dt)
    separate = sum(w * out["datasets"][k]["PC-SEARCH"]["mean_rd"] for k, w in WEIGHTS.items())
    mean_gap = abs(separate - out["sum"]["independent"]["D"]["mean"])
    return out, identity, mean_gap


def leaves(node, path=()):
    if isinstance(node, dict):
        for k, v in node.items():
            yield from leaves(v, path + (k,))
    elif isinstance(node, float):
        yield path, node


def main():
    start = time.time()
    coarse, _, _ = compute(4096, 1200, 120, 5e-4)
    fine, identity, mean_gap = compute(8192, 2400, 240, 2.5e-4)
    before, change = dict(leaves(coarse)), {}
    for path, value in leaves(fine):
        if path[0] == "datasets" and "bounds" in path:
            kind = "datasets: quantiles of bounds"
        elif path[0] == "datasets" and path[3].startswith("mean"):
            kind = "datasets: means"
        elif path[0] == "sum":
            kind = "sum: " + path[1]
        else:
            kind = f"{path[0]}: {path[3] if path[0] == 'datasets' else path[2]}"
        change[kind] = max(change.get(kind, 0.0), abs(value - before[path]))
    clean = lambda v: ({k: clean(x) for k, x in v.items()} if isinstance(v, dict) else
                       [clean(x) for x in v] if isinstance(v, list) else round(float(v), 10) if
                       isinstance(v, float) else v)
    note = ("Written by decide.py: deterministic integration, independent of the program. Not mirrored: RD = p1 - p0 of the event. "
            "prob_rd_above[t] = P(RD > t); expected_rd_above[c] = E max(RD - c, 0); expected_rd_below[c] = E max(c - RD, 0). "
            "bounds: quantiles of the Tian and Pearl bounds in good-outcome risks, the smallest v with P(bound <= v) >= p (0 or 1 "
            "where the bound has an atom there). new: a further subgroup with a known control risk. sum: D = 0.8 RD function "
            "- 0.3 RD death - 0.2 RD sich of PC-SEARCH; 'D - 0.01' the same less 0.01; expected_gain = E max(D, 0), expected_loss = "
            "E max(-D, 0); any_dependence bounds P(D < 0) by the sums of the terms' distribution functions.")
    accuracy = {"note": "Largest change when every resolution is doubled, by kind (the finer is written).",
                "largest_change": {k: float(f"{v:.2g}") for k, v in change.items()},
                "largest_identity_gap": float(f"{identity:.2g}"),   # E max(RD-c,0) - E max(c-RD,0) = E RD - c, total mass 1
                "mean_of_D_gap": float(f"{mean_gap:.2g}")}          # convolution against the sum of the means
    result = {"note": note, "accuracy": accuracy, **clean(fine)}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "decide.json")
    with open(path, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print(json.dumps(accuracy, indent=1), f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
