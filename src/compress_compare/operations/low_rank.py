"""Low rank: a layer becomes two thinner ones, by the singular value decomposition of its weight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .base import BaseOperation, function, operation
from .types import Context, Patterns, unsuitable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..errors import InvalidValue
    from .targets import Weight

DEFAULT_RATIO = 0.5
TOO_SMALL = "would not become smaller"
"""Why a layer stays that could be factorized."""


@operation
class LowRank(BaseOperation):
    """Replace linear and convolutional layers by two thinner layers in a row, the nearest of their rank.

    The layer `fc` becomes `fc.0`, which projects on the rank, and `fc.1`, which has the bias; `fc.weight`, for code
    that reads it, is their product. Layers that would not become smaller stay, and the log says so. Give at most one of
    rank, ratio and energy; with none, half of a layer's weights stay.

    Grouped convolutions and layers with tied weights stay too.

    Denton, Zaremba, Bruna, LeCun, Fergus: Exploiting Linear Structure Within Convolutional Networks for Efficient
    Evaluation. NeurIPS 2014, arXiv 1404.0736. A convolution becomes one with fewer outputs and a 1 × 1 convolution:
    Zhang, Zou, He, Sun: Accelerating Very Deep Convolutional Networks. TPAMI 2016, arXiv 1505.06798.
    """

    name: ClassVar[str] = "low rank"
    lowers: ClassVar[Literal["non-zero weights"]] = "non-zero weights"
    keeps_shapes: ClassVar[bool] = False

    rank: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Singular values to keep in every layer."""
    ratio: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of a layer's weights that the two new layers may have together."""
    energy: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the sum of squared singular values that is kept: the smallest rank that reaches it."""
    targets: Patterns = ()
    """Modules to factorize: class names, dotted paths, or `re:`. Empty: all linear and convolutional layers."""
    ignore: Patterns = ()
    """Modules to leave alone: class names, dotted paths, or `re:` patterns."""

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        given = [name for name in ("rank", "ratio", "energy") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of rank, ratio and energy, not {' and '.join(given)}.")
        return self

    def by_weight(self) -> bool:
        """Yes."""
        return True

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Replace the selected layers.

        Raises:
            InvalidValue: ``operation.not_applicable`` when a weight named by targets cannot be factorized, or when no
                layer would become smaller.
        """
        from .parts.factors import replace_modules
        from .parts.reached import left_alone
        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        holders = _holders(model)
        smaller: dict[int, nn.Module] = {}
        left: dict[str, str] = {}
        for done, weight in enumerate(weights):
            context.progress(done / len(weights), weight.name)
            reason = _obstacle(weight, holders[id(weight.parameter)])
            if reason and self.targets:
                raise unsuitable(self.name, f"{weight.name!r} {reason}.", hint="Leave it out with ignore.")
            pair = None if reason else self._pair(weight)
            if pair is not None:
                smaller[id(weight.module)] = pair
            else:
                left[weight.name] = reason or TOO_SMALL
        left_alone(context, left)
        if not smaller:
            raise self._nothing(left)
        return replace_modules(model, smaller)

    def kept(self, singular: Tensor, *, rows: int, columns: int) -> int:
        """The rank to keep of a matrix [rows, columns] with these singular values [min(rows, columns)]; at least 1."""
        if self.rank is not None:
            return min(self.rank, len(singular))
        if self.energy is not None:
            share = (singular**2).cumsum(0) / (singular**2).sum().clamp(min=1e-300)
            return min(int((share < self.energy * (1 - 1e-12)).sum()) + 1, len(singular))
        ratio = DEFAULT_RATIO if self.ratio is None else self.ratio
        return min(max(math.floor(ratio * rows * columns / (rows + columns)), 1), len(singular))

    def _nothing(self, left: Mapping[str, str]) -> InvalidValue:
        """The refusal of a model without a layer that would become smaller, by the reasons of all its weights."""
        if TOO_SMALL in left.values():
            name = next(name for name, reason in left.items() if reason == TOO_SMALL)
            detail, hint = f"{name!r} {TOO_SMALL}.", "Choose a lower rank, ratio or energy."
            return unsuitable(self.name, "no layer would become smaller.", detail=detail, hint=hint)
        name, reason = next(iter(left.items()))
        title = "the model has no layer that can be factorized."
        return unsuitable(self.name, title, detail=f"{name!r} {reason}.", hint="Use quantize or palettize.")

    def _pair(self, weight: Weight) -> nn.Sequential | None:
        """Two layers in place of one, or nothing when they would not be smaller."""
        from .parts.factors import factors

        matrix = weight.parameter.data.movedim(weight.channel_axis, 0).flatten(1)
        rows, columns = matrix.shape
        found = factors(matrix, lambda singular: self.kept(singular, rows=rows, columns=columns))
        if found is None:
            return None
        pair = _layers(weight.module, *found)
        weight.parameter.data = matrix.new_empty(0)  # its layer is replaced: no need to hold both
        return pair


low_rank = function(LowRank)


def _layers(layer: Any, down: Tensor, up: Tensor) -> nn.Sequential:
    """``layer`` with its weight given as up [outputs, rank] · down [rank, inputs]."""
    from torch import nn

    from .parts.factors import Factors

    bias: nn.Parameter | None = layer.bias
    kind: Any = {"device": down.device, "dtype": down.dtype}
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        conv: Any = type(layer)
        kept = ("kernel_size", "stride", "padding", "dilation", "padding_mode")
        same = {name: getattr(layer, name) for name in kept}
        first = conv(layer.in_channels, len(down), bias=False, **same, **kind)
        second = conv(len(down), len(up), 1, bias=bias is not None, **kind)
    else:
        first = nn.Linear(down.shape[1], len(down), bias=False, **kind)
        second = nn.Linear(len(down), len(up), bias=bias is not None, **kind)
    for new, matrix in ((first, down), (second, up)):
        shaped = matrix.reshape(new.weight.shape).contiguous()
        new.weight = nn.Parameter(shaped, requires_grad=layer.weight.requires_grad)
    if bias is not None:
        second.bias = bias
    return Factors(first, second, layer=layer)


def _obstacle(weight: Weight, holders: int) -> str:
    """Why a weight cannot be factorized, or nothing."""
    from torch import nn

    from .parts.factors import is_linear

    module = weight.module
    if type(module) not in (nn.Conv1d, nn.Conv2d, nn.Conv3d) and not is_linear(module):
        return f"belongs to a {type(module).__name__}, not to a linear or convolutional layer"
    if weight.attribute != "weight":
        return "is not the weight of a layer"
    if getattr(module, "groups", 1) > 1:
        return "is a grouped convolution"
    return "is tied to another layer" if holders > 1 else ""


def _holders(model: nn.Module) -> dict[int, int]:
    """How many modules hold each parameter."""
    counts: dict[int, int] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            counts[id(parameter)] = counts.get(id(parameter), 0) + 1
    return counts
