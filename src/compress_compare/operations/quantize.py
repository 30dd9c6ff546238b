"""Weight-only quantization by rounding to the nearest level."""

from __future__ import annotations

from dataclasses import InitVar
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ..schemes.scheme import TensorScheme, attach
from .base import BaseOperation, function, operation
from .parts.presets import WeightScheme, expanded
from .types import Context, Patterns

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from .parts.rows import Layout
    from .targets import Weight

_CHUNK = 1 << 19
"""Weights that are rounded at a time, few enough that what is in between stays in a cache."""


@operation
class Quantize(BaseOperation):
    """Round every weight to the nearest of 2^bits evenly spaced levels. Activations stay in floating point.

    The weights of the result are the rounded values in the type that they had. Symmetric levels are −(2^(bits−1) −
    1) to 2^(bits−1) − 1 times a scale; otherwise 2^bits levels span minimum to maximum, and one of them is exactly
    zero.

    `scheme` has the meaning of compressed-tensors 0.20: `W2A16` to `W8A16` are 2 to 8 bits in groups of 128,
    symmetric; `W4A16_ASYM` is 4 bits, not symmetric; `w4a16` and `16a4w` are read too. What is recorded are the
    four parameters that it sets. A parameter that says something else is an error. `W8A8`, which rounds activations
    too, is `quantize dynamic`.

    Krishnamoorthi: Quantizing deep convolutional networks for efficient inference. 2018, arXiv 1806.08342. The
    names of strategies are those of compressed-tensors.
    """

    name: ClassVar[str] = "quantize"
    main: ClassVar[tuple[str, ...]] = ("bits",)
    lowers: ClassVar[Literal["stored bits"]] = "stored bits"

    bits: Annotated[int, Field(ge=2, le=8)] = 8
    """Bits per weight."""
    symmetric: bool = True
    """Levels −(2^(bits−1)−1) to 2^(bits−1)−1 times a scale; otherwise 2^bits levels that span minimum to maximum."""
    strategy: Literal["tensor", "channel", "group"] = "channel"
    """What shares one scale: the whole tensor, an output channel, or a group of weights in one output channel."""
    group_size: Annotated[int, Field(ge=1)] | None = None
    """Consecutive weights of one output channel that share a scale; needs the strategy group."""
    full_range: bool = False
    """Use all 2^bits symmetric levels, −2^(bits−1) to 2^(bits−1)−1 times max|w| / (2^(bits−1) − ½), as llm-compressor
    and torchao do; the largest weight is then moved by up to half a level."""
    scheme: InitVar[WeightScheme] = None
    """Sets the four above by a name of llm-compressor: `W4A16` is 4 bits in groups of 128, symmetric."""
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

    def by_weight(self) -> bool:
        """Yes."""
        return True

    def apply(self, model: nn.Module, _context: Context, /) -> nn.Module:
        """Replace the selected weights by their rounded values and note the scheme."""
        from .targets import select

        schemes = {}
        for weight in select(self.name, model, targets=self.targets, ignore=self.ignore):
            self.round_in_place(weight.parameter.data, weight.layout)
            schemes[weight.name] = self.stored(weight)
        attach(model, schemes)
        return model

    def rounded(self, values: Tensor, layout: Layout | None = None) -> Tensor:
        """The nearest representable values; same shape and dtype.

        Args:
            values: weights of any shape.
            layout: where output channels are; the first dimension if not given.
        """
        import torch

        result = values.clone(memory_format=torch.contiguous_format)
        self.round_in_place(result, layout)
        return result

    def round_in_place(self, values: Tensor, layout: Layout | None = None) -> None:
        """Replace values by the nearest representable ones; see `rounded`."""
        import torch

        from .parts.rows import Layout

        layout = layout or Layout()
        rows = layout.rows(values)
        wide = torch.promote_types(values.dtype, torch.float32)
        extremes = _extremes(rows, wide) if self.strategy == "tensor" else None
        for part in torch.split(rows, max(_CHUNK // max(rows.shape[1], 1), 1)):
            part.copy_(self._round(part.to(wide), extremes))
        if rows.data_ptr() != values.data_ptr():  # rows are a copy where channels do not come first
            values.copy_(layout.tensor(rows, tuple(values.shape)))

    def stored(self, weight: Weight) -> TensorScheme:
        """How a rounded weight is stored."""
        layout, wide = weight.layout, weight.parameter.ndim > 1
        return TensorScheme(
            kind="quantized",
            bits=self.bits,
            strategy=self.strategy,
            group_size=self.group_size,
            symmetric=self.symmetric,
            table_bits=8 * weight.parameter.element_size(),
            channel_axis=layout.axis if wide else 0,
            groups=layout.groups,
        )

    def _round(self, rows: Tensor, extremes: tuple[Tensor, Tensor] | None) -> Tensor:
        """Round output channels [rows, weights]; short groups are filled up with zeros meanwhile."""
        from torch.nn import functional as F

        rounding = round_full if self.full_range else round_symmetric if self.symmetric else round_asymmetric
        if self.group_size is None:
            return rounding(rows, self.bits, extremes=extremes)
        groups = F.pad(rows, (0, -rows.shape[1] % self.group_size)).reshape(-1, self.group_size)
        return rounding(groups, self.bits, extremes=extremes).reshape(len(rows), -1)[:, : rows.shape[1]]


quantize = function(Quantize)


def round_symmetric(rows: Tensor, bits: int, *, extremes: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Round each row to multiples of max|row| / (2^(bits−1) − 1).

    Args:
        rows: [n, weights], not changed.
        bits: of a level.
        extremes: the minimum and maximum to use; those of each row if not given.
    """
    low, high = _of_rows(rows) if extremes is None else extremes
    top = 2 ** (bits - 1) - 1
    scale = (-low).maximum(high) / top
    scale[scale == 0] = 1
    rounded: Tensor = (rows / scale).round_().clamp_(-top, top).mul_(scale)
    return rounded


def round_full(rows: Tensor, bits: int, *, extremes: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Round each row to −2^(bits−1) to 2^(bits−1) − 1 times max|row| / (2^(bits−1) − ½); see above."""
    low, high = _of_rows(rows) if extremes is None else extremes
    top = 2 ** (bits - 1)
    scale = (-low).maximum(high) / (top - 0.5)
    scale[scale == 0] = 1
    rounded: Tensor = (rows / scale).round_().clamp_(-top, top - 1).mul_(scale)
    return rounded


def round_asymmetric(rows: Tensor, bits: int, *, extremes: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Round each row to 2^bits levels from min(row, 0) to max(row, 0), one of which is exactly 0; see above."""
    low, high = _of_rows(rows) if extremes is None else extremes
    top = 2**bits - 1
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / top
    scale[scale == 0] = 1
    zero = (-low / scale).round()
    rounded: Tensor = (rows / scale).add_(zero).round_().clamp_(0, top).sub_(zero).mul_(scale)
    return rounded


def _of_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    return rows.amin(dim=1, keepdim=True), rows.amax(dim=1, keepdim=True)  # aminmax takes twenty times as long


def _extremes(rows: Tensor, wide: torch.dtype) -> tuple[Tensor, Tensor]:
    """Minimum and maximum of a whole matrix, [1, 1] each."""
    found = rows.aminmax()
    return found.min.to(wide).reshape(1, 1), found.max.to(wide).reshape(1, 1)
