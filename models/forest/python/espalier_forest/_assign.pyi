import os
from typing import Any

__version__: str

class Assignment:
    """What was decided. Keeps the experiments alive that it refers to."""

    @property
    def enrolled(self) -> bool:
        """Whether the unit takes part, so that an exposure is to be logged."""
    @property
    def experiment(self) -> str | None:
        """None for a unit that is not enrolled."""
    @property
    def variant(self) -> str | None:
        """The assigned one, or the control for a unit that is not enrolled; None without an experiment on the model."""
    @property
    def version(self) -> int | None: ...
    @property
    def reason(self) -> str:
        """"hash", "override", "unitless", or "not enrolled: " and why."""
    @property
    def unit(self) -> str: ...
    @property
    def bucket(self) -> int | None: ...
    @property
    def layer_slot(self) -> int | None: ...
    @property
    def config_version(self) -> int: ...
    @property
    def control(self) -> str | None: ...
    @property
    def control_version(self) -> int: ...
    @property
    def serve_control_on_error(self) -> bool:
        """The document's on_variant_error: whether the control is to answer where the variant cannot."""
    @property
    def event_id(self) -> int: ...
    @property
    def now_micros(self) -> int: ...
    def exposure_json(self, *, served_control: bool = False, status: int = 0, rows: int = 0, latency_micros: int = 0,
                      sha256: str = "", scores: list[float] = ..., features: list[float] = ...) -> str:
        """The exposure as a line of JSON; ValueError for a unit that is not enrolled, or without an event id."""

class Experiments:
    def __len__(self) -> int: ...
    def describe(self) -> list[dict[str, Any]]:
        """The experiments, in whatever state, by key."""
    def assign(self, model: str, unit: str | None = None, attributes: dict[str, Any] | None = None, *,
               request_id: str | None = None, event_id: int = 0, now_micros: int = 0) -> Assignment:
        """Decides; now_micros 0: by the system's clock. ValueError for what a server would refuse."""

class EventIds:
    """Makes the event ids of one process; any number of threads may use it."""

    def __init__(self, front: int, last_id: int = 0) -> None: ...
    def next(self, now_micros: int = 0) -> int: ...

def load(path: str | os.PathLike[str]) -> Experiments:
    """A file or a directory; the error names the file, the field, its value and what is allowed."""

def load_text(text: str, name: str = "experiments.yaml") -> Experiments:
    """A document in memory; JSON where `name` ends in .json."""
