"""What was said to have been done to a model, held against what its numbers show.

A claim is the operation with its parameters, the ``quantization_config`` beside the weights, or a scheme that was
declared. Evidence is the numbers alone: zeros, distinct values, number formats; whose code made them plays no part.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import operations, records
from ..analysis.layers import statistics
from ..analysis.layers.covered import percent
from ..analysis.layers.values import Array, Values
from ..errors import NotFound
from ..readers import kinds
from ..readers.dtypes import DTYPES
from ..readers.pair import ModelPair
from ..readers.weights import FORGET_EVERY, StoredTensor, Weights
from ..schemes.scheme import TensorScheme
from .evident import most_distinct

EMBEDDING = re.compile(r"embed|(?:^|\.)(?:wte|wpe|tok_emb|token_embd|lm_head)(?:\.|$)")
CAST = re.compile(r"(?:^|[^a-z0-9])(bf16|bfloat16|fp16|float16|half)(?:$|[^a-z0-9])")
CAST_NAMES = {"bfloat16": "bf16", "float16": "fp16", "half": "fp16"}
NAMED_BITS = {"quantize dynamic": 8, "quantize static": 8}
GROUPS = (256, 128, 64, 32)
LOOKED_AT = 1 << 16
NEAR = 0.05
"""Share of zeros by which a model may miss its claim."""

MADE = 0.1
"""Share of a tensor that must have become zero for its zeros to have been made on purpose."""

MANY = 256
"""Distinct values from which on a tensor with zeros was pruned and not rounded."""


@dataclass(frozen=True)
class Claim:
    """What was said; ``None`` is nothing.

    Args:
        bits: of a weight.
        zeros: share of the weights.
        cast: a number format of 16 bits.
    """

    bits: float | None = None
    zeros: float | None = None
    cast: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What the numbers show.

    Args:
        layers: matrices, tables of embeddings aside.
        quantized: those with as few distinct values as the claim's bits allow; ``None`` without such a claim.
        zeros: share of zeros among the weights; ``None`` where no numbers are read.
        cast: share of the weights in a format of at most 16 bits.
        nonzero: of tensors with zeros made on purpose, how many numbers are left.
        unread: weights whose packing is not read, by who packs them so.
    """

    layers: int = 0
    quantized: int | None = None
    zeros: float | None = None
    cast: float = 0.0
    nonzero: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)


def claimed(operation: records.Operation | None, weights: Weights, *, schemes: Mapping[str, TensorScheme]) -> Claim:
    """From the operation, else from what the files say."""
    bits = zeros = None
    cast = None
    if operation is not None:
        given = operation.parameters.get("bits", NAMED_BITS.get(operation.name))
        bits = float(given) if isinstance(given, int | float) and not isinstance(given, bool) else None
        zeros = _zeros_claimed(operation)
        texts = [operation.name, *(each for each in operation.parameters.values() if isinstance(each, str))]
        found = next((CAST.search(text.lower()) for text in texts if CAST.search(text.lower())), None)
        cast = found and CAST_NAMES.get(found[1], found[1])
    config = weights.extra.get("quantization_config")
    bits = _bits_of_config(config) if bits is None else bits
    zeros = _zeros_of_config(config) if zeros is None else zeros
    declared = [scheme.bits for scheme in schemes.values() if scheme.kind == "quantized" and scheme.bits]
    if bits is None and declared:
        bits = float(max(declared))
    return Claim(bits, zeros, cast)


def _zeros_claimed(operation: records.Operation) -> float | None:
    try:
        if not operations.get(operation.name).keeps_shapes:
            return None
    except NotFound:
        pass
    if not re.search("prun|spars|mask", operation.name):
        return None
    given = next((operation.parameters.get(key) for key in ("amount", "sparsity") if key in operation.parameters), None)
    return float(given) if isinstance(given, int | float) and 0 < given < 1 else None


def _bits_of_config(config: Any) -> float | None:
    """Bits of a weight in the ``quantization_config`` of transformers, compressed-tensors and MLX."""
    if not isinstance(config, Mapping):
        return None
    for key, value in (("load_in_4bit", 4.0), ("load_in_8bit", 8.0)):
        if config.get(key) is True:
            return value
    found = [config.get(key) for key in ("bits", "weight_bits", "nbits", "w_bit")]
    groups = config.get("config_groups")
    for group in groups.values() if isinstance(groups, Mapping) else ():
        inner = group.get("weights") if isinstance(group, Mapping) else None
        found.append(inner.get("num_bits") if isinstance(inner, Mapping) else None)
    number = next((each for each in found if isinstance(each, int | float) and not isinstance(each, bool)), None)
    if number is None and config.get("quant_method") in ("fp8", "fbgemm_fp8"):
        return 8.0
    return None if number is None else float(number)


