#!/usr/bin/env python3
"""Reference posterior of an adjusted model of patients, the International Stroke Trial, by importance sampling.

    python3 ist_adjusted.py PATH/TO/ist.csv > ist_adjusted.json

Needs numpy only.  The data (Sandercock et al., Trials 2011;12:101, doi 10.7488/ds/104) are not kept here; the columns
OCCODE, RXASP, STYPE, AGE, RSBP and RCONSC are read, no patient's row is written.  Run time: about a minute on one core.

Model
-----
N(m, s) has standard deviation s.  Patient i of subgroup g (STYPE) with covariates x_i, a_i = 1 on aspirin (RXASP = Y):
    y_i ~ Bernoulli(expit(alpha_g + x_i gamma + a_i theta_g)),  y_i = 1 dead or dependent at 6 months (OCCODE 1 or 2)
    alpha_g ~ N(0, 1.5), gamma_k ~ N(0, 1), theta_g ~ N(mu, tau), mu ~ N(0, 0.355), tau ~ half-normal(0.25)
x are AGE, RSBP and the indicators RCONSC = D and RCONSC = U (F is the reference), each less its mean and divided by its
standard deviation (n - 1) over the patients used: those with a known outcome (OCCODE 1 to 4) and nothing missing.

Keys
----
mu, tau, theta, gamma   the parameters above, theta by subgroup and gamma by covariate.
risk_control            average over all the subgroup's patients used, of either arm, of expit(alpha_g + x_i gamma);
                        "overall": over all patients used.
risk_difference         the same average of expit(alpha_g + x_i gamma + theta_g) less risk_control.
Each has mean, sd and mcse (the Monte Carlo standard error of the mean); where the sign is of interest also
below_zero = P(value < 0) and mcse_below_zero.

How
---
1. The mode w and the curvature H at it of the likelihood times the priors of alpha and gamma (theta flat), by Newton's
   method.  N(w, H^-1) stands for that function in the proposal; its marginal for theta is N(w_theta, S).
2. With S = Q diag(e) Q', u = Q'1 and v = Q'w_theta, Q'theta given mu and tau is independent in its coordinates, so tau
   (on a fine grid, uniform within a cell), mu given tau and theta given both are drawn independently and exactly from
   the hierarchical model in which N(w_theta, S) is the likelihood.
3. (alpha, gamma) given theta from a Student t with the conditional mean and scale of N(w, H^-1): its tails are heavier
   than the posterior's, whose slope of RCONSC = U is skewed: a Gaussian would miss its upper tail.
4. Weight: the exact likelihood and priors of alpha and gamma over what stood for them.  All draws are independent; the
   error of a weighted mean m of v is the root of sum W^2 (v - m)^2, with weights W that sum to 1.
"""

import os

for _v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_v, "1")

import csv
import json
import sys

import numpy as np

SUBGROUPS = ["TACS", "PACS", "LACS", "POCS", "OTH"]
COVARIATES = ["AGE", "RSBP", "RCONSC=D", "RCONSC=U"]
ALPHA_SD, GAMMA_SD, MU_SD, TAU_SCALE = 1.5, 1.0, 0.355, 0.25
DRAWS, CHUNK, SEED, DF = 200_000, 200, 20110417, 10
TAU_STEP, TAU_MAX = 5e-4, 2.0
G, K = len(SUBGROUPS), len(COVARIATES)
THETA = np.arange(G, 2 * G)                                       # places in (alpha, theta, gamma)
REST = np.r_[0:G, 2 * G:2 * G + K]


def expit(x):
    return 1 / (1 + np.exp(-x))


def usable(row):
    return (row["OCCODE"] in ("1", "2", "3", "4") and row["RXASP"] in ("Y", "N") and row["STYPE"] in SUBGROUPS
            and row["RCONSC"] in ("F", "D", "U") and row["AGE"].strip() != "" and row["RSBP"].strip() != "")


