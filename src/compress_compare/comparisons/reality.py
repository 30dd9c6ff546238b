"""What each model claims beside what it costs, and why they differ: the answer of ``project.reality``."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from ..analysis.layers.statistics import pieces
from ..analysis.reality import Facts, Run, Timing, Verdict, factor, verdict
from ..errors import InvalidValue
from ..evaluation import metrics
from ..readers import kinds
from ..readers.pair import ModelPair
from ..readers.weights import Weights
from ..records import LoggedCheckpoint, Metric, MetricValue, Model
from ..schemes.scheme import TensorScheme
from ..store.store import Store
from . import claims, evident, parts
from .claims import EMBEDDING, Evidence
from .layers.compare import stored_as

GZIP_LEVEL = 6
MOST_ZIPPED = 64_000_000
"""Bytes of a checkpoint that is compressed only to see how small it becomes."""

SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("root", pa.string()),
        ("sparsity", pa.float64()),
        ("bits", pa.float64()),
        ("stored_bytes", pa.int64()),
        ("gzip_bytes", pa.int64()),
        ("packed_bytes", pa.int64()),
        ("macs", pa.float64()),
        ("peak_memory_bytes", pa.int64()),
        ("latency_s", pa.float64()),
        ("latency_iqr_s", pa.float64()),
        ("latency_device", pa.string()),
        ("onnx_bytes", pa.int64()),
        ("onnx_latency_s", pa.float64()),
        ("onnx_latency_iqr_s", pa.float64()),
        ("onnx_latency_device", pa.string()),
        ("integer_products", pa.float64()),
        ("onnx_integer_products", pa.float64()),
        ("stored_ratio", pa.float64()),
        ("packed_ratio", pa.float64()),
        ("macs_ratio", pa.float64()),
        ("latency_ratio", pa.float64()),
        ("onnx_latency_ratio", pa.float64()),
        ("claim", pa.string()),
        ("agrees", pa.bool_()),
        ("causes", pa.list_(pa.string())),
        ("reason", pa.string()),
        ("missing", pa.list_(pa.string())),
    ]
)
"""Ratios are root ÷ model: above 1 is smaller or faster."""


@dataclass(frozen=True)
class KnownFacts:
    """All that is known about one model: what it is judged by, and what is only shown.

    Args:
        facts: what it is judged by.
        peak_memory: bytes.
        onnx_size: bytes.
        claim: what was said against what its numbers show, in a line.
        met: whether these agree.
        missing: what is not in the checkpoint, or not read, in a line.
    """

    facts: Facts
    peak_memory: float | None
    onnx_size: float | None
    claim: str = ""
    met: bool | None = None
    missing: str = ""


def reality(store: Store, ids: Sequence[str]) -> pa.Table:
    """A row for each model; see ``Project.reality``.

    Args:
        store: the project.
        ids: models in the order of the rows.
    """
    models = [store.model(id) for id in ids]
    roots = {id: store.model(id) for id in dict.fromkeys(model.lineage[0].model for model in models)}
    opened = {id: _opened(store, root) for id, root in roots.items()}
    known = {id: _known(root, opened[id], opened[id]) for id, root in roots.items()}
    rows = []
    for model in models:
        root = model.lineage[0].model
        found = known.get(model.id) or _known(model, _opened(store, model), opened[root])
        rows.append(_row(model, found, root=root, against=known[root].facts))
    return pa.Table.from_pylist(rows, SCHEMA)


def _row(model: Model, known: KnownFacts, *, root: str, against: Facts) -> dict[str, Any]:
    facts = known.facts
    judged = _judged(known, verdict(facts, against))
    row = {
        "model": model.id,
        "root": root,
        "sparsity": facts.sparsity,
        "bits": facts.bits,
        "stored_bytes": facts.stored,
        "gzip_bytes": facts.gzip,
        "packed_bytes": facts.packed,
        "macs": facts.macs,
        "peak_memory_bytes": _whole(known.peak_memory),
        **_timing("latency", facts.torch),
        "onnx_bytes": _whole(known.onnx_size),
        **_timing("onnx_latency", facts.onnx),
        "integer_products": facts.torch.integers,
        "onnx_integer_products": facts.onnx.integers,
        "stored_ratio": factor(against.stored, facts.stored),
        "packed_ratio": factor(against.packed, facts.packed),
        "macs_ratio": factor(against.macs, facts.macs),
        "latency_ratio": _speed(against.torch, facts.torch),
        "onnx_latency_ratio": _speed(against.onnx, facts.onnx),
        "claim": known.claim,
        "agrees": judged.agrees,
        "causes": list(judged.causes),
        "reason": judged.reason,
    }
    asked = ("bits", "stored_bytes", "gzip_bytes", "packed_bytes", "macs", "peak_memory_bytes", "latency_s")
    return row | {"missing": [name for name in (*asked, "onnx_latency_s") if row[name] is None]}


def _timing(name: str, run: Run) -> dict[str, Any]:
    timing = run.timing
    return {
        f"{name}_s": timing and timing.median,
        f"{name}_iqr_s": timing and timing.spread,
        f"{name}_device": timing and timing.device,
    }


def _speed(root: Run, model: Run) -> float | None:
    if root.timing is None or model.timing is None or root.timing.device != model.timing.device:
        return None
    return root.timing.median / model.timing.median


def _judged(known: KnownFacts, verdict: Verdict) -> Verdict:
    """A verdict that begins with the claim's coverage, and that nothing which is missing makes smaller."""
    reason = " ".join(filter(None, (known.claim, known.missing, verdict.reason)))
    if known.missing:
        return Verdict(False if verdict.agrees is False else None, ("part_missing", *verdict.causes), reason)
    if known.met is False:
        return Verdict(False, ("claim_not_found", *verdict.causes), reason)
    return Verdict(verdict.agrees, verdict.causes, reason)


