#!/usr/bin/env python3
"""Writes the golden models beside this script, with one version of XGBoost.

    for v in 0.90 1.0.2 1.2.1 1.3.3 1.7.6 2.0.3 2.1.4 3.0.5 3.2.0; do
      python3 -m venv /tmp/xgb-$v && /tmp/xgb-$v/bin/pip install "xgboost==$v" 'numpy<2' scipy pandas
      /tmp/xgb-$v/bin/python make_golden.py
    done

rows.f32        48 rows x 8 features, float32, little-endian, NaN is missing: what every model predicts.
VERSION/        what that XGBoost wrote:
  NAME.json NAME.ubj   the model (UBJSON from 1.6 on);
  NAME.model           the same in the old binary format (0.90, 1.2, 1.7 and 2.0, of which all but 1.7 write no other);
  NAME.expected        what it predicts for rows.f32, little-endian, one after another:
                       float32 values [rows][value_width], float32 margins [rows][outputs],
                       int32 leaf indices [rows][trees] (none of a linear model);
  category_names.csv   rows.f32 as the data frame that this model was predicted on, unseen categories missing;
  category_names.by_name   the float32 values of it;
  manifest.csv         name,formats,value_width,outputs,trees,best_iteration (-1: none); value_width 0: a model
                       that the reader must refuse, without .expected (none is, now).

All numbers of rows and training data are multiples of 1/4, so that values meet thresholds exactly; single rows
hold -0, denormals and huge values. Columns 6 and 7 are category codes (4 and 12 categories, and one unseen
code), which models without categories take as numbers. Seeds are fixed.
"""
import os
import sys
import warnings

import numpy as np
import xgboost as xgb

warnings.filterwarnings("ignore")
VERSION = tuple(int(part) for part in xgb.__version__.split("."))
FOLDER = os.path.dirname(os.path.abspath(__file__))
FEATURES = 8


def features(rows, seed):
    random = np.random.RandomState(seed)
    x = np.round(random.normal(size=(rows, FEATURES)) * 6) / 4
    x[:, 4] = np.abs(np.round(x[:, 4] * 2))
    x[:, 6] = random.randint(0, 4, rows)
    x[:, 7] = random.randint(0, 12, rows)
    x[random.uniform(size=x.shape) < 0.1] = np.nan
    return x.astype(np.float32)


def golden_rows():
    x = features(48, 7)
    x[0, :] = np.nan
    x[1, :] = 0.0
    x[2, :6] = -0.0
    x[3, :6] = 1e-42  # denormal
    x[4, :6] = -1e-42
    x[5, :6] = 3e38
    x[6, :6] = -3e38
    x[7, 6:] = (5, 40)  # never seen in training
    return x


X = features(400, 1)
ROWS = golden_rows()
_noise = np.random.RandomState(2).normal(size=400) * 0.3
_filled = np.nan_to_num(X)
SIGNAL = (_filled[:, 0] - _filled[:, 1] * 0.5 + (_filled[:, 2] > 0.5) * _filled[:, 3]
          + np.where(np.isin(_filled[:, 7], (1, 4, 5, 9)), 1.5, -0.5)
          + np.where(_filled[:, 6] == 2, 1.0, 0.0) + np.isnan(X[:, 5]) * 0.8 + _noise)
REAL = SIGNAL
BINARY = (SIGNAL > 0).astype(float)
CLASSES = np.digitize(SIGNAL, np.quantile(SIGNAL, (0.33, 0.66))).astype(float)
COUNTS = np.floor(np.exp(np.clip(SIGNAL * 0.4, -3, 3)))
POSITIVE = np.exp(SIGNAL * 0.3)
RELEVANCE = np.digitize(SIGNAL, np.quantile(SIGNAL, (0.5, 0.8))).astype(float)
TARGETS = np.stack([SIGNAL, SIGNAL * -0.5 + 1], axis=1)

# To keep the folder small: models whose files differ in structure, not only in the objective, are written in
# both formats by every version, the others in both by 3.2 only, and 3.0 writes no others.
STRUCTURES = {"binary_logistic", "multi_softprob", "quantile_three", "multi_target", "random_forest",
              "exact_pruned", "categorical_onehot", "categorical_partition", "feature_names", "dart",
              "best_iteration", "gblinear", "gblinear_multi", "vector_leaf", "vector_leaf_multi", "category_names"}

# The binary format, and what it is tried on: its structures, and the base scores that it holds differently.
BINARY_VERSIONS = {(0, 90): True, (1, 2, 1): True, (1, 7, 6): False, (2, 0, 3): True}  # nothing but the binary format
BINARY_FORMAT = VERSION in BINARY_VERSIONS
ONLY_BINARY = BINARY_VERSIONS.get(VERSION, False)
BINARY_OBJECTIVES = {"binary_logistic_base_score", "binary_logitraw", "binary_hinge", "reg_squarederror_base_score",
                     "count_poisson", "multi_softmax", "survival_cox", "rank_pairwise", "stumps_and_leaves"}