def read(path):
    """Outcome, arm, subgroup and standardised covariates of the patients used."""
    with open(path, newline="", encoding="latin-1") as file:
        rows = [row for row in csv.DictReader(file) if usable(row)]
    y = np.array([row["OCCODE"] in ("1", "2") for row in rows], float)
    arm = np.array([row["RXASP"] == "Y" for row in rows], float)
    group = np.array([SUBGROUPS.index(row["STYPE"]) for row in rows])
    x = np.array([[float(row["AGE"]), float(row["RSBP"]), row["RCONSC"] == "D", row["RCONSC"] == "U"] for row in rows])
    return y, arm, group, (x - x.mean(0)) / x.std(0, ddof=1)


def gaussian(y, arm, group, x):
    """Mode and curvature of the likelihood times the priors of alpha and gamma."""
    member = np.eye(G)[group]
    design = np.hstack([member, member * arm[:, None], x])
    precision = np.repeat([1 / ALPHA_SD ** 2, 0.0, 1 / GAMMA_SD ** 2], [G, G, K])
    w = np.zeros(2 * G + K)
    for _ in range(50):
        p = expit(design @ w)
        H = (design * (p * (1 - p))[:, None]).T @ design + np.diag(precision)
        step = np.linalg.solve(H, design.T @ (y - p) - precision * w)
        w += step
        if np.abs(step).max() < 1e-12:
            return w, H
    raise RuntimeError("Newton's method did not converge")


def draw_effects(rng, centre, S):
    """tau, mu, theta and the log of (density of tau aimed at / density drawn from)."""
    e, Q = np.linalg.eigh(S)
    u, v = Q.sum(0), Q.T @ centre

    def of_mu(tau):
        """Precision and mean of mu given tau; log posterior density of tau (mu and theta integrated)."""
        s = e + tau[:, None] ** 2
        precision = 1 / MU_SD ** 2 + (u ** 2 / s).sum(1)
        mean = (u * v / s).sum(1) / precision
        log_density = (-0.5 * (tau / TAU_SCALE) ** 2 - 0.5 * (np.log(s) + v ** 2 / s).sum(1)
                       - 0.5 * np.log(precision) + 0.5 * precision * mean ** 2)
        return precision, mean, log_density

    cells = TAU_STEP * (np.arange(round(TAU_MAX / TAU_STEP)) + 0.5)
    log_p = of_mu(cells)[2]
    p = np.exp(log_p - log_p.max())
    cell = rng.choice(len(cells), DRAWS, p=p / p.sum())
    tau = cells[cell] + TAU_STEP * (rng.random(DRAWS) - 0.5)
    precision, mean, log_density = of_mu(tau)
    mu = mean + rng.standard_normal(DRAWS) / np.sqrt(precision)
    t2 = tau[:, None] ** 2
    rotated = ((mu[:, None] * u * e + v * t2) / (e + t2)
               + np.sqrt(e * t2 / (e + t2)) * rng.standard_normal((DRAWS, G)))
    return tau, mu, rotated @ Q.T, log_density - log_p[cell]


def draw_rest(rng, theta, centre, S):
    """(alpha, gamma) given theta, and the log density, both up to constants, of where they were drawn from."""
    slope = S[np.ix_(REST, THETA)] @ np.linalg.inv(S[np.ix_(THETA, THETA)])
    root = np.linalg.cholesky(S[np.ix_(REST, REST)] - slope @ S[np.ix_(THETA, REST)])
    z = rng.standard_normal((DRAWS, len(REST))) / np.sqrt(rng.chisquare(DF, DRAWS) / DF)[:, None]
    log_t = -0.5 * (DF + len(REST)) * np.log1p((z ** 2).sum(1) / DF)
    return centre[REST] + (theta - centre[THETA]) @ slope.T + z @ root.T, log_t


