#!/usr/bin/env python3
"""Reference values for weighted, standardised and doubly robust effects of a treatment in a registry, derived a second time.

    python3 -m venv v && v/bin/pip install numpy scipy && v/bin/python tests/reference/weighting.py

Needs numpy and scipy, reads no file and writes weighting.json beside itself. All fits are of one routine (a batch of Newton's
iterations); every array of four holds subgroups a, b, c and then all patients. About ten seconds on one core.

Model
-----
Patient i of subgroup g: treatment A (0 control, 1 active), event Y, covariates x, each less its mean and divided by its standard
deviation (n - 1) over all patients of the registry, the indicator also.
    propensity   logit e = c_g + x b_g ("by_subgroup": three separate fits) or c_g + x b ("shared")
    outcome      logit m_a = k_ga + x s, flat prior
prior_sd null is maximum likelihood; otherwise b / prior_sd is standard normal (every slope, per standard deviation; no intercept).
truncate t: e is clipped to [t, 1 - t] once fitted, and nothing is computed from the unclipped e.
    estimand     all: h = 1; treated: h = e; overlap: h = e (1 - e)
    weights      w = h / e (active), h / (1 - e) (control)

Estimators of the risks p_a in subgroup g (d are bootstrap weights, otherwise 1)
----------
crude            sum d y / sum d over arm a of g
regression       sum d h m_a / sum d h over g, both arms; outcome model fitted with weights d
weighted         sum d w y / sum d w over arm a of g
doubly_robust    as regression, outcome model fitted with weights d w. Checked here to equal
                 sum d h m_a / sum d h + sum_arm d w (y - m_a) / sum_arm d w, the augmented estimator.
All patients: sum_g s_g p_ga with s_g the share of g in sum d h (crude: in sum d). log_odds_ratio = logit p1 - logit p0 and
mean_log_odds = (logit p0 + logit p1) / 2 of these risks, for all patients too.

Keys
----
propensity       coefficients in units of standardised covariates and e by patient, in the order of the rows, before truncation
estimates        by configuration: the estimators, shares s_g, balance and effective sizes
  balance        mean_difference: mean active - mean control over sqrt((s1^2 + s0^2) / 2), s^2 the unweighted variances (n - 1) of
                 the arms in that population, before and after weighting alike. variance_ratio: active over control,
                 sum w (x - mean)^2 sum w / ((sum w)^2 - sum w^2). Arrays [covariate][population]. All patients: arms pooled, with
                 the same w, not an average over subgroups.
  effective_size (sum w)^2 / sum w^2, [population][arm]
fixed_weights    the estimators with d_i = 0.5 + (7 i mod 11) / 10, i = 0, 1, ... by row: one draw of the bootstrap, exact
bootstrap        d independent standard exponential, every model fitted anew. Variances have divisor B - 1. mean_log_odds_covariance
                 is with the log odds ratio of the same subgroup. _mcse: Monte Carlo standard errors, from fourth moments.
replay           studies of the same subgroups and covariates with A ~ Bernoulli(e), Y ~ Bernoulli(m_A), e and m as fitted to the
                 registry (m unweighted); drawn again, the whole study, when an arm of a subgroup has no event or no non-event.
                 truth: sum h m_a / sum h with those e and m, for all estimators the same. sd: over studies (R - 1).
                 bootstrap_sd: root of the mean over studies of the variance over 20 draws of d (divisor 19). factor is their
                 ratio. bias: mean less truth. _mcse of the factor: jackknife, 50 groups of studies. refitted: studies where
                 a fit did not converge (as after separation); that fit and its draws are then done with prior_sd 2.5.
"""
import json
import os
import re
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.special import expit, logit

