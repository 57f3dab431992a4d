"""Arguments of every wrong sort are exceptions that say what is wrong, and never anything worse."""

import pathlib
import sys

import espalier_forest
import numpy
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from peer import ROWS, path  # noqa: E402


@pytest.fixture(scope="module")
def forest():
    return espalier_forest.load(path("multi_softprob"))


def structured():
    return numpy.zeros((2, 8), [("a", "f4")])


@pytest.mark.parametrize("rows", [
    None, 1, 1.5, "x", b"", object(), [], [[1.0] * 8], (1.0,) * 8, {}, range(8), type, ..., {1: 2}.values(),
    structured(), numpy.zeros((2, 8), object), numpy.array([[None] * 8]), numpy.zeros((2, 8), "U3"), numpy.zeros((2, 8), "S4"),
    numpy.zeros((2, 8), "M8[s]"), numpy.zeros((2, 8), "m8[ns]"), numpy.zeros((2, 8), complex), numpy.zeros((2, 8), numpy.float16),
    numpy.zeros((2, 8), numpy.longdouble), numpy.zeros((2, 8), int), numpy.zeros((2, 8), numpy.uint8), numpy.zeros((2, 8), bool),
    numpy.zeros((2, 8), ">f4"), numpy.zeros((2, 8), ">f8"), numpy.ma.masked_array(numpy.zeros((2, 8), "f4"), mask=True),
], ids=lambda rows: f"{type(rows).__name__}-{getattr(rows, 'dtype', '')}")
def test_rows_of_a_wrong_type(forest, rows):
    with pytest.raises(TypeError, match="X "):
        forest.predict(rows)


@pytest.mark.parametrize("rows,words", [
    (numpy.zeros(8, "f4"), r"X has shape \(8,\); two dimensions are needed"),
    (numpy.zeros((), "f4"), "two dimensions"),
    (numpy.float32(1), "two dimensions"),
    (numpy.zeros((1, 2, 8), "f4"), "two dimensions"),
    (numpy.zeros((3, 7), "f4"), "num_columns is 7, must be the model's 8 features"),
    (numpy.zeros((3, 9), "f4"), "num_columns is 9"),
    (numpy.zeros((3, 0), "f4"), "num_columns is 0"),
    (numpy.zeros((8, 8), "i4"), "X has dtype int32"),
    (numpy.zeros((3, 8), "f4", order="F"), "columns that do not lie beside each other"),
    (numpy.zeros((3, 16), "f4")[:, ::2], "columns that do not lie beside each other"),
    (numpy.zeros((3, 8), "f4")[:, ::-1], "columns that do not lie beside each other"),
    (numpy.zeros((3, 8), "f4")[::-1], "rows that do not follow each other"),
    (numpy.broadcast_to(numpy.zeros(8, "f4"), (3, 8)), "rows that do not follow each other"),
    (numpy.lib.stride_tricks.as_strided(numpy.zeros(64, "f4"), (4, 8), (4, 4)), "row_stride is 4 bytes"),
    (numpy.full((3, 8), 1e39), "row 0, column 0 is 1e\\+39, which float32 cannot hold"),
], ids=str)
def test_rows_that_do_not_fit(forest, rows, words):
    with pytest.raises(ValueError, match=words):
        forest.predict(rows)


@pytest.mark.parametrize("arguments,error", [
    ({"output": None}, (TypeError, ValueError)), ({"output": 1}, ValueError), ({"output": "score"}, ValueError), ({"output": ""}, ValueError),
    ({"output": "\ud800"}, UnicodeEncodeError),
    ({"iterations": 3}, TypeError), ({"iterations": (1,)}, TypeError), ({"iterations": (0, 1, 2)}, TypeError),
    ({"iterations": [0, 1]}, TypeError), ({"iterations": ("a", "b")}, TypeError), ({"iterations": (0.0, 1.0)}, TypeError),
    ({"iterations": (-1, 1)}, ValueError), ({"iterations": (0, 1 << 70)}, ValueError), ({"iterations": (0, 1 << 20)}, ValueError),
    ({"iterations": (2, 1)}, ValueError),
    ({"threads": -1}, ValueError), ({"threads": None}, TypeError), ({"threads": "2"}, TypeError), ({"threads": 1.0}, TypeError),
    ({"threads": True}, TypeError), ({"threads": 1 << 40}, ValueError),
    ({"base_margin": 1.0}, ValueError), ({"base_margin": [0.0]}, ValueError), ({"base_margin": "x"}, TypeError),
    ({"base_margin": object()}, TypeError), ({"base_margin": numpy.zeros(48)}, ValueError),
    ({"base_margin": numpy.full((48, 3), 1e39)}, ValueError),
    ({"out": 1}, TypeError), ({"out": [0.0] * 144}, TypeError), ({"out": bytearray(576)}, TypeError),
    ({"out": numpy.zeros((48, 3))}, TypeError), ({"out": numpy.zeros((48, 3), "i4")}, TypeError),
    ({"out": numpy.zeros((48, 2), "f4")}, ValueError), ({"out": numpy.zeros(144, "f4")}, ValueError),
    ({"out": numpy.zeros((48, 3), "f4", order="F")}, ValueError), ({"out": numpy.zeros((48, 6), "f4")[:, ::2]}, ValueError),
    ({"out": numpy.zeros((48, 3), ">f4")}, TypeError),
    ({"out": numpy.broadcast_to(numpy.float32(0), (48, 3))}, ValueError),
    ({"output": "leaf", "out": numpy.zeros((48, 15), "f4")}, TypeError),
    ({"no_such": 1}, TypeError),
], ids=lambda value: str(value)[:60])
def test_other_arguments(forest, arguments, error):
    with pytest.raises(error):
        forest.predict(ROWS, **arguments)
    # And it predicts as before.
    assert forest.predict(ROWS).shape == (48, 3)


def test_out_must_not_be_the_input():
    forest = espalier_forest.load(path("binary_logistic"))
    memory = numpy.zeros((9, 8), "f4")
    with pytest.raises(ValueError, match="out overlaps the input"):
        forest.predict(memory[:8], out=memory.reshape(-1)[60:68])
    forest.predict(memory[:8], out=memory[8])
    margins = numpy.zeros(8, "f4")
    with pytest.raises(ValueError, match="out overlaps the input"):
        forest.predict(memory[:8], base_margin=margins, out=margins)


def test_a_linear_model_has_no_leaves():
    with pytest.raises(ValueError):
        espalier_forest.load(path("gblinear")).predict(ROWS, "leaf")
