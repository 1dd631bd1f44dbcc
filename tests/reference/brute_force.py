#!/usr/bin/env python3
"""Reference values for the Bayesian reanalysis of subgroups, by direct numerical integration.

    python3 brute_force.py [--out brute_force.json] [--cases 1,2,9] [--check]

Needs numpy and scipy only and reads no file.  Every case is computed twice: at a base resolution, and with every
quadrature panel cut in two and every truncated range widened.  The second set of values is written, together with the
largest absolute change between the two ("doubling_change").  All 19 cases take about 8 minutes on one core.  --check
instead compares values with other formulations (adaptive cubature, uniform sums after integrating mu in closed form,
reversed order of integration, nested adaptive quadrature for the priors, Monte Carlo) and writes nothing.


Model
-----
Counts:     y_ga ~ Binomial(n_ga, expit(alpha_g + a theta_g)), a = 0 control, 1 active; alpha_g ~ baseline prior.
Estimates:  y_g ~ N(theta_g, se_g^2).
partial:    theta_g ~ N(mu, tau^2), mu ~ effect prior, tau ~ heterogeneity prior.
complete:   theta_g = mu.
none:       every subgroup alone, theta_g ~ N(mu_g, tau_g^2) with its own mu_g and tau_g under the same priors.


Method
------
All integrals use composite Gauss-Legendre panels with 16 nodes (class Panels).  The same nodes carry a piecewise
Legendre interpolant, so that functions can be evaluated, and integrated, up to any point inside a panel.

1.  Likelihood of a subgroup, with the baseline integrated out (counts) or in closed form (estimates):
        L_g(theta) = int Bin(y_g0 | expit(alpha)) Bin(y_g1 | expit(alpha + theta)) p(alpha) dalpha.

2.  Gaussian smoothing.  With S_tau f(x) = int phi(z) f(x + tau z) dz,
        H_g(mu, tau)    = S_tau L_g (mu)                                    = p(y_g | mu, tau)
        F(mu, tau)      = p(mu) prod_g H_g(mu, tau),     Z = int int F p(tau) dmu dtau      (the evidence)
        pi_g(theta)     = int p(tau) S_tau[ p(mu) prod_{h != g} H_h ](theta) dtau.
    pi_g is the "cavity" density: the prior of theta_g given the data of all other subgroups.  S_tau is one matrix per
    tau.  Where tau is not small against the panels, a row holds the Gaussian kernel at the nodes; where it is small, a
    row is a Gauss-Hermite rule in z applied to the interpolant.  Nothing is therefore lost as tau -> 0.
    complete: pi_g(theta) = p(theta) prod_{h != g} L_h(theta).
    none:     pi_g(theta) = int int N(theta; mu, tau^2) p(mu) p(tau) dmu dtau.

3.  One subgroup.  p(alpha, theta | y) is proportional to
        p(alpha) Bin(y_g0 | expit(alpha)) Bin(y_g1 | expit(alpha + theta)) pi_g(theta),
    and risk difference, risk ratio and active risk are each of the form {theta > theta*(alpha)}:
        RD > d:   theta* = logit(expit(alpha) + d) - alpha     (+inf or -inf where expit(alpha) + d leaves (0, 1))
        RR > r:   theta* = logit(r expit(alpha)) - alpha       (+inf where r expit(alpha) >= 1)
        p1 > x:   theta* = logit(x) - alpha.
    The inner integral is a sum of panels and part of one panel.  The alpha at which theta* becomes infinite is made an
    end point, with panels shrinking geometrically toward it.

4.  P(theta_i > 0, theta_j < 0) = int p(tau) int p(mu) prod_{h != i,j} H_h  H_i^+ H_j^-  dmu dtau / Z, with
        H_i^+(mu, tau) = int_0^inf N(theta; mu, tau^2) L_i(theta) dtheta, H_j^- likewise below 0.
    For small tau the integrand lives within a few tau of mu = 0: mu = tau m, theta = tau x.

5.  D = theta_i - theta_j.  With u = (theta_i + theta_j)/2,
        N(theta_i; mu, tau^2) N(theta_j; mu, tau^2) = N(d; 0, 2 tau^2) N(u; mu, tau^2/2), hence
        P(D > t) = int p(tau) int_t^inf N(d; 0, 2 tau^2) M(d, tau) dd dtau / Z
        M(d, tau) = int W(u, tau) L_i(u + d/2) L_j(u - d/2) du,   W(., tau) = S_{tau/sqrt 2}[ p(mu) prod_{h != i,j} H_h ].
    none: P(D > t) = int f_j(theta) P(theta_i > theta + t) dtheta.  complete: D = 0 always, so each P(D > 0) is 0.

6.  theta_new ~ N(mu, tau^2): its distribution function is int int F p(tau) Phi((x - mu)/tau); mean E(mu), variance
    var(mu) + E(tau^2).

7.  "prior": one subgroup with an empty table.  P(theta > x) = int int p(mu) p(tau) Phi((mu - x)/tau), in closed form
    over mu for normals and mixtures of normals; Student's t is written as a gamma mixture of normals.
    P(RD > d) = int p(alpha) P(theta > theta*(alpha)) dalpha.
"""

import argparse
import json
import math
import os
import re
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss, legvander
from scipy import integrate, interpolate, sparse, stats
from scipy.optimize import brentq
from scipy.special import expit, gammaln, log_expit, logit, ndtr, xlogy

N = 16                                             # nodes per panel
T_NODES, T_WEIGHTS = leggauss(N)
# Values at the nodes -> coefficients of the interpolating Legendre series (discrete orthogonality).
TO_LEGENDRE = (2 * np.arange(N)[:, None] + 1) / 2 * T_WEIGHTS * legvander(T_NODES, N - 1).T
SQRT2 = math.sqrt(2.0)
SQRT_2PI = math.sqrt(2 * math.pi)

RD_THRESHOLDS = ["-0.10", "-0.05", "-0.03", "-0.013", "0", "0.013", "0.03", "0.05", "0.10"]
RR_THRESHOLDS = ["0.8", "1.25"]


# ----------------------------------------------------------------------------------------------------------------
# Panels

def legendre_integrals(t):
    """int_{-1}^t P_k for k = 0 .. N-1, one row for each t."""
    v = legvander(t, N)
    out = np.empty((len(t), N))
    out[:, 0] = t + 1
    for k in range(1, N):
        out[:, k] = (v[:, k + 1] - v[:, k - 1]) / (2 * k + 1)
    return out


class Panels:
    """Composite Gauss-Legendre rule on consecutive panels, with the piecewise interpolant on the same nodes."""

    def __init__(self, edges):
        self.edges = np.asarray(edges, float)
        self.mid = (self.edges[1:] + self.edges[:-1]) / 2
        self.half = (self.edges[1:] - self.edges[:-1]) / 2
        self.x = (self.mid[:, None] + self.half[:, None] * T_NODES).ravel()
        self.w = (self.half[:, None] * T_WEIGHTS).ravel()
        self.count = len(self.mid)

    def locate(self, x):
        p = np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, self.count - 1)
        return p, (x - self.mid[p]) / self.half[p]

    def coefficients(self, f):
        return f.reshape(self.count, N) @ TO_LEGENDRE.T

    def evaluate(self, coefficients, x):
        """The interpolant at x; zero outside the range."""
        x = np.asarray(x, float)
        flat = x.ravel()
        p, t = self.locate(flat)
        inside = np.abs(t) <= 1 + 1e-12
        value = np.einsum("ij,ij->i", coefficients[p], legvander(np.where(inside, t, 0.0), N - 1))
        return np.where(inside, value, 0.0).reshape(x.shape)

    def integral_below(self, f, x):
        """int_{lower end}^x of f (values at the nodes), one number."""
        if x <= self.edges[0]:
            return 0.0
        masses = (f * self.w).reshape(self.count, N).sum(1)
        if x >= self.edges[-1]:
            return float(masses.sum())
        p, t = self.locate(np.array([x]))
        c = TO_LEGENDRE @ f[p[0] * N:(p[0] + 1) * N]
        return float(masses[:p[0]].sum() + self.half[p[0]] * (legendre_integrals(t)[0] @ c))

    def interpolation_rows(self, x):
        """(column indices, weights), each of shape (len(x), N): interpolation at x as a linear map of nodal values."""
        p, t = self.locate(x)
        inside = np.abs(t) <= 1 + 1e-12
        weights = legvander(np.where(inside, t, 0.0), N - 1) @ TO_LEGENDRE
        weights[~inside] = 0.0
        return p[:, None] * N + np.arange(N), weights

    def bisected(self):
        return Panels(np.sort(np.concatenate([self.edges, self.mid])))


def graded_edges(cores, radius, w_max, growth=0.25):
    """Edges on [-radius, radius], 0 among them.  Near a core (lo, hi, width) panels have its width; away from all cores
    they grow with the distance."""
    def width(x):
        return min(min(w + growth * max(lo - x, x - hi, 0.0) for lo, hi, w in cores), w_max)

    def side(sign):
        out, x = [], 0.0
        while True:
            w = width(sign * x)
            w = min(w, width(sign * (x + w)))
            if x + 1.5 * w >= radius:
                out.append(sign * radius)
                return out
            x += w
            out.append(sign * x)
    return np.array(side(-1)[::-1] + [0.0] + side(1))


def toward(end, far, ratio=2.5, smallest=1e-13):
    """Edges from far to end shrinking geometrically toward end, sorted."""
    steps = int(math.ceil(math.log(1 / smallest) / math.log(ratio)))
    points = end + (far - end) * ratio ** -np.arange(steps + 1.0)
    return np.unique(np.concatenate([points, [end]]))