SUBGROUPS, SIZES = ["a", "b", "c"], [90, 70, 60]
COVARIATES = ["age", "severity", "sex"]
ESTIMANDS, VARIANTS, PRIORS = ["all", "treated", "overlap"], ["by_subgroup", "shared"], [None, 2.5]
ESTIMATORS = ["crude", "regression", "weighted", "doubly_robust"]
DRAWS, STUDIES, STUDY_DRAWS, GROUPS = 4000, 1500, 20, 50
N = sum(SIZES)
ENDS = np.cumsum([0] + SIZES)
OF = [slice(ENDS[g], ENDS[g + 1]) for g in range(3)]
GROUP = np.repeat([0, 1, 2], SIZES)


def simulate(rng):
    age = np.round(rng.normal(np.array([66.0, 71.0, 62.0])[GROUP], 10.0))
    severity = np.round(rng.normal(np.array([6.0, 5.2, 7.0])[GROUP] + 0.03 * (age - 66.0), 1.8), 1)
    sex = (rng.uniform(size=N) < np.array([0.45, 0.6, 0.5])[GROUP]).astype(float)
    u, v, s = (age - 66.0) / 10.0, (severity - 6.0) / 1.8, sex - 0.5
    e = expit(np.array([0.1, -0.3, 0.3])[GROUP] - 0.45 * u + np.array([0.7, 0.4, 0.8])[GROUP] * v + 0.3 * s)
    A = (rng.uniform(size=N) < e).astype(float)
    effect = np.array([-0.8, -0.1, 0.4])[GROUP]
    Y = (rng.uniform(size=N) < expit(np.array([-0.3, 0.1, -0.4])[GROUP] + effect * A + 0.4 * u + 0.6 * v - 0.3 * s)).astype(float)
    return np.column_stack([age, severity, sex]), A, Y


def cells(A, Y):
    """Patients of each arm of each subgroup with and without events, [..., subgroup, arm, event]."""
    return np.stack([np.stack([np.stack([((A[..., s] == a) & (Y[..., s] == y)).sum(-1) for y in (0, 1)], -1) for a in (0, 1)], -2) for s in OF], -3)


def fit(X, y, w, precision, start=None, tolerance=1e-10):
    """Weighted logistic regressions: X [R, n, p], y [R, n], w [R, K, n]. Coefficients [R, K, p] and whether they converged.

    Newton's method, no coefficient moved by more than 1 in a step. Given up when a linear predictor passes 40."""
    R, n, p = X.shape
    b = np.zeros((R, w.shape[1], p)) if start is None else np.broadcast_to(start, (R, w.shape[1], p)).copy()
    squares = (X[..., :, None] * X[..., None, :]).reshape(R, n, p * p)
    lost = np.zeros(b.shape[:2], bool)
    eye = np.eye(p)
    for _ in range(60):
        eta = b @ np.swapaxes(X, 1, 2)
        lost |= np.abs(eta).max(-1) > 40.0
        m = expit(eta)
        gradient = (w * (y[:, None] - m)) @ X - precision * b
        H = ((w * m * (1.0 - m)) @ squares).reshape(b.shape + (p,)) + precision * eye
        H[lost] = eye
        gradient[lost] = 0.0
        step = np.linalg.solve(H, gradient[..., None])[..., 0]
        size = np.abs(step).max(-1)
        b += step / np.maximum(size, 1.0)[..., None]
        if size.max() < tolerance:
            break
    return b, (size < tolerance) & ~lost


