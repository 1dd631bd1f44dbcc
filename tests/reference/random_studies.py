#!/usr/bin/env python3
"""Reference posteriors of random two-arm subgroup studies, by adaptive quadrature (numpy, scipy).

Written from the model's definition alone, without sight of any other implementation of it.

Model.  y_ga ~ Binomial(n_ga, logistic(eta_ga)); baseline_of "arms": eta = alpha -+ theta/2;
"control": eta_g0 = alpha, eta_g1 = alpha + theta.  alpha_g ~ baseline, independently.
"partial": theta_g ~ N(mu, tau^2), mu ~ effect, tau ~ heterogeneity; "complete": theta_g = mu;
"none": every subgroup by itself with its own mu and tau.  Estimates: est_g ~ N(theta_g, se_g^2).

Method.
  1. l_g(theta) = log int p(y | alpha, theta) p(alpha) d alpha, a table of polynomials in log scale.
  2. L_g(mu, tau) = int N(theta; mu, tau^2) exp l_g(theta) d theta, by Gauss-Hermite where tau is small
     beside the likelihood's own scale and on panels graded around the likelihood otherwise.
  3. tau and, for each tau, mu on panels bisected until the polynomial on each is good.
  4. w_g(theta), the density of theta_g predicted by all others: theta_g's posterior is w_g exp l_g.
  5. Risks: arm log odds (x0, x1), one outer and one inner; each statement about RD or RR is a threshold
     of the inner one, so that its probability is smooth in the outer one.
All of it twice: 'base' and 'fine' (more nodes a panel, tolerances some hundredth).  The fine numbers are written;
a number that moves by more than 1e-5 in probability (1e-4 sd for means and sds) is written as null.

random_studies.json holds the studies by hand and random ones of seed 1 up to 308, but for those that take minutes (26:
an empty arm against a full one under a mixture of baselines far apart; 227, 265).

Use: random_studies.py [--studies N] [--seed S] [--first K] [--limit SECONDS] [-o FILE|-]
"""
import argparse
import json
import math
import re
import signal
import sys
import time

import numpy as np
from scipy import special, stats
from scipy.optimize import brentq

NONE = -1e300  # log of zero
MOST = 300  # panels of one integral
LOG2PI = math.log(2 * math.pi)


# ---------------------------------------------------------------- polynomials on panels

class Rule:
    """n Gauss-Legendre nodes on [-1, 1] and the way from values there to coefficients."""

    def __init__(self, n):
        self.n = n
        self.x, self.w = np.polynomial.legendre.leggauss(n)
        k = np.arange(n)
        v = np.polynomial.legendre.legvander(self.x, n - 1)
        self.leg = self.w[:, None] * v * (2 * k + 1) / 2  # values @ leg = Legendre coefficients
        to_power = np.zeros((n, n))
        for j in k:
            p = np.polynomial.legendre.leg2poly(np.eye(n)[j])
            to_power[j, :len(p)] = p
        self.power = self.leg @ to_power  # values @ power = power coefficients

    def nodes(self, a, b):
        return 0.5 * (a + b)[:, None] + 0.5 * (b - a)[:, None] * self.x


def antiderivatives(u, n):
    """int_{-1}^{u} P_k, k = 0 .. n-1; u of any shape, a last axis added."""
    out = np.empty(u.shape + (n,))
    p0, p1 = np.ones_like(u), u
    out[..., 0] = u + 1
    for k in range(1, n):
        p2 = ((2 * k + 1) * u * p1 - k * p0) / (k + 1)
        out[..., k] = (p2 - p0) / (2 * k + 1)
        p0, p1 = p1, p2
    return out


def adapt(rule, f, grp, a, b, groups, tol, rounds=60):
    """Bisects panels (grp, a, b) until exp(f - max of group) is a good polynomial on each.

    f(grp of each node, node) -> log value.  Where the panel of a group's maximum is bisected its neighbours are too,
    so that a peak just beyond its edge is found.  Returns grp, a, b, F (panels x nodes), sorted."""
    keep = b > a
    grp, a, b = grp[keep], a[keep], b[keep]

    def values(g, lo, hi):
        x = rule.nodes(lo, hi)
        v = f(np.repeat(g, rule.n), x.ravel()).reshape(x.shape)
        return np.maximum(np.nan_to_num(v, nan=NONE, posinf=NONE, neginf=NONE), NONE)

    F = values(grp, a, b)
    done = []  # panels of the groups that are good
    for _ in range(rounds):
        order = np.lexsort((a, grp))
        grp, a, b, F = grp[order], a[order], b[order], F[order]
        top = F.max(1)
        gmax = np.full(groups, NONE)
        np.maximum.at(gmax, grp, top)
        E = np.exp(F - gmax[grp][:, None])
        E[F <= NONE] = 0
        C = E @ rule.leg
        h = 0.5 * (b - a)
        total = np.bincount(grp, h * (E @ rule.w), groups)
        error = h * (np.abs(C[:, -1]) + np.abs(C[:, -2]) + 0.1 * np.abs(C[:, -3]))
        bad = error > tol * np.abs(total[grp])
        at = np.nonzero(bad & (top == gmax[grp]))[0]
        for step in (-1, 1):
            other = np.clip(at + step, 0, len(grp) - 1)
            bad[other[grp[other] == grp[at]]] = True
        bad &= (b - a) > 1e-12 * (np.abs(a) + np.abs(b)) + 1e-300
        bad &= np.bincount(grp, minlength=groups)[grp] < MOST  # else it is rounding that is being bisected
        ready = np.bincount(grp, bad, groups)[grp] == 0
        if ready.any():
            done.append((grp[ready], a[ready], b[ready], F[ready]))
            grp, a, b, F, bad = grp[~ready], a[~ready], b[~ready], F[~ready], bad[~ready]
        if not len(grp):
            break
        m = 0.5 * (a[bad] + b[bad])
        g2 = np.concatenate([grp[bad], grp[bad]])
        a2, b2 = np.concatenate([a[bad], m]), np.concatenate([m, b[bad]])
        good = ~bad
        grp = np.concatenate([grp[good], g2])
        a, b = np.concatenate([a[good], a2]), np.concatenate([b[good], b2])
        F = np.concatenate([F[good], values(g2, a2, b2)])
    done.append((grp, a, b, F))
    grp, a, b, F = (np.concatenate(v) for v in zip(*done))
    order = np.lexsort((a, grp))
    return grp[order], a[order], b[order], F[order]


def log_totals(rule, grp, a, b, F, groups):
    gmax = np.full(groups, NONE)
    np.maximum.at(gmax, grp, F.max(1))
    s = np.bincount(grp, 0.5 * (b - a) * (np.exp(F - gmax[grp][:, None]) @ rule.w), groups)
    with np.errstate(divide="ignore"):
        return np.maximum(gmax + np.log(s), NONE)


class Table:
    """A function by its polynomials (power form) on adjoining panels; `outside` beyond them."""

    def __init__(self, rule, a, b, F, outside=None):
        self.rule, self.a, self.b, self.F = rule, a, b, F
        self.edges = np.append(a, b[-1])
        self.coef = np.ascontiguousarray((F @ rule.power).T)
        self.outside = outside

    def panel(self, x):
        i = np.clip(np.searchsorted(self.edges, x) - 1, 0, len(self.a) - 1)
        u = (2 * x - self.a[i] - self.b[i]) / (self.b[i] - self.a[i])
        return i, u

    def __call__(self, x):
        i, u = self.panel(x)
        c = self.coef
        y = c[-1][i]
        for k in range(len(c) - 2, -1, -1):
            y *= u
            y += c[k][i]
        if self.outside is not None:
            y[(u < -1 - 1e-9) | (u > 1 + 1e-9)] = self.outside
        return y

    def curvature(self):
        """Second derivatives at the nodes."""
        u, c = self.rule.x, self.coef
        k = np.arange(2, len(c))
        d2 = (u[:, None] ** (k - 2) * (k * (k - 1))) @ c[2:]
        return d2.T * (2 / (self.b - self.a))[:, None] ** 2


