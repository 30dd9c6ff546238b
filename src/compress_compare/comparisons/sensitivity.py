"""The sensitivity of a model's layers as the project keeps it, and the plans that follow from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import InvalidValue, NotFound
from ..operations import BaseOperation
from ..plans import auto_round, coreai, coremltools, llm_compressor, modelopt, nncf, recipe, torchao
from ..plans.curve import curve, kinds
from ..plans.recommend import Budget, Kind, Plan, recommend
from ..records import Metric
from ..store.store import Store

COSTS = frozenset({"B", "s", "ms", "J", "W", "MAC", "MACs", "FLOP", "FLOPs"})
"""Units of what a model costs: sensitivity is about how good it is."""
TOOLKITS: Mapping[str, Callable[[Sequence[BaseOperation]], str]] = {
    "llm-compressor": llm_compressor.recipe,
    "torchao": torchao.configuration,
    "coremltools": coremltools.configuration,
    "coreai-opt": coreai.configuration,
    "modelopt": modelopt.configuration,
    "auto-round": auto_round.configuration,
    "nncf": nncf.configuration,
}
"""The other tools that a plan can be written for."""
OWN = "recipe"
FILES = {
    OWN: "recipe.yaml",
    "llm-compressor": "llm-compressor-recipe.yaml",
    "torchao": "torchao_config.py",
    "coremltools": "coremltools.yaml",
    "coreai-opt": "coreai-opt.yaml",
    "modelopt": "modelopt.yaml",
    "auto-round": "auto-round.json",
    "nncf": "nncf_config.py",
}
"""A name for the file of a plan, for this tool and each of the others."""
HEAD = "lm_head.weight"
EMBEDDINGS = ("embed_tokens.weight", "wte.weight")
"""What language models of transformers call the weights that ``tie_word_embeddings`` ties to the head."""


@dataclass(frozen=True)
class Sensitivity:
    """What is kept of one model and metric.

    Args:
        model: id.
        metric: whose change was measured.
        table: see ``plans.sensitivity.SCHEMA``.
    """

    model: str
    metric: Metric
    table: pa.Table

    @property
    def before(self) -> float:
        """The metric of the model itself, as it was measured with the layers."""
        row = self.table.slice(0, 1).to_pylist()[0]
        return float(row["value"] - row["change"])

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of budget that plans can have."""
        return kinds(self.table)

    def predicted(self, found: Plan) -> tuple[float, float | None, float | None]:
        """The value of the metric that a plan is predicted to have, and its interval, within what the metric can be."""
        low, high = self.metric.min, self.metric.max

        def within(change: float) -> float:
            value = self.before + change
            value = value if low is None else max(value, low)
            return value if high is None else min(value, high)

        ends = [None if end is None else within(end) for end in (found.low, found.high)]
        return within(found.change), ends[0], ends[1]

    def curve(self, kind: Kind) -> list[Plan]:
        """The plans of all budgets of a kind; see ``plans.curve``."""
        return curve(self.table, kind, higher_is_better=bool(self.metric.higher_is_better))

    def plan(self, budget: Budget) -> Plan:
        """The plan of one budget; see ``plans.recommend``."""
        return recommend(self.table, budget, higher_is_better=bool(self.metric.higher_is_better))


def written(found: Plan, toolkit: str, *, store: Store, model: str) -> str:
    """A plan as text for this tool or another one. Other tools untie tied weights, so the text names them all.

    Raises:
        InvalidValue: ``plan.toolkit``, or ``export.*`` for what the toolkit lacks.
    """
    if toolkit == OWN:
        return recipe.text(found.operations, base=model)
    if toolkit not in TOOLKITS:
        hint = f"Choose one of: {', '.join([OWN, *TOOLKITS])}."
        raise InvalidValue("plan.toolkit", f"Plans cannot be written for {toolkit[:40]!r}.", hint=hint)
    names = tied(store, model)
    return TOOLKITS[toolkit]([together(operation, names) for operation in found.operations])


