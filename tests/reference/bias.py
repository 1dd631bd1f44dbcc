#!/usr/bin/env python3
"""Reference posteriors of subgroup effects under models of bias, by direct numerical integration.

    python3 bias.py [--out bias.json] [--quick]

Needs numpy and scipy only and reads no file.  Everything is computed twice, the second time with every step halved and
every number of nodes doubled; the second set is written, with the largest absolute change of each table between the two
under "doubling_change" (so it is an estimate of the error of the FIRST set; the second is better).  --quick does the
first set only.  "checks" compares with Monte Carlo.  Run time: a few minutes on one core.

Model
-----
N(m, s) has standard deviation s.  alpha_g ~ N(0, 1.5), theta_g ~ N(mu, tau), mu ~ N(0, 0.355), tau ~ half-normal(0.5).
x0 = alpha_g and x1 = alpha_g + theta_g are the log odds of the arms (0 control, 1 active) among patients like the
controls, all outcomes known.
    mix(u, s, c)   = logit((1 - s) expit(u) + s expit(u + c))
    unmix(x, s, c) = the u with mix(u, s, c) = x
    y_ga ~ Bin(n_ga, expit(z_ga)),  z_g0 = unmix(x0, f_g0, d_g0),
    z_g1 = unmix(mix(unmix(x1, pi0, gamma), pi1, gamma) + b_g, f_g1, d_g1)
shift          b_g, added to the log odds ratio; prior or known.
confounder     a binary covariate with prevalence pi0 (control), pi1 (active) and log odds ratio gamma = log Gamma with
               the outcome; each known or with a prior.
missing        f_ga = m_ga / (n_ga + m_ga), m_ga the number of missing outcomes (n_ga have a known one), d_ga the shift of
               the log odds among the missing.
All of these are independent between subgroups (and d between arms); what is absent is the identity.
estimates      estimate_g ~ N(theta_g + b_g, se_g); confounder: b_g = log((1 + (Gamma - 1) pi1) / (1 + (Gamma - 1) pi0)).
misclassification  counts are by LABEL.  Arm a: true prevalence pi_a ~ Beta(1, 1) of A; se = P(labelled A | A),
               sp = P(labelled B | B).  The four cells label x outcome of an arm are multinomial with
               P(label A, event) = pi se pA + (1 - pi)(1 - sp) pB, P(label B, event) = pi (1 - se) pA + (1 - pi) sp pB,
               and so on with 1 - pA, 1 - pB, where pA, pB = expit(alpha) or expit(alpha + theta) of the TRUE subgroups.

Keys
----
unbiased, shift, shift_known, shift_t_mixture, confounder_known, confounder, missing, all, estimates, misclassification:
a list of {"name", "inputs", "subgroups", "pair", "mu", "tau", "log_marginal_likelihood"}.  ("unbiased" is no case of
bias: the same numbers without any, for orientation.)
  inputs      counts are [control events, control total, active events, active total]; priors as
              ["normal", mean, sd], ["student_t", df, location, scale], ["mixture", [weight, mean, sd], ...],
              ["beta", a, b]; known numbers as numbers; one entry for each subgroup where they differ.
  subgroups   median, q2_5, q97_5, mean, sd of theta_g; positive = P(theta_g > 0); for counts also
              rd_above_0_05 = P(RD > 0.05), rd_median, p0_median, p1_median with RD = p1 - p0, p0 = expit(alpha),
              p1 = expit(alpha + theta).
  pair        of the first two subgroups: first_greater = P(theta_A > theta_B),
              first_positive_second_negative = P(theta_A > 0 and theta_B < 0), difference_median of theta_A - theta_B.
  log_marginal_likelihood   with binomial (misclassification: multinomial) coefficients; estimates: normal densities.
misclassification also: sensitivity_mean, specificity_mean (posterior means, where unknown), pi_means [pi_0, pi_1]; no
p0_median, p1_median.
tipping     etiology.  "shift": the same b_g ~ N(m, s) in each subgroup (s = 0: known), positive = [P(theta_A > 0),
            P(theta_B > 0)].  "crossings" (s = 0): "positive" and "negative" by probability 0.5, 0.8, 0.9, 0.95: for each
            subgroup the m nearest to 0, within [-3, 3], where P(theta_g > 0) or P(theta_g < 0) equals it, null if none;
            "all_positive", "all_negative" list all of them in [-3, 3] (the probabilities need not be monotone in m).
            "difference": known b_A = m / 2, b_B = -m / 2: first_greater = P(theta_A > theta_B) by m; crossings of it
            ("greater") and of P(theta_A < theta_B) ("less"), and all of them.  "confounder_surface": known confounder
            with pi0 = 0.5 - D / 2, pi1 = 0.5 + D / 2, Gamma.
e_values    VanderWeele & Ding 2017.  E = RR + sqrt(RR (RR - 1)), of 1 / RR where RR < 1.  "rr" the risk ratio used: the
            ratio itself; common outcomes: sqrt(OR), (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1 / HR)).  "e_interval": E of
            the end of the interval nearest to 1; 1 where the interval holds 1.
checks      importance sampling of the misclassification with known se, sp and of "all", with standard errors.

How
---
1. The nuisance numbers enter the two arms separately, so p(y | alpha, theta) = C0(alpha) C1(alpha + theta), each an
   average tabulated on a uniform grid of log odds, from inside out: over d, over b, over pi1 for given gamma, over pi0
   and gamma; Gauss-Jacobi for Beta, trapezoidal rule for everything on the line; between grid points a spline of degree 7
   of the logarithm.  unmix is a quadratic in e^u, the root without cancellation.
2. l_g(theta) = int C0(a) C1(a + theta) N(a; 0, 1.5) da by the trapezoidal rule.
3. tau: Gauss-Legendre panels.  L_g(mu, tau) = int l_g(t) N(t; mu, tau) dt and the cavity
   W_g(t) = int int p(mu) h(tau) N(t; mu, tau) prod_{j != g} L_j(mu, tau): trapezoidal for tau > 0.1, Gauss-Hermite below
   (for W with p(mu) N(t; mu, tau) as weight).  The posterior density of theta_g is l_g W_g / m.
4. RD: density C0(x0) N(x0) C1(x1) W(x1 - x0); {RD > d} with p0 = (1 - d) expit(s), trapezoidal in s (analytic), inner
   integral in Gauss-Legendre panels; d < 0 with the arms exchanged.
5. Pair: s = (tA + tB) / 2, D = tA - tB; N(tA; mu, tau) N(tB; mu, tau) = N(s; mu, tau / sqrt 2) N(D; 0, sqrt 2 tau); for
   given tau H(D) = int l_A l_B V(s) ds is smooth.  The quadrant by tA = D v, tB = -D (1 - v), 0 < v < 1.
6. Misclassification: pi integrated exactly (C is a sum, all terms positive, over the numbers of true A among events and
   non-events); two-dimensional correlation by FFT; outer Gauss-Jacobi over se, sp.  The prior of (tA, tB) has a
   logarithmic singularity at tA = tB, so it is applied in the Fourier domain, where the likelihood is band-limited.
"""

import os

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_v, "1")

import argparse
import json
import sys
import time

import numpy as np
from scipy.interpolate import RectBivariateSpline, make_interp_spline
from scipy.optimize import brentq
from scipy.special import erfc, expit, gammaln, logsumexp, roots_jacobi
from scipy.stats import t as student_t