def _known(model: Model, weights: Weights | None, root: Weights | None) -> KnownFacts:
    sparsity, packed, zipped = (
        _value(model, metric) for metric in (metrics.WEIGHT_SPARSITY, metrics.PACKED_SIZE, metrics.GZIP_SIZE)
    )
    stored = model.checkpoint.num_bytes if model.checkpoint else None
    found: dict[str, Any] = {}
    said: dict[str, Any] = {}
    if weights is not None:
        pair = ModelPair.of(root or weights, weights, buffers=False)
        claim = claims.claimed(model.operation, weights, schemes=weights.schemes)
        shown = claims.evidence(pair, claim)
        seen = evident.schemes(weights)
        # rounding makes zeros, too
        shown = replace(shown, nonzero={name: left for name, left in shown.nonzero.items() if name not in seen})
        found = _scheme_facts(pair, shown, {**seen, **weights.schemes})
        found["is_said"] = model.operation is not None or bool(weights.schemes) or claim != claims.Claim()
        sparsity = shown.zeros if sparsity is None else sparsity
        implied = found.pop("packed")
        packed = implied if packed is None else packed
        zipped = _zipped(weights, stored or 0) if zipped is None else zipped
        said = {"claim": claims.sentence(claim, shown), "met": claims.is_met(claim, shown)}
        files = model.checkpoint.files if model.checkpoint else ()
        said["missing"] = parts.missing(pair, [file.name for file in files])
    facts = Facts(
        sparsity=sparsity,
        stored=stored if stored is not None else _whole(_value(model, metrics.MODEL_SIZE)),
        gzip=_whole(zipped),
        packed=_whole(packed),
        macs=_value(model, metrics.MACS),
        torch=_run(model, metrics.LATENCY, metrics.LATENCY_IQR, integers=metrics.INTEGER_PRODUCTS),
        onnx=_run(model, metrics.ONNX_LATENCY, metrics.ONNX_LATENCY_IQR, integers=metrics.ONNX_INTEGER_PRODUCTS),
        **found,
    )
    return KnownFacts(facts, _value(model, metrics.PEAK_MEMORY), _value(model, metrics.ONNX_SIZE), **said)


