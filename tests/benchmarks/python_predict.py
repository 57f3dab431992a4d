#!/usr/bin/env python3
"""One row, and some, from Python: espalier_forest against xgboost's own package, in one process and on one thread.

    tests/benchmarks/python_predict.py [--check] [--slices N]

Needs the packages espalier_forest and xgboost. Models as forest_bench has them, smaller in training: S is 100 trees
of depth 6, M 500. Slices of the two sides alternate; a figure is the median of its slices, in processor time of the
thread. --check exits 1 where one row is not at least 30 times as fast as Booster.inplace_predict.
"""

import argparse
import statistics
import sys
import time

import espalier_forest
import numpy
import xgboost

NEEDED = 30


def train(trees, random):
    x = random.normal(size=(4000, 40)).astype(numpy.float32)
    x[random.random(x.shape) < 0.06] = numpy.nan
    signal = numpy.nan_to_num(x[:, :8]).sum(axis=1) + random.normal(size=len(x))
    parameters = {"max_depth": 6, "objective": "binary:logistic", "eta": 0.1, "nthread": 1, "seed": 1}
    return xgboost.train(parameters, xgboost.DMatrix(x, (signal > 0).astype(float)), trees), x


def slice_of(call, parts, seconds):
    """Microseconds a call, over at least `seconds`."""
    count, begin = 0, time.thread_time()
    while time.thread_time() - begin < seconds:
        for part in parts:
            call(part)
        count += len(parts)
    return (time.thread_time() - begin) / count * 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--slices", type=int, default=20)
    options = parser.parse_args()
    random = numpy.random.default_rng(1)
    good = True
    print(f"{'model':6} {'rows':>5} {'espalier':>10} {'xgboost':>10} {'ratio':>7}   microseconds a call")
    for name, trees in (("S", 100), ("M", 500)):
        booster, x = train(trees, random)
        forest = espalier_forest.load_bytes(booster.save_raw("ubj"))
        if not numpy.array_equal(forest.predict(x), booster.inplace_predict(x)):
            sys.exit(f"model {name}: the predictions differ")
        for rows in (1, 64, 1024):
            parts = [x[i:i + rows] for i in range(0, min(len(x), 50 * rows) - rows + 1, rows)]
            ours, theirs = [], []
            for _ in range(options.slices):
                ours.append(slice_of(forest.predict, parts, 0.01))
                theirs.append(slice_of(booster.inplace_predict, parts, 0.02))
            a, b = statistics.median(ours), statistics.median(theirs)
            print(f"{name:6} {rows:5} {a:10.2f} {b:10.2f} {b / a:6.0f}x")
            good = good and (rows > 1 or b / a >= NEEDED)
    return 0 if good or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
