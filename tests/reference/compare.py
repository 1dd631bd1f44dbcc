#!/usr/bin/env python3
"""Reference values for comparing, tracing and combining reanalyses of subgroups, by direct numerical integration.

    python3 compare.py [--out compare.json] [--quick]

Needs numpy and scipy only and reads no file.  Everything is computed twice, with NODES = 12 and 24 Gauss-Legendre nodes
in every panel (and every uniform step halved); the second set is written, with the largest absolute change of each
table between the two under "doubling_change".  --quick does the first set only.  "checks" holds agreements between
different formulations (see the end).  Run time: about 2 minutes on one core.

Model
-----
y_g0 ~ Bin(n_g0, expit(a_g)), y_g1 ~ Bin(n_g1, expit(a_g + th_g)), a_g ~ N(0, 1.5).  N(m, s) has standard deviation s.
partial:   th_g ~ N(mu, tau), mu ~ effect prior, tau ~ heterogeneity prior (half-normal).
complete:  th_g = mu.
none:      every subgroup alone, th_g ~ N(mu_g, tau_g), each with its own mu_g and tau_g under the same priors.
Benefit is th_g > 0, harm is th_g < 0; RD_g = expit(a_g + th_g) - expit(a_g).

What is computed (keys below "etiology" and "cohorts"; arrays run over subgroups in the order of "subgroups")
----------------
benefit       P(benefit) by pooling and library effect prior.
tau_curve     P(benefit) by scale of the half-normal prior (partial pooling, stated effect prior).
crossings     scales in [1/64, 4] where P(benefit) or P(harm) crosses a line.
tipping       "sd": largest SD in [0.05, 5] of an effect prior N(0, SD) where the probability, above the line at SD = 5
              ("at_sd_5"), falls to it; "centre": c in [-3, 3] of N(c, 0.355) where the probability, above the line
              under the stated prior ("at_stated"), equals it, the nearest to 0.  null where there is none.  "all_sd" and
              "all_centres" list every crossing in the range: the probability need not be monotone in c, because a centre
              far from the data makes tau large and cuts the subgroups loose.
corners       benefit, harm, RD > 0.05, RD < -0.05 for data, effect prior and heterogeneity prior on (stated) or off (no
              data, N(0, 5), half-normal(1)); partial pooling.
shapley       Shapley values of these three switches for each of the probabilities.
log_marginal  log marginal likelihood with binomial coefficients, stated priors.
loo           sum over patients of log p(patient | all others), Bernoulli, stated priors.
envelope      extremes of P(benefit) over N(c, s), c in [-log 1.5, log 1.5], s in [0.205, 5], half-normal(t), t in [.25, 1].
power         d P(benefit) / d log2(alpha) at alpha = 1, the densities of the effect and the heterogeneity prior raised
              to alpha ("priors"), or the likelihood ("likelihood").
external      cohorts: the distribution of a new subgroup's effect.  etiology: P(benefit) when the effect prior is
              w * (that density) + (1 - w) * N(0, 0.355).

How
---
1. l_g(th, .) by the trapezoidal rule in a (spectrally accurate for an analytic integrand that vanishes at both ends).
2. Nodes: tau in dyadic Gauss-Legendre panels; for every tau, mu in panels that shrink to the scale of tau at mu = 0.
   L_g(mu, tau) = int l_g(th) N(th; mu, tau) dth, B_g the same over th > 0.  tau >= 0.1: Gauss-Legendre panels in th,
   split at 0.  tau < 0.1: th = mu + tau z, Gauss-Hermite in z for L, Gauss-Legendre from z = -mu / tau for B, l_g from
   a spline of degree 7 of its logarithm.  The tables hold no prior, so every prior is a weighted sum over the nodes.
3. Risk differences, leave-one-out values and the new effect use instead the cavity density
   W_g(th) = int int p(mu) h(tau) N(th; mu, tau) prod_{j != g} L_j(mu, tau) dmu dtau: the posterior density of th_g is
   l_g W_g / m.  {RD > d} is an interval in a for given th > 4 atanh(d), with end points in closed form; the square root
   at the start is removed by th = 4 atanh(d) + u^2.
4. Roots by a fine scan and Brent's method; extremes by a lattice, then L-BFGS-B with exact gradients (covariances of
   scores) from the best points.
5. Derivatives with respect to alpha are posterior covariances (of the log prior or the log likelihood).
"""

import os

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_v, "1")

import argparse
import itertools
import json
import time

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.optimize import brentq, minimize
from scipy.special import expit, gammaln, ndtr

