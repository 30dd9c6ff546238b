"""Arguments and results as JSON that keeps what Python means: records, tuples, and numbers that JSON cannot hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ..errors import InvalidValue, UserError
from ..records import (
    Change,
    Checkpoint,
    Dataset,
    Job,
    LineageStep,
    LoggedCheckpoint,
    Metric,
    MetricValue,
    Model,
    Operation,
    Origin,
    Reference,
    StoredFile,
    TaskPath,
)
from ..store.corrections import SeenReading
from ..store.garbage import Garbage
from ..store.summary import Summary

KIND = "$"
"""The key that says what a JSON object stands for."""
RECORDS: Mapping[str, type] = {
    record.__name__: record
    for record in (
        *(Change, Checkpoint, Dataset, Garbage, Job, LineageStep, LoggedCheckpoint, Metric, MetricValue, Model),
        *(Origin, Reference, SeenReading, StoredFile, Summary, TaskPath),
    )
}
"""All that is ever made of what came over HTTP; each checks itself."""
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def encode(value: Any) -> Any:
    """A value as JSON data.

    Raises:
        InvalidValue: ``remote.value`` for what cannot be sent.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {KIND: "float", "value": str(value)}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {KIND: "tuple", "items": [encode(item) for item in value]}
    if isinstance(value, Operation):
        return {KIND: "Operation", "name": value.name, "parameters": encode(dict(value.parameters))}
    if is_dataclass(value) and type(value).__name__ in RECORDS:
        return {KIND: type(value).__name__, **{one.name: encode(getattr(value, one.name)) for one in fields(value)}}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value) and KIND not in value:
            return {key: encode(item) for key, item in value.items()}
        return {KIND: "dict", "items": [[encode(key), encode(item)] for key, item in value.items()]}
    raise InvalidValue("remote.value", f"A {type(value).__name__} cannot be sent to a server.")


def decode(data: Any) -> Any:
    """The value that `encode` was given.

    Raises:
        InvalidValue: ``remote.value`` for what it never makes, and what the records raise.
    """
    if isinstance(data, list):
        return [decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    if KIND not in data:
        return {key: decode(item) for key, item in data.items()}
    try:
        return _decoded(data[KIND], data)
    except UserError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidValue("remote.value", "Something that was sent is not what it says it is.") from error


def _decoded(kind: str, data: Mapping[str, Any]) -> Any:
    if kind == "float":
        return _FLOATS[data["value"]]
    if kind == "tuple":
        return tuple(decode(item) for item in data["items"])
    if kind == "dict":
        return {decode(key): decode(item) for key, item in data["items"]}
    if kind == "Operation":
        return Operation(data["name"], **decode(data["parameters"]))
    return RECORDS[kind](**{key: decode(item) for key, item in data.items() if key != KIND})
