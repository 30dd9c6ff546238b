"""Iterative pruning: prune a little, fine-tune, and again, until the amount is reached."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ..schemes.scheme import TensorScheme, attach
from .base import BaseOperation, function, operation
from .types import Context, DataRequirement, Patterns, Progress, Seed

if TYPE_CHECKING:
    from torch import nn


@operation
class IterativePrune(BaseOperation):
    """Set weights to zero in several steps, with a fine-tuning after each.

    Han, Pool, Tran, Dally: Learning both Weights and Connections for Efficient Neural Networks. NeurIPS 2015, arXiv
    1506.02626, section 3.4. The cubic schedule is that of Zhu, Gupta: To prune, or not to prune. 2017, arXiv
    1710.01878.
    """

    name: ClassVar[str] = "iterative prune"
    main: ClassVar[tuple[str, ...]] = ("amount", "steps", "epochs")
    data_requirement: ClassVar[DataRequirement] = "finetune"
    lowers: ClassVar[Literal["non-zero weights"]] = "non-zero weights"

    amount: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the selected weights that are zero in the end."""
    steps: Annotated[int, Field(ge=1, le=1000)] = 3
    """How often weights are pruned; each time a fine-tuning follows."""
    growth: Literal["cubic", "linear", "geometric"] = "cubic"
    """How the amount grows: fast at first (cubic), evenly (linear), or by equal shares of what is left (geometric)."""
    criterion: Literal["magnitude", "gradient"] = "magnitude"
    """Which weights go: as for `magnitude prune` or `gradient prune`."""
    scope: Literal["global", "local"] = "global"
    """Compare weights over all selected tensors together (global), or in every tensor by itself (local)."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Passes over the data after each step."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.01
    """Step size, at its highest."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """Stochastic gradient descent with Nesterov momentum, or Adam with decoupled weight decay."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of sgd, or the first decay rate of adam."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Decay of weights of two or more dimensions; norms and biases never decay."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Learning rate over each fine-tuning: falling to zero along half a cosine, or constant."""
    seed: Seed = 0
    """Seed of everything random in the model and in a shuffling data loader."""
    targets: Patterns = ()
    """Modules to prune: class names, dotted paths, or `re:` patterns. Empty: all weights of two or more dimensions."""
    ignore: Patterns = ()
    """Modules to fine-tune without pruning: class names, dotted paths, or `re:` patterns."""

    @property
    def keep_zeros(self) -> bool:
        """Pruned weights stay zero while the others are trained."""
        return True

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Prune and train in turns."""
        from .gradient_prune import GradientPrune
        from .magnitude_prune import MagnitudePrune
        from .parts.fit import fit
        from .parts.masking import has_zeros
        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        criterion = MagnitudePrune if self.criterion == "magnitude" else GradientPrune
        for step, amount in enumerate(self.amounts()):
            inner = replace(context, progress=self._progress(context, step))
            prune = criterion(amount=amount, scope=self.scope, targets=self.targets, ignore=self.ignore)
            model = fit(prune.apply(model, inner), self, context=inner)
        attach(model, {weight.name: TensorScheme(pruned=True) for weight in weights if has_zeros(weight.parameter)})
        return model

    def amounts(self) -> list[float]:
        """The share of zeros after each step; the last is ``amount``."""
        shares = [step / self.steps for step in range(1, self.steps + 1)]
        if self.growth == "cubic":
            return [self.amount * (1 - (1 - share) ** 3) for share in shares]
        if self.growth == "linear":
            return [self.amount * share for share in shares]
        return [1 - (1 - self.amount) ** share for share in shares]

    def _progress(self, context: Context, step: int) -> Progress:
        """Progress of one step as that of the whole."""

        def report(share: float, text: str) -> None:
            context.progress((step + share) / self.steps, f"step {step + 1} of {self.steps}, {text}")

        return report


iterative_prune = function(IterativePrune)