M = float(np.log(1.5))
Z70, Z85, Z95 = 0.5244005, 1.0364334, 1.6448536
LIBRARY = {
    "neutral_weak": (0.0, 5.0), "neutral_moderate": (0.0, 0.355), "neutral_strong": (0.0, 0.205),
    "optimistic_weak": (M, M / Z70), "optimistic_moderate": (M, M / Z85), "optimistic_strong": (M, M / Z95),
    "pessimistic_weak": (-M, M / Z70), "pessimistic_moderate": (-M, M / Z85), "pessimistic_strong": (-M, M / Z95),
}
STATED, STATED_T = (0.0, 0.355), 0.5
WIDE, WIDE_T = (0.0, 5.0), 1.0
BASE_SD = 1.5
RD = 0.05
DATA = {  # y0, n0, y1, n1
    "etiology": [("atherosclerotic", (22, 46, 33, 70)), ("non-atherosclerotic", (37, 71, 8, 34))],
    "cohorts": [("PC-SEARCH", (10, 54, 29, 65)), ("SAINT", (12, 64, 29, 82)), ("ANGEL-ACT", (2, 12, 42, 81))],
}
TH_MAX = 12.0
SPLIT_TAU = 0.1


def normal(x, m, s):
    return np.exp(-0.5 * ((x - m) / s) ** 2) / (s * np.sqrt(2 * np.pi))


def half_normal(x, t):
    return 2 * normal(x, 0.0, t)


def panels(edges, n):
    x, w = np.polynomial.legendre.leggauss(n)
    e = np.asarray(edges, float)
    h = 0.5 * np.diff(e)[:, None]
    c = 0.5 * (e[1:] + e[:-1])[:, None]
    return (c + h * x).ravel(), (h * w).ravel()


class Rule:
    """All resolutions, from the number of nodes in a panel."""

    def __init__(self, n):
        self.n = n
        self.step = 0.24 / n               # splines and cavity grids: 0.02, 0.01
        self.a_step = 0.6 / n              # 0.05, 0.025
        self.gh = 8 + n                    # Gauss-Hermite nodes
        x, w = np.polynomial.hermite_e.hermegauss(self.gh)
        self.z, self.wz = x, w / np.sqrt(2 * np.pi)
        self.tau, self.wtau = panels([0] + [0.0125 * 2.0**k for k in range(12)] + [38.4], n)


def cell_loglik(y, n, x):
    return y * x - n * np.logaddexp(0.0, x)


class Baseline:
    """l_g(th) = int p(y0 | a) p(y1 | a + th) N(a; 0, 1.5) da and the mean of the log likelihood given th."""

    def __init__(self, rule, counts, alpha=1.0):
        self.a = np.arange(-24, 24 + 1e-9, rule.a_step)
        self.c, self.rule, self.alpha = counts, rule, alpha
        self.shift = 0.0
        self.shift = float(self(np.linspace(-4, 4, 401))[0].max())

    def __call__(self, th):
        th = np.asarray(th, float)
        log_l, mean = np.empty(th.shape), np.empty(th.shape)
        y0, n0, y1, n1 = self.c
        prior = -0.5 * (self.a / BASE_SD) ** 2 - np.log(BASE_SD * np.sqrt(2 * np.pi))
        l0 = cell_loglik(y0, n0, self.a)
        for k in range(0, len(th), 2000):
            ll = l0 + cell_loglik(y1, n1, self.a + th[k:k + 2000, None])
            q = self.alpha * ll + prior
            top = q.max(axis=1)
            e = np.exp(q - top[:, None])
            s = e.sum(axis=1)
            log_l[k:k + 2000] = top + np.log(s * self.rule.a_step) - self.shift
            mean[k:k + 2000] = (e * ll).sum(axis=1) / s
        return log_l, mean


