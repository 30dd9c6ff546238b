"""N:M pruning: of every m consecutive inputs of an output, the n largest weights stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .base import BaseOperation, function, operation
from .types import Context, Patterns, unsuitable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .targets import Weight


_PART = 1 << 20
"""Weights that are looked at together."""


@operation
class NMPrune(BaseOperation):
    """Keep the n weights of largest magnitude in every group of m along the inputs, without retraining.

    In a convolution a group is m consecutive input channels at one position of the kernel. Weights whose inputs are
    no multiple of m are left alone, or refused when `targets` names them. As in the 2:4 pattern of graphics
    processors, n counts the weights that are kept; Core ML counts those that become zero: its `(3, 4)` is n = 1, m
    = 4.

    Zhou et al.: Learning N:M Fine-grained Structured Sparse Neural Networks From Scratch. ICLR 2021, arXiv
    2102.04010.
    """

    name: ClassVar[str] = "nm prune"
    main: ClassVar[tuple[str, ...]] = ("n", "m")
    lowers: ClassVar[Literal["non-zero weights"]] = "non-zero weights"

    n: Annotated[int, Field(ge=0, le=1024)] = 2
    """Weights that are kept in each group."""
    m: Annotated[int, Field(ge=1, le=1024)] = 4
    """Weights in each group: consecutive input channels of one output channel (and one position of a kernel)."""
    targets: Patterns = ()
    """Modules to prune: class names, dotted paths, or `re:`. Empty: all weights whose inputs divide into groups."""
    ignore: Patterns = ()
    """Modules to leave alone: class names, dotted paths, or `re:` patterns."""

    @model_validator(mode="after")
    def _keeps_at_most_all(self) -> Self:
        if self.n > self.m:
            raise ValueError(f"n is at most m: {self.n} of {self.m} weights cannot be kept.")
        return self

    def by_weight(self) -> bool:
        """Yes."""
        return True

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Zero the smallest m − n weights of each group; of equal ones, the first stay.

        Raises:
            InvalidValue: ``operation.not_applicable`` when the inputs of a weight named by targets, or those of all
                weights, are no multiple of m.
        """
        import torch

        from .parts.reached import left_alone
        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        divisible = [weight for weight in weights if _inputs(weight) and _inputs(weight) % self.m == 0]
        refused = [weight for weight in weights if weight not in divisible]
        if refused and (self.targets or not divisible):
            first = refused[0]
            title = f"the {_inputs(first)} inputs of {first.name!r} cannot be divided into groups of {self.m}."
            raise unsuitable(self.name, title, hint="Choose another m, or leave it out with ignore.")
        left_alone(
            context, {weight.name: f"their inputs cannot be divided into groups of {self.m}" for weight in refused}
        )
        for weight in divisible:
            values, axis = weight.parameter.data, _input_axis(weight)
            others = 1 if axis == 0 else 0
            size = max(_PART * values.shape[others] // max(values.numel(), 1), 1)
            for part in torch.split(values, size, others):
                part.masked_fill_(~self.kept(part, axis), 0)
        return model

    def kept(self, values: Tensor, axis: int) -> Tensor:
        """Which weights stay, as booleans of the same shape.

        Args:
            values: weights.
            axis: the dimension that counts inputs, a multiple of m long.
        """
        import torch

        moved = values.movedim(axis, -1)
        groups = moved.abs().reshape(-1, self.m)
        order = groups.argsort(dim=1, descending=True, stable=True)[:, : self.n]
        mask = torch.zeros_like(groups, dtype=torch.bool).scatter_(1, order, value=True)
        return mask.reshape(moved.shape).movedim(-1, axis)


nm_prune = function(NMPrune)


def _input_axis(weight: Weight) -> int:
    return weight.layout.inputs


def _inputs(weight: Weight) -> int:
    """How many inputs a group of the weight has: those that m must divide."""
    values, layout = weight.parameter, weight.layout
    if values.ndim < 2:
        return 0
    return values.shape[layout.inputs] // (layout.groups if layout.inputs == 0 else 1)
