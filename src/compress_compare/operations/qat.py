"""Quantization-aware fine-tuning: the loss sees rounded weights, and its gradient passes the rounding unchanged."""

from __future__ import annotations

from dataclasses import InitVar
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ..schemes.scheme import attach
from .base import BaseOperation, function, operation
from .parts.presets import WeightScheme, expanded
from .types import Context, DataRequirement, Patterns, Seed

if TYPE_CHECKING:
    from torch import nn

    from .quantize import Quantize


@operation
class QAT(BaseOperation):
    """Fine-tune a model on its own rounded weights, and round them at the end as `quantize` does.

    Only weights are rounded, not activations. The gradient passes the rounding unchanged.

    Jacob et al.: Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference. CVPR
    2018, arXiv 1712.05877, with the straight-through estimator of Bengio, Léonard, Courville, arXiv 1308.3432.
    """

    name: ClassVar[str] = "qat"
    main: ClassVar[tuple[str, ...]] = ("bits", "epochs")
    data_requirement: ClassVar[DataRequirement] = "finetune"
    lowers: ClassVar[Literal["stored bits"]] = "stored bits"

    bits: Annotated[int, Field(ge=2, le=8)] = 4
    """Bits per weight."""
    symmetric: bool = True
    """Levels −(2^(bits−1)−1) to 2^(bits−1)−1 times a scale; otherwise 2^bits levels that span minimum to maximum."""
    strategy: Literal["tensor", "channel", "group"] = "channel"
    """What shares one scale: the whole tensor, an output channel, or a group of weights in one output channel."""
    group_size: Annotated[int, Field(ge=1)] | None = None
    """Consecutive weights of one output channel that share a scale; needs the strategy group."""
    scheme: InitVar[WeightScheme] = None
    """Sets the four above by a name of llm-compressor: `W4A16` is 4 bits in groups of 128, symmetric."""
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
    """Weights of two or more dimensions that are exactly zero stay zero, so that pruning lasts."""
    seed: Seed = 0
    """Seed of everything random in the model and in a shuffling data loader."""
    targets: Patterns = ()
    """Modules to quantize: class names, dotted paths, or `re:`. Empty: all weights of two or more dimensions."""
    ignore: Patterns = ()
    """Modules to train without rounding: class names, dotted paths, or `re:` patterns."""

    @model_validator(mode="before")
    @classmethod
    def _scheme_stands_for_parameters(cls, given: Any) -> Any:
        return expanded(cls, given)

    @model_validator(mode="after")
    def _group_size_goes_with_group(self) -> Self:
        if self.strategy == "group" and self.group_size is None:
            raise ValueError("strategy 'group' needs a group_size, e.g. 32.")
        if self.strategy != "group" and self.group_size is not None:
            raise ValueError(f"group_size needs strategy 'group', not {self.strategy!r}.")
        return self

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Train all parameters, the selected weights through their rounding, and round these for good."""
        from .parts.fit import fit
        from .parts.straight_through import Rounded
        from .parts.substituted import Substituted
        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        rounding = self.rounding()
        rounded = {weight.name: Rounded(rounding, weight.layout) for weight in weights}
        fit(Substituted(model, rounded), self, context=context)
        for weight in weights:
            weight.parameter.data = rounding.rounded(weight.parameter.data, weight.layout)
        attach(model, {weight.name: rounding.stored(weight) for weight in weights})
        return model

    def rounding(self) -> Quantize:
        """The operation whose levels the weights have."""
        from .quantize import Quantize

        return Quantize(self.bits, self.symmetric, strategy=self.strategy, group_size=self.group_size)


qat = function(QAT)
