"""What happened inside the layers of a model when it was compressed: the answer of ``project.layers``."""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, reduce
from operator import add
from threading import Lock
from typing import Any

import pyarrow as pa

from . import watched
from .analysis.layers import diagnosis, distribution, measures, ranges, statistics, table, tree
from .analysis.layers.align import Match
from .analysis.layers.measures import Sparsity, Weight
from .analysis.layers.storage import Storage, packed_bytes
from .analysis.layers.values import Values
from .errors import InvalidValue
from .operations.scheme import TensorScheme, from_json
from .readers.dtypes import DTYPES
from .readers.pair import Pair
from .readers.weights import Stored, Weights
from .records import Checkpoint, Model
from .store.artifacts import Artifacts
from .store.opened import Opener
from .table import Table

MODES = ("sparsity", "weights", "storage", "activations")
FORGET_EVERY = 64_000_000
"""Bytes read after which their memory is given back."""

MAX_KEPT = 16
"""Answers that are kept for being asked again."""

Leaves = dict[tree.Key, Any]


class Layers:
    """A base against models, layer by layer, in one mode.

    Args:
        base: id of the base.
        what: the mode.
        rows: the table of the mode.
        findings: what is known about single tensors, for the diagnosis.
        spectra: of activations, the eigenvalues of the covariance of what a layer puts out, by model and module.
    """

    def __init__(
        self,
        base: str,
        what: str,
        *,
        rows: pa.Table,
        findings: Sequence[diagnosis.Finding] = (),
        spectra: Mapping[tuple[str, str], Sequence[float]] | None = None,
    ) -> None:
        self.base = base
        self.what = what
        self.table = Table(rows)
        self.spectra = spectra or {}
        self._findings = findings

    def __repr__(self) -> str:
        return f"Layers({self.base!r}, what={self.what!r}, {len(self.table):,} rows)"

    def _repr_html_(self) -> str:
        """Who is to blame, if anyone, and the first rows, as a notebook shows them."""
        blamed = self.suspects._repr_html_() if len(self.suspects) else ""
        return blamed + self.table._repr_html_()

    @cached_property
    def suspects(self) -> Table:
        """Who is to blame: ``module, model, score, reason``, worst first."""
        return Table(diagnosis.to_arrow(diagnosis.suspects(self._findings)))


class Comparisons:
    """The comparisons of one project: opens what is asked for and keeps the last answers.

    An answer belongs to the content of the checkpoints, so it never goes stale.
    """

    def __init__(self, artifacts: Artifacts) -> None:
        self._opener = Opener(artifacts)
        self._kept: OrderedDict[Hashable, Layers] = OrderedDict()
        self._lock = Lock()

    def layers(self, base: Model, models: Sequence[Model], *, what: str) -> Layers:
        """Compare the checkpoints of models with that of their base; see ``Project.layers``."""
        check_mode(what)
        if not models:
            raise InvalidValue("layers.models", "Name at least one model to compare with the base.")
        key = (what, *((model.id, checkpoint_of(model)) for model in (base, *models)))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        weights = {model.id: self.open(model) for model in (base, *models)}
        result = compare(
            weights[base.id], {model.id: weights[model.id] for model in models}, what=what, base_id=base.id
        )
        with self._lock:
            self._kept[key] = result
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return result

    def open(self, model: Model) -> Weights:
        """The tensors of a model."""
        return self._opener.open(checkpoint_of(model), logged_at=model.created_at)


def checkpoint_of(model: Model) -> Checkpoint:
    """The checkpoint of a model.

    Raises:
        InvalidValue: ``model.no_checkpoint``.
    """
    if model.checkpoint is None:
        raise InvalidValue(
            "model.no_checkpoint",
            f"Model {model.id!r} was logged without a checkpoint.",
            hint="Log it again with checkpoint=…",
        )
    return model.checkpoint