class Tables:
    """Values at the (tau, mu) nodes, free of the priors on mu and tau."""

    def __init__(self, rule, counts, alpha=1.0):
        self.rule, self.counts, self.G = rule, counts, len(counts)
        n, G = rule.n, self.G
        self.base = [Baseline(rule, c, alpha) for c in counts]
        self.shift = sum(b.shift for b in self.base)
        grid = np.arange(-TH_MAX - 1, TH_MAX + 1 + 1e-9, rule.step)
        vals = [b(grid) for b in self.base]
        self.spline = make_interp_spline(grid, np.stack([v[0] for v in vals] + [v[1] for v in vals], axis=1), k=7)
        self.log_spline = make_interp_spline(grid, np.stack([v[0] for v in vals], axis=1), k=7)
        # complete pooling and the pooled-free nodes in th
        self.th, self.wth = panels(np.arange(-TH_MAX, TH_MAX + 1e-9, 0.125), n)
        self.lth = np.stack([np.exp(b(self.th)[0]) for b in self.base])
        # nodes in mu for every tau
        mus, ws, Ls, Bs, Ds, Es, start = [], [], [], [], [], [], [0]
        cache = {}
        for tau in rule.tau:
            b = min(tau, 0.1)
            edge = [0.0]
            while b < 0.25:
                edge.append(b)
                b *= 2
            edge += list(np.arange(0.25, 4.01, 0.25)) + [5, 6, 8] + list(np.arange(12, 41, 4))
            mu, w = panels([-e for e in edge[:0:-1]] + edge, n)
            if tau < SPLIT_TAU:
                L, B, D, E = self._narrow(mu, tau)
            else:
                width = 0.5 * min(1.0, 2.0 ** np.floor(np.log2(tau / 0.5)))
                if width not in cache:
                    th, wth = panels(np.arange(-TH_MAX, TH_MAX + 1e-9, width), n)
                    lm = [x(th) for x in self.base]
                    l = np.stack([np.exp(x[0]) * wth for x in lm], axis=1)
                    d = l * np.stack([x[1] for x in lm], axis=1)
                    pos = (th > 0)[:, None]
                    keep = (l.max(axis=1) > 1e-40)
                    cache[width] = th[keep], np.hstack([l, l * pos, d, d * pos])[keep]
                th, cols = cache[width]
                r = np.exp(-0.5 * ((th - mu[:, None]) / tau) ** 2) @ cols / (tau * np.sqrt(2 * np.pi))
                L, B, D, E = (r[:, i * G:(i + 1) * G].T for i in range(4))
            mus.append(mu), ws.append(w), Ls.append(L), Bs.append(B), Ds.append(D), Es.append(E)
            start.append(start[-1] + len(mu))
        self.mu, self.w = np.concatenate(mus), np.concatenate(ws)
        self.start = np.array(start)
        self.L = np.concatenate(Ls, axis=1)
        B, D, E = (np.concatenate(v, axis=1) for v in (Bs, Ds, Es))
        self.prod = self.w * np.prod(self.L, axis=0)
        rest = [np.prod(self.L[[j for j in range(G) if j != g]], axis=0) for g in range(G)]
        self.num = np.stack([self.w * B[g] * rest[g] for g in range(G)])
        # derivative of the integrands with respect to the power of the likelihood
        self.dprod = self.w * sum(D[g] * rest[g] for g in range(G))
        dn = []
        for g in range(G):
            v = E[g] * rest[g]
            for j in range(G):
                if j != g:
                    v = v + B[g] * D[j] * np.prod(self.L[[k for k in range(G) if k not in (g, j)]], axis=0)
            dn.append(self.w * v)
        self.dnum = np.stack(dn)

    def _narrow(self, mu, tau):
        """tau < 0.1: th = mu + tau z."""
        r, G = self.rule, self.G
        L, B, D, E = (np.zeros((G, len(mu))) for _ in range(4))
        ok = np.abs(mu) < TH_MAX
        th = mu[ok, None] + tau * r.z
        v = self.spline(th)
        l = np.exp(v[..., :G]) * r.wz[:, None]
        L[:, ok], D[:, ok] = l.sum(axis=1).T, (l * v[..., G:]).sum(axis=1).T
        up = ok & (mu > 9 * tau)
        B[:, up], E[:, up] = L[:, up], D[:, up]
        near = np.abs(mu) <= 9 * tau
        z0 = -mu[near] / tau
        x, w = panels(np.linspace(0, 1, 11), r.n)
        lo = np.maximum(z0, -9.0)
        z = lo[:, None] + (9.5 - lo)[:, None] * x
        wz = (9.5 - lo)[:, None] * w * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
        v = self.spline(mu[near, None] + tau * z)
        l = np.exp(v[..., :G]) * wz[..., None]
        B[:, near], E[:, near] = l.sum(axis=1).T, (l * v[..., G:]).sum(axis=1).T
        return L, B, D, E

    # ---- sums
    def by_tau(self, pmu, what):
        return np.add.reduceat(what * pmu, self.start[:-1], axis=-1)

    def given_effect(self, effect):
        """Marginal likelihood and numerators for every tau node; effect is (centre, sd) or a density."""
        pmu = normal(self.mu, *effect) if isinstance(effect, tuple) else effect(self.mu)
        return self.by_tau(pmu, self.prod), self.by_tau(pmu, self.num)

    def finish(self, zn, t):
        h = self.rule.wtau * half_normal(self.rule.tau, t)
        z, n = zn
        return (n @ h) / (z @ h)

    def benefit(self, effect, t):
        return self.finish(self.given_effect(effect), t)

    def log_z(self, effect, t):
        z, _ = self.given_effect(effect)
        return float(np.log(z @ (self.rule.wtau * half_normal(self.rule.tau, t)))) + self.shift

    def gradient(self, c, s, t):
        """P(benefit) and its gradient with respect to c, log s, log t."""
        p = normal(self.mu, c, s)
        u = (self.mu - c) / s
        h = self.rule.wtau * half_normal(self.rule.tau, t)
        ht = h * ((self.rule.tau / t) ** 2 - 1)
        out = []
        for f, k in ((p, h), (p * u / s, h), (p * (u * u - 1), h), (p, ht)):
            out.append((self.by_tau(f, self.prod) @ k, self.by_tau(f, self.num) @ k))
        z, n = out[0]
        val = n / z
        return val, np.stack([(dn - val * dz) / z for dz, dn in out[1:]], axis=1)

    def power(self, effect, t):
        c, s = effect
        p = normal(self.mu, c, s)
        h = self.rule.wtau * half_normal(self.rule.tau, t)
        z, n = self.by_tau(p, self.prod) @ h, self.by_tau(p, self.num) @ h
        val = n / z
        lp = p * -0.5 * ((self.mu - c) / s) ** 2
        lh = h * -0.5 * (self.rule.tau / t) ** 2
        dz = self.by_tau(lp, self.prod) @ h + self.by_tau(p, self.prod) @ lh
        dn = self.by_tau(lp, self.num) @ h + self.by_tau(p, self.num) @ lh
        priors = (dn - val * dz) / z
        dz, dn = self.by_tau(p, self.dprod) @ h, self.by_tau(p, self.dnum) @ h
        return np.log(2) * priors, np.log(2) * (dn - val * dz) / z

    # ---- complete and no pooling
    def complete(self, effect, lth=None):
        p = self.wth * normal(self.th, *effect) * np.prod(self.lth if lth is None else lth, axis=0)
        return p[self.th > 0].sum() / p.sum(), p.sum()

    def alone_prior(self, effect, t, x):
        h = self.rule.wtau * half_normal(self.rule.tau, t)
        s = np.sqrt(effect[1] ** 2 + self.rule.tau ** 2)
        return np.exp(-0.5 * ((x[:, None] - effect[0]) / s) ** 2) @ (h / s) / np.sqrt(2 * np.pi)

    def none(self, effect, t, lth=None):
        p = self.wth * self.alone_prior(effect, t, self.th) * (self.lth if lth is None else lth)
        z = p.sum(axis=1)
        return p[:, self.th > 0].sum(axis=1) / z, z

    # ---- cavity densities on a uniform grid
    def cavity(self, effects, scales):
        """W[S][effect][t](x), S = the subgroup left out or None; and the derivative for None, first effect and scale."""
        r, G = self.rule, self.G
        x = np.arange(-24, 24 + 1e-9, r.step)
        sets = list(range(G)) + [None]
        inside = np.arange(-TH_MAX, TH_MAX + 1e-9, r.step)
        acc = np.zeros((len(scales), len(x), len(sets) * len(effects)))
        der = np.zeros(len(x))
        for k, tau in enumerate(r.tau):
            if tau < SPLIT_TAU:
                mu = inside
                L = np.exp(self.log_spline(mu[:, None] + tau * r.z))
                logL = np.log((L * r.wz[:, None]).sum(axis=1))
                ls = make_interp_spline(mu, logL, k=7)
                at = x[:, None] + tau * r.z
                ok = np.abs(at) < TH_MAX
                v = np.where(ok[..., None], ls(np.clip(at, -TH_MAX, TH_MAX)), -np.inf)
                cols = []
                for S in sets:
                    q = np.exp(v[..., [j for j in range(G) if j != S]].sum(axis=-1))
                    for e in effects:
                        y = q * normal(at, *e)
                        cols.append(y @ r.wz)
                        if S is None and e is effects[0]:
                            d = y @ (r.wz * r.z) / tau
                val = np.stack(cols, axis=1)
            else:
                i, j = self.start[k], self.start[k + 1]
                mu, w = self.mu[i:j], self.w[i:j]
                cols = [w * normal(mu, *e) * np.prod(self.L[[g for g in range(G) if g != S], i:j], axis=0)
                        for S in sets for e in effects]
                cols = np.stack(cols, axis=1)
                keep = (cols / cols.max(axis=0)).max(axis=1) > 1e-60
                mu, cols = mu[keep], cols[keep]
                K = np.exp(-0.5 * ((x[:, None] - mu) / tau) ** 2) / (tau * np.sqrt(2 * np.pi))
                f = len(effects) * (len(sets) - 1)
                ext = np.hstack([cols, (cols[:, f] * mu)[:, None]])
                val = K @ ext
                d = (val[:, -1] - x * val[:, f]) / tau ** 2
                val = val[:, :-1]
            for i, t in enumerate(scales):
                acc[i] += r.wtau[k] * half_normal(tau, t) * val
            der += r.wtau[k] * half_normal(tau, scales[0]) * d
        out = {}
        for i, t in enumerate(scales):
            for m, (S, e) in enumerate(itertools.product(sets, effects)):
                out[S, e, t] = acc[i, :, m]
        return x, out, der


