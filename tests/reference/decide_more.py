#!/usr/bin/env python3
"""More reference values for decisions: other priors, members and pools, layers, interaction tests, shrinkage.

Run with numpy and scipy; writes decide_more.json beside this file (about two minutes). Model and grids as in decide.py,
whose tables of one subgroup's (alpha, theta) it uses; priors are arguments here. Only what needs the dependence between
subgroups (the implied difference without a layer, opposite signs) is simulated, from the gridded posterior.
"""
import json
import os

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit
from scipy.stats import chi2, norm

import decide
from decide import Alpha, DATASETS, Joint, cumulative, log_binomial

N_THETA, N_ALPHA, N_TAU = 8192, 2400, 200
THETA = -decide.HALF_WIDTH + 2 * decide.HALF_WIDTH / N_THETA * np.arange(N_THETA)
H = THETA[1] - THETA[0]
STATED = (0.0, 0.355, 0.5)
NEW = {"function": 0.18, "sich": 0.05}
VALUES = {"function": 0.83 - 0.11, "sich": -0.1, "etiology": 0.83 - 0.11}
SIMULATED = 4_000_000


def tables(name):
    groups = DATASETS[name][2]
    alphas = [Alpha(c, N_ALPHA) for c in groups.values()]
    return list(groups), alphas, [a.likelihood(THETA) for a in alphas]


TABLES = {name: tables(name) for name in ("function", "sich", "etiology", "evt")}


def tau_rule(scale):
    x, w = np.polynomial.legendre.leggauss(N_TAU)
    tau = 10 * scale * (x + 1) / 2
    return tau, w * np.exp(-0.5 * (tau / scale) ** 2)


def predictives(likelihoods, mean, sd, scale):
    """As decide.predictives, mu ~ N(mean, sd^2) and tau ~ half-normal(scale)."""
    frequency = 2 * np.pi * np.fft.rfftfreq(N_THETA, H)
    prior_mu = np.exp(-0.5 * ((THETA - mean) / sd) ** 2)
    transforms = [np.fft.rfft(L) for L in likelihoods]
    out = np.zeros((len(likelihoods) + 1, N_THETA))
    for tau, weight in zip(*tau_rule(scale)):
        smooth = np.exp(-0.5 * (tau * frequency) ** 2)
        M = [np.fft.irfft(t * smooth, N_THETA) for t in transforms]
        for g in range(len(M) + 1):
            product = prior_mu.copy()
            for k in range(len(M)):
                if k != g:
                    product *= M[k]
            out[g] += weight * np.fft.irfft(np.fft.rfft(product) * smooth, N_THETA)
    return np.maximum(out, 0.0)


def posterior(name, prior):
    """By subgroup and for a further one: E RD and P(RD > 0)."""
    groups, alphas, L = TABLES[name]
    R = predictives(L, *prior)
    found = {}
    for g, group in enumerate(groups):
        J = Joint(alphas[g], THETA, L[g], R[g])
        found[group] = {"mean_rd": J.mean_p1 - J.mean_p0, "above": J.total - J.rd_below(0.0)}
    if name in NEW:
        f = R[-1] / (R[-1].sum() * H)
        F = cumulative(f, H)
        zero = int(np.argmin(np.abs(THETA)))
        mean = (expit(logit(NEW[name]) + THETA) * f).sum() * H
        found["new"] = {"mean_rd": mean - NEW[name], "above": F[-1] - F[zero]}
    return found


def between(low, high, mass):
    return (np.log(low) + np.log(high)) / 2, (np.log(high) - np.log(low)) / 2 / norm.ppf(0.5 + mass / 2)


def expected(ratio, beyond):
    return np.log(ratio), abs(np.log(ratio)) / -norm.ppf(beyond)


def library(benefit):
    """benefit: the sign of log odds ratios that are better."""
    out = {}
    for strength, sd, beyond in (("weak", 5.0, 0.30), ("moderate", 0.355, 0.15), ("strong", 0.205, 0.05)):
        lean = np.log(1.5)
        out["neutral-" + strength] = (0.0, sd)
        out["optimistic-" + strength] = (benefit * lean, lean / -norm.ppf(beyond))
        out["pessimistic-" + strength] = (-benefit * lean, lean / -norm.ppf(beyond))
    return out


def gains(found, values=VALUES):
    """Sum of value * E RD where every outcome with a value is reported."""
    names = [set(f) for f in found.values()]
    return {g: sum(values[k] * f[g]["mean_rd"] for k, f in found.items()) for g in sorted(set.intersection(*names))}


