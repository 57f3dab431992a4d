#!/usr/bin/env python3
"""Writes the golden models beside this script, with one version of LightGBM.

    for v in 3.3.5 4.7.0; do
      python3 -m venv /tmp/lgb-$v && /tmp/lgb-$v/bin/pip install "lightgbm==$v" numpy scikit-learn
      /tmp/lgb-$v/bin/python make_golden.py
    done

rows.f32        56 rows x 8 features, float32, little-endian, NaN is missing: what every model predicts.
VERSION/        what that LightGBM wrote:
  NAME.txt             the model, without training parameters;
  NAME.expected        what it predicts for rows.f32 after it has read NAME.txt again, little-endian:
                       float64 values [rows][value_width], float64 margins [rows][outputs], int32 leaf indices
                       [rows][trees], float64 contributions [rows][outputs][features + 1], and float64 values of
                       the iterations [1, 3) [rows][value_width];
  manifest.csv         name,value_width,outputs,trees; value_width 0: a model that the reader must refuse, without
                       .expected.

Training data are multiples of 1/4, so that rows meet thresholds closely; single rows hold -0, denormals, numbers
around 1e-35 (which LightGBM takes for 0) and huge values. Columns 6 and 7 are category codes (4 and 70
categories; rows also hold unseen, negative, broken and huge ones), which models without categories take as
numbers. Seeds are fixed.
"""
import os
import sys
import warnings

import lightgbm as lgb
import numpy as np

warnings.filterwarnings("ignore")
FOLDER = os.path.dirname(os.path.abspath(__file__))
FEATURES = 8
ROWS = 56
# Written by the newest version alone, to keep the folder small: their files differ in the objective only.
NEWEST = (4, 7)
VERSION = tuple(int(part) for part in lgb.__version__.split("."))

manifest = []


def features(rows, seed):
    random = np.random.RandomState(seed)
    x = np.round(random.normal(size=(rows, FEATURES)) * 6) / 4
    x[:, 4] = np.abs(np.round(x[:, 4] * 2))
    x[:, 5] = np.where(random.uniform(size=rows) < 0.5, 0, x[:, 5])
    x[:, 6] = random.randint(0, 4, rows)
    x[:, 7] = random.randint(0, 70, rows)
    x[random.uniform(size=x.shape) < 0.1] = np.nan
    return x.astype(np.float32)


def golden_rows():
    x = features(ROWS, 7)
    x[0, :] = np.nan
    x[1, :] = 0.0
    x[2, :6] = -0.0
    x[3, :6] = 1e-42  # denormal
    x[4, :6] = -1e-42
    x[5, :6] = 3e38
    x[6, :6] = -3e38
    x[7, :6] = np.float32(1e-35)
    x[8, :6] = -np.float32(1e-35)
    x[9, :6] = np.nextafter(np.float32(1e-35), np.float32(1))
    x[10, :6] = -np.nextafter(np.float32(1e-35), np.float32(1))
    x[11, 6:] = (5, 700)  # never seen in training
    x[12, 6:] = (-1, -3)
    x[13, 6:] = (-0.5, -0.25)
    x[14, 6:] = (2.75, 33.5)
    x[15, 6:] = (3e9, -3e9)
    x[16, 6:] = (1e30, 2147483648.0)
    x[17, :] = np.inf
    x[18, :] = -np.inf
    return x


X = features(600, 1)
GOLDEN = golden_rows()
_filled = np.nan_to_num(X)
_noise = np.random.RandomState(2).normal(size=len(X)) * 0.3
SIGNAL = (_filled[:, 0] - _filled[:, 1] * 0.5 + (_filled[:, 2] > 0.5) * _filled[:, 3]
          + np.where(_filled[:, 7] % 5 < 2, 1.5, -0.5) + np.where(_filled[:, 6] == 2, 1.0, 0.0)
          + np.isnan(X[:, 5]) * 0.8 + _noise)
BINARY = (SIGNAL > 0).astype(float)
CLASSES = np.digitize(SIGNAL, np.quantile(SIGNAL, (0.33, 0.66))).astype(float)
COUNTS = np.floor(np.exp(np.clip(SIGNAL * 0.4, -3, 3)))
POSITIVE = np.exp(SIGNAL * 0.3)
SHARE = 1 / (1 + np.exp(-SIGNAL))
RELEVANCE = np.digitize(SIGNAL, np.quantile(SIGNAL, (0.5, 0.8))).astype(float)


def save(name, booster, refused=False):
    folder = os.path.join(FOLDER, lgb.__version__)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    text = booster.model_to_string()
    text = text[:text.index("end of trees") + len("end of trees\n")]
    with open(path + ".txt", "w") as out:
        out.write(text)
    if refused:
        manifest.append((name, 0, 0, 0))
        return
    again = lgb.Booster(model_file=path + ".txt")
    outputs = again.num_model_per_iteration()
    parts = [again.predict(GOLDEN).reshape(ROWS, -1).astype("<f8"),
             again.predict(GOLDEN, raw_score=True).reshape(ROWS, -1).astype("<f8"),
             again.predict(GOLDEN, pred_leaf=True).reshape(ROWS, -1).astype("<i4"),
             again.predict(GOLDEN, pred_contrib=True).reshape(ROWS, -1).astype("<f8"),
             again.predict(GOLDEN, start_iteration=1, num_iteration=2).reshape(ROWS, -1).astype("<f8")]
    with open(path + ".expected", "wb") as out:
        for part in parts:
            out.write(np.ascontiguousarray(part).tobytes())
    manifest.append((name, parts[0].shape[1], outputs, parts[2].shape[1]))