# ---------------------------------------------------------------- risk differences

def rd_interval(th, d):
    """For th > 4 atanh(d): expit(a + th) - expit(a) > d exactly for lo < a < hi (lo + hi = -th)."""
    u = np.expm1(th)
    b = u - d * (u + 2)
    disc = np.maximum(b * b - 4 * d * d * (u + 1), 0)
    hi = np.log((b + np.sqrt(disc)) / (2 * d)) - th
    return -th - hi, hi


def rd_nodes(rule, top):
    th0 = 4 * np.arctanh(RD)
    u, w = panels(np.linspace(0, np.sqrt(top - th0), int(round(np.sqrt(top) / 0.1)) + 1), rule.n)
    return th0 + u * u, 2 * u * w


def rd_likelihood(rule, counts, shift, th, sign):
    """int over {a: sign * RD > 0.05} of p(y0 | a) p(y1 | a + sign th) N(a) da at the values th > 0."""
    lo, hi = rd_interval(th, RD)
    if sign < 0:  # the roles of the two arms are exchanged: a = a' + th
        lo, hi = lo + th, hi + th
    lo, hi = np.clip(lo, -14, 14), np.clip(hi, -14, 14)
    x, w = panels(np.linspace(0, 1, 57), rule.n)
    out = np.empty(len(th))
    for k in range(0, len(th), 500):
        s = slice(k, k + 500)
        a = lo[s, None] + (hi - lo)[s, None] * x
        y0, n0, y1, n1 = counts
        ll = cell_loglik(y0, n0, a) + cell_loglik(y1, n1, a + sign * th[s, None]) - shift
        out[s] = (np.exp(ll) * normal(a, 0, BASE_SD)) @ w * (hi - lo)[s]
    return out