def check_mode(what: str) -> None:
    """Refuse what is no mode.

    Raises:
        InvalidValue: ``layers.what``.
    """
    if what not in MODES:
        raise InvalidValue(
            "layers.what", f"Layers cannot be compared by {what!r}.", hint=f"Choose one of {', '.join(MODES)}."
        )


def compare(base: Weights, models: Mapping[str, Weights], *, what: str, base_id: str) -> Layers:
    """Compare checkpoints.

    Args:
        base: the base's.
        models: those that are compared with it, by id.
        what: ``sparsity``, ``weights`` or ``storage``.
        base_id: id of the base.
    """
    pairs = {id: Pair.of(base, weights, buffers=what == "storage") for id, weights in models.items()}
    schema, run = _RUNS[what]
    leaves = run(pairs)
    order = tree.rows(dict.fromkeys(name for pair in pairs.values() for name in pair.matches))
    rows = table.build(
        order,
        schema,
        matches={id: {tree.split(name): match for name, match in pair.matches.items()} for id, pair in pairs.items()},
        measures={id: tree.merge(found, order) for id, found in leaves.items()},
    )
    findings = [] if what == "storage" else _findings(pairs, leaves)
    return Layers(base_id, what, rows=rows, findings=findings)


def _sparsity(pairs: Mapping[str, Pair]) -> dict[str, Leaves]:
    def measure(pair: Pair, match: Match) -> Sparsity | None:
        base, model = pair.values(match)
        if model is None:
            return None
        zeros = statistics.zeros(model if base is None else base, model)
        return Sparsity(model.count, zeros.both + zeros.model_only, None if base is None else zeros)

    return _each(pairs, measure)


def _weights(pairs: Mapping[str, Pair]) -> dict[str, Leaves]:
    edges = ranges.edges(_spans(pairs))

    def measure(pair: Pair, match: Match) -> Weight | None:
        base, model = pair.values(match)
        if model is None:
            return None
        bins = ranges.bins(match.name, edges)
        own, histograms = statistics.own(model, bins)
        if base is None:
            return Weight(own, None, None, histograms, bins)
        return Weight(own, statistics.zeros(base, model), statistics.change(base, model), histograms, bins)

    return _each(pairs, measure)


def _storage(pairs: Mapping[str, Pair]) -> dict[str, Leaves]:
    found: dict[str, Leaves] = {}
    for id, pair in pairs.items():
        schemes = schemes_of(pair.model)
        found[id] = {}
        for name, match in pair.matches.items():
            parts = [stored_as(stored, schemes.get(key)) for key, stored in pair.model_tensors(match).items()]
            if parts:
                found[id][tree.split(name)] = reduce(add, parts)
    return found


def schemes_of(weights: Weights) -> dict[str, TensorScheme]:
    """What a checkpoint says about how its tensors are meant to be packed, by their names."""
    try:
        return from_json(weights.extra.get("scheme", {}))
    except (TypeError, AttributeError) as error:
        raise InvalidValue(
            "model.bad_header", "What the checkpoint says about its compression scheme is not understood."
        ) from error


def stored_as(stored: Stored, scheme: TensorScheme | None) -> Storage:
    """How one tensor is stored, and the bytes that its scheme implies."""
    kind, packing = DTYPES.get(stored.dtype), stored.packing
    name, bits = (kind.name, kind.bits) if kind else (stored.dtype.lower(), 0)
    count, ranges = math.prod(stored.shape), packing.ranges() if packing else {}
    if packing and scheme is None:
        size = stored.num_bytes
        return Storage(count, name, packing.bits, "quantized", packing.group_size, size, size, ranges)
    scheme = scheme or TensorScheme()
    nonzero = count
    if scheme.pruned and stored.values is not None:
        nonzero -= statistics.zeros(stored.values, stored.values).both
    return Storage(
        count,
        name,
        scheme.bits or bits,
        scheme.kind,
        scheme.group_size,
        packed_bytes(scheme, stored.shape, element_bits=bits, nonzero=nonzero),
        stored.num_bytes,
        ranges,
    )


