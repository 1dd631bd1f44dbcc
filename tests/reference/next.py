#!/usr/bin/env python3
"""Reference values for the value of a further trial and for operating characteristics: an independent derivation by
enumeration of all counts and deterministic integration. Nothing here is simulated.

Run with numpy and scipy; writes next.json beside this file (below a minute, below 1 GB).

Model of a subgroup: y0 ~ Bin(n0, logistic(x0)), y1 ~ Bin(n1, logistic(x1)); theta = x1 - x0.
  baseline_of "arms":    alpha = (x0 + x1) / 2;   "control": alpha = x0.   alpha ~ N(0, 2.5^2) in every subgroup.
  pooling "complete": theta_g = mu;   "partial": theta_g ~ N(mu, tau^2);   mu ~ N(0, s^2), tau ~ half-normal(0.5).
  "none": mu and tau of its own in every subgroup.

ONE SUBGROUP. In (x0, x1) the prior's density is W(x0, x1) = N(alpha) f(theta), for both maps have a Jacobian of 1, and the
likelihood is a product of a function of x0 and one of x1. So the integral of any function h(x0, x1) against the posterior
is, for ALL pairs of counts at once, a product of matrices A0' (W h) A1: A0 and A1 hold the binomial probabilities of all
counts at the nodes. A probability P(RD > c) is an integral over x1 > logit(p0 + c), by a Gauss-Legendre rule that starts
at that bound for every x0: no node is counted in or out.
  EVPI  = E max(gain, 0) - max(E gain, 0), over the same region.
  EVSI  = sum over (y0, y1) of p(y0, y1) max(E[gain | y0, y1], 0), less max(E gain, 0).
  EVPPI = the integral over theta of max(integral over alpha of gain, 0), less max(E gain, 0), split where the sign turns.
  Operating characteristics: the same posteriors at the study's cell sizes, weighted by the binomial probabilities under
  the truth.
TWO SUBGROUPS, partial pooling. L_g(theta) = the integral over alpha; for a node of tau, M_g(mu) = (L_g * N(0, tau^2))(mu)
by FFT. What subgroup h says of subgroup g is the density R_g(theta) = sum over tau of [p(mu) M_h(mu)] * N(0, tau^2); with
it in place of f, subgroup g is a problem of one subgroup. E[RD_h | counts in g] = sum over tau of the integral of
p(mu) M_g(mu) Mr_h(mu) over the same without r, where Mr_h is M of L_h(theta) times the mean of RD_h given theta.
All is done at two resolutions; the finer is written, and the largest change is recorded as "resolution".
"""
import json
import os

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import expit, gammaln, log_expit, logit

ALPHA_SD, TAU_SCALE = 2.5, 0.5
REACH = 24.0                                   # integrals over log odds cover [-24, 24]


def normal(x, sd):
    return np.exp(-0.5 * (x / sd) ** 2) / (sd * np.sqrt(2 * np.pi))


def panels(low, high, pieces, order):
    """A composite Gauss-Legendre rule; low may be an array: a rule from every low to high."""
    low = np.asarray(low, float)[..., None]
    t, w = leggauss(order)
    edges = np.linspace(0, 1, pieces + 1)
    u = np.concatenate([(a + b) / 2 + (b - a) / 2 * t for a, b in zip(edges, edges[1:])])
    v = np.concatenate([(b - a) / 2 * w for a, b in zip(edges, edges[1:])])
    return low + (high - low) * u, (high - low) * v


def taus(order):
    """Nodes and weights of the half-normal, in tau = 0.5 z, z to 8.5."""
    z, w = panels(0.0, 8.5, 6, order)
    return TAU_SCALE * z, 2 * normal(z, 1.0) * w


def binomial(n, x):
    """Bin(y | n, logistic(x)) for y = 0 .. n: shape (n + 1, nodes)."""
    y = np.arange(n + 1).reshape(-1, *[1] * np.ndim(x))
    c = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
    return np.exp(c + y * log_expit(x) + (n - y) * log_expit(-x))