def log_table(rule, f, edges, tol):
    """f itself (not its exponential) as polynomials, bisected until good."""
    a, b = edges[:-1], edges[1:]
    F = f(rule.nodes(a, b).ravel()).reshape(-1, rule.n)
    for _ in range(24):
        C = F @ rule.leg
        error = np.abs(C[:, -1]) + np.abs(C[:, -2]) + 0.1 * np.abs(C[:, -3])
        bad = error > tol + 1e-12 * (F.max() - F.max(1))
        bad &= ((b - a) > 1e-5) & (F.max(1) > F.max() - 3e5)  # further down nothing matters
        if not bad.any() or len(a) > 600:
            break
        m = 0.5 * (a[bad] + b[bad])
        a2, b2 = np.concatenate([a[bad], m]), np.concatenate([m, b[bad]])
        F2 = f(rule.nodes(a2, b2).ravel()).reshape(-1, rule.n)
        a, b = np.concatenate([a[~bad], a2]), np.concatenate([b[~bad], b2])
        F = np.concatenate([F[~bad], F2])
        o = np.argsort(a)
        a, b, F = a[o], b[o], F[o]
    return Table(rule, a, b, F)


class Marginal:
    """A density by Legendre coefficients on panels (which may overlap: several taus)."""

    def __init__(self, rule, a, b, E):
        h = 0.5 * (b - a)
        mass = h * (E @ rule.w)
        keep = mass > 1e-17 * mass.sum()
        a, b, E, h = a[keep], b[keep], E[keep] / mass.sum(), h[keep]
        self.a, self.b, self.n = a, b, rule.n
        self.C = (E @ rule.leg) * h[:, None]
        x, w = rule.nodes(a, b), E * h[:, None] * rule.w
        self.mean = float((w * x).sum())
        self.sd = math.sqrt(max(float((w * (x - self.mean) ** 2).sum()), 0))
        self.lo, self.hi = a.min(), b.max()

    def cdf(self, x):
        u = np.clip((2 * x - self.a - self.b) / (self.b - self.a), -1, 1)
        full = u >= 1
        part = ~full & (u > -1)
        s = 2 * self.C[full, 0].sum()
        if part.any():
            s += (antiderivatives(u[part], self.n) * self.C[part]).sum()
        return min(max(float(s), 0.0), 1.0)

    def quantile(self, p):
        return brentq(lambda x: self.cdf(x) - p, self.lo, self.hi, xtol=1e-14, rtol=1e-13, maxiter=300)


# ---------------------------------------------------------------- priors

def parse(text):
    name, inside = re.fullmatch(r"([a-z-]+)\((.*)\)", text).groups()
    return name, [float(v) for v in inside.split(",")]


LADDER = np.array([1.2, 3, 6, 13, 30, 80])


class Prior:
    """Of a log odds or an effect: mixture of normals, Student-t, or a beta of the risk."""

    def __init__(self, spec):
        self.beta = None
        self.nu = None
        if isinstance(spec, str):
            name, v = parse(spec)
            if name == "normal":
                self.parts = [(1.0, v[0], v[1])]
            elif name == "student-t":
                self.nu, self.parts = v[0], [(1.0, v[1], v[2])]
            elif name == "beta":
                self.beta = v
                m = special.digamma(v[0]) - special.digamma(v[1])
                s = math.sqrt(special.polygamma(1, v[0]) + special.polygamma(1, v[1]))
                self.parts = [(1.0, float(m), s)]
            else:
                raise ValueError(spec)
        else:
            self.parts = [(c["weight"], c["mean"], c["sd"]) for c in spec]
            total = sum(p[0] for p in self.parts)
            self.parts = [(w / total, m, s) for w, m, s in self.parts]
        self.light = self.nu is None

    def log(self, x):
        if self.beta:
            a, b = self.beta
            return a * x - (a + b) * softplus(x) - special.betaln(a, b)
        if self.nu:
            nu, (_, m, s) = self.nu, self.parts[0]
            c = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * math.log(nu * math.pi) - math.log(s)
            return c - (nu + 1) / 2 * np.log1p(((x - m) / s) ** 2 / nu)
        out = None
        for w, m, s in self.parts:
            v = math.log(w) - 0.5 * ((x - m) / s) ** 2 - math.log(s) - 0.5 * LOG2PI
            out = v if out is None else np.logaddexp(out, v)
        return out

    def reach(self):
        """Half-width about the centre beyond which nothing matters (unless data say so)."""
        if self.nu:
            return self.parts[0][2] * stats.t.isf(1e-10, self.nu)
        if self.beta:
            return 40 / min(self.beta) + 40
        return max(s for _, _, s in self.parts) * 45

    def edges(self):
        out = []
        for _, m, s in self.parts:
            k = LADDER
            while k[-1] * s < self.reach():
                k = np.append(k, k[-1] * 4)
            out += [[m], m + s * k, m - s * k]
        return np.concatenate(out)

    def centre(self):
        return sum(w * m for w, m, _ in self.parts)

    def sd(self):
        c = self.centre()
        return math.sqrt(sum(w * (s * s + (m - c) ** 2) for w, m, s in self.parts))


class Scale:
    """Prior of tau."""

    def __init__(self, text):
        self.name, self.v = parse(text)
        n, v = self.name, self.v
        self.dist = {
            "half-normal": lambda: stats.halfnorm(scale=v[0]),
            "half-cauchy": lambda: stats.halfcauchy(scale=v[0]),
            "exponential": lambda: stats.expon(scale=v[0]),
            "log-normal": lambda: stats.lognorm(v[1], scale=math.exp(v[0])),
            "uniform": lambda: stats.uniform(v[0], v[1] - v[0]),
            "half-student-t": lambda: None, "fixed": lambda: None}[n]()
        self.light = n not in ("half-cauchy", "half-student-t")

    def log(self, t):
        if self.name == "half-student-t":
            nu, s = self.v
            return math.log(2) + stats.t.logpdf(t / s, nu) - math.log(s)
        return self.dist.logpdf(t)

    def top(self):
        """So far that nothing is beyond it a posteriori either: subgroups that contradict each other pull tau
        far into its prior's tail."""
        if self.name == "fixed":
            return self.v[0]
        if self.name == "uniform":
            return self.v[1]
        if self.name == "half-student-t":
            return self.v[1] * max(stats.t.isf(0.5e-9, self.v[0]), 400.0)
        if self.name == "half-cauchy":
            return self.v[0] * 1e8
        if self.name == "log-normal":
            return self.dist.isf(1e-40)
        return self.dist.isf(1e-150)

    def edges(self, smallest):
        top = self.top()
        if self.name == "uniform" and self.v[0] > 0:
            return np.linspace(self.v[0], top, 5)
        first = min(0.5 * smallest, top / 4)
        if self.name == "log-normal":
            first = max(self.dist.ppf(1e-12), 1e-12)
        e = [first]
        while e[-1] * 4 < top:
            e.append(e[-1] * 3)
        e.append(top)
        return np.array(e) if self.name == "log-normal" else np.array([0.0] + e)