def quantile(cdf, q, lo, hi, guess=None, scale=1.0):
    """Root of cdf(x) = q, with a narrow bracket first if a guess is known."""
    if guess is not None:
        a, b = max(lo, guess - 1e-7 * scale), min(hi, guess + 1e-7 * scale)
        if cdf(a) < q < cdf(b):
            lo, hi = a, b
    return brentq(lambda x: cdf(x) - q, lo, hi, xtol=1e-13, rtol=1e-14)


# ----------------------------------------------------------------------------------------------------------------
# Priors

def parse(text):
    """'0.8 * normal(-0.3, 0.15) + ...' -> [(weight, family, arguments)]."""
    found = re.findall(r"(?:([0-9.eE+-]+)\s*\*\s*)?([a-z][a-z-]*)\(([^)]*)\)", text)
    return [(float(w) if w else 1.0, family, [float(v) for v in args.split(",")]) for w, family, args in found]


def t_density(x, nu):
    return np.exp(gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * math.log(nu * math.pi)
                  - (nu + 1) / 2 * np.log1p(x * x / nu))


def density(prior, x):
    """Density at x of a location prior: normal, student-t or a mixture."""
    total = 0.0
    for weight, family, a in prior:
        if family == "normal":
            total = total + weight * np.exp(-0.5 * ((x - a[0]) / a[1]) ** 2) / (a[1] * SQRT_2PI)
        elif family == "student-t":
            total = total + weight * t_density((x - a[1]) / a[2], a[0]) / a[2]
        else:
            raise ValueError(family)
    return total


def location_scale(component):
    _, family, a = component
    return (a[0], a[1]) if family == "normal" else (a[1], a[2])


class NormalMixture:
    """A location prior as a mixture of normals: weights, means, variances.  Student's t becomes a gamma mixture:
    x | lam ~ N(m, s^2/lam), lam ~ Gamma(nu/2, rate nu/2), by panels in log lam."""

    def __init__(self, prior, doubled):
        w, m, v = [], [], []
        for weight, family, a in prior:
            if family == "normal":
                w.append([weight]), m.append([a[0]]), v.append([a[1] ** 2])
                continue
            nu, loc, scale = a
            p = Panels(np.linspace(-80 / nu, 5.0, 15))
            p = p.bisected() if doubled else p
            log_w = nu / 2 * math.log(nu / 2) - gammaln(nu / 2) + nu / 2 * p.x - nu / 2 * np.exp(p.x)
            w.append(weight * p.w * np.exp(log_w)), m.append(np.full(len(p.x), loc)), v.append(scale ** 2 * np.exp(-p.x))
        self.w, self.m, self.v = np.concatenate(w), np.concatenate(m), np.concatenate(v)


class TauRule:
    """Nodes and weights (prior density and Jacobian included) for integrals over tau.  The first segment serves
    quantiles: panels in v, tau = tau(v)."""

    def __init__(self, text, doubled):
        (_, family, a), = parse(text)
        self.fixed = family == "fixed"
        self.v_to_tau = lambda v: v
        if self.fixed:
            self.tau, self.weight = np.array(a), np.array([1.0])
            return
        wide = 1.2 if doubled else 1.0
        tail = None
        if family == "log-normal":
            segment = Panels(np.linspace(a[0] - 9 * a[1] * wide, a[0] + 10 * a[1] * wide, 25))
            self.v_to_tau = math.exp
        else:
            s = a[-1]
            small = [0.0, 0.005, 0.0125, 0.03, 0.06, 0.12, 0.25]
            if family == "uniform":
                edges = s * np.array(small + list(np.linspace(0.4, 1.0, 5)))
            elif family == "half-normal":
                edges = s * np.array(small + list(np.linspace(0.6, 5, 8)) + list(np.linspace(6, 13 * wide, 5)))
            elif family == "exponential":
                edges = s * np.array(small + list(np.linspace(0.6, 4.5, 7)) + list(5 * np.geomspace(1, 9 * wide, 9)))
            else:
                edges = s * np.array(small + list(np.linspace(0.6, 3.5, 7)) + list(4 * np.geomspace(1, 250, 12)))
                tail = Panels([0.0, 1e-4 / s, 3e-4 / s, 1e-3 / s])             # in 1/tau
            segment = Panels(edges)
        if doubled:
            segment = segment.bisected()
            tail = tail.bisected() if tail else None
        self.segment = segment
        self.first = len(segment.x)
        tau = np.exp(segment.x) if family == "log-normal" else segment.x
        weight = segment.w * (tau if family == "log-normal" else 1.0)
        if tail:
            tau = np.concatenate([tau, 1 / tail.x])
            weight = np.concatenate([weight, tail.w / tail.x ** 2])
        if family == "half-normal":
            p = 2 * np.exp(-0.5 * (tau / a[0]) ** 2) / (a[0] * SQRT_2PI)
        elif family == "half-student-t":
            p = 2 * t_density(tau / a[1], a[0]) / a[1]
        elif family == "half-cauchy":
            p = 2 / (math.pi * a[0] * (1 + (tau / a[0]) ** 2))
        elif family == "exponential":
            p = np.exp(-tau / a[0]) / a[0]
        elif family == "log-normal":
            p = np.exp(-0.5 * ((np.log(tau) - a[0]) / a[1]) ** 2) / (a[1] * SQRT_2PI * tau)
        elif family == "uniform":
            p = np.full(len(tau), 1 / a[1])
        else:
            raise ValueError(family)
        self.tau, self.weight = tau, weight * p
        self.p = p

    def summary(self, posterior):
        """posterior: integral over everything else at each tau node, prior density not included."""
        mass = self.weight * posterior
        total = mass.sum()
        mean = float(mass @ self.tau / total)
        out = {"mean": mean, "sd": math.sqrt(float(mass @ (self.tau - mean) ** 2 / total))}
        f = mass[:self.first] / self.segment.w / total           # density in v

        def cdf(v):
            return self.segment.integral_below(f, v)
        for name, q in (("median", 0.5), ("q2_5", 0.025), ("q97_5", 0.975)):
            out[name] = float(self.v_to_tau(quantile(cdf, q, self.segment.edges[0], self.segment.edges[-1])))
        return out


# ----------------------------------------------------------------------------------------------------------------
# Gaussian smoothing

HERMITE = {n: (lambda z, w: (z, w / w.sum()))(*hermegauss(n)) for n in (32, 48)}


def smoother(grid, tau, hermite):
    """The matrix of S_tau: nodal values of f -> values at the nodes of int phi(z) f(x + tau z) dz (f = 0 outside)."""
    lo = np.clip(np.searchsorted(grid.edges, grid.edges[:-1] - 8 * tau, side="right") - 1, 0, grid.count - 1)
    hi = np.clip(np.searchsorted(grid.edges, grid.edges[1:] + 8 * tau, side="left"), 1, grid.count)
    widest = np.array([grid.half[a:b].max() for a, b in zip(lo, hi)]) * 2
    by_kernel = np.repeat(widest <= 4 * tau, N)
    if by_kernel.all():
        k = (grid.x[:, None] - grid.x) / tau
        k *= k
        k *= -0.5
        np.exp(k, out=k)
        k *= grid.w / (tau * SQRT_2PI)
        return lambda f: k @ f
    rows = np.flatnonzero(by_kernel)
    kernel = np.exp(-0.5 * ((grid.x[rows, None] - grid.x) / tau) ** 2) * (grid.w / (tau * SQRT_2PI))
    others = np.flatnonzero(~by_kernel)
    z, wz = HERMITE[hermite]
    keep = wz > 1e-19
    z, wz = z[keep], wz[keep]
    columns, weights = grid.interpolation_rows((grid.x[others, None] + tau * z).ravel())
    weights *= np.tile(wz, len(others))[:, None]
    pointers = np.arange(len(others) + 1) * (len(z) * N)
    local = sparse.csr_matrix((weights.ravel(), columns.ravel(), pointers), shape=(len(others), len(grid.x)))

    def apply(f):
        out = np.empty((len(grid.x), f.shape[1]))
        out[rows] = kernel @ f
        out[others] = local @ f
        return out
    return apply


# ----------------------------------------------------------------------------------------------------------------
# Subgroups

class Binomial:
    """Likelihood of a log odds, divided by its largest value exp(peak); log_coefficient is the binomial coefficient."""

    def __init__(self, events, total):
        self.y, self.n = events, total
        self.peak = float(xlogy(events, events / total) + xlogy(total - events, 1 - events / total)) if total else 0.0
        self.log_coefficient = float(gammaln(total + 1) - gammaln(events + 1) - gammaln(total - events + 1))

    def __call__(self, eta):
        if self.n == 0:
            return np.ones_like(eta)
        # y log p + (n - y) log(1 - p) = y eta - n log(1 + exp(eta)), in the form that does not cancel
        return np.exp(self.n * log_expit(-eta) + self.y * eta - self.peak)

    def rough(self):
        p = (self.y + 0.5) / (self.n + 1)
        return math.log(p / (1 - p)), 1 / math.sqrt((self.n + 1) * p * (1 - p))


