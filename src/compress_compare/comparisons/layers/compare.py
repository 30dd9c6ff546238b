"""The result of ``project.layers``: how the layers of models differ from those of a base."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property, reduce
from operator import add
from threading import Lock
from typing import Any

import pyarrow as pa

from ...analysis.layers import covered, diagnosis, measures, merged, ranges, statistics, table, tree
from ...analysis.layers.align import Match
from ...analysis.layers.covered import Part
from ...analysis.layers.merged import Order
from ...analysis.layers.storage import Storage, packed_bytes
from ...errors import InvalidValue
from ...readers.dtypes import DTYPES
from ...readers.mapped import ahead
from ...readers.pair import ModelPair
from ...readers.weights import StoredTensor, Weights
from ...schemes.scheme import TensorScheme
from ...store.store import Store
from ...table import Table
from . import findings, measure
from .findings import Measured

MODES = ("sparsity", "weights", "storage", "activations")
MAX_KEPT = 16
"""Answers that are kept for being asked again."""

Leaves = dict[tree.Key, Any]


class Layers:
    """A comparison of models with a base, layer by layer, in one mode.

    ``notes`` has, by model id, the tensors that its numbers leave out: those without a counterpart or in an unsupported
    packing.

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
        findings: Sequence[diagnosis.TensorFinding] = (),
        spectra: Mapping[tuple[str, str], Sequence[float]] | None = None,
    ) -> None:
        self.base = base
        self.what = what
        self.table = Table(rows)
        self.notes: dict[str, list[str]] = {}
        self.spectra = spectra or {}
        self._findings = findings

    def __repr__(self) -> str:
        return f"Layers({self.base!r}, what={self.what!r}, {len(self.table):,} rows)"

    def _repr_html_(self) -> str:
        """The suspects, if there are any, and the first rows, as a notebook shows them."""
        blamed = self.suspects._repr_html_() if len(self.suspects) else ""
        return blamed + self.table._repr_html_()

    @cached_property
    def suspects(self) -> Table:
        """The suspect modules: ``module, model, score, reason``, most suspicious first."""
        return Table(diagnosis.to_arrow(diagnosis.suspects(self._findings)))


