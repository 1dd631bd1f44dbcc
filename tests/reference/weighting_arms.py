#!/usr/bin/env python3
"""Reference values for weighted, standardised and doubly robust effects of several treatment arms, derived a second time.

    python3 -m venv v && v/bin/pip install numpy scipy && v/bin/python weighting_arms.py

Needs numpy and scipy, reads no file, prints nothing and writes weighting_arms.json beside itself. About ten seconds on one core.
Checks of exact facts are assertions: the file is written only if all of them hold.

Model
-----
260 made-up patients of two subgroups, arms 0 (control), 1 and 2, event y, covariates x, each less its mean and divided by its
standard deviation (n - 1) over all patients, the binary one also (once: bootstrap weights do not change the scale).
    propensity   log(e_j / e_0) = c_gj + x b_gj, j = 1, 2: fitted apart in each subgroup ("by_subgroup") or b_gj = b_j ("shared")
    outcome      logit m_ga = k_ga + x s, flat prior
prior_sd null is maximum likelihood; otherwise every b (no intercept) is normal with mean 0 and that sd, and the mode is taken.
least t: e_j is raised to t wherever smaller, and the others are scaled so that the three sum to 1, again where that brings one
below; nothing uses the e from before.
    estimand     all: h = 1; treated: h = 1 - e_0; overlap: h = 1 / (1 / e_0 + 1 / e_1 + 1 / e_2)
    weight       w = h / e_a for a patient of arm a

Estimators of the risk p_a of each arm in subgroup g (u are bootstrap weights, otherwise 1)
----------
crude            sum u y / sum u over arm a of g
weighted         sum u w y / sum u w over arm a of g
regression       sum u h m_ga / sum u h over all patients of g, whatever their arm; outcome model fitted with weights u
doubly_robust    as regression, outcome model fitted with weights u w. Checked here to equal the augmented estimator,
                 sum u h m_ga / sum u h + sum_arm u w (y - m_ga) / sum_arm u w.
All patients: sum_g share_g p_ga, share_g the part of g in sum u h (crude: in sum u). The log odds ratios and mean log odds of all
patients are of these averaged risks.

Arrays
------
Arms 0, 1, 2. Populations: subgroup a, subgroup b, all patients. Pairs, (later, earlier): (1, 0), (2, 0), (2, 1).
propensity       intercepts [active arm - 1][subgroup], slopes [active arm - 1][subgroup][covariate] (repeated when shared), per standard
                 deviation; e of rows 0, 10, 20, ... and the least e of each arm, before truncation
outcome          intercepts k [subgroup][arm] and slopes s, unweighted
estimates[case], fixed_weights[case], by estimator
    risk [population][arm]    log_odds_ratio [population][active arm - 1], against control
    mean_log_odds [population], mean over the three arms of logit risk
estimates[case] also
    shares [subgroup], of h; effective_size [population][arm], (sum w)^2 / sum w^2; doubly_robust_slopes, of its outcome model
    balance: four arrays [pair][covariate][population]. Mean differences, later less earlier, are over the root of the mean of all
    three arms' unweighted variances (n - 1) in the population, before and after weighting alike. Variance ratios are later over
    earlier, with weights sum w (x - mean)^2 W / (W^2 - sum w^2), W = sum w. All patients: the subgroups pooled, same w.
fixed_weights    u_i = 0.5 + ((7919 i) mod 1000) / 1000 by row i = 0, 1, ...; every model fitted anew: one draw of the bootstrap, exact
bootstrap        u independent standard exponential, every model fitted anew. log_odds_covariance is of logit risks of arms, divisor
                 draws - 1: "within" [subgroup][arm][arm], "full" [3 subgroup + arm][3 subgroup + arm]. _mcse: their Monte Carlo
                 standard errors.
posterior        exact, by quadrature over the standard deviations tau; the model is in the docstring of posterior(). theta
                 [subgroup][active arm - 1]. m [3 subgroup + arm] and V are its data, full precision.
"""
import itertools
import json
import os
import re

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit, ndtr, softmax