class One:
    """One subgroup: every integral of its posterior, for all counts at once."""

    def __init__(self, f, base, present=None, fine=1, reach=REACH):
        self.f, self.base, self.reach = f, base, reach
        self.pieces = round(3 * reach * fine)               # panels of two thirds (a third) of a unit
        self.present = present                             # (y0, n0, y1, n1), or None: the prior
        self.x, self.w = panels(-self.reach, self.reach, 72 * fine, 8)
        self.W = self.weight(self.x[:, None], self.x[None, :]) * self.w[:, None] * self.w[None, :]
        self.total = self.W.sum()                          # the probability of the present counts
        self.p = expit(self.x)
        self.rd = self.p[None, :] - self.p[:, None]

    def weight(self, x0, x1):
        alpha = (x0 + x1) / 2 if self.base == "arms" else x0
        out = normal(alpha, ALPHA_SD) * self.f(x1 - x0)
        if self.present:
            y0, n0, y1, n1 = self.present
            out = out * np.exp(lb(y0, n0, x0) + lb(y1, n1, x1))
        return out

    def mean(self, h):
        return (self.W * h).sum() / self.total

    def region(self, c, n0=0, n1=0, h=None):
        """The integral of h (or 1) over RD > c, for all counts: shape (n0 + 1, n1 + 1), not divided by anything."""
        top = self.reach if c <= 0 else min(REACH, logit(1 - c))
        x0, w0 = panels(-self.reach, top, self.pieces, 8)
        p = expit(x0) + c
        bound = np.full_like(x0, -self.reach)
        ok = (p > expit(-self.reach)) & (p < 1)
        bound[ok] = logit(p[ok]) if c != 0 else x0[ok]
        bound[p >= 1] = self.reach
        bound = np.clip(bound, -self.reach, self.reach)
        x1, w1 = panels_many(bound, self.reach, 2 * self.pieces // 3, 8)
        g = self.weight(x0[:, None], x1) * w0[:, None] * w1
        if h is not None:
            g = g * h(x0[:, None], x1)
        if n0 == 0 and n1 == 0:
            return g.sum()
        a0 = binomial(n0, x0)
        out = np.zeros((n0 + 1, n1 + 1))
        inner = np.empty((len(x0), n1 + 1))
        for k in range(0, len(x0), 48):
            inner[k:k + 48] = np.einsum("yij,ij->iy", binomial(n1, x1[k:k + 48]), g[k:k + 48])
        out[:] = a0 @ inner
        return out

    def counts(self, n0, n1):
        """Predictive probabilities of further counts, and E[RD | them]."""
        a0, a1 = binomial(n0, self.x), binomial(n1, self.x)
        p = a0 @ self.W @ a1.T
        return p / self.total, (a0 @ (self.W * self.rd) @ a1.T) / p

    def probability(self, c, n0, n1, side=1):
        """P(side * RD > c | further counts)."""
        a0, a1 = binomial(n0, self.x), binomial(n1, self.x)
        p = a0 @ self.W @ a1.T
        above = self.region(side * c, n0, n1) / p
        return above if side > 0 else 1 - above

    def theta_cdf(self, n0, n1, grid):
        """P(theta <= t | counts) for t in an equally spaced grid, by a sixth-order cumulative rule of the marginal density."""
        alpha, wa = panels(-self.reach, self.reach, self.pieces, 8)
        half = 0.5 if self.base == "arms" else 0.0
        step = grid[1] - grid[0]
        # a Gauss-Legendre rule of 6 nodes within each step
        t, w = leggauss(6)
        cdf = np.zeros((len(grid), n0 + 1, n1 + 1))
        for k in range(1, len(grid)):
            mid = (grid[k] + grid[k - 1]) / 2
            add = 0.0
            for tt, ww in zip(t, w):
                th = mid + step / 2 * tt
                x0, x1 = alpha - half * th, alpha + (1 - half) * th
                add = add + ww * step / 2 * (binomial(n0, x0) * (self.weight(x0, x1) * wa)) @ binomial(n1, x1).T
            cdf[k] = cdf[k - 1] + add
        return cdf

    def theta_integral(self, h):
        """For theta nodes: integral over alpha of the posterior weight and of weight times RD."""
        alpha, wa = panels(-self.reach, self.reach, self.pieces, 8)
        half = 0.5 if self.base == "arms" else 0.0
        x0 = alpha[None, :] - half * h[:, None]
        x1 = alpha[None, :] + (1 - half) * h[:, None]
        g = self.weight(x0, x1) * wa
        return g.sum(1), (g * (expit(x1) - expit(x0))).sum(1)


def panels_many(low, high, pieces, order):
    """For an array of lower bounds: panels that are dense where the mass may be, near the bound."""
    t, w = leggauss(order)
    edges = np.linspace(0, 1, pieces + 1) ** 1.5
    u = np.concatenate([(a + b) / 2 + (b - a) / 2 * t for a, b in zip(edges, edges[1:])])
    v = np.concatenate([(b - a) / 2 * w for a, b in zip(edges, edges[1:])])
    span = (high - low)[:, None]
    return low[:, None] + span * u, span * v


def lb(y, n, x):
    return y * log_expit(x) + (n - y) * log_expit(-x)


def evppi(one, slope, cost, side):
    """E over theta of max(E[gain | theta], 0), less max(E gain, 0)."""
    def gain(t):
        w, r = one.theta_integral(np.atleast_1d(np.asarray(t, float)))
        return side * slope * r - cost * w

    grid = np.linspace(-10, 10, 401) + 0.0037                  # no node where the sign may turn, at 0
    g = gain(grid)
    roots = [brentq(lambda t: gain(t)[0], a, b, xtol=1e-12)
             for a, b, u, v in zip(grid, grid[1:], g, g[1:]) if u * v < 0 and max(abs(u), abs(v)) > 1e-16 * np.abs(g).max()]
    edges = [-12.0] + roots + [12.0]
    best = 0.0
    for a, b in zip(edges, edges[1:]):
        t, w = panels(a, b, 40, 8)
        total = (gain(t) * w).sum()
        best += max(total, 0.0)
    return best / one.total


def quantile(grid, cdf, q):
    """The inverse of a cumulative distribution (a column), cubic between nodes."""
    s = CubicSpline(grid, cdf - q)
    k = np.searchsorted(cdf, q)
    return brentq(s, grid[k - 1], grid[k], xtol=1e-13)


def effect_density(pooling, sd, order):
    if pooling == "complete":
        return lambda t: normal(t, sd)
    z, w = taus(order)
    return lambda t: sum(b * normal(t, np.hypot(sd, a)) for a, b in zip(z, w))


TRIALS = [10, 25, 60]                         # patients of each arm
CASES = [
    dict(name="complete, arms, better", pooling="complete", baseline_of="arms", higher_is="better", effect_sd=0.7,
         control=(9, 30), active=(14, 31), utility_event=1.0, utility_no_event=0.2, cost=0.05),
    dict(name="complete, control, worse", pooling="complete", baseline_of="control", higher_is="worse", effect_sd=0.7,
         control=(14, 31), active=(9, 30), utility_event=0.1, utility_no_event=0.7, cost=0.0),
    dict(name="none, arms, better", pooling="none", baseline_of="arms", higher_is="better", effect_sd=0.7,
         control=(9, 30), active=(14, 31), utility_event=0.9, utility_no_event=0.0, cost=0.12),
]
RULES = [dict(name="any", size=0.0, probability=0.9), dict(name="size", size=0.05, probability=0.9)]
# Risks of control and active; the first two are what the program takes for want of a design
TRUTHS = {"no effect at 0.38": (0.38, 0.38), "benefit": (0.30, 0.50), "small": (0.30, 0.34), "rare": (0.02, 0.10)}


def one_case(case, fine):
    side = 1 if case["higher_is"] == "better" else -1
    (y0, n0), (y1, n1) = case["control"], case["active"]
    slope = abs(case["utility_event"] - case["utility_no_event"])
    cost = case["cost"]
    f = effect_density(case["pooling"], case["effect_sd"], 8 * fine)
    post = One(f, case["baseline_of"], (y0, n0, y1, n1), fine)
    prior = One(f, case["baseline_of"], None, fine)
    out = {}
    gain = side * slope * post.mean(post.rd) - cost
    today = max(gain, 0.0)
    out["expected_gain"] = gain
    # gain > 0  <=>  side * RD > cost / slope; by its complement where the sign is turned
    c = cost / slope
    h = lambda x0, x1: side * slope * (expit(x1) - expit(x0)) - cost
    if side > 0:
        out["evpi"] = post.region(c, h=h) / post.total - today
    else:
        out["evpi"] = gain - post.region(-c, h=h) / post.total - today
    out["evppi_theta"] = evppi(post, slope, cost, side) - today
    for r in RULES:
        p = post.region(side * r["size"]) / post.total
        out[f"today_probability_{r['name']}"] = p if side > 0 else 1 - p
    for n in TRIALS:
        p, m = post.counts(n, n)
        g = side * slope * m - cost
        out[f"evsi_{n}"] = (p * np.maximum(g, 0)).sum() - today
        out[f"changes_{n}"] = (p * ((g > 0) != (gain > 0))).sum()
        assert abs(p.sum() - 1) < 1e-10
        for r in RULES:
            for word, of in [("together", post), ("alone", prior)]:
                q = of.probability(r["size"], n, n, side)
                out[f"assurance_{word}_{r['name']}_{n}"] = (p * (q >= r["probability"])).sum()
                out[f"nearest_{word}_{r['name']}_{n}"] = np.abs(q - r["probability"]).min()
    # operating characteristics at the study's own sizes
    half = 14 if case["pooling"] == "complete" else 20
    grid = np.linspace(-half, half, 40 * half + 1)
    cdf = prior.theta_cdf(n0, n1, grid)
    total = cdf[-1]
    cdf = cdf / total
    lo, hi = np.empty_like(total), np.empty_like(total)
    for i in range(n0 + 1):
        for j in range(n1 + 1):
            lo[i, j] = quantile(grid, cdf[:, i, j], 0.025)
            hi[i, j] = quantile(grid, cdf[:, i, j], 0.975)
    a0, a1 = binomial(n0, prior.x), binomial(n1, prior.x)
    pm = a0 @ prior.W @ a1.T
    assert np.abs(pm / total - 1).max() < 1e-9
    rd = (a0 @ (prior.W * prior.rd) @ a1.T) / pm
    th = (a0 @ (prior.W * (prior.x[None, :] - prior.x[:, None])) @ a1.T) / pm
    yes = {r["name"]: prior.probability(r["size"], n0, n1, side) for r in RULES}
    truths = dict(TRUTHS)
    truths["observed, half an event added"] = ((y0 + 0.5) / (n0 + 1), (y1 + 0.5) / (n1 + 1))
    pooled = (y0 + y1 + 0.5) / (n0 + n1 + 1)
    truths["pooled, half an event added"] = (pooled, pooled)
    chars = []
    for name, (p0, p1) in truths.items():
        w = binomial(n0, np.array(logit(p0)))[:, None] * binomial(n1, np.array(logit(p1)))[None, :]
        t = logit(p1) - logit(p0)
        row = {"truth": name, "control": p0, "active": p1}
        for r in RULES:
            row[f"yes_{r['name']}"] = (w * (yes[r["name"]] >= r["probability"])).sum()
        row["bias_rd"] = (w * rd).sum() - (p1 - p0)
        row["bias_theta"] = (w * th).sum() - t
        row["coverage"] = (w * ((lo <= t) & (t <= hi))).sum()
        row["width"] = (w * (hi - lo)).sum()
        # the calibrated bound for an error of 0.05: values of P, largest first, and the exact error at each
        for r in RULES:
            v, e = yes[r["name"]].ravel(), w.ravel()
            o = np.argsort(-v)
            v, e = v[o], np.cumsum(e[o])
            k = np.searchsorted(e, 0.05, side="right") - 1       # the last with an error of 0.05 at most
            row[f"bound_{r['name']}"] = v[k]                     # any bound in (bound_below, bound] has error_at
            row[f"bound_below_{r['name']}"] = v[k + 1]
            row[f"error_at_{r['name']}"] = e[k]
            row[f"error_below_{r['name']}"] = e[k + 1]
        chars.append(row)
    # under the analysis prior: truths are drawn from it
    p = pm
    ap = {"coverage_design_prior": float(((between(lo, hi, cdf, grid)) * p).sum()),
          "width_design_prior": (p * (hi - lo)).sum()}
    for r in RULES:
        y = yes[r["name"]] >= r["probability"]
        ap[f"yes_{r['name']}_design_prior"] = (p * y).sum()
        ap[f"right_of_yes_{r['name']}_design_prior"] = (p * y * yes[r["name"]]).sum() / (p * y).sum()
    out.update(ap)
    return out, chars


def between(lo, hi, cdf, grid):
    """The posterior probability of the interval itself, 0.95 if quantiles are right."""
    out = np.empty_like(lo)
    for i in range(lo.shape[0]):
        for j in range(lo.shape[1]):
            s = CubicSpline(grid, cdf[:, i, j])
            out[i, j] = s(hi[i, j]) - s(lo[i, j])
    return out


# ---------------------------------------------------------------- two subgroups

TWO = dict(pooling="partial", baseline_of="arms", higher_is="better", effect_sd=0.7,
           A_control=(9, 30), A_active=(14, 31), B_control=(12, 40), B_active=(11, 38),
           utility_event=1.0, utility_no_event=0.2, cost=0.0, trial_in_A=15)


def two(case, fine):
    k = 1024 * fine
    half = 16.0
    d = 2 * half / k
    th = (np.arange(k) - k // 2) * d
    freq = 2 * np.pi * np.fft.rfftfreq(k, d)
    z, wz = taus(10 * fine)
    alpha = np.arange(-24, 24 + 1e-9, 0.1 / fine)
    da = alpha[1] - alpha[0]
    pm = normal(th, case["effect_sd"])
    side, slope, cost = 1, case["utility_event"] - case["utility_no_event"], case["cost"]
    x0, x1 = alpha[:, None] - th / 2, alpha[:, None] + th / 2
    na = normal(alpha, ALPHA_SD)[:, None] * da
    rd = expit(x1) - expit(x0)

    def like(g):
        (y0, n0), (y1, n1) = case[g + "_control"], case[g + "_active"]
        return np.exp(lb(y0, n0, x0) + lb(y1, n1, x1) - lb(y0, n0, logit(y0 / n0)) - lb(y1, n1, logit(y1 / n1))) * na

    def smooth(v, tau):
        """v * N(0, tau^2), on the last axis."""
        return np.fft.irfft(np.fft.rfft(v, axis=-1) * np.exp(-0.5 * (tau * freq) ** 2), k, axis=-1)

    joint = {g: like(g) for g in "AB"}
    L = {g: joint[g].sum(0) for g in "AB"}
    Lr = {g: (joint[g] * rd).sum(0) for g in "AB"}

    def said_of(other):
        """R(theta): what the other subgroup and the priors say of this one."""
        r = 0.0
        for t, w in zip(z, wz):
            r = r + w * smooth(pm * smooth(L[other], t), t)
        return np.maximum(r, 0) / (r.sum() * d)

    R = {"A": said_of("B"), "B": said_of("A")}
    out = {}
    ones = {}
    for g in "AB":
        (y0, n0), (y1, n1) = case[g + "_control"], case[g + "_active"]
        s = CubicSpline(th, R[g])
        f = lambda t, s=s: np.where(np.abs(t) < half - 1, np.maximum(s(np.clip(t, -half + 1, half - 1)), 0), 0.0)
        ones[g] = One(f, "arms", (y0, n0, y1, n1), fine)
        gain = slope * ones[g].mean(ones[g].rd) - cost
        out[f"expected_gain_{g}"] = gain
        h = lambda a, b: slope * (expit(b) - expit(a)) - cost
        out[f"evpi_{g}"] = ones[g].region(cost / slope, h=h) / ones[g].total - max(gain, 0)
        out[f"evppi_theta_{g}_to_{g}"] = evppi(ones[g], slope, cost, 1) - max(gain, 0)
    n = case["trial_in_A"]
    p, m = ones["A"].counts(n, n)
    out["evsi_A_to_A"] = (p * np.maximum(slope * m - cost, 0)).sum() - max(out["expected_gain_A"], 0)
    # the trial in A, and B's decision
    b0 = binomial(n, x0)                                              # (n + 1, alpha, theta)
    LA = np.empty((n + 1, n + 1, k))
    b1 = binomial(n, x1)
    for i in range(n + 1):
        w = joint["A"] * b0[i]
        for j in range(n + 1):
            LA[i, j] = (w * b1[j]).sum(0)
    top, bottom = 0.0, 0.0
    for t, w in zip(z, wz):
        a = smooth(LA, t) * pm
        bottom = bottom + w * a @ smooth(L["B"], t)
        top = top + w * a @ smooth(Lr["B"], t)
    pred = bottom / bottom.sum()
    assert np.abs(pred - p).max() < 1e-8, np.abs(pred - p).max()
    gb = slope * top / bottom - cost
    today = max(out["expected_gain_B"], 0)
    assert abs((pred * gb).sum() - out["expected_gain_B"]) < 1e-8
    out["evsi_A_to_B"] = (pred * np.maximum(gb, 0)).sum() - today
    out["changes_A_to_B"] = (pred * ((gb > 0) != (out["expected_gain_B"] > 0))).sum()
    # knowing theta_A (or theta_B), and the other's decision
    for a, b in ["AB", "BA"]:
        r, rr = 0.0, 0.0
        for t, w in zip(z, wz):
            r = r + w * smooth(pm * smooth(L[b], t), t)
            rr = rr + w * smooth(pm * smooth(Lr[b], t), t)
        dens, g = CubicSpline(th, L[a] * r), CubicSpline(th, L[a] * (slope * rr - cost * r))
        total = dens.integrate(-10, 10)
        grid = np.linspace(-10, 10, 2001) + 0.0037
        v = g(grid)
        scale = np.abs(v).max()
        roots = [brentq(g, u0, u1) for u0, u1, v0, v1 in zip(grid, grid[1:], v, v[1:])
                 if v0 * v1 < 0 and max(abs(v0), abs(v1)) > 1e-9 * scale]
        edges = [-10.0] + roots + [10.0]
        best = sum(max(g.integrate(u0, u1), 0) for u0, u1 in zip(edges, edges[1:])) / total
        out[f"evppi_theta_{a}_to_{b}"] = float(best - max(out[f"expected_gain_{b}"], 0))
    return out


LARGE = [500, 1000, 2000]                     # patients of each arm, of the first case


def large(case, fine):
    """Trials that dwarf the present study: integrals to [-6, 6], beyond which no counts that may come have any likelihood."""
    (y0, n0), (y1, n1) = case["control"], case["active"]
    slope, cost = case["utility_event"] - case["utility_no_event"], case["cost"]
    f = effect_density(case["pooling"], case["effect_sd"], 8)
    post = One(f, case["baseline_of"], (y0, n0, y1, n1), fine, 6.0)
    prior = One(f, case["baseline_of"], None, fine, 6.0)
    gain = slope * post.mean(post.rd) - cost
    out = {}
    for n in LARGE:
        p, m = post.counts(n, n)
        g = slope * m - cost
        out[f"evsi_{n}"] = (p * np.maximum(g, 0)).sum() - max(gain, 0)
        out[f"changes_{n}"] = (p * ((g > 0) != (gain > 0))).sum()
        for r in RULES:
            for word, of in [("together", post), ("alone", prior)]:
                with np.errstate(invalid="ignore", divide="ignore"):
                    q = of.probability(r["size"], n, n)
                out[f"assurance_{word}_{r['name']}_{n}"] = (p * (q >= r["probability"])).sum()
    return out


def compare(a, b):
    worst, where = 0.0, None
    for k in a:
        if k.startswith("nearest") or not isinstance(a[k], (float, np.floating)):
            continue
        if abs(a[k] - b[k]) > worst:
            worst, where = abs(a[k] - b[k]), k
    return float(worst), where


def plain(v):
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    return float(v) if isinstance(v, np.floating) else v


def main():
    result = {
        "source": "Written by next.py: enumeration of all counts and deterministic integration, independent of the program.",
        "note": ("RD = p1 - p0 of the event. Gain of a patient: |utility_event - utility_no_event| times the benefit (RD, or "
                 "-RD where higher_is is worse), less cost (in utility). evsi_N, changes_N and assurance_..._N: a trial of N "
                 "patients in each arm; together: analysed with the present counts, alone: by itself under the priors, its "
                 "counts drawn from the present posterior in both. Rules: P(benefit > size) >= probability. Truths: fixed "
                 "risks at the study's own cell sizes, whose control and active are those of the study. bound: the least "
                 "value of P at which a yes has an error of 0.05 at most under that truth (error_at); at the next value "
                 "below (bound_below) the error is error_below. Intervals: central 95 % of theta. Alpha ~ N(0, 2.5^2), "
                 "tau ~ half-normal(0.5). All in utility, not per 1,000."),
        "rules": RULES, "one": [], "characteristics": [], "large": None, "two": None}
    for case in CASES:
        coarse, cc = one_case(case, 1)
        finer, cf = one_case(case, 2)
        print(case["name"], "change", compare(coarse, finer), max(compare(a, b) for a, b in zip(cc, cf)))
        row = {**case, **finer, "resolution": compare(coarse, finer)[0]}
        result["one"].append(row)
        for a, b in zip(cc, cf):
            result["characteristics"].append({"case": case["name"], **b, "resolution": compare(a, b)[0]})
    finer = large(CASES[0], 4)
    coarse = large(CASES[0], 2)
    print("large change", compare(coarse, finer))
    result["large"] = {"case": CASES[0]["name"], **finer, "resolution": compare(coarse, finer)[0]}
    coarse, finer = two(TWO, 1), two(TWO, 2)
    print("two change", compare(coarse, finer))
    result["two"] = {**TWO, **finer, "resolution": compare(coarse, finer)[0]}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "next.json"), "w") as f:
        json.dump(plain(result), f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