# ---------------------------------------------------------------- one data set

SCALES = [0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0]
LINES = [0.5, 0.8, 0.9, 0.95]


def roots(f, grid, values, line):
    """All crossings of one line, f scalar, values f(grid)."""
    d = values - line
    out = []
    for i in np.nonzero(np.sign(d[:-1]) * np.sign(d[1:]) < 0)[0]:
        out.append(brentq(lambda v: f(v) - line, grid[i], grid[i + 1], xtol=1e-13, rtol=1e-13))
    return out


def near_misses(values, line):
    """Closest approach of an interior extremum of the scan to the line, when the line is not crossed next to it."""
    d = np.abs(values - line)
    i = np.arange(1, len(d) - 1)
    turn = (values[i] - values[i - 1]) * (values[i + 1] - values[i]) < 0
    return float(d[i][turn].min()) if turn.any() else None


def lst(v):
    return [float(x) for x in v]


def analyse(name, rule, tables, checks):
    T, G = tables, tables.G
    names = [s[0] for s in DATA[name]]
    counts = [s[1] for s in DATA[name]]
    out = {"subgroups": names, "counts_y0_n0_y1_n1": [list(c) for c in counts]}

    # 1
    out["benefit"] = {
        "partial": {k: lst(T.benefit(e, STATED_T)) for k, e in LIBRARY.items()},
        "complete": {k: [float(T.complete(e)[0])] * G for k, e in LIBRARY.items()},
        "none": {k: lst(T.none(e, STATED_T)[0]) for k, e in LIBRARY.items()},
    }
    # 2
    zn = T.given_effect(STATED)
    out["tau_curve"] = {"scales": SCALES, "benefit": [lst(T.finish(zn, t)) for t in SCALES]}
    # 3
    grid = np.exp2(np.linspace(-6, 2, 801))
    grid[0], grid[-1] = 0.015625, 4.0
    curve = np.array([T.finish(zn, t) for t in grid])
    out["crossings"], miss = [], []
    for g in range(G):
        both = {}
        for kind, sign in (("benefit", 1), ("harm", -1)):
            f = lambda t: float(T.finish(zn, t)[g]) if sign > 0 else 1 - float(T.finish(zn, t)[g])
            v = curve[:, g] if sign > 0 else 1 - curve[:, g]
            both[kind] = {str(l): lst(roots(f, grid, v, l)) for l in LINES}
            miss += [m for m in (near_misses(v, l) for l in LINES) if m is not None]
        out["crossings"].append({"subgroup": names[g], **both,
                                 "benefit_at_ends": [float(curve[0, g]), float(curve[-1, g])]})
    checks["crossings_closest_turning_point_to_a_line"] = min(miss) if miss else None
    # 4
    stated = T.finish(zn, STATED_T)
    sds = np.exp(np.linspace(np.log(0.05), np.log(5), 301))
    sds[0], sds[-1] = 0.05, 5.0
    by_sd = np.array([T.benefit((0.0, s), STATED_T) for s in sds])
    cs = np.linspace(-3, 3, 121)
    by_c = np.array([T.benefit((c, STATED[1]), STATED_T) for c in cs])
    out["tipping"] = []
    for g in range(G):
        both = {}
        for kind, sign in (("benefit", 1), ("harm", -1)):
            val = (lambda p: p) if sign > 0 else (lambda p: 1 - p)
            lines = {}
            for l in LINES[1:]:
                v = val(by_sd[:, g])
                sd = centre = None
                sd_all, c_all = [], []
                if v[-1] > l:
                    r = roots(lambda s: val(float(T.benefit((0.0, s), STATED_T)[g])), sds, v, l)
                    sd, sd_all = (max(r) if r else None), lst(r)
                if val(stated[g]) > l:
                    r = roots(lambda c: val(float(T.benefit((c, STATED[1]), STATED_T)[g])), cs, val(by_c[:, g]), l)
                    centre, c_all = (min(r, key=abs) if r else None), lst(r)
                lines[str(l)] = {"sd": sd, "centre": centre, "all_sd": sd_all, "all_centres": c_all}
            both[kind] = {"at_sd_5": float(val(by_sd[-1, g])), "at_sd_0.05": float(val(by_sd[0, g])),
                          "at_stated": float(val(stated[g])), "lines": lines}
        out["tipping"].append({"subgroup": names[g], **both})
    # 5
    x, W, der = T.cavity([STATED, WIDE], [STATED_T, WIDE_T])
    logW = {k: make_interp_spline(x, np.log(v), k=7) for k, v in W.items()}
    events = ("benefit", "harm", "rd_above", "rd_below")
    th, wth = rd_nodes(rule, TH_MAX)
    like = [[rd_likelihood(rule, counts[g], T.base[g].shift, th, s) for s in (1, -1)] for g in range(G)]
    tho, wtho = rd_nodes(rule, 60.0)
    lo, hi = rd_interval(tho, RD)
    off_like = [ndtr(hi / BASE_SD) - ndtr(lo / BASE_SD)]
    off_like.append(ndtr((hi + tho) / BASE_SD) - ndtr((lo + tho) / BASE_SD))
    value, worst = {}, 0.0
    out["corners"] = []
    for don, eon, hon in itertools.product((False, True), repeat=3):
        e, t = (STATED if eon else WIDE), (STATED_T if hon else WIDE_T)
        if don:
            ben = T.benefit(e, t)
            harm = 1 - ben
            above, below = np.empty(G), np.empty(G)
            for g in range(G):
                lw = logW[g, e, t]
                p = T.wth * T.lth[g] * np.exp(lw(T.th))
                z = p.sum()
                worst = max(worst, abs(p[T.th > 0].sum() / z - ben[g]), abs(np.log(z) + T.shift - T.log_z(e, t)))
                above[g] = (wth * like[g][0] * np.exp(lw(th))).sum() / z
                below[g] = (wth * like[g][1] * np.exp(lw(-th))).sum() / z
        else:
            ben = harm = np.full(G, 0.5)
            above = np.full(G, (wtho * off_like[0] * T.alone_prior(e, t, tho)).sum())
            below = np.full(G, (wtho * off_like[1] * T.alone_prior(e, t, -tho)).sum())
        value[don, eon, hon] = dict(zip(events, (ben, harm, above, below)))
        out["corners"].append({"data": don, "effect_stated": eon, "heterogeneity_stated": hon,
                               **{k: lst(v) for k, v in value[don, eon, hon].items()}})
    checks["cavity_against_tables_benefit_and_log_marginal"] = worst
    out["shapley"] = {}
    for ev in events:
        phi = {}
        for i, switch in enumerate(("data", "effect", "heterogeneity")):
            tot = 0.0
            for rest in itertools.product((False, True), repeat=2):
                on, off = list(rest), list(rest)
                on.insert(i, True), off.insert(i, False)
                weight = (1 / 3, 1 / 6, 1 / 3)[sum(rest)]
                tot = tot + weight * (value[tuple(on)][ev] - value[tuple(off)][ev])
            phi[switch] = lst(tot)
        out["shapley"][ev] = phi
    # 6
    comb = sum(gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
               for y0, n0, y1, n1 in counts for y, n in ((y0, n0), (y1, n1)))
    kernel = {"partial": T.log_z(STATED, STATED_T),
              "complete": float(np.log(T.complete(STATED)[1])) + T.shift,
              "none": float(np.log(T.none(STATED, STATED_T)[1]).sum()) + T.shift}
    out["log_marginal"] = {k: float(v + comb) for k, v in kernel.items()}
    # 7
    out["loo"] = {}
    prior1 = T.alone_prior(STATED, STATED_T, T.th)
    cells = {k: [] for k in kernel}
    for g in range(G):
        y0, n0, y1, n1 = counts[g]
        for arm, outcome, number, less in (
                ("control", 1, y0, (y0 - 1, n0 - 1, y1, n1)), ("control", 0, n0 - y0, (y0, n0 - 1, y1, n1)),
                ("active", 1, y1, (y0, n0, y1 - 1, n1 - 1)), ("active", 0, n1 - y1, (y0, n0, y1, n1 - 1))):
            b = Baseline(rule, less)
            b.shift = T.base[g].shift
            l = np.exp(b(T.th)[0])
            lth = T.lth.copy()
            lth[g] = l
            less_m = {
                "partial": np.log((T.wth * l * np.exp(logW[g, STATED, STATED_T](T.th))).sum()) + T.shift,
                "complete": np.log(T.complete(STATED, lth)[1]) + T.shift,
                "none": kernel["none"] + np.log((T.wth * l * prior1).sum())
                        - np.log((T.wth * T.lth[g] * prior1).sum()),
            }
            for k in kernel:
                cells[k].append({"subgroup": names[g], "arm": arm, "outcome": outcome, "patients": number,
                                 "log_p": float(kernel[k] - less_m[k])})
    for k in kernel:
        out["loo"][k] = {"elpd": float(sum(c["patients"] * c["log_p"] for c in cells[k])), "cells": cells[k]}
    # 8
    out["envelope"], worst = [], 0.0
    lat_c, lat_s = np.linspace(-M, M, 9), np.exp(np.linspace(np.log(0.205), np.log(5), 13))
    lat_t = np.exp(np.linspace(np.log(0.25), 0, 7))
    lat = [(c, s, t) for c in lat_c for s in lat_s for t in lat_t]
    lat_v = np.array([T.finish(zn2, t) for c in lat_c for s in lat_s
                      for zn2 in [T.given_effect((c, s))] for t in lat_t])
    bounds = [(-M, M), (np.log(0.205), np.log(5)), (np.log(0.25), 0.0)]
    limits = {"c": (-M, M), "s": (0.205, 5.0), "t": (0.25, 1.0)}
    for g in range(G):
        row = {"subgroup": names[g]}
        for kind, sign in (("min", 1), ("max", -1)):
            def fun(v):
                p, d = T.gradient(v[0], np.exp(v[1]), np.exp(v[2]))
                return sign * p[g] * 1e3, sign * d[g] * 1e3
            best, ends = None, []
            for k in np.argsort(sign * lat_v[:, g])[[0, 1, 3, 8, 20, 50]]:
                c, s, t = lat[k]
                r = minimize(fun, [c, np.log(s), np.log(t)], jac=True, method="L-BFGS-B", bounds=bounds,
                             options={"ftol": 1e-16, "gtol": 1e-11, "maxiter": 200})
                ends.append(r.fun)
                if best is None or r.fun < best.fun:
                    best = r
            v = [float(min(max(a, lo), hi)) for a, (lo, hi) in
                 zip((best.x[0], np.exp(best.x[1]), np.exp(best.x[2])), limits.values())]
            v = [min((lo, hi), key=lambda q: abs(q - a)) if min(abs(a - lo), abs(a - hi)) < 1e-9 else a
                 for a, (lo, hi) in zip(v, limits.values())]
            row[kind] = {"benefit": sign * float(best.fun) / 1e3, "c": v[0], "s": v[1], "t": v[2],
                         "local_optima": sorted({round(sign * float(e) / 1e3, 9) for e in ends})}
            assert sign * best.fun / 1e3 * sign <= (sign * lat_v[:, g]).min() + 1e-12
            worst = max(worst, float(np.abs(best.x - np.clip(best.x - best.jac / 1e3, *zip(*bounds))).max()))
        out["envelope"].append(row)
    checks["envelope_projected_gradient"] = worst
    # 9
    a, b = T.power(STATED, STATED_T)
    out["power"] = {"priors": lst(a), "likelihood": lst(b)}

    def along(step):
        k = 2.0 ** (-step / 2)
        return T.benefit((0.0, STATED[1] * k), STATED_T * k)
    h = 0.02
    d1, d2 = [(along(k) - along(-k)) / (2 * k) for k in (h, 2 * h)]
    checks["power_priors_against_differences"] = float(np.abs((4 * d1 - d2) / 3 - a).max())
    if rule.n <= 12:
        v = {k: Tables(rule, counts, 2.0 ** k).benefit(STATED, STATED_T) for k in (-0.1, -0.05, 0.05, 0.1)}
        d1, d2 = (v[0.05] - v[-0.05]) / 0.1, (v[0.1] - v[-0.1]) / 0.2
        checks["power_likelihood_against_differences"] = float(np.abs((4 * d1 - d2) / 3 - b).max())
    # 10
    if name == "cohorts":
        z = W[None, STATED, STATED_T]
        total = z.sum() * rule.step
        f, df = z / total, der / total
        checks["new_effect_mass_against_log_marginal"] = abs(np.log(total) + T.shift - kernel["partial"])
        fisher = (df ** 2 / f).sum() * rule.step
        sp = make_interp_spline(x, f, k=7)
        checks["new_effect_derivative_against_spline"] = float(np.abs(sp.derivative()(x) - df)[200:-200].max())
        checks["new_effect_fisher_against_spline"] = float(
            abs((sp.derivative()(x) ** 2 / f)[200:-200].sum() * rule.step - fisher))
        mean = (x * f).sum() * rule.step
        sd = np.sqrt(((x - mean) ** 2 * f).sum() * rule.step)
        p, hh = normal(T.mu, *STATED), rule.wtau * half_normal(rule.tau, STATED_T)
        m1 = T.by_tau(p * T.mu, T.prod) @ hh
        m2 = T.by_tau(p * T.mu ** 2, T.prod) @ hh + T.by_tau(p, T.prod) @ (hh * rule.tau ** 2)
        zz = T.by_tau(p, T.prod) @ hh
        checks["new_effect_moments_against_tables"] = float(max(abs(m1 / zz - mean),
                                                                abs(np.sqrt(m2 / zz - (m1 / zz) ** 2) - sd)))
        cdf = sp.antiderivative()
        base = cdf(x[0])
        qs = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
        out["external"] = {
            "fisher": float(fisher), "mean": float(mean), "sd": float(sd),
            "quantiles": {str(q): float(brentq(lambda v: float(cdf(v) - base) - q, -10, 10, xtol=1e-13)) for q in qs},
            "p_positive": float(1 - (cdf(0.0) - base)),
            "density": {str(v): float(sp(v)) for v in (-1.0, 0.0, 0.5, 1.0, 2.0)},
        }
        tables.new_effect = make_interp_spline(x, np.log(f), k=7)
    return out


