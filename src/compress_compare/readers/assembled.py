"""Tensors that are one in one checkpoint and several in another: fused projections, and experts in one tensor.

What is fused stands row after row: queries, keys, values (``qkv_proj``, ``c_attn`` …), gate and up (``gate_up_proj``);
experts stand one behind the other. The model is brought into the form of its base, whichever of the two is fused.
GPT-NeoX, BLOOM and Falcon interleave queries, keys and values head by head (see ``by_head``). Sources: transformers
(``modeling_phi3``, ``modeling_mixtral``, ``modeling_gpt_oss``), vLLM.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ..analysis.layers.values import Array, Values
from . import by_head, orientation
from .by_head import Heads
from .names import Names, lined_up
from .packed import Packing
from .rows import by_turns, gathered, part_by_part
from .weights import StoredTensor, Weights

PROJECTIONS = "projections"
EXPERTS = "experts"
QKV = (("q_proj", "k_proj", "v_proj"), ("query", "key", "value"), ("q", "k", "v"), ("to_q", "to_k", "to_v"))
QKV_NAMES = ("qkv_proj", "Wqkv", "c_attn", "qkv", "to_qkv", "in_proj", "query_key_value")
FUSED: tuple[tuple[str, tuple[str, ...]], ...] = (
    *((whole, parts) for whole in QKV_NAMES for parts in QKV),
    ("attn_qkv", ("attn_q", "attn_k", "attn_v")),
    ("gate_up_proj", ("gate_proj", "up_proj")),
    ("kv_proj", ("k_proj", "v_proj")),
    ("to_kv", ("to_k", "to_v")),
    ("w13", ("w1", "w3")),
    ("ffn_gate_up_exps", ("ffn_gate_exps", "ffn_up_exps")),
)
"""What a fused layer is called, and the layers that it stands for, in the order of its rows."""

EXPERT = re.compile(r"^(.*\bexperts)\.(\d+)\.(.+)$")
MIXTRAL = {"w1": "gate_proj", "w3": "up_proj", "w2": "down_proj"}
MAX_EXPERTS = 4096
SAID = "said"
"""Under which key of what is known about a checkpoint there are sentences about what its comparison leaves out."""


@dataclass(frozen=True)
class Whole:
    """A tensor that several make, row after row.

    Args:
        shape: of the whole.
        parts: names and shapes of the parts, in order.
        rule: ``projections`` or ``experts``.
    """

    shape: tuple[int, ...]
    parts: tuple[tuple[str, tuple[int, ...]], ...]
    rule: str


def assembled(base: Weights, model: Weights) -> Weights:
    """The model with its fused tensors cut, or its parts put together, wherever its base has it the other way."""
    names = lined_up(base, model)
    known = {names.of(name) for name in (*model.tensors, *model.tied)}
    missing = {name: stored.shape for name, stored in base.tensors.items() if name not in known}
    left = {name: stored.shape for name, stored in model.tensors.items() if names.of(name) not in base.tensors}
    if not missing or not left:
        return model
    return _together(base, _cut(base, model, missing), left)


def shaped(base: Weights, model: Weights) -> Weights:
    """The model with tensors in the shape that the base has, where their own is not known or differs by ones alone.

    A convolution of one dimension is stored with or without a dimension of size 1 by different tools, a gate with one
    output as a row or as a vector; the numbers stand in the same order.
    """
    names: Names | None = None
    tensors: dict[str, StoredTensor] = {}
    for name, stored in model.tensors.items():
        same = base.tensors.get(name)
        if same is not None and same.shape == stored.shape:
            continue
        names = names or lined_up(base, model)
        other = base.tensors.get(names.of(name))
        if other is None or other.shape == stored.shape or math.prod(other.shape) != math.prod(stored.shape):
            continue
        if stored.is_grouped or _without_ones(other.shape) == _without_ones(stored.shape):
            values = None if stored.values is None else replace(stored.values, shape=other.shape)
            tensors[name] = replace(stored, shape=other.shape, values=values, is_grouped=False)
    return replace(model, tensors={**model.tensors, **tensors}) if tensors else model


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _cut(base: Weights, model: Weights, missing: Mapping[str, tuple[int, ...]]) -> Weights:
    """Tensors of the model that stand for several of the base become these."""
    wholes = dict(_wholes(missing))
    if not wholes:
        return model
    stubs = {name: _stub(whole.shape) for name, whole in wholes.items() if name not in base.tensors}
    names = lined_up(replace(base, tensors={**base.tensors, **stubs}), model)
    made: dict[str, dict[str, StoredTensor]] = {}
    done: set[str] = set()
    said: list[str] = []
    for name, stored in model.tensors.items():
        whole = wholes.get(names.of(name)) if names.of(name) in stubs else None
        if whole is None or done & {part for part, _ in whole.parts}:
            continue
        heads = by_head.heads(name, base=base, model=model)
        if heads is None:
            said.append(f"{name}: {by_head.unknown(base, model)}")
            continue
        values = _straight(stored, whole, base=base, heads=heads)
        if stored.values is None or values is not None:
            made[name] = dict(_pieces(stored, whole, values=values))
            done |= set(made[name])
    if said:
        model = replace(model, extra={**model.extra, SAID: [*model.extra.get(SAID, []), *said]})
    return _with(model, made)


def _together(base: Weights, model: Weights, left: Mapping[str, tuple[int, ...]]) -> Weights:
    """Several tensors of the model that stand for one of the base become that one."""
    wholes = dict(_wholes({name: shape for name, shape in left.items() if name in model.tensors}))
    if not wholes:
        return model
    stubs = {name: _stub(whole.shape) for name, whole in wholes.items() if name not in model.tensors}
    names = lined_up(base, replace(model, tensors={**model.tensors, **stubs}))
    made: dict[str, dict[str, StoredTensor]] = {}
    gone: set[str] = set()
    for name in stubs:
        whole, other = wholes[name], base.tensors.get(names.of(name))
        parts = [part for part, _ in whole.parts]
        turned = _turned(whole.shape)
        if other is None or names.of(name) in model.tensors or gone & set(parts):
            continue
        heads = by_head.heads(names.of(name), base=base, model=model)
        if other.shape in (whole.shape, turned) and heads is not None:
            joined = _joined([model.tensors[part] for part in parts], whole)
            values = by_head.mixed(joined.values, heads) if joined.values and heads else joined.values
            if values is not None and whole.rule == PROJECTIONS and len(whole.shape) == 3:
                places = part_by_part(whole.shape[0], [shape[1] for _, shape in whole.parts])
                values = gathered(values, np.argsort(places))
            is_turned = other.shape != whole.shape
            if values is not None and "gate_up" in name:
                values = _as_alternating(values, other, is_turned=is_turned)
            values = orientation.transposed(values) if is_turned and values is not None else values
            made[parts[0]] = {name: replace(joined, values=values, shape=other.shape)}
            made |= {part: {} for part in parts[1:]}
            gone |= set(parts)
    return _with(model, made)


def _wholes(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[str, Whole]]:
    """The names that fused tensors might have in whose place some tensors stand."""
    yield from _projections({name: ((name, shape),) for name, shape in shapes.items()}, shapes)
    stacks = dict(_stacks(shapes))
    for name, whole in stacks.items():
        yield name, whole
        yield name.removesuffix(".weight"), whole
    stacked = {name: whole.shape for name, whole in stacks.items()}
    for name, pair in _projections({name: whole.parts for name, whole in stacks.items()}, stacked):
        half = len(pair.parts) // 2
        mixed = [each for both in zip(pair.parts[:half], pair.parts[half:], strict=True) for each in both]
        if len(pair.shape) == 3 and name.rpartition(".")[0].endswith("gate_up_proj"):
            whole = Whole(pair.shape, tuple(mixed), EXPERTS)
            yield name, whole
            yield name.removesuffix(".weight"), whole


def _projections(
    parts: Mapping[str, Sequence[tuple[str, tuple[int, ...]]]], shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, Whole]]:
    """Of layers beside each other, what they would be called as one; experts are joined one by one."""
    for name in shapes:
        start, _, parameter = name.rpartition(".")
        before, dot, layer = start.rpartition(".")
        for fused, layers in FUSED:
            if layer != layers[0] or parameter not in ("weight", "bias"):
                continue
            called = [f"{before}{dot}{each}.{parameter}" for each in layers]
            found = [shapes.get(each) for each in called]
            if any(shape is None or not shape for shape in found):
                continue
            sizes = [shape for shape in found if shape is not None]
            axis = len(sizes[0]) - 2 if len(sizes[0]) == 3 else 0
            if len({(*size[:axis], *size[axis + 1 :]) for size in sizes}) != 1:
                continue
            shape = (*sizes[0][:axis], sum(size[axis] for size in sizes), *sizes[0][axis + 1 :])
            whole = Whole(shape, tuple(part for each in called for part in parts[each]), PROJECTIONS)
            yield f"{before}{dot}{fused}.{parameter}", whole
            if fused == "in_proj":
                yield f"{before}{dot}in_proj_{parameter}", whole


def _stacks(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[str, Whole]]:
    """Of experts that are numbered from 0 and of one shape, the tensor that holds them all."""
    groups: dict[tuple[str, str], dict[int, str]] = {}
    for name in shapes:
        found = EXPERT.match(name)
        if found is not None and len(found[2]) <= 4:
            groups.setdefault((found[1], found[3]), {})[int(found[2])] = name
    for (start, rest), numbered in groups.items():
        sizes = {shapes[name] for name in numbered.values()}
        if set(numbered) != set(range(len(numbered))) or len(sizes) != 1 or len(numbered) > MAX_EXPERTS:
            continue
        (shape,) = sizes
        parts = tuple((numbered[at], shape) for at in range(len(numbered)))
        whole = Whole((len(parts), *shape), parts, EXPERTS)
        layer, dot, parameter = rest.rpartition(".")
        yield f"{start}.{rest}", whole
        if layer in MIXTRAL:
            yield f"{start}.{MIXTRAL[layer]}{dot}{parameter}", whole


def _straight(stored: StoredTensor, whole: Whole, *, base: Weights, heads: Heads) -> Values | None:
    """The numbers of a fused tensor in the order of its parts; ``None`` where its shape does not allow for it."""
    values = stored.values
    if values is None:
        return None
    if values.shape != whole.shape:
        if values.shape != _turned(whole.shape):
            return None
        values = orientation.transposed(values)
    if heads:
        return by_head.apart(values, heads)
    if whole.rule == EXPERTS and len(whole.parts) == 2 * whole.shape[0]:
        return _alternating(values, whole, base=base)
    if whole.rule == PROJECTIONS and len(whole.shape) == 3:
        sizes = [shape[1] for _, shape in whole.parts]
        takes_turns = len(sizes) == 2 and _alternating(values, whole, base=base) is not values
        places = by_turns(whole.shape[0], sizes[0]) if takes_turns else part_by_part(whole.shape[0], sizes)
        return gathered(values, places)
    return values


def _alternating(values: Values, whole: Whole, *, base: Weights) -> Values:
    """Gate and up of experts one after the other, where they alternate row by row as in gpt-oss; told by the base."""
    (first, shape), *_ = whole.parts
    known, size = base.tensors[first].values, shape[-2]
    if known is None or size * 2 != whole.shape[1]:
        return values
    some = values.numbers(0, math.prod(whole.shape[1:])).reshape(whole.shape[1:])
    gate = known.numbers(0, math.prod(shape[-2:])).reshape(shape[-2:]).astype(np.float64)
    plain, mixed = (float(np.linalg.norm(gate - part)) for part in (some[:size], some[0::2]))
    if not mixed < orientation.CLEARLY * plain:
        return values
    array = values.whole().reshape(whole.shape[0], -1, 2, *whole.shape[2:])
    return Values.of(array.swapaxes(1, 2).reshape(whole.shape))


def _as_alternating(values: Values, base: StoredTensor, *, is_turned: bool) -> Values:
    """Gate and up row by row instead of one after the other, if experts of the base are clearly so."""
    known, shape = base.values, values.shape
    if known is None or len(shape) != 3 or shape[1] % 2:
        return values
    first = known.numbers(0, known.count // shape[0]).astype(np.float64)
    first = first.reshape(shape[2], shape[1]).T if is_turned else first.reshape(shape[1:])
    some = values.numbers(0, values.count // shape[0]).reshape(2, -1, shape[2])
    plain, mixed = (float(np.linalg.norm(first - part.reshape(shape[1:]))) for part in (some, np.swapaxes(some, 0, 1)))
    if not mixed < orientation.CLEARLY * plain:
        return values
    return Values.of(values.whole().reshape(shape[0], 2, -1, shape[2]).swapaxes(1, 2).reshape(shape))


def _pieces(stored: StoredTensor, whole: Whole, *, values: Values | None) -> Iterator[tuple[str, StoredTensor]]:
    total, start = max(math.prod(whole.shape), 1), 0
    for name, shape in whole.parts:
        count = math.prod(shape)
        share = stored.num_bytes * (start + count) // total - stored.num_bytes * start // total
        packing = stored.packing and Packing(stored.packing.bits, stored.packing.group_size, tuple)
        piece = None if values is None else _piece(values, start, shape, num_bytes=share)
        yield (
            name,
            replace(
                stored, shape=shape, num_bytes=share, values=piece, packing=packing, rule=stored.rule or whole.rule
            ),
        )
        start += count


def _piece(values: Values, start: int, shape: tuple[int, ...], *, num_bytes: int) -> Values:
    count = math.prod(shape)
    if values.decode is None:
        return replace(values, shape=shape, raw=values.raw[start : start + count], num_bytes=num_bytes)
    columns = max(shape[-1], 1)

    def decode(first: int, last: int) -> Array:
        return values.numbers(start + first * columns, start + last * columns)

    return Values(shape, values.dtype, values.raw[:0], num_bytes=num_bytes, decode=decode, unit=columns)


def _joined(parts: Sequence[StoredTensor], whole: Whole) -> StoredTensor:
    """Several tensors as one, each after the other."""
    first = parts[0]
    kinds = {part.dtype for part in parts}
    packings = [part.packing for part in parts]
    known = [packing for packing in packings if packing is not None]
    packing = None
    if len(known) == len(parts):
        packing = replace(known[0], parts=lambda: (each for one in known for each in one.parts()))
    return StoredTensor(
        first.dtype if len(kinds) == 1 else "mixed",
        whole.shape,
        sum(part.num_bytes for part in parts),
        _in_a_row([part.values for part in parts], whole.shape),
        packing,
        next((part.unread for part in parts if part.unread), ""),
        whole.rule,
    )


def _in_a_row(parts: Sequence[Values | None], shape: tuple[int, ...]) -> Values | None:
    there = [part for part in parts if part is not None]
    if len(there) < len(parts):
        return None
    columns = max(shape[-1], 1)
    edges = np.cumsum([0, *(part.count for part in there)])

    def decode(first: int, last: int) -> Array:
        start, stop = first * columns, last * columns
        found = [
            part.numbers(max(start - low, 0), min(stop, high) - low)
            for part, (low, high) in zip(there, pairwise(edges.tolist()), strict=True)
            if low < stop and high > start
        ]
        return np.concatenate(found).astype(np.float32) if found else np.zeros(0, np.float32)

    return Values(shape, there[0].dtype, there[0].raw[:0], decode=decode, unit=columns)


def _with(model: Weights, made: Mapping[str, Mapping[str, StoredTensor]]) -> Weights:
    """The model with some tensors replaced by others, in their places."""
    if not made:
        return model
    tensors: dict[str, StoredTensor] = {}
    for name, stored in model.tensors.items():
        tensors.update(made.get(name, {name: stored}))
    extra: dict[str, Any] = dict(model.extra)
    if isinstance(extra.get("order"), list):
        extra["order"] = [new for name in extra["order"] for new in made.get(name, {name: None})]
    if isinstance(extra.get("scheme"), dict):
        extra["scheme"] = {new: said for name, said in extra["scheme"].items() for new in made.get(name, {name: None})}
    return replace(model, tensors=tensors, extra=extra)


def _stub(shape: tuple[int, ...]) -> StoredTensor:
    return StoredTensor("F32", shape, 0, None)


def _turned(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-2], shape[-1], shape[-2]) if len(shape) > 1 else shape
