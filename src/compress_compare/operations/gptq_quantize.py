"""GPTQ: weights are rounded one input after the other, and those not yet rounded make up for the error."""

from __future__ import annotations

from collections.abc import Sequence
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
    from .parts.reached import Reached
    from .quantize import Quantize
    from .targets import Weight
    from .types import Finished

BLOCK = 128


@operation
class GPTQQuantize(BaseOperation):
    """Round weights to the levels of `quantize`, choosing levels so that the layers' outputs on data change least.

    Applies to every weight that takes part in a matrix product or a convolution; other weights, such as embeddings,
    are rounded to the nearest level, and their scheme and the log say so. Weights that are zero stay zero.

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
    full_range: bool = False
    """Use all 2^bits levels when symmetric, −2^(bits−1) too, as llm-compressor does."""
    damping: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Share of the mean second moment of the inputs that is added to each, against overfitting to little data."""
    by_activation: bool = False
    """Round the inputs of largest second moment first, instead of in the order of the weights ("act order")."""
    sequential: bool = True
    """See inputs behind the blocks already rounded, not as they were; layers of one block see it whole."""
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
        """Round layer by layer in the order in which they run.

        Raises:
            InvalidValue: ``operation.not_applicable`` when no selected weight belongs to a layer that can be followed.
        """
        from .parts.blocks import first_use, stages
        from .parts.moments import layer_inputs
        from .parts.reached import Reached
        from .targets import belongs, select

        plain = self._nearest()
        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        by_name = {weight.name: weight for weight in weights}
        schemes: dict[str, TensorScheme] = {}
        reached, looked_up = Reached(), 0
        if self.sequential:  # what is looked up comes before all that is multiplied
            use = first_use(model, weights, context=context, name=self.name)
            for weight in weights:
                if weight.name in use.looked_up:
                    weight.parameter.data = plain.rounded(weight.parameter.data, weight.layout)
                    schemes[weight.name] = reached.note(plain.stored(weight), weight, found=None)
            looked_up = len(schemes)
            multiplied = [weight for weight in weights if weight.name not in use.looked_up]
            parts = stages(model, multiplied, order=use.multiplied, context=context, name=self.name)
        else:
            parts = iter([("", layer_inputs(model, weights, context=context, name=self.name))])
        for part, found in parts:
            if found is None:
                context.progress(len(schemes) / len(weights), f"{part}: finished before the interruption")
                schemes |= _restored(reached, part, weights=weights, finished=context.finished)
                continue
            for name in list(found):
                inputs = found.pop(name)  # what has been used is not held beside what is still to be
                context.progress(len(schemes) / len(weights), f"{part}: {name}" if part not in ("", name) else name)
                stored = replace(
                    plain.stored(by_name[name]), channel_axis=inputs.layout.axis, groups=inputs.layout.groups
                )
                schemes[name] = reached.note(stored, by_name[name], found=inputs)
                self._round(by_name[name], inputs)
                if context.finished is not None:
                    context.finished.save(name, by_name[name].parameter.data, stored=schemes[name])
        if len(schemes) == looked_up:
            hint = "Round to nearest with quantize."
            title = "no selected weight belongs to a linear or convolutional layer."
            raise unsuitable(self.name, title, detail=belongs(weights[0]), hint=hint)
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

    def _round(self, weight: Weight, inputs: Inputs) -> None:
        """Round a weight in place; rows that saw other inputs, as those of another expert, by moments of their own."""
        import torch

        values = weight.parameter.data
        rows = inputs.layout.rows(values)
        rows = rows.to(torch.promote_types(rows.dtype, torch.float32))
        scale, zero = self.grid(rows)
        rounded = []
        for start, end, moments in inputs.parts(len(rows)):
            one, other = (each[:, start:end] if each.shape[1] > 1 else each for each in (scale, zero))
            factor = self._upper(moments, size=rows.shape[1], name=weight.name)
            rounded.append(self.compensated(rows[start:end], factor, scale=one, zero=other))
        # kept where it is: new memory among what is soon freed could not be given back
        values.copy_(inputs.layout.tensor(torch.cat(rounded), tuple(values.shape)))

    def grid(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Scale and zero point, those of `quantize`.

        Args:
            rows: weights, [outputs, inputs].

        Returns:
            Two tensors [groups of inputs, outputs], or [1, 1] if one is for all; a weight is (level − zero) · scale.
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
        low, high = shared.amin(1).clamp(max=0), shared.amax(1).clamp(min=0)
        scale = torch.maximum(-low, high) * 2 / self._top if self.symmetric else (high - low) / self._top
        scale = torch.where(scale == 0, torch.ones_like(scale), scale)
        middle = 2 ** (self.bits - 1) - 1 + int(self.full_range)
        zero = torch.full_like(scale, middle) if self.symmetric else (-low / scale).round()
        by_output = 1 if self.strategy == "tensor" else outputs
        return scale.reshape(by_output, -1).T.contiguous(), zero.reshape(by_output, -1).T.contiguous()

    def compensated(self, rows: Tensor, factor: tuple[Tensor, Tensor], *, scale: Tensor, zero: Tensor) -> Tensor:
        """Algorithm 1 of the paper, in blocks of columns.

        Args:
            rows: weights, [outputs, inputs].
            factor: the upper Cholesky factor of the inverse of the inputs' second moments, [inputs, inputs], and the
                order of the inputs in it.
            scale: as `grid` gives it, for these outputs.
            zero: the same.
        """
        import torch

        upper, order = factor
        # one input after the other is rounded: its weights lie side by side
        left = rows.T[order.to(rows.device)]
        upper, pruned, diagonal = upper.to(left), left == 0, upper.diagonal().tolist()
        group = [0 if self.group_size is None else place // self.group_size for place in order.tolist()]
        for start in range(0, len(left), BLOCK):
            end = min(start + BLOCK, len(left))
            errors = torch.empty_like(left[start:end])
            for column in range(start, end):
                one, middle = scale[group[column]], zero[group[column]]
                levels = (left[column] / one).add_(middle).round_().clamp_(0, self._top)
                wanted = levels.sub_(middle).mul_(one).masked_fill_(pruned[column], 0)
                torch.sub(left[column], wanted, out=errors[column - start]).div_(diagonal[column])
                left[column] = wanted
                left[column + 1 : end].addr_(upper[column, column + 1 : end], errors[column - start], alpha=-1)
            left[end:].addmm_(upper[start:end, end:].T, errors, alpha=-1)
        return left[order.argsort().to(rows.device)].T.contiguous()

    def _upper(self, moments: InputMoments | None, *, size: int, name: str) -> tuple[Tensor, Tensor]:
        """What `compensated` takes. Inputs that are always zero, or all without moments, are rounded to nearest."""
        import torch

        order = torch.arange(size)
        if moments is None:
            return torch.eye(size), order
        if self.by_activation:
            order = moments.second.diagonal().argsort(descending=True, stable=True)
        factor, failed = _factor(self._damped(moments, order))
        if failed:  # numbers of 32 bits do not suffice
            factor, failed = _factor(self._damped(moments, order).double())
        if failed:
            hint = "Leave it out with ignore, or look for extreme values in the data."
            raise unsuitable(self.name, f"the inputs of {name!r} are not finite, or of too different sizes.", hint=hint)
        return factor, order

    def _damped(self, moments: InputMoments, order: Tensor) -> Tensor:
        """The mean of x·xᵀ in an order, with what makes it positive definite."""
        mean = moments.second[order][:, order] if self.by_activation else moments.second.clone()
        mean /= max(moments.count, 1)
        diagonal = mean.diagonal()
        diagonal.masked_fill_(diagonal == 0, 1).add_(self.damping * diagonal.mean())
        return mean

    @property
    def _top(self) -> int:
        """The highest level, counted from 0."""
        num_levels: int = 2**self.bits - int(self.symmetric and not self.full_range)
        return num_levels - 1


gptq_quantize = function(GPTQQuantize)


def _factor(matrix: Tensor) -> tuple[Tensor, bool]:
    """The upper U with UᵀU = the inverse of a symmetric matrix, whose place it takes, and whether there is none."""
    import torch

    factor = matrix.T  # by columns, as the library works on it without a copy
    info = torch.empty((), dtype=torch.int32, device=matrix.device)
    torch.linalg.cholesky_ex(factor, out=(factor, info))
    if info:
        return factor, True
    torch.cholesky_inverse(factor, out=factor)
    torch.linalg.cholesky_ex(factor, upper=True, out=(factor, info))
    return factor, bool(info)


def _restored(
    reached: Reached, part: str, *, weights: Sequence[Weight], finished: Finished | None
) -> dict[str, TensorScheme]:
    """How the weights of a block are stored that an interrupted run had finished."""
    known = {w.name: finished.load(w.name) for w in weights if finished and w.name.startswith(f"{part}.")}
    return {name: reached.again(each[1], name) for name, each in known.items() if each is not None}