def likelihood_and_risks(data, alpha, theta, gamma):
    """Log likelihood of each draw; by draw and subgroup, the average risks without and with aspirin."""
    y, arm, group, x = data
    log_l, risk = np.zeros(len(alpha)), np.zeros((2, len(alpha), G))
    for g in range(G):
        for a in (0, 1):
            some = (group == g) & (arm == a)
            own_y, own_x = y[some], x[some]
            for k in range(0, len(alpha), CHUNK):
                c = slice(k, k + CHUNK)
                log_odds = alpha[c, g, None] + gamma[c] @ own_x.T
                odds = np.exp(log_odds)
                odds1 = odds * np.exp(theta[c, g, None])
                log_l[c] += log_odds @ own_y + a * theta[c, g] * own_y.sum() - np.log1p(odds1 if a else odds).sum(1)
                risk[0, c, g] += (odds / (1 + odds)).sum(1)
                risk[1, c, g] += (odds1 / (1 + odds1)).sum(1)
    return log_l, risk / np.bincount(group, minlength=G)


def summary(W, value, sign=False):
    def mean_and_error(v):
        m = W @ v
        return m, np.sqrt(W ** 2 @ (v - m) ** 2)

    mean, error = mean_and_error(value)
    out = {"mean": mean, "sd": np.sqrt(W @ (value - mean) ** 2), "mcse": error}
    if sign:
        out["below_zero"], out["mcse_below_zero"] = mean_and_error((value < 0).astype(float))
    return {k: round(float(v), 6) for k, v in out.items()}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = y, _, group, _ = read(sys.argv[1])
    rng = np.random.default_rng(SEED)
    w, H = gaussian(*data)
    S = np.linalg.inv(H)
    tau, mu, theta, log_weight = draw_effects(rng, w[THETA], S[np.ix_(THETA, THETA)])
    rest, log_t = draw_rest(rng, theta, w, S)
    alpha, gamma = rest[:, :G], rest[:, G:]
    log_l, (risk0, risk1) = likelihood_and_risks(data, alpha, theta, gamma)
    off = theta - w[THETA]
    stood_for = log_t - 0.5 * np.einsum("ri,ij,rj->r", off, np.linalg.inv(S[np.ix_(THETA, THETA)]), off)
    log_weight += log_l - 0.5 * ((alpha / ALPHA_SD) ** 2).sum(1) - 0.5 * ((gamma / GAMMA_SD) ** 2).sum(1) - stood_for
    W = np.exp(log_weight - log_weight.max())
    W /= W.sum()
    effective = 1 / (W ** 2).sum()
    print(f"{len(y)} patients, {effective:.0f} effective draws, largest weight {W.max() * DRAWS:.1f} times the mean",
          file=sys.stderr)

    share = np.bincount(group, minlength=G) / len(group)
    risk0, risk1 = (np.column_stack([r, r @ share]) for r in (risk0, risk1))
    result = {
        "source": "Written by ist_adjusted.py from the International Stroke Trial (Sandercock et al., Trials "
                  f"2011;12:101, doi 10.7488/ds/104), {len(y)} patients with known 6-month status. Logistic model of "
                  "death or dependence: intercept and log odds ratio of aspirin by stroke subtype, common slopes of "
                  "standardised age, systolic pressure and consciousness; alpha ~ N(0, 1.5), gamma ~ N(0, 1), theta ~ "
                  "N(mu, tau), mu ~ N(0, 0.355), tau ~ half-normal(0.25). Importance sampling with proposals from the "
                  "Gaussian approximation of the likelihood (Student t for alpha and gamma): "
                  f"{DRAWS} independent draws, {effective:.0f} effective.",
        "mu": summary(W, mu, sign=True),
        "tau": summary(W, tau),
        "theta": {s: summary(W, v, sign=True) for s, v in zip(SUBGROUPS, theta.T)},
        "gamma": {c: summary(W, v) for c, v in zip(COVARIATES, gamma.T)},
        "risk_difference": {s: summary(W, v, sign=True) for s, v in zip(SUBGROUPS + ["overall"], (risk1 - risk0).T)},
        "risk_control": {s: summary(W, v) for s, v in zip(SUBGROUPS + ["overall"], risk0.T)},
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