SEED, N, DRAWS = 20, 260, 2000
SUBGROUPS, ARMS, COVARIATES = ["a", "b"], [0, 1, 2], ["x1", "x2"]
ESTIMANDS, MODELS, PRIORS = ["all", "treated", "overlap"], ["by_subgroup", "shared"], [None, 1.0]
ESTIMATORS = ["crude", "weighted", "regression", "doubly_robust"]
PAIRS = [(1, 0), (2, 0), (2, 1)]


def simulate():
    rng = np.random.default_rng(SEED)
    g = (rng.uniform(size=N) < 0.46).astype(int)
    x1 = np.round(rng.normal(np.array([1.2, 1.7])[g], 1.3), 3)
    x2 = (rng.uniform(size=N) < np.array([0.55, 0.4])[g]).astype(int)
    c, d = (x1 - 1.4) / 1.3, x2 - 0.5
    # Confounding differs between subgroups, so that the two propensity models do.
    one = np.array([0.1, 0.3])[g] + np.array([0.7, 0.3])[g] * c + np.array([-0.5, 0.4])[g] * d
    two = np.array([0.0, 0.2])[g] + np.array([-0.3, -0.7])[g] * c + np.array([0.6, 0.8])[g] * d
    chance = softmax(np.column_stack([np.zeros(N), one, two]), axis=1)
    arm = (rng.uniform(size=N)[:, None] > chance.cumsum(1)[:, :2]).sum(1)
    effect = np.array([[0.0, -0.6, -1.0], [0.0, 0.2, -0.5]])[g, arm]
    y = (rng.uniform(size=N) < expit(np.array([0.2, -0.2])[g] + effect + 0.6 * c + 0.5 * d)).astype(int)
    return g, arm, y, x1, x2


GROUP, ARM, EVENT, X1, X2 = simulate()
RAW = np.column_stack([X1, X2]).astype(float)
MEAN, SD = RAW.mean(0), RAW.std(0, ddof=1)
X = (RAW - MEAN) / SD
OF = [np.flatnonzero(GROUP == g) for g in range(2)]
CELL = [[np.flatnonzero((GROUP == g) & (ARM == a)) for a in ARMS] for g in range(2)]
BY_GROUP = np.eye(2)[GROUP]
BY_CELL = np.eye(6)[3 * GROUP + ARM]
# Propensity models: patients, design and its number of intercepts, for each separate fit.
FITS = {
    "by_subgroup": [(i, np.column_stack([np.ones(len(i)), X[i]]), 1) for i in OF],
    "shared": [(np.arange(N), np.column_stack([BY_GROUP, X]), 2)],
}
OUTCOME = np.column_stack([BY_CELL, X])


def objective(b, Z, k, w, precision):
    """Penalised log likelihood of a multinomial logit; b [category - 1, column], category 0 the reference."""
    eta = np.column_stack([np.zeros(len(Z)), Z @ b.T])
    return w @ log_softmax(eta, axis=1)[np.arange(len(Z)), k] - 0.5 * (precision * b**2).sum()


def newton(Z, k, w, precision=0.0, start=None):
    """Its maximum, by Newton's method with halved steps where needed, until no derivative passes 1e-12 (weights with mean 1)."""
    scale = w.mean()
    w, precision = w / scale, precision / scale * np.ones(Z.shape[1])
    K, p = k.max(), Z.shape[1]
    b = np.zeros((K, p)) if start is None else start.copy()
    hit = (k[:, None] == np.arange(1, K + 1)).astype(float)
    value = objective(b, Z, k, w, precision)
    for _ in range(60):
        q = softmax(np.column_stack([np.zeros(len(Z)), Z @ b.T]), axis=1)[:, 1:]
        gradient = (w[:, None] * (hit - q)).T @ Z - precision * b
        if np.abs(gradient).max() < 1e-12:
            return b
        H = np.zeros((K, p, K, p))
        for r in range(K):
            for s in range(K):
                v = w * q[:, r] * ((r == s) - q[:, s])
                H[r, :, s, :] = (Z * v[:, None]).T @ Z + (r == s) * np.diag(precision)
        step = np.linalg.solve(H.reshape(K * p, K * p), gradient.ravel()).reshape(K, p)
        for _ in range(40):
            new = objective(b + step, Z, k, w, precision)
            if new >= value - 1e-10 * abs(value):
                break
            step = step / 2.0
        b, value = b + step, new
    raise RuntimeError("no convergence")


