import os
from typing import Any, Literal, overload

import numpy
import numpy.typing

__version__: str

class Forest:
    """A model that predicts; immutable, for any number of threads."""

    # X: a float32 or float64 matrix (rows, features), NaN where a value is missing, or a pandas DataFrame. A float32
    # matrix is read where it lies, with any distance from row to row; float64 is rounded to the nearest float32. Of a
    # DataFrame, columns are found by the model's feature names, further columns are ignored, and categories by their
    # names, or by their codes if the model has no names.
    # output: what each row gives.
    #     "value"          float32, as XGBoost's predict: probability, class of multi:softmax, ...; (n,), (n, outputs)
    #     "margin"         float32, the untransformed sums; (n,), (n, outputs)
    #     "contributions"  float32, SHAP values, the bias last; (n, features + 1), (n, outputs, features + 1)
    #     "class"          int32, the most probable class; (n,)
    #     "leaf"           int32, the leaf reached in each tree; (n, trees)
    # iterations: boosting iterations (begin, end), half open; an end of 0 is the last.
    # base_margin: a margin for each row and output, in place of the model's own.
    # threads: how many may work on many float32 rows; the bits are the same for any number.
    # out: an array of the result's type and shape, which is filled and returned.
    @overload
    def predict(
        self,
        X: Any,
        output: Literal["value", "margin", "contributions"] = "value",
        *,
        iterations: tuple[int, int] | None = None,
        base_margin: numpy.typing.ArrayLike | None = None,
        threads: int = 1,
        out: numpy.typing.NDArray[numpy.float32] | None = None,
    ) -> numpy.typing.NDArray[numpy.float32]: ...
    @overload
    def predict(
        self,
        X: Any,
        output: Literal["class", "leaf"],
        *,
        iterations: tuple[int, int] | None = None,
        base_margin: numpy.typing.ArrayLike | None = None,
        threads: int = 1,
        out: numpy.typing.NDArray[numpy.int32] | None = None,
    ) -> numpy.typing.NDArray[numpy.int32]: ...
    @property
    def feature_names(self) -> list[str] | None: ...
    # Whether each feature is one.
    @property
    def categorical(self) -> list[bool]: ...
    # By code; empty when the model holds no names for this feature.
    def category_names(self, feature: int) -> list[str]: ...
    @property
    def num_features(self) -> int: ...
    @property
    def num_outputs(self) -> int: ...
    @property
    def num_trees(self) -> int: ...
    @property
    def num_iterations(self) -> int: ...
    @property
    def best_iteration(self) -> int | None: ...
    @property
    def objective(self) -> str: ...
    @property
    def format(self) -> str: ...
    # Of the program that wrote the file.
    @property
    def version(self) -> str: ...
    @property
    def kernel(self) -> str: ...
    @property
    def memory_bytes(self) -> int: ...
    # Of a forest from a Watch: the version's number, and the SHA-256 of its file; else 0 and "".
    @property
    def model_version(self) -> int: ...
    @property
    def sha256(self) -> str: ...

class Watch:
    """A directory of models, followed: new versions are loaded while the program runs. For any number of threads."""

    # Laid out as a server's model repository, without config.pbtxt. Loads what is there before it returns.
    # poll_seconds: how often the directory is looked at; on a local disk changes are seen at once.
    # latest: how many versions of a model are kept, the highest that can serve; 0: all there are.
    # manual: no thread follows the directory, only poll() looks at it.
    def __init__(
        self,
        directory: str | bytes | os.PathLike[str] | os.PathLike[bytes],
        *,
        poll_seconds: float = 1.0,
        latest: int = 0,
        manual: bool = False,
    ) -> None: ...
    # version: a number or a label; None: the label "champion", else the highest version that is ready. The forest stays
    # as it is, whatever happens to the directory or the watch. LookupError for what is not there or not ready.
    def get(self, model: str, version: int | str | None = None) -> Forest: ...
    # Looks at the directory now.
    def poll(self) -> None: ...
    # What happened since the last call, at most the last 10,000: (kind, model, version, text), where kind is "loaded"
    # (text: the SHA-256), "unloaded", "refused" (text: why), "label" (text: the label) or "warning".
    def events(self) -> list[tuple[str, str, int, str]]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Watch: ...
    def __exit__(self, *exception: object) -> None: ...

def load(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> Forest: ...
def load_bytes(model: bytes | bytearray | memoryview) -> Forest: ...