class Registry:
    """Covariates of all patients; what is fitted to treatments A [R, n] and events Y [R, n] with weights D [R, K, n]."""

    def __init__(self, covariates):
        self.raw = covariates
        self.mean, self.sd = covariates.mean(0), covariates.std(0, ddof=1)
        self.x = (covariates - self.mean) / self.sd
        one = np.ones((N, 1))
        own = (GROUP[:, None] == np.arange(3)).astype(float)
        # Each propensity model: patients, design, number of intercepts.
        self.designs = {
            "by_subgroup": [(s, np.hstack([one, self.x])[s], 1) for s in OF],
            "shared": [(slice(0, N), np.hstack([own, self.x]), 3)],
        }

    def fits(self, X, intercepts, y, w, sd, start, tolerance):
        """As `fit`, with the fallback on a prior for a study any of whose fits did not converge. Also: which studies these were."""
        p = X.shape[-1]
        slopes = (np.arange(p) >= intercepts).astype(float)
        b, good = fit(X, y, w, slopes * (0.0 if sd is None else sd**-2), start, tolerance)
        again = ~good.all(-1)
        if again.any():
            b[again], good = fit(X[again], y[again], w[again], slopes * 2.5**-2, None, tolerance)
            assert good.all()
        return b, again

    def propensity(self, A, D, variant, sd, start=None, tolerance=1e-10):
        """Coefficients of each fit, e [R, K, n] and studies refitted."""
        e, coefficients, refitted = np.empty(D.shape), [], np.zeros(len(A), bool)
        for k, (s, X, intercepts) in enumerate(self.designs[variant]):
            X = np.broadcast_to(X, (len(A),) + X.shape)
            b, again = self.fits(X, intercepts, A[:, s], D[..., s], sd, None if start is None else start[k], tolerance)
            e[..., s] = expit(b @ np.swapaxes(X, 1, 2))
            coefficients.append(b)
            refitted |= again
        return coefficients, e, refitted

    def outcome(self, A, Y, w, start=None, tolerance=1e-10):
        """Coefficients (intercepts [subgroup, arm], slopes), m [R, K, n, arm] and studies refitted."""
        cell = ((2 * GROUP + A)[..., None] == np.arange(6)).astype(float)
        X = np.concatenate([cell, np.broadcast_to(self.x, (len(A), N, 3))], -1)
        b, again = self.fits(X, 6, Y, w, None, start, tolerance)
        rest = b[..., 6:] @ self.x.T
        m = np.stack([expit(b[..., 2 * GROUP + a] + rest) for a in (0, 1)], -1)
        return b, m, again


def tilt(e, estimand):
    return {"all": np.ones_like(e), "treated": e, "overlap": e * (1.0 - e)}[estimand]


def weight(A, e, estimand):
    a = A[:, None]
    return tilt(e, estimand) * (a / e + (1.0 - a) / (1.0 - e))


def by_arm(A, Y, w):
    """Weighted proportions with events, [R, K, subgroup, arm]."""
    p = np.empty(w.shape[:2] + (3, 2))
    for g, s in enumerate(OF):
        for a in (0, 1):
            u = w[..., s] * (A[:, None, s] == a)
            p[..., g, a] = (u * Y[:, None, s]).sum(-1) / u.sum(-1)
    return p


def standardised(m, h):
    return np.stack([(h[..., s, None] * m[..., s, :]).sum(-2) / h[..., s].sum(-1)[..., None] for s in OF], -2)


def with_all(p, h):
    """Risks of all patients after those of subgroups: [R, K, 4, arm]."""
    total = np.stack([h[..., s].sum(-1) for s in OF], -1)
    share = total / total.sum(-1, keepdims=True)
    return np.concatenate([p, (share[..., None] * p).sum(-2, keepdims=True)], -2)


def estimators(registry, A, Y, D, e, m, estimand, start=None, tolerance=1e-10):
    """The risks [R, K, 4, arm] by estimator, coefficients of the doubly robust one, studies refitted and the largest correction."""
    h, w = D * tilt(e, estimand), D * weight(A, e, estimand)
    b, weighted, refitted = registry.outcome(A, Y, w, start, tolerance)
    own = np.where(A[:, None] == 1, weighted[..., 1], weighted[..., 0])
    correction = by_arm(A, np.zeros_like(Y), w)
    for g, s in enumerate(OF):
        for a in (0, 1):
            u = w[..., s] * (A[:, None, s] == a)
            correction[..., g, a] = (u * (Y[:, None] - own)[..., s]).sum(-1) / u.sum(-1)
    correction = np.abs(correction[~refitted]).max()
    return {
        "crude": with_all(by_arm(A, Y, D), D),
        "regression": with_all(standardised(m, h), h),
        "weighted": with_all(by_arm(A, Y, w), h),
        "doubly_robust": with_all(standardised(weighted, h), h),
    }, b, refitted, correction