def panels():
    stated = {k: posterior(k, STATED) for k in ("function", "sich", "etiology")}
    neutral, sceptic = between(0.5, 2.0, 0.95), expected(0.67, 0.05)
    out = {"members": {}, "pools": {}}
    # rescue-stenting: priors of the first outcome, values of "bleeding first"
    other = {"function": 0.83 - 0.73, "sich": -0.9}
    members = {"neutral": (neutral, VALUES), "sceptic": (sceptic, VALUES), "bleeding first": (neutral, other)}
    found = {m: posterior("function", (*p, 0.5)) for m, (p, _) in members.items()}
    report = lambda f, v: {g: {"benefit": f[g]["above"], "gain": gains({"function": f, "sich": stated["sich"]}, v).get(g)} for g in f}
    out["members"]["rescue-stenting"] = {m: report(found[m], v) for m, (_, v) in members.items()}
    average = {k: np.mean([v[k] for _, v in members.values()]) for k in ("function", "sich")}
    linear = {g: {q: np.mean([f[g][q] for f in found.values()]) for q in ("mean_rd", "above")} for g in found["neutral"]}
    sds = np.array([neutral[1], sceptic[1], neutral[1]])
    means = np.array([neutral[0], sceptic[0], neutral[0]])
    precision = np.mean(1 / sds ** 2)
    pooled = (np.mean(means / sds ** 2) / precision, precision ** -0.5, 0.5)
    out["pools"]["rescue-stenting"] = {"linear": report(linear, average),
                                       "logarithmic": report(posterior("function", pooled), average)}
    # rescue-by-etiology
    operator, sceptic = expected(1.5, 0.05), expected(0.67, 0.15)
    members = {"neutral": (*neutral, 0.5), "operator": (*operator, 0.25), "sceptic": (*sceptic, 0.5)}
    found = {m: posterior("etiology", p) for m, p in members.items()}
    report = lambda f: {g: {"benefit": f[g]["above"], "gain": VALUES["etiology"] * f[g]["mean_rd"]} for g in f}
    out["members"]["rescue-by-etiology"] = {m: report(f) for m, f in found.items()}
    linear = {g: {q: np.mean([f[g][q] for f in found.values()]) for q in ("mean_rd", "above")} for g in found["neutral"]}
    priors = np.array(list(members.values()))
    precision = np.mean(1 / priors[:, 1] ** 2)
    pooled = (np.mean(priors[:, 0] / priors[:, 1] ** 2) / precision, precision ** -0.5, np.mean(1 / priors[:, 2] ** 2) ** -0.5)
    out["pools"]["rescue-by-etiology"] = {"linear": report(linear), "logarithmic": report(posterior("etiology", pooled))}
    # other priors
    better, worse = library(1.0), library(-1.0)
    out["by_prior"] = {
        "rescue-stenting": {n: gains({"function": posterior("function", (*better[n], 0.5)),
                                      "sich": posterior("sich", (*worse[n], 0.5))}) for n in better},
        "rescue-by-etiology": {n: gains({"etiology": posterior("etiology", (*better[n], 0.5))}) for n in better}}
    return out


def simulate(name, seed, n=SIMULATED):
    """Draws of (RD_g) from the joint posterior of all subgroups, mu and tau summed over their grid."""
    rng = np.random.default_rng(seed)
    groups, alphas, L = TABLES[name]
    frequency = 2 * np.pi * np.fft.rfftfreq(N_THETA, H)
    mean, sd, scale = STATED
    kept = np.abs(THETA) < 4
    mu = THETA[kept][::8]
    weights, taus = [], []
    for tau, weight in zip(*tau_rule(scale)):
        M = [np.fft.irfft(np.fft.rfft(l) * np.exp(-0.5 * (tau * frequency) ** 2), N_THETA)[kept][::8] for l in L]
        weights.append(weight * np.exp(-0.5 * ((mu - mean) / sd) ** 2) * np.prod(np.maximum(M, 0), axis=0))
        taus.append(tau)
    weights, taus = np.array(weights), np.array(taus)
    counts = rng.multinomial(n, (weights / weights.sum()).ravel()).reshape(weights.shape)
    grid = THETA[np.abs(THETA) < 8]
    rows = []
    for i, j in zip(*np.nonzero(counts)):
        k = counts[i, j]
        row = []
        for g, alpha in enumerate(alphas):
            density = L[g][np.abs(THETA) < 8] * np.exp(-0.5 * ((grid - mu[j]) / taus[i]) ** 2)
            cdf = np.cumsum(density) - density / 2
            row.append(np.interp(rng.random(k) * cdf[-1], cdf, grid))
        rows.append(np.array(row))
    theta = np.concatenate(rows, axis=1)
    out = np.empty_like(theta)
    for g, alpha in enumerate(alphas):
        y1, n1 = alpha.counts[2:]
        # alpha given theta, by blocks of alike theta
        order = np.argsort(theta[g])
        for block in np.array_split(order, 2000):
            t = theta[g][block].mean()
            density = np.exp(alpha.log_w + log_binomial(y1, n1, alpha.nodes + t))
            cdf = np.cumsum(density) - density / 2
            a = np.interp(rng.random(len(block)) * cdf[-1], cdf, alpha.nodes)
            out[g][block] = expit(a + theta[g][block]) - expit(a)
    return groups, theta, out


