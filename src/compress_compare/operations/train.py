"""Training: all parameters that require gradients, by a first-order optimizer on batches in the order they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from .base import BaseOperation, function, operation
from .types import Context, DataRequirement, Patterns, Seed

if TYPE_CHECKING:
    from torch import nn


@operation
class Train(BaseOperation):
    """Train the model on data, from the weights it has.

    Tensors of nothing but zeros are trained even where `keep_zeros` is set. Dropout and a data loader that shuffles
    draw their random numbers from `seed`.
    """

    name: ClassVar[str] = "train"
    main: ClassVar[tuple[str, ...]] = ("epochs",)
    data_requirement: ClassVar[DataRequirement] = "finetune"
    lowers: ClassVar[Literal["training loss"]] = "training loss"

    epochs: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Passes over the data."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.05
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
    """Weights of two or more dimensions that are exactly zero stay zero, so that pruning lasts."""
    seed: Seed = 0
    """Seed of everything random in the model and in a shuffling data loader."""
    targets: Patterns = ()
    """Modules or parameters to train, norms and biases included: class names, dotted paths, or `re:`. Empty: all."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Train in training mode; see :func:`compress_compare.operations.parts.fit.fit`."""
        from .parts.fit import fit, training_only

        with training_only(self.name, model, targets=self.targets):
            return fit(model, self, context=context)


train = function(Train)