def summary(p):
    x = logit(p)
    return {"p0": p[..., 0], "p1": p[..., 1], "log_odds_ratio": x[..., 1] - x[..., 0], "mean_log_odds": x.mean(-1)}


def moments(x, w):
    mean = (w * x).sum() / w.sum()
    return mean, (w * (x - mean) ** 2).sum() * w.sum() / (w.sum() ** 2 - (w**2).sum())


def balance(registry, A, w):
    out = {k: np.empty((3, 4)) for k in ("mean_difference_before", "mean_difference_after", "variance_ratio_before", "variance_ratio_after")}
    size = np.empty((4, 2))
    for q, s in enumerate(OF + [slice(0, N)]):
        arms = [np.arange(N)[s][A[s] == a] for a in (0, 1)]
        size[q] = [w[i].sum() ** 2 / (w[i] ** 2).sum() for i in arms]
        for c in range(3):
            x = registry.raw[:, c]
            scale = np.sqrt(sum(x[i].var(ddof=1) for i in arms) / 2.0)
            for when, v in (("before", np.ones(N)), ("after", w)):
                (m0, v0), (m1, v1) = [moments(x[i], v[i]) for i in arms]
                out[f"mean_difference_{when}"][c, q] = (m1 - m0) / scale
                out[f"variance_ratio_{when}"][c, q] = v1 / v0
    return out, size


def plain(x):
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, np.ndarray):
        return plain(x.tolist())
    return x.item() if isinstance(x, np.generic) else x


def named(estimand, variant, sd, t):
    return {"estimand": estimand, "propensity": variant, "prior_sd": sd, "truncate": t}


def spread(x):
    """Standard deviations over draws [B, ...] with their Monte Carlo errors."""
    sd, c = x.std(0, ddof=1), x - x.mean(0)
    return sd, sd / 2.0 * np.sqrt(((c**4).mean(0) / (c**2).mean(0) ** 2 - 1.0) / len(x))


def bootstrap(registry, A, Y, estimand, variant, D):
    """A, Y [1, n], D [1, B, n]."""
    one = np.ones((1, 1, N))
    start, e, _ = registry.propensity(A, one, variant, None)
    b, m, _ = registry.outcome(A, Y, one)
    _, doubly, _, _ = estimators(registry, A, Y, one, e, m, estimand)
    _, e, lost = registry.propensity(A, D, variant, None, start)
    _, m, lost_too = registry.outcome(A, Y, D, b)
    p, _, lost_also, correction = estimators(registry, A, Y, D, e, m, estimand, doubly)
    assert not (lost | lost_too | lost_also).any() and correction < 1e-10, correction
    out = {}
    for name in ESTIMATORS:
        s = summary(p[name][0])
        lor, mean = s["log_odds_ratio"], s["mean_log_odds"]
        sd, sd_mcse = spread(lor)
        rd, rd_mcse = spread(s["p1"] - s["p0"])
        out[name] = {
            "log_odds_ratio_covariance": np.cov(lor[:, :3].T),
            "mean_log_odds_variance": mean[:, :3].var(0, ddof=1),
            "mean_log_odds_covariance": [np.cov(lor[:, g], mean[:, g])[0, 1] for g in range(3)],
            "log_odds_ratio_sd": sd,
            "log_odds_ratio_sd_mcse": sd_mcse,
            "risk_difference_sd": rd,
            "risk_difference_sd_mcse": rd_mcse,
        }
    return out