MU_SD, TAU_SCALE, BASE_SD, RD = 0.355, 0.5, 1.5, 0.05
DATA = {
    "etiology": [(22, 46, 33, 70), (37, 71, 8, 34)],
    "cohorts": [(10, 54, 29, 65), (12, 64, 29, 82), (2, 12, 42, 81)],
    "zero": [(0, 20, 3, 25), (5, 40, 0, 15)],
}
T_MAX, A_MAX, X_MAX, MU_MAX, SPLIT = 16.0, 14.0, 30.0, 4.0, 0.1
SQ2 = np.sqrt(2.0)


def log_normal(x, m, s):
    return -0.5 * ((x - m) / s) ** 2 - np.log(s * np.sqrt(2 * np.pi))


def normal(x, m, s):
    return np.exp(log_normal(x, m, s))


def panels(edges, n):
    x, w = np.polynomial.legendre.leggauss(n)
    e = np.asarray(edges, float)
    h = 0.5 * np.diff(e)[:, None]
    c = 0.5 * (e[1:] + e[:-1])[:, None]
    return (c + h * x).ravel(), (h * w).ravel()


def grid(top, h):
    n = int(round(top / h))
    return np.arange(-n, n + 1) * h


def spline(x, y, k=7):
    return make_interp_spline(x, y, k=k)


def at(sp, x):
    """A spline at x, constant beyond its ends (where nothing has weight)."""
    return sp(np.clip(x, sp.t[0], sp.t[-1]))


def log_choose(n, k):
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


class Rule:
    def __init__(self, level):
        f = 2 ** level
        self.level, self.f = level, f
        self.h = 0.04 / f
        self.T, self.A, self.X = grid(T_MAX, self.h), grid(A_MAX, self.h), grid(X_MAX, self.h)
        self.mu = grid(MU_MAX, 2 * self.h)
        self.ntau = 10 * f
        self.tau_edges = [0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.4, 3.6, 5.0]
        self.tau, w = panels(self.tau_edges, self.ntau)
        self.wtau = w * 2 * normal(self.tau, 0.0, TAU_SCALE)
        z, w = np.polynomial.hermite_e.hermegauss(12 + 12 * level)
        self.z, self.wz = z, w / np.sqrt(2 * np.pi)
        z, w = np.polynomial.hermite_e.hermegauss(24 + 24 * level)
        self.z2, self.wz2 = z, w / np.sqrt(2 * np.pi)
        self.nq = 20 * f
        self.big = np.where(self.tau > SPLIT)[0]
        self.kern = {i: normal(self.T[None], self.mu[:, None], self.tau[i]) for i in self.big}


# --- distributions on a grid -------------------------------------------------------------------------------------


class Dist:
    """A distribution from its log density on a uniform grid (0 on it)."""

    G, GW = np.polynomial.legendre.leggauss(10)

    def __init__(self, x, logd):
        self.x, self.h = x, x[1] - x[0]
        self.top = logd.max()
        self.s = spline(x, logd - self.top)
        p = x[:-1, None] + 0.5 * self.h * (1 + self.G)
        d = np.exp(self.s(p)) * (0.5 * self.h * self.GW)
        self.cum = np.concatenate([[0.0], np.cumsum(d.sum(1))])
        self.z = self.cum[-1]
        self.mean = float((d * p).sum() / self.z)
        self.sd = float(np.sqrt((d * (p - self.mean) ** 2).sum() / self.z))
        k = int(round(-x[0] / self.h))
        self.positive = float(d[k:].sum() / self.z)
        self.log_mass = self.top + np.log(self.z)

    def quantile(self, q):
        k = int(np.searchsorted(self.cum, q * self.z)) - 1
        rest = q * self.z - self.cum[k]
        lo = self.x[k]

        def part(u):
            return float((np.exp(self.s(lo + 0.5 * u * (1 + self.G))) * self.GW).sum() * 0.5 * u) - rest
        return float(lo + brentq(part, 0, self.h, xtol=1e-14))

    def summary(self):
        return {"median": self.quantile(0.5), "q2_5": self.quantile(0.025), "q97_5": self.quantile(0.975),
                "mean": self.mean, "sd": self.sd, "positive": self.positive}


# --- bias ----------------------------------------------------------------------------------------------------------


def mix(u, s, c):
    q, k = np.exp(u), np.exp(c)
    return u + np.log((1 - s) * (1 + k * q) + s * k * (1 + q)) - np.log((1 - s) * (1 + k * q) + s * (1 + q))


def unmix(x, s, c):
    """k q^2 + q ((1 - s + s k) - X (s + k (1 - s))) - X = 0, q = e^u, X = e^x, k = e^c; q > 0."""
    X, k = np.exp(x), np.exp(c)
    b = (1 - s + s * k) - X * (s + k * (1 - s))
    r = np.sqrt(b * b + 4 * k * X)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b > 0, np.log(2 * X / (b + r)), np.log((r - b) / (2 * k)))


def nodes(prior, rule):
    """Nodes and log weights of a prior."""
    if isinstance(prior, (int, float)):
        return np.array([float(prior)]), np.zeros(1)
    if prior[0] == "normal":
        z = grid(9.6, 0.2 / rule.f)
        return prior[1] + prior[2] * z, log_normal(z, 0, 1) + np.log(z[1] - z[0])
    if prior[0] == "mixture":
        parts = [(w, nodes(["normal", m, s], rule)) for w, m, s in prior[1:]]
        return np.concatenate([p[0] for _, p in parts]), np.concatenate([p[1] + np.log(w) for w, p in parts])
    if prior[0] == "student_t":
        x = grid(40.0, rule.h)
        return prior[2] + x, student_t.logpdf(x, prior[1], 0, prior[3]) + np.log(rule.h)
    if prior[0] == "beta":
        x, w = roots_jacobi(rule.nq, prior[2] - 1, prior[1] - 1)
        return 0.5 * (1 + x), np.log(w / w.sum())
    raise ValueError(prior)


