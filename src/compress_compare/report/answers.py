"""The answers of the server that the page asks for, kept in a file instead."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel

from ..analysis.selection import variables
from ..comparisons import effects
from ..comparisons.layers import activation_answers
from ..comparisons.layers.compare import LayerComparisons, Layers
from ..errors import UserError
from ..page import answers, plans
from ..page.arrow import stream
from ..page.layer_tables import wanted
from ..page.snapshot import Snapshot, Snapshots
from ..page.wire.layers import LayersAsk, SuspectsAnswer
from ..page.wire.models import model as model_answer
from ..page.wire.selection import EffectAnswer, EffectsAnswer, SelectionAnswer
from ..page.wire.selection import effect as effect_answer
from ..store.store import Store

MOST_DETAILS = 300
"""Models of which everything is kept; of more, only those that are compared and their ancestors."""

FILED: tuple[Literal["sparsity", "weights", "storage"], ...] = ("sparsity", "weights", "storage")
"""The modes of layers that a file can show."""

MOST_ROOTS = 5
"""Roots of which plans are kept."""

MOST_PAIRS = 60
"""Pairs of an effect that are drawn."""


def kept(project: Store, ids: Sequence[str]) -> dict[str, Any]:
    """Answers by the request that they are for, as `ui/src/api/cache.ts` names it; Arrow streams as base64.

    Args:
        project: whose.
        ids: the models that are compared: what differs is known of them alone.
    """
    snapshot = Snapshots(project).latest()
    found: dict[str, Any] = {
        "GET project": _json(answers.project(project, snapshot)),
        "GET models": {"arrow": _text(snapshot.stream("single")), "revision": snapshot.revision},
        "GET standard-errors": {"arrow": _text(snapshot.stream("errors"))},
        "GET views": {"views": []},
    }
    measured = [column.name for column in snapshot.table.schema if pa.types.is_floating(column.type)]
    told: dict[str, list[EffectAnswer]] = {column: [] for column in measured}
    for row in effects.effects(project, listed=MOST_PAIRS).to_pylist():
        told[row["metric"]].append(effect_answer(row))
    found |= {f"GET effects {metric}": _json(EffectsAnswer(effects=rows)) for metric, rows in told.items()}
    for id in _told(snapshot, ids):
        found[f"GET model {id}"] = _json(model_answer(project.model(id)))
    if len(ids) > 1:
        differing = variables.selection(snapshot.graph, ids)
        key = json.dumps(sorted(ids, key=_order), ensure_ascii=False, separators=(",", ":"))
        found[f"POST selection {key}"] = _json(SelectionAnswer.model_validate(differing, from_attributes=True))
    return found


def layers(project: Store, ids: Sequence[str]) -> dict[str, Any]:
    """The answers that the page of layers asks for, in each mode that needs no examples.

    Args:
        project: whose.
        ids: the base, then what is compared with it.
    """
    comparisons, found = LayerComparisons(project), dict[str, Any]()
    for what in FILED:
        ask = LayersAsk(base=ids[0], models=list(ids), what=what)
        found |= _of_layers(comparisons.layers(ids[0], ids, what=what), ask)
    return found


def _of_layers(compared: Layers, ask: LayersAsk) -> dict[str, Any]:
    key = json.dumps(sorted(ask.models, key=_order), ensure_ascii=False, separators=(",", ":"))
    what, base = ask.what, json.dumps(ask.base, ensure_ascii=False)
    table = wanted(compared.table.arrow, ask)
    suspects = SuspectsAnswer.model_validate({"suspects": compared.suspects.to_pylist()})
    return {
        f"POST layers {what} {base} {key}": {"arrow": _text(stream(table))},
        f"POST layers/suspects {what} {base} {key}": _json(suspects),
    }


def activations(project: Store, ids: Sequence[str]) -> dict[str, Any]:
    """The same of what layers put out; empty where that was not compared.

    Args:
        project: whose.
        ids: the base, then what is compared with it.
    """
    ask = LayersAsk(base=ids[0], models=list(ids), what="activations")
    try:
        found = activation_answers.kept(project, ids[0], models=ids, examples=ask.examples)
    except UserError:
        return {}
    return _of_layers(found, ask)


def sensitivities(project: Store, ids: Sequence[str]) -> dict[str, Any]:
    """What the page of plans asks for: of these models, and of the roots.

    Args:
        project: whose.
        ids: models.
    """
    table = project.models()
    roots = [id for id, base in zip(table["id"].to_pylist(), table["base"].to_pylist(), strict=True) if base is None]
    models = dict.fromkeys([*ids, *roots[:MOST_ROOTS]])
    return {f"GET sensitivity {id}": _json(plans.answer(project, id, metric=None)) for id in models}


def _order(id: str) -> bytes:
    """JavaScript sorts texts by these."""
    return id.encode("utf-16-be")


def _told(snapshot: Snapshot, ids: Sequence[str]) -> list[str]:
    """The models of which everything is kept."""
    table = snapshot.table
    if snapshot.num_models <= MOST_DETAILS:
        return list(table["id"].to_pylist())
    bases = dict(zip(table["id"].to_pylist(), table["base"].to_pylist(), strict=True))
    told: dict[str, None] = {}
    for id in ids:
        ancestor: str | None = id
        while ancestor is not None and ancestor not in told:
            told[ancestor] = None
            ancestor = bases[ancestor]
    return list(told)


def _json(answer: BaseModel) -> Any:
    return answer.model_dump(mode="json")


def _text(stream: bytes) -> str:
    return base64.b64encode(stream).decode()
