"""What llama.cpp's converter does to numbers and to the order of rows, undone beside a checkpoint that it came from.

It adds one to the norms of Gemma, Nemotron and Qwen3-Next, stores −exp(A) of Mamba's ``A_log``, takes apart the
queries, keys and values that GPT-NeoX, BLOOM and Falcon keep head by head, and sorts the value heads of Qwen3.5's
linear attention otherwise. A file does not say so of each tensor, and other converters leave some of it out: what
brings the numbers clearly closer to the other checkpoint's is what was done. A number that the converter would have
made of the other checkpoint's is that number, so that a lossless file has no error from rounding. Source: llama.cpp,
``conversion/gemma.py``, ``mamba.py``, ``gpt_neox.py``, ``bloom.py``, ``falcon.py``, ``qwen.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..analysis.layers.values import Array, Values
from .by_head import by_group
from .names import lined_up
from .orientation import CLEARLY, LOOKED_AT
from .rows import gathered
from .weights import StoredTensor, Weights

ROWS = "gguf rows"
NUMBERS = "gguf values"
ADDED = (1.0, 1 / 5, 1 / 5**1.5)
"""What converters add to norms: most of them one; PLaMo's norms behind a layer the others."""

NORM = re.compile(r"norm(_\d+)?\.weight$")
BY_HEAD = ("gptneox", "bloom", "falcon")
"""Architectures whose queries, keys and values the converter takes apart where they are one tensor."""

SCALED = re.compile(r"blk\.\d+\.(time_mix|channel_mix)")
UNKNOWN = "llama.cpp, which changes the numbers of this architecture in ways that are not undone"
UNORDERED = "llama.cpp, in an order of rows that its file does not say"
LAST_DIGITS = 4e-7
"""By how much an exponential that two libraries compute may differ, relative to the number."""


@dataclass(frozen=True)
class RowOrder:
    """Where each row (axis 0) or column (axis 1) of the other checkpoint is in the GGUF file."""

    places: Array
    axis: int = 0


def undone(base: Weights, model: Weights) -> tuple[Weights, Weights]:
    """Base and model, the one that is a GGUF file with what its converter did undone; others as they are."""
    is_base, is_model = ("gguf" in each.extra for each in (base, model))
    if is_base == is_model:
        return base, model
    names = lined_up(base, model)
    ours, theirs = (model, base) if is_model else (base, model)
    changed: dict[str, StoredTensor] = {}
    for name in model.tensors:
        own, other = (name, names.of(name)) if is_model else (names.of(name), name)
        stored, beside = ours.tensors.get(own), theirs.tensors.get(other)
        if stored is None or beside is None:
            continue
        found = _undone(stored, beside, names=(own, other), notes=ours.extra["gguf"])
        if found is not stored:
            changed[own] = found
    if not changed:
        return base, model
    plain = replace(ours, tensors={**ours.tensors, **changed})
    return (base, plain) if is_model else (plain, model)


def _undone(
    stored: StoredTensor, beside: StoredTensor, *, names: tuple[str, str], notes: Mapping[str, Any]
) -> StoredTensor:
    own, other = names
    values, known = stored.values, beside.values
    if values is None or known is None or values.count != known.count or not values.count:
        return stored
    architecture = str(notes.get("general.architecture", ""))
    if SCALED.match(own) and "rwkv" in architecture:
        return replace(stored, values=None, unread=UNKNOWN)
    if own.endswith("ssm_norm.weight") and stored.shape != beside.shape:
        stored = replace(stored, shape=beside.shape, values=replace(values, shape=beside.shape))
    is_decay = other.endswith("A_log")
    if is_decay:
        with np.errstate(all="ignore"):
            stored = _numbered(stored, np.log(-_flat(values)))
    elif NORM.search(own) and values.count == max(stored.shape):
        stored = _without_addend(stored, known)
    orders = list(_orders(own, other, notes=notes, shape=known.shape))
    if architecture in BY_HEAD and "query_key_value" in other and not orders:
        return replace(stored, values=None, unread=UNORDERED)
    for order in orders:
        stored = _in_order(stored, known, order=order)
    return _rounded(stored, known) if is_decay else stored


