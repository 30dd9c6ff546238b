"""How a model says what its tensors are stored as, so that the bytes of a packed file can be computed.

Operations return ordinary modules with ordinary floating-point tensors, whose *values* lie on a grid or in a
codebook. What that grid is stands in the attribute ``compression_scheme`` of the root module: a plain ``dict`` from
tensor name to :class:`TensorScheme`. It survives ``copy.deepcopy`` and pickling, is not part of the state dict, and
is lost when somebody wraps the module in another one. Read it with :func:`of`::

    scheme.of(model)                      # {"conv1.weight": TensorScheme(kind="quantized", bits=4, …)}

Names are those of ``state_dict()``; a tied tensor stands once, under the first of its names. A tensor without an
entry is dense.

Later operations keep it true by themselves (:func:`settle`): an entry stays when its tensor is bitwise the same; when
the only change is that weights became zero, it stays too and is marked ``pruned``; when values moved (fine-tuning),
the grid is gone and the entry goes, except that ``pruned`` stays where all zeros stayed zero. Importing this module
does not import torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from ..errors import InvalidValue

if TYPE_CHECKING:
    from torch import Tensor, nn

ATTRIBUTE = "compression_scheme"
COUNTED_FROM_0 = ("table_bits", "channel_axis")
MAX_NUMBER = 2**31


@dataclass(frozen=True)
class TensorScheme:
    """What one tensor is stored as.

    Args:
        kind: ``dense`` (as its dtype), ``quantized`` (integers of ``bits`` bits and scales) or ``palettized`` (labels
            of ``bits`` bits and a codebook).
        bits: per stored integer or label; ``None`` for dense: that of the dtype.
        pruned: zeros may be stored as a bit map (one bit per weight), with only the other weights written out.
        strategy: what shares one scale or one codebook: the ``tensor``, an output ``channel``, or a ``group`` of
            ``group_size`` consecutive weights of one output channel.
        group_size: weights per group; with the strategy ``channel``, channels that share one, if not each its own.
        symmetric: scales only; otherwise each scale comes with a zero point of ``bits`` bits.
        codebook_size: values (vectors, for ``dim`` above 1) per codebook; ``None`` unless palettized.
        dim: weights per label.
        table_bits: bits of one scale or of one number in a codebook; 0 where they are tensors of their own in the
            state dict.
        channel_axis: the dimension of the tensor that counts output channels.
        input_scales: the values are divided by one further scale of ``table_bits`` per input.
        groups: how many runs the first dimension is cut into, each with output channels of its own: the experts of a
            fused weight, the groups of a transposed convolution.
        note: what was not done as asked, and why, in a few words; empty where all was.
    """

    kind: Literal["dense", "quantized", "palettized"] = "dense"
    bits: int | None = None
    pruned: bool = False
    strategy: Literal["tensor", "channel", "group"] = "tensor"
    group_size: int | None = None
    symmetric: bool = True
    codebook_size: int | None = None
    dim: int = 1
    table_bits: int = 32
    channel_axis: int = 0
    input_scales: bool = False
    groups: int = 1
    note: str = ""

    def num_tables(self, shape: tuple[int, ...]) -> int:
        """How many scales or codebooks a tensor of this shape has; 0 for dense."""
        if self.kind == "dense":
            return 0
        if self.strategy == "tensor" or not shape:
            return 1
        channels = shape[self.channel_axis] if len(shape) > 1 else 1
        if self.strategy == "channel":
            return self.groups * math.ceil(channels / (self.group_size or 1))
        channels *= self.groups
        per_channel = math.prod(shape) // max(channels, 1)
        return channels * math.ceil(per_channel / (self.group_size or per_channel))


_PIECE = 1 << 20
_HINTS = get_type_hints(TensorScheme)


def of(model: nn.Module) -> dict[str, TensorScheme]:
    """The scheme of every tensor that is not simply dense, by its name in the state dict."""
    return dict(getattr(model, ATTRIBUTE, {}))


def attach(model: nn.Module, schemes: Mapping[str, TensorScheme]) -> None:
    """Add or replace entries of a model; other entries stay."""
    setattr(model, ATTRIBUTE, {**of(model), **schemes})


def detach(model: nn.Module) -> None:
    """Forget all entries of a model."""
    if hasattr(model, ATTRIBUTE):
        delattr(model, ATTRIBUTE)


def to_json(schemes: Mapping[str, TensorScheme]) -> dict[str, dict[str, Any]]:
    """Schemes as plain JSON data; what has its default is left out."""
    default = asdict(TensorScheme())
    return {
        name: {key: value for key, value in asdict(scheme).items() if key == "kind" or value != default[key]}
        for name, scheme in schemes.items()
    }


def from_json(data: object) -> dict[str, TensorScheme]:
    """The inverse of :func:`to_json`, of what any file may say.

    Raises:
        InvalidValue: ``model.bad_header`` if it says something else.
    """
    if not isinstance(data, Mapping):
        raise _not_understood(f"Found {type(data).__name__}.")
    for name, values in data.items():
        if not isinstance(values, Mapping) or not all(_fits(*each) for each in values.items()):
            raise _not_understood(f"It is the entry of {name!r:.200}.")
    return {name: TensorScheme(**values) for name, values in data.items()}


def _fits(name: object, value: object) -> bool:
    """Whether a field of `TensorScheme` may have this value."""
    hint = _HINTS.get(str(name))
    if type(value) is int:
        return int in (hint, *get_args(hint)) and (0 if name in COUNTED_FROM_0 else 1) <= value <= MAX_NUMBER
    return value in get_args(hint) if get_origin(hint) is Literal else type(value) in (hint, *get_args(hint))


def _not_understood(detail: str) -> InvalidValue:
    title = "What the checkpoint says about its compression scheme is not understood."
    return InvalidValue("model.bad_header", title, detail=detail)


def settle(before: nn.Module, after: nn.Module) -> None:
    """Complete the entries of ``after``, which has only those its operation made, from those of ``before``."""
    old, new = of(before), of(after)
    old_tensors, new_tensors = dict(before.named_parameters()), dict(after.named_parameters())
    for name, tensor in new_tensors.items():
        if name in old_tensors and old_tensors[name].shape == tensor.shape:
            settled = _settled(old_tensors[name], tensor, old.get(name), new.get(name))
            if settled is not None:
                new[name] = settled
    detach(after)
    if new:
        attach(after, new)


def _settled(
    before: Tensor, after: Tensor, inherited: TensorScheme | None, made: TensorScheme | None
) -> TensorScheme | None:
    """The entry of one tensor, or ``None`` when it is simply dense."""
    before, after = before.detach(), after.detach().to(before.device)
    changed, emptied, still = False, True, inherited is not None and inherited.pruned
    for old, new in _pieces(before, after):
        differs = old != new
        changed |= bool(differs.any())
        emptied = emptied and not bool(new[differs].any())
        still = still and not bool(new[old == 0].any())
    if made is not None:
        return replace(made, pruned=made.pruned or still)
    if not changed:
        return inherited
    if emptied:
        return replace(inherited or TensorScheme(), pruned=True)
    return TensorScheme(pruned=True) if still else None


def _pieces(before: Tensor, after: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Two tensors of one shape, some rows at a time, so that what is found of them takes little memory."""
    import torch

    if not before.ndim or not before.numel():
        return iter([(before, after)])
    rows = max(_PIECE * len(before) // before.numel(), 1)
    return zip(torch.split(before, rows), torch.split(after, rows), strict=True)
