"""What every answer and every question over HTTP is made of."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypeAliasType

Number = float | Literal["NaN", "Infinity", "-Infinity"]
"""A measured number; the values that JSON has no literal for are strings."""

Json = TypeAliasType("Json", str | int | float | bool | list[Any] | dict[str, Any] | None)
"""Whatever JSON can hold: parameters of operations, labels, predictions."""


class Answer(BaseModel):
    """A response. Every field is always present."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Ask(BaseModel):
    """A request body. misspelled fields are refused, types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ArrowRow(Answer):
    """The columns of an Arrow stream, as the fields that one row of it would have."""


class Problem(Answer):
    """An error: a stable code, a sentence, what exactly, and what to do (RFC 9457)."""

    status: int
    code: str
    title: str
    detail: str
    hint: str
    trace_id: str


class Health(Answer):
    """The server is up."""

    status: Literal["ok"]


class Watched(Answer):
    """How far a request is: what is done now, and how many of the steps of that; 0 of 0 while it is not known."""

    what: str
    done: int
    total: int


def number(value: float | None) -> Number | None:
    """A float as JSON can say it: NaN and infinities as strings, missing as null."""
    if value is None or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