def _zeros_of_config(config: Any) -> float | None:
    """Share of zeros that compressed-tensors notes of a whole model."""
    inner = config.get("sparsity_config") if isinstance(config, Mapping) else None
    given = inner.get("global_sparsity") if isinstance(inner, Mapping) else None
    return float(given) if isinstance(given, int | float) and 0 < given < 1 else None


def evidence(pair: ModelPair, claim: Claim) -> Evidence:
    """What the numbers of a model show, read once."""
    layers = quantized = count = zeros = narrow = total = read = 0
    nonzero: dict[str, int] = {}
    for name, match in pair.matches.items():
        for own, stored in pair.model_tensors(match).items():
            if not kinds.is_weight(own, stored) or (len(stored.shape) < 2 and not stored.unread):
                continue
            is_layer = not EMBEDDING.search(name)
            layers += is_layer
            total += math.prod(stored.shape)
            narrow += math.prod(stored.shape) * (_bits(stored) <= 16)
            values = None if match.how == "unread" else stored.values
            if values is None:
                continue
            found = statistics.zeros(values, values).both
            count, zeros = count + values.count, zeros + found
            if claim.bits is not None and is_layer:
                quantized += _has_few(stored, values, bits=claim.bits)
            if found >= MADE * values.count and stored.packing is None and _is_pruned(values):
                nonzero[own] = values.count - found
            read += stored.num_bytes
            if read > FORGET_EVERY:
                pair.forget()
                read = 0
    pair.forget()
    return Evidence(
        layers,
        None if claim.bits is None else quantized,
        zeros / count if count else None,
        narrow / total if total else 0.0,
        nonzero,
        pair.model.unread,
    )


def sentence(claim: Claim, found: Evidence) -> str:
    """Claim against evidence, in one line; empty where nothing was said."""
    parts = []
    if claim.bits is not None and found.quantized is not None:
        unread = f", {sum(found.unread.values()):,} not readable" if found.unread else ""
        parts.append(f"{claim.bits:.3g} bits claimed: {found.quantized} of {found.layers} layers quantized{unread}.")
    if claim.zeros is not None and found.zeros is not None:
        parts.append(f"{claim.zeros:.0%} zeros claimed, {found.zeros:.0%} found.")
    if claim.cast is not None:
        said = "as claimed" if found.cast == 1 else f"{percent(found.cast)} of the weights have 16 bits or fewer"
        parts.append(f"A {claim.cast} cast claimed: {said}.")
    return " ".join(parts)


def is_met(claim: Claim, found: Evidence) -> bool | None:
    """Whether the numbers bear out what was said; ``None`` where nothing was said or it cannot be seen."""
    known: list[bool] = []
    if claim.bits is not None and found.quantized is not None and not found.unread:
        known.append(found.quantized > 0 or not found.layers)
    if claim.zeros is not None and found.zeros is not None:
        known.append(found.zeros >= claim.zeros - NEAR)
    if claim.cast is not None:
        known.append(found.cast > 0)
    return all(known) if known else None


def _bits(stored: StoredTensor) -> int:
    if stored.packing is not None:
        return stored.packing.bits
    return DTYPES[stored.dtype].bits if stored.dtype in DTYPES else 8


def _has_few(stored: StoredTensor, values: Values, *, bits: float) -> bool:
    """Whether each output channel, or each of its groups, has no more distinct values than its bits allow."""
    if _bits(stored) <= bits:
        return True
    columns = max(values.count // max(values.shape[0], 1), 1)
    rows = max(min(LOOKED_AT // columns, values.shape[0]), 1)
    some = values.numbers(0, rows * columns).reshape(rows, columns)
    most = 2.0**bits
    if most_distinct(some) <= most:
        return columns > most or _is_even(some)
    return any(
        columns % size == 0 and size > most and most_distinct(some.reshape(-1, size)) <= most for size in GROUPS
    ) or (values.count <= LOOKED_AT and most < values.count and most_distinct(some.reshape(1, -1)) <= most)


def _is_even(rows: Array) -> bool:
    """Whether the values of rows that are shorter than a grid lie on one: whole multiples of the smallest gap."""
    for row in rows.astype(np.float64):
        gaps = np.diff(np.unique(row))
        if len(gaps) < 2:
            continue
        steps = gaps / gaps.min()
        if np.abs(steps - np.round(steps)).max() > 0.01 or steps.max() > 256:
            return False
    return True


def _is_pruned(values: Values) -> bool:
    """Whether numbers with many zeros are otherwise as different as numbers are that nobody rounded."""
    some = values.numbers(0, min(values.count, LOOKED_AT))
    distinct = len(np.unique(some))
    return distinct > min(MANY, 0.5 * np.count_nonzero(some))
