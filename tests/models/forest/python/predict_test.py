"""The package predicts what XGBoost predicts: every golden model, output, layout and option."""

import concurrent.futures
import os
import pathlib
import sys

import espalier_forest
import numpy
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from peer import MODELS, ROWS, booster, matrix, path, same_bits  # noqa: E402

# Rows that a DMatrix takes as they are.
TREES = [model for model in MODELS if not model.stem.startswith("gblinear")]


def train(rows=2000, features=20, rounds=60, seed=3):
    import xgboost

    random = numpy.random.default_rng(seed)
    x = random.normal(size=(rows, features)).astype(numpy.float32)
    x[random.random(x.shape) < 0.06] = numpy.nan
    y = (numpy.nan_to_num(x[:, 0]) + numpy.nan_to_num(x[:, 1]) > 0).astype(float)
    model = xgboost.train({"max_depth": 6, "objective": "binary:logistic", "nthread": 2, "seed": seed}, xgboost.DMatrix(x, y), rounds)
    return model, x


@pytest.fixture(scope="module")
def trained():
    model, x = train()
    return model, espalier_forest.load_bytes(model.save_raw("ubj")), x


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_golden_values_and_margins(model):
    forest = espalier_forest.load(model)
    rows = matrix(model, ROWS)
    same_bits(forest.predict(ROWS), booster(model).predict(rows))
    same_bits(forest.predict(ROWS, output="margin"), booster(model).predict(rows, output_margin=True))


@pytest.mark.parametrize("model", TREES, ids=lambda model: model.stem)
def test_golden_leaves(model):
    theirs = booster(model).predict(matrix(model, ROWS), pred_leaf=True)
    ours = espalier_forest.load(model).predict(ROWS, "leaf")
    assert ours.dtype == numpy.int32
    same_bits(ours, theirs.reshape(len(ROWS), -1))


@pytest.mark.parametrize("name", ["binary_logistic", "multi_softprob", "reg_squarederror"])
def test_golden_contributions(name):
    theirs = booster(path(name)).predict(matrix(path(name), ROWS), pred_contribs=True)
    ours = espalier_forest.load(path(name)).predict(ROWS, output="contributions")
    assert ours.shape == theirs.shape
    numpy.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_classes_are_those_of_the_probabilities():
    model = path("multi_softprob")
    theirs = booster(model).predict(matrix(model, ROWS))
    ours = espalier_forest.load(model).predict(ROWS, output="class")
    same_bits(ours, theirs.argmax(axis=1).astype(numpy.int32))


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_layouts_give_the_same_bits(trained, threads):
    model, forest, x = trained
    theirs = model.inplace_predict(x)
    same_bits(forest.predict(x, threads=threads), theirs)
    # Rows apart: a slice of columns in the middle, every third row, bytes that no float is aligned to.
    wide = numpy.full((len(x), x.shape[1] + 7), numpy.nan, numpy.float32)
    wide[:, 3:-4] = x
    same_bits(forest.predict(wide[:, 3:-4], threads=threads), theirs)
    same_bits(forest.predict(x[::3], threads=threads), theirs[::3])
    raw = numpy.zeros(x.nbytes + 1, numpy.uint8)
    unaligned = raw[1:].view()
    unaligned[:] = x.view(numpy.uint8).reshape(-1)
    same_bits(forest.predict(numpy.ndarray(x.shape, numpy.float32, raw, 1), threads=threads), theirs)
    same_bits(forest.predict(x.astype(numpy.float64), threads=threads), theirs)
    read_only = x.copy()
    read_only.flags.writeable = False
    same_bits(forest.predict(read_only, threads=threads), theirs)
    same_bits(forest.predict(memoryview(x), threads=threads), theirs)
    # Of one row, or of one column, the other stride means nothing.
    same_bits(forest.predict(numpy.asfortranarray(x[:1])), theirs[:1])
    same_bits(forest.predict(x[::-1][:1]), theirs[-1:])