def _each(pairs: Mapping[str, Pair], measure: Callable[[Pair, Match], Any]) -> dict[str, Leaves]:
    """Measure every tensor of every model, the large ones first, on all processors."""
    tasks = [(id, pair, match) for id, pair in pairs.items() for match in pair.matches.values() if match.model]
    tasks.sort(key=lambda task: -_num_bytes(task[1], task[2]))
    leaves: dict[str, Leaves] = {id: {} for id in pairs}
    sizes = [_num_bytes(*task[1:]) for task in tasks]
    measured = _mapped(
        lambda task: measure(task[1], task[2]), tasks, what="Comparing tensors", sizes=sizes, pairs=pairs
    )
    for (id, _, match), result in zip(tasks, measured, strict=True):
        if result is not None:
            leaves[id][tree.split(match.name)] = result
    return leaves


def _spans(pairs: Mapping[str, Pair]) -> dict[tree.Key, tuple[float, float]]:
    """The ranges of histograms: of the base's tensors, and of those that only models have."""
    of_base: dict[str, Values] = {}
    of_models: list[tuple[str, Values]] = []
    for pair in pairs.values():
        for name, match in pair.matches.items():
            base = pair.base_tensor(match)
            if base is not None and base.values is not None:
                of_base[name] = base.values
            elif base is None and (model := pair.model_values(match)) is not None:
                of_models.append((name, model))
    tensors = [*of_base.values(), *(model for _, model in of_models)]
    sizes = [each.raw.nbytes for each in tensors]
    found = list(_mapped(distribution.finite_range, tensors, what="Reading the base", sizes=sizes, pairs=pairs))
    others = zip((name for name, _ in of_models), found[len(of_base) :], strict=True)
    return ranges.of_rows(dict(zip(of_base, found, strict=False)), others)


def _findings(pairs: Mapping[str, Pair], leaves: Mapping[str, Leaves]) -> list[diagnosis.Finding]:
    found = []
    for id, pair in pairs.items():
        for name, match in pair.matches.items():
            leaf = leaves[id].get(tree.split(name))
            if leaf is None:
                continue
            own, change = getattr(leaf, "own", None), getattr(leaf, "change", None)
            found.append(
                diagnosis.Finding(
                    *tree.split(name),
                    model=id,
                    num_dimensions=len(next(iter(pair.model_tensors(match).values())).shape),
                    count=leaf.count,
                    nonfinite=own.nonfinite if own else 0,
                    new_zeros=leaf.zeros.model_only if leaf.zeros else None,
                    error=change.relative_error if change else None,
                )
            )
    return found


def _mapped(
    work: Callable[[Any], Any], tasks: Sequence[Any], *, what: str, sizes: Sequence[int], pairs: Mapping[str, Pair]
) -> Iterator[Any]:
    """The results in order. What has been read, ``sizes`` bytes by each, is forgotten so that memory stays bounded."""
    files = {id(file): file for pair in pairs.values() for file in (*pair.base.files, *pair.model.files)}
    read = [0]
    lock = Lock()

    def run(task: Any, size: int) -> Any:
        result = work(task)
        with lock:
            read[0] += size
            is_much = read[0] > FORGET_EVERY
            if is_much:
                read[0] = 0
        if is_much:
            for file in files.values():
                file.forget()
        return result

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            yield from watched.steps(what, pool.map(run, tasks, sizes), sizes=sizes)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _num_bytes(pair: Pair, match: Match) -> int:
    base = pair.base_tensor(match)
    return (base.num_bytes if base else 0) + sum(part.num_bytes for part in pair.model_tensors(match).values())


_RUNS: dict[str, tuple[pa.Schema, Callable[[Mapping[str, Pair]], dict[str, Leaves]]]] = {
    "sparsity": (measures.SPARSITY, _sparsity),
    "weights": (measures.WEIGHTS, _weights),
    "storage": (measures.STORAGE, _storage),
}