def average(fun, x, arg, nw):
    """log of the average over nodes n (log weights lw) of exp fun(arg(x, n)), log-sum-exp."""
    n, lw = nw
    out = np.empty(len(x))
    step = max(1, 2_000_000 // len(n))
    for k in range(0, len(x), step):
        out[k:k + step] = logsumexp(fun(arg(x[k:k + step, None], n[None])) + lw, axis=1)
    return out


def arm(y, n, rule, f=0.0, d=0.0, shift=None, conf=None):
    """log C on the grid X: the average binomial of an arm."""
    def lik(z):
        return y * z - n * np.logaddexp(0.0, z) + log_choose(n, y)

    x = grid(44.0, rule.h)
    cur = lik
    if f > 0:
        cur = spline(x, average(lik, x, lambda v, dd: unmix(v, f, dd), nodes(d, rule)))
    if shift is not None:
        f1 = cur if cur is lik else (lambda v, s=cur: at(s, v))
        x = grid(36.0, rule.h)
        cur = spline(x, average(f1, x, lambda v, b: v + b, nodes(shift, rule)))
    if conf is not None:
        f2 = cur if cur is lik else (lambda v, s=cur: at(s, v))
        pi0, pi1 = nodes(conf["pi0"], rule), nodes(conf["pi1"], rule)
        xu, xx = grid(34.0, rule.h), rule.X
        gam, lw = nodes(conf["gamma"], rule)
        keep = lw > lw.max() - 40
        acc = []
        for g, l in zip(gam[keep], lw[keep]):
            e = spline(xu, average(f2, xu, lambda u, p: mix(u, p, g), pi1))
            acc.append(l + average(e, xx, lambda v, p: unmix(v, p, g), pi0))
        return logsumexp(acc, axis=0)
    return cur(rule.X)


class Subgroup:
    """log C0, log C1 and log l of a subgroup."""

    def __init__(self, rule, counts, missing=None, d0=0.0, d1=0.0, shift=None, conf=None):
        y0, n0, y1, n1 = counts
        m0, m1 = missing or (0, 0)
        self.c0 = arm(y0, n0, rule, m0 / (n0 + m0), d0)
        self.c1 = arm(y1, n1, rule, m1 / (n1 + m1), d1, shift, conf)
        self.s0, self.s1 = spline(rule.X, self.c0), spline(rule.X, self.c1)
        self.logl = self.effect(rule)

    def effect(self, rule):
        i = (len(rule.X) - len(rule.A)) // 2
        q0 = self.c0[i:-i] + log_normal(rule.A, 0, BASE_SD)
        m0, m1 = q0.max(), self.c1.max()
        r = np.correlate(np.exp(self.c1 - m1), np.exp(q0 - m0), "valid") * rule.h
        assert len(r) == len(rule.T) and r.min() > 1e-290, r.min()
        return np.log(r) + m0 + m1


# --- the hierarchy -------------------------------------------------------------------------------------------------


class Posterior:
    def __init__(self, rule, logls, need=None):
        """logls: log l_g on the grid T.  need: subgroups whose marginal is wanted (default all)."""
        r = self.r = rule
        self.G = len(logls)
        self.norm = [l.max() for l in logls]
        self.ll = [l - l.max() for l in logls]
        self.sp = [spline(r.T, l) for l in self.ll]
        nt = len(r.tau)
        small = [i for i in range(nt) if i not in r.kern]
        logL = np.empty((self.G, nt, len(r.mu)))
        lin = np.exp(np.array(self.ll)).T * r.h
        for i in r.big:
            logL[:, i] = np.log(r.kern[i] @ lin).T
        for i in small:
            t = r.mu[:, None] + r.tau[i] * r.z
            for g in range(self.G):
                logL[g, i] = np.log(np.exp(self.sp[g](t)) @ r.wz)
        self.logL = logL
        tot = np.exp(logL.sum(0))                                   # nt, mu
        pm = normal(r.mu, 0, MU_SD) * (2 * r.h)
        self.tau_density = tot @ pm                                 # without the prior
        self.mass = float(r.wtau @ self.tau_density)
        self.log_ml = float(np.log(self.mass) + sum(self.norm))
        self.mu_log = np.log(r.wtau @ tot) + log_normal(r.mu, 0, MU_SD)
        self.W, self.dist = {}, {}
        v = MU_SD ** 2 + r.tau ** 2
        for g in (range(self.G) if need is None else need):
            other = logL.sum(0) - logL[g]
            w = np.zeros(len(r.T))
            for i in r.big:
                w += r.wtau[i] * ((np.exp(other[i]) * pm) @ r.kern[i])
            near = np.abs(r.T) <= 5.0
            t = r.T[near]
            for i in small:
                s = spline(r.mu, other[i])
                mu = t[:, None] * (MU_SD ** 2 / v[i]) + MU_SD * r.tau[i] / np.sqrt(v[i]) * r.z
                w[near] += r.wtau[i] * normal(t, 0, np.sqrt(v[i])) * (np.exp(at(s, mu)) @ r.wz)
            self.W[g] = np.log(w)
            self.dist[g] = Dist(r.T, self.ll[g] + self.W[g])

    def mu_tau(self):
        d = Dist(self.r.mu, self.mu_log)
        return {"median": d.quantile(0.5), "mean": d.mean}, tau_summary(self.r, self.tau_density)

    def pair(self):
        r = self.r
        s = r.T
        sd = np.sqrt(MU_SD ** 2 + r.tau ** 2 / 2)
        logV = log_normal(s[None], 0, sd[:, None])
        ratio = None
        if self.G > 2:
            ratio = np.empty_like(logV)
            for i, tau in enumerate(r.tau):
                sp = spline(r.mu, self.logL[2:, i].sum(0))
                m = s[:, None] * (MU_SD / sd[i]) ** 2 + MU_SD * tau / SQ2 / sd[i] * r.z2
                ratio[i] = np.log(np.exp(at(sp, m)) @ r.wz2)
            logV = logV + ratio
        lA, lB = np.exp(self.ll[0]), np.exp(self.ll[1])
        n = len(s)
        ks = np.arange(-(n // 2) // 1, n // 2 + 1)                  # D = 2 k h, |D| <= 2 T_MAX
        P = np.zeros((len(ks), n))
        for row, k in enumerate(ks):
            lo, hi = max(0, -k, k), min(n, n + k, n - k)
            if lo < hi:
                P[row, lo:hi] = lA[lo + k:hi + k] * lB[lo - k:hi - k]
        keep = np.abs(ks * 2 * r.h) <= T_MAX + 1e-9
        H = P[keep] @ np.exp(logV).T * r.h                          # D, tau
        D = ks[keep] * 2 * r.h
        self.diff = Difference(r, D, H)
        # the quadrant
        v, wv = panels([0, 0.5, 1], 12 * r.f)
        q = 0.0
        for i, tau in enumerate(r.tau):
            d, wd = panels(np.linspace(0, min(T_MAX, 12.5 * SQ2 * tau), 9), 10 * r.f)
            a, b = d[:, None] * v, -d[:, None] * (1 - v)
            e = self.sp[0](a) + self.sp[1](b) + log_normal(a + b, 0, 2 * sd[i]) + np.log(2.0)
            if ratio is not None:
                e = e + at(spline(s, ratio[i]), 0.5 * (a + b))
            q += r.wtau[i] * ((np.exp(e) @ wv) @ (wd * d * normal(d, 0, SQ2 * tau)))
        self.pair_mass = self.diff.mass
        return {"first_greater": self.diff.above(0.0), "first_positive_second_negative": float(q / self.mass),
                "difference_median": self.diff.quantile(0.5)}


def tau_summary(rule, dens):
    n = rule.ntau
    p = rule.wtau * dens
    z = p.sum()
    cum = np.concatenate([[0], np.cumsum(p.reshape(-1, n).sum(1))])
    k = int(np.searchsorted(cum, 0.5 * z)) - 1
    lo, hi = rule.tau_edges[k], rule.tau_edges[k + 1]
    f = dens[k * n:(k + 1) * n] * 2 * normal(rule.tau[k * n:(k + 1) * n], 0, TAU_SCALE)
    poly = np.polynomial.Legendre.fit(rule.tau[k * n:(k + 1) * n], f, n - 1, domain=[lo, hi]).integ(lbnd=lo)
    med = brentq(lambda u: poly(u) - (0.5 * z - cum[k]), lo, hi, xtol=1e-14)
    return {"median": float(med), "mean": float(p @ rule.tau / z)}


class Difference:
    """D = theta_A - theta_B: for each tau a density N(D; 0, sqrt 2 tau) H(D, tau)."""

    def __init__(self, rule, D, H):
        self.r = rule
        self.sp = [spline(D, np.log(np.maximum(H[:, i], 1e-18 * H[:, i].max()))) for i in range(H.shape[1])]
        self.top = D[-1]
        self.mass_tau = self.by_tau(-self.top)
        self.mass = float(rule.wtau @ self.mass_tau)

    def by_tau(self, c, offset=0.0):
        out = np.zeros(len(self.r.tau))
        for i, tau in enumerate(self.r.tau):
            hi = min(self.top, 12.5 * SQ2 * tau)
            lo = max(c, -hi)
            if lo < hi:
                d, w = panels(np.linspace(lo, hi, 13), 16 * self.r.f)
                out[i] = w @ np.exp(log_normal(d, 0, SQ2 * tau) + at(self.sp[i], d + offset))
        return out

    def above(self, c, offset=0.0):
        z = self.mass if offset == 0 else self.r.wtau @ self.by_tau(-self.top, offset)
        return float(self.r.wtau @ self.by_tau(c, offset) / z)

    def quantile(self, q):
        return float(brentq(lambda c: self.above(c) - (1 - q), -5, 5, xtol=1e-12))


# --- risk differences ------------------------------------------------------------------------------------------------


class Risk:
    def __init__(self, rule, sub, W):
        self.r, self.sub = rule, sub
        self.W = spline(rule.T, W)
        i = (len(rule.X) - len(rule.A)) // 2
        q0 = sub.c0[i:-i] + log_normal(rule.A, 0, BASE_SD)
        self.k0, self.k1 = q0.max(), sub.c1.max()
        w = np.exp(W)
        # density of x0: q0(x0) int C1(x0 + t) W(t) dt; of x1: C1(x1) int q0(x1 - t) W(t) dt
        inner = np.correlate(np.exp(sub.c1 - self.k1), w, "valid") * rule.h      # x0 in +-(X_MAX - T_MAX) = A_MAX
        self.d0 = Dist(rule.A, q0 - self.k0 + np.log(inner))
        full = np.convolve(np.exp(q0 - self.k0), w, "full") * rule.h             # x1 in +-(A_MAX + T_MAX)
        k = (len(full) - len(rule.T)) // 2
        k2 = (len(rule.X) - len(rule.T)) // 2
        self.d1 = Dist(rule.T, np.log(np.maximum(full[k:-k], 1e-300)) + sub.c1[k2:-k2] - self.k1)
        self.z = np.exp(self.d0.log_mass)
        self.s = grid(16.0, 0.08 / rule.f)
        self.u, self.wu = panels([0, .4, .8, 1.2, 1.6, 2.4, 3.2, 4.8, 6.4, 9, 12, 16], 8 * rule.f)

    def tail(self, d, swap):
        """P(p1 > p0 + d) or, with swap, P(p0 > p1 + d), d >= 0."""
        es = np.exp(self.s)
        lo = self.s + np.log1p(-d) - np.log1p(d * es)
        c = np.log(d + es) - np.log1p(-d)
        jac = (self.s[1] - self.s[0]) / (1 + d * es)
        hi = c[:, None] + self.u
        x0, x1 = (hi, lo[:, None]) if swap else (lo[:, None], hi)
        t = x1 - x0
        e = (at(self.sub.s0, x0) + log_normal(x0, 0, BASE_SD) - self.k0 + at(self.sub.s1, x1) - self.k1
             + at(self.W, t))
        e = np.where(np.abs(t) <= T_MAX, e, -np.inf)
        return float(jac @ (np.exp(e) @ self.wu) / self.z)

    def above(self, d):
        return self.tail(d, False) if d >= 0 else 1 - self.tail(-d, True)

    def summary(self):
        return {"rd_above_0_05": self.above(RD), "rd_median": float(brentq(lambda d: self.above(d) - 0.5, -0.9, 0.9, xtol=1e-13)),
                "p0_median": float(expit(self.d0.quantile(0.5))), "p1_median": float(expit(self.d1.quantile(0.5)))}


CHECK = {}


def full(rule, name, inputs, subs=None, logls=None):
    logls = [s.logl for s in subs] if subs else logls
    p = Posterior(rule, logls)
    groups = []
    for g in range(p.G):
        e = p.dist[g].summary()
        CHECK["normalisation"] = max(CHECK.get("normalisation", 0), abs(p.dist[g].log_mass - np.log(p.mass)))
        if subs:
            risk = Risk(rule, subs[g], p.W[g])
            e.update(risk.summary())
            CHECK["rd_0_equals_positive"] = max(CHECK.get("rd_0_equals_positive", 0), abs(risk.above(0.0) - e["positive"]))
            CHECK["rd_both_sides"] = max(CHECK.get("rd_both_sides", 0), abs(risk.tail(0, False) + risk.tail(0, True) - 1))
        groups.append(e)
    pair = p.pair()
    CHECK["pair_mass"] = max(CHECK.get("pair_mass", 0), abs(np.log(p.pair_mass / p.mass)))
    mu, tau = p.mu_tau()
    return {"name": name, "inputs": inputs, "subgroups": groups, "pair": pair, "mu": mu, "tau": tau,
            "log_marginal_likelihood": p.log_ml}


def per(x, g):
    return x[g] if isinstance(x, PerSubgroup) else x


class PerSubgroup(list):
    pass


def counts_case(rule, data, name=None, missing=None, d0=0.0, d1=0.0, shift=None, conf=None):
    inputs = {"counts": [list(c) for c in DATA[data]]}
    if shift is not None:
        inputs["shift"] = shift
    if conf is not None:
        inputs["confounder"] = conf
    if missing is not None:
        inputs["missing"] = {"counts": [list(m) for m in missing], "control": d0, "active": d1}
    subs = [Subgroup(rule, c, missing[g] if missing else None, d0, d1, per(shift, g), conf) for g, c in enumerate(DATA[data])]
    return full(rule, name or data, inputs, subs)


SHIFT = ["normal", 0.1, 0.3]
CONF_KNOWN = {"pi0": 0.2, "pi1": 0.5, "gamma": float(np.log(3.0))}
GAMMA = ["normal", float(np.log(2.5)), 0.25]
CONF = {"pi0": ["beta", 6, 14], "pi1": ["beta", 10, 10], "gamma": GAMMA}
CONF2 = {"pi0": ["beta", 6, 14], "pi1": 0.5, "gamma": GAMMA}
MISSING = [(4, 9), (6, 3)]
D0, D1 = ["normal", 0.0, 0.4], ["normal", 0.5, 0.6]
ESTIMATES = [(0.60, 0.42), (-0.55, 0.50)]


def estimate_logl(rule, est, se, shift=None, conf=None):
    if shift is not None:
        b, lw = nodes(shift, rule)
    elif conf is None:
        b, lw = np.zeros(1), np.zeros(1)
    else:
        p0, l0 = nodes(conf["pi0"], rule)
        p1, l1 = nodes(conf["pi1"], rule)
        g, lg = nodes(conf["gamma"], rule)
        k = lg > lg.max() - 40
        g, lg = g[k, None, None], lg[k, None, None]
        G = np.exp(g) - 1
        b = (np.log1p(G * p1[None, :, None]) - np.log1p(G * p0[None, None, :])).ravel()
        lw = (lg + l1[None, :, None] + l0[None, None, :]).ravel()
        k = lw > lw.max() - 45
        b, lw = b[k], lw[k]
    t = grid(T_MAX, 4 * rule.h)          # smooth: a coarser table, then the spline of its logarithm
    out = np.empty(len(t))
    for i, x in enumerate(t):
        e = log_normal(est, x + b, se) + lw
        m = e.max()
        out[i] = m + np.log(np.exp(e - m).sum())
    return spline(t, out)(rule.T)


def estimates_case(rule, name, **kw):
    inputs = {"estimates": [list(e) for e in ESTIMATES]}
    inputs.update({("confounder" if k == "conf" else k): v for k, v in kw.items()})
    return full(rule, name, inputs, logls=[estimate_logl(rule, e, s, **kw) for e, s in ESTIMATES])


# --- tipping points ----------------------------------------------------------------------------------------------------

MS = [-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0]
LINES = [0.5, 0.8, 0.9, 0.95]


def crossings(fun, guess, line, scan):
    """All m in [-3, 3] where fun = line: from the spline `guess` of it on `scan`, then by secant steps."""
    fine = np.linspace(-3, 3, 6001)
    v = guess(fine) - line
    out = []
    for k in np.where(v[:-1] * v[1:] <= 0)[0]:
        x = brentq(lambda m: guess(m) - line, fine[k], fine[k + 1], xtol=1e-14)
        for _ in range(2):
            x = x - (fun(x) - line) / float(guess.derivative()(x))
        if abs(x) <= 3 and not any(abs(x - y) < 1e-7 for y in out):
            out.append(float(x))
    return out


def nearest(xs):
    return min(xs, key=abs) if xs else None


def tipping(rule):
    data = DATA["etiology"]
    base = [Subgroup(rule, c) for c in data]
    # known m: l_g(theta) is the unbiased one at theta + m; evaluated on a wider grid
    wide = []
    for s in base:
        t = grid(T_MAX + 3.2, rule.h)
        a = rule.A
        q0 = at(s.s0, a) + log_normal(a, 0, BASE_SD)
        x = grid(T_MAX + 3.2 + A_MAX, rule.h)
        y, n = data[len(wide)][2:]
        c1 = y * x - n * np.logaddexp(0.0, x) + log_choose(n, y)
        m0, m1 = q0.max(), c1.max()
        r = np.correlate(np.exp(c1 - m1), np.exp(q0 - m0), "valid") * rule.h
        wide.append(spline(t, np.log(np.maximum(r, 1e-300)) + m0 + m1))
    memo = {}

    def positive(m):
        if m not in memo:
            p = Posterior(rule, [w(rule.T + m) for w in wide])
            memo[m] = [p.dist[0].positive, p.dist[1].positive]
        return memo[m]

    out = {"inputs": {"counts": [list(c) for c in data]}, "shift": []}
    for s in (0.0, 0.2, 0.5):
        for m in MS:
            if s == 0:
                v = positive(m)
                subs = [Subgroup(rule, c, shift=m) for c in data] if m == 0.5 else None
            else:
                subs = [Subgroup(rule, c, shift=["normal", m, s]) for c in data]
            if subs:
                p = Posterior(rule, [u.logl for u in subs])
                v2 = [p.dist[0].positive, p.dist[1].positive]
                if s == 0:
                    CHECK["known_shift_two_ways"] = float(np.abs(np.subtract(v, v2)).max())
                v = v2
            out["shift"].append({"m": m, "s": s, "positive": v})
    scan = np.arange(-31, 32) * 0.1
    table = np.array([positive(float(m)) for m in scan])
    guess = [spline(scan, table[:, g]) for g in (0, 1)]
    pos = {str(l): [crossings(lambda m, g=g: positive(float(m))[g], guess[g], l, scan) for g in (0, 1)] for l in LINES}
    neg = {str(l): [crossings(lambda m, g=g: positive(float(m))[g], guess[g], 1 - l, scan) for g in (0, 1)] for l in LINES}
    out["crossings"] = {"positive": {l: [nearest(x) for x in v] for l, v in pos.items()},
                        "negative": {l: [nearest(x) for x in v] for l, v in neg.items()},
                        "all_positive": pos, "all_negative": neg}
    p = Posterior(rule, [s.logl for s in base])
    p.pair()

    def greater(m):
        return p.diff.above(0.0, float(m))
    table = np.array([greater(m) for m in scan])
    g = spline(scan, table)
    more = {str(l): crossings(greater, g, l, scan) for l in LINES}
    less = {str(l): crossings(greater, g, 1 - l, scan) for l in LINES}
    out["difference"] = {"first_greater": [{"m": m, "value": greater(m)} for m in MS],
                         "crossings": {"greater": {l: nearest(x) for l, x in more.items()},
                                       "less": {l: nearest(x) for l, x in less.items()},
                                       "all_greater": more, "all_less": less}}
    q = Posterior(rule, [wide[0](rule.T + 0.25), wide[1](rule.T - 0.25)])
    CHECK["difference_two_ways"] = abs(q.pair()["first_greater"] - greater(0.5))
    out["confounder_surface"] = []
    for D in (-0.6, -0.3, 0.0, 0.3, 0.6):
        for G in (1.5, 3.0, 6.0):
            conf = {"pi0": 0.5 - D / 2, "pi1": 0.5 + D / 2, "gamma": float(np.log(G))}
            p = Posterior(rule, [Subgroup(rule, c, conf=conf).logl for c in data])
            out["confounder_surface"].append({"D": D, "Gamma": G, "positive": [p.dist[0].positive, p.dist[1].positive]})
    return out


# --- misclassification -------------------------------------------------------------------------------------------------

SE, SP = ["beta", 34, 6], ["beta", 45, 5]
A2, T2 = 10.0, 14.0


class Labels:
    """C(uA, uB) of one arm for given se, sp, by sums over the numbers of true A among events and non-events."""

    def __init__(self, yA, nA, yB, nB, u):
        self.c = (yA, nA - yA, yB, nB - yB)
        N = nA + nB
        i, j = np.arange(yA + yB + 1), np.arange(N - yA - yB + 1)
        I, J = np.meshgrid(i, j, indexing="ij")
        self.shape = I.shape
        self.logB = gammaln(I + J + 1) + gammaln(N - I - J + 1) - gammaln(N + 2)
        self.ratio = (I + J + 1) / (N + 2)                                     # mean of pi given the split
        lp, lq = -np.logaddexp(0, -u)[:, None], -np.logaddexp(0, u)[:, None]
        I, J = I.ravel(), J.ravel()
        half = 0.25 * N * np.log(4.0)                                          # keeps both factors away from underflow
        self.PA = np.exp(lp * I + lq * J + half)
        self.PB = np.exp(lp * (i[-1] - I) + lq * (j[-1] - J) + half).T.copy()
        self.log_multi = gammaln(N + 1) - sum(gammaln(k + 1) for k in self.c) - 2 * half

    @staticmethod
    def powers(a, b, n):
        """Coefficients of (a z + b)^n."""
        k = np.arange(n + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            la = np.where(k > 0, k * np.log(a), 0.0)
            lb = np.where(n - k > 0, (n - k) * np.log(b), 0.0)
        return np.exp(log_choose(n, k) + la + lb)

    def table(self, se, sp):
        """[C, C times the mean of pi], with the multinomial coefficient."""
        e = np.convolve(self.powers(se, 1 - sp, self.c[0]), self.powers(1 - se, sp, self.c[2]))
        f = np.convolve(self.powers(se, 1 - sp, self.c[1]), self.powers(1 - se, sp, self.c[3]))
        w = e[:, None] * f[None] * np.exp(self.logB + self.log_multi)
        return [(self.PA * w.ravel()) @ self.PB, (self.PA * (w * self.ratio).ravel()) @ self.PB]


def misclassification(rule, name, control, active, shared):
    """control, active: (se, sp), numbers or Beta; shared: the same unknown numbers in both arms."""
    f = rule.f
    h = 0.125 / f
    a = grid(A2, h)
    u = grid(T2, h)
    N = int(round(2 * T2 / h))
    th = u[:-1]                                                                # -T2 ... T2 - h, periodic
    (y0, n0, y1, n1), (z0, m0, z1, m1) = DATA["etiology"]
    arms = [Labels(y0, n0, z0, m0, a), Labels(y1, n1, z1, m1, u)]
    nq = 8 * f

    def beta(p):
        if isinstance(p, float):
            return [(p, 1.0)]
        x, w = roots_jacobi(nq, p[2] - 1, p[1] - 1)
        return list(zip(0.5 * (1 + x), w / w.sum()))
    runs = []                                                                  # (weight, control se, sp, active se, sp)
    for s, ws in beta(active[0]):
        for q, wq in beta(active[1]):
            if shared:
                runs.append((ws * wq, s, q, s, q))
            else:
                runs.append((ws * wq, control[0], control[1], s, q))
    runs = [r for r in runs if r[0] > 1e-14]
    pa = normal(a, 0, BASE_SD)
    ext = grid(A2 + T2, h)
    idx = np.clip(np.arange(len(ext)) - (len(ext) - len(u)) // 2, 0, len(u) - 1)
    nf = 1
    while nf < len(ext):
        nf *= 2
    nf = nf * 3 // 4 if nf * 3 // 4 >= len(ext) else nf
    mem, acc = {}, {k: 0.0 for k in ("1", "se", "sp", "pi0", "pi1")}
    F0k, F1k = [[], []], [[], []]                                              # one-dimensional transforms, for RD

    def control_side(se, sp):
        if (se, sp) not in mem:
            if len(mem) > 1:
                mem.clear()
            t = [c * pa[:, None] * pa[None] for c in arms[0].table(se, sp)]
            mem[se, sp] = t, [np.conj(np.fft.rfft2(c, (nf, nf))) for c in t]
        return mem[se, sp]

    for w, s0, q0, s1, q1 in runs:
        t0, f0 = control_side(s0, q0)
        t1 = arms[1].table(s1, q1)
        f1 = [np.fft.rfft2(c[np.ix_(idx, idx)], (nf, nf)) for c in t1]
        base = w * f0[0] * f1[0]
        acc["1"] = acc["1"] + base
        acc["se"] = acc["se"] + s1 * base
        acc["sp"] = acc["sp"] + q1 * base
        acc["pi0"] = acc["pi0"] + w * f0[1] * f1[0]
        acc["pi1"] = acc["pi1"] + w * f0[0] * f1[1]
        for g in (0, 1):                                                       # transform along the other subgroup
            c0, c1 = (t0[0], t1[0]) if g == 0 else (t0[0].T, t1[0].T)
            F0k[g].append(np.conj(np.fft.rfft(c0, nf, axis=1)) * w)
            F1k[g].append(np.fft.rfft(c1[:, idx], nf, axis=1))
    win = 0.5 * erfc((np.abs(th) - 11.5) / 0.6)

    def back(F):
        # correlation index k in ext - a: theta = ext[0] - a[0] + k h = -T2 + k h
        return np.fft.irfft2(F, (nf, nf))[:N, :N] * h * h

    L = {k: back(v) for k, v in acc.items()}
    # the prior in the Fourier domain of the periodic grid
    k = 2 * np.pi * np.fft.fftfreq(N, h)
    tau, wt = rule.tau, rule.wtau
    v = MU_SD ** 2 + tau ** 2
    var = tau ** 2 * (2 * MU_SD ** 2 + tau ** 2) / v
    K1 = np.empty((N, N))
    for i, t in enumerate(th):
        coef = wt * normal(t, 0, np.sqrt(v))
        spec = np.exp(-1j * np.outer(k, MU_SD ** 2 / v * t) - 0.5 * np.outer(k * k, var)) @ coef
        # value at th[j] = -T2 + j h: sum_k spec e^{i k th_j} / N
        K1[i] = np.fft.ifft(spec * np.exp(1j * k * th[0])).real
    K1 *= win[None]
    dens = [(L["1"] * K1).sum(1), (L["1"].T * K1).sum(1)]
    mass = {key: float((v * K1).sum() * h) for key, v in L.items()}
    groups = []
    for g in (0, 1):
        d = dens[g] * win
        e = Dist(th, np.log(np.maximum(d, 1e-17 * d.max())))
        # RD: M[a, theta] = sum_k conj(F0)[a, k] F1[a + theta, k] G[theta, k]
        Kpad = np.zeros((N, nf))
        Kpad[:, :N] = K1
        Gk = np.fft.ifft(Kpad, axis=1)[:, :nf // 2 + 1]
        wk = np.full(nf // 2 + 1, 2.0)
        wk[0] = wk[-1] = 1.0
        A0 = np.ascontiguousarray(np.array(F0k[g]).transpose(2, 1, 0))        # k, a, run
        A1 = np.ascontiguousarray(np.array(F1k[g]).transpose(2, 0, 1))        # k, run, x
        F0k[g] = F1k[g] = None
        na = len(a)
        row = np.arange(na)[:, None]
        col = idx[row + np.arange(N)[None]]
        M = np.zeros((na, N))
        for kk in range(nf // 2 + 1):
            S = A0[kk] @ A1[kk]
            M += wk[kk] * (S[row, col] * Gk[:, kk][None]).real
        M *= h * h * win[None]                                                 # aB sum, thetaB sum has h in K1 already
        del A0, A1
        M = np.maximum(M, 1e-18 * M.max())
        sp_rows = [spline(th, np.log(M[i])) for i in range(na)]
        row_mass = M.sum(1)
        CHECK["misclassification_rd_mass"] = max(CHECK.get("misclassification_rd_mass", 0),
                                                 abs(np.log(row_mass.sum() * h / dens[g].sum())))
        un, uw = panels([0, .25, .5, 1, 1.5, 2, 3, 4, 6, 9], 8 * f)

        def above(d):
            p0 = expit(a)
            tot = 0.0
            for i in range(na):
                if row_mass[i] < 1e-13 * row_mass.max() or p0[i] + d >= 1:
                    continue
                if p0[i] + d <= 0:
                    tot += row_mass[i]
                    continue
                c = np.log((p0[i] + d) / (1 - p0[i] - d)) - a[i]
                if c > 0:
                    tot += uw @ np.exp(sp_rows[i](np.minimum(c + un, th[-1]))) / h
                else:
                    tot += row_mass[i] - uw @ np.exp(sp_rows[i](np.maximum(c - un, th[0]))) / h
            return float(tot / row_mass.sum())
        s = e.summary()
        s["rd_above_0_05"] = above(RD)
        s["rd_median"] = float(brentq(lambda x: above(x) - 0.5, -0.8, 0.8, xtol=1e-10))
        CHECK["misclassification_rd_0"] = max(CHECK.get("misclassification_rd_0", 0), abs(above(0.0) - s["positive"]))
        groups.append(s)
    # pair
    Lw = L["1"] * np.outer(win, win)
    ks = np.arange(-(N // 2), N // 2 + 1)
    sd = np.sqrt(MU_SD ** 2 + tau ** 2 / 2)
    H = np.zeros((len(ks), len(tau)))
    for r_, kk in enumerate(ks):
        diag = np.diagonal(Lw, -kk)                                            # Lw[b + k, b]
        b = th[:len(diag)] if kk >= 0 else th[-kk:]
        H[r_] = diag @ normal(b[:, None] + 0.5 * kk * h, 0, sd[None]) * h
    diff = Difference(rule, ks * h, np.maximum(H, 1e-300))
    inner = np.abs(th) <= 10 + 1e-9
    sp2 = RectBivariateSpline(th[inner], th[inner], np.log(np.maximum(Lw[np.ix_(inner, inner)], 1e-18 * Lw.max())), kx=5, ky=5, s=0)
    vv, wv = panels([0, 0.5, 1], 12 * f)
    q = 0.0
    for i, t in enumerate(tau):
        d, wd = panels(np.linspace(0, min(10.0, 12.5 * SQ2 * t), 9), 10 * f)
        A, B = d[:, None] * vv, -d[:, None] * (1 - vv)
        e = sp2.ev(A, B) + log_normal(0.5 * (A + B), 0, sd[i])
        q += wt[i] * ((np.exp(e) @ wv) @ (wd * d * normal(d, 0, SQ2 * t)))
    # mu: sum over k1 + k2
    F = np.fft.fft2(Lw)
    kt = np.exp(-0.5 * np.multiply.outer(k * k, tau ** 2))
    F = F * ((kt * wt) @ kt.T)
    F = F * np.exp(-1j * k[:, None] * th[0]) * np.exp(-1j * k[None] * th[0])
    n_ = np.round(k * N * h / (2 * np.pi)).astype(int)
    tot = (n_[:, None] + n_[None]).ravel() + 2 * N
    c = np.bincount(tot, F.real.ravel(), 4 * N) + 1j * np.bincount(tot, F.imag.ravel(), 4 * N)
    mu = grid(3.0, 0.04 / f)
    kk = (np.arange(4 * N) - 2 * N) * 2 * np.pi / (N * h)
    use = np.abs(c) > 1e-18 * np.abs(c).max()
    gmu = (np.exp(1j * np.outer(mu, kk[use])) @ c[use]).real / (N * N)
    gmu = np.maximum(gmu, 1e-14 * gmu.max())
    dm = Dist(mu, np.log(gmu) + log_normal(mu, 0, MU_SD))
    z = mass["1"]
    CHECK["misclassification_masses"] = max(CHECK.get("misclassification_masses", 0), abs(np.log(diff.mass / z)),
                                            abs(dm.log_mass - np.log(z)))
    out = {"name": name, "inputs": {"counts": [list(x) for x in DATA["etiology"]],
                                    "control": {"sensitivity": control[0], "specificity": control[1]},
                                    "active": {"sensitivity": active[0], "specificity": active[1]},
                                    "same_in_both_arms": shared},
           "subgroups": groups,
           "pair": {"first_greater": diff.above(0.0), "first_positive_second_negative": float(q / z),
                    "difference_median": diff.quantile(0.5)},
           "mu": {"median": dm.quantile(0.5), "mean": dm.mean}, "tau": tau_summary(rule, diff.mass_tau),
           "pi_means": [mass["pi0"] / z, mass["pi1"] / z],
           "log_marginal_likelihood": float(np.log(z))}
    if not isinstance(active[0], float):
        out["sensitivity_mean"], out["specificity_mean"] = mass["se"] / z, mass["sp"] / z
    return out


# --- E-values ----------------------------------------------------------------------------------------------------------


def e_values():
    def rr(kind, x):
        if kind == "odds_ratio_common":
            return float(np.sqrt(x))
        if kind == "hazard_ratio_common":
            return float((1 - 0.5 ** np.sqrt(x)) / (1 - 0.5 ** np.sqrt(1 / x)))
        return float(x)

    def e(r):
        r = r if r >= 1 else 1 / r
        return float(r + np.sqrt(r * (r - 1)))
    out = []
    for kind, x, ci in [
        ("risk_ratio", 3.9, (1.8, 8.7)), ("risk_ratio", 0.8, (0.71, 0.91)), ("risk_ratio", 1.0, None), ("risk_ratio", 1.2, (0.9, 1.6)),
        ("risk_ratio", 2.0, None), ("risk_ratio", 0.5, (0.2, 1.1)), ("risk_ratio", 10.73, (8.02, 14.36)),
        ("odds_ratio_common", 1.5, None), ("odds_ratio_common", 3.0, None), ("odds_ratio_common", 0.4, None),
        ("odds_ratio_common", 0.4, (0.22, 0.75)), ("odds_ratio_common", 3.0, (0.8, 11.0)), ("odds_ratio_rare", 1.5, (1.1, 2.0)),
        ("hazard_ratio_common", 0.56, (0.46, 0.69)), ("hazard_ratio_common", 1.8, (1.2, 2.7)), ("hazard_ratio_common", 0.9, (0.7, 1.15)),
        ("hazard_ratio_rare", 0.56, (0.46, 0.69)),
    ]:
        d = {"measure": kind, "estimate": x, "interval": list(ci) if ci else None, "rr": rr(kind, x), "e": e(rr(kind, x)),
             "e_interval": None, "rr_interval": None}
        if ci:
            r = [rr(kind, c) for c in ci]
            d["rr_interval"] = r
            d["e_interval"] = 1.0 if r[0] <= 1 <= r[1] else e(r[0] if r[0] > 1 else r[1])
        out.append(d)
    return out


# --- Monte Carlo checks ------------------------------------------------------------------------------------------------


def importance(target, log_q, x, stats):
    lw = target(x) - log_q
    w = np.exp(lw - lw.max())
    z = w.sum()
    out = {"ess": float(z * z / (w * w).sum()), "log_marginal_likelihood": float(lw.max() + np.log(z / len(w)))}
    for k, s in stats.items():
        m = (w * s).sum() / z
        out[k] = [float(m), float(np.sqrt(((w * (s - m)) ** 2).sum()) / z)]
    return out


def student_proposal(rng, n, mean, cov, df=6):
    d = len(mean)
    c = np.linalg.cholesky(cov)
    g = rng.chisquare(df, n) / df
    z = rng.standard_normal((n, d)) / np.sqrt(g)[:, None]
    q = (gammaln((df + d) / 2) - gammaln(df / 2) - d / 2 * np.log(df * np.pi) - np.log(np.diag(c)).sum()
         - (df + d) / 2 * np.log1p((z * z).sum(1) / df))
    return mean + z @ c.T, q


def mc_check(rng, target, d, start, stats, n):
    """Importance sampling from a Student t, its moments adapted in four rounds from a wide start."""
    mean, cov = start
    for _ in range(6):
        x, q = student_proposal(rng, n // 8, mean, cov)
        lw = target(x) - q
        w = np.exp(lw - lw.max())
        w = np.minimum(w, np.sort(w)[-100])
        w /= w.sum()
        mean = w @ x
        cov = 1.15 * ((w[:, None] * (x - mean)).T @ (x - mean)) + 1e-4 * np.eye(d)
    x, q = student_proposal(rng, n, mean, cov)
    return importance(target, q, x, stats(x))


def prior_pair(ta, tb, log_tau):
    """log density of (theta_A, theta_B, log tau), mu integrated."""
    tau = np.exp(log_tau)
    return (log_normal(0.5 * (ta + tb), 0, np.sqrt(MU_SD ** 2 + tau ** 2 / 2)) + log_normal(ta - tb, 0, SQ2 * tau)
            + np.log(2.0) + log_normal(tau, 0, TAU_SCALE) + log_tau)


def pair_stats(ta, tb, aa, ab):
    rd = [expit(aa + ta) - expit(aa), expit(ab + tb) - expit(ab)]
    return {"positive_A": (ta > 0) * 1.0, "positive_B": (tb > 0) * 1.0, "mean_A": ta, "mean_B": tb,
            "first_greater": (ta > tb) * 1.0, "first_positive_second_negative": ((ta > 0) & (tb < 0)) * 1.0,
            "rd_above_0_05_A": (rd[0] > RD) * 1.0, "rd_above_0_05_B": (rd[1] > RD) * 1.0}


def check_labels(rng, n, se=0.85, sp=0.9):
    (y0, n0, y1, n1), (z0, m0, z1, m1) = DATA["etiology"]

    def cells(ya, na, yb, nb, lpi, ua, ub):
        pi, pa, pb = expit(lpi), expit(ua), expit(ub)
        c = [(ya, pi * se * pa + (1 - pi) * (1 - sp) * pb), (na - ya, pi * se * (1 - pa) + (1 - pi) * (1 - sp) * (1 - pb)),
             (yb, pi * (1 - se) * pa + (1 - pi) * sp * pb), (nb - yb, pi * (1 - se) * (1 - pa) + (1 - pi) * sp * (1 - pb))]
        return (sum(k * np.log(p) for k, p in c) + gammaln(na + nb + 1) - sum(gammaln(k + 1) for k, _ in c)
                + np.log(pi) + np.log1p(-pi))                                  # Beta(1, 1) in the logit

    def target(x):
        aa, ab, ta, tb, lt, l0, l1 = x.T
        return (cells(y0, n0, z0, m0, l0, aa, ab) + cells(y1, n1, z1, m1, l1, aa + ta, ab + tb)
                + log_normal(aa, 0, BASE_SD) + log_normal(ab, 0, BASE_SD) + prior_pair(ta, tb, lt))

    def stats(x):
        aa, ab, ta, tb, lt, l0, l1 = x.T
        return {**pair_stats(ta, tb, aa, ab), "tau_mean": np.exp(lt), "pi0_mean": expit(l0), "pi1_mean": expit(l1)}
    start = np.array([0, 0, 0, 0, -1, 0, 0.5]), np.diag([.5, .5, .7, .7, 1.0, .3, .3])
    return mc_check(rng, target, 7, start, stats, n)


def check_all(rng, n):
    """Every nuisance number sampled from its prior; the rest from an adapted Student t.  unmix by bisection."""
    def unmix_bisect(x, s, c):
        lo, hi = x - np.abs(c) - 1e-9, x + np.abs(c) + 1e-9
        p = expit(x)
        for _ in range(45):
            m = 0.5 * (lo + hi)
            up = (1 - s) * expit(m) + s * expit(m + c) < p
            lo, hi = np.where(up, m, lo), np.where(up, hi, m)
        return 0.5 * (lo + hi)

    def target(x):
        aa, ab, ta, tb, lt = x.T
        out = log_normal(aa, 0, BASE_SD) + log_normal(ab, 0, BASE_SD) + prior_pair(ta, tb, lt)
        for (y0, n0, y1, n1), (m0, m1), al, t in zip(DATA["etiology"], MISSING, (aa, ab), (ta, tb)):
            k = len(al)
            p0, p1, g = rng.beta(6, 14, k), rng.beta(10, 10, k), rng.normal(GAMMA[1], GAMMA[2], k)
            w = unmix_bisect(al + t, p0, g)
            v = (1 - p1) * expit(w) + p1 * expit(w + g)
            v = np.log(v / (1 - v)) + rng.normal(SHIFT[1], SHIFT[2], k)
            v = unmix_bisect(v, m1 / (n1 + m1), rng.normal(D1[1], D1[2], k))
            u = unmix_bisect(al, m0 / (n0 + m0), rng.normal(D0[1], D0[2], k))
            out = out + y1 * v - n1 * np.logaddexp(0, v) + log_choose(n1, y1) + y0 * u - n0 * np.logaddexp(0, u) + log_choose(n0, y0)
        return out

    def stats(x):
        aa, ab, ta, tb, lt = x.T
        return {**pair_stats(ta, tb, aa, ab), "tau_mean": np.exp(lt)}
    start = np.array([0, 0, 0, 0, -1.0]), np.diag([.4, .4, .7, .7, 1.0])
    return mc_check(rng, target, 5, start, stats, n)


# --- everything --------------------------------------------------------------------------------------------------------


def compute(rule, log):
    R, out = rule, {}

    def put(key, fun):
        t = time.time()
        out[key] = fun()
        log(f"level {R.level} {key}: {time.time() - t:.1f} s")
    put("unbiased", lambda: [counts_case(R, d) for d in DATA])
    put("shift", lambda: [counts_case(R, d, shift=SHIFT) for d in DATA])
    put("shift_known", lambda: [counts_case(R, "etiology", shift=PerSubgroup([0.3, -0.2]))])
    put("shift_t_mixture", lambda: [counts_case(R, "etiology", shift=PerSubgroup(
        [["student_t", 4, 0.0, 0.25], ["mixture", [0.7, 0.0, 0.1], [0.3, 0.5, 0.3]]]))])
    put("confounder_known", lambda: [counts_case(R, d, conf=CONF_KNOWN) for d in ("etiology", "cohorts")])
    put("confounder", lambda: [counts_case(R, "etiology", conf=CONF), counts_case(R, "cohorts", conf=CONF2)])
    put("missing", lambda: [counts_case(R, "etiology", "etiology_prior", missing=MISSING, d0=D0, d1=D1),
                            counts_case(R, "etiology", "etiology_known", missing=MISSING, d0=-1.0, d1=1.0)])
    put("all", lambda: [counts_case(R, "etiology", missing=MISSING, d0=D0, d1=D1, shift=SHIFT, conf=CONF)])
    put("estimates", lambda: [estimates_case(R, "shift", shift=SHIFT), estimates_case(R, "confounder", conf=CONF)])
    put("tipping", lambda: tipping(R))
    R.kern.clear()
    put("misclassification", lambda: [
        misclassification(R, "known", (0.85, 0.9), (0.85, 0.9), True),
        misclassification(R, "unknown_shared", (SE, SP), (SE, SP), True),
        misclassification(R, "unknown_active", (0.9, 0.95), (SE, SP), False)])
    return out


def change(a, b):
    if isinstance(a, dict):
        return max([change(a[k], b[k]) for k in a], default=0.0)
    if isinstance(a, (list, tuple)):
        return max([change(x, y) for x, y in zip(a, b)] + [0.0 if len(a) == len(b) else np.inf], default=0.0)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b)
    return 0.0 if a == b else np.inf


def main():
    ap = argparse.ArgumentParser()
    here = os.path.dirname(os.path.abspath(__file__))
    ap.add_argument("--out", default=os.path.join(here, "bias.json"))
    ap.add_argument("--quick", action="store_true")
    args = ap.parse_args()
    start = time.time()

    def log(s):
        print(s, file=sys.stderr, flush=True)
    first = compute(Rule(0), log)
    out = first
    doubling = None
    checks = {}
    if not args.quick:
        checks["first_set"] = {k: float(v) for k, v in CHECK.items()}
        CHECK.clear()
        out = compute(Rule(1), log)
        doubling = {k: change(first[k], out[k]) for k in out}
    checks["agreements"] = {k: float(v) for k, v in CHECK.items()}
    out["e_values"] = e_values()
    rng = np.random.default_rng(20240229)
    t = time.time()
    checks["misclassification_known"] = check_labels(rng, 400_000 if args.quick else 1_500_000)
    checks["all"] = check_all(rng, 200_000 if args.quick else 1_500_000)
    log(f"checks: {time.time() - t:.1f} s")
    out["checks"] = checks
    out["doubling_change"] = doubling
    with open(args.out, "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")
    log(f"total {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
