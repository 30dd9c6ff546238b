"""The sums over the tensors of models, from their checkpoints: large tensors one by one, small ones many at a time."""

from __future__ import annotations

import math
import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Lock
from typing import Any

import numpy as np

from ... import progress
from ...analysis.layers import distribution, norms, ranges, statistics, tree
from ...analysis.layers.align import Match
from ...analysis.layers.merged import Order
from ...analysis.layers.statistics import Own
from ...analysis.layers.sums import NO_HISTOGRAM, Sums, of_small, zeros_of_small
from ...analysis.layers.values import Array, Values
from ...readers.pair import ModelPair
from ...readers.weights import FORGET_EVERY

SMALL = 4096
"""Numbers up to which a tensor is one of many, since what a call costs is more than what they cost."""

TOGETHER = 1 << 18
"""Numbers of small tensors that are looked at together."""

EXACT_BELOW = 1e15
"""Numbers of narrow formats up to this size have differences that single precision can hold."""

Edges = Callable[[str], Array]
Both = tuple[Match, Values | None, Values]


def measured(pairs: Mapping[str, ModelPair], order: Order, *, edges: Edges | None) -> Iterator[tuple[str, Array, Sums]]:
    """The sums of all tensors of models, one model after another.

    Args:
        pairs: the models, each beside the base.
        order: of the tree of all of them.
        edges: of the histograms of a tensor, by its name; ``None`` where only zeros are wanted.

    Yields:
        The model, which of the tensors of the order it has, ascending, and their sums.
    """
    places = {order.rows[row]: place for place, row in enumerate(order.tensors.tolist())}
    tasks = {id: _tasks(pair) for id, pair in pairs.items()}
    listed = [(pairs[id], task) for id, part in tasks.items() for task, _ in part]
    sizes = [size for part in tasks.values() for _, size in part]
    done = mapped(
        lambda task: _measure(task[0], task[1], edges), listed, what="Comparing tensors", sizes=sizes, pairs=pairs
    )
    for id, part in tasks.items():
        yield id, *_together(list(islice(done, len(part))), places)
    # the last step of what is watched
    deque(done, maxlen=0)


def _together(found: Sequence[tuple[list[str], Sums]], places: Mapping[tree.Key, int]) -> tuple[Array, Sums]:
    where = np.array([places[tree.split(name)] for names, _ in found for name in names], np.int64)
    if not len(where):
        return where, Sums.none()
    ascending = np.argsort(where)
    return where[ascending], Sums.joined([part for names, part in found if names]).taken(ascending)


def spans(pairs: Mapping[str, ModelPair]) -> dict[tree.Key, tuple[float, float]]:
    """The ranges of histograms: of the base's tensors, and of those that only models have."""
    of_base: dict[str, Values] = {}
    of_models: list[tuple[str, Values]] = []
    for pair in pairs.values():
        for name, match in pair.matches.items():
            if name in of_base:
                continue
            base = pair.base_tensor(match)
            if base is not None and base.values is not None:
                of_base[name] = base.values
            elif base is None and (model := pair.model_values(match)) is not None:
                of_models.append((name, model))
    tensors = [*of_base.values(), *(model for _, model in of_models)]
    sizes = [each.num_bytes for each in tensors]
    found = list(mapped(distribution.finite_range, tensors, what="Reading the base", sizes=sizes, pairs=pairs))
    others = zip((name for name, _ in of_models), found[len(of_base) :], strict=True)
    return ranges.of_rows(dict(zip(of_base, found, strict=False)), others)


