"""Answers of models as what torch.export takes, and back: it knows tensors, sequences and mappings, no dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree

_PLAIN = (Tensor, int, float, bool, str, type(None))
_CONSTANT = (torch.dtype, torch.device, Enum)


@dataclass(frozen=True)
class Template:
    """What a mapping of fields was before.

    Args:
        kind: a dataclass; of a constant, nothing.
        fields: the template of each field, by its name.
        constant: what stands where a graph has nothing.
    """

    kind: type | None
    fields: Mapping[str, Any]
    constant: object = None


def template(answer: Any) -> Any:
    """What to make of the plain answer of a graph so that it is as ``answer``; nothing where it is that already.

    Raises:
        TypeError: where there is something in it that torch.export does not know.
    """
    if isinstance(answer, _PLAIN):
        return None
    if isinstance(answer, _CONSTANT):
        return Template(None, {}, answer)
    if _is_record(answer):
        return Template(type(answer), {one.name: template(getattr(answer, one.name)) for one in fields(answer)})
    if type(answer) is dict:
        found: Any = {key: template(value) for key, value in answer.items()}
        return found if any(each is not None for each in found.values()) else None
    if _is_sequence(answer):
        found = [template(value) for value in answer]
        return found if any(each is not None for each in found) else None
    if type(answer) not in _pytree.SUPPORTED_NODES:
        raise TypeError(f"the model answers with a {type(answer).__name__}, which torch.export does not know")
    return None


def plain(answer: Any) -> Any:
    """An answer with mappings for dataclasses."""
    if isinstance(answer, _CONSTANT):
        return None
    if _is_record(answer):
        return {one.name: plain(getattr(answer, one.name)) for one in fields(answer)}
    if type(answer) is dict:
        return {key: plain(value) for key, value in answer.items()}
    return _sequence(answer, [plain(value) for value in answer]) if _is_sequence(answer) else answer


def restored(answer: Any, by: Any) -> Any:
    """The inverse of `plain`, by a template."""
    if by is None:
        return answer
    if isinstance(by, Template):
        if by.kind is None:
            return by.constant
        made: Any = object.__new__(by.kind)  # as it was, whatever its constructor does
        for name, each in by.fields.items():
            object.__setattr__(made, name, restored(answer[name], each))
        return made
    if isinstance(by, dict):
        return {key: restored(answer[key], each) for key, each in by.items()}
    return _sequence(answer, [restored(value, each) for value, each in zip(answer, by, strict=True)])


def _is_record(answer: Any) -> bool:
    return is_dataclass(answer) and type(answer) not in _pytree.SUPPORTED_NODES and not isinstance(answer, Mapping)


def _is_sequence(answer: Any) -> bool:
    return type(answer) in (tuple, list) or (isinstance(answer, tuple) and hasattr(answer, "_fields"))


def _sequence(like: Any, parts: list[Any]) -> Any:
    return type(like)(*parts) if hasattr(like, "_fields") else type(like)(parts)
