"""What is no plain array as one: DataFrames by their columns' names, and buffers of other kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    from ._forest import Forest

_MISSING = numpy.float32("nan")
_MATRIX = "a float32 or float64 matrix (rows, features) or a pandas DataFrame"


def as_array(forest: Forest, rows: Any) -> numpy.ndarray:
    """`rows` as a plain ndarray, whose type and shape the caller checks."""
    if isinstance(rows, numpy.ma.MaskedArray):
        raise TypeError(f"X is a masked array; {_MATRIX} is needed, with NaN where a value is missing")
    if isinstance(rows, numpy.ndarray):
        return rows.view(numpy.ndarray)
    if hasattr(rows, "columns") and hasattr(rows, "dtypes") and hasattr(rows, "iloc"):
        return _from_frame(forest, rows)
    try:
        return numpy.asarray(memoryview(rows))
    except TypeError:
        raise TypeError(f"X is {type(rows).__name__}; {_MATRIX} is needed") from None


def as_margins(margins: Any) -> numpy.ndarray:
    """Margins as float32 without gaps; their number is checked by the library."""
    array = numpy.asarray(margins)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"base_margin has dtype {array.dtype}; numbers are needed")
    return _narrow(numpy.ascontiguousarray(array), "base_margin").view(numpy.ndarray)


def _narrow(values: numpy.ndarray, what: str) -> numpy.ndarray:
    """To the nearest float32, as the library rounds; a finite number that float32 cannot hold is refused."""
    with numpy.errstate(over="ignore"):
        narrow = values.astype(numpy.float32, copy=False)
    if values.dtype.itemsize > 4 and values.dtype.kind == "f":
        lost = numpy.isinf(narrow) & numpy.isfinite(values)
        if lost.any():
            place = numpy.argwhere(lost)[0]
            raise ValueError(f"{what}, row {place[0]} is {values[tuple(place)]}, which float32 cannot hold")
    return narrow


def _from_frame(forest: Forest, frame: Any) -> numpy.ndarray:
    positions = _positions(forest.feature_names, forest.num_features, list(frame.columns))
    categorical = forest.categorical
    rows = numpy.empty((len(frame), forest.num_features), numpy.float32)
    for feature, position in enumerate(positions):
        what = f"column {frame.columns[position]!r}"
        rows[:, feature] = _column(forest, feature, categorical[feature], frame.iloc[:, position], what)
    return rows


def _positions(names: list[str] | None, num_features: int, columns: list[Any]) -> list[int]:
    """Where the model's features are among `columns`: by name, or in order if the model has no names."""
    if names is None:
        if len(columns) != num_features:
            raise ValueError(f"X has {len(columns)} columns; the model has {num_features} features, without names")
        return list(range(num_features))
    found: dict[str, list[int]] = {}
    for position, column in enumerate(columns):
        found.setdefault(str(column), []).append(position)
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError("X has no column " + ", ".join(map(repr, missing)))
    twice = [name for name in names if len(found[name]) > 1]
    if twice:
        raise ValueError("X has more than one column " + ", ".join(map(repr, twice)))
    return [found[name][0] for name in names]


def _column(forest: Forest, feature: int, is_categorical: bool, column: Any, what: str) -> numpy.ndarray:
    dtype = column.dtype
    if hasattr(dtype, "categories"):
        if not is_categorical:
            raise TypeError(f"{what} has categories; the model's feature is a number")
        return _codes(forest, feature, dtype.categories, column.cat.codes.to_numpy(), what)
    if getattr(dtype, "kind", "O") in "biuf":
        if isinstance(dtype, numpy.dtype):
            return _narrow(column.to_numpy(), what)
        # pandas' own types, in which a value may be missing.
        wide = numpy.float64 if dtype.kind == "f" else numpy.float32
        return _narrow(column.to_numpy(dtype=wide, na_value=numpy.nan), what)
    if is_categorical and forest.category_names(feature):
        texts = column.astype("category")
        return _codes(forest, feature, texts.dtype.categories, texts.cat.codes.to_numpy(), what)
    raise TypeError(f"{what} has dtype {dtype}; numbers or categories are needed")


def _codes(forest: Forest, feature: int, categories: Any, codes: numpy.ndarray, what: str) -> numpy.ndarray:
    """The model's codes for a column's: by the names of the categories, or as they are if the model has none."""
    names = {name: code for code, name in enumerate(forest.category_names(feature))}
    if not names:
        return numpy.where(codes < 0, _MISSING, codes.astype(numpy.float32))
    unknown = -2.0
    # The last entry is that of code -1, a missing value.
    table = numpy.array([names.get(_text(category, what), unknown) for category in categories] + [_MISSING], numpy.float32)
    values = table[codes]
    lost = numpy.flatnonzero(values == unknown)
    if lost.size:
        category = categories[codes[lost[0]]]
        raise ValueError(f"{what}, row {lost[0]}: {category!r} is no category that the model was trained on")
    return values


def _text(category: Any, what: str) -> str:
    """A category as the model's file names it: a text, or an integer's digits."""
    if isinstance(category, str):
        return category
    if isinstance(category, (int, numpy.integer)) and not isinstance(category, bool):
        return str(int(category))
    raise TypeError(f"{what} has the category {category!r}; texts or integers are needed")
