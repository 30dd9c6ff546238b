"""Palettized tensors as they are stored: a table of values, and labels of b bits packed into bytes. Needs torch.

``pack(model)`` gives everything that a safetensors file needs; ``unpack`` gives back the same state dict, bit by bit.
A tensor ``conv.weight`` that its scheme calls palettized becomes ``conv.weight.table`` [k, dim] in 16 bits where these
hold its values exactly, ``conv.weight.labels`` (uint8, ⌈b·⌊N/dim⌋/8⌉ of them, lowest bit first) and, where N is no
multiple of dim, ``conv.weight.rest``. All other tensors stay as they are; a tied tensor stands once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import InvalidValue
from ...schemes import scheme
from ...schemes.scheme import TensorScheme
from ..clustering.vectors import join, split
from .modules import table_bits

KEY = "palettized"


@dataclass(frozen=True)
class Packed:
    """Tensors and metadata of a file.

    Args:
        tensors: by name; labels are uint8.
        metadata: under ``palettized`` the shape, type, bits, dim and channel axis of each packed tensor as JSON text,
            under ``tied`` the further names of tied tensors.
    """

    tensors: dict[str, Tensor]
    metadata: dict[str, str]

    @property
    def num_bytes(self) -> int:
        """Bytes of all tensors together, without names and headers."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.tensors.values())


def pack(model: nn.Module) -> Packed:
    """The state dict of a model with every palettized tensor as table and labels.

    Raises:
        InvalidValue: ``scheme.broken`` when a tensor has more distinct values than its scheme allows.
    """
    schemes = scheme.of(model)
    first: dict[int, str] = {}
    tensors: dict[str, Tensor] = {}
    described, tied = {}, {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if first.setdefault(id(tensor), name) != name:
            tied[name] = first[id(tensor)]
            continue
        entry = schemes.get(name, TensorScheme())
        if entry.kind != "palettized" or entry.strategy != "tensor":
            tensors[name] = tensor.detach().clone()
            continue
        tensors |= {f"{name}.{part}": value for part, value in _packed(name, tensor.detach(), entry).items()}
        described[name] = _description(tensor, entry)
    return Packed(tensors, {KEY: json.dumps(described), "tied": json.dumps(tied)})


def unpack(packed: Packed) -> dict[str, Tensor]:
    """The state dict that was packed, for ``model.load_state_dict``."""
    described: dict[str, dict[str, Any]] = json.loads(packed.metadata[KEY])
    parts = {f"{name}.{part}" for name in described for part in ("table", "labels", "rest")}
    state = {name: tensor for name, tensor in packed.tensors.items() if name not in parts}
    state |= {name: _unpacked(packed.tensors, name, entry) for name, entry in described.items()}
    return state | {name: state[other] for name, other in json.loads(packed.metadata["tied"]).items()}


def pack_labels(labels: Tensor, bits: int) -> Tensor:
    """Labels [m] below 2^bits as bytes: uint8 [⌈m·bits/8⌉], lowest bit first, without gaps."""
    each = np.unpackbits(labels.to(torch.uint8).cpu().numpy()[:, None], axis=1, count=bits, bitorder="little")
    return torch.from_numpy(np.packbits(each.reshape(-1), bitorder="little"))


def unpack_labels(packed: Tensor, bits: int, *, count: int) -> Tensor:
    """The inverse of :func:`pack_labels` for ``count`` labels: int64 [count]."""
    flat = np.unpackbits(packed.cpu().numpy(), count=count * bits, bitorder="little").reshape(count, bits)
    return torch.from_numpy(np.packbits(flat, axis=1, bitorder="little")[:, 0].astype(np.int64))


def _packed(name: str, tensor: Tensor, entry: TensorScheme) -> dict[str, Tensor]:
    vectors, rest = split(tensor, dim=entry.dim, axis=entry.channel_axis)
    table, labels = torch.unique(vectors, dim=0, return_inverse=True)
    bits = entry.bits or 0
    if len(table) > 2**bits:
        raise InvalidValue(
            "scheme.broken",
            f"The tensor {name!r} cannot be packed with {bits} bits.",
            detail=f"It has {len(table):,} distinct values; at most {2**bits:,} are possible.",
            hint="Palettize the model again after changing its weights.",
        )
    parts = {"table": table.half() if table_bits(table) == 16 and table.element_size() > 2 else table}
    parts["labels"] = pack_labels(labels.reshape(-1), bits)
    return parts | ({"rest": rest.clone()} if len(rest) else {})


def _description(tensor: Tensor, entry: TensorScheme) -> dict[str, Any]:
    kind = str(tensor.dtype).removeprefix("torch.")
    return {
        "shape": list(tensor.shape),
        "dtype": kind,
        "bits": entry.bits,
        "dim": entry.dim,
        "channel_axis": entry.channel_axis,
    }


def _unpacked(tensors: Mapping[str, Tensor], name: str, entry: Mapping[str, Any]) -> Tensor:
    kind = getattr(torch, entry["dtype"])
    shape, dim = tuple(entry["shape"]), entry["dim"]
    table = tensors[f"{name}.table"].to(kind)
    labels = unpack_labels(tensors[f"{name}.labels"], entry["bits"], count=int(np.prod(shape)) // dim)
    rest = tensors.get(f"{name}.rest", table.new_empty(0))
    return join(table[labels], rest, shape=shape, axis=entry["channel_axis"])
