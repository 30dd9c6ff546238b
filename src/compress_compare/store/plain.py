"""Tensors of PyTorch that are more than numbers in a row, as plain tensors that a safetensors file can hold.

Quantized tensors keep their codes and scales, under the names by which ``readers.layouts`` knows them; what has no such
form is written out as the numbers in use. Sources: torchao's ``flatten_tensor_state_dict`` (``_weight_qdata``);
``torch.ao.nn.quantized`` (``_packed_params``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue
from ..readers import sparse
from ..readers.safetensors_header import shown

if TYPE_CHECKING:
    from torch import Tensor

PARTS = {"qdata", "scale", "zero_point"}
PACKED = "_packed_params._packed_params"
TILED = {"qdata", "scale_and_zero"}
ROWS_AT_ONCE = 1024
NEAR = 0.05
"""By how much of a step a number may miss its code, by the arithmetic of the tool."""


def plain(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state dict with plain tensors alone; what is no tensor of PyTorch stays as it is.

    Raises:
        InvalidValue: ``checkpoint.no_numbers`` for tensors on the meta device, ``checkpoint.unsupported_tensor`` for
            classes of tensors that cannot be written out, and those of ``readers.sparse.dense``.
    """
    return dict(each for name, value in state.items() for each in _plain(name, value))


def _plain(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if name.endswith(PACKED) and isinstance(value, tuple) and len(value) == 2:
        start = name.removesuffix(PACKED)
        for part, each in zip(("weight", "bias"), value, strict=True):
            if each is not None:
                yield from _plain(f"{start}{part}", each)
    elif name.endswith("_packed_params.dtype"):
        return
    elif not hasattr(value, "layout"):
        yield name, value
    elif value.device.type == "meta":
        raise InvalidValue(
            "checkpoint.no_numbers",
            f"Tensor {shown(name)} is on the meta device: it has a shape and no numbers.",
            hint="Load the weights first, for example with model.to_empty(device='cpu') and load_state_dict.",
        )
    elif value.is_quantized:
        yield from _codes(name, value)
    elif str(value.layout) != "torch.strided":
        yield name, sparse.dense(name, value)
    elif hasattr(value, "__tensor_flatten__"):
        yield from _flattened(name, value)
    else:
        yield name, value


def _codes(name: str, value: Tensor) -> Iterator[tuple[str, Any]]:
    """Of a tensor of ``torch.ao``: codes, and for each output channel or all of them a scale and a zero point."""
    import torch

    is_channels = value.qscheme() not in (torch.per_tensor_affine, torch.per_tensor_symmetric)
    if value.dtype not in (torch.qint8, torch.quint8) or (is_channels and value.q_per_channel_axis() != 0):
        yield name, value.dequantize()
        return
    scale = value.q_per_channel_scales() if is_channels else torch.tensor([value.q_scale()])
    zero = value.q_per_channel_zero_points() if is_channels else torch.tensor([value.q_zero_point()])
    yield name, value.int_repr()
    yield f"{name}_scale", scale.to(torch.float32)
    yield f"{name}_zero_point", zero.to(torch.float32)


def _flattened(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Of a tensor class of torchao: its codes and scales, where these are read, or the numbers in use."""
    import torch

    parts, _ = value.__tensor_flatten__()
    narrow = (torch.int8, torch.uint8, torch.float8_e4m3fn, torch.float8_e5m2)
    inner = {part: getattr(value, part) for part in parts}
    inner = _tiles(value, inner) or inner
    if set(inner) <= PARTS and "scale" in inner and inner["qdata"].dtype in narrow:
        start, dot, last = name.rpartition(".")
        for part, each in inner.items():
            yield f"{start}{dot}_{last}_{part}", each
        return
    try:
        found = value.dequantize() if hasattr(value, "dequantize") else value.original_weight_tensor.dequantize()
    except Exception as error:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise InvalidValue(
            "checkpoint.unsupported_tensor",
            f"Tensor {shown(name)} is a {kind}, which cannot be written out.",
            detail=f"{error}".partition("\n")[0][:200],
            hint="Log the numbers in use: a state dict with tensor.dequantize() in its place.",
        ) from error
    yield name, found.detach()


def _tiles(value: Any, inner: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Of four-bit weights in the order of a kernel's tiles, the parts of torchao's plain ``Int4Tensor``.

    How the tiles lie depends on the kernel, so its own product with the identity tells the numbers; with the scales
    beside them these tell the codes. ``None`` for others, or where the numbers are not those of such codes.
    """
    import torch

    pairs = inner.get("scale_and_zero")
    if set(inner) != TILED or pairs is None or pairs.dim() != 3 or pairs.shape[-1] != 2 or value.dim() != 2:
        return None
    rows, columns = value.shape
    size = int(value.block_size[-1])
    one = torch.eye(columns, dtype=pairs.dtype, device=value.device)
    with torch.no_grad():
        products = [torch.nn.functional.linear(some, value) for some in torch.split(one, ROWS_AT_ONCE)]
    found = torch.cat(products).T.float()
    scale, zero = pairs[: -(-columns // size), :rows].float().unbind(-1)
    spread = [each.T.repeat_interleave(size, 1)[:, :columns] for each in (scale, zero)]
    exact = (found - spread[1]) / spread[0]
    codes = exact.round().clamp(-8, 7)
    off = ((codes - exact).abs() * spread[0]).max() > NEAR * spread[0].max()
    if columns % 2 or columns % size or bool(off):
        return None
    low, high = codes.to(torch.int8)[:, 0::2], codes.to(torch.int8)[:, 1::2]
    packed = (low & 15) | (high << 4)
    scale, zero = (each.to(pairs.dtype).contiguous() for each in (scale, zero))
    return {"qdata": packed, "scale": scale, "zero_point": zero}
