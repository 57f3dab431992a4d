#!/usr/bin/env python3
"""Writes golden.json: what scipy, statsmodels and gbstats say about small experiments.

    pip install scipy statsmodels gbstats==0.8.0
    python3 make_golden.py > golden.json

Each comparison lists its units as [m, d, x] (numerator, denominator, covariate).
"""
import json
import sys

import numpy as np
from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig, GaussianPrior
from gbstats.frequentist.tests import (FrequentistConfig, SequentialConfig, SequentialTwoSidedTTest,
                                       TwoSidedTTest)
from gbstats.models.statistics import (ProportionStatistic, RatioStatistic, RegressionAdjustedStatistic,
                                       SampleMeanStatistic, compute_theta)
from scipy import stats
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(20130101)
ALPHA, N_STAR = 0.05, 3000


def mean_statistic(m):
    return SampleMeanStatistic(n=len(m), sum=float(m.sum()), sum_squares=float((m * m).sum()))


def ratio_statistic(m, d):
    return RatioStatistic(n=len(m), m_statistic=mean_statistic(m), d_statistic=mean_statistic(d),
                          m_d_sum_of_products=float((m * d).sum()))


def adjusted_statistics(arms):
    made = [RegressionAdjustedStatistic(n=len(m), post_statistic=mean_statistic(m), pre_statistic=mean_statistic(x),
                                        post_pre_sum_of_products=float((m * x).sum()), theta=0) for m, x in arms]
    theta = compute_theta(*made)
    for statistic in made:
        statistic.theta = theta
    return made


def frequentist(test, config, control, treatment):
    out = {}
    for kind in ("absolute", "relative"):
        result = test(control, treatment, config(difference_type=kind)).compute_result()
        out[kind] = {"effect": result.expected, "low": result.ci[0], "high": result.ci[1], "p": result.p_value}
    return out


def sequential_config(difference_type):
    return SequentialConfig(difference_type=difference_type, alpha=ALPHA, sequential_tuning_parameter=N_STAR)


def fixed_config(difference_type):
    return FrequentistConfig(difference_type=difference_type, alpha=ALPHA)


def bayesian(control, treatment):
    # The prior is on the relative lift.
    config = EffectBayesianConfig(difference_type="relative", prior_type="relative", alpha=ALPHA,
                                  prior_effect=GaussianPrior(mean=0, variance=0.3**2, proper=True))
    result = EffectBayesianABTest(control, treatment, config).compute_result()
    return {"relative": {"effect": result.expected, "low": result.ci[0], "high": result.ci[1]},
            "chance_to_win": result.chance_to_win}


def comparison(name, kind, control, treatment, statistics, adjusted=False, with_bayesian=False):
    case = {"name": name, "type": kind, "adjusted": adjusted,
            "control": [list(map(float, unit)) for unit in control],
            "treatment": [list(map(float, unit)) for unit in treatment],
            "sequential": frequentist(SequentialTwoSidedTTest, sequential_config, *statistics),
            "fixed": frequentist(TwoSidedTTest, fixed_config, *statistics)}
    if with_bayesian:
        case["bayesian"] = bayesian(*statistics)
    return case


def units(m, d=None, x=None):
    d = np.ones(len(m)) if d is None else d
    x = np.zeros(len(m)) if x is None else x
    return np.round(np.stack([m, d, x], axis=1), 6)