def external(T, log_f):
    def density(mu):
        return np.where(np.abs(mu) < 24, np.exp(log_f(np.clip(mu, -24, 24))), 0.0)
    z1, n1 = T.given_effect(density)
    z0, n0 = T.given_effect(STATED)
    ws = [0.0, 0.25, 0.5, 1.0]
    return {"weights": ws, "benefit": [lst(T.finish((w * z1 + (1 - w) * z0, w * n1 + (1 - w) * n0), STATED_T))
                                       for w in ws]}


def run(n):
    rule = Rule(n)
    res, checks = {}, {}
    tabs = {}
    for name in ("cohorts", "etiology"):
        t0 = time.time()
        tabs[name] = Tables(rule, [s[1] for s in DATA[name]])
        t1 = time.time()
        checks[name] = {}
        res[name] = analyse(name, rule, tabs[name], checks[name])
        print(f"n={n} {name}: tables {t1 - t0:.1f} s, analysis {time.time() - t1:.1f} s", flush=True)
    res["etiology"]["external"] = external(tabs["etiology"], tabs["cohorts"].new_effect)
    return {k: res[k] for k in ("etiology", "cohorts")}, checks


def change(a, b, path=""):
    if isinstance(a, dict):
        assert a.keys() == b.keys(), path
        return max([change(a[k], b[k], f"{path}/{k}") for k in a if k != "local_optima"] or [0.0])
    if isinstance(a, list):
        assert len(a) == len(b), path
        return max([change(u, v, path) for u, v in zip(a, b)] or [0.0])
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b)
    assert a == b, (path, a, b)
    return 0.0


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "compare.json"))
    ap.add_argument("--quick", action="store_true")
    args = ap.parse_args()
    coarse, checks = run(12)
    if args.quick:
        print(json.dumps({"checks": checks, **coarse}, indent=1))
        return
    fine, checks2 = run(24)
    doubling = {d: {k: change(coarse[d][k], fine[d][k], k) for k in fine[d]
                    if k not in ("subgroups", "counts_y0_n0_y1_n1")} for d in fine}
    doubling = {d: {k: float(f"{v:.2e}") for k, v in t.items()} for d, t in doubling.items()}
    for d in fine:
        for row in fine[d]["envelope"]:
            for k in ("min", "max"):
                del row[k]["local_optima"]
    result = {
        "source": "tests/reference/compare.py: direct numerical integration of the binomial model (trapezoidal in the "
                  "baseline log odds, Gauss-Legendre panels in th, mu and tau, th = mu + tau z below tau = 0.1) with "
                  "24 nodes in every panel; doubling_change is the largest absolute change from 12 nodes. Pooling is "
                  "partial, the effect prior N(0, 0.355) and the heterogeneity prior half-normal(0.5) unless said.",
        **fine,
        "doubling_change": doubling,
        "checks": {d: {k: (None if v is None else float(f"{v:.2e}")) for k, v in {**checks[d], **checks2[d]}.items()}
                   for d in fine},
    }
    with open(args.out, "w") as fh:
        json.dump(result, fh, indent=1)
        fh.write("\n")
    print(json.dumps({"doubling_change": doubling, "checks": result["checks"]}, indent=1))


if __name__ == "__main__":
    main()