def test_float64_is_rounded_as_xgboost_rounds(trained):
    model, forest, x = trained
    random = numpy.random.default_rng(5)
    wide = x.astype(numpy.float64) * (1 + random.normal(size=x.shape) * 1e-8)
    import xgboost

    same_bits(forest.predict(wide), model.predict(xgboost.DMatrix(wide)))


@pytest.mark.parametrize("iterations", [(0, 0), (0, 1), (3, 17), (59, 60), (10, 0)])
def test_iterations(trained, iterations):
    model, forest, x = trained
    begin, end = iterations
    theirs = model.inplace_predict(x, iteration_range=(begin, end or 60), predict_type="margin")
    same_bits(forest.predict(x, "margin", iterations=iterations), theirs)


@pytest.mark.parametrize("kind", [numpy.float32, numpy.float64, list])
def test_base_margin(trained, kind):
    model, forest, x = trained
    margins = numpy.linspace(-2, 2, len(x), dtype=numpy.float32)
    theirs = model.inplace_predict(x, base_margin=margins)
    given = margins.tolist() if kind is list else margins.astype(kind)
    same_bits(forest.predict(x, base_margin=given), theirs)


def test_out_is_filled_and_returned(trained):
    model, forest, x = trained
    out = numpy.full(len(x), -1, numpy.float32)
    assert forest.predict(x, out=out) is out
    same_bits(out, model.inplace_predict(x))
    leaves = numpy.empty((len(x), 60), numpy.int32)
    assert forest.predict(x, "leaf", out=leaves) is leaves


def test_no_rows(trained):
    _, forest, x = trained
    assert forest.predict(x[:0]).shape == (0,)
    assert forest.predict(x[:0], "leaf").shape == (0, 60)
    assert forest.predict(x[:0], "contributions").shape == (0, 21)


def test_threads_predict_at_the_same_time(trained):
    model, forest, x = trained
    theirs = model.inplace_predict(x)

    def work(number):
        for i in range(60):
            part = slice((number * 31 + i * 7) % 1000, (number * 31 + i * 7) % 1000 + 1 + i * 9)
            if not numpy.array_equal(forest.predict(x[part]), theirs[part]):
                return False
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))


def test_what_a_model_says_of_itself():
    forest = espalier_forest.load(str(path("feature_names")))
    theirs = booster(path("feature_names"))
    assert forest.feature_names == theirs.feature_names
    assert forest.num_features == theirs.num_features()
    assert forest.num_iterations == theirs.num_boosted_rounds()
    assert forest.objective == "binary:logistic"
    assert forest.version == "3.2.0"
    assert forest.format == "xgboost_ubj"
    assert forest.best_iteration is None
    assert espalier_forest.load(path("best_iteration")).best_iteration == booster(path("best_iteration")).best_iteration
    assert espalier_forest.load(path("binary_logistic")).feature_names is None
    assert espalier_forest.__version__ == "0.1.0"


def test_files_that_cannot_be_loaded(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.ubj: No such file"):
        espalier_forest.load(tmp_path / "nothing.ubj")
    with pytest.raises(OSError, match="is a directory; a regular file is needed"):
        espalier_forest.load(os.fsencode(tmp_path))
    (tmp_path / "half.ubj").write_bytes(path("binary_logistic").read_bytes()[:-200])
    with pytest.raises(ValueError, match="half.ubj"):
        espalier_forest.load(tmp_path / "half.ubj")
    for bad in (None, 7, 1.5, [], object()):
        with pytest.raises(TypeError):
            espalier_forest.load(bad)
        with pytest.raises(TypeError):
            espalier_forest.load_bytes(bad)
    with pytest.raises(ValueError):
        espalier_forest.load("a\0b")
    with pytest.raises(ValueError):
        espalier_forest.load_bytes(b"")
    with pytest.raises(TypeError):
        espalier_forest.Forest()