def mapped(
    work: Callable[[Any], Any], tasks: Sequence[Any], *, what: str, sizes: Sequence[int], pairs: Mapping[str, ModelPair]
) -> Iterator[Any]:
    """The results in order. What has been read, ``sizes`` bytes by each, is forgotten so that memory stays bounded."""
    files = {id(file): file for pair in pairs.values() for file in (*pair.base.files, *pair.model.files)}
    # the clients of a store take some memory, which is saved here
    most = FORGET_EVERY // 2 if any(file.is_partial for file in files.values()) else FORGET_EVERY
    read = [0]
    lock = Lock()

    def run(task: Any, size: int) -> Any:
        result = work(task)
        with lock:
            read[0] += size
            is_much = read[0] > most
            if is_much:
                read[0] = 0
        if is_much:
            for file in files.values():
                file.forget()
        return result

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            yield from progress.steps(what, pool.map(run, tasks, sizes), sizes=sizes)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _tasks(pair: ModelPair) -> list[tuple[list[Match], int]]:
    """Lists of tensors to be measured together, each with the bytes that are read for it, the large ones first."""
    large: list[tuple[list[Match], int]] = []
    small: dict[int, list[tuple[Match, int]]] = defaultdict(list)
    for match in pair.matches.values():
        if match.model is None:
            continue
        base, parts = pair.base_tensor(match), list(pair.model_tensors(match).values())
        num_bytes = (base.num_bytes if base else 0) + sum(part.num_bytes for part in parts)
        count = math.prod(parts[0].shape)
        if len(parts) == 1 and 0 < count <= SMALL:
            small[count].append((match, num_bytes))
        else:
            large.append(([match], num_bytes))
    large.sort(key=lambda task: -task[1])
    for count, listed in small.items():
        step = max(TOGETHER // count, 1)
        for start in range(0, len(listed), step):
            some = listed[start : start + step]
            large.append(([match for match, _ in some], sum(size for _, size in some)))
    return large


def _measure(pair: ModelPair, task: Sequence[Match], edges: Edges | None) -> tuple[list[str], Sums]:
    """The names of those of the tensors that have numbers, and their sums."""
    alone: list[Both] = []
    alike: dict[tuple[int, bool, bool, int, int], list[Both]] = defaultdict(list)
    for match in task:
        base, model = pair.values(match)
        if model is None:
            continue
        if len(task) == 1 or not 0 < model.count <= SMALL:
            alone.append((match, base, model))
        else:
            narrow = model.table is not None and base is not None and base.table is not None
            levels = tree.depth(tree.split(match.name)[0])
            channels = model.shape[0] if len(model.shape) > 1 else 0
            alike[model.count, base is not None, narrow, levels, channels].append((match, base, model))
    names: list[str] = []
    parts: list[Sums] = []
    for (count, compared, narrow, _, channels), group in alike.items():
        kind = np.float32 if narrow else np.float64
        ours = np.array([model.numbers(0, count) for _, _, model in group], kind)
        theirs = np.array([base.numbers(0, count) for _, base, _ in group if base], kind) if compared else None
        good = _usable(ours, theirs, narrow=narrow)
        alone += [one for one, usable in zip(group, good.tolist(), strict=True) if not usable]
        kept = [match.name for (match, _, _), usable in zip(group, good.tolist(), strict=True) if usable]
        if kept:
            both = ours[good], None if theirs is None else theirs[good]
            bins = None if edges is None else [edges(name) for name in kept]
            parts.append(zeros_of_small(*both) if bins is None else of_small(*both, edges=bins, channels=channels))
            names += kept
    for match, base, model in alone:
        parts.append(_one(base, model, None if edges is None else edges(match.name)))
        names.append(match.name)
    return names, Sums.joined(parts) if parts else Sums.none()


def _usable(ours: Array, theirs: Array | None, *, narrow: bool) -> Array:
    """Which tensors are finite, and of narrow ones not so large that a difference could overflow."""
    good = np.ones(len(ours), bool)
    for numbers in (ours, theirs):
        if numbers is not None:
            good &= (np.abs(numbers) < EXACT_BELOW).all(1) if narrow else np.isfinite(numbers).all(1)
    return good


def _one(base: Values | None, model: Values, edges: Array | None) -> Sums:
    if edges is None:
        zeros = statistics.zeros(model if base is None else base, model)
        own = Own(model.count, zeros=zeros.both + zeros.model_only)
        return Sums.of(own, NO_HISTOGRAM, zeros=None if base is None else zeros)
    if base is None:
        squares, alone = norms.of(model)
        return Sums.of(*statistics.own(model, edges, squares=squares), alone=alone)
    change = statistics.change(base, model)
    own, histogram = statistics.own(model, edges, squares=change.model_squares)
    return Sums.of(own, histogram, zeros=change.zeros, change=change)
