"""Computes the size of a model in bytes: as a safetensors file, after gzip, and packed as its scheme implies.

The packed size is that of a file format made for the scheme, tensor by tensor, with every stream rounded up to whole
bytes:

- **dense**: one value of the tensor's type for each element.
- **quantized**: one integer of ``bits`` bits for each element, a scale of ``table_bits`` bits for each tensor, channel
  or group, and, unless symmetric, a zero point of ``bits`` bits with each scale; where inputs are scaled as well, a
  scale of ``table_bits`` bits for each.
- **palettized**: one label of ``bits`` bits for each ``dim`` elements, and codebooks of ``codebook_size · dim`` numbers
  of ``table_bits`` bits.
- **pruned** (on top of any of these): a bit map of one bit for each element, with values or labels only where
  an element is not zero, whenever that is smaller. Labels for several elements are all kept.

Biases, norms and buffers are dense like everything else without an entry. Tied tensors count once. Names, shapes and
file headers are left out.
"""

from __future__ import annotations

import gzip
import math

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ..records import MetricValue
from ..schemes import scheme
from ..schemes.scheme import TensorScheme

GZIP_LEVEL = 6


def serialize(model: nn.Module) -> bytes:
    """Return the parameters and buffers as a safetensors file without metadata; a tied tensor is written once."""
    return save({name: tensor.detach().cpu().clone().contiguous() for name, tensor in _tensors(model).items()})


def file_size(content: bytes) -> MetricValue:
    """Return the bytes of a checkpoint file."""
    return MetricValue(len(content))


def gzip_size(content: bytes) -> MetricValue:
    """Return the bytes of a checkpoint file after gzip at level 6, the default of the command line tool."""
    return MetricValue(len(gzip.compress(content, compresslevel=GZIP_LEVEL, mtime=0)))


def packed_size(model: nn.Module) -> MetricValue:
    """Return the bytes that the scheme of the model implies, as defined at the top of this module."""
    schemes = scheme.of(model)
    tensors = _tensors(model).items()
    return MetricValue(sum(packed_bytes(tensor, schemes.get(name, TensorScheme())) for name, tensor in tensors))


def packed_bytes(tensor: Tensor, entry: TensorScheme) -> int:
    """Return the bytes of one tensor in its scheme: values or labels, bit map, scales or codebooks."""
    bits = entry.bits or 8 * tensor.element_size()
    count = tensor.numel()
    values = _bytes(bits * math.ceil(count / entry.dim))
    if entry.pruned and entry.dim == 1:
        kept = int(torch.count_nonzero(tensor))
        values = min(values, _bytes(count) + _bytes(bits * kept))
    inputs = tensor.select(entry.channel_axis, 0).numel() if entry.input_scales else 0
    return values + _bytes(entry.num_tables(tuple(tensor.shape)) * _table_bits(entry) + inputs * entry.table_bits)


def _table_bits(entry: TensorScheme) -> int:
    if entry.kind == "palettized":
        return (entry.codebook_size or 0) * entry.dim * entry.table_bits
    zero_point = 0 if entry.symmetric else entry.bits or 0
    return entry.table_bits + zero_point


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """The state dict with every tied tensor under its first name only."""
    first: dict[int, str] = {}
    state = model.state_dict(keep_vars=True)
    return {name: tensor for name, tensor in state.items() if first.setdefault(id(tensor), name) == name}


def _bytes(bits: int) -> int:
    return math.ceil(bits / 8)
