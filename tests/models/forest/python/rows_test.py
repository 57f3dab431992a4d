"""DataFrames: columns by name, categories by name or code, missing values of every kind."""

import pathlib
import sys

import espalier_forest
import numpy
import pandas
import pytest
import xgboost

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from peer import GOLDEN, ROWS, booster, path, same_bits  # noqa: E402

NAMES = booster(path("feature_names")).feature_names
COLORS = ["red", "green", "blue"]


@pytest.fixture(scope="module")
def named():
    return espalier_forest.load(path("feature_names"))


def test_columns_are_found_by_name(named):
    frame = pandas.DataFrame(ROWS, columns=NAMES)
    theirs = booster(path("feature_names")).predict(xgboost.DMatrix(ROWS, feature_names=NAMES))
    same_bits(named.predict(frame), theirs)
    shuffled = frame[NAMES[::-1]].assign(label=1, id="x")
    same_bits(named.predict(shuffled), theirs)
    same_bits(named.predict(frame.astype(numpy.float64)), theirs)
    same_bits(named.predict(frame.set_index(numpy.arange(len(frame))[::-1])), theirs)


def test_without_names_columns_are_in_order():
    forest = espalier_forest.load(path("binary_logistic"))
    frame = pandas.DataFrame(ROWS)
    same_bits(forest.predict(frame), forest.predict(ROWS))
    with pytest.raises(ValueError, match="X has 7 columns; the model has 8 features, without names"):
        forest.predict(frame.iloc[:, :7])


def test_columns_that_are_missing_are_named(named):
    frame = pandas.DataFrame(ROWS, columns=NAMES)
    with pytest.raises(ValueError, match=f"X has no column '{NAMES[0]}', '{NAMES[3]}'$"):
        named.predict(frame.drop(columns=[NAMES[0], NAMES[3]]))
    with pytest.raises(ValueError, match="more than one column 'd'"):
        named.predict(pandas.concat([frame, frame[["d"]]], axis=1))


def test_types_of_numbers(named):
    values = {name: [0, 1, 2, 100] for name in NAMES}
    theirs = named.predict(pandas.DataFrame(values, dtype="float32"))
    for dtype in ("int8", "uint8", "int64", "float16", "Int64", "Float32", "Float64", "UInt8"):
        same_bits(named.predict(pandas.DataFrame(values).astype(dtype)), theirs)
    missing = pandas.DataFrame({name: [None, 1, 2, 100] for name in NAMES}).astype("Int64")
    same_bits(named.predict(missing), named.predict(numpy.ascontiguousarray(missing.astype("float32").to_numpy(numpy.float32))))
    bools = pandas.DataFrame({name: [False, True] for name in NAMES})
    same_bits(named.predict(bools), theirs[:2])
    same_bits(named.predict(bools.astype("boolean")), theirs[:2])


@pytest.mark.parametrize("column,error,words", [
    (["a", "b"], TypeError, "column 'd' has dtype"),
    ([object(), object()], TypeError, "column 'd' has dtype object"),
    ([1 + 2j, 0], TypeError, "column 'd' has dtype complex128"),
    (pandas.to_datetime(["2020-01-01", "2020-01-02"]), TypeError, "column 'd' has dtype datetime64"),
    (pandas.Categorical(["a", "b"]), TypeError, "column 'd' has categories; the model's feature is a number"),
    ([1e300, 0], ValueError, "column 'd', row 0 is 1e\\+300, which float32 cannot hold"),
    (numpy.array([1, 2], numpy.longdouble) * numpy.longdouble("1e300"), ValueError, "which float32 cannot hold"),
], ids=lambda value: str(value)[:40])
def test_columns_that_are_no_numbers(named, column, error, words):
    frame = pandas.DataFrame(numpy.zeros((2, 8), numpy.float32), columns=NAMES)
    frame["d"] = column
    with pytest.raises(error, match=words):
        named.predict(frame)


