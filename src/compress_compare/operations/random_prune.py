"""Random pruning: the baseline that every other criterion has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from .base import BaseOperation, function, operation
from .types import Context, Patterns, Seed

if TYPE_CHECKING:
    from torch import nn


@operation
class RandomPrune(BaseOperation):
    """Set weights chosen at random to zero, without retraining.

    It is the baseline that every other criterion has to beat.

    Blalock, Gonzalez Ortiz, Frankle, Guttag: What is the State of Neural Network Pruning? MLSys 2020, arXiv
    2003.03033.
    """

    name: ClassVar[str] = "random prune"
    main: ClassVar[tuple[str, ...]] = ("amount",)
    lowers: ClassVar[Literal["non-zero weights"]] = "non-zero weights"

    amount: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the selected weights to draw and set to zero; zeros may be drawn too, and all earlier zeros stay."""
    scope: Literal["global", "local"] = "global"
    """Draw from all selected tensors together (global), or the same share from every tensor (local)."""
    seed: Seed = 0
    """Seed of the draw."""
    targets: Patterns = ()
    """Modules to prune: class names, dotted paths, or `re:` patterns. Empty: all weights of two or more dimensions."""
    ignore: Patterns = ()
    """Modules to leave alone: class names, dotted paths, or `re:` patterns."""

    def by_weight(self) -> bool:
        """Only where tensors are not compared."""
        return self.scope == "local"

    def apply(self, model: nn.Module, _context: Context, /) -> nn.Module:
        """Mask by the random criterion of ``torch.nn.utils.prune``, applied for good."""
        import torch
        from torch.nn.utils import prune

        from .parts.masking import zero_by
        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        scores = [weight.parameter for weight in weights]
        method: Any = prune.RandomUnstructured(self.amount)
        zero_by(
            lambda drawn: method.compute_mask(drawn, torch.ones_like(drawn)) == 0,
            weights,
            scores=scores,
            scope=self.scope,
        )
        return model


random_prune = function(RandomPrune)