def train(name, parameters, label, rounds=4, categorical=(), structure=False, refused=False, x=X, **arguments):
    if VERSION[:2] != NEWEST and not structure:
        return
    settings = {"num_leaves": 8, "learning_rate": 0.4, "num_threads": 1, "seed": 3, "verbosity": -1,
                "min_data_in_leaf": 5, "deterministic": True, "force_row_wise": True}
    data_keys = ("zero_as_missing", "use_missing", "linear_tree", "max_bin")
    settings.update(parameters)
    data = lgb.Dataset(x, label, categorical_feature=list(categorical), free_raw_data=False,
                       params={key: settings[key] for key in data_keys if key in settings}, **arguments)
    save(name, lgb.train(settings, data, rounds), refused)


def main():
    GOLDEN.astype("<f4").tofile(os.path.join(FOLDER, "rows.f32"))
    train("regression", {"objective": "regression"}, SIGNAL, structure=True)
    train("regression_sqrt", {"objective": "regression", "reg_sqrt": True}, SIGNAL, structure=True)
    train("regression_l1_sqrt", {"objective": "regression_l1", "reg_sqrt": True}, SIGNAL)
    train("regression_l1", {"objective": "regression_l1"}, SIGNAL)
    train("huber", {"objective": "huber", "reg_sqrt": True}, SIGNAL)
    train("fair", {"objective": "fair"}, SIGNAL)
    train("poisson", {"objective": "poisson"}, COUNTS)
    train("quantile", {"objective": "quantile", "alpha": 0.7}, SIGNAL)
    train("mape", {"objective": "mape"}, POSITIVE)
    train("gamma", {"objective": "gamma"}, POSITIVE)
    train("tweedie", {"objective": "tweedie", "tweedie_variance_power": 1.3}, POSITIVE)
    train("binary", {"objective": "binary"}, BINARY, structure=True)
    train("binary_sigmoid", {"objective": "binary", "sigmoid": 1.3737}, BINARY)
    train("multiclass", {"objective": "multiclass", "num_class": 3}, CLASSES, rounds=3, structure=True)
    train("multiclassova", {"objective": "multiclassova", "num_class": 3, "sigmoid": 0.7}, CLASSES, rounds=3)
    train("cross_entropy", {"objective": "cross_entropy"}, SHARE)
    train("cross_entropy_lambda", {"objective": "cross_entropy_lambda"}, SHARE)
    train("lambdarank", {"objective": "lambdarank"}, RELEVANCE, group=[20] * 30)
    train("rank_xendcg", {"objective": "rank_xendcg"}, RELEVANCE, group=[20] * 30)

    train("missing_zero", {"objective": "regression", "zero_as_missing": True}, SIGNAL, structure=True)
    train("missing_none", {"objective": "regression"}, SIGNAL, x=np.nan_to_num(X), structure=True)
    train("missing_unused", {"objective": "regression", "use_missing": False}, SIGNAL)
    train("categorical", {"objective": "binary", "min_data_per_group": 5, "cat_smooth": 1}, BINARY,
          categorical=(6, 7), structure=True)
    train("categorical_onehot", {"objective": "regression", "max_cat_to_onehot": 100}, SIGNAL, categorical=(6, 7))
    train("categorical_zero", {"objective": "regression", "zero_as_missing": True, "min_data_per_group": 5}, SIGNAL,
          categorical=(6, 7), structure=True)
    train("rf", {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7,
                 "feature_fraction": 0.8}, BINARY, structure=True)
    train("rf_multiclass", {"objective": "multiclass", "num_class": 3, "boosting": "rf", "bagging_freq": 1,
                            "bagging_fraction": 0.7}, CLASSES, rounds=3)
    train("dart", {"objective": "regression", "boosting": "dart", "drop_rate": 0.5}, SIGNAL)
    train("deep", {"objective": "regression", "num_leaves": 60, "min_data_in_leaf": 1, "max_bin": 500}, SIGNAL, rounds=3)
    train("stumps_and_leaves", {"objective": "regression", "min_gain_to_split": 150.0}, SIGNAL, rounds=6)
    train("constant", {"objective": "regression"}, np.full(len(X), 1.25), rounds=3)
    train("linear_tree", {"objective": "regression", "linear_tree": True}, SIGNAL, refused=True, rounds=2)

    with open(os.path.join(FOLDER, lgb.__version__, "manifest.csv"), "w") as out:
        for row in manifest:
            out.write(",".join(str(cell) for cell in row) + "\n")
    print("LightGBM", lgb.__version__, "wrote", len(manifest), "models")


if __name__ == "__main__":
    sys.exit(main())
