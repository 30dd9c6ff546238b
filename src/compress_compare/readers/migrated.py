"""Factors that moved from one layer to the next without changing what a network computes.

AWQ and SmoothQuant divide a norm by a factor for each channel and multiply the columns of the layers that follow it;
cross-layer equalization does the same with the rows of the layer before; folding a norm moves all of its scale. What is
compared is the product: the columns of the later layer times the factor of the earlier one. A file does not say that
it was done, so the factor is believed only if it explains rows of the later layer that it was not estimated from, and
if a norm or layer before has its inverse. Sources: Lin et al., 2023, section 3.2; Xiao et al., 2022; Nagel et al.,
2019.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ..analysis.layers.values import Array, Values
from . import kinds
from .names import lined_up
from .weights import StoredTensor, Weights

RULE = "scales"
ROWS = 32
"""Rows from which factors are estimated, and as many others on which they are tried."""

GLIMPSE = 4
"""Rows from which it is guessed whether to look at all of them, and as many others."""

GUESSED = 4096
"""Numbers in those rows below which nothing is guessed."""

HINT = 0.9
"""Of the squared change, what is left of these rows where it is worth looking at more."""

EXPLAINED = 0.5
"""Of the squared change, what may be left once the factor is taken out."""

CLOSER = 0.8
"""Of the squared change, what must not be left once a norm's own factor is taken out."""

CLOSE = 0.06
"""By how much the median channel's factor may miss its inverse, beside how well it is known."""

ALIKE = 1.5
"""Times what factors channel by channel leave of a change, what a single factor must leave for these to be believed."""

SPREAD = 0.02
"""By how much factors must differ from channel to channel at least, or from one."""

FEWEST = 8
"""Channels below which a coincidence is likely."""

MOST = 500
"""Tensors of a block among which the layer before another one is looked for."""

Kept = TypeVar("Kept")

SCOPE = re.compile(r"^(.*?\.\d+)\.|^")


@dataclass(frozen=True, eq=False)
class PairedTensors:
    """The numbers of a tensor of the model and of the base's of the same shape, and how the model stores its own."""

    own: str
    base: Values
    model: Values
    stored: StoredTensor


@np.errstate(over="ignore", invalid="ignore")  # of squares; what is not finite explains nothing
def migrated(base: Weights, model: Weights) -> Weights:
    """The model with what was moved between layers moved back."""
    both = dict(_both(base, model))
    norms = {name: ratio for name, one in both.items() if (ratio := _ratio(one)) is not None}
    blocks, norms_of = _by_scope(both), _by_scope(norms)
    moved: dict[str, StoredTensor] = {}
    used: set[str] = set()
    left: list[str] = []
    for name, one in both.items():
        near = {**norms_of.get("", {}), **norms_of.get(_scope(name), {})}
        some = _some_rows(one) if _may_have_moved(one, near) else None
        before = None if some is None else _norm_before(name, *some, norms=near)
        if before is not None:
            blocks[_scope(name)][name] = changed = _scaled(one, norms[before], axis=1)
            moved[one.own] = changed.stored
            used.add(before)
        elif some is not None and _columns(*some) is not None:
            left.append(name)
    moved |= _between(left, blocks, norms=used)
    for name in used:
        for end in ("weight", "bias"):
            part = both.get(f"{name.rpartition('.')[0]}.{end}")
            if part is not None:
                moved[part.own] = _scaled(part, (1 / norms[name]).astype(np.float32), axis=0).stored
    return replace(model, tensors={**model.tensors, **moved}) if moved else model