# ---------------------------------------------------------------- one subgroup's likelihood

def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def log_choose(n, y):
    return special.gammaln(n + 1) - special.gammaln(y + 1) - special.gammaln(n - y + 1)


class Arm:
    def __init__(self, y, n):
        self.y, self.n = y, n
        self.c = log_choose(n, y)
        self.centre = math.log((y + 0.5) / (n - y + 0.5))
        self.scale = math.sqrt(1 / (y + 0.5) + 1 / (n - y + 0.5))

    def log(self, x):
        # y log p + (n - y) log(1 - p), without cancellation at either end
        s = np.log1p(np.exp(-np.abs(x)))
        return self.c - self.y * (s + np.maximum(-x, 0)) - (self.n - self.y) * (s + np.maximum(x, 0))


class Level:
    def __init__(self, fine):
        self.fine = fine
        self.rule = Rule(14 if fine else 9)     # mu, theta, arm log odds, alpha
        self.table = Rule(14 if fine else 10)    # log tables
        self.tau = Rule(9 if fine else 6)
        self.tol = 1e-8 if fine else 3e-6
        self.tau_tol = 3e-7 if fine else 3e-5
        self.table_tol = 1e-8 if fine else 3e-7
        x, w = np.polynomial.hermite_e.hermegauss(40 if fine else 20)
        self.z, self.lz = x, np.log(w / math.sqrt(2 * math.pi))


class Subgroup:
    def __init__(self, data, baseline, control, level, reach):
        self.level = level
        self.counts = "control" in data
        if not self.counts:
            self.est, self.se = data["estimate"], data["se"]
            self.log = lambda t: -0.5 * ((t - self.est) / self.se) ** 2 - math.log(self.se) - 0.5 * LOG2PI
            self.c, self.s, self.top = self.est, self.se, -math.log(self.se) - 0.5 * LOG2PI
            self.flat = (False, False)
            self.lo, self.hi = -reach, reach
        else:
            self.arms = [Arm(*data["control"]), Arm(*data["active"])]
            self.baseline, self.control = baseline, control
            self.tabulate(reach)
        self.panels()

    def eta(self, alpha, theta):
        return (alpha, alpha + theta) if self.control else (alpha - theta / 2, alpha + theta / 2)

    def log_theta(self, theta):
        """log int p(y | alpha, theta) p(alpha) d alpha"""
        r = self.level.rule
        out = np.empty(len(theta))
        for i in range(0, len(theta), 400):
            t = theta[i:i + 400]
            shift = (np.zeros(len(t)), -t) if self.control else (t / 2, -t / 2)
            prior = np.sort(self.baseline.edges())
            cols = [np.broadcast_to(prior, (len(t), len(prior)))]
            for arm, d in zip(self.arms, shift):
                cols.append((arm.centre + d)[:, None] + arm.scale * np.array([-6, 0, 6]))
            # where the likelihood of both arms is largest, by bisection of its slope
            ends = np.concatenate(cols[1:], 1)
            lo, hi = ends.min(1), ends.max(1)
            for _ in range(48):
                m = 0.5 * (lo + hi)
                p = [special.expit(x) for x in self.eta(m, t)]
                up = sum(arm.y - arm.n * q for arm, q in zip(self.arms, p)) > 0
                lo, hi = np.where(up, m, lo), np.where(up, hi, m)
            info = sum(arm.n * q * (1 - q) for arm, q in zip(self.arms, p))
            cols.append(m[:, None] + (1 / np.sqrt(info + 0.05))[:, None] * np.array([-20, -5, -1.5, 1.5, 5, 20]))
            e = np.sort(np.concatenate(cols, 1), 1)
            g = np.repeat(np.arange(len(t)), e.shape[1] - 1)

            def f(grp, al):
                x0, x1 = self.eta(al, t[grp])
                return self.arms[0].log(x0) + self.arms[1].log(x1) + self.baseline.log(al)

            res = adapt(r, f, g, e[:, :-1].ravel(), e[:, 1:].ravel(), len(t), 0.01 * self.level.tol)
            out[i:i + 400] = log_totals(r, *res, len(t))
        return out

    def tabulate(self, reach):
        guess = self.arms[1].centre - self.arms[0].centre
        s = math.hypot(self.arms[0].scale, self.arms[1].scale)
        k = [1, 2, 4, 7, 12, 20, 40, 100]
        while k[-1] < reach:
            k.append(k[-1] * 3)
        k = np.array(k)
        e = np.unique(np.concatenate([[0.0], k, -k, [guess]]))
        self.lo, self.hi = e[0], e[-1]
        t = log_table(self.level.table, self.log_theta, e, self.level.table_tol)
        self.log = t
        x, c = t.rule.nodes(t.a, t.b), t.curvature()
        self.top = t.F.max()
        near = (t.F > self.top - 12) & (np.abs(x) < 200)
        curve = max(float((-c[near]).max()), 1e-4)
        self.s = 1 / math.sqrt(curve)
        peak = float(x.ravel()[t.F.argmax()])
        sharp = near & (t.F > self.top - 3)
        cliff = float(x[sharp][(-c[sharp]).argmax()])
        lo, hi = t(np.array([peak - 12 * self.s]))[0], t(np.array([peak + 12 * self.s]))[0]
        self.c = cliff if max(lo, hi) > self.top - 30 else peak
        side = t(np.array([self.c - 10 * self.s, self.c + 10 * self.s]))
        self.flat = tuple(side > self.top - 30)

    def panels(self):
        """Nodes of exp l_g for products with normals at least as wide as s."""
        ks = [0, 2, 4, 6, 8]
        step = 2.0
        while self.c + self.s * ks[-1] < self.hi or self.c - self.s * ks[-1] > self.lo:
            step *= 1.4
            ks.append(ks[-1] + step)
            if len(ks) > 400:
                break
        k = np.array(ks)
        e = np.unique(np.concatenate([self.c - self.s * k, self.c + self.s * k]))
        e = np.unique(np.clip(e, self.lo, self.hi))
        r = self.level.rule
        if r.n > 12:
            r = Rule(12)
        a, b = e[:-1], e[1:]
        x = r.nodes(a, b)
        v = self.log(x.ravel()).reshape(x.shape)
        keep = v.max(1) > self.top - 350
        lw = v + np.log(0.5 * (b - a))[:, None] + np.log(r.w)
        self.x, self.lw = x[keep].ravel(), lw[keep].ravel()

    def log_mu(self, mu, tau):
        """log L_g(mu, tau), elementwise."""
        if not self.counts:
            v = self.se ** 2 + tau ** 2
            return -0.5 * (mu - self.est) ** 2 / v - 0.5 * np.log(v) - 0.5 * LOG2PI
        d = mu - self.c
        flat = np.where(d < 0, self.flat[0], self.flat[1])
        wide = (tau >= self.s) & (~flat | (tau >= np.abs(d) / 6))
        out = np.empty(len(mu))
        z, lz = self.level.z, self.level.lz
        small = np.nonzero(~wide)[0]
        for i in range(0, len(small), 20000):
            j = small[i:i + 20000]
            t = mu[j][:, None] + tau[j][:, None] * z
            v = self.log(t.ravel()).reshape(t.shape) + lz
            m = v.max(1)
            out[j] = m + np.log(np.exp(v - m[:, None]).sum(1))
        big = np.nonzero(wide)[0]
        for i in range(0, len(big), 4000):
            j = big[i:i + 4000]
            v = (self.x - mu[j][:, None]) * (math.sqrt(0.5) / tau[j][:, None])
            np.multiply(v, v, out=v)
            np.subtract(self.lw, v, out=v)
            m = v.max(1)
            v -= m[:, None]
            np.exp(v, out=v)
            out[j] = m + np.log(v.sum(1)) - np.log(tau[j]) - 0.5 * LOG2PI
        return out


