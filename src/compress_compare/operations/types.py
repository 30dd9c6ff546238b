"""The types that operations share: their context, and the error for an unsuitable model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ..errors import InvalidValue

if TYPE_CHECKING:
    from torch import Tensor, nn

DataRequirement = Literal["none", "calibration", "finetune"]
Batches = Iterable[tuple[Any, Any]]
"""Pairs (inputs, targets), to be gone through any number of times: a list, a ``DataLoader``."""
Loss = Callable[[Any, Any], "Tensor"]
"""(outputs, targets) → a scalar, the mean over the batch."""
Progress = Callable[[float, str], None]
"""(share done from 0 to 1, one line of text) → nothing. An exception raised here stops the operation."""


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
"""Module patterns: a class name, an exact dotted path, or ``re:`` and a regular expression for the whole path."""
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


@dataclass(frozen=True)
class Context:
    """What an operation may use besides the model.

    Args:
        data: batches of (inputs, targets); present when the operation declares a ``data_requirement``.
        loss: (outputs, targets) → scalar tensor; cross entropy unless the caller gave another.
        references: further models by role, e.g. ``{"teacher": module}``; has every role the operation declares.
        progress: a function to call now and then, to report progress and allow a cancel.
    """

    data: Batches
    loss: Loss
    references: Mapping[str, nn.Module]
    progress: Progress


@dataclass(frozen=True)
class Given:
    """The arguments of an operation's caller, before they are checked."""

    data: Batches | None
    loss: Loss | None
    references: Mapping[str, nn.Module]
    progress: Progress | None


def unsuitable(name: str, title: str, *, detail: str = "", hint: str = "") -> InvalidValue:
    """Return the error for a model, module or weight that the operation ``name`` cannot treat."""
    return InvalidValue("operation.not_applicable", f"{name}: {title}", detail=detail, hint=hint)