def _between(
    left: list[str], blocks: Mapping[str, dict[str, PairedTensors]], *, norms: set[str]
) -> dict[str, StoredTensor]:
    """What was moved from one layer to the next, moved back, again and again along a chain; ``blocks`` is kept up."""
    moved: dict[str, StoredTensor] = {}
    scaled: set[str] = set()
    progress = True
    while progress:
        progress = False
        for name in list(left):
            block = blocks[_scope(name)]
            one, some = block[name], _some_rows(block[name])
            found = None if some is None else _columns(*some)
            if found is None:
                continue
            factors, close = found
            layer = _layer_before(name, factors, block, close=close)
            if layer is None or layer in norms or layer in scaled:
                continue
            changes = {name: _scaled(one, (1 / factors).astype(np.float32), axis=1)}
            changes[layer] = _scaled(block[layer], factors.astype(np.float32), axis=0)
            bias = f"{layer.rpartition('.')[0]}.bias"
            if bias in block and block[bias].model.shape == factors.shape:
                changes[bias] = _scaled(block[bias], factors.astype(np.float32), axis=0)
            for each, changed in changes.items():
                block[each] = changed
                moved[changed.own] = changed.stored
            scaled.add(layer)
            left.remove(name)
            progress = True
    return moved


def _both(base: Weights, model: Weights) -> Iterator[tuple[str, PairedTensors]]:
    names = lined_up(base, model)
    for own, stored in model.tensors.items():
        other = base.tensors.get(names.of(own))
        if other is None or other.values is None or stored.values is None or stored.shape != other.shape:
            continue
        bare = any(each.dtype in (*kinds.NARROW, *kinds.INTEGERS) and each.packing is None for each in (stored, other))
        if stored.shape and stored.shape[0] >= 1 and not (bare or stored.unread or other.unread):
            yield names.of(own), PairedTensors(own, other.values, stored.values, stored)


def _ratio(one: PairedTensors) -> Array | None:
    """By what a norm's scale was multiplied, channel by channel; ``None`` where it is none or did not change."""
    if len(one.base.shape) != 1 or one.base.shape[0] < FEWEST or not one.own.endswith("weight"):
        return None
    first, second = (_numbers(each) for each in (one.base, one.model))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = second / first
    if not np.isfinite(ratio).all() or (ratio <= 0).any() or np.abs(ratio - 1).max() < SPREAD:
        return None
    return ratio


def _may_have_moved(one: PairedTensors, norms: Mapping[str, Array]) -> bool:
    """Whether a few rows leave it open, since most layers have moved nothing and reading them takes its time."""
    both = _first_rows(one, GLIMPSE)
    if both is None or both[0].size < GUESSED or not both[0].any():
        return both is not None
    if not _differ(*both):
        return False
    base, model = both
    change = HINT * ((model - base) ** 2).sum()
    for ratio in norms.values():
        if len(ratio) == base.shape[1] and ((model * ratio[None, :, None] - base) ** 2).sum() < change:
            return True
    rows = len(base) // 2
    factors = _factors(base[:rows], model[:rows])
    factors[~(np.isfinite(factors) & (factors > 0))] = 1
    before, after = _left(base[rows:], model[rows:], factors)
    return bool(after < HINT * before)


def _some_rows(one: PairedTensors) -> tuple[Array, Array] | None:
    """Rows of a layer in base and model; ``None`` where nothing changed."""
    both = _first_rows(one, ROWS)
    return both if both is not None and _differ(*both) else None