def replay(registry, e, m, estimands, rng):
    """e [n], m [n, arm]."""
    kept, redrawn = [], 0
    while len(kept) < STUDIES:
        A = (rng.uniform(size=N) < e).astype(float)
        Y = (rng.uniform(size=N) < np.where(A == 1, m[:, 1], m[:, 0])).astype(float)
        if cells(A, Y).min() > 0:
            kept.append((A, Y))
        else:
            redrawn += 1
    estimates = {q: {name: [] for name in ESTIMATORS} for q in estimands}
    variances = {q: {name: [] for name in ESTIMATORS} for q in estimands}
    refitted = {"propensity": 0, "regression": 0} | {f"doubly_robust {q}": 0 for q in estimands}
    for first in range(0, STUDIES, 50):
        A, Y = (np.array(z) for z in zip(*kept[first : first + 50]))
        # The first "draw" is the study itself.
        D = np.concatenate([np.ones((len(A), 1, N)), rng.exponential(size=(len(A), STUDY_DRAWS, N))], 1)
        _, es, lost = registry.propensity(A, D, "by_subgroup", None)
        b, ms, lost_too = registry.outcome(A, Y, D)
        refitted["propensity"] += lost.sum()
        refitted["regression"] += lost_too.sum()
        for q in estimands:
            p, _, lost, correction = estimators(registry, A, Y, D, es, ms, q, b)
            assert correction < 1e-10
            refitted[f"doubly_robust {q}"] += lost.sum()
            for name in ESTIMATORS:
                lor = summary(p[name])["log_odds_ratio"]
                estimates[q][name].append(lor[:, 0])
                variances[q][name].append(lor[:, 1:].var(1, ddof=1))
    out = {"studies": STUDIES, "draws": STUDY_DRAWS, "redrawn": redrawn, "refitted": refitted, "estimands": {}}
    for q in estimands:
        h = tilt(e, q)[None, None]
        truth = summary(with_all(standardised(m[None, None], h), h)[0, 0])
        out["estimands"][q] = {"truth": {k: truth[k] for k in ("p0", "p1", "log_odds_ratio")}}
        for name in ESTIMATORS:
            lor, variance = np.concatenate(estimates[q][name]), np.concatenate(variances[q][name])

            def ratio(i):
                return lor[i].std(0, ddof=1) / np.sqrt(variance[i].mean(0))

            part = np.arange(STUDIES) % GROUPS
            without = np.array([ratio(part != k) for k in range(GROUPS)])
            sd, sd_mcse = spread(lor)
            out["estimands"][q][name] = {
                "sd": sd,
                "sd_mcse": sd_mcse,
                "bootstrap_sd": np.sqrt(variance.mean(0)),
                "factor": ratio(slice(None)),
                "factor_mcse": np.sqrt((GROUPS - 1) / GROUPS * ((without - without.mean(0)) ** 2).sum(0)),
                "bias": lor.mean(0) - truth["log_odds_ratio"],
                "bias_mcse": sd / np.sqrt(STUDIES),
            }
    return out


