"""Movement pruning: while it is fine-tuned, a model keeps the weights that training moves away from zero."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ..schemes.scheme import TensorScheme, attach
from .base import BaseOperation, function, operation
from .types import Context, DataRequirement, Patterns, Seed

if TYPE_CHECKING:
    from torch import nn


@operation
class MovementPrune(BaseOperation):
    """Fine-tune, and set to zero more and more of the weights that training moves toward zero or least away.

    It is better than pruning by magnitude where a trained model is fitted to a new task. The amount grows along a
    cubic curve. The scores of the weights are trained with the same settings as the weights.

    Sanh, Wolf, Rush: Movement Pruning, adaptive sparsity by fine-tuning. NeurIPS 2020, arXiv 2005.07683 (hard
    movement pruning), with the cubic schedule of Zhu, Gupta: To prune, or not to prune. 2017, arXiv 1710.01878.
    """

    name: ClassVar[str] = "movement prune"
    main: ClassVar[tuple[str, ...]] = ("amount", "epochs")
    data_requirement: ClassVar[DataRequirement] = "finetune"
    lowers: ClassVar[Literal["non-zero weights"]] = "non-zero weights"

    amount: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the selected weights that are zero in the end, of all of them together."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps before the first weight goes."""
    cooldown: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Share of the steps, at the end, at which the amount stays as it is."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Passes over the data."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.01
    """Step size, at its highest."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """Stochastic gradient descent with Nesterov momentum, or Adam with decoupled weight decay."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of sgd, or the first decay rate of adam."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Decay of weights of two or more dimensions; norms and biases never decay."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Learning rate over time: falling to zero along half a cosine, or constant."""
    keep_zeros: bool = True
    """Weights of two or more dimensions that are zero before stay zero."""
    seed: Seed = 0
    """Seed of everything random in the model and in a shuffling data loader."""
    targets: Patterns = ()
    """Modules to prune: class names, dotted paths, or `re:` patterns. Empty: all weights of two or more dimensions."""
    ignore: Patterns = ()
    """Modules to fine-tune without pruning: class names, dotted paths, or `re:` patterns."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Train weights and scores together; the scores of a weight are −Σ gradient · weight of the masked model."""
        from .parts.fit import fit
        from .parts.masking import has_zeros
        from .parts.movement import Masks
        from .parts.substituted import Substituted
        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        masks = Masks({weight.name: weight.parameter for weight in weights})

        def advance(share: float, text: str) -> None:
            masks.set(self.amount_at(share))
            context.progress(share, text)

        fit(Substituted(model, masks.modules), self, context=replace(context, progress=advance))
        masks.set(self.amount)
        for weight in weights:
            weight.parameter.data.masked_fill_(~masks.modules[weight.name].mask, 0)
        attach(model, {weight.name: TensorScheme(pruned=True) for weight in weights if has_zeros(weight.parameter)})
        return model

    def amount_at(self, share: float) -> float:
        """The share of zeros after a share of the steps: from 0, along a cubic curve, to ``amount``."""
        between = (share - self.warmup) / max(1 - self.warmup - self.cooldown, 1e-9)
        return self.amount * (1 - (1 - min(max(between, 0.0), 1.0)) ** 3)


movement_prune = function(MovementPrune)
