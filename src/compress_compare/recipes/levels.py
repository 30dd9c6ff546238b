"""Operations written in one line, as on a command line: ``quantize bits=8,4`` is two of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from .. import operations
from ..errors import InvalidValue
from ..operations import BaseOperation
from .sweep import combinations

DEFAULT_LEVELS = ("quantize bits=8,6,5,4,3,2",)
"""What the layers are tried with when nobody says it."""
_HINT = 'Write it as "quantize bits=8,4" or "magnitude prune amount=0.5".'


def levels(texts: Iterable[str]) -> list[BaseOperation]:
    """Return the operations that lines of text describe, each once.

    Args:
        texts: the name of an operation, then ``parameter=value``; values between commas make an operation each.

    Raises:
        NotFound: ``operation.unknown``.
        InvalidValue: ``level.text`` for a line that cannot be read, ``parameter.*``.
    """
    found: dict[str, BaseOperation] = {}
    for text in texts:
        words = text.split()
        name = " ".join(word for word in words if "=" not in word)
        given = dict(word.split("=", 1) for word in words if "=" in word)
        if not name or words[len(name.split()) :] != [word for word in words if "=" in word]:
            raise InvalidValue("level.text", f"{text[:60]!r} is not a level.", hint=_HINT)
        cls = operations.get(name)
        for parameters in combinations(cls, {key: _values(value, text) for key, value in given.items()}):
            operation = cls.from_parameters(parameters)
            found.setdefault(repr(operation), operation)
    return list(found.values())


def _values(text: str, whole: str) -> list[Any]:
    """The values between commas."""
    try:
        return [yaml.safe_load(part) for part in text.split(",")]
    except yaml.YAMLError as error:
        raise InvalidValue("level.text", f"{whole[:60]!r} is not a level.", hint=_HINT) from error
