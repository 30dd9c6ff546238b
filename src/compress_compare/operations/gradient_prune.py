"""Gradient pruning: the weights whose removal changes the loss least, to first order, become zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from .base import BaseOperation, function, operation
from .types import Context, DataRequirement, Patterns

if TYPE_CHECKING:
    from torch import Tensor, nn


@operation
class GradientPrune(BaseOperation):
    """Set the weights of smallest |weight · gradient| to zero, without retraining.

    These are the weights whose removal changes the loss least, to first order. Gradients are summed over the
    batches in evaluation mode.

    Molchanov, Mallya, Tyree, Frosio, Kautz: Importance Estimation for Neural Network Pruning. CVPR 2019, arXiv
    1906.10771, with the first-order term |w·∂L/∂w| for single weights.
    """

    name: ClassVar[str] = "gradient prune"
    main: ClassVar[tuple[str, ...]] = ("amount",)
    data_requirement: ClassVar[DataRequirement] = "calibration"
    lowers: ClassVar[Literal["non-zero weights"]] = "non-zero weights"

    amount: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the selected weights that are zero afterwards; weights that are zero already count."""
    scope: Literal["global", "local"] = "global"
    """Compare scores over all selected tensors together (global), or in every tensor by itself (local)."""
    targets: Patterns = ()
    """Modules to prune: class names, dotted paths, or `re:` patterns. Empty: all weights of two or more dimensions."""
    ignore: Patterns = ()
    """Modules to leave alone: class names, dotted paths, or `re:` patterns."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Score on all data in evaluation mode, then zero what scores least."""
        from .parts.masking import smallest, zero_by
        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        scores = taylor_scores(model, [weight.parameter for weight in weights], context=context)
        zero_by(smallest(self.amount), weights, scores=scores, scope=self.scope)
        return model


gradient_prune = function(GradientPrune)


def taylor_scores(model: nn.Module, parameters: Sequence[Tensor], *, context: Context) -> list[Tensor]:
    """Σ over the batches of |w · ∂L/∂w|, one tensor per parameter; 0 where the loss does not depend on it.

    Args:
        model: put into evaluation mode.
        parameters: tensors of the model.
        context: data and loss; the loss is a mean over its batch.
    """
    import torch

    from .parts.caches import without_cache
    from .parts.data import batches, loss_of

    model.eval()
    trainable = [parameter.requires_grad for parameter in parameters]
    for parameter in parameters:
        parameter.requires_grad_(True)
    scores = [torch.zeros_like(parameter) for parameter in parameters]
    with without_cache(model):
        for number, batch in enumerate(batches(model, context.data)):
            loss = loss_of(model, batch, loss=context.loss, operation=GradientPrune.name)
            gradients = torch.autograd.grad(loss, list(parameters), allow_unused=True)
            for score, parameter, gradient in zip(scores, parameters, gradients, strict=True):
                if gradient is not None:
                    score += (parameter.detach() * gradient).abs()
            context.progress(0.0, f"batch {number + 1}")
    for parameter, flag in zip(parameters, trainable, strict=True):
        parameter.requires_grad_(flag)
    return scores