class CountSubgroup:
    def __init__(self, control, active, baseline_text, doubled):
        self.control, self.active = Binomial(*control), Binomial(*active)
        self.baseline = parse(baseline_text)
        self.log_constant = (self.control.peak + self.control.log_coefficient
                             + self.active.peak + self.active.log_coefficient)
        a, sa = self.control.rough()
        b, sb = self.active.rough()
        self.centre, self.scale = b - a, min(math.hypot(sa, sb), 0.7)
        _, s = location_scale(self.baseline[0])
        joint = 1 / math.sqrt(1 / sa ** 2 + self.active.n / 4 + 1 / s ** 2)
        radius = (12 * s if self.baseline[0][1] == "normal" else 30.0) * (1.15 if doubled else 1.0)
        spread = min(12 * sa, 9 * s)
        edges = graded_edges([(a - spread, a + spread, 1.2 * joint)], radius, 1.0)
        self.alpha = Panels(edges).bisected() if doubled else Panels(edges)
        self.base = density(self.baseline, self.alpha.x) * self.control(self.alpha.x)

    def likelihood(self, theta):
        weight = self.alpha.w * self.base
        keep = weight > 1e-30 * weight.max()
        return self.active(self.alpha.x[keep, None] + theta).T @ weight[keep]


class EstimateSubgroup:
    def __init__(self, estimate, se):
        self.centre, self.scale, self.log_constant = estimate, se, 0.0

    def likelihood(self, theta):
        return np.exp(-0.5 * ((self.centre - theta) / self.scale) ** 2) / (self.scale * SQRT_2PI)


def theta_star_rd(d):
    def f(alpha):
        p, q = expit(alpha) + d, expit(-alpha) - d
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(p <= 0, -np.inf, np.where(q <= 0, np.inf, np.log(p) - np.log(q) - alpha))
    return f, (float(logit(1 - d)) if d > 0 else float(logit(-d)) if d < 0 else None)


def theta_star_rr(r):
    def f(alpha):
        p, q = r * expit(alpha), expit(-alpha) + (1 - r) * expit(alpha)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(q <= 0, np.inf, np.log(p) - np.log(q) - alpha)
    return f, (float(logit(1 / r)) if r > 1 else None)


class Joint:
    """Posterior of (alpha, theta) of one subgroup, given the cavity density pi at the nodes of the theta grid."""

    def __init__(self, subgroup, grid, pi):
        self.s = subgroup
        like = subgroup.likelihood(grid.x) * pi
        mass = np.abs(like * grid.w).reshape(grid.count, N).sum(1)
        used = np.flatnonzero(mass > 1e-19 * mass.sum())
        lo, hi = used[0], used[-1] + 1
        self.theta = Panels(grid.edges[lo:hi + 1])
        self.pi = pi[lo * N:hi * N] / mass.sum()
        rows = (subgroup.active(subgroup.alpha.x[:, None] + self.theta.x) @ (self.pi * self.theta.w)) * subgroup.base
        mass = (rows * subgroup.alpha.w).reshape(subgroup.alpha.count, N).sum(1)
        used = np.flatnonzero(mass > 1e-19 * mass.sum())
        lo, hi = used[0], used[-1] + 1
        self.alpha = Panels(subgroup.alpha.edges[lo:hi + 1])
        self.base = subgroup.base[lo * N:hi * N]
        self.alpha_density = rows[lo * N:hi * N]
        self.panel_mass = mass[lo:hi]
        self.table = self.rows(self.alpha.x)

    def rows(self, alpha):
        """Integrand in theta at each alpha, and its integral over all panels above each panel edge."""
        v = self.s.active(alpha[:, None] + self.theta.x) * self.pi
        panel = (v * self.theta.w).reshape(len(alpha), self.theta.count, N).sum(2)
        above = np.zeros((len(alpha), self.theta.count + 1))
        above[:, :-1] = np.cumsum(panel[:, ::-1], axis=1)[:, ::-1]
        return v, above

    def inner(self, table, star):
        """int_{star}^inf of the integrand in theta, one number for each row."""
        v, above = table
        edges = self.theta.edges
        p, t = self.theta.locate(np.clip(star, edges[0], edges[-1]))
        t = np.clip(t, -1, 1)
        rows = np.arange(len(star))
        values = v[rows[:, None], p[:, None] * N + np.arange(N)]
        below = self.theta.half[p] * np.einsum("ij,ij->i", values @ TO_LEGENDRE.T, legendre_integrals(t))
        return above[rows, p] - below

    def above(self, star, kink=None):
        """P(theta > star(alpha))."""
        part = self.alpha.w * self.base * self.inner(self.table, star(self.alpha.x))
        if kink is None or not self.alpha.edges[0] < kink < self.alpha.edges[-1]:
            return float(part.sum())
        k = int(self.alpha.locate(np.array([kink]))[0][0])
        lo, hi = max(k - 1, 0), min(k + 2, self.alpha.count)
        if self.panel_mass[lo:hi].sum() < 1e-16:
            return float(part.sum())
        keep = np.ones(len(part), bool)
        keep[lo * N:hi * N] = False
        total = part[keep].sum()
        for far in (self.alpha.edges[lo], self.alpha.edges[hi]):
            p = Panels(toward(kink, far))
            base = density(self.s.baseline, p.x) * self.s.control(p.x)
            total += (p.w * base) @ self.inner(self.rows(p.x), star(p.x))
        return float(total)

    def summaries(self, before):
        before = before or {}

        def quantiles(cdf, lo, hi, name):
            old = before.get(name, {})
            return {key: float(quantile(cdf, q, lo, hi, old.get(key)))
                    for key, q in (("median", 0.5), ("q2_5", 0.025), ("q97_5", 0.975))}

        a, wa = self.alpha, self.alpha.w * self.base
        alpha_cdf = lambda x: a.integral_below(self.alpha_density, x)
        mass = a.w * self.alpha_density
        mean = float(mass @ a.x)
        alpha = {"mean": mean, "sd": math.sqrt(float(mass @ (a.x - mean) ** 2))}
        alpha.update(quantiles(alpha_cdf, a.edges[0], a.edges[-1], "alpha"))
        p0 = expit(a.x)
        m0 = float(mass @ p0)
        v0 = float(mass @ (p0 - m0) ** 2)
        control = {"mean": m0, "sd": math.sqrt(v0), **{k: float(expit(alpha[k])) for k in ("median", "q2_5", "q97_5")}}

        p1 = expit(a.x[:, None] + self.theta.x)
        inner1 = (self.table[0] * p1) @ self.theta.w
        m1 = float(wa @ inner1)
        p1 -= m1
        v1 = float(wa @ ((self.table[0] * p1 ** 2) @ self.theta.w))
        active = {"mean": m1, "sd": math.sqrt(v1)}
        active.update(quantiles(lambda x: 1 - self.above(lambda al: float(logit(x)) - al), 1e-12, 1 - 1e-12,
                                "risk_active"))
        p1 -= (p0 - m0)[:, None]
        difference = {"mean": m1 - m0, "sd": math.sqrt(float(wa @ ((self.table[0] * p1 ** 2) @ self.theta.w)))}
        difference.update(quantiles(lambda d: 1 - self.above(*theta_star_rd(d)), -1 + 1e-9, 1 - 1e-9,
                                    "risk_difference"))
        ratio_log = quantiles(lambda l: 1 - self.above(*theta_star_rr(math.exp(l))), -25.0, 25.0, "log_ratio")
        before["log_ratio"] = ratio_log
        return {
            "alpha": alpha, "risk_control": control, "risk_active": active, "risk_difference": difference,
            "risk_ratio": {k: math.exp(v) for k, v in ratio_log.items()},
            "p_risk_difference_gt": {t: self.above(*theta_star_rd(float(t))) for t in RD_THRESHOLDS},
            "p_risk_ratio_gt": {t: self.above(*theta_star_rr(float(t))) for t in RR_THRESHOLDS},
        }


def summary_on_grid(grid, f, moments=True):
    """Mean, sd, quantiles and P(> 0) of a density given at the nodes (any constant factor); 0 is a panel edge."""
    mass = grid.w * f
    f = f / mass.sum()
    mass = mass / mass.sum()
    mean = float(mass @ grid.x)
    out = {"mean": mean, "sd": math.sqrt(float(mass @ (grid.x - mean) ** 2))}
    for name, q in (("median", 0.5), ("q2_5", 0.025), ("q97_5", 0.975)):
        out[name] = float(quantile(lambda x: grid.integral_below(f, x), q, grid.edges[0], grid.edges[-1]))
    out["p_gt_0"] = float(mass[grid.x > 0].sum())
    return out


# ----------------------------------------------------------------------------------------------------------------
# Posterior of (mu, tau) and all that needs it

