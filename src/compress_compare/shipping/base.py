"""What a format of shipped models does, and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..analysis.layers.values import Array
from ..errors import InvalidValue, UserError
from ..readers.layouts import unpacked
from ..schemes.scheme import TensorScheme

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..readers.weights import Weights

Runner = Callable[[Any], "Tensor"]
"""Inputs as the network takes them → what the shipped model answers."""
WEIGHTS = "model.safetensors"


@dataclass(frozen=True, eq=False)
class Source:
    """A model that is to be shipped.

    Args:
        id: of the model.
        weights: its tensors as the network has them: integers and their scales where it computes with integers.
        schemes: how each tensor is meant to be packed, by name; dense ones are left out.
        files: what lies beside the weights, such as ``config.json`` and a tokenizer, by name.
        origin: what is written into the file about where it comes from; JSON data.
        network: the model as a module in evaluation mode; ``None`` where nothing says how to build it.
        example: one instance as the network takes it; ``None`` without a network.
        config: the configuration of a Hugging Face model, from its folder or its module; ``None`` for other models.
        notes: what its numbers show and the format has no place for, one sentence each.
    """

    id: str
    weights: Weights
    schemes: Mapping[str, TensorScheme]
    files: Mapping[str, Path]
    origin: Mapping[str, Any]
    network: nn.Module | None = None
    example: Any = None
    config: Mapping[str, Any] | None = None
    notes: Sequence[str] = ()

    @cached_property
    def logical(self) -> Weights:
        """The tensors with the numbers in use in place of codes and scales."""
        return unpacked(self.weights)

    @property
    def runs_integers(self) -> bool:
        """Whether the network computes with integers, whose scales are tensors of their own."""
        return any(scheme.table_bits == 0 for scheme in self.schemes.values())

    def kinds(self) -> set[str]:
        """What is to be packed: ``quantized``, ``palettized``, ``pruned``."""
        packed = [scheme for scheme in self.schemes.values() if scheme.table_bits != 0]
        found = {scheme.kind for scheme in packed if scheme.kind != "dense"}
        return found | {"pruned" for scheme in packed if scheme.pruned}

    def needs_network(self, format: str) -> nn.Module:
        """The network.

        Raises:
            InvalidValue: ``ship.no_network``.
        """
        if self.network is None:
            raise InvalidValue(
                "ship.no_network",
                f"The format {format} needs the network of {self.id[:80]!r}, and nothing says how to build it.",
                hint="Pass task=, a recipes.Task, or choose the format packed or safetensors.",
            )
        return self.network


@dataclass(frozen=True)
class Written:
    """What a format wrote.

    Args:
        notes: what was not packed as its scheme says, and why, one sentence each.
        tensors: by name, the names under which ``read`` gives the tensors that it calls otherwise.
        missing: tensors that the format leaves out on purpose, such as buffers that nothing reads.
    """

    notes: Sequence[str] = ()
    tensors: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()


class Format(ABC):
    """One form in which models are shipped. Subclasses say what it can hold, write it and read it back."""

    name: ClassVar[str]
    """As the command line calls it."""
    summary: ClassVar[str]
    """What is written, as a noun phrase."""
    extra: ClassVar[str] = ""
    """The extra of this package that brings what the format needs; empty for none."""
    needs_network: ClassVar[bool] = False
    """Whether a model can be written only as a module with an example, and not from its weights alone."""
    holds_palettes: ClassVar[bool] = True
    """Whether weights can be labels with a lookup table."""
    tolerance: ClassVar[float] = 0.0
    """Largest difference of a number that is allowed, as a share of the largest number of its tensor."""
    agreement: ClassVar[float] = 0.99
    """Smallest share of predictions that must be those of the model."""

    def refusal(self, source: Source) -> UserError | None:
        """Why a model cannot be written: ``ship.cannot_hold`` naming a format that can; ``None`` where it can.

        Raises:
            MissingExtra: what the format needs is not installed.
        """
        return None

    @abstractmethod
    def write(self, source: Source, folder: Path) -> Written:
        """Write the files of a model into an empty folder."""

    @abstractmethod
    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The numbers in use of what was written, float32, by the names of the source."""

    @abstractmethod
    def origin(self, folder: Path) -> Mapping[str, Any]:
        """What the files say about where they come from."""

    def runner(self, folder: Path, source: Source) -> tuple[Runner, str] | None:
        """How the format's own runtime runs the files, and its name; ``None`` where there is none here.

        Without one, the numbers that were read back run in the source's network.
        """
        return None

    def checkpoint(self, folder: Path) -> Path | None:
        """The file or folder that a project can keep and read; ``None`` for one that it cannot read."""
        return None


def cannot_hold(format: Format, what: str, *, nearest: str, why: str = "") -> InvalidValue:
    """The error for a model that a format has no place for.

    Args:
        format: that refuses.
        what: a noun phrase: what it cannot hold.
        nearest: the name of the nearest format that can.
        why: a sentence.
    """
    return InvalidValue(
        "ship.cannot_hold",
        f"The format {format.name} cannot hold {what}.",
        detail=why,
        hint=f"The nearest format that can is {nearest}.",
    )
