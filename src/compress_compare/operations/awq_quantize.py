"""AWQ: inputs of large activation have their weights scaled up before rounding, and down after it."""

from __future__ import annotations

from dataclasses import InitVar, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ..schemes.scheme import TensorScheme, attach
from .base import BaseOperation, function, operation
from .parts.presets import WeightScheme, expanded
from .types import Context, DataRequirement, Patterns, unsuitable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .parts.moments import InputMoments, Inputs
    from .quantize import Quantize
    from .targets import Weight

ROWS = 512
"""Of the error, worked out at once."""


@operation
class AWQQuantize(BaseOperation):
    """Round W · s to the nearest level and divide by s, with s = (mean |input|)^α and the α that errs least on
    data.

    Applies to linear layers, packed projections of attention, and experts, each of which has scales s of its own; these
    are stored with the layer. Other weights are rounded as they are, and their scheme and the log say so.

    Inputs of large activation have their weights scaled up before rounding and down after it. The scales are
    counted in the packed size; where a norm or layer before can absorb them, they cost nothing.

    Lin, Tang, Tang, Yang, Dang, Gan, Han: AWQ, activation-aware weight quantization. MLSys 2024, arXiv 2306.00978.
    """

    name: ClassVar[str] = "awq quantize"
    main: ClassVar[tuple[str, ...]] = ("bits",)
    data_requirement: ClassVar[DataRequirement] = "calibration"
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
    full_range: bool = False
    """Use all 2^bits levels when symmetric, −2^(bits−1) too, as llm-compressor does."""
    grid: Annotated[int, Field(ge=1, le=1000)] = 20
    """How many values of α from 0 (nothing is scaled) to 1 are tried for each layer."""
    targets: Patterns = ()
    """Modules to quantize: class names, dotted paths, or `re:`. Empty: all weights of two or more dimensions."""
    ignore: Patterns = ()
    """Modules to leave alone: class names, dotted paths, or `re:` patterns."""

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
        if self.full_range and not self.symmetric:
            raise ValueError("full_range needs symmetric levels; others span minimum to maximum anyway.")
        return self

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Measure the inputs of the layers of one block after the other, and choose α for each.

        Raises:
            InvalidValue: ``operation.not_applicable`` when no selected weight belongs to a linear layer.
        """
        from .parts.blocks import original_stages
        from .parts.reached import Reached
        from .targets import belongs, select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        linear = [weight for weight in weights if weight.parameter.ndim == 2 or weight.layout.stacked]
        plain = self._nearest()
        by_name, schemes, reached = {weight.name: weight for weight in weights}, dict[str, TensorScheme](), Reached()
        for part, found in original_stages(model, linear, context=context, name=self.name):
            for name in list(found):
                inputs = found.pop(name)  # what has been used is not held beside what is still to be
                context.progress(len(schemes) / len(weights), f"{part}: {name}")
                axis, groups, stored = inputs.layout.axis, inputs.layout.groups, plain.stored(by_name[name])
                scaled = self._round(by_name[name], inputs)
                stored = replace(stored, input_scales=scaled, channel_axis=axis, groups=groups)
                schemes[name] = reached.note(stored, by_name[name], found=inputs)
        if not schemes:
            title = "no selected weight belongs to a linear layer."
            raise unsuitable(self.name, title, detail=belongs(weights[0]), hint="Use quantize.")
        for weight in weights:
            if weight.name not in schemes:
                weight.parameter.data = plain.rounded(weight.parameter.data, weight.layout)
                schemes[weight.name] = reached.note(plain.stored(weight), weight, found=None)
        attach(model, {weight.name: schemes[weight.name] for weight in weights})
        reached.say(context)
        return model

    def _nearest(self) -> Quantize:
        """What rounds to the nearest of the same levels."""
        from .quantize import Quantize

        how: dict[str, Any] = {name: getattr(self, name) for name in ("strategy", "group_size", "full_range")}
        return Quantize(self.bits, self.symmetric, **how)

    def _round(self, weight: Weight, inputs: Inputs) -> bool:
        """Round a weight in place, each expert of a stack with scales of its own; whether any input is scaled."""
        import torch

        values = weight.parameter.data
        rows = inputs.layout.rows(values)
        stack = inputs.layout.groups > 1
        parts = inputs.parts(len(rows)) if stack else [(0, len(rows), inputs.together())]
        plain = self._nearest()
        results = [
            (plain.rounded(rows[start:end]), False) if moments is None else self.scaled(rows[start:end], moments)
            for start, end, moments in parts
        ]
        rounded = torch.cat([result for result, _ in results])
        # kept where it is: new memory among what is soon freed could not be given back
        values.copy_(inputs.layout.tensor(rounded, tuple(values.shape)))
        return any(scaled for _, scaled in results)

    def scaled(self, values: Tensor, moments: InputMoments) -> tuple[Tensor, bool]:
        """The rounded weights [outputs, inputs] of least squared error of outputs, and whether inputs are scaled."""
        import torch

        plain = self._nearest()
        second = moments.second.float()
        mean = (moments.absolute / moments.count).clamp(min=1e-8)
        best, least, chosen = plain.rounded(values), float("inf"), 0.0
        for alpha in torch.linspace(0, 1, self.grid + 1).tolist()[: self.grid]:
            scales = mean**alpha
            scales = (scales / (scales.max() * scales.min()).sqrt()).to(values)
            rounded = plain.rounded(values * scales).div_(scales)
            differences = (part.float() for part in torch.split(rounded - values, ROWS))
            error = sum(float((part @ second).mul_(part).sum()) for part in differences)
            if error < least:
                best, least, chosen = rounded, error, alpha
        return best, chosen > 0


awq_quantize = function(AWQQuantize)