def together(operation: BaseOperation, tied: Mapping[str, str]) -> BaseOperation:
    """An operation that names, with each tied weight, all other names of it.

    Args:
        operation: with weights as targets.
        tied: further names of tied weights, each with its first name.
    """
    targets: Any = operation.parameters.get("targets") or ()
    firsts = {tied.get(name, name) for name in targets}
    more = [alias for each in firsts for alias in _names_of(each, tied) if alias not in targets]
    return operation.from_parameters({**operation.parameters, "targets": (*targets, *more)}) if more else operation


def _names_of(name: str, tied: Mapping[str, str]) -> list[str]:
    aliases = [alias for alias, first in tied.items() if first == name]
    return [name, *aliases] if aliases else []


def tied(store: Store, model: str) -> dict[str, str]:
    """Further names of the tied weights of a model, each with its first name, as far as its checkpoint says them.

    Raises:
        InvalidValue: ``model.*`` for a checkpoint that cannot be read.
    """
    (logged,) = store.checkpoints([model])
    weights = store.open_checkpoint(logged)
    found = dict(weights.tied)
    config = weights.extra.get("model_config", {})
    if HEAD not in weights.tensors and config.get("tie_word_embeddings") is True:
        embeddings = [name for name in weights.tensors if name.endswith(EMBEDDINGS)]
        if len(embeddings) == 1:
            found[HEAD] = embeddings[0]
    return found


def quality(metrics: Sequence[Metric], name: str | None = None) -> Metric:
    """The metric whose loss is measured: the one of that name, else the first primary one that is no cost.

    Raises:
        NotFound: ``metric.unknown``.
        InvalidValue: ``metric.no_direction``, or ``sensitivity.metric`` if nothing says how good a model is.
    """
    if name is not None:
        found = next((metric for metric in metrics if metric.name == name), None)
        if found is None:
            raise NotFound("metric.unknown", f"There is no metric {name[:80]!r}.")
        if found.higher_is_better is None:
            raise InvalidValue("metric.no_direction", f"It is not said whether higher {name[:80]!r} is better.")
        return found
    usable = [one for one in metrics if one.higher_is_better is not None and one.unit not in COSTS]
    chosen = next((one for one in usable if one.primary), next(iter(usable), None))
    if chosen is None:
        raise InvalidValue(
            "sensitivity.metric", "No metric says how good a model is.", hint="Define one with higher_is_better."
        )
    return chosen


def kept(store: Store, model: str, *, metric: str | None = None) -> Sensitivity | None:
    """What was measured of a model; ``None`` if nothing was.

    Args:
        store: of the project.
        model: id.
        metric: by name; the one that a measurement would take if not given, else the first that was measured.

    Raises:
        NotFound: ``model.unknown``, ``metric.unknown``.
        InvalidValue: ``model.no_checkpoint``, ``sensitivity.metric``.
    """
    (checkpoint,) = store.checkpoints([model])
    metrics = store.metrics()
    chosen = quality(metrics, metric)
    there = store.sensitivities.metrics(checkpoint, among=[one.name for one in metrics])
    if metric is None and there and chosen.name not in there:
        chosen = quality(metrics, there[0])
    table = store.sensitivities.kept(checkpoint, metric=chosen.name)
    return None if table is None or not len(table) else Sensitivity(model, chosen, table)


def merged(old: pa.Table | None, new: pa.Table) -> pa.Table:
    """The rows of both, the new ones in the place of old ones of the same layer and level; layers keep their order."""
    if old is None:
        return new
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in [*old.to_pylist(), *new.to_pylist()]:
        rows[row["layer"], row["operation"], row["parameters"]] = row
    order = {layer: place for place, layer in enumerate(dict.fromkeys(row["layer"] for row in rows.values()))}
    return pa.Table.from_pylist(sorted(rows.values(), key=lambda row: order[row["layer"]]), schema=new.schema)


def still_valid(old: pa.Table | None, before: float) -> pa.Table | None:
    """What was kept, unless the model itself is measured differently by now: then nothing of it can be used."""
    if old is None or not len(old):
        return None
    row = old.slice(0, 1).to_pylist()[0]
    return old if np.isclose(row["value"] - row["change"], before, rtol=1e-9, atol=1e-12) else None


def parameters(row: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a row."""
    found: dict[str, Any] = json.loads(row["parameters"])
    return found