def formats_of(name):
    formats = []
    if not ONLY_BINARY:
        both = name in STRUCTURES or VERSION >= (3, 2)
        formats = ["json"] + (["ubj"] if VERSION >= (1, 6) and both else [])
    binary = name in STRUCTURES | BINARY_OBJECTIVES and not name.startswith(("categorical", "vector", "refused"))
    return formats + (["model"] if BINARY_FORMAT and binary else [])

manifest = []


def matrix(x, label=None, categorical=False, names=None):
    arguments = {}
    if categorical:
        arguments = {"feature_types": ["q"] * 6 + ["c", "c"], "enable_categorical": True}
    if names:
        arguments["feature_names"] = names
    return xgb.DMatrix(x, label=label, **arguments)


def save(name, booster, predict_on, refused=False):
    folder = os.path.join(FOLDER, xgb.__version__)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    formats = formats_of(name)
    for extension in formats:
        booster.save_model(path + "." + extension)
    if refused:
        manifest.append((name, "+".join(formats), 0, 0, 0, -1))
        return
    rows = len(ROWS)
    # Before 1.0 dart drops trees from predictions too, unless their number is limited.
    limit = {"ntree_limit": 1 << 20} if VERSION < (1,) and name == "dart" else {}
    value = booster.predict(predict_on, **limit).reshape(rows, -1).astype("<f4")
    margin = booster.predict(predict_on, output_margin=True, **limit).reshape(rows, -1).astype("<f4")
    leaf = np.zeros((rows, 0), "<i4")
    if not name.startswith("gblinear"):
        leaf = booster.predict(predict_on, pred_leaf=True).reshape(rows, -1).astype("<i4")
    for extension in formats:  # the file says what the booster in memory says
        try:
            again = xgb.Booster(model_file=path + "." + extension)
        except xgb.core.XGBoostError:
            print("XGBoost", xgb.__version__, "cannot read its own", name, extension)
            continue
        if not np.array_equal(again.predict(predict_on, output_margin=True, **limit).reshape(rows, -1), margin):
            print("XGBoost", xgb.__version__, "reads", name, extension, "differently from what it trained")
    with open(path + ".expected", "wb") as out:
        for part in (value, margin, leaf):
            out.write(part.tobytes())
    best = booster.attributes().get("best_iteration", -1)
    manifest.append((name, "+".join(formats), value.shape[1], margin.shape[1], leaf.shape[1], best))


def train(name, parameters, label, rounds=5, since=(0,), prepare=None, categorical=False, names=None,
          refused=False, **arguments):
    if VERSION < since or (VERSION[:2] == (3, 0) and name not in STRUCTURES) or not formats_of(name):
        return
    data = matrix(X, label, categorical, names)
    if prepare:
        prepare(data)
    settings = {"max_depth": 3, "eta": 0.4, "tree_method": "hist", "nthread": 1, "seed": 3, "verbosity": 0}
    settings.update(parameters)
    booster = xgb.train(settings, data, rounds, verbose_eval=False, **arguments)
    save(name, booster, matrix(ROWS, None, categorical, names), refused)


def groups(data):
    data.set_group([20] * 20)


def censored(data):
    data.set_float_info("label_lower_bound", POSITIVE)
    data.set_float_info("label_upper_bound", np.where(np.arange(400) % 4 == 0, np.inf, POSITIVE))


def category_names():
    """A model that was trained on a data frame, and knows its categories by their names."""
    import pandas
    colors = ["red", "green", "blue, dark", ""]
    numbers = [100, -7, 5] + list(range(20, 29))

    def frame(x, order):
        columns = pandas.DataFrame(x, columns=["f%d" % i for i in range(FEATURES)])
        for name, names in (("f6", colors), ("f7", numbers)):
            codes = columns[name].where(columns[name] < len(names))
            values = [None if np.isnan(code) else names[int(code)] for code in codes]
            columns[name] = pandas.Categorical(values, categories=order(names))
        return columns

    data = xgb.DMatrix(frame(X, list), label=BINARY, enable_categorical=True)
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 4, "max_cat_to_onehot": 6, "nthread": 1, "seed": 3},
                        data, 5)
    # By codes, as every other model.
    booster.feature_names = None
    types = ["q"] * 6 + ["c", "c"]
    save("category_names", booster, xgb.DMatrix(ROWS, feature_types=types, enable_categorical=True))
    # By names, in a frame that numbers its categories in another order; XGBoost recodes them.
    names = ["f%d" % i for i in range(FEATURES)]
    booster.feature_names = names
    path = os.path.join(FOLDER, xgb.__version__, "category_names")
    for extension in ("json", "ubj"):
        booster.save_model(path + "." + extension)
    recoded = frame(ROWS, sorted)
    booster.predict(xgb.DMatrix(recoded, enable_categorical=True)).astype("<f4").tofile(path + ".by_name")
    recoded["f6"] = recoded["f6"].astype(object)
    recoded["f7"] = recoded["f7"].astype(object)
    recoded.to_csv(path + ".csv", index=False, na_rep="NaN")