# ---------------------------------------------------------------- mu and tau

class Pooled:
    """Partial pooling: nodes of (tau, mu), and predictions of one more effect."""

    def __init__(self, groups, effect, scale, level):
        self.groups, self.effect, self.scale, self.level = groups, effect, scale, level
        self.store = {}
        if scale.name == "fixed":
            t = scale.v[0]
            lt = self.at_tau(np.array([t]))
            self.taus, self.lwt = np.array([t]), np.zeros(1)
            self.log_marginal = float(lt[0])
            self.tau = None
        else:
            smallest = min([g.s for g in groups] + [p[2] for p in effect.parts])
            e = scale.edges(smallest)

            def f(_, t):
                with np.errstate(divide="ignore"):
                    return self.at_tau(t) + scale.log(t)

            r = level.tau
            res = adapt(r, f, np.zeros(len(e) - 1, int), e[:-1], e[1:], 1, level.tau_tol)
            _, a, b, F = res
            self.log_marginal = float(log_totals(r, *res, 1)[0])
            E = np.exp(F - F.max())
            self.tau = Marginal(r, a, b, E)
            x = r.nodes(a, b)
            lw = np.log(0.5 * (b - a))[:, None] + np.log(r.w) + scale.log(x)
            total = (lw + np.array([self.store[v][4] for v in x.ravel()]).reshape(x.shape)).ravel()
            keep = total > total.max() - 34
            self.taus, self.lwt = x.ravel()[keep], lw.ravel()[keep]
        self.collect()

    def at_tau(self, taus):
        """log int prior(mu) prod_g L_g(mu, tau) d mu for each tau; the panels are kept."""
        r = self.level.rule
        G = len(self.groups)
        prior = np.sort(self.effect.edges())
        rows = []
        for t in taus:
            v = np.array([g.s ** 2 + t * t for g in self.groups] + [self.effect.sd() ** 2])
            m = np.array([g.c for g in self.groups] + [self.effect.centre()])
            s = 1 / math.sqrt((1 / v).sum())
            c = s * s * (m / v).sum()
            k = np.array([2, 6.0, 25])
            rows.append(np.concatenate([prior, c + s * k, c - s * k, [m.min() - 5 * s, m.max() + 5 * s]]))
        e = np.sort(np.array(rows), 1)
        g = np.repeat(np.arange(len(taus)), e.shape[1] - 1)
        a, b = e[:, :-1].ravel(), e[:, 1:].ravel()
        keep = b > a + 1e-13 * np.abs(a)

        def f(grp, mu):
            out = self.effect.log(mu)
            t = taus[grp]
            for sub in self.groups:
                out = out + sub.log_mu(mu, t)
            return out

        grp, a, b, F = adapt(r, f, g[keep], a[keep], b[keep], len(taus), self.level.tol)
        total = log_totals(r, grp, a, b, F, len(taus))
        for i, t in enumerate(taus):
            k = np.nonzero(grp == i)[0]
            top = F[k].max(1)
            k = k[top > top.max() - 40]
            self.store[t] = (a[k], b[k], F[k], None, float(total[i]))
        return total

    def collect(self):
        """The final nodes: flat arrays over (tau, panel, node), and each subgroup's log L there."""
        r = self.level.rule
        A, B, F, T, W = [], [], [], [], []
        for t, lw in zip(self.taus, self.lwt):
            a, b, f, _, _ = self.store[t]
            A.append(a), B.append(b), F.append(f)
            T.append(np.full(len(a), t)), W.append(np.full(len(a), lw))
        self.start = np.concatenate([[0], np.cumsum([len(a) for a in A])])
        self.a, self.b, self.F = np.concatenate(A), np.concatenate(B), np.concatenate(F)
        self.t, self.lw = np.concatenate(T), np.concatenate(W)
        self.x = r.nodes(self.a, self.b)
        tt = np.repeat(self.t, r.n)
        self.L = [g.log_mu(self.x.ravel(), tt).reshape(self.x.shape) for g in self.groups]
        E = np.exp(self.F + self.lw[:, None] - self.log_marginal)
        self.mu = Marginal(r, self.a, self.b, E)
        # how each tau's predictions are made: by its nodes, or by Gauss-Hermite on its polynomials
        H = 0.5 * (self.b - self.a)
        mass = H * (E @ r.w)
        self.direct, self.hermite = [], []
        for i, t in enumerate(self.taus):
            sl = slice(self.start[i], self.start[i + 1])
            h, m = H[sl], mass[sl]
            some = m > 1e-10 * mass.sum()
            if not some.any():
                some = m >= m.max()
            k = 2.5 if not self.level.fine else 3.0
            if h[some].max() <= k * t:
                self.direct.append((i, None))
            elif t < 0.5 * h[m > 1e-3 * m.max()].min():
                self.hermite.append(i)
            else:
                self.direct.append((i, k * t))

    def prediction(self, g):
        """log w_g(theta) as a function: the density of theta_g given all others' data (g None: given all data),
        up to the factor that makes the integral of w_g exp l_g equal to the marginal likelihood."""
        r = self.level.rule
        L = self.L[g] if g is not None else np.zeros_like(self.F)
        R = self.F - L
        mus, taus, lws = [], [], []
        for i, width in self.direct:
            sl = slice(self.start[i], self.start[i + 1])
            a, b, f, q = self.a[sl], self.b[sl], self.F[sl], R[sl]
            if width is not None:
                n = np.clip(np.ceil(0.5 * (b - a) / width), 1, 60).astype(int)
                if (n > 1).any():
                    tf, tq = f @ r.power, q @ r.power
                    j = np.repeat(np.arange(len(a)), n)
                    k = np.arange(len(j)) - np.repeat(np.cumsum(n) - n, n)
                    u0, u1 = -1 + 2 * k / n[j], -1 + 2 * (k + 1) / n[j]
                    u = r.nodes(u0, u1)
                    p = u[..., None] ** np.arange(r.n)
                    f, q = np.einsum("pnk,pk->pn", p, tf[j]), np.einsum("pnk,pk->pn", p, tq[j])
                    a, b = a[j] + (b - a)[j] * (u0 + 1) / 2, a[j] + (b - a)[j] * (u1 + 1) / 2
            x = r.nodes(a, b)
            w = self.lwt[i] + np.log(0.5 * (b - a))[:, None] + np.log(r.w)
            keep = (w + f) > self.log_marginal - 34
            mus.append(x[keep]), taus.append(np.full(keep.sum(), self.taus[i])), lws.append((w + q)[keep])
        if mus:
            mus, taus, lws = (np.concatenate(v) for v in (mus, taus, lws))
            lws = lws - np.log(taus) - 0.5 * LOG2PI
            inv = math.sqrt(0.5) / taus
        tables = []
        for i in self.hermite:
            sl = slice(self.start[i], self.start[i + 1])
            a, b, q = self.a[sl], self.b[sl], R[sl]
            # far panels where the logarithm is no polynomial would overshoot between nodes: nothing there
            C = q @ r.leg
            f = self.F[sl].max(1)
            q = np.where(((np.abs(C[:, -1]) + np.abs(C[:, -2]) > 0.1) & (f < f.max() - 16))[:, None], -1e6, q)
            # runs of adjoining panels; gaps (dropped panels) get nothing
            fill_a, fill_b, fill_q = [a[0]], [b[0]], [q[0]]
            for j in range(1, len(a)):
                if a[j] > fill_b[-1]:
                    fill_a.append(fill_b[-1]), fill_b.append(a[j]), fill_q.append(np.full(r.n, -1e6))
                fill_a.append(a[j]), fill_b.append(b[j]), fill_q.append(q[j])
            tables.append((self.taus[i], self.lwt[i],
                           Table(r, np.array(fill_a), np.array(fill_b), np.array(fill_q), outside=NONE)))
        z, lz = self.level.z, self.level.lz

        def w(theta):
            out = np.full(len(theta), NONE)
            if len(mus):
                step = max(1, 2_000_000 // len(mus))
                for i in range(0, len(theta), step):
                    v = (theta[i:i + step, None] - mus) * inv
                    np.multiply(v, v, out=v)
                    np.subtract(lws, v, out=v)
                    m = v.max(1)
                    v -= m[:, None]
                    np.exp(v, out=v)
                    out[i:i + step] = m + np.log(v.sum(1))
            parts = [out]
            for t, lw, table in tables:
                x = theta[:, None] + t * z
                v = table(x.ravel()).reshape(x.shape) + lz
                m = v.max(1)
                parts.append(np.maximum(lw + m + np.log(np.exp(v - m[:, None]).sum(1)), NONE))
            p = np.array(parts)
            m = p.max(0)
            return m + np.log(np.exp(p - m).sum(0))

        return w


class Complete:
    def __init__(self, groups, effect, level):
        self.groups, self.effect, self.level = groups, effect, level
        r = level.rule
        e = [effect.edges()]
        k = np.array([0, 1.5, 4, 10, 30])
        for g in groups:
            e += [g.c + g.s * k, g.c - g.s * k]
        e = np.unique(np.concatenate(e))
        res = adapt(r, lambda _, mu: effect.log(mu) + sum(g.log(mu) for g in groups),
                    np.zeros(len(e) - 1, int), e[:-1], e[1:], 1, level.tol)
        self.log_marginal = float(log_totals(r, *res, 1)[0])
        self.mu = Marginal(r, res[1], res[2], np.exp(res[3] - res[3].max()))
        self.tau = None

    def prediction(self, g):
        return lambda t: self.effect.log(t) + sum(s.log(t) for i, s in enumerate(self.groups) if i != g)


def theta_marginal(fit, g, level):
    """Posterior of theta_g (g None: a new subgroup), and the table of log w_g where that has mass."""
    r = level.rule
    w = fit.prediction(g)
    sub = fit.groups[g] if g is not None else None
    m, s = fit.mu.mean, fit.mu.sd
    lo, hi = fit.mu.quantile(0.001), fit.mu.quantile(0.999)
    e = [np.array([0.5 * (lo + hi), lo, hi])]
    reach = max(60.0, abs(lo) * 4, abs(hi) * 4)
    if fit.tau is not None:
        reach = max(reach, 8 * fit.tau.hi)
    centre, unit = 0.5 * (lo + hi), max((hi - lo) / 6, 1e-4)
    k = [1.5, 5]
    while k[-1] * unit < reach:
        k.append(k[-1] * 3)
    k = np.array(k)
    e += [centre + unit * k, centre - unit * k]
    if sub is not None:
        k = np.array([0, 1.5, 4, 9])
        e += [sub.c + sub.s * k, sub.c - sub.s * k]
    e = np.unique(np.concatenate(e))
    if sub is not None:
        e = np.unique(np.clip(e, sub.lo, sub.hi))
    kept = {}

    def f(_, t):
        lw = w(t)
        kept.update(zip(t.tolist(), lw.tolist()))
        return lw if sub is None else lw + sub.log(t)

    _, a, b, F = adapt(r, f, np.zeros(len(e) - 1, int), e[:-1], e[1:], 1, level.tol)
    marginal = Marginal(r, a, b, np.exp(F - F.max()))
    lw = np.array([kept[t] for t in r.nodes(a, b).ravel().tolist()]).reshape(-1, r.n)
    # the table must be good in log scale too, wherever there is mass, lest it overshoot between nodes
    best = F.max()
    for _ in range(16):
        top = F.max(1) - best
        i, j = np.nonzero(top > -38)[0][[0, -1]]
        a, b, F, lw, top = a[i:j + 1], b[i:j + 1], F[i:j + 1], lw[i:j + 1], top[i:j + 1]
        C = lw @ r.leg
        error = np.abs(C[:, -1]) + np.abs(C[:, -2]) + 0.1 * np.abs(C[:, -3])
        bad = error > np.clip(0.01 * level.tol * np.exp(-top), 1e-6 if level.fine else 1e-5, 0.1)
        if sub is None or not bad.any() or len(a) > 150:
            break
        m = 0.5 * (a[bad] + b[bad])
        a2, b2 = np.concatenate([a[bad], m]), np.concatenate([m, b[bad]])
        x = r.nodes(a2, b2)
        w2 = w(x.ravel()).reshape(x.shape)
        F2 = w2 if sub is None else w2 + sub.log(x.ravel()).reshape(x.shape)
        a, b = np.concatenate([a[~bad], a2]), np.concatenate([b[~bad], b2])
        F, lw = np.concatenate([F[~bad], F2]), np.concatenate([lw[~bad], w2])
        o = np.argsort(a)
        a, b, F, lw = a[o], b[o], F[o], lw[o]
    return marginal, Table(r, a, b, lw, outside=NONE)


# ---------------------------------------------------------------- risks

class Plane:
    """Posterior of (x_outer, x_inner), the arms' log odds; outer 0 is the control arm."""

    def __init__(self, sub, table, marginal, level, outer):
        r = level.rule
        self.outer, self.n = outer, r.n
        sign = 1 if outer == 0 else -1  # inner = outer + sign * theta
        arm, other = sub.arms[outer], sub.arms[1 - outer]
        tlo, thi = table.edges[0], table.edges[-1]
        tc, ts = marginal.quantile(0.5), max((marginal.quantile(0.9) - marginal.quantile(0.1)) / 2.5, 1e-4)
        store = {}

        def value(x, y):
            x0, x1 = (x, y) if outer == 0 else (y, x)
            al = x0 if sub.control else 0.5 * (x0 + x1)
            return sub.arms[0].log(x0) + sub.arms[1].log(x1) + sub.baseline.log(al) + table(x1 - x0)

        k = np.array([-40, -12, -4, -1.3, 1.3, 4, 12, 40])
        prior = np.sort(sub.baseline.edges())
        tail = [80.0]
        while tail[-1] * ts < max(abs(tlo), abs(thi)):
            tail.append(tail[-1] * 4)
        kt = np.concatenate([-np.array(tail[::-1]), k, tail])

        def f(_, x):
            out = np.empty(len(x))
            for i in range(0, len(x), 400):
                xs = x[i:i + 400]
                lo, hi = (xs + tlo, xs + thi) if sign > 0 else (xs - thi, xs - tlo)
                cols = [lo[:, None], hi[:, None], (xs + sign * tc)[:, None] + ts * kt,
                        np.broadcast_to(other.centre + other.scale * k, (len(xs), len(k)))]
                if not sub.control:
                    cols.append(2 * np.array([p[1] for p in sub.baseline.parts]) - xs[:, None])
                elif outer == 1:
                    cols.append(np.broadcast_to(prior, (len(xs), len(prior))))
                e = np.sort(np.clip(np.concatenate(cols, 1), lo[:, None], hi[:, None]), 1)
                g = np.repeat(np.arange(len(xs)), e.shape[1] - 1)
                res = adapt(r, lambda grp, y: value(xs[grp], y), g, e[:, :-1].ravel(), e[:, 1:].ravel(),
                            len(xs), level.tol)
                out[i:i + 400] = log_totals(r, *res, len(xs))
                cut = np.searchsorted(res[0], np.arange(len(xs) + 1))
                for j, v in enumerate(xs.tolist()):
                    s = slice(cut[j], cut[j + 1])
                    store[v] = (res[1][s], res[2][s], res[3][s])
            return out

        e = [arm.centre + arm.scale * k]
        if sub.control and outer == 0:
            e.append(prior)
        else:
            half = max(abs(tlo), abs(thi))
            far = [1.0]
            while far[-1] < sub.baseline.reach() + half:
                far.append(far[-1] * 2.5)
            far = np.array(far)
            m = sub.baseline.centre()
            e += [[m], m + far, m - far]
        e = np.unique(np.concatenate(e))
        _, a, b, F = adapt(r, f, np.zeros(len(e) - 1, int), e[:-1], e[1:], 1, level.tol)
        self.marginal = Marginal(r, a, b, np.exp(F - F.max()))
        # where theta is known far better than the outer arm, P(RD <= r | outer) is nearly a step: panels no wider
        # than some sds of theta
        mass = (b - a) * (np.exp(F - F.max()) @ r.w)
        n = np.where(mass > 1e-8 * mass.sum(), np.ceil((b - a) / (2.5 * ts)), 1)
        n = np.ceil(n * min(1, (600 if level.fine else 400) / n.sum())).astype(int)
        split = n > 1
        if split.any():
            j = np.repeat(np.nonzero(split)[0], n[split])
            k = np.arange(len(j)) - np.repeat(np.cumsum(n[split]) - n[split], n[split])
            width = (b - a) / n
            a2 = a[j] + k * width[j]
            b2 = a[j] + (k + 1) * width[j]
            x = r.nodes(a2, b2)
            F = np.concatenate([F[~split], f(None, x.ravel()).reshape(x.shape)])
            a, b = np.concatenate([a[~split], a2]), np.concatenate([b[~split], b2])
        x = r.nodes(a, b)
        lw = np.log(0.5 * (b - a))[:, None] + np.log(r.w) + np.zeros_like(x)
        order = np.argsort(a)
        a, b, F, x, lw = a[order], b[order], F[order], x[order], lw[order]
        self.oa, self.ob, self.ox, self.w, self.leg = a, b, x, r.w, r.leg
        keep = (lw + F) > (lw + F).max() - 32
        top = F.max()
        node, A, B, C = [], [], [], []
        for at, xv, w in zip(np.nonzero(keep.ravel())[0], x[keep].tolist(), lw[keep]):
            ia, ib, iF = store[xv]
            E = np.exp(iF - top + w)
            A.append(ia), B.append(ib), C.append((E @ r.leg) * (0.5 * (ib - ia))[:, None])
            node.append(np.full(len(ia), at))
        node, a, b, C = (np.concatenate(v) for v in (node, A, B, C))
        C /= 2 * C[:, 0].sum()
        keep = np.abs(C).max(1) > 1e-18
        self.node, self.a, self.b, self.C = node[keep], a[keep], b[keep], C[keep]
        self.all = self.masses(np.full(x.shape, np.inf))

    def masses(self, cut):
        """Mass with x_inner <= cut, a cut for each outer node; times the node's weight."""
        cut = cut.ravel()[self.node]
        with np.errstate(invalid="ignore"):
            u = np.clip((2 * cut - self.a - self.b) / (self.b - self.a), -1, 1)
        out = np.where(u >= 1, 2 * self.C[:, 0], 0.0)
        part = (u < 1) & (u > -1)
        out[part] = (antiderivatives(u[part], self.n) * self.C[part]).sum(1)
        return np.bincount(self.node, out, self.ox.size).reshape(self.ox.shape)

    def upto(self, M, x):
        """Sum of the nodes' masses M over outer x' <= x; the panel that holds x by its polynomial."""
        i = int(np.searchsorted(self.ob, x, side="right"))
        s = M[:i].sum()
        if i < len(self.oa) and self.oa[i] < x:
            u = np.array((2 * x - self.oa[i] - self.ob[i]) / (self.ob[i] - self.oa[i]))
            s += float(antiderivatives(u, self.n) @ ((M[i] / self.w) @ self.leg))
        return float(s)

    def below(self, cut):
        return min(max(float(self.masses(cut).sum()), 0.0), 1.0)


def log_p(x):
    return -softplus(-x)


class Risks:
    def __init__(self, sub, table, marginal, level):
        self.A = Plane(sub, table, marginal, level, 0)
        self.B = Plane(sub, table, marginal, level, 1)
        self.zero = marginal.cdf(0.0)

    @staticmethod
    def beyond(P, Q, r):
        """P(risk of Q's outer arm > risk of P's outer arm + r), r > 0, without a threshold that runs to infinity:
        up to the middle of the curve p_Q = p_P + r by its p_P, from there by its p_Q."""
        m = math.log1p(r) - math.log1p(-r)  # the curve's middle: p_P = (1 - r)/2, p_Q = (1 + r)/2
        with np.errstate(divide="ignore", invalid="ignore"):
            p, q = np.exp(log_p(P.ox)), np.exp(log_p(-P.ox))
            cut = np.where(q - r > 0, np.log(p + r) - np.log(q - r), np.inf)
            first = P.upto(P.all - P.masses(cut), -m)
            p, q = np.exp(log_p(Q.ox)), np.exp(log_p(-Q.ox))
            cut = np.where(p - r > 0, np.log(p - r) - np.log(q + r), -np.inf)
        M = Q.masses(cut) - Q.masses(np.full(Q.ox.shape, -m))
        return first + float(M.sum()) - Q.upto(M, m)

    def rd_cdf(self, r):
        """P(RD <= r)"""
        if abs(r) >= 1:
            return float(r > 0)
        if r == 0:
            return self.zero
        v = 1 - self.beyond(self.A, self.B, r) if r > 0 else self.beyond(self.B, self.A, -r)
        return min(max(v, 0.0), 1.0)

    def rr_cdf(self, lr):
        """P(log RR <= lr): for lr < 0 by the active arm's threshold, for lr > 0 by the control arm's."""
        if lr <= 0:
            lp = log_p(self.A.ox) + lr
            with np.errstate(divide="ignore"):
                return self.A.below(lp - np.log(-np.expm1(lp)))
        lp = log_p(self.B.ox) - lr
        with np.errstate(divide="ignore"):
            return 1 - self.B.below(lp - np.log(-np.expm1(lp)))

    def rd_quantile(self, p):
        z = self.rd_cdf(0)
        if p < z:
            f = lambda v: self.rd_cdf(-math.exp(v)) - p
        else:
            f = lambda v: self.rd_cdf(math.exp(v)) - p
        lo = -60.0
        if f(lo) * f(-1e-12) > 0:
            return 0.0
        v = brentq(f, lo, -1e-12, xtol=1e-12, rtol=1e-12)
        return -math.exp(v) if p < z else math.exp(v)

    def rr_quantile(self, p):
        hi = 1.0
        while self.rr_cdf(hi) < p:
            hi *= 2
        lo = -1.0
        while self.rr_cdf(lo) > p:
            lo *= 2
        return math.exp(brentq(lambda v: self.rr_cdf(v) - p, lo, hi, xtol=1e-12, rtol=1e-12))


# ---------------------------------------------------------------- a study

QS = (0.025, 0.5, 0.975)


class Fit:
    def __init__(self, study, level):
        effect = Prior(study["effect"])
        pooling = study["pooling"]
        scale = Scale(study["heterogeneity"]) if pooling != "complete" else None
        control = study.get("baseline_of", "arms") == "control"
        baseline = Prior(study["baseline"]) if "baseline" in study else None
        reach = 100 + abs(effect.centre()) + effect.reach() * 1.2
        if scale is not None:
            reach += 9 * scale.top()
        self.light = effect.light and (scale is None or scale.light)
        subs = [Subgroup(d, baseline, control, level, reach) for d in study["subgroups"]]
        self.subs = subs
        if pooling == "complete":
            fits = [Complete(subs, effect, level)]
        elif pooling == "partial":
            fits = [Pooled(subs, effect, scale, level)]
        else:
            fits = [Pooled([s], effect, scale, level) for s in subs]
        self.log_marginal = sum(f.log_marginal for f in fits)
        self.mu = self.tau = self.new = None
        if pooling != "none":
            self.mu, self.tau = fits[0].mu, fits[0].tau
        if pooling == "partial":
            self.new = theta_marginal(fits[0], None, level)[0]
        elif pooling == "complete":
            self.new = self.mu
        self.theta, self.risks = [], []
        for g, s in enumerate(subs):
            fit, k = (fits[g], 0) if pooling == "none" else (fits[0], g)
            m, table = theta_marginal(fit, k, level)
            self.theta.append(m)
            self.risks.append(Risks(s, table, m, level) if s.counts else None)


def digits(x):
    return None if x is None or not math.isfinite(x) else float(f"{x:.9g}")


class Judge:
    """Writes a fine number, or None where base and fine differ; remembers what failed and the largest change."""

    def __init__(self):
        self.failed, self.worst = [], 0.0

    def take(self, name, value, change, limit=1e-5):
        if not (change <= limit) or not math.isfinite(value):
            self.failed.append((name, change))
            return None
        if limit == 1e-5:
            self.worst = max(self.worst, change)
        return digits(value)

    def quantiles(self, name, quantile, base_cdf, show=lambda v: v):
        out = []
        for p in QS:
            try:
                q = quantile(p)
                out.append(self.take(f"{name} q{p}", show(q), abs(base_cdf(q) - p)))
            except ValueError:
                out.append(self.take(f"{name} q{p}", math.nan, math.nan))
        return out

    def marginal(self, name, fine, base, light, above=True):
        if fine is None:
            return None
        out = {"q": self.quantiles(name, fine.quantile, base.cdf)}
        if above:
            p = 1 - fine.cdf(0.0)
            out["above"] = self.take(name + " above", p, abs(p - 1 + base.cdf(0.0)))
        if light:
            out["mean"] = self.take(name + " mean", fine.mean, abs(fine.mean - base.mean) / fine.sd, 1e-4)
            out["sd"] = self.take(name + " sd", fine.sd, abs(fine.sd - base.sd) / fine.sd, 1e-4)
        return out


def expit(x):
    return float(special.expit(x))


LEVELS = {}


def solve(study):
    if not LEVELS:
        LEVELS.update(base=Level(False), fine=Level(True))
    base, fine = Fit(study, LEVELS["base"]), Fit(study, LEVELS["fine"])
    j = Judge()
    out = {"log_marginal": j.take("log_marginal", fine.log_marginal, abs(fine.log_marginal - base.log_marginal))}
    light = fine.light
    out["mu"] = j.marginal("mu", fine.mu, base.mu, light)
    out["tau"] = j.marginal("tau", fine.tau, base.tau, light, above=False)
    out["new"] = j.marginal("new", fine.new, base.new, light)
    out["theta"] = [j.marginal(f"theta{g}", f, b, light) for g, (f, b) in enumerate(zip(fine.theta, base.theta))]
    if any(r is not None for r in fine.risks):
        for key in ("p0", "p1", "rd", "rr"):
            out[key] = []
        for g, (f, b) in enumerate(zip(fine.risks, base.risks)):
            for key, plane in (("p0", "A"), ("p1", "B")):
                mf, mb = getattr(f, plane).marginal, getattr(b, plane).marginal
                out[key].append({"q": j.quantiles(f"{key}.{g}", mf.quantile, mb.cdf, expit)})
            rd = {"q": j.quantiles(f"rd.{g}", f.rd_quantile, b.rd_cdf)}
            for name, at, sign in (("above", 0.0, 1), ("above_5", 0.05, 1), ("below_5", -0.05, -1)):
                p, q = f.rd_cdf(at), b.rd_cdf(at)
                rd[name] = j.take(f"rd.{g} {name}", 1 - p if sign > 0 else p, abs(p - q))
            out["rd"].append(rd)
            out["rr"].append({"q": j.quantiles(f"rr.{g}", f.rr_quantile, lambda v: b.rr_cdf(math.log(v)))})
    return out, j


# ---------------------------------------------------------------- studies by hand

def counts(*rows):
    return [{"control": list(r[0]), "active": list(r[1])} for r in rows]


def hand():
    out = []

    def add(name, rows, pooling, effect, heterogeneity, baseline, of):
        for o in of:
            s = {"subgroups": counts(*rows), "pooling": pooling, "effect": effect}
            if heterogeneity:
                s["heterogeneity"] = heterogeneity
            s.update(baseline=baseline, baseline_of=o)
            out.append((f"hand-{name}-{o}", s))

    both = ("arms", "control")
    add("a", [((333, 1000), (566, 1000)), ((566, 1000), (333, 1000))], "partial", "normal(0, 0.355)",
        "half-normal(0.5)", "normal(0, 1.5)", both)
    add("b", [((965, 2000), (1567, 2000)), ((946, 2000), (1343, 2000)), ((882, 2000), (617, 2000))], "partial",
        "normal(0, 0.355)", "half-normal(0.5)", "normal(0, 1.5)", both)
    add("c", [((3333, 10000), (5666, 10000)), ((5666, 10000), (3333, 10000))], "complete", "normal(0, 0.5)", None,
        "normal(0, 1.5)", both)
    add("d", [((3, 10), (0, 12)), ((4, 15), (2, 16))], "partial", "normal(0, 0.355)", "half-student-t(4, 0.5)",
        "normal(0, 1.5)", both)
    add("e", [((0, 400), (1, 200))], "complete", "normal(0, 2.5)", None, "normal(0, 2.5)", both)
    add("f", [((0, 200), (1, 400))], "complete", "normal(0, 0.355)", None, "normal(-7, 2)", both)
    add("g", [((3, 10), (0, 12)), ((0, 5), (0, 6))], "partial", "normal(0, 1)", "half-cauchy(0.5)",
        "normal(0, 1.5)", ("control",))
    add("h", [((2, 100), (2, 100))], "complete", "normal(0, 1)", None, "normal(0, 2.5)", ("arms",))
    add("i", [((5, 2519), (1, 1112)), ((5, 1010), (102, 7676)), ((0, 517), (1, 1036))], "partial",
        "normal(0.513, 5)", "half-cauchy(0.1)", "student-t(3, -1.19, 1.5)", ("control",))
    add("j", [((85, 85), (64, 139)), ((28, 111), (125, 125))], "partial", "normal(0, 0.355)", "uniform(0, 2)",
        "normal(0, 1.5)", both)
    return out


# ---------------------------------------------------------------- random studies

def num(x, d=3):
    return float(f"{x:.{d}g}")


def log_uniform(rng, lo, hi):
    return math.exp(rng.uniform(math.log(lo), math.log(hi)))


def text(x):
    return f"{x:g}"


def location_prior(rng, centre, lo, hi):
    """A normal, a Student-t or a mixture with sds between lo and hi."""
    s = num(log_uniform(rng, lo, hi))
    m = num(centre)
    kind = rng.choice(["normal", "student-t", "mixture"], p=[0.55, 0.22, 0.23])
    if kind == "normal":
        return f"normal({text(m)}, {text(s)})"
    if kind == "student-t":
        return f"student-t({rng.choice([3, 4, 7])}, {text(m)}, {text(s)})"
    n = rng.integers(2, 4)
    w = [[0.5, 0.5], [0.8, 0.2], [0.3, 0.7]][rng.integers(3)] if n == 2 else [0.5, 0.3, 0.2]
    return [{"weight": w[i], "mean": num(centre + rng.normal() * s), "sd": num(log_uniform(rng, lo, hi))}
            for i in range(n)]


def random_study(seed, k):
    rng = np.random.default_rng([seed, k])
    G = int(rng.choice([1, 2, 3, 4, 5, 6, 8, 12], p=[0.15, 0.3, 0.2, 0.15, 0.08, 0.05, 0.04, 0.03]))
    pooling = str(rng.choice(["partial", "complete", "none"], p=[0.6, 0.2, 0.2]))
    study = {"subgroups": [], "pooling": pooling}
    theta = rng.normal(0, 0.5, G)
    if rng.random() < 0.25:
        theta = theta + rng.choice([-1.0, 1.0], G)
    centre = 0.0 if rng.random() < 0.6 else num(rng.normal(0, 0.4), 2)
    study["effect"] = location_prior(rng, centre, 0.2, 5)
    if pooling != "complete":
        s = text(num(log_uniform(rng, 0.05, 2), 2))
        study["heterogeneity"] = str(rng.choice([
            f"half-normal({s})", f"half-student-t({rng.choice([3, 4, 7])}, {s})", f"half-cauchy({s})",
            f"exponential({s})", f"log-normal({text(num(math.log(float(s)), 3))}, {text(num(rng.uniform(0.3, 1.2), 2))})",
            f"uniform(0, {text(num(2 * float(s)))})", f"fixed({s})"],
            p=[0.3, 0.15, 0.12, 0.12, 0.11, 0.1, 0.1]))
    if rng.random() < 0.15:
        for g in range(G):
            se = num(log_uniform(rng, 0.01, 1.5))
            study["subgroups"].append({"estimate": num(theta[g] + rng.normal() * se, 4), "se": se})
        return study
    middle = rng.choice([0.0, 1.0]) * rng.normal(0, 2.5)  # typical log odds
    if rng.random() < 0.2:
        middle = rng.choice([-1, 1]) * rng.uniform(4, 9)
    if rng.random() < 0.12:
        study["baseline"] = f"beta({text(num(log_uniform(rng, 0.5, 6), 2))}, {text(num(log_uniform(rng, 0.5, 6), 2))})"
    else:
        about = 0.0 if rng.random() < 0.6 else middle + rng.normal()
        study["baseline"] = location_prior(rng, num(about, 2), 0.5, 10)
    study["baseline_of"] = str(rng.choice(["arms", "control"]))
    zeros = rng.choice([0.0, 0.12, 0.5], p=[0.6, 0.25, 0.15])  # how often an arm is made empty or full
    top = rng.choice([30, 1000, 1e6], p=[0.3, 0.35, 0.35])
    for g in range(G):
        size = log_uniform(rng, 3, top)
        ratio = math.exp(rng.normal(0, 0.5)) if rng.random() < 0.7 else 1.0
        n = [int(np.clip(round(size * ratio ** d), 3, 1_000_000)) for d in (-1, 1)]
        if rng.random() < 0.4:
            n = [n[0], n[0]]
        x = np.clip(middle + rng.normal(0, 0.7), -9.2, 9.2)
        eta = [np.clip(x, -9.2, 9.2), np.clip(x + theta[g], -9.2, 9.2)]
        y = [int(rng.binomial(n[a], special.expit(eta[a]))) for a in (0, 1)]
        u = rng.random()
        if u < zeros:
            kind = rng.choice(["one empty", "one full", "both empty", "both full", "opposite"],
                              p=[0.3, 0.2, 0.3, 0.1, 0.1])
            a = rng.integers(2)
            n = [min(v, 400) for v in n]
            y = [min(y[i], n[i]) for i in (0, 1)]
            if kind == "one empty":
                y[a] = 0
            elif kind == "one full":
                y[a] = n[a]
            elif kind == "both empty":
                y = [0, 0]
            elif kind == "both full":
                y = list(n)
            else:
                y[a], y[1 - a] = 0, n[1 - a]
        study["subgroups"].append({"control": [y[0], n[0]], "active": [y[1], n[1]]})
    return study


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--studies", type=int, default=300)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--first", type=int, default=0, help="number of the first random study")
    p.add_argument("--no-hand", action="store_true", help="leave out the studies written by hand")
    p.add_argument("--limit", type=int, default=0, help="seconds for one study, which is left out beyond them; 0: no limit")
    p.add_argument("-o", default="random_studies.json", help="file, or - for one JSON object a line")
    args = p.parse_args()

    def too_long(*_):
        raise TimeoutError(f"more than {args.limit} s")

    signal.signal(signal.SIGALRM, too_long)
    todo = [] if args.no_hand or args.first > 0 else hand()
    todo += [(f"random-{args.seed}-{k}", None) for k in range(args.first, args.first + args.studies)]
    done = []
    for name, study in todo:
        if study is None:
            study = random_study(args.seed, int(name.rsplit("-", 1)[1]))
        start = time.time()
        signal.alarm(args.limit)
        try:
            expected, judge = solve(study)
        except Exception as e:  # a study that cannot be done is told, and left out
            print(f"{name}: {type(e).__name__}: {e}", file=sys.stderr)
            continue
        finally:
            signal.alarm(0)
        bad = f"  null: {len(judge.failed)} " + "; ".join(f"{n} {c:.1e}" for n, c in judge.failed[:4]) \
            if judge.failed else ""
        print(f"{name}: {time.time() - start:.1f} s, largest change {judge.worst:.1e}{bad}", file=sys.stderr, flush=True)
        for key in ("mu", "new", "tau"):  # nothing of a distribution is believed none of whose quantiles stood still
            if isinstance(expected.get(key), dict) and not any(q is not None for q in expected[key].get("q", [0])):
                expected[key] = None
        item = {"id": name, "study": study, "expected": expected}
        if args.o == "-":
            print(json.dumps(item), flush=True)
        else:
            done.append(json.dumps(item))
    if args.o != "-":
        with open(args.o, "w") as f:
            f.write("[\n" + ",\n".join(done) + "\n]\n")


if __name__ == "__main__":
    main()
