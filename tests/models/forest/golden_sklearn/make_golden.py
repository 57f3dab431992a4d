#!/usr/bin/env python3
"""Writes the golden models beside this script, with one version of scikit-learn and deploy/export_sklearn.py.

    for v in 1.4.2 1.9.1; do
      python3 -m venv /tmp/skl-$v && /tmp/skl-$v/bin/pip install "scikit-learn==$v" numpy
      /tmp/skl-$v/bin/python make_golden.py
    done

rows.f32        48 rows x 8 features, float32, little-endian, NaN is missing.
VERSION/        what that scikit-learn fitted:
  NAME.json            the model as export_sklearn.py writes it;
  NAME.expected        what it predicts for rows.f32, little-endian: float64 values [rows][value_width] (predict_proba
                       of a classifier), int32 leaves [rows][trees] (where the estimator has `apply`), and int32
                       classes [rows] of a classifier;
  manifest.csv         name,value_width,outputs,trees (0: without leaves).

Column 7 is a category code (12 categories, of which rows hold unseen ones). Models named *_dense take no missing
values: their rows hold 0 instead. Seeds are fixed.
"""
import os
import sys
import warnings

import numpy as np
import sklearn
from sklearn.ensemble import (ExtraTreesClassifier, GradientBoostingClassifier, GradientBoostingRegressor,
                              HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier,
                              RandomForestRegressor)
from sklearn.tree import DecisionTreeRegressor

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "../../../../deploy"))
import export_sklearn  # noqa: E402

warnings.filterwarnings("ignore")
FEATURES = 8
ROWS = 48
VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
manifest = []


def features(rows, seed):
    random = np.random.RandomState(seed)
    x = np.round(random.normal(size=(rows, FEATURES)) * 6) / 4
    x[:, 7] = random.randint(0, 12, rows) * 3
    x[random.uniform(size=x.shape) < 0.1] = np.nan
    return x.astype(np.float32)


def golden_rows():
    x = features(ROWS, 7)
    x[0, :] = np.nan
    x[1, :] = 0.0
    x[2, :7] = -0.0
    x[3, :7] = 1e-42  # denormal
    x[4, :7] = -1e-42
    x[5, :7] = 3e38
    x[6, :7] = -3e38
    x[7, 7] = 37  # never seen
    x[8, 7] = 1000
    x[9, 7] = 4.5
    return x


X = features(500, 1)
GOLDEN = golden_rows()
_filled = np.nan_to_num(X)
SIGNAL = (_filled[:, 0] - _filled[:, 1] * 0.5 + (_filled[:, 2] > 0.5) * _filled[:, 3]
          + np.where(_filled[:, 7] % 2 < 1, 1.5, -0.5) + np.random.RandomState(2).normal(size=len(X)) * 0.3)
BINARY = (SIGNAL > 0).astype(int)
CLASSES = np.digitize(SIGNAL, np.quantile(SIGNAL, (0.33, 0.66)))
COUNTS = np.floor(np.exp(np.clip(SIGNAL * 0.4, -3, 3)))


def fit(name, estimator, label, dense=False, since=(0, 0)):
    if VERSION < since:
        return
    estimator.fit(np.nan_to_num(X) if dense else X, label)
    rows = np.nan_to_num(GOLDEN) if dense else GOLDEN
    folder = os.path.join(FOLDER, sklearn.__version__)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    export_sklearn.save(estimator, path + ".json")
    is_classifier = hasattr(estimator, "classes_")
    value = (estimator.predict_proba(rows) if is_classifier else estimator.predict(rows)).reshape(ROWS, -1)
    leaf = np.zeros((ROWS, 0))
    if hasattr(estimator, "apply"):
        leaf = np.asarray(estimator.apply(rows)).reshape(ROWS, -1)
    with open(path + ".expected", "wb") as out:
        out.write(np.ascontiguousarray(value, "<f8").tobytes())
        out.write(np.ascontiguousarray(leaf, "<i4").tobytes())
        if is_classifier:
            out.write(np.searchsorted(estimator.classes_, estimator.predict(rows)).astype("<i4").tobytes())
    outputs = export_sklearn.to_document(estimator)["num_outputs"]
    manifest.append((name, value.shape[1], outputs, leaf.shape[1]))


def main():
    GOLDEN.astype("<f4").tofile(os.path.join(FOLDER, "rows.f32"))
    small = {"max_depth": 4, "random_state": 3}
    fit("random_forest_classifier", RandomForestClassifier(4, **small), CLASSES, since=(1, 4))
    fit("random_forest_binary", RandomForestClassifier(3, **small), BINARY, since=(1, 4))
    fit("random_forest_regressor", RandomForestRegressor(4, **small), SIGNAL, since=(1, 4))
    fit("random_forest_targets", RandomForestRegressor(3, **small), np.stack([SIGNAL, -2 * SIGNAL], 1), since=(1, 4))
    fit("extra_trees_dense", ExtraTreesClassifier(3, **small), CLASSES, dense=True)
    fit("decision_tree", DecisionTreeRegressor(**small), SIGNAL)
    small["max_depth"] = 3
    fit("gradient_boosting_regressor_dense", GradientBoostingRegressor(n_estimators=4, **small), SIGNAL, dense=True)
    fit("gradient_boosting_binary_dense", GradientBoostingClassifier(n_estimators=4, **small), BINARY, dense=True)
    fit("gradient_boosting_exponential_dense", GradientBoostingClassifier(n_estimators=3, loss="exponential", **small),
        BINARY, dense=True)
    fit("gradient_boosting_classes_dense", GradientBoostingClassifier(n_estimators=3, **small), CLASSES, dense=True)
    fit("gradient_boosting_zero_dense", GradientBoostingRegressor(n_estimators=3, init="zero", **small), SIGNAL,
        dense=True)
    small["max_iter"] = 4
    categorical = dict(small, categorical_features=[7])
    fit("hist_regressor", HistGradientBoostingRegressor(**small), SIGNAL)
    fit("hist_poisson", HistGradientBoostingRegressor(loss="poisson", **small), COUNTS)
    fit("hist_binary", HistGradientBoostingClassifier(**categorical), BINARY)
    fit("hist_classes", HistGradientBoostingClassifier(**categorical), CLASSES)
    fit("hist_categorical", HistGradientBoostingRegressor(**dict(categorical, max_depth=5)), SIGNAL)

    with open(os.path.join(FOLDER, sklearn.__version__, "manifest.csv"), "w") as out:
        for row in manifest:
            out.write(",".join(str(cell) for cell in row) + "\n")
    print("scikit-learn", sklearn.__version__, "wrote", len(manifest), "models")


if __name__ == "__main__":
    sys.exit(main())