def _first_rows(one: PairedTensors, most: int) -> tuple[Array, Array] | None:
    """Twice as many rows of a layer as ``most`` in base and model, or all of them, ``(rows, inputs, others)``."""
    shape = one.base.shape
    if len(shape) not in (2, 4) or shape[1] < FEWEST or shape[0] < 4:
        return None
    rows = 2 * min(most, shape[0] // 2)
    first, second = (_rows(each, rows).reshape(rows, shape[1], -1) for each in (one.base, one.model))
    return first, second


def _differ(base: Array, model: Array) -> bool:
    return bool(not np.array_equal(base, model) and np.isfinite(base).all() and np.isfinite(model).all())


def _norm_before(name: str, base: Array, model: Array, *, norms: Mapping[str, Array]) -> str | None:
    """The norm whose factor, taken out of the columns, brings them closest to the base; of equals that of the block."""
    change, near = ((model - base) ** 2).sum(), dict[str, float]()
    for norm, ratio in norms.items():
        if len(ratio) == base.shape[1]:
            left = ((model * ratio[None, :, None] - base) ** 2).sum()
            if left < CLOSER * change:
                near[norm] = float(left)
    return min(near, key=lambda norm: (_scope(norm) != _scope(name), near[norm]), default=None)


def _columns(base: Array, model: Array) -> tuple[Array, float] | None:
    """By what the inputs of a layer were multiplied, if that explains most of how it changed, and how close another
    factor must be to be its inverse; ``None`` for nothing.
    """
    rows = len(base) // 2
    factors = _factors(base[:rows], model[:rows])
    if not np.isfinite(factors).all() or (factors <= 0).any() or np.abs(factors - 1).max() < SPREAD:
        return None
    rest, own = base[rows:], model[rows:]
    before, after = _left(rest, own, factors)
    if not after < EXPLAINED * before:
        return None
    first, second = base[:rows], model[:rows]
    one = (first * second).sum() / (first**2).sum()
    if ((own / one - rest) ** 2).sum() <= ALIKE * after + 1e-9 * (rest**2).sum():
        return None  # one factor for all channels says nothing about which layer has its inverse
    return factors, CLOSE + float(np.sqrt(after / (rest**2).sum() / rows))


def _factors(base: Array, model: Array) -> Array:
    """By what the inputs were multiplied, ``(inputs,)``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((base * model).sum((0, 2)) / (base**2).sum((0, 2)))


def _left(base: Array, model: Array, factors: Array) -> tuple[float, float]:
    """The squared change before and after the factors of the inputs are taken out."""
    return float(((model - base) ** 2).sum()), float(((model / factors[None, :, None] - base) ** 2).sum())


def _layer_before(name: str, factors: Array, block: Mapping[str, PairedTensors], *, close: float) -> str | None:
    """The layer whose outputs were divided by the factors: one of the same block, or of a network without blocks.

    In a network of thousands of layers without blocks it is not looked for: that would take each of them with each.
    """
    found: dict[str, float] = {}
    for other, one in block.items() if len(block) <= MOST else ():
        shape = one.base.shape
        if other == name or len(shape) not in (2, 4) or shape[0] != len(factors):
            continue
        first, second = (_numbers(each).reshape(len(factors), -1) for each in (one.base, one.model))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (first * second).sum(1) / (first**2).sum(1)
            left = ((second / ratio[:, None] - first) ** 2).sum()
        if not np.isfinite(ratio).all() or not left < EXPLAINED * ((second - first) ** 2).sum():
            continue
        if (miss := _miss(ratio, factors)) < close:
            found[other] = miss
    return min(found, key=lambda other: found[other], default=None)


def _miss(ratio: Array, factors: Array) -> float:
    return float(np.median(np.abs(ratio * factors - 1)))


def _by_scope(named: Mapping[str, Kept]) -> dict[str, dict[str, Kept]]:
    """What belongs to each block; under the empty name, what belongs to none."""
    found: dict[str, dict[str, Kept]] = {}
    for name, one in named.items():
        found.setdefault(_scope(name), {})[name] = one
    return found


def _scope(name: str) -> str:
    found = SCOPE.match(name)
    return (found[1] or "") if found is not None else ""


def _numbers(values: Values) -> Array:
    return np.asarray(values.whole().astype(np.float64))


def _rows(values: Values, count: int) -> Array:
    return _floats(values.numbers(0, count * (values.count // values.shape[0])))


def _floats(numbers: Array) -> Array:
    return numbers if numbers.dtype == np.float64 else numbers.astype(np.float32, copy=False)


def _scaled(one: PairedTensors, factors: Array, *, axis: int) -> PairedTensors:
    """A tensor of the model with its rows (axis 0) or columns (axis 1) multiplied."""
    values = one.model
    columns = values.count // values.shape[0]
    spread = np.repeat(factors, columns // len(factors)).astype(np.float32) if axis else factors.astype(np.float32)

    def decode(first: int, last: int) -> Array:
        found = values.numbers(first * columns, last * columns).reshape(last - first, columns)
        return np.asarray(found * (spread if axis else spread[first:last, None]), np.float32)

    made = Values(values.shape, values.dtype, values.raw[:0], num_bytes=values.num_bytes, decode=decode, unit=columns)
    return replace(one, model=made, stored=replace(one.stored, values=made, rule=RULE))
