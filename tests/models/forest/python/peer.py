"""XGBoost's own predictions of the golden models, beside those of the package."""

import functools
import pathlib

import numpy
import xgboost

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
ROWS = numpy.fromfile(GOLDEN / "rows.f32", "<f4").reshape(-1, 8)
MODELS = sorted((GOLDEN / "3.2.0").glob("*.ubj"))


def path(name):
    return GOLDEN / "3.2.0" / f"{name}.ubj"


@functools.cache
def booster(model):
    return xgboost.Booster({"nthread": 1}, model_file=str(model))


def matrix(model, rows, **arguments):
    kinds = booster(model).feature_types
    return xgboost.DMatrix(rows, feature_types=kinds, feature_names=booster(model).feature_names, enable_categorical=True,
                           **arguments)


def same_bits(ours, theirs):
    """Equal shapes and bits; a NaN is a NaN."""
    theirs = numpy.asarray(theirs, ours.dtype)
    assert ours.shape == theirs.shape
    assert numpy.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f")
    if ours.dtype.kind == "f":
        assert numpy.array_equal(numpy.signbit(ours), numpy.signbit(theirs))
