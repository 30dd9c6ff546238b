"""What a class says about itself, for people: the command line and the documentation show the same."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from dataclasses import dataclass
from typing import Any

from .base import BaseOperation
from .refusal import allowed

WIDTH = 120
_JOINED = "\N{NO-BREAK SPACE}"

_NEEDS = {"none": "It needs no data.", "calibration": "It runs the model on data.", "finetune": "It trains on data."}


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation.

    Args:
        name: of the field.
        allowed: which values may be given, in words.
        default: as in JSON; ``none`` and ``empty`` in words.
        description: the field's docstring.
    """

    name: str
    allowed: str
    default: str
    description: str


@dataclass(frozen=True)
class Description:
    """An operation in words.

    Args:
        name: as people read it.
        summary: the first paragraph of the class's docstring.
        details: its other paragraphs: how it works, what it leaves alone, whom it follows.
        facts: sentences on what it needs, what becomes smaller, and what is always recorded.
        parameters: in the order of the fields.
    """

    name: str
    summary: str
    details: tuple[str, ...]
    facts: tuple[str, ...]
    parameters: tuple[Parameter, ...]


def describe(cls: type[BaseOperation]) -> Description:
    """What the docstrings, class fields and parameters of an operation say."""
    summary, *details = paragraphs(cls.__doc__ or "")
    fields = cls.json_schema().get("properties", {})
    parameters = tuple(
        Parameter(name, allowed(schema), _default(schema), " ".join(schema.get("description", "").split()))
        for name, schema in fields.items()
    )
    return Description(cls.name, summary, tuple(details), _facts(cls), parameters)


def paragraphs(docstring: str) -> list[str]:
    """The paragraphs of a docstring, each on one line; roles and double backticks of reStructuredText are plain."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", inspect.cleandoc(docstring).replace("``", "`"))
    return [" ".join(part.split()) for part in text.split("\n\n")]


def markdown(cls: type[BaseOperation]) -> str:
    """The entry of an operation in the documentation: a section of second order."""
    about = describe(cls)
    blocks = [f"## {about.name}", *(_wrapped(_linked(part)) for part in (about.summary, *about.details))]
    blocks.append(_wrapped(" ".join(about.facts)))
    if about.parameters:
        blocks.append("\n".join(_item(parameter) for parameter in about.parameters))
    return "\n\n".join(blocks) + "\n"


def _facts(cls: type[BaseOperation]) -> tuple[str, ...]:
    roles = " and ".join(f"`{role}`" for role in cls.roles)
    main = ", ".join(f"`{name}`" for name in cls.main)
    found = (
        _NEEDS[cls.data_requirement],
        f"It needs another model as {roles}." if roles else "",
        f"What becomes smaller: {cls.lowers}." if cls.lowers else "",
        "" if cls.keeps_shapes else "Tensors may get other names and shapes.",
        f"Always recorded: {main}." if main else "" if cls.json_schema().get("properties") else "It has no parameters.",
    )
    return tuple(sentence for sentence in found if sentence)


def _default(schema: dict[str, Any]) -> str:
    value = schema.get("default")
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    return json.dumps(value) if value != [] else "empty"


def _item(parameter: Parameter) -> str:
    text = f"- `{parameter.name}`, {parameter.allowed}; default {parameter.default}. {parameter.description}"
    return _wrapped(text, indent="  ")


def _wrapped(text: str, *, indent: str = "") -> str:
    filled = textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return filled.replace(_JOINED, " ")


def _linked(text: str) -> str:
    return re.sub(r"\barXiv (\d{4}\.\d{4,5})\b", rf"[arXiv{_JOINED}\1](https://arxiv.org/abs/\1)", text)
