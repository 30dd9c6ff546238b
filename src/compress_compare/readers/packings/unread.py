"""Packings that are known by the names of their tensors and not decoded: said, and never taken for numbers.

Each row of ``MARKS`` is what a tensor's name ends with, the tool that writes it, and what stands in its place in the
name of the weight. All that belongs to such a weight becomes one tensor without numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ..weights import StoredTensor, Weights
from .base import EIGHTS, FLOATS, split

MARKS: tuple[tuple[str, str, str], ...] = (
    (r"\.(absmax|quant_map|nested_absmax|nested_quant_map)$|\.quant_state\.bitsandbytes__\w+$", "bitsandbytes", ""),
    (r"(?<=\.)(SCB|weight_format)$", "bitsandbytes", "weight"),
    (r"(?<=\.)(W_q|nbits|quant_zero|quant_scale|stores_quant_config|channel_wise)$", "HQQ", "weight"),
    (r"(?<=\.)(qweight|qzeros|g_idx)$", "GPTQ or AWQ", "weight"),
    (r"(?<=\.)(q_weight|q_invperm|q_scale|q_scale_max|q_groups|q_group_map)$", "ExLlamaV2", "weight"),
    (r"(?<=\.)(trellis|suh|svh)$", "ExLlamaV3", "weight"),
    (r"(?<=\.)(codes|codebooks)$", "AQLM", "weight"),
    (r"(?<=\.)(Qidxs|Qidxs_\d+|SU|SV)$", "QuIP#", "weight"),
    (r"(?<=\.)(indices|centroids\.\w+|res_indices)$", "VPTQ", "weight"),
    (r"(?<=\.)_(\w+?)_qdata$", "torchao", r"\1"),
    (r"\._(data|scale|shift|zeropoint)(\._\w+)?$", "optimum-quanto", ""),
    (r"_(packed|global_scale)$", "compressed-tensors", ""),
    (r"\.(compressed|bitmask|row_offsets)$", "compressed-tensors", ""),
    (r"_(blocks)$", "MXFP4", ""),
    (r"_scale_2$", "TensorRT Model Optimizer", ""),
    (r"parametrizations\.(\w+)\.(?:original\d?|\d+\..+)$", "a parametrization", r"\1"),
    (r"_orig$", "a parametrization", ""),
)
"""A pattern of the end of a name; who writes it; what takes the place of the end."""

ANY = re.compile("|".join(re.sub(r"\((?!\?)", "(?:", pattern) for pattern, _, _ in MARKS))

PARTS = (
    "scale", "scales", "zero", "zeros", "shape", "group_size", "axis", "packing", "optimize", "round_zero", "biases",
    "perm", "offload_meta", "compute_dtype", "view_as_float", "unpack_view_dtype", "input_scale", "meta",
)  # fmt: skip
"""Names of tensors that belong to the weight of their module where that is packed."""

SCALES = re.compile(r"(^|_)(scale|scales|scale_inv|absmax|zero_point|zeros?|biases|scb)$", re.IGNORECASE)
WORDS = ("U32", "I32", "I8", "U8", "F4", *EIGHTS)


def said(weights: Weights) -> Weights:
    """The same checkpoint with each weight whose packing is not read as one tensor that says so."""
    owners: dict[str, tuple[str, list[str]]] = {}
    for name, stored in weights.tensors.items():
        found = _mark(name, stored) or _scaled(name, weights)
        if found is not None and stored.rule == "" and stored.packing is None:
            owners.setdefault(found[1], (found[0], []))[1].append(name)
    if not owners:
        return weights
    taken: dict[str, str] = {}
    for whole in owners:
        for name in _belonging(whole, weights):
            taken.setdefault(name, whole)
    for whole, (_, marked) in owners.items():
        taken.update(dict.fromkeys(marked, whole))
    groups: dict[str, list[str]] = {}
    for name, whole in taken.items():
        groups.setdefault(whole, []).append(name)
    tensors: dict[str, StoredTensor] = {}
    for name, stored in weights.tensors.items():
        owner = taken.get(name)
        if owner is None:
            tensors[name] = stored
        elif owner not in tensors:
            tensors[owner] = _one(groups[owner], weights, tool=owners[owner][0])
    order = weights.extra.get("order")
    named = list(dict.fromkeys(taken.get(name, name) for name in order)) if isinstance(order, list) else None
    return replace(
        weights, tensors=tensors, extra=weights.extra if named is None else {**weights.extra, "order": named}
    )


def _mark(name: str, stored: StoredTensor) -> tuple[str, str] | None:
    """The tool and the name of the weight to which a tensor belongs."""
    if ANY.search(name) is None:
        return None
    for pattern, tool, instead in MARKS:
        found = re.search(pattern, name)
        if found is not None:
            if tool == "a parametrization" and stored.dtype not in FLOATS:
                return None
            return tool, name[: found.start()] + found.expand(instead)
    return None


def _scaled(name: str, weights: Weights) -> tuple[str, str] | None:
    """Codes that no layout understood though something that looks like their scales stands beside them."""
    stored = weights.tensors[name]
    if stored.dtype not in WORDS or len(stored.shape) < 2 or stored.packing is not None:
        return None
    if any(SCALES.search(other.rpartition(".")[2]) for other in _belonging(name, weights) if other != name):
        return f"{stored.dtype.lower()} codes with scales of an unknown kind", name
    return None


def _belonging(whole: str, weights: Weights) -> Iterator[str]:
    """The tensors that are, by their names, parts of a weight."""
    start, part = split(whole)
    for name in _of_module(start, weights):
        rest = name[len(start) :]
        own = rest == part or rest.startswith((f"{part}_", f"{part}."))
        if own or rest in PARTS or (part == "weight" and SCALES.search(rest) and "." not in rest):
            yield name


def _of_module(start: str, weights: Weights) -> list[str]:
    """The names that begin as a module's do; looked up once for all of them."""
    index = weights.by_module
    return index.get(start.removesuffix("."), [])


def _one(names: list[str], weights: Weights, *, tool: str) -> StoredTensor:
    parts = [weights.tensors[name] for name in names]
    largest = max(parts, key=lambda part: part.num_bytes)
    return StoredTensor(largest.dtype, largest.shape, sum(part.num_bytes for part in parts), None, unread=tool)