def layers():
    groups, _, rd = simulate("etiology", 1)
    shares = np.array([70, 34]) / 221
    of_layer = shares @ rd
    _, alphas, L = TABLES["evt"]
    J = Joint(alphas[0], THETA, L[0], np.exp(-0.5 * (THETA / 0.355) ** 2))
    nodes = np.linspace(-0.3, 0.7, 2001)
    below = np.array([J.rd_below(x) for x in nodes])
    rng = np.random.default_rng(2)
    outer = np.interp(rng.random(len(of_layer)), below, nodes)
    D = outer - of_layer
    etiology = posterior("etiology", STATED)
    return {"outer_benefit": J.total - J.rd_below(0.0), "inner_harm": {g: 1 - f["above"] for g, f in etiology.items()},
            "mean": (J.mean_p1 - J.mean_p0) - sum(s * etiology[g]["mean_rd"] for s, g in zip(shares, groups)),
            "quantiles": {str(p): np.quantile(D, p) for p in (0.025, 0.5, 0.975)}, "benefit": (D > 0).mean()}


def interaction(name):
    groups = list(DATASETS[name][2].values())

    def minus_log_likelihood(x):
        total = 0.0
        for a, (y0, n0, y1, n1) in zip(x[1:], groups):
            total -= log_binomial(y0, n0, a) + log_binomial(y1, n1, a + x[0])
        return float(total)

    best = min((minimize(minus_log_likelihood, np.full(len(groups) + 1, s), method="BFGS", options={"gtol": 1e-10})
                for s in (0.0, -0.5)), key=lambda r: r.fun)
    df = len(groups) - 1
    return {"statistic": 2 * best.fun, "df": df, "p": chi2.sf(2 * best.fun, df)}     # log_binomial is 0 where saturated


def shrinkage(name):
    groups, alphas, L = TABLES[name]
    tau, w = tau_rule(0.5)
    alone_prior = sum(wi * norm.pdf(THETA, 0, np.hypot(0.355, ti)) for ti, wi in zip(tau, w))
    R = predictives(L, *STATED)

    def median(density):
        F = cumulative(density, H)
        return float(np.interp(F[-1] / 2, F, THETA))

    alone = [median(l * alone_prior) for l in L]
    modelled = [median(L[g] * R[g]) for g in range(len(L))]
    return {"alone": dict(zip(groups, np.exp(alone))), "modelled": dict(zip(groups, np.exp(modelled))),
            "shrinkage": 1 - np.std(modelled) / np.std(alone)}


def opposite(name, seed):
    _, theta, _ = simulate(name, seed)
    return float(((theta > 0).any(axis=0) & (theta < 0).any(axis=0)).mean())


def main():
    result = {"note": "Written by decide_more.py. Probabilities and gains are for the event's benefit; gains per patient of the "
                      f"active treatment. layers.quantiles and layers.benefit, and opposite, are simulated ({SIMULATED} draws).",
              **panels(), "layers": layers(),
              "interaction": {k: interaction(k) for k in ("function", "etiology")},
              "shrinkage": {k: shrinkage(k) for k in ("function", "etiology")},
              "opposite": {"function": opposite("function", 3), "etiology": opposite("etiology", 4)}}
    clean = lambda v: ({k: clean(x) for k, x in v.items()} if isinstance(v, dict) else v if isinstance(v, str) or v is None
                       else int(v) if isinstance(v, int) else round(float(v), 10))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "decide_more.json")
    with open(path, "w") as file:
        json.dump(clean(result), file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
