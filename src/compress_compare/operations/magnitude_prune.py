"""Magnitude pruning: the smallest weights become zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from .base import BaseOperation, function, operation
from .types import Context, Patterns

if TYPE_CHECKING:
    from torch import nn


@operation
class MagnitudePrune(BaseOperation):
    """Set the weights of smallest magnitude to zero, without retraining.

    Han, Pool, Tran, Dally: Learning both Weights and Connections for Efficient Neural Networks. NeurIPS 2015, arXiv
    1506.02626.
    """

    name: ClassVar[str] = "magnitude prune"
    main: ClassVar[tuple[str, ...]] = ("amount",)
    lowers: ClassVar[Literal["non-zero weights"]] = "non-zero weights"

    amount: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the selected weights that are zero afterwards; weights that are zero already count."""
    scope: Literal["global", "local"] = "global"
    """Compare magnitudes over all selected tensors together (global), or in every tensor by itself (local)."""
    targets: Patterns = ()
    """Modules to prune: class names, dotted paths, or `re:` patterns. Empty: all weights of two or more dimensions."""
    ignore: Patterns = ()
    """Modules to leave alone: class names, dotted paths, or `re:` patterns."""

    def by_weight(self) -> bool:
        """Only where tensors are not compared."""
        return self.scope == "local"

    def apply(self, model: nn.Module, _context: Context, /) -> nn.Module:
        """Zero for good what the L1 criterion of ``torch.nn.utils.prune`` masks."""
        from .parts.masking import zero_smallest
        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        for together in [weights] if self.scope == "global" else [[weight] for weight in weights]:
            zero_smallest(self.amount, [weight.parameter.data for weight in together])
        return model


magnitude_prune = function(MagnitudePrune)
