"""Turns what pydantic reports about a parameter into one clear sentence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ..errors import InvalidValue

_KINDS = {"integer": "a whole number", "number": "a number", "string": "a text", "boolean": "true or false"}


def refusal(name: str, error: ValidationError, *, schema: Mapping[str, Any]) -> InvalidValue:
    """The first problem of ``error`` as an error that names operation, field, what is allowed and what was found.

    Args:
        name: of the operation.
        error: what pydantic reports.
        schema: the JSON schema of the operation's parameters.
    """
    properties = schema.get("properties", {})
    names = list(properties)
    problem = error.errors()[0]
    kind = problem["type"]
    if kind == "value_error":
        return InvalidValue("parameter.combination", f"{name}: {problem['ctx']['error']}")
    field = _field(problem["loc"][0], names)
    if kind == "unexpected_keyword_argument":
        return _unknown(name, field, names)
    if kind == "unexpected_positional_argument":
        title = f"{name}: there are at most {len(names)} parameters."
        return InvalidValue("parameter.unknown", title, hint=f"They are: {', '.join(names)}.")
    schema = properties.get(field, {})
    found = f"Found {problem.get('input')!r:.80}."
    title = f"{name}: {field} must be {allowed(schema)}."
    return InvalidValue(_code(kind), title, detail=found)


def allowed(schema: Mapping[str, Any]) -> str:
    """What a JSON schema of one value allows, in words: ``a whole number from 2 to 8``."""
    if "anyOf" in schema:
        return " or ".join(allowed(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(repr(choice) for choice in schema["enum"])
    if "const" in schema:
        return repr(schema["const"])
    if schema.get("type") == "null":
        return "none"
    if schema.get("type") == "array":
        return "a list of texts"
    return _KINDS.get(schema.get("type", ""), "a valid value") + _range(schema)


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    parts = [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    return f" {' and '.join(parts)}" if parts else ""


def _code(kind: str) -> str:
    if kind.startswith(("greater_than", "less_than")) or kind == "finite_number":
        return "parameter.range"
    return "parameter.choice" if kind == "literal_error" else "parameter.type"


def _field(location: int | str, names: list[str]) -> str:
    """The field's name; pydantic gives the position of an argument that was given by position."""
    if isinstance(location, int):
        return names[location] if location < len(names) else str(location)
    return location


def _unknown(operation: str, field: str, names: list[str]) -> InvalidValue:
    near = difflib.get_close_matches(field, names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(names) or 'no parameters'}."
    return InvalidValue("parameter.unknown", f"{operation} has no parameter {field!r}.", hint=hint)
