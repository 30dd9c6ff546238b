"""Tensors as the bytes of the layout ``packed-1``; see ``readers.packings.streams``, which reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..analysis.layers.values import Array
from ..readers import grids
from ..readers.packings import streams
from ..readers.raw import as_bytes
from ..schemes.scheme import TensorScheme

MAX_BITS = 8


@dataclass(frozen=True, eq=False)
class Stream:
    """One tensor as bytes.

    Args:
        entry: what the index says about it, without its place.
        parts: its bytes by name, in their order.
        note: why it is not packed as its scheme says; empty where it is.
    """

    entry: Mapping[str, Any]
    parts: Mapping[str, Array]
    note: str = ""

    @property
    def num_bytes(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts.values())


def encode(values: Array, raw: Array, *, dtype: str, scheme: TensorScheme) -> Stream:
    """A tensor in the smallest form that gives its numbers back exactly.

    Args:
        values: its numbers, float32, in its shape; not looked at where ``dtype`` is no float of at most 32 bits.
        raw: its bytes as they are.
        dtype: as safetensors names it.
        scheme: how it is meant to be packed.
    """
    dense = Stream({"kind": "dense", "shape": list(values.shape), "dtype": dtype}, {"values": raw})
    if dtype not in streams.NAMES or not values.size or not (scheme.kind != "dense" or scheme.pruned):
        return dense
    values = values + np.float32(0)  # the sign of a zero is not kept
    sparse = _sparse(values, dtype=dtype) if scheme.pruned else dense
    packed, note = dense, ""
    if scheme.kind != "dense":
        packed, note = _packed(values, dtype=dtype, scheme=scheme, dense=dense)
    best = min((dense, sparse, packed), key=lambda one: one.num_bytes)
    return Stream(best.entry, best.parts, note)


def pack(labels: Array, bits: int) -> Array:
    """Labels as bytes, lowest bit first, without gaps."""
    single = np.unpackbits(labels.astype(np.uint8)[:, None], axis=1, count=bits, bitorder="little")
    return np.packbits(single.reshape(-1), bitorder="little")


def _sparse(values: Array, *, dtype: str) -> Stream:
    flat = values.reshape(-1)
    there = flat != 0
    entry = {"kind": "sparse", "shape": list(values.shape), "dtype": dtype}
    return Stream(entry, {"mask": _mask(there), "values": as_bytes(flat[there], dtype)})


def _packed(values: Array, *, dtype: str, scheme: TensorScheme, dense: Stream) -> tuple[Stream, str]:
    reason = _reason(values, scheme)
    if reason:
        return dense, reason
    per = scheme.strategy if values.ndim > 1 or scheme.strategy == "group" else "tensor"
    entry: dict[str, Any] = {
        "kind": scheme.kind, "shape": list(values.shape), "dtype": dtype, "per": per, "axis": scheme.channel_axis,
    }  # fmt: skip
    if scheme.group_size is not None:
        entry["group_size"] = scheme.group_size
    if scheme.kind == "quantized":
        return _quantized(values, entry, scheme=scheme, dense=dense)
    return _palettized(values, entry, scheme=scheme, dense=dense)


def _reason(values: Array, scheme: TensorScheme) -> str:
    if scheme.input_scales:
        return "its inputs have scales of their own"
    if scheme.groups > 1:
        return "its groups have output channels of their own"
    if scheme.dim > 1 and scheme.strategy != "tensor":
        return "vectors with several tables are not packed"
    if not 1 <= (scheme.bits or 0) <= MAX_BITS or scheme.table_bits == 0:
        return "it is stored as integers already"
    return "" if np.isfinite(values).all() else "it holds NaN or infinity"


def _quantized(values: Array, entry: dict[str, Any], *, scheme: TensorScheme, dense: Stream) -> tuple[Stream, str]:
    bits, flat = scheme.bits or 0, streams.ordered(values, entry)
    which, count = streams.table_index(values.shape, entry)
    rows, places = grouped(flat, which, count=count)
    grid = grids.fit(rows, bits, symmetric=scheme.symmetric, dtype=streams.NAMES[entry["dtype"]])
    if grid is None:
        return dense, f"its numbers lie on no grid of {bits} bits"
    low = grid.codes.min(axis=1, initial=0)
    zero = np.full(count, 1 << (bits - 1), np.int16) if scheme.symmetric else (-low).astype(np.int16)
    codes = grid.codes.reshape(-1)[places].astype(np.int64) + zero[which]
    there = flat != 0
    table = {"scale": as_bytes(grid.scales, "F32")} | ({} if scheme.symmetric else {"zero": zero.view(np.uint8)})
    return _with_mask(entry | {"bits": bits}, table, codes, there, masked=scheme.pruned), ""


def _palettized(values: Array, entry: dict[str, Any], *, scheme: TensorScheme, dense: Stream) -> tuple[Stream, str]:
    dim, flat = scheme.dim, streams.ordered(values, entry | {"dim": scheme.dim})
    which, count = streams.table_index(values.shape, entry)
    there = flat != 0
    masked = scheme.pruned and dim == 1
    best: Stream | None = None
    for mask in {False, masked}:
        kept = there if mask else np.ones_like(there)
        found = tables(flat[kept], which[kept], count=count, dim=dim)
        if found is None or found[0].shape[1] > 1 << MAX_BITS:
            continue
        table, labels = found
        halves = bool((table.astype(np.float16).astype(np.float32) == table).all())
        of = "F16" if halves else "BF16" if entry["dtype"] == "BF16" else "F32"
        bits = max(1, (table.shape[1] - 1).bit_length())
        more = {"bits": bits, "dim": dim, "tables": count, "size": table.shape[1], "of": of}
        parts = {"mask": _mask(kept)} if mask else {}
        parts |= {"table": as_bytes(table.reshape(-1), of), "labels": pack(labels, bits)}
        if flat.size % dim:
            parts["rest"] = as_bytes(flat[flat.size - flat.size % dim :], entry["dtype"])
        one = Stream(entry | more, parts)
        best = one if best is None or one.num_bytes < best.num_bytes else best
    if best is None:
        return dense, f"it has more than {1 << MAX_BITS} distinct numbers"
    return best, "" if best.entry["bits"] <= (scheme.bits or 0) else f"it needs labels of {best.entry['bits']} bits"


def tables(flat: Array, which: Array, *, count: int, dim: int) -> tuple[Array, Array] | None:
    """The distinct numbers of each table [tables, size, dim], and the label of each element or vector."""
    if dim > 1:
        whole = flat[: flat.size - flat.size % dim].reshape(-1, dim)
        table, labels = np.unique(whole, axis=0, return_inverse=True)
        return table[None], labels.reshape(-1)
    distinct, labels = [], np.zeros(flat.size, np.int64)
    order = np.argsort(which, kind="stable")
    for part in np.split(order, np.cumsum(np.bincount(which, minlength=count))[:-1]):
        found, label = np.unique(flat[part], return_inverse=True)
        if found.size > 1 << MAX_BITS:
            return None
        distinct.append(found)
        labels[part] = label
    size = max(1, max(found.size for found in distinct))
    table = np.zeros((count, size, 1), np.float32)
    for place, found in enumerate(distinct):
        table[place, : found.size, 0] = found
    return table, labels


def grouped(flat: Array, which: Array, *, count: int) -> tuple[Array, Array]:
    """Elements that share a scale as the rows of a matrix, filled up with zeros, and where each element is in it."""
    sizes = np.bincount(which, minlength=count)
    width = int(sizes.max(initial=1))
    order = np.argsort(which, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    places = np.empty(flat.size, np.int64)
    places[order] = which[order] * width + np.arange(flat.size) - starts[which[order]]
    rows: Array = np.zeros(count * width, np.float32)
    rows[places] = flat
    return rows.reshape(count, width), places


def _with_mask(
    entry: dict[str, Any], table: Mapping[str, Array], codes: Array, there: Array, *, masked: bool
) -> Stream:
    plain = Stream(entry, {**table, "labels": pack(codes, entry["bits"])})
    if not masked:
        return plain
    sparse = Stream(entry, {"mask": _mask(there), **table, "labels": pack(codes[there], entry["bits"])})
    return min((plain, sparse), key=lambda one: one.num_bytes)


def _mask(there: Array) -> Array:
    return np.packbits(there, bitorder="little")


def assembled(encoded: Mapping[str, Stream]) -> tuple[dict[str, Any], Array]:
    """The index entries of tensors, each with its place, and the payload."""
    entries, at = dict[str, Any](), 0
    for name, stream in encoded.items():
        parts = {key: int(part.size) for key, part in stream.parts.items()}
        entries[name] = {**stream.entry, "at": at, "parts": parts}
        at += stream.num_bytes
    found = [part.reshape(-1) for stream in encoded.values() for part in stream.parts.values()]
    payload = np.concatenate(found) if found else np.zeros(0, np.uint8)
    return entries, payload