def main():
    ROWS.astype("<f4").tofile(os.path.join(FOLDER, "rows.f32"))
    probability = {"base_score": 0.5}
    train("binary_logistic", {"objective": "binary:logistic"}, BINARY)
    train("binary_logistic_base_score", {"objective": "binary:logistic", "base_score": 0.3}, BINARY)
    train("binary_logitraw", {"objective": "binary:logitraw"}, BINARY)
    train("binary_hinge", {"objective": "binary:hinge"}, BINARY)
    train("reg_squarederror", {"objective": "reg:squarederror"}, REAL)
    train("reg_squarederror_base_score", {"objective": "reg:squarederror", "base_score": -1.25e-3}, REAL)
    train("reg_squaredlogerror", {"objective": "reg:squaredlogerror"}, POSITIVE)
    train("reg_pseudohubererror", {"objective": "reg:pseudohubererror"}, REAL, since=(1, 3))
    train("reg_absoluteerror", {"objective": "reg:absoluteerror"}, REAL, since=(1, 7))
    train("reg_logistic", {"objective": "reg:logistic"}, 1 / (1 + np.exp(-REAL)))
    train("count_poisson", {"objective": "count:poisson"}, COUNTS)
    train("reg_gamma", {"objective": "reg:gamma"}, POSITIVE)
    train("reg_tweedie", {"objective": "reg:tweedie", "tweedie_variance_power": 1.3}, POSITIVE)
    train("multi_softprob", {"objective": "multi:softprob", "num_class": 3}, CLASSES, rounds=3)
    train("multi_softmax", {"objective": "multi:softmax", "num_class": 3}, CLASSES, rounds=3)
    train("rank_pairwise", {"objective": "rank:pairwise"}, RELEVANCE, prepare=groups)
    train("rank_ndcg", {"objective": "rank:ndcg"}, RELEVANCE, prepare=groups)
    train("rank_map", {"objective": "rank:map"}, (RELEVANCE > 0).astype(float), prepare=groups)
    train("survival_cox", {"objective": "survival:cox"}, np.where(np.arange(400) % 4 == 0, -1, 1) * POSITIVE)
    train("survival_aft", {"objective": "survival:aft", "aft_loss_distribution": "logistic"}, None,
          since=(1, 3), prepare=censored)
    train("quantile_one", {"objective": "reg:quantileerror", "quantile_alpha": 0.7}, REAL, since=(2, 0))
    train("quantile_three", {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, REAL, rounds=3,
          since=(2, 0))
    train("multi_target", {"objective": "reg:squarederror"}, TARGETS, since=(1, 6))
    train("random_forest", {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2,
                            "subsample": 0.8, "colsample_bynode": 0.8}, CLASSES, rounds=3)
    train("exact_pruned", dict(probability, objective="binary:logistic", tree_method="exact", gamma=1.5,
                               max_depth=5), BINARY)
    train("stumps_and_leaves", {"objective": "reg:squarederror", "gamma": 60.0}, REAL, rounds=8)
    train("deep", {"objective": "binary:logistic", "max_depth": 9, "min_child_weight": 0}, BINARY, rounds=2)
    train("lossguide", {"objective": "binary:logistic", "grow_policy": "lossguide", "max_leaves": 10,
                        "max_depth": 0}, BINARY)
    train("categorical_onehot", {"objective": "binary:logistic", "max_cat_to_onehot": 100}, BINARY,
          since=(1, 6), categorical=True)
    train("categorical_partition", {"objective": "binary:logistic", "max_cat_to_onehot": 1}, BINARY,
          since=(1, 6), categorical=True)
    train("feature_names", {"objective": "binary:logistic"}, BINARY,
          names=["age", "dep delay", "größe", "d", "e\\f", "g\"h", "i", "j"])
    train("dart", {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.4}, BINARY)
    watch = matrix(X[:200], np.where(np.arange(200) % 6 == 0, 1 - BINARY[:200], BINARY[:200]))
    train("best_iteration", {"objective": "binary:logistic", "eval_metric": "logloss", "max_depth": 4}, BINARY,
          rounds=30, evals=[(watch, "watch")], early_stopping_rounds=3)

    linear = {"booster": "gblinear", "updater": "coord_descent"}
    train("gblinear", dict(linear, objective="binary:logistic"), BINARY)
    train("gblinear_multi", dict(linear, objective="multi:softprob", num_class=3), CLASSES, rounds=3)

    vectors = {"multi_strategy": "multi_output_tree"}
    train("vector_leaf", dict(vectors, objective="reg:squarederror"), TARGETS, since=(2, 0))
    train("vector_leaf_multi", dict(vectors, objective="multi:softprob", num_class=3, num_parallel_tree=2,
                                    subsample=0.8), CLASSES, rounds=3, since=(2, 0))

    if VERSION >= (3, 1):
        category_names()

    with open(os.path.join(FOLDER, xgb.__version__, "manifest.csv"), "w") as out:
        for row in manifest:
            out.write(",".join(str(cell) for cell in row) + "\n")
    print("XGBoost", xgb.__version__, "wrote", len(manifest), "models")


if __name__ == "__main__":
    sys.exit(main())
