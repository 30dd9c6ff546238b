"""GPTQ: weights are rounded one input after the other, and those not yet rounded make up for the error."""

from __future__ import annotations

from dataclasses import InitVar
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ..schemes.scheme import TensorScheme, attach
from .base import BaseOperation, function, operation
from .parts.presets import WeightScheme, expanded
from .types import Context, DataRequirement, Patterns, unsuitable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .parts.moments import InputMoments
    from .targets import Weight

BLOCK = 128


@operation
class GPTQQuantize(BaseOperation):
    """Round weights to the levels of `quantize`, choosing levels so that the layers' outputs on data change least.

    Applies to linear layers and to one- and two-dimensional convolutions; other weights, such as embeddings, are
    rounded to the nearest level.

    Weights are rounded one input after the other, and those not yet rounded make up for the error. Scales are those
    of `quantize`; only the rounding differs. Some tens of batches are enough, if they are like those that the model
    will see.

    Frantar, Ashkboos, Hoefler, Alistarh: GPTQ, accurate post-training quantization for generative pre-trained
    transformers. ICLR 2023, arXiv 2210.17323, algorithm 1.
    """

    name: ClassVar[str] = "gptq quantize"
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
    damping: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Share of the mean second moment of the inputs that is added to each, against overfitting to little data."""
    by_activation: bool = False
    """Round the inputs of largest second moment first, instead of in the order of the weights ("act order")."""
    sequential: bool = True
    """See each layer's inputs behind the layers already rounded (a pass over the data for each), not as they were."""
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
        return self

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Round layer by layer in the order in which they run.

        Raises:
            InvalidValue: ``operation.not_applicable`` when no selected weight belongs to a layer that can be followed.
        """
        from .parts.moments import layer_inputs
        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        found = layer_inputs(model, weights, context=context, name=self.name)
        if not found:
            hint = "Round to nearest with quantize."
            raise unsuitable(self.name, "no selected weight belongs to a linear or convolutional layer.", hint=hint)
        by_name = {weight.name: weight for weight in weights}
        for weight in weights:
            if weight.name not in found:
                weight.parameter.data = self._nearest(weight.parameter.data, weight.channel_axis)
        for done, name in enumerate(found):
            context.progress(done / len(found), name)
            weight = by_name[name]
            moments = found[name]
            if self.sequential and done:
                moments = layer_inputs(model, [weight], context=context, name=self.name).get(name, moments)
            self._round(weight, moments)
        attach(model, {weight.name: self._scheme(weight) for weight in weights})
        return model

    def _nearest(self, values: Tensor, channel_axis: int) -> Tensor:
        from .quantize import Quantize

        plain = Quantize(self.bits, self.symmetric, strategy=self.strategy, group_size=self.group_size)
        return plain.rounded(values, channel_axis)

    def _scheme(self, weight: Weight) -> TensorScheme:
        return TensorScheme(
            kind="quantized",
            bits=self.bits,
            strategy=self.strategy,
            group_size=self.group_size,
            symmetric=self.symmetric,
            table_bits=8 * weight.parameter.element_size(),
            channel_axis=weight.channel_axis if weight.parameter.ndim > 1 else 0,
        )

    def _round(self, weight: Weight, moments: InputMoments) -> None:
        """Round a weight in place; each group of a grouped convolution has moments of its own."""
        import torch

        values = weight.parameter.data.movedim(weight.channel_axis, 0)
        flat = values.flatten(1).double()
        scale, zero = self.grid(flat)
        groups = len(moments.second)
        parts = [each.chunk(groups) for each in (flat, scale, zero)]
        rounded = [
            self.compensated(part, second / moments.count, scale=one, zero=other)
            for part, one, other, second in zip(*parts, moments.second, strict=True)
        ]
        joined = torch.cat(rounded).reshape(values.shape).to(values.dtype)
        weight.parameter.data = joined.movedim(0, weight.channel_axis).contiguous()

    def grid(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and zero point of every weight, those of `quantize`.

        Args:
            rows: weights, [outputs, inputs].

        Returns:
            Two tensors of the same shape; a weight is (level − zero) · scale.
        """
        import torch
        from torch.nn import functional as F

        outputs, inputs = rows.shape
        if self.strategy == "tensor":
            shared = rows.reshape(1, -1)
        elif self.group_size is None:
            shared = rows
        else:
            shared = F.pad(rows, (0, -inputs % self.group_size)).reshape(-1, self.group_size)
        low, high = shared.amin(1, keepdim=True).clamp(max=0), shared.amax(1, keepdim=True).clamp(min=0)
        top = 2 ** (self.bits - 1) - 1
        scale = torch.maximum(-low, high) / top if self.symmetric else (high - low) / (2**self.bits - 1)
        scale = torch.where(scale == 0, torch.ones_like(scale), scale)
        zero = torch.full_like(scale, top) if self.symmetric else (-low / scale).round()
        wide = [
            each.expand_as(shared).reshape(1 if self.strategy == "tensor" else outputs, -1) for each in (scale, zero)
        ]
        spread = [each.reshape(outputs, -1)[:, :inputs] for each in wide]
        return spread[0], spread[1]

    def compensated(self, rows: Tensor, second: Tensor, *, scale: Tensor, zero: Tensor) -> Tensor:
        """Algorithm 1 of the paper, in blocks of columns.

        Args:
            rows: weights, [outputs, inputs].
            second: mean of x·xᵀ, [inputs, inputs]; inputs that are always zero are rounded to nearest.
            scale: [outputs, inputs].
            zero: [outputs, inputs].
        """
        import torch

        hessian = second.clone()
        hessian.diagonal().masked_fill_(second.diagonal() == 0, 1)
        hessian.diagonal().add_(self.damping * hessian.diagonal().mean())
        order = (
            second.diagonal().argsort(descending=True, stable=True) if self.by_activation else torch.arange(len(second))
        )
        order = order.to(rows.device)
        rows, scale, zero, hessian = rows[:, order], scale[:, order], zero[:, order], hessian[order][:, order]
        upper = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(hessian)), upper=True)
        top = 2**self.bits - 1 - int(self.symmetric)
        rounded = torch.zeros_like(rows)
        for start in range(0, rows.shape[1], BLOCK):
            end = min(start + BLOCK, rows.shape[1])
            errors = torch.zeros_like(rows[:, start:end])
            for column in range(start, end):
                levels = (rows[:, column] / scale[:, column] + zero[:, column]).round().clamp(0, top)
                rounded[:, column] = (levels - zero[:, column]) * scale[:, column]
                error = (rows[:, column] - rounded[:, column]) / upper[column, column]
                rows[:, column:end] -= error[:, None] * upper[column, column:end]
                errors[:, column - start] = error
            rows[:, end:] -= errors @ upper[start:end, end:]
        result = torch.empty_like(rounded)
        result[:, order] = rounded
        return result


gptq_quantize = function(GPTQQuantize)