class Fit:
    def __init__(self, case, doubled):
        self.case, self.doubled = case, doubled
        priors = case["priors"]
        self.effect = parse(priors["effect"])
        self.mixture = NormalMixture(self.effect, doubled)
        self.tau = TauRule(priors["heterogeneity"] if case["pooling"] != "complete" else "fixed(0)", doubled)
        if case["kind"] == "counts":
            self.subgroups = [CountSubgroup(s["control"], s["active"], priors["baseline"], doubled)
                              for s in case["subgroups"]]
        else:
            self.subgroups = [EstimateSubgroup(s["estimate"], s["se"]) for s in case["subgroups"]]
        radius, w_max = case["_grid"]
        cores = [(s.centre - 7 * s.scale, s.centre + 7 * s.scale, 0.8 * s.scale) for s in self.subgroups]
        for component in self.effect:
            m, s = location_scale(component)
            cores.append((m - 5 * s, m + 5 * s, 0.8 * s))
        self.smallest = min(s.scale for s in self.subgroups)
        cores.append((-3 * self.smallest, 3 * self.smallest, 0.8 * self.smallest))
        self.grid = Panels(graded_edges(cores, radius * (1.15 if doubled else 1.0), w_max))
        if doubled:
            self.grid = self.grid.bisected()
        self.L = np.stack([s.likelihood(self.grid.x) for s in self.subgroups], axis=1)
        self.p_mu = density(self.effect, self.grid.x)
        G = len(self.subgroups)
        self.pairs = [(i, j) for i in range(G) for j in range(i + 1, G)] if G <= 4 else []
        getattr(self, case["pooling"])()

    def others(self, H, *leave):
        out = self.p_mu.copy()
        for h in range(H.shape[1]):
            if h not in leave:
                out *= H[:, h]
        return out

    def none(self):
        x = self.grid.x
        pi = np.zeros(len(x))
        for t, w in zip(self.tau.tau, self.tau.weight):
            v = self.mixture.v + t * t
            pi += w * (np.exp(-0.5 * (x[:, None] - self.mixture.m) ** 2 / v) @ (self.mixture.w / np.sqrt(2 * math.pi * v)))
        self.pi = [pi] * len(self.subgroups)
        self.identity_error = None

    def complete(self):
        self.pi = [self.others(self.L, g) for g in range(len(self.subgroups))]
        self.mu_density = self.others(self.L)
        self.Z = float(self.grid.w @ self.mu_density)
        self.identity_error = None

    def partial(self):
        grid, G = self.grid, len(self.subgroups)
        hermite = 48 if self.doubled else 32
        T = len(self.tau.tau)
        positive = (grid.x > 0)[:, None]
        self.F = np.empty((len(grid.x), T))
        cavity = np.zeros((len(grid.x), G))
        self.W = {pair: np.empty((len(grid.x), T)) for pair in self.pairs}
        joint = {(i, j): np.zeros(T) for i, j in self.pairs for i, j in ((i, j), (j, i))}
        L_coefficients = [grid.coefficients(self.L[:, g]) for g in range(G)]
        for k, tau in enumerate(self.tau.tau):
            S = smoother(grid, tau, hermite)
            small = tau <= 0.8 * self.smallest
            if small or not self.pairs:
                H = S(self.L)
            else:
                both = S(np.hstack([self.L, self.L * positive, self.L * ~positive]))
                H, up, down = both[:, :G], both[:, G:2 * G], both[:, 2 * G:]
            self.F[:, k] = self.others(H)
            cavity += self.tau.weight[k] * S(np.stack([self.others(H, g) for g in range(G)], axis=1))
            if not self.pairs:
                continue
            rest = [self.others(H, i, j) for i, j in self.pairs]
            for pair, column in zip(self.pairs, smoother(grid, tau / SQRT2, hermite)(np.stack(rest, axis=1)).T):
                self.W[pair][:, k] = column
            if small:
                self.joint_small(joint, k, tau, L_coefficients, rest)
            else:
                for pair, r in zip(self.pairs, rest):
                    for i, j in (pair, pair[::-1]):
                        joint[i, j][k] = (grid.w * r * up[:, i]) @ down[:, j]
        self.evidence_tau = grid.w @ self.F
        self.Z = float(self.tau.weight @ self.evidence_tau)
        self.mu_density = self.F @ self.tau.weight
        self.pi = list(cavity.T)
        self.joint = {key: float(self.tau.weight @ v) / self.Z for key, v in joint.items()}
        self.identity_error = max(abs(float((grid.w * self.L[:, g]) @ cavity[:, g]) / self.Z - 1) for g in range(G))

    # P(theta_i > 0, theta_j < 0) at one small tau: mu = tau m, theta = tau x
    x_rule = Panels(np.linspace(0, 24, 13))
    m_rule = Panels(np.linspace(-12, 12, 13))
    x_kernel = np.exp(-0.5 * (x_rule.x - m_rule.x[:, None]) ** 2) / SQRT_2PI * x_rule.w

    def joint_small(self, joint, k, tau, L_coefficients, rest):
        up = [self.x_kernel @ self.grid.evaluate(c, tau * self.x_rule.x) for c in L_coefficients]
        # by the symmetry x -> -x, m -> -m of the kernel
        down = [self.x_kernel[::-1] @ self.grid.evaluate(c, -tau * self.x_rule.x) for c in L_coefficients]
        for pair, r in zip(self.pairs, rest):
            weight = tau * self.m_rule.w * self.grid.evaluate(self.grid.coefficients(r), tau * self.m_rule.x)
            for i, j in (pair, pair[::-1]):
                joint[i, j][k] = (weight * up[i]) @ down[j]

    def new_cdf(self, x):
        """P(theta_new < x) under partial pooling."""
        grid, out = self.grid, np.empty(len(self.tau.tau))
        lo = np.searchsorted(grid.edges, x - 8 * self.tau.tau, side="right") - 1
        hi = np.searchsorted(grid.edges, x + 8 * self.tau.tau, side="left")
        widest = np.array([grid.half[max(a, 0):max(b, 1)].max(initial=0.0) for a, b in zip(lo, hi)]) * 2
        direct = widest <= 4 * self.tau.tau
        out[direct] = np.einsum("i,ij,ij->j", grid.w, self.F[:, direct],
                                ndtr((x - grid.x[:, None]) / self.tau.tau[direct]))
        # int F 1(mu < x) + tau int F(x - tau z) (Phi(z) - 1(z > 0)) dz
        z = Panels(np.linspace(-9, 9, 13))
        step = z.w * np.where(z.x > 0, -ndtr(-z.x), ndtr(z.x))
        for k in np.flatnonzero(~direct):
            t, f = self.tau.tau[k], self.F[:, k]
            out[k] = grid.integral_below(f, x) + t * (step @ grid.evaluate(grid.coefficients(f), x - t * z.x))
        return float(self.tau.weight @ out) / self.Z

    def difference(self, i, j):
        """t -> P(theta_i - theta_j > t)."""
        grid = self.grid
        if self.case["pooling"] == "none":
            f = [self.pi[g] * self.L[:, g] for g in (i, j)]
            f = [v / (grid.w @ v) for v in f]
            masses = (f[0] * grid.w).reshape(grid.count, N).sum(1)
            above = np.append(np.cumsum(masses[::-1])[::-1], 0.0)
            c = grid.coefficients(f[0])

            def survival(t):
                p, s = grid.locate(np.clip(grid.x + t, grid.edges[0], grid.edges[-1]))
                inner = above[p] - grid.half[p] * np.einsum("ij,ij->i", c[p], legendre_integrals(np.clip(s, -1, 1)))
                return float((grid.w * f[1]) @ inner)
            return survival

        a, b = self.subgroups[i], self.subgroups[j]
        spread, centre = math.hypot(a.scale, b.scale), a.centre - b.centre
        w = 0.8 * min(a.scale, b.scale)
        rule = Panels(graded_edges([(centre - 8 * spread, centre + 8 * spread, w), (-2 * spread, 2 * spread, w)],
                                   1.5 * grid.edges[-1], self.case["_grid"][1]))
        rule = rule.bisected() if self.doubled else rule
        ci, cj = grid.coefficients(self.L[:, i]), grid.coefficients(self.L[:, j])
        M = np.empty((len(rule.x), len(self.tau.tau)))
        W = grid.w[:, None] * self.W[i, j]
        for part in np.array_split(np.arange(len(rule.x)), max(1, len(rule.x) // 200)):
            half = rule.x[part, None] / 2
            M[part] = (grid.evaluate(ci, grid.x + half) * grid.evaluate(cj, grid.x - half)) @ W
        scale = SQRT2 * self.tau.tau
        hi = np.clip(np.searchsorted(rule.edges, 8 * scale, side="left"), 1, rule.count)
        lo = np.clip(np.searchsorted(rule.edges, -8 * scale, side="right") - 1, 0, rule.count - 1)
        direct = np.array([2 * rule.half[l:h].max() for l, h in zip(lo, hi)]) <= 4 * scale
        kernel = M[:, direct] * np.exp(-0.5 * (rule.x[:, None] / scale[direct]) ** 2) / (scale[direct] * SQRT_2PI)
        masses = (rule.w[:, None] * kernel).reshape(rule.count, N, -1).sum(1)
        above = np.vstack([np.cumsum(masses[::-1], axis=0)[::-1], np.zeros(masses.shape[1])])
        local = {k: rule.coefficients(M[:, k]) for k in np.flatnonzero(~direct)}
        unit = Panels(np.linspace(0, 1, 13))

        def beyond(k, t, sign):
            """int over sign d > sign t of N(d; 0, 2 tau^2) M(d, tau), for sign t >= 0 and small tau: d = scale w."""
            start = sign * t / scale[k]
            if start > 12:
                return 0.0
            w = start + (12.5 - start) * unit.x
            return (12.5 - start) / SQRT_2PI * float(
                (unit.w * np.exp(-0.5 * w * w)) @ rule.evaluate(local[k], sign * scale[k] * w))

        whole = {k: beyond(k, 0.0, 1) + beyond(k, 0.0, -1) for k in local}

        def survival(t):
            out = np.empty(len(self.tau.tau))
            if t >= rule.edges[-1] or t <= rule.edges[0]:
                return float(t < 0)
            p = int(rule.locate(np.array([t]))[0][0])
            values = kernel[p * N:(p + 1) * N]
            row = legendre_integrals(np.array([(t - rule.mid[p]) / rule.half[p]]))[0] @ TO_LEGENDRE
            out[direct] = above[p] - rule.half[p] * (row @ values)
            for k in local:
                out[k] = beyond(k, t, 1) if t >= 0 else whole[k] - beyond(k, t, -1)
            return float(self.tau.weight @ out) / self.Z
        return survival

    # ------------------------------------------------------------------------------------------------------------

    def prior_theta_above(self, x):
        """P(theta > x) for one subgroup under the prior."""
        x = np.asarray(x, float)
        flat, out = x.ravel(), np.empty(x.size)
        s = np.sqrt(self.mixture.v[:, None] + self.tau.tau ** 2).ravel()
        m = np.repeat(self.mixture.m, len(self.tau.tau))
        w = (self.mixture.w[:, None] * self.tau.weight).ravel()
        keep = w > 1e-19
        s, m, w = s[keep], m[keep], w[keep]
        step = max(1, int(2e6 // len(w)))
        for a in range(0, len(flat), step):
            out[a:a + step] = ndtr((m - flat[a:a + step, None]) / s) @ w
        return out.reshape(x.shape)

    def prior(self):
        cdf = lambda x: 1 - float(self.prior_theta_above(x))
        theta = {name: float(quantile(cdf, q, -1e5, 1e5))
                 for name, q in (("median", 0.5), ("q2_5", 0.025), ("q97_5", 0.975))}
        theta["p_gt_0"] = float(self.prior_theta_above(0.0))
        out = {"theta": theta}
        if self.case["kind"] != "counts":
            return out
        survival = self.prior_theta_above
        if len(self.mixture.w) > 10:
            # Student's t: tabulate once on panels; beyond +-60 the theta* that occur carry no weight
            table = Panels(graded_edges([(-3, 3, 0.25)], 60.0, 2.0))
            coefficients = table.coefficients(self.prior_theta_above(table.x))
            survival = lambda x: np.where(x < -60, 1.0, np.where(x > 60, 0.0, table.evaluate(coefficients, x)))
        baseline = parse(self.case["priors"]["baseline"])
        m, s = location_scale(baseline[0])
        reach = 12 * s if baseline[0][1] == "normal" else 3e4 * s
        base = graded_edges([(m - 4 * s, m + 4 * s, 0.4)], reach, 1e9)

        def rd_above(d):
            star, kink = theta_star_rd(d)
            edges = base
            if kink is not None and base[0] < kink < base[-1]:
                k = int(np.searchsorted(base, kink))
                lo, hi = base[max(k - 2, 0)], base[min(k + 1, len(base) - 1)]
                edges = np.unique(np.concatenate([base[base <= lo], toward(kink, lo), toward(kink, hi), base[base >= hi]]))
            p = Panels(edges)
            p = p.bisected() if self.doubled else p
            weight = p.w * density(baseline, p.x)
            keep = weight > 1e-22
            x = star(p.x[keep])
            value = np.where(x > 0, 0.0, 1.0)
            finite = np.isfinite(x)
            value[finite] = survival(x[finite])
            return float(weight[keep] @ value)
        before = self.case.get("_prior_rd", {})
        rd = {name: float(quantile(lambda d: 1 - rd_above(d), q, -1 + 1e-9, 1 - 1e-9, before.get(name)))
              for name, q in (("median", 0.5), ("q2_5", 0.025), ("q97_5", 0.975))}
        self.case["_prior_rd"] = rd
        out["risk_difference"] = rd
        out["p_risk_difference_gt"] = {t: rd_above(float(t)) for t in RD_THRESHOLDS}
        return out

    def values(self, before=None):
        grid, pooling, out = self.grid, self.case["pooling"], {}
        if pooling != "none":
            out["mu"] = summary_on_grid(grid, self.mu_density)
        if pooling == "partial" and not self.tau.fixed:
            out["tau"] = self.tau.summary(self.evidence_tau)
        out["theta"] = [summary_on_grid(grid, self.pi[g] * self.L[:, g]) for g in range(len(self.subgroups))]
        if self.case["kind"] == "counts":
            lists = {}
            self.guesses = []
            for g, s in enumerate(self.subgroups):
                guess = dict(before.guesses[g]) if before else {}
                result = Joint(s, grid, self.pi[g]).summaries(guess)
                self.guesses.append({**result, "log_ratio": {k: math.log(v) for k, v in result["risk_ratio"].items()}})
                for key, value in result.items():
                    lists.setdefault(key, []).append(value)
            out.update(lists)
        if pooling == "partial":
            tau2 = float(self.tau.weight @ (self.evidence_tau * self.tau.tau ** 2)) / self.Z
            new = {"mean": out["mu"]["mean"], "sd": math.sqrt(out["mu"]["sd"] ** 2 + tau2)}
            for name, q in (("median", 0.5), ("q2_5", 0.025), ("q97_5", 0.975)):
                new[name] = float(quantile(self.new_cdf, q, -1e3, 1e3))
            new["p_gt_0"] = 1 - self.new_cdf(0.0)
            out["theta_new"] = new
        if self.pairs:
            joint, differences = {}, {}
            for i, j in self.pairs:
                key = f"{i + 1},{j + 1}"
                for a, b in ((i, j), (j, i)):
                    if pooling == "partial":
                        p = self.joint[a, b]
                    elif pooling == "complete":
                        p = 0.0
                    else:
                        p = out["theta"][a]["p_gt_0"] * (1 - out["theta"][b]["p_gt_0"])
                    joint[f"{a + 1},{b + 1}"] = p
                if pooling == "complete":
                    differences[key] = {"median": 0.0, "q2_5": 0.0, "q97_5": 0.0, "p_gt_0": 0.0}
                    continue
                survival = self.difference(i, j)
                bound = 1.5 * grid.edges[-1]
                d = {name: float(quantile(lambda t: 1 - survival(t), q, -bound, bound))
                     for name, q in (("median", 0.5), ("q2_5", 0.025), ("q97_5", 0.975))}
                d["p_gt_0"] = survival(0.0)
                differences[key] = d
            out["p_theta_i_gt_0_and_theta_j_lt_0"] = joint
            out["difference"] = differences
        if pooling != "none":
            out["log_evidence"] = math.log(self.Z) + sum(s.log_constant for s in self.subgroups)
        out["prior"] = self.prior()
        return out


# ----------------------------------------------------------------------------------------------------------------
# Cases

ETIOLOGY = [("atherosclerotic", [22, 46], [33, 70]), ("non-atherosclerotic", [37, 71], [8, 34])]
NORMAL, HALF, BASE = "normal(0, 0.355)", "half-normal(0.5)", "normal(0, 1.5)"
TWO = [("A", 0.60, 0.42), ("B", -0.55, 0.50)]
SIX = [(f"trial {k + 1}", y, math.sqrt(v)) for k, (y, v) in enumerate(zip(
    [-2.3097, -0.4595, -2.3026, -1.7579, -1.2585, -2.4179], [0.3594, 0.3096, 0.775, 0.2078, 0.4122, 2.3373]))]


# Beta-blockers after myocardial infarction, 22 trials (Carlin 1992; BUGS Examples volume 1):
# events and patients, control, then active
BLOCKER = [
    (3, 39, 3, 38), (14, 116, 7, 114), (11, 93, 5, 69), (127, 1520, 102, 1533), (27, 365, 28, 355), (6, 52, 4,
    59), (152, 939, 98, 945), (48, 471, 60, 632), (37, 282, 25, 278), (188, 1921, 138, 1916), (52, 583, 64,
    873), (47, 266, 45, 263), (16, 293, 9, 291), (45, 883, 57, 858), (31, 147, 25, 154), (38, 213, 33, 207),
    (12, 122, 28, 251), (6, 154, 8, 151), (3, 134, 6, 174), (40, 218, 32, 209), (43, 364, 27, 391), (39, 674,
    22, 680)
]


def counts(number, name, subgroups, pooling="partial", effect=NORMAL, heterogeneity=HALF, baseline=BASE, grid=(9, 1.0)):
    return {"number": number, "name": name, "kind": "counts", "pooling": pooling,
            "priors": {"effect": effect, "heterogeneity": heterogeneity, "baseline": baseline},
            "subgroups": [{"name": n, "control": c, "active": a} for n, c, a in subgroups], "_grid": grid}


def estimates(number, name, subgroups, pooling="partial", effect=NORMAL, heterogeneity=HALF, grid=(9, 1.0)):
    return {"number": number, "name": name, "kind": "estimates", "pooling": pooling,
            "priors": {"effect": effect, "heterogeneity": heterogeneity},
            "subgroups": [{"name": n, "estimate": y, "se": s} for n, y, s in subgroups], "_grid": grid}


# _grid: half the range of the theta and mu grid, and its widest panel
CASES = [
    counts(1, "etiology", ETIOLOGY),
    counts(2, "etiology, no pooling", ETIOLOGY, pooling="none"),
    counts(3, "etiology, complete pooling", ETIOLOGY, pooling="complete"),
    counts(4, "etiology, half-Cauchy heterogeneity", ETIOLOGY, heterogeneity="half-cauchy(0.5)"),
    counts(5, "etiology, Student-t effect, exponential heterogeneity", ETIOLOGY, effect="student-t(4, 0, 0.5)",
           heterogeneity="exponential(0.5)", grid=(40, 2.0)),
    counts(6, "etiology, mixture effect, log-normal heterogeneity, Student-t baseline", ETIOLOGY,
           effect="0.8 * normal(-0.3, 0.15) + 0.2 * normal(0, 2)", heterogeneity="log-normal(-1, 0.7)",
           baseline="student-t(4, 0, 1.5)", grid=(18, 2.0)),
    counts(7, "etiology, uniform heterogeneity", ETIOLOGY, heterogeneity="uniform(0, 1.5)"),
    counts(8, "etiology, fixed heterogeneity", ETIOLOGY, heterogeneity="fixed(0.3)"),
    counts(9, "ras function", [("PC-SEARCH", [10, 54], [29, 65]), ("SAINT", [12, 64], [29, 82]),
                               ("ANGEL-ACT", [2, 12], [42, 81])]),
    counts(10, "sich", [("PC-SEARCH", [7, 54], [2, 65]), ("ATTENTION registry", [2, 131], [22, 346])]),
    counts(11, "zero cells", [("A", [0, 20], [3, 22]), ("B", [5, 18], [0, 25]), ("C", [0, 15], [0, 14])],
           effect="normal(0, 1)", heterogeneity="half-normal(1)", grid=(40, 2.0)),
    counts(12, "full and empty", [("A", [12, 12], [9, 14]), ("B", [4, 11], [0, 0])], effect="normal(0, 1)",
           grid=(22, 1.5)),
    counts(13, "large", [("A", [2444, 3908], [2341, 3884]), ("B", [2002, 2296], [1990, 2308]),
                         ("C", [14, 31], [7, 24])], heterogeneity="half-normal(0.25)", grid=(7, 1.0)),
    counts(14, "conflict", [("A", [10, 100], [60, 100]), ("B", [12, 90], [50, 95])], effect="normal(0, 0.1)",
           heterogeneity="half-normal(0.05)", grid=(7, 1.0)),
    estimates(15, "estimates", TWO),
    estimates(16, "estimates, six trials", SIX, effect="student-t(3, 0, 1)", heterogeneity="half-student-t(4, 0.5)",
              grid=(80, 5.0)),
    estimates(17, "estimates, no pooling", TWO, pooling="none"),
    estimates(18, "estimates, complete pooling", TWO, pooling="complete"),
    estimates(19, "estimates, mixture effect, half-Cauchy heterogeneity", TWO,
              effect="0.5 * normal(0, 0.2) + 0.5 * normal(0.4, 0.3)", heterogeneity="half-cauchy(0.5)"),
    counts(20, "blocker", [(f"trial {i + 1}", [a, b], [c, d]) for i, (a, b, c, d) in enumerate(BLOCKER)],
           effect="normal(0, 1)", baseline="normal(0, 2.5)", grid=(6, 0.5)),
]
ORDER = [1, 2, 3, 9, 10, 15, 17, 18, 8, 4, 7, 14, 19, 16, 6, 5, 12, 11, 13, 20]


def largest_change(a, b, path=""):
    """(largest absolute difference, where) between two nested structures of numbers."""
    if isinstance(a, dict):
        return max((largest_change(a[k], b[k], f"{path}/{k}") for k in a), default=(0.0, path))
    if isinstance(a, list):
        return max((largest_change(x, y, f"{path}/{k + 1}") for k, (x, y) in enumerate(zip(a, b))), default=(0.0, path))
    return abs(a - b), path


def run_case(case):
    start = time.time()
    coarse = Fit(case, doubled=False)
    first = coarse.values()
    fine = Fit(case, doubled=True)
    second = fine.values(coarse if case["kind"] == "counts" else None)
    change, where = largest_change(first, second)
    result = {k: v for k, v in case.items() if not k.startswith("_")}
    result["values"] = second
    result["doubling_change"] = change
    result["doubling_change_at"] = where.lstrip("/")
    if fine.identity_error is not None:
        # |int pi_g L_g / Z - 1|: the evidence by the cavity of each subgroup against the evidence by (mu, tau)
        result["evidence_identity_error"] = fine.identity_error
    print(f"{case['number']:2d} {case['name']:<70s} change {change:.1e} at {where}  identity {fine.identity_error}"
          f"  {time.time() - start:.1f} s", flush=True)
    return result


# ----------------------------------------------------------------------------------------------------------------
# Checks by other means

def flatten(value, path=""):
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flatten(item, f"{path}/{key}").items()}
    if isinstance(value, list):
        return {k: v for n, item in enumerate(value) for k, v in flatten(item, f"{path}/{n + 1}").items()}
    return {path: value}


def report(name, ours, other, tolerance):
    difference = abs(ours - other)
    print(f"{'ok ' if difference <= tolerance else 'BAD'} {name:<66s} {ours:.12g}  {other:.12g}  {difference:.1e}", flush=True)


def check_estimates():
    """Case 15 and 19 with every theta in closed form and adaptive cubature over (mu, tau): nothing is shared."""
    y, se = [0.60, -0.55], [0.42, 0.50]

    def normal(x, m, s):
        return math.exp(-0.5 * ((x - m) / s) ** 2) / (s * SQRT_2PI)

    def cubature(p_mu, p_tau, inner):
        """int int p_mu p_tau inner dmu dtau with tau = x / (1 - x)"""
        f = lambda x, mu: p_mu(mu) * p_tau(x / (1 - x)) / (1 - x) ** 2 * inner(mu, x / (1 - x))
        pieces = [-6, -1, 0, 0.5, 1.5, 6]
        return sum(integrate.dblquad(f, a, b, c, d, epsabs=2e-11, epsrel=1e-11)[0]
                   for a, b in zip(pieces, pieces[1:]) for c, d in ((0, 0.02), (0.02, 0.3), (0.3, 1 - 1e-12)))

    def inner(part):
        def f(mu, t):
            out = 1.0
            for g in (0, 1):
                s2 = se[g] ** 2 + t * t
                out *= normal(y[g], mu, math.sqrt(s2))
                if part[g]:
                    m = (y[g] * t * t + mu * se[g] ** 2) / s2
                    s = math.sqrt(se[g] ** 2 * t * t / s2)
                    out *= ndtr(part[g] * m / s) if s > 0 else float(part[g] * m > 0)
            return out
        return f

    def difference(at):
        def f(mu, t):
            out, m, v = 1.0, 0.0, 0.0
            for g, sign in ((0, 1), (1, -1)):
                s2 = se[g] ** 2 + t * t
                out *= normal(y[g], mu, math.sqrt(s2))
                m += sign * (y[g] * t * t + mu * se[g] ** 2) / s2
                v += se[g] ** 2 * t * t / s2
            return out * (ndtr((m - at) / math.sqrt(v)) if v > 0 else float(m > at))
        return f

    setups = {
        15: (lambda m: normal(m, 0, 0.355), lambda t: 2 * normal(t, 0, 0.5)),
        19: (lambda m: 0.5 * normal(m, 0, 0.2) + 0.5 * normal(m, 0.4, 0.3),
             lambda t: 2 / (math.pi * 0.5 * (1 + (t / 0.5) ** 2))),
    }
    for number, (p_mu, p_tau) in setups.items():
        values = Fit(CASES[number - 1], False).values()
        Z = cubature(p_mu, p_tau, inner((0, 0)))
        report(f"case {number} log evidence", values["log_evidence"], math.log(Z), 1e-8)
        report(f"case {number} P(theta_2 > 0)", values["theta"][1]["p_gt_0"], cubature(p_mu, p_tau, inner((0, 1))) / Z, 1e-8)
        report(f"case {number} P(theta_1 > 0, theta_2 < 0)", values["p_theta_i_gt_0_and_theta_j_lt_0"]["1,2"],
               cubature(p_mu, p_tau, inner((1, -1))) / Z, 1e-8)
        report(f"case {number} P(theta_1 < 0, theta_2 > 0)", values["p_theta_i_gt_0_and_theta_j_lt_0"]["2,1"],
               cubature(p_mu, p_tau, inner((-1, 1))) / Z, 1e-8)
        d = values["difference"]["1,2"]
        for name, p in (("p_gt_0", d["p_gt_0"]), ("q2_5", 0.975), ("median", 0.5), ("q97_5", 0.025)):
            at = 0.0 if name == "p_gt_0" else d[name]
            report(f"case {number} P(theta_1 - theta_2 > {at:.6f})", p, cubature(p_mu, p_tau, difference(at)) / Z, 1e-8)
        report(f"case {number} sd of tau", values["tau"]["sd"], math.sqrt(
            cubature(p_mu, p_tau, lambda m, t: (t - values["tau"]["mean"]) ** 2 * inner((0, 0))(m, t)) / Z), 1e-7)
        new = values["theta_new"]
        report(f"case {number} P(theta_new < q2_5)", 0.025, cubature(
            p_mu, p_tau, lambda m, t: inner((0, 0))(m, t) * (ndtr((new["q2_5"] - m) / t) if t > 0 else 0.0)) / Z, 1e-8)


def check_counts():
    """Two subgroups of counts in another formulation: mu integrated in closed form, so that given tau (theta_1, theta_2)
    is bivariate normal; trapezoidal sums on uniform grids for baselines and sums of thetas, adaptive quadrature over
    tau; risk differences with the control arm as the inner integral."""
    for number in (1, 8):
        case = CASES[number - 1]
        fit = Fit(case, False)
        values = fit.values()
        a = np.linspace(-16, 16, 3201)
        p_alpha = np.exp(-0.5 * (a / 1.5) ** 2) / (1.5 * SQRT_2PI) * (a[1] - a[0])
        arms = [((s["control"][0], s["control"][1]), (s["active"][0], s["active"][1])) for s in case["subgroups"]]

        def log_binomial(y, n, eta):
            return (gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1) - y * np.logaddexp(0, -eta)
                    - (n - y) * np.logaddexp(0, eta))

        def likelihood(g, theta):
            (y0, n0), (y1, n1) = arms[g]
            base = p_alpha * np.exp(log_binomial(y0, n0, a))
            keep = base > 1e-25 * base.max()
            return np.exp(log_binomial(y1, n1, a[keep, None] + np.ravel(theta))).T @ base[keep]

        # given tau: u = (theta_1 + theta_2)/2 ~ N(0, s^2 + tau^2/2), d = theta_1 - theta_2 ~ N(0, 2 tau^2), independent
        u = np.linspace(-7, 7, 561)

        def pair(d):
            return likelihood(0, u + d / 2) * likelihood(1, u - d / 2)

        def given_tau(tau, functional):
            """Sum over u (uniform) and z = d/(sqrt2 tau) (uniform)."""
            z = np.linspace(-10, 10, 161)
            p_u = np.exp(-0.5 * u ** 2 / (0.355 ** 2 + tau ** 2 / 2)) / math.sqrt(2 * math.pi * (0.355 ** 2 + tau ** 2 / 2))
            p_z = np.exp(-0.5 * z ** 2) / SQRT_2PI * (z[1] - z[0])
            total = np.zeros(len(functional))
            for zi, w in zip(z, p_z):
                d = SQRT2 * tau * zi
                joint = w * (u[1] - u[0]) * p_u * pair(d)
                total += [np.sum(joint * f(u + d / 2, u - d / 2)) for f in functional]
            return total

        functional = [lambda x, y: np.ones_like(x), lambda x, y: x, lambda x, y: y, lambda x, y: y * y, lambda x, y: x * y]
        if number == 8:
            out = given_tau(0.3, functional)
        else:
            t, w = leggauss(40)
            nodes = [(2.0 * (x + 1), 2.0 * v) for x, v in zip(t, w)]          # tau in (0, 4)
            out = sum(2 / (0.5 * SQRT_2PI) * math.exp(-0.5 * (x / 0.5) ** 2) * v * given_tau(x, functional)
                      for x, v in nodes)
        report(f"case {number} log evidence", values["log_evidence"], math.log(out[0]), 1e-8)
        report(f"case {number} mean theta_1", values["theta"][0]["mean"], out[1] / out[0], 1e-8)
        report(f"case {number} mean theta_2", values["theta"][1]["mean"], out[2] / out[0], 1e-8)
        report(f"case {number} sd theta_2", values["theta"][1]["sd"], math.sqrt(out[3] / out[0] - (out[2] / out[0]) ** 2), 1e-8)
        if number != 8:
            continue
        # tau fixed: the pair of thetas is normal with variance s^2 + tau^2 and covariance s^2; adaptive cubature
        va, co = 0.355 ** 2 + 0.09, 0.355 ** 2
        grid = np.linspace(-7, 7, 2801)
        L = [interpolate.make_interp_spline(grid, np.log(likelihood(g, grid)), k=7) for g in (0, 1)]
        det = va * va - co * co

        def f(y, x):
            return math.exp(float(L[0](x)) + float(L[1](y)) + 30
                            - 0.5 * (va * (x * x + y * y) - 2 * co * x * y) / det) / (2 * math.pi * math.sqrt(det))
        p = integrate.dblquad(f, 0, 4, -5, 0, epsabs=1e-9 * out[0] * math.exp(30))[0] / (out[0] * math.exp(30))
        report("case 8 P(theta_1 > 0, theta_2 < 0)", values["p_theta_i_gt_0_and_theta_j_lt_0"]["1,2"], p, 1e-8)
        at = values["difference"]["1,2"]["q97_5"]
        p = integrate.dblquad(f, -4, 4, -6, lambda x: x - at, epsabs=1e-9 * out[0] * math.exp(30))[0] / (out[0] * math.exp(30))
        report("case 8 P(theta_1 - theta_2 > q97_5)", 0.025, p, 1e-8)

    # Risk differences with the order of integration reversed: beta = alpha + theta outside, alpha inside.
    for number, g, d in ((10, 0, 0.05), (10, 0, -0.05), (11, 0, 0.10), (11, 1, -0.10), (11, 2, -0.03), (11, 2, 0.013),
                         (12, 0, -0.10), (12, 1, 0.10), (9, 2, 0.10)):
        case = CASES[number - 1]
        fit = Fit(case, False)
        value = Joint(fit.subgroups[g], fit.grid, fit.pi[g]).above(*theta_star_rd(d))
        s, grid, pi = fit.subgroups[g], fit.grid, fit.pi[g]
        spline = interpolate.make_interp_spline(grid.x, np.log(np.maximum(pi, 1e-300)), k=5)
        log_pi = lambda x: np.where(np.abs(x) < grid.edges[-1], spline(np.clip(x, grid.x[0], grid.x[-1])), -700.0)

        def inner(beta, upper):
            lower = -18.0
            upper = min(upper, 18.0)
            if upper <= lower:
                return 0.0
            p = Panels(np.linspace(lower, upper, 121))
            return float(p.w @ (density(s.baseline, p.x) * s.control(p.x) * np.exp(log_pi(beta - p.x))))

        def total(threshold):
            edges = np.linspace(-45, 30, 301)
            if threshold and 0 < (d if d > 0 else 1 + d) < 1:
                kink = float(logit(d if d > 0 else 1 + d))
                edges = np.unique(np.concatenate([edges, toward(kink, kink - 0.5), toward(kink, kink + 0.5)]))
            p = Panels(edges)
            weight = p.w * s.active(p.x)
            out = 0.0
            for b, w in zip(p.x, weight):
                if w < 1e-20:
                    continue
                if not threshold:
                    out += w * inner(b, 18.0)
                    continue
                x, y = expit(b) - d, expit(-b) + d                           # RD > d: control risk below x
                out += w * (0.0 if x <= 0 else inner(b, 18.0 if y <= 0 else math.log(x / y)))
            return out
        report(f"case {number} subgroup {g + 1} P(RD > {d}), reversed order", value, total(True) / total(False), 1e-8)


def check_prior():
    """The prior's values: from the posterior machinery with an empty table, and for heavy tails by nested adaptive
    quadrature with scipy.stats."""
    for number in (1, 3, 7, 8, 11, 13, 14):
        case = dict(CASES[number - 1])
        case["subgroups"] = [{"name": "x", "control": [0, 0], "active": [0, 0]}]
        if case["pooling"] == "partial":
            case["pooling"] = "none"
        case["_grid"] = (40 if number == 11 else 25, 1.5)
        values = Fit(case, False).values()
        prior = Fit(CASES[number - 1], False).prior()
        for key in ("theta", "risk_difference", "p_risk_difference_gt"):
            for name, value in prior[key].items():
                report(f"case {number} prior {key} {name}", value, values[key][0][name], 1e-8)

    quad = lambda f, points: sum(integrate.quad(f, a, b, epsabs=1e-12, epsrel=1e-11, limit=400)[0]
                                 for a, b in zip(points, points[1:]))
    inf = np.inf

    def normal_effect(parts):
        return lambda x, t: sum(w * ndtr((m - x) / math.hypot(s, t)) for w, m, s in parts)

    def t_effect(nu, s):
        # given tau, mu + tau z > x: integrate over z with the distribution function of mu in closed form
        def f(x, t):
            return quad(lambda z: math.exp(-0.5 * z * z) / SQRT_2PI * stats.t.sf((x - t * z) / s, nu),
                        [-9] + sorted(v for v in {0.0, x / t, (x - 3 * s) / t, (x + 3 * s) / t} if abs(v) < 9) + [9])
        return f

    setups = {
        4: (normal_effect([(1, 0, 0.355)]), stats.halfcauchy(scale=0.5), stats.norm(0, 1.5)),
        5: (t_effect(4, 0.5), stats.expon(scale=0.5), stats.norm(0, 1.5)),
        6: (normal_effect([(0.8, -0.3, 0.15), (0.2, 0, 2)]), stats.lognorm(0.7, scale=math.exp(-1)), stats.t(4, 0, 1.5)),
        16: (t_effect(3, 1.0), None, None),
    }
    for number, (effect, tau, baseline) in setups.items():
        p_tau = tau.pdf if tau else lambda t: 2 * stats.t.pdf(t / 0.5, 4) / 0.5
        above = lambda x: quad(lambda t: p_tau(t) * effect(x, t), [1e-14, 0.1, 0.5, 2, 10, inf])
        prior = Fit(CASES[number - 1], False).prior()
        for name, q in (("median", 0.5), ("q2_5", 0.975), ("q97_5", 0.025)):
            report(f"case {number} prior P(theta > {name})", q, above(prior["theta"][name]), 1e-8)
        report(f"case {number} prior P(theta > 0)", prior["theta"]["p_gt_0"], above(0.0), 1e-8)
        if number in (5, 16):
            continue                       # three nested integrals for the risk difference would be too slow
        for d, target in [(float(t), p) for t, p in prior["p_risk_difference_gt"].items() if t in ("-0.05", "0.013", "0.10")] \
                + [(prior["risk_difference"]["q97_5"], 0.025)]:
            star, kink = theta_star_rd(d)

            def f(a):
                x = float(star(a))
                return baseline.pdf(a) * (0.0 if x == inf else 1.0 if x == -inf else above(x))
            limits = [-60, -6, 0, 6, 60] if number == 6 else [-15, -3, 0, 3, 15]
            edges = sorted(set(limits + [v for v in (kink - 1e-3, kink, kink + 1e-3, kink - 0.2, kink + 0.2)]))
            p = sum(integrate.quad(f, a, b, epsabs=1e-9, epsrel=1e-9, limit=100)[0] for a, b in zip(edges, edges[1:]))
            if number == 6:                # beyond 60 in alpha
                p += integrate.quad(f, 60, 2000, epsabs=1e-10)[0] + integrate.quad(f, -2000, -60, epsabs=1e-10)[0]
            report(f"case {number} prior P(RD > {d:.6f})", target, p, 2e-8)


def draw_prior(text, rng, size):
    """Draws from a prior, for the Monte Carlo check."""
    parts = parse(text)
    choice = rng.choice(len(parts), size, p=[w for w, _, _ in parts])
    out = np.empty(size)
    for k, (_, family, a) in enumerate(parts):
        n = int((choice == k).sum())
        out[choice == k] = {
            "normal": lambda: rng.normal(a[0], a[1], n),
            "student-t": lambda: a[1] + a[2] * rng.standard_t(a[0], n),
            "half-normal": lambda: np.abs(rng.normal(0, a[0], n)),
            "half-student-t": lambda: np.abs(a[1] * rng.standard_t(a[0], n)),
            "half-cauchy": lambda: np.abs(a[0] * rng.standard_cauchy(n)),
            "exponential": lambda: rng.exponential(a[0], n),
            "log-normal": lambda: np.exp(rng.normal(a[0], a[1], n)),
            "uniform": lambda: rng.uniform(a[0], a[1], n),
            "fixed": lambda: np.full(n, a[0]),
        }[family]()
    return out


@np.errstate(divide="ignore", invalid="ignore")
def check_monte_carlo(size=1_000_000, cases=CASES, seed=20240501):
    """Every value of every case against importance sampling of the model as written: mu and tau from their priors (case
    14: widened), thetas from a mixture of N(mu, tau) and its product with a normal approximation of the likelihood,
    alphas from a mixture of the baseline prior and a Student t given theta.  Errors from 20 batches; prints the largest
    deviation of each case."""
    rng = np.random.default_rng(seed)
    for case in cases:
        values = Fit(case, False).values()
        G, pooling, priors = len(case["subgroups"]), case["pooling"], case["priors"]
        batches = []
        for _ in range(20):
            n = size // 20
            if case["number"] == 14:
                mu, tau = rng.normal(0.3, 0.25, n), np.abs(rng.normal(0, 0.2, n))
                log_w = (-0.5 * (mu / 0.1) ** 2 - 0.5 * (tau / 0.05) ** 2 + 0.5 * ((mu - 0.3) / 0.25) ** 2
                         + 0.5 * (tau / 0.2) ** 2 + math.log(0.25 / 0.1 * 0.2 / 0.05))
            else:
                mu, tau = draw_prior(priors["effect"], rng, n), draw_prior(priors["heterogeneity"], rng, n)
                log_w = np.zeros(n)
            # none: the subgroups are independent, each with its own draws and weights
            own = [log_w.copy() for _ in range(G)]
            thetas, alphas = [], []
            for g, s in enumerate(case["subgroups"]):
                if pooling == "none" and g:
                    mu, tau = draw_prior(priors["effect"], rng, n), draw_prior(priors["heterogeneity"], rng, n)
                if case["kind"] == "counts":
                    control, active = Binomial(*s["control"]), Binomial(*s["active"])
                    a, sa = control.rough()
                    b, sb = active.rough()
                    y, v = b - a, sa ** 2 + sb ** 2
                else:
                    y, v = s["estimate"], s["se"] ** 2
                if pooling == "complete":
                    theta, log_q = mu, 0.0
                else:
                    t = np.maximum(tau, 1e-12)
                    var = 1.2 / (1 / v + 1 / t ** 2)
                    mean = (y / v + mu / t ** 2) / (1 / v + 1 / t ** 2)
                    theta = np.where(rng.random(n) < 0.3, mu + t * rng.normal(size=n),
                                     mean + np.sqrt(var) * rng.normal(size=n))
                    p = np.exp(-0.5 * ((theta - mu) / t) ** 2) / t
                    q = 0.3 * p + 0.7 * np.exp(-0.5 * (theta - mean) ** 2 / var) / np.sqrt(var)
                    log_q = np.log(q) - np.log(np.maximum(p, 1e-300))
                own[g] -= log_q
                thetas.append(theta)
                if case["kind"] == "estimates":
                    own[g] += -0.5 * (y - theta) ** 2 / v - 0.5 * math.log(2 * math.pi * v)
                    continue
                precision = 1 / sa ** 2 + 1 / sb ** 2
                centre, sd = (a / sa ** 2 + (b - theta) / sb ** 2) / precision, 1.2 / math.sqrt(precision)
                from_prior = rng.random(n) < 0.2
                alpha = np.where(from_prior, draw_prior(priors["baseline"], rng, n), centre + sd * rng.standard_t(5, n))
                p = density(parse(priors["baseline"]), alpha)
                q = 0.2 * p + 0.8 * t_density((alpha - centre) / sd, 5) / sd
                own[g] += np.log(p) - np.log(q)
                for arm, eta in ((control, alpha), (active, alpha + theta)):
                    own[g] += arm.n * log_expit(-eta) + arm.y * eta + arm.log_coefficient
                alphas.append(alpha)
            if pooling == "none":
                w = [np.exp(o) / np.exp(o).sum() for o in own]
                evidence = None
            else:
                total = sum(own) - (G - 1) * log_w
                joint = np.exp(total)
                evidence = math.log(joint.mean())
                w = [joint / joint.sum()] * G
            batches.append(monte_carlo_values(values, case, mu, tau, thetas, alphas, w, evidence, rng))
        worst, count = (0.0, ""), 0
        for path in batches[0]:
            x = np.array([b[path][0] for b in batches])
            target = batches[0][path][1]
            error = max(x.std(ddof=1) / math.sqrt(len(x)), 1e-9)
            score = abs(x.mean() - target) / error
            count += 1
            worst = max(worst, (score, f"{path}: {target:.6f} against {x.mean():.6f} +- {error:.6f}"))
        print(f"case {case['number']:2d}: {count} comparisons, largest {worst[0]:.2f} standard errors at {worst[1]}", flush=True)


def monte_carlo_values(values, case, mu, tau, thetas, alphas, w, evidence, rng):
    """path -> (weighted estimate, target).  Quantiles are checked as probabilities below the quantile."""
    out = {}

    def compare(path, summary, x, weight):
        for key, target in summary.items():
            if key == "mean":
                out[f"{path}/mean"] = weight @ x, target
            elif key == "sd":
                out[f"{path}/second moment"] = weight @ (x - summary["mean"]) ** 2, target ** 2
            elif key == "p_gt_0":
                out[f"{path}/p_gt_0"] = weight @ (x > 0), target
            else:
                out[f"{path}/{key}"] = weight @ (x < target), {"median": 0.5, "q2_5": 0.025, "q97_5": 0.975}[key]
    if evidence is not None:
        out["log_evidence"] = evidence, values["log_evidence"]
    heavy = "cauchy" in case["priors"]["heterogeneity"]          # no finite variance of the squares
    for name, x in (("mu", mu), ("tau", tau), ("theta_new", mu + tau * rng.normal(size=len(mu)))):
        if name in values:
            keys = {k: v for k, v in values[name].items() if not (heavy and k in ("mean", "sd") and name != "mu")}
            compare(name, keys, x, w[0])
    for g, theta in enumerate(thetas):
        compare(f"theta/{g + 1}", values["theta"][g], theta, w[g])
        if case["kind"] != "counts":
            continue
        p0, p1 = expit(alphas[g]), expit(alphas[g] + theta)
        compare(f"alpha/{g + 1}", values["alpha"][g], alphas[g], w[g])
        for name, x in (("risk_control", p0), ("risk_active", p1), ("risk_difference", p1 - p0), ("risk_ratio", p1 / p0)):
            compare(f"{name}/{g + 1}", values[name][g], x, w[g])
        for t, p in values["p_risk_difference_gt"][g].items():
            out[f"RD/{g + 1}/{t}"] = w[g] @ (p1 - p0 > float(t)), p
        for t, p in values["p_risk_ratio_gt"][g].items():
            out[f"RR/{g + 1}/{t}"] = w[g] @ (p1 / p0 > float(t)), p
    if case["pooling"] == "partial":
        for key, p in values.get("p_theta_i_gt_0_and_theta_j_lt_0", {}).items():
            i, j = (int(v) - 1 for v in key.split(","))
            out[f"joint/{key}"] = w[0] @ ((thetas[i] > 0) & (thetas[j] < 0)), p
        for key, summary in values.get("difference", {}).items():
            i, j = (int(v) - 1 for v in key.split(","))
            compare(f"difference/{key}", summary, thetas[i] - thetas[j], w[0])
    # rare events: the normal theory of batch means does not hold
    return {k: v for k, v in out.items() if not ("p_gt" in k or "RD" in k or "RR" in k or "joint" in k)
            or 2e-3 < v[1] < 1 - 2e-3}


# ----------------------------------------------------------------------------------------------------------------

CONVENTIONS = {
    "pairs": "keys 'i,j' count subgroups from 1, in the order listed",
    "difference": "theta_i - theta_j",
    "risk_difference": "active minus control; risk_ratio: active over control",
    "exponential": "the argument is the mean; log-normal: mean and sd of log tau; "
                   "student-t: degrees of freedom, location, scale",
    "log_evidence": "log marginal likelihood, binomial coefficients and normal constants included",
    "p_gt_0 under complete pooling": "differences are identically 0, so P(> 0) is 0",
    "prior": "one subgroup with an empty table",
    "doubling_change": "largest absolute change of any value of the case when every panel is halved and ranges are widened",
}


def main():
    arguments = argparse.ArgumentParser(description="Reference values by direct numerical integration")
    arguments.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "brute_force.json"))
    arguments.add_argument("--cases", help="only these numbers, separated by commas")
    arguments.add_argument("--check", action="store_true", help="compare with other methods and write nothing (7 minutes)")
    options = arguments.parse_args()
    if options.check:
        for check in (check_estimates, check_prior, check_counts, check_monte_carlo):
            check()
        return
    wanted = [int(v) for v in options.cases.split(",")] if options.cases else ORDER
    results = []
    for number in [n for n in ORDER if n in wanted]:
        results.append(run_case(CASES[number - 1]))
        with open(options.out, "w") as file:
            json.dump({"description": "Posterior summaries by composite Gauss-Legendre integration (brute_force.py)",
                       "conventions": CONVENTIONS, "cases": sorted(results, key=lambda r: r["number"])}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
