"""The records of a project: operations, metrics, models, datasets, checkpoints, jobs. All are immutable and valid."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from . import checks
from .errors import InvalidValue

MAX_NAME = 256
_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_D3_FORMAT = re.compile(r"(?:(.)?([<>=^]))?([+\-( ])?([$#])?(0)?(\d+)?(,)?(\.\d+)?(~)?([bcdeEfgGnoprsxX%])?")

JSON = str | int | float | bool | None | list["JSON"] | dict[str, "JSON"]


def check_name(value: object, what: str) -> str:
    """Return ``value`` if it can name a ``what``: 1–256 characters, NFC, no control or bidi-override character.

    Names are never used as paths, so ``..`` or ``CON`` are ordinary names.

    Raises:
        InvalidValue: ``name.invalid``, naming the character and its position.
    """
    if not isinstance(value, str):
        raise InvalidValue("name.invalid", f"A {what} must be a string, not {type(value).__name__}.")
    if not value:
        raise InvalidValue("name.invalid", f"A {what} must not be empty.", hint=f"Use 1 to {MAX_NAME} characters.")
    if len(value) > MAX_NAME:
        raise InvalidValue(
            "name.invalid",
            f"A {what} may have at most {MAX_NAME} characters.",
            detail=f"{value[:32]!a}… has {len(value):,}.",
        )
    for position, character in enumerate(value):
        if unicodedata.category(character) in ("Cc", "Cs") or character in _BIDI:
            raise InvalidValue(
                "name.invalid",
                f"A {what} may not contain control or direction-override characters.",
                detail=f"Character U+{ord(character):04X} at position {position} of {value[:64]!a}.",
            )
    if not unicodedata.is_normalized("NFC", value):
        raise InvalidValue(
            "name.invalid",
            f"A {what} must be in Unicode normal form C.",
            detail=f"{value[:64]!a} is not.",
            hint="Pass it through unicodedata.normalize('NFC', name).",
        )
    return value


def check_parameter(value: Any, where: str, *, depth: int = 0) -> JSON:
    """Return ``value`` as plain JSON data; NumPy scalars become numbers, tuples become lists.

    Raises:
        InvalidValue: ``value.not_finite`` for NaN or infinity, ``parameter.type`` for anything JSON cannot hold.
    """
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValue("value.not_finite", "An operation parameter must be finite.", detail=f"{where} is {value}.")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and depth < 8:
        return [check_parameter(item, f"{where}[{i}]", depth=depth + 1) for i, item in enumerate(value)]
    if isinstance(value, Mapping) and depth < 8:
        return {str(key): check_parameter(item, f"{where}.{key}", depth=depth + 1) for key, item in value.items()}
    raise InvalidValue(
        "parameter.type",
        "An operation parameter must be a string, a number, true, false, null, or a list or mapping of those.",
        detail=f"{where} is {type(value).__name__}.",
    )


@dataclass(frozen=True, init=False)
class Operation:
    """One named transformation with its parameters, e.g. ``Operation("magnitude prune", amount=0.5)``."""

    name: str
    parameters: Mapping[str, JSON] = field(default_factory=dict)

    def __init__(self, name: str, /, **parameters: Any) -> None:
        object.__setattr__(self, "name", check_name(name, "operation name"))
        checked = {
            check_name(key, "parameter name"): check_parameter(value, f"{name}.{key}")
            for key, value in parameters.items()
        }
        object.__setattr__(self, "parameters", checked)

    def __hash__(self) -> int:
        return hash((self.name, self.canonical_parameters))

    @property
    def parameters_json(self) -> str:
        """The parameters as JSON text, in the order given."""
        return json.dumps(self.parameters, ensure_ascii=False, separators=(", ", ": "))

    @property
    def canonical_parameters(self) -> str:
        """The parameters as JSON text that is equal exactly when the parameters are."""
        return json.dumps(self.parameters, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Metric:
    """The definition of a number that models have.

    Args:
        name: as shown, e.g. ``Top-1 Accuracy``.
        unit: SI base unit or a counted thing, e.g. ``s``, ``B``; empty for a pure number.
        format: a d3-format string, e.g. ``.1%``.
        higher_is_better: the direction; ``None`` when it is not known.
        primary: shown first and charted by default.
        min: smallest possible value, if there is one.
        max: largest possible value, if there is one.
        description: one sentence for tooltips.
    """

    name: str
    unit: str = ""
    format: str = ""
    higher_is_better: bool | None = None
    primary: bool = False
    min: float | None = None
    max: float | None = None
    description: str = ""

    def __post_init__(self) -> None:
        check_name(self.name, "metric name")
        of = f"of metric {self.name!r}"
        for field_name in ("unit", "format", "description"):
            object.__setattr__(self, field_name, checks.text(getattr(self, field_name), f"The {field_name} {of}"))
        object.__setattr__(self, "primary", checks.truth(self.primary, f"The primary {of}"))
        if self.higher_is_better is not None:
            better = checks.truth(self.higher_is_better, f"The higher_is_better {of}")
            object.__setattr__(self, "higher_is_better", better)
        for end in ("min", "max"):
            if getattr(self, end) is not None:
                object.__setattr__(self, end, _number(getattr(self, end), f"The {end} {of}"))
        if not _D3_FORMAT.fullmatch(self.format):
            raise InvalidValue(
                "metric.format",
                f"The format of metric {self.name!r} is not a d3-format string.",
                detail=f"Found {self.format!r}.",
                hint="Use e.g. '.1%' for fractions, '.3s' for sizes, '.2f' for plain numbers.",
            )
        for bound in (self.min, self.max):
            if bound is not None and not math.isfinite(bound):
                raise InvalidValue("value.not_finite", f"The range of metric {self.name!r} must be finite.")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise InvalidValue("metric.range", f"Metric {self.name!r} has min {self.min:g} above max {self.max:g}.")


Kind = Literal["number", "nan", "inf", "-inf"]


@dataclass(frozen=True)
class MetricValue:
    """One measured number. NaN and infinities stay what they are.

    Args:
        value: the number, in the metric's unit.
        slice: the class or subgroup it was measured on; ``None`` for all.
        device: what it was measured on, e.g. ``cpu (1 thread, batch 1)``; ``None`` where it does not matter.
        count: how many samples or runs are behind it.
        standard_error: of the value, in the metric's unit.
    """

    value: float
    slice: str | None = None
    device: str | None = None
    count: int | None = None
    standard_error: float | None = None

    def __post_init__(self) -> None:
        if type(self.value) is not float:
            object.__setattr__(self, "value", _number(self.value))
        if self.slice is not None:
            check_name(self.slice, "metric slice")
        if self.device is not None:
            check_name(self.device, "metric device")
        if self.count is not None and self.count < 0:
            raise InvalidValue("value.range", f"A metric's count must not be negative; found {self.count}.")
        spread = self.standard_error
        if spread is not None and not (math.isfinite(spread) and spread >= 0):
            raise InvalidValue("value.range", f"A standard error must be finite and not negative; found {spread}.")

    @property
    def kind(self) -> Kind:
        """``number``, or the kind of a value that is not finite."""
        if math.isfinite(self.value):
            return "number"
        if math.isnan(self.value):
            return "nan"
        return "inf" if self.value > 0 else "-inf"


def _number(value: Any, what: str = "A metric value") -> float:
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidValue(
            "metric.value",
            f"{what} must be a number.",
            detail=f"Found {value!r:.64} of type {type(value).__name__}.",
        ) from error


@dataclass(frozen=True)
class LineageStep:
    """One application of an operation, as a lineage lists it: the operation and the model it made."""

    model: str
    operation: Operation | None


@dataclass(frozen=True)
class Reference:
    """A second parent with a role, e.g. the teacher of a distillation. It is never part of the lineage."""

    role: str
    model: str


@dataclass(frozen=True)
class Checkpoint:
    """The stored weights of a model.

    Args:
        format: ``safetensors``, ``torch``, ``huggingface``, ``onnx``, ``gguf`` or ``litert``.
        files: name, SHA-256 and size in bytes of every file.
    """

    format: str
    files: tuple[StoredFile, ...]

    @property
    def num_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.num_bytes for file in self.files)


@dataclass(frozen=True)
class LoggedCheckpoint:
    """The checkpoint of one model.

    Args:
        model: id of the model.
        checkpoint: its files.
        logged_at: when the model was logged, ISO 8601: a file that was not touched since is believed.
    """

    model: str
    checkpoint: Checkpoint
    logged_at: str


@dataclass(frozen=True)
class TaskPath:
    """The place of a recipe's task; see ``recipes.task.load``.

    Args:
        path: ``package.module:function``.
        options: keyword arguments of the function.
        folders: where Python looks for the module before its own path.

    Raises:
        InvalidValue: ``config.task`` if the path is not written so.
    """

    path: str
    options: Mapping[str, JSON] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        module, _, name = str(self.path).partition(":")
        if not (name and all(part.isidentifier() for part in (*module.split("."), name))):
            raise unusable_task(str(self.path), "A task is written package.module:function.")


def unusable_task(path: str, reason: str) -> InvalidValue:
    """Return the error for a task that cannot be loaded from its path."""
    return InvalidValue(
        "config.task",
        f"The task {path[:120]!r} cannot be used.",
        detail=reason[:500],
        hint="Write it as package.module:function; the folder of the recipe and the current one are searched.",
    )


@dataclass(frozen=True)
class StoredFile:
    """A file in the artifact store: its name, SHA-256 and size in bytes."""

    name: str
    sha256: str
    num_bytes: int


@dataclass(frozen=True)
class Dataset:
    """Named evaluation data. The fingerprint is the SHA-256 of its content, independent of the order of instances."""

    name: str
    fingerprint: str
    num_instances: int
    columns: tuple[str, ...]


JobState = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True)
class Job:
    """A piece of work.

    Args:
        id: made by the project.
        kind: ``recipe`` (a job with parts) or ``operation``.
        state: what has become of it.
        progress: from 0 to 1.
        message: what it does now, or how it ended.
        reason: why it failed, in short, e.g. ``worker_lost(signal 9)``.
        created_at: UTC, ISO 8601.
        finished_at: UTC, ISO 8601.
        title: what it is, for people.
        parent: the job that it is a part of.
        model: the model that it makes.
        started_at: UTC, ISO 8601, of the last attempt.
        attempts: how often it was started.
        error: why it failed, in full: ``code``, ``title``, ``detail`` and ``hint``.
    """

    id: str
    kind: str
    state: JobState
    progress: float
    message: str
    reason: str | None
    created_at: str
    finished_at: str | None
    title: str = ""
    parent: str | None = None
    model: str | None = None
    started_at: str | None = None
    attempts: int = 0
    error: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Model:
    """One node of the provenance graph with all that was logged about it."""

    id: str
    base: str | None
    operation: Operation | None
    step: int
    created_at: str
    lineage: tuple[LineageStep, ...] = ()
    references: tuple[Reference, ...] = ()
    metrics: Mapping[str, tuple[MetricValue, ...]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    note: str = ""
    checkpoint: Checkpoint | None = None
    datasets: tuple[str, ...] = ()
