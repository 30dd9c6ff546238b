"""Packed weights in safetensors files: several tensors that together are one, read as the numbers in use.

Each layout looks at what stands under the name of one of its tensors, and makes of it and its companions one tensor
under the name that an unpacked checkpoint gives it. What is known by name and fits no layout is said to be unread; what
is not known stays as it is. The formats are few lines each and need neither the tools that write them nor their
dependencies, so that the core reads them; every one is tested against numbers worked out independently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from . import adapters, converted
from .packings import (
    bitsandbytes,
    compressed_tensors,
    floats4,
    gptq,
    hqq,
    mlx,
    modelopt,
    narrow,
    quanto,
    reparametrized,
    streams,
    torchao,
    unread,
)
from .packings.base import Layout, Unpacked
from .weights import StoredTensor, Weights

LAYOUTS: tuple[Layout, ...] = (
    bitsandbytes.fours,
    compressed_tensors.packed_words,
    compressed_tensors.bitmask,
    floats4.packed,
    floats4.two_scales,
    floats4.gpt_oss,
    gptq.words,
    hqq.layer,
    mlx.affine,
    mlx.floats,
    modelopt.fours,
    quanto.bytes_,
    quanto.bits,
    torchao.int4,
    narrow.flattened,
    narrow.beside_scale,
    reparametrized.masked,
    reparametrized.normed,
    reparametrized.spectral,
    reparametrized.sparsified,
)


def unpacked(weights: Weights) -> Weights:
    """The same checkpoint with the numbers in place of codes, scales and zero points."""
    weights = streams.expanded(weights)
    own = weights.extra.get("scheme")
    own = set(own) if isinstance(own, dict) else set()
    made: dict[str, Unpacked] = {}
    for name in weights.tensors:
        for layout in LAYOUTS:
            found = layout(name, weights)
            if found is not None:
                made[name] = found
                break
    gone = {used for one in made.values() for used in one.used if one.name not in own}
    tensors: dict[str, StoredTensor] = {}
    for name, stored in weights.tensors.items():
        if name in made:
            tensors[made[name].name] = made[name].stored
        elif name not in gone:
            tensors[name] = stored
    plain = replace(weights, tensors=tensors, extra=_reordered(weights.extra, made, gone))
    return adapters.merged(unread.said(converted.told(plain)))


def _reordered(extra: Mapping[str, Any], made: Mapping[str, Unpacked], gone: set[str]) -> Mapping[str, Any]:
    order = extra.get("order")
    if not made or not isinstance(order, list):
        return extra
    named = [made[name].name if name in made else name for name in order if name in made or name not in gone]
    return {**extra, "order": named}