def comparisons():
    a, b = np.round(rng.normal(10, 3, 180), 6), np.round(rng.normal(11, 4, 150), 6)
    case = comparison("mean", "mean", units(a), units(b), [mean_statistic(a), mean_statistic(b)], with_bayesian=True)
    scipy_test = stats.ttest_ind(b, a, equal_var=False)
    interval = scipy_test.confidence_interval(0.95)
    case["fixed"]["absolute"] = {"effect": float(b.mean() - a.mean()), "low": float(interval.low),
                                 "high": float(interval.high), "p": float(scipy_test.pvalue)}
    yield case

    a, b = a + 1e9, b + 1e9  # values that are large beside their spread; moments around the mean survive it
    scipy_test = stats.ttest_ind(b - 1e9, a - 1e9, equal_var=False)
    interval = scipy_test.confidence_interval(0.95)
    case = comparison("shifted", "mean", units(a), units(b), [mean_statistic(a - 1e9), mean_statistic(b - 1e9)])
    case["fixed"]["absolute"] = {"effect": float((b - 1e9).mean() - (a - 1e9).mean()), "low": float(interval.low),
                                 "high": float(interval.high), "p": float(scipy_test.pvalue)}
    for engine in ("sequential", "fixed"):
        del case[engine]["relative"]
    yield case

    a, b = (rng.random(400) < 0.2).astype(float), (rng.random(420) < 0.3).astype(float)
    yield comparison("proportion", "proportion", units(a), units(b),
                     [ProportionStatistic(n=len(m), sum=float(m.sum())) for m in (a, b)], with_bayesian=True)

    d_a, d_b = rng.integers(1, 9, 250).astype(float), rng.integers(1, 9, 240).astype(float)
    m_a = np.round(d_a * rng.normal(0.17, 0.05, 250) + rng.normal(0, 0.1, 250), 6)
    m_b = np.round(d_b * rng.normal(0.15, 0.05, 240) + rng.normal(0, 0.1, 240), 6)
    yield comparison("ratio", "ratio", units(m_a, d_a), units(m_b, d_b),
                     [ratio_statistic(m_a, d_a), ratio_statistic(m_b, d_b)], with_bayesian=True)

    x_a, x_b = np.round(rng.normal(5, 1, 200), 6), np.round(rng.normal(5, 1, 210), 6)
    m_a = np.round(2 * x_a + rng.normal(0, 0.7, 200), 6)
    m_b = np.round(2 * x_b + rng.normal(0.2, 0.7, 210), 6)
    yield comparison("cuped", "mean", units(m_a, x=x_a), units(m_b, x=x_b),
                     adjusted_statistics([(m_a, x_a), (m_b, x_b)]), adjusted=True)


def one_sided(units_count, alpha, n_star):
    rho2 = (-2 * np.log(2 * alpha) + np.log(1 - 2 * np.log(2 * alpha))) / n_star
    nr = units_count * rho2
    return float(np.sqrt(2 * (nr + 1) / nr * np.log(1 + np.sqrt(nr + 1) / (2 * alpha))))


def quantiles():
    for q, size in ((0.5, 200), (0.9, 400), (0.97, 1000)):
        values = np.round(rng.lognormal(0, 0.5, size), 4).astype(np.float32)
        z = stats.norm.ppf(0.975)
        half = z * np.sqrt(q * (1 - q) / size)
        low, high = np.quantile(values.astype(float), [q - half, q + half])
        yield {"q": q, "values": [float(v) for v in values], "mean": float(np.quantile(values.astype(float), q)),
               "standard_error": float((high - low) / (2 * z))}


def main():
    srm = []
    for observed, shares in (([5100, 4900], [1, 1]), ([3334, 3290, 3376], [1, 1, 1]), ([9120, 480, 400], [.9, .05, .05])):
        expected = np.array(shares) / np.sum(shares) * np.sum(observed)
        result = stats.chisquare(observed, expected)
        srm.append({"units": observed, "shares": shares, "chi2": float(result.statistic), "p": float(result.pvalue)})
    holm = []
    for p in ([0.01, 0.04, 0.03, 0.005], [0.5], [0.2, 0.2, 0.01], [1.0, 0.0001, 0.6, 0.02, 0.021]):
        holm.append({"p": p, "adjusted": list(map(float, multipletests(p, method="holm")[1]))})
    widths = [{"units": n, "alpha": a, "n_star": s, "width": one_sided(n, a, s)}
              for n, a, s in ((1000, .05, 5000), (5000, .05, 5000), (100000, .01, 3000))]
    json.dump({"alpha": ALPHA, "n_star": N_STAR, "comparisons": list(comparisons()), "srm": srm, "holm": holm,
               "one_sided": widths, "quantiles": list(quantiles())}, sys.stdout, separators=(",", ":"))
    print()


main()