def main():
    began = time.time()
    for seed in range(1, 1000):
        covariates, treated, event = simulate(np.random.default_rng(seed))
        if cells(treated, event).min() >= 6:
            break
    registry = Registry(covariates)
    A, Y, one = treated[None], event[None], np.ones((1, 1, N))
    b, m, _ = registry.outcome(A, Y, one, tolerance=1e-13)
    propensities, table, estimates = {}, [], []
    for variant in VARIANTS:
        for sd in PRIORS:
            coefficients, e, refitted = registry.propensity(A, one, variant, sd, tolerance=1e-13)
            assert not refitted.any()
            propensities[variant, sd] = e
            table.append({"propensity": variant, "prior_sd": sd, "intercepts": np.concatenate([c[0, 0, :k] for c, (_, _, k) in zip(coefficients, registry.designs[variant])]),
                          "slopes": [c[0, 0, k:] for c, (_, _, k) in zip(coefficients, registry.designs[variant])], "e": e[0, 0]})
    configurations = [(q, v, sd, None) for q in ESTIMANDS for v in VARIANTS for sd in PRIORS] + [("all", "by_subgroup", None, 0.1)]
    worst = 0.0
    for estimand, variant, sd, t in configurations:
        e = propensities[variant, sd]
        e = e if t is None else np.clip(e, t, 1.0 - t)
        p, _, refitted, correction = estimators(registry, A, Y, one, e, m, estimand, tolerance=1e-13)
        assert not refitted.any() and correction < 1e-10
        worst = max(worst, correction)
        h, w = tilt(e, estimand)[0, 0], weight(A, e, estimand)[0, 0]
        differences, size = balance(registry, treated, w)
        if (estimand, variant, sd) == ("overlap", "by_subgroup", None):
            assert np.abs(differences["mean_difference_after"]).max() < 1e-12
        estimates.append(named(estimand, variant, sd, t) | {"shares": [h[s].sum() / h.sum() for s in OF]}
                         | {name: summary(p[name][0, 0]) for name in ESTIMATORS} | {"balance": differences, "effective_size": size})
    print(f"seed {seed}, cells {cells(treated, event).tolist()}, e {propensities['by_subgroup', None].min():.3f} to "
          f"{propensities['by_subgroup', None].max():.3f}, correction {worst:.1e}", file=sys.stderr)

    simple = (0.5 + (7 * np.arange(N) % 11) / 10.0)[None, None]
    fixed, boot = [], []
    for k, (estimand, variant) in enumerate([(q, "by_subgroup") for q in ESTIMANDS] + [("all", "shared")]):
        _, e, _ = registry.propensity(A, simple, variant, None, tolerance=1e-13)
        _, own, _ = registry.outcome(A, Y, simple, tolerance=1e-13)
        p, _, _, _ = estimators(registry, A, Y, simple, e, own, estimand, tolerance=1e-13)
        fixed.append(named(estimand, variant, None, None) | {name: summary(p[name][0, 0]) for name in ESTIMATORS})
        D = np.random.default_rng(10_000 + k).exponential(size=(1, DRAWS, N))
        boot.append(named(estimand, variant, None, None) | {"draws": DRAWS} | bootstrap(registry, A, Y, estimand, variant, D))
        print(f"bootstrap {estimand} {variant}: {time.time() - began:.0f} s", file=sys.stderr)

    again = replay(registry, propensities["by_subgroup", None][0, 0], m[0, 0], ["overlap", "all"], np.random.default_rng(20_000))
    print(f"replay: {time.time() - began:.0f} s, redrawn {again['redrawn']}, refitted {plain(again['refitted'])}", file=sys.stderr)

    rows = [[SUBGROUPS[g], int(a), int(y), int(x[0]), float(x[1]), int(x[2])] for g, a, y, x in zip(GROUP, treated, event, covariates)]
    out = {
        "about": "Made by weighting.py. Arrays of four: subgroups a, b, c, then all patients.",
        "subgroups": SUBGROUPS,
        "covariates": COVARIATES,
        "columns": ["subgroup", "treated", "event"] + COVARIATES,
        "rows": rows,
        "standardisation": {"mean": registry.mean, "sd": registry.sd},
        "propensity": table,
        "outcome": {"intercepts": b[0, 0, :6].reshape(3, 2), "slopes": b[0, 0, 6:]},
        "estimates": estimates,
        "fixed_weights": fixed,
        "bootstrap": boot,
        "replay": named(None, "by_subgroup", None, None) | again,
    }
    del out["replay"]["estimand"]
    text = re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"(?<=\[) | (?=\])", "", re.sub(r"\s+", " ", found[0])), json.dumps(plain(out), indent=1))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "weighting.json"), "w") as file:
        file.write(text + "\n")


if __name__ == "__main__":
    main()
