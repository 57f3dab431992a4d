"""Model repositories for tests: models that XGBoost trains in a moment, and what XGBoost predicts with them."""

import functools

import numpy as np
import xgboost

PLAIN_FEATURES = 6
NAMES = ["age", "balance", "income", "region"]


def rows(count, features=PLAIN_FEATURES, seed=1, missing=0.1):
    """Random float32 rows, some of them missing."""
    generator = np.random.default_rng(seed)
    data = generator.normal(size=(count, features)).astype(np.float32)
    data[generator.random(data.shape) < missing] = np.nan
    return data


@functools.cache
def booster(objective="binary:logistic", features=PLAIN_FEATURES, rounds=20, seed=1, names=None, **parameters):
    """A small booster; the same arguments give the same one."""
    data = rows(400, features, seed)
    score = np.nansum(data[:, :3], axis=1)
    classes = parameters.get("num_class", 2)
    label = np.clip((score + classes / 2).astype(int), 0, classes - 1) if objective.startswith(("binary", "multi")) else score
    matrix = xgboost.DMatrix(data, label, feature_names=list(names) if names else None)
    return xgboost.train({"objective": objective, "max_depth": 4, "seed": seed, "nthread": 1, **parameters}, matrix, rounds)


def truth(model, data, **options):
    """XGBoost's own prediction."""
    names = model.feature_names
    return model.predict(xgboost.DMatrix(data, feature_names=names, nthread=1), **options)


def add(repository, name, versions, extension="ubj", config=None):
    """Writes {version: booster} in Triton's layout."""
    for version, model in versions.items():
        folder = repository / name / str(version)
        folder.mkdir(parents=True)
        model.save_model(folder / f"xgboost.{extension}")
    if config is not None:
        (repository / name / "config.pbtxt").write_text(config)


# plain: two versions of six features. multi: four classes. named: version 2 asks for one more column.
PLAIN = {1: booster(seed=1), 2: booster(seed=2)}
MULTI = booster("multi:softprob", num_class=4, seed=3)
REGRESSION = booster("reg:squarederror", seed=4)
NAMED = {1: booster(features=3, names=tuple(NAMES[:3]), seed=5), 2: booster(features=4, names=tuple(NAMES), seed=6)}


def build(folder):
    """The repository that most tests share."""
    add(folder, "plain", PLAIN)
    add(folder, "multi", {1: MULTI}, extension="json")
    add(folder, "regression", {1: REGRESSION})
    add(folder, "named", NAMED)
    add(folder, "batched", {1: PLAIN[1]}, config='name: "batched"\nbackend: "fil"\nmax_batch_size: 8\n'
        'input [{ name: "input__0" data_type: TYPE_FP32 dims: [ 6 ] }]\n'
        'output [{ name: "output__0" data_type: TYPE_FP32 dims: [ 1 ] }]\n')
    return folder
