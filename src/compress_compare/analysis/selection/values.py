"""Values of experimental variables: their order, and labels that no two of them share."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Sequence

from ...records import JSON

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)")


def sort_key(value: JSON) -> tuple[int, float | int, tuple[tuple[bool, float, str], ...], str]:
    """Orders values as a person would: null, false, true, numbers, text that is a number, text, lists.

    Numbers within text order numerically, so ``int8`` comes before ``int16``.
    """
    if value is None:
        return (0, 0, (), "")
    if isinstance(value, bool):
        return (1, value, (), "")
    if isinstance(value, int | float):
        return (2, value, (), "")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return (4, 0, _natural(text), text)
        if number == number:
            return (3, number, (), text)
    return (4 if isinstance(value, str) else 5, 0, _natural(text), text)


def _natural(text: str) -> tuple[tuple[bool, float, str], ...]:
    parts = _NUMBER.split(text)
    return tuple((bool(i % 2), float(part) if i % 2 else 0.0, part) for i, part in enumerate(parts))


def labels(values: Sequence[JSON]) -> tuple[JSON, ...]:
    """What to show for distinct ``values``: scalars as they are, lists as JSON text.

    Where two would be equal (1 and true, a list and the text of it) all but null are written as JSON text.
    """
    shown: list[Hashable] = [_text(value) if isinstance(value, list | dict) else value for value in values]
    if len(set(shown)) == len(shown):
        return tuple(_text(value) if isinstance(value, list | dict) else value for value in values)
    return tuple(None if value is None else _text(value) for value in values)


def unique_names(names: Iterable[str]) -> list[str]:
    """``names`` with a number put after those that came before: ``operation``, ``operation 2``."""
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name} {number}"
        taken.add(candidate)
        unique.append(candidate)
    return unique


def _text(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False)