def propensity(model, prior_sd, u, start=None):
    """Coefficients of each fit and e [patient, arm]."""
    e, fits = np.empty((N, 3)), []
    for f, (i, Z, intercepts) in enumerate(FITS[model]):
        slope = np.arange(Z.shape[1]) >= intercepts
        precision = slope * (0.0 if prior_sd is None else prior_sd**-2.0)
        b = newton(Z, ARM[i], u[i], precision, None if start is None else start[f])
        e[i] = softmax(np.column_stack([np.zeros(len(i)), Z @ b.T]), axis=1)
        fits.append(b)
    return fits, e


def truncated(e, least):
    """Row by row: whatever is below is raised, and the rest shares what is left in its own proportions, until none is below."""
    if least is None:
        return e
    out = e.copy()
    for row in out:
        held = np.zeros(len(row), bool)
        while (row < least).any():
            held |= row <= least
            row[held] = least
            row[~held] *= (1 - least * held.sum()) / row[~held].sum()
    return out


def tilt(e, estimand):
    if estimand == "all":
        return np.ones(N)
    return 1.0 - e[:, 0] if estimand == "treated" else 1.0 / (1.0 / e).sum(1)


def outcome(w, start=None):
    """Coefficients of the outcome model and m [patient, arm], each patient's risk had the arm been a."""
    b = newton(OUTCOME, EVENT, w, start=start)
    k = b[0, :6].reshape(2, 3)
    return b, expit(k[GROUP] + (X @ b[0, 6:])[:, None])


def proportions(y, w):
    """Weighted means of y, [subgroup, arm]."""
    return np.array([[w[i] @ y[i] / w[i].sum() for i in row] for row in CELL])


def averages(m, h):
    """Means of m [patient, arm] over all patients of each subgroup with weights h, [subgroup, arm]."""
    return np.array([h[i] @ m[i] / h[i].sum() for i in OF])


def shares(h):
    return np.array([h[i].sum() for i in OF]) / h.sum()


def risks(e, estimand, u, starts=(None, None)):
    """Risks [population, arm] by estimator, and the coefficients of both outcome models."""
    h = u * tilt(e, estimand)
    w = h / e[np.arange(N), ARM]
    b, m = outcome(u, starts[0])
    doubly, n = outcome(w, starts[1])
    own = n[np.arange(N), ARM]
    # The augmentation of the doubly robust estimator vanishes, by the score equations of the intercepts.
    assert np.abs(proportions(EVENT - own, w)).max() < 1e-11
    p = {
        "crude": proportions(EVENT, u),
        "weighted": proportions(EVENT, w),
        "regression": averages(m, h),
        "doubly_robust": averages(n, h),
    }
    share = {name: shares(u if name == "crude" else h) for name in ESTIMATORS}
    return {name: np.vstack([p[name], share[name] @ p[name]]) for name in ESTIMATORS}, (b, doubly)


def summary(p):
    x = logit(p)
    return {"risk": p, "log_odds_ratio": x[:, 1:] - x[:, :1], "mean_log_odds": x.mean(1)}


def variance(x, w):
    total = w.sum()
    centred = x - w @ x / total
    return w @ centred**2 * total / (total**2 - w @ w)


def balance(w):
    out = {name: np.empty((3, 2, 3)) for name in ("mean_difference_before", "mean_difference_after", "variance_ratio_before", "variance_ratio_after")}
    size = np.empty((3, 3))
    for q in range(3):
        arms = [CELL[q][a] if q < 2 else np.flatnonzero(ARM == a) for a in ARMS]
        size[q] = [w[i].sum() ** 2 / (w[i] @ w[i]) for i in arms]
        for c in range(2):
            x = RAW[:, c]
            scale = np.sqrt(np.mean([x[i].var(ddof=1) for i in arms]))
            for when, v in (("before", np.ones(N)), ("after", w)):
                mean = [np.average(x[i], weights=v[i]) for i in arms]
                spread = [variance(x[i], v[i]) for i in arms]
                for r, (late, early) in enumerate(PAIRS):
                    out["mean_difference_" + when][r, c, q] = (mean[late] - mean[early]) / scale
                    out["variance_ratio_" + when][r, c, q] = spread[late] / spread[early]
    return out, size