def colored(rows=400):
    random = numpy.random.default_rng(1)
    return pandas.DataFrame({
        "x": random.normal(size=rows).astype(numpy.float32),
        "color": pandas.Categorical(random.choice(COLORS, rows), categories=COLORS),
        "size": pandas.Categorical(random.choice([10, 20, 30, 40], rows), categories=[10, 20, 30, 40]),
    })


@pytest.fixture(scope="module")
def by_name():
    frame = colored()
    label = (frame.color == "green") + frame["size"].astype(int) / 40 + frame.x
    model = xgboost.train({"nthread": 1, "max_cat_to_onehot": 1}, xgboost.DMatrix(frame, label, enable_categorical=True), 20)
    return model, espalier_forest.load_bytes(model.save_raw("json")), frame


def test_categories_are_mapped_by_name(by_name):
    model, forest, frame = by_name
    assert forest.categorical == [False, True, True]
    assert forest.category_names(1) == COLORS
    assert forest.category_names(2) == ["10", "20", "30", "40"]
    theirs = model.predict(xgboost.DMatrix(frame, enable_categorical=True))
    same_bits(forest.predict(frame), theirs)
    # Another order of the same categories, and some of them only: other codes, the same names.
    turned = frame.assign(color=frame.color.cat.reorder_categories(COLORS[::-1]))
    assert (turned.color.cat.codes != frame.color.cat.codes).any()
    same_bits(forest.predict(turned), theirs)
    same_bits(model.predict(xgboost.DMatrix(turned, enable_categorical=True)), theirs)
    few = frame[frame.color == "blue"].assign(color=lambda part: part.color.cat.remove_unused_categories())
    same_bits(forest.predict(few), theirs[(frame.color == "blue").to_numpy()])
    # Texts without categories are names too, and numbers are codes.
    same_bits(forest.predict(frame.assign(color=frame.color.astype(str))), theirs)
    same_bits(forest.predict(frame.assign(color=frame.color.cat.codes)), theirs)


def test_missing_categories_are_missing(by_name):
    model, forest, frame = by_name
    holes = frame.copy()
    holes.loc[::3, "color"] = None
    holes.loc[::4, "size"] = None
    same_bits(forest.predict(holes), model.predict(xgboost.DMatrix(holes, enable_categorical=True)))


def test_categories_that_the_model_does_not_know(by_name):
    _, forest, frame = by_name
    strange = frame.assign(color=pandas.Categorical(["red", "mauve"] * 200))
    with pytest.raises(ValueError, match="column 'color', row 1: 'mauve' is no category that the model was trained on"):
        forest.predict(strange)
    with pytest.raises(TypeError, match="column 'size' has the category 1.5; texts or integers are needed"):
        forest.predict(frame.assign(size=pandas.Categorical([1.5] * 400)))
    # One that no row has does no harm.
    forest.predict(frame.assign(color=frame.color.cat.add_categories("mauve")))


def test_without_names_categories_are_codes():
    forest = espalier_forest.load(path("categorical_partition"))
    frame = pandas.DataFrame(ROWS)
    usable = frame[6].isin(range(4)) & frame[7].isin(range(12))
    frame = frame[usable]
    for column in (6, 7):
        frame[column] = pandas.Categorical(frame[column].astype(int), categories=range(4 if column == 6 else 12))
    same_bits(forest.predict(frame), forest.predict(ROWS[usable.to_numpy()]))


def test_the_golden_frame():
    frame = pandas.read_csv(GOLDEN / "3.2.0/category_names.csv", dtype={"f6": "category"})
    forest = espalier_forest.load(path("category_names"))
    frame["f7"] = pandas.Categorical(frame.f7.astype("Int64"))
    theirs = numpy.fromfile(GOLDEN / "3.2.0/category_names.by_name", "<f4")
    same_bits(forest.predict(frame), theirs)