class LayerComparisons:
    """The comparisons of one project: opens what is asked for and keeps the last answers.

    An answer belongs to the content of the checkpoints, so it never goes stale.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[Hashable, Layers] = OrderedDict()
        self._lock = Lock()

    def layers(
        self, base: str, models: Sequence[str], *, what: str, alignment: Mapping[str, str] | None = None
    ) -> Layers:
        """Compare the checkpoints of models with that of their base; see ``Project.layers``."""
        check_mode(what)
        chosen = dict(alignment or {})
        if not models:
            raise InvalidValue("layers.models", "Name at least one model to compare with the base.")
        logged = self._store.checkpoints([base, *models])
        key = (what, tuple(sorted(chosen.items())), *((one.model, one.checkpoint) for one in logged))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        weights = {one.model: self._store.open_checkpoint(one) for one in logged}
        others = {id: weights[id] for id in models}
        check_alignment(chosen, weights[base], models=others)
        read = () if what == "storage" else (weights[base], *others.values())
        with ahead(one.values for each in read for one in each.tensors.values()):
            result = compare(weights[base], others, what=what, base_id=base, chosen=chosen)
        with self._lock:
            self._kept[key] = result
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return result


def check_mode(what: str) -> None:
    """Check a mode.

    Raises:
        InvalidValue: ``layers.what``.
    """
    if what not in MODES:
        raise InvalidValue(
            "layers.what", f"Layers cannot be compared by {what!r}.", hint=f"Choose one of {', '.join(MODES)}."
        )


def check_alignment(chosen: Mapping[str, str], base: Weights, *, models: Mapping[str, Weights]) -> None:
    """Check the names of an alignment.

    Raises:
        InvalidValue: ``layers.alignment``.
    """
    for first, second in chosen.items():
        if first not in base.tensors and first not in base.tied:
            wrong = f"The base has no tensor {first!r}"
        elif not any(second in one.tensors or second in one.tied for one in models.values()):
            wrong = f"None of the models has a tensor {second!r}"
        elif list(chosen.values()).count(second) > 1:
            wrong = f"The tensor {second!r} is chosen for more than one of the base's"
        else:
            continue
        hint = (
            "An alignment has the base's name of a tensor first, then the model's, as the table of layers lists them."
        )
        raise InvalidValue("layers.alignment", f"{wrong}.", hint=hint)


def compare(
    base: Weights,
    models: Mapping[str, Weights],
    *,
    what: str,
    base_id: str,
    chosen: Mapping[str, str] | None = None,
) -> Layers:
    """Compare checkpoints.

    Args:
        base: the base's.
        models: those that are compared with it, by id.
        what: ``sparsity``, ``weights`` or ``storage``.
        base_id: id of the base.
        chosen: for names of tensors of the base, those of models that are compared with them.
    """
    buffers = what == "storage"
    pairs = {id: ModelPair.of(base, weights, buffers=buffers, chosen=chosen) for id, weights in models.items()}
    rows = tree.rows(dict.fromkeys(name for pair in pairs.values() for name in pair.matches))
    matches: dict[str, dict[tree.Key, Match]] = {
        id: {tree.split(name): match for name, match in pair.matches.items()} for id, pair in pairs.items()
    }
    order, parts, measured = Order.of(rows), [], []
    tensors_of = {id: _parts(pair) for id, pair in pairs.items()}
    if what == "storage":
        leaves = {id: tree.merge(found, rows) for id, found in _storage(pairs).items()}
        built = table.build(rows, measures.STORAGE, matches=matches, measures=leaves)
        return _noted(Layers(base_id, what, rows=covered.added(built, order, parts=tensors_of)), pairs)
    spans = measure.spans(pairs) if what == "weights" else None
    edges = None if spans is None else ranges.edges(spans)
    bins = None if edges is None else lambda name: ranges.bins(name, edges)
    for id, tensors, found in measure.measured(pairs, order, edges=bins):
        merged_rows = merged.rows_of(found, tensors, order=order)
        columns = merged.columns(*merged_rows, order=order, edges=edges)
        parts.append(merged.table(merged_rows, order, model=id, matches=matches[id], columns=columns))
        listed = [matches[id][order.rows[row]] for row in order.tensors[tensors].tolist()]
        measured.append(Measured(pairs[id], id, listed, found))
    found_out = findings.of(measured, schemes={id: _known_schemes(models[id]) for id in models}, spans=spans)
    together = covered.added(merged.interleaved(parts), order, parts=tensors_of)
    return _noted(Layers(base_id, what, rows=together, findings=found_out), pairs)


def _parts(pair: ModelPair) -> dict[tree.Key, Part]:
    return {tree.split(name): Part(pair.count(match), pair.compares(match)) for name, match in pair.matches.items()}


def _noted(found: Layers, pairs: Mapping[str, ModelPair]) -> Layers:
    found.notes = {id: said for id, pair in pairs.items() if (said := pair.notes())}
    return found


def _storage(pairs: Mapping[str, ModelPair]) -> dict[str, Leaves]:
    found: dict[str, Leaves] = {}
    for id, pair in pairs.items():
        schemes = pair.model.schemes
        found[id] = {}
        for name, match in pair.matches.items():
            parts = [stored_as(stored, schemes.get(key)) for key, stored in pair.model_tensors(match).items()]
            if parts:
                found[id][tree.split(name)] = reduce(add, parts)
    return found


def _known_schemes(weights: Weights) -> dict[str, TensorScheme]:
    try:
        return weights.schemes
    except InvalidValue:
        return {}


def stored_as(stored: StoredTensor, scheme: TensorScheme | None) -> Storage:
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