def _opened(store: Store, model: Model) -> Weights | None:
    """The tensors of a model; ``None`` for one without, or of a format whose tensors are not read."""
    if model.checkpoint is None:
        return None
    try:
        return store.open_checkpoint(LoggedCheckpoint(model.id, model.checkpoint, model.created_at))
    except InvalidValue:
        return None


def _scheme_facts(pair: ModelPair, shown: Evidence, schemes: Mapping[str, TensorScheme]) -> dict[str, Any]:
    """What follows from types, shapes, schemes and zeros."""
    weights = pair.model
    tensors = {
        name: stored_as(stored, _with_zeros(schemes.get(name), name in shown.nonzero))
        for name, stored in weights.tensors.items()
    }
    matrices = {
        name: tensors[name]
        for name, stored in weights.tensors.items()
        if len(stored.shape) > 1 and kinds.is_weight(name, stored) and not stored.unread
    }
    total, count = sum(each.num_bytes for each in tensors.values()), sum(each.count for each in matrices.values())
    pruned = {name for name, scheme in schemes.items() if scheme.pruned} | set(shown.nonzero)
    dense = {
        name: each.num_bytes
        for name, each in tensors.items()
        if each.scheme == "dense" and name not in pruned and not weights.tensors[name].unread
    }
    largest = max(dense, key=lambda name: dense[name], default=None)
    if largest is not None and not _is_as_it_was(pair, largest):
        largest = None
    bits = sum(each.count * (each.bits or 0) / _dim(schemes.get(name)) for name, each in matrices.items())
    return {
        "bits": bits / count if count else None,
        "file_bits": 8 * sum(each.file_bytes for each in matrices.values()) / count if count else None,
        "pruned": not pruned.isdisjoint(matrices),
        "packed": total,
        "dense": (largest, dense[largest] / total) if largest is not None and total else None,
        "embedding": largest is not None and EMBEDDING.search(largest) is not None,
    }


def _with_zeros(scheme: TensorScheme | None, has_zeros: bool) -> TensorScheme | None:
    """A scheme by which zeros may be stored as a bit map where there are many, whoever made them."""
    if not has_zeros:
        return scheme
    return replace(scheme or TensorScheme(), pruned=True)


def _is_as_it_was(pair: ModelPair, name: str) -> bool:
    """Whether the numbers of a tensor are those of the root."""
    match = next((match for match in pair.matches.values() if match.model == name), None)
    if match is None:
        return False
    base, model = pair.values(match)
    stored = pair.base_tensor(match)
    if base is None or model is None or stored is None or stored.dtype != pair.model.tensors[name].dtype:
        return False
    return all(np.array_equal(base.numbers(*span), model.numbers(*span)) for span in pieces(base.count))


def _dim(scheme: TensorScheme | None) -> int:
    """Weights for each stored number."""
    return 1 if scheme is None else scheme.dim


def _zipped(weights: Weights, num_bytes: int) -> int | None:
    if not weights.files or num_bytes > MOST_ZIPPED:
        return None
    return sum(len(gzip.compress(file.bytes.tobytes(), GZIP_LEVEL, mtime=0)) for file in weights.files)


def _run(model: Model, median: Metric, spread: Metric, *, integers: Metric) -> Run:
    share = _first(model.metrics.get(integers.name, ()))
    time = _first(model.metrics.get(median.name, ()))
    timing = None
    if time is not None and time.value > 0:
        range_ = _first(value for value in model.metrics.get(spread.name, ()) if value.device == time.device)
        timing = Timing(time.value, None if range_ is None else range_.value, time.device)
    return Run(timing) if share is None else Run(timing, share.value, share.count)


def _value(model: Model, metric: Metric) -> float | None:
    found = _first(model.metrics.get(metric.name, ()))
    return None if found is None else found.value


def _first(values: Iterable[MetricValue]) -> MetricValue | None:
    """The first number over all instances."""
    return next((value for value in values if value.slice is None and value.kind == "number"), None)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
