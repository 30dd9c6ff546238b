"""The types that operations share: their context, and the error for an unsuitable model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field

from ..errors import InvalidValue

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..schemes.scheme import TensorScheme

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


class Finished(Protocol):
    """Where an operation keeps the weights that it has finished, so that it can go on after a kill."""

    def load(self, name: str) -> tuple[Tensor, TensorScheme] | None:
        """The values of a weight and how they are stored, if they were kept."""

    def save(self, name: str, values: Tensor, *, stored: TensorScheme) -> None:
        """Keep a weight."""


@dataclass(frozen=True)
class Context:
    """What an operation may use besides the model.

    Args:
        data: batches of (inputs, targets); present when the operation declares a ``data_requirement``.
        loss: (outputs, targets) → scalar tensor; cross entropy unless the caller gave another.
        references: further models by role, e.g. ``{"teacher": module}``; has every role the operation declares.
        progress: a function to call now and then, to report progress and allow a cancel.
        finished: the weights that an earlier, interrupted run of the same operation on the same model and data kept.
    """

    data: Batches
    loss: Loss
    references: Mapping[str, nn.Module]
    progress: Progress
    finished: Finished | None = None


@dataclass(frozen=True)
class Given:
    """The arguments of an operation's caller, before they are checked.

    Args:
        data: batches of (inputs, targets).
        loss: (outputs, targets) → scalar; cross entropy if not given.
        references: further models by role.
        progress: called with the share done and a line of text; may raise to stop.
        finished: what `gptq quantize` keeps block by block, so that it can go on after a kill.
        device: where the work is done: ``auto`` for an accelerator if there is one, or a name such as ``cuda:0``; where
            the model is, if not given. The new model is where the model was.
    """

    data: Batches | None = None
    loss: Loss | None = None
    references: Mapping[str, nn.Module] = field(default_factory=dict)
    progress: Progress | None = None
    finished: Finished | None = None
    device: str | None = None


def unsuitable(name: str, title: str, *, detail: str = "", hint: str = "") -> InvalidValue:
    """Return the error for a model, module or weight that the operation ``name`` cannot treat."""
    return InvalidValue("operation.not_applicable", f"{name}: {title}", detail=detail, hint=hint)