def _numbered(stored: StoredTensor, numbers: Array) -> StoredTensor:
    """The tensor with other numbers of the same shape."""
    values = Values.of(np.asarray(numbers, np.float32).reshape(stored.shape))
    return replace(stored, values=replace(values, num_bytes=stored.num_bytes), rule=NUMBERS)


def _rounded(stored: StoredTensor, known: Values) -> StoredTensor:
    """Logarithms of exponentials that are the other checkpoint's numbers but for rounding are these numbers."""
    found, before = _flat(stored.values), _flat(known)
    with np.errstate(all="ignore"):
        same = np.abs(found - before) <= LAST_DIGITS * (1 + np.abs(before))
    return _numbered(stored, np.where(same, before, found))


def _without_addend(stored: StoredTensor, known: Values) -> StoredTensor:
    found, before = _flat(stored.values), _flat(known)
    plain = _distance(found, before)
    left = {addend: _distance(found - addend, before) for addend in ADDED}
    best = min(ADDED, key=lambda addend: left[addend])
    if not left[best] < (1 - CLEARLY) ** 2 * plain:
        return stored
    step = np.float32(best)
    return _numbered(stored, np.where(before + step == found, before, found - step))


def _orders(own: str, other: str, *, notes: Mapping[str, Any], shape: tuple[int, ...]) -> Iterator[RowOrder]:
    """The orders in which the converter may have put rows or columns of a tensor."""
    if "query_key_value" in other:
        heads, groups = _said(notes, ".attention.head_count"), _said(notes, ".attention.head_count_kv")
        places = by_group(shape[0], heads=heads, groups=groups or heads)
        if places is not None:
            yield RowOrder(places)
    if "linear_attn." in other:
        keys, heads = _said(notes, ".ssm.group_count"), _said(notes, ".ssm.time_step_rank")
        size, inner = _said(notes, ".ssm.state_size"), _said(notes, ".ssm.inner_size")
        if not (keys and heads and size and inner) or heads % keys or keys == heads or inner % heads:
            return
        axis = 1 if own.endswith("ssm_out.weight") else 0
        if len(shape) <= axis:
            return
        width, before = inner // heads, 2 * keys * size if own.endswith(("attn_qkv.weight", "ssm_conv1d.weight")) else 0
        width = 1 if shape[axis] == heads else width
        if shape[axis] == before + heads * width:
            yield RowOrder(_tiled(keys, heads // keys, width=width, before=before), axis)


def _tiled(keys: int, each: int, *, width: int, before: int) -> Array:
    """Where the value heads of each key are in a file that has the first of every key first."""
    heads = np.arange(keys * each).reshape(each, keys).T.reshape(-1)
    places = (heads[:, None] * width + np.arange(width)).reshape(-1) + before
    return np.concatenate([np.arange(before), places])


def _in_order(stored: StoredTensor, known: Values, *, order: RowOrder) -> StoredTensor:
    """With rows or columns as the other checkpoint has them, if that is clearly closer to it."""
    values = stored.values
    if values is None or values.shape[0] != known.shape[0]:
        return stored
    rows = known.shape[0]
    columns = known.count // rows
    step = max(known.count // LOOKED_AT, 1)
    first, second = (each.whole().reshape(rows, columns) for each in (known, values))
    turned = second[order.places] if order.axis == 0 else second[:, order.places]
    plain = _distance(second[:, ::step], first[:, ::step])
    if not _distance(turned[:, ::step], first[:, ::step]) < CLEARLY * plain:
        return stored
    if order.axis == 0:
        return replace(stored, values=gathered(values, order.places), rule=stored.rule or ROWS)

    def decode(start: int, stop: int) -> Array:
        found = values.numbers(start * columns, stop * columns).reshape(stop - start, columns)
        return np.ascontiguousarray(found[:, order.places])

    return replace(stored, values=replace(values, table=None, decode=decode, unit=columns), rule=stored.rule or ROWS)


def _said(notes: Mapping[str, Any], end: str) -> int | None:
    return next((value for key, value in notes.items() if key.endswith(end) and type(value) is int and value > 0), None)


def _flat(values: Values | None) -> Array:
    return np.zeros(0) if values is None else values.numbers(0, values.count).astype(np.float32)


def _distance(first: Array, second: Array) -> float:
    with np.errstate(all="ignore"):
        found = float(np.sum((first.astype(np.float64) - second) ** 2))
    return found if math.isfinite(found) else math.inf