def bootstrap(estimand, model, seed):
    """Log odds [draw, subgroup, arm] by estimator; truncation none, prior flat."""
    one = np.ones(N)
    start, e = propensity(model, None, one)
    _, starts = risks(e, estimand, one)
    rng = np.random.default_rng(seed)
    out = {"weighted": np.empty((DRAWS, 2, 3)), "doubly_robust": np.empty((DRAWS, 2, 3))}
    for d in range(DRAWS):
        u = rng.exponential(size=N)
        _, e = propensity(model, None, u, start)
        p, _ = risks(e, estimand, u, starts)
        for name in out:
            out[name][d] = logit(p[name][:2])
    return out


def covariance(x):
    """Covariance over draws of x [draw, quantity] and Monte Carlo standard errors of its entries."""
    c = x - x.mean(0)
    products = c[:, :, None] * c[:, None, :]
    return products.sum(0) / (len(x) - 1), products.std(0) / np.sqrt(len(x))


def posterior(m, V, separate, nodes, end):
    """Posterior given m ~ N(eta, V), eta_g0 = alpha_g - (theta_g1 + theta_g2) / 3, eta_ga = eta_g0 + theta_ga.

    exchangeable arms   theta_ga = mu + tau_arms b_a + tau z_g + tau_int w_ga
    separate arms       theta_ga = mu_a + tau z_g + tau_int w_ga
    alpha_g ~ N(0, 1.5^2), every mu ~ N(0, 0.5^2), b, z, w ~ N(0, 1), every tau half-normal of scale 0.25.
    Given the taus, q = (alpha_a, alpha_b, theta_a1, theta_a2, theta_b1, theta_b2, mu...) is normal. The taus are integrated over
    Gauss-Legendre nodes on [0, end] each; what lies beyond is dropped."""
    T, W = np.polynomial.legendre.leggauss(nodes)
    T, W = (T + 1.0) * end / 2.0, W * end / 2.0
    names = ["tau", "tau_int"] if separate else ["tau_arms", "tau", "tau_int"]
    grid = np.array(list(itertools.product(T, repeat=len(names))))
    volume = np.prod(list(itertools.product(W, repeat=len(names))), axis=1)
    place = [(g, a) for g in range(2) for a in (1, 2)]
    same_g = np.array([[float(g == h) for h, _ in place] for g, _ in place])
    same_a = np.array([[float(a == b) for _, b in place] for _, a in place])
    number = 2 if separate else 1
    # theta = F mu + the rest.
    F = np.array([[float(a == b) for b in (1, 2)] for _, a in place]) if separate else np.ones((4, 1))
    L = np.zeros((6, 6 + number))
    for g in range(2):
        for a in ARMS:
            L[3 * g + a, g] = 1.0
            L[3 * g + a, 2 + 2 * g : 4 + 2 * g] = -1.0 / 3.0
            if a > 0:
                L[3 * g + a, 2 + 2 * g + a - 1] += 1.0
    total, sums = 0.0, {}
    # In pieces, to keep memory small. One constant keeps the exponentials in range: the likelihood when every tau is 0.1.
    shift = None
    for at in [np.full((1, len(names)), 0.1)] + np.array_split(grid, max(1, len(grid) // 4000)):
        tau = dict(zip(names, at.T))
        rest = tau["tau"][:, None, None] ** 2 * same_g + tau["tau_int"][:, None, None] ** 2 * np.eye(4)
        if not separate:
            rest = rest + tau["tau_arms"][:, None, None] ** 2 * same_a
        Q = np.zeros((len(at), 6 + number, 6 + number))
        Q[:, :2, :2] = 1.5**2 * np.eye(2)
        Q[:, 2:6, 2:6] = 0.25 * F @ F.T + rest
        Q[:, 2:6, 6:] = 0.25 * F
        Q[:, 6:, 2:6] = 0.25 * F.T
        Q[:, 6:, 6:] = 0.25 * np.eye(number)
        S = L @ Q @ L.T + V
        gain = np.swapaxes(np.linalg.solve(S, L @ Q), 1, 2)
        mean = gain @ m
        var = np.diagonal(Q - gain @ L @ Q, axis1=1, axis2=2)
        log = -0.5 * (np.linalg.slogdet(S)[1] + np.linalg.solve(S, np.broadcast_to(m[:, None], (len(at), 6, 1)))[..., 0] @ m)
        if shift is None:
            shift, done = log[0], 0
            continue
        weight = np.exp(log - shift - 0.5 * (at**2).sum(1) / 0.25**2) * volume[done : done + len(at)]
        done += len(at)
        total += weight.sum()
        for name, value in (("mean", mean), ("square", var + mean**2), ("positive", ndtr(mean / np.sqrt(var))), ("tau", at)):
            sums[name] = sums.get(name, 0.0) + weight @ value
    expected = {name: value / total for name, value in sums.items()}
    sd = np.sqrt(expected["square"] - expected["mean"] ** 2)
    return {
        "theta": {"mean": expected["mean"][2:6].reshape(2, 2), "sd": sd[2:6].reshape(2, 2), "positive": expected["positive"][2:6].reshape(2, 2)},
        "alpha": {"mean": expected["mean"][:2], "sd": sd[:2]},
        "mu": {"mean": expected["mean"][6:], "sd": sd[6:]},
        "tau_mean": dict(zip(names, expected["tau"])),
    }


def flat(x):
    return np.concatenate([flat(v) for v in x.values()]) if isinstance(x, dict) else np.ravel(x)


def check_fits():
    """Propensity and outcome fits against a general optimiser, and the score equations summed patient by patient."""
    one = np.ones(N)
    for model, sd in itertools.product(MODELS, PRIORS):
        fits, e = propensity(model, sd, one)
        assert np.abs(e.sum(1) - 1.0).max() < 1e-14
        for (i, Z, intercepts), b in zip(FITS[model], fits):
            precision = (np.arange(Z.shape[1]) >= intercepts) * (0.0 if sd is None else sd**-2.0)
            found = minimize(lambda v: -objective(v.reshape(2, -1), Z, ARM[i], one[i], precision), np.zeros(b.size), method="BFGS", options={"gtol": 1e-6})
            assert np.abs(found.x - b.ravel()).max() < 1e-4
            for j in (1, 2):
                for c in range(Z.shape[1]):
                    score = sum(Z[r, c] * ((ARM[i[r]] == j) - e[i[r], j]) for r in range(len(i)))
                    assert abs(score - precision[c] * b[j - 1, c]) < 1e-11
    w = tilt(e, "overlap") / e[np.arange(N), ARM]
    b, m = outcome(w)
    found = minimize(lambda v: -objective(v[None], OUTCOME, EVENT, w / w.mean(), np.zeros(8)), np.zeros(8), method="BFGS", options={"gtol": 1e-6})
    assert np.abs(found.x - b[0]).max() < 1e-4
    for c in range(8):
        assert abs(sum(w[r] * OUTCOME[r, c] * (EVENT[r] - m[r, ARM[r]]) for r in range(N))) < 1e-11
    # In the regression, patients' own predictions sum to the events of each arm of each subgroup.
    _, m = outcome(one)
    assert np.abs(proportions(m[np.arange(N), ARM], one) - proportions(EVENT, one)).max() < 1e-12


def plain(x):
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, np.ndarray):
        return plain(x.tolist())
    return x.item() if isinstance(x, np.generic) else x


def named(estimand, model, sd, least):
    return {"estimand": estimand, "propensity": model, "prior_sd": sd, "least": least}


def main():
    for row in CELL:
        for i in row:
            assert len(i) >= 20 and 4 <= EVENT[i].sum() <= len(i) - 4
    check_fits()
    one = np.ones(N)

    fitted, table = {}, []
    for model, sd in itertools.product(MODELS, PRIORS):
        fits, e = propensity(model, sd, one)
        fitted[model, sd] = e
        intercepts, slopes = np.empty((2, 2)), np.empty((2, 2, 2))
        for g in range(2):
            b = fits[g] if model == "by_subgroup" else fits[0]
            intercepts[:, g], slopes[:, g] = b[:, 0 if model == "by_subgroup" else g], b[:, -2:]
        table.append({"propensity": model, "prior_sd": sd, "intercepts": intercepts, "slopes": slopes, "e_every_tenth_row": e[::10], "e_least": e.min(0)})

    cases = [(q, v, sd, None) for q in ESTIMANDS for v in MODELS for sd in PRIORS] + [("all", "by_subgroup", None, 0.1)]
    estimates, point = [], {}
    for case in cases:
        estimand, model, sd, least = case
        e = truncated(fitted[model, sd], least)
        assert np.abs(e.sum(1) - 1.0).max() < 1e-14
        p, (b, doubly) = risks(e, estimand, one)
        point[case] = p
        h = tilt(e, estimand)
        differences, size = balance(h / e[np.arange(N), ARM])
        estimates.append(named(*case) | {"shares": shares(h)} | {name: summary(p[name]) for name in ESTIMATORS}
                         | {"balance": differences, "effective_size": size, "doubly_robust_slopes": doubly[0, 6:]})

    u = 0.5 + (np.arange(N) * 7919 % 1000) / 1000.0
    fixed = []
    for estimand, model in (("overlap", "by_subgroup"), ("all", "shared")):
        _, e = propensity(model, None, u)
        p, _ = risks(e, estimand, u)
        fixed.append(named(estimand, model, None, None) | {name: summary(p[name]) for name in ESTIMATORS})

    boot = []
    draws = bootstrap("overlap", "by_subgroup", 101)
    within = {}
    for name, x in draws.items():
        pairs = [covariance(x[:, g]) for g in range(2)]
        within[name] = {"log_odds_covariance": np.array([c for c, _ in pairs]), "log_odds_covariance_mcse": np.array([s for _, s in pairs])}
    boot.append(named("overlap", "by_subgroup", None, None) | {"draws": DRAWS, "within": within})
    full, mcse = covariance(bootstrap("all", "shared", 102)["weighted"].reshape(DRAWS, 6))
    boot.append(named("all", "shared", None, None) | {"draws": DRAWS, "full": {"weighted": {"log_odds_covariance": full, "log_odds_covariance_mcse": mcse}}})

    m = logit(point["overlap", "by_subgroup", None, None]["weighted"][:2]).ravel()
    V = np.zeros((6, 6))
    for g in range(2):
        V[3 * g : 3 * g + 3, 3 * g : 3 * g + 3] = within["weighted"]["log_odds_covariance"][g]
    result = {"m": m, "V": V}
    for name in ("exchangeable", "separate"):
        result[name] = posterior(m, V, name == "separate", 32, 1.5)
        finer = posterior(m, V, name == "separate", 48, 1.75)
        assert np.abs(flat(result[name]) - flat(finer)).max() < 1e-7

    out = {
        "about": "Made by weighting_arms.py, whose docstring describes the arrays. Populations: subgroup a, subgroup b, all patients.",
        "subgroups": SUBGROUPS,
        "arms": ARMS,
        "pairs": PAIRS,
        "covariates": COVARIATES,
        "columns": ["subgroup", "arm", "outcome"] + COVARIATES,
        "rows": [[SUBGROUPS[g], int(a), int(y), float(x), int(z)] for g, a, y, x, z in zip(GROUP, ARM, EVENT, X1, X2)],
        "counts": [[[len(i), int(EVENT[i].sum())] for i in row] for row in CELL],
        "standardisation": {"mean": MEAN, "sd": SD},
        "propensity": table,
        "outcome": {"intercepts": b[0, :6].reshape(2, 3), "slopes": b[0, 6:]},
        "estimates": estimates,
        "fixed_weights": fixed,
        "bootstrap": boot,
        "posterior": result,
    }
    text = re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"(?<=\[) | (?=\])", "", re.sub(r"\s+", " ", found[0])), json.dumps(plain(out), indent=1))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "weighting_arms.json"), "w") as file:
        file.write(text + "\n")


if __name__ == "__main__":
    main()
