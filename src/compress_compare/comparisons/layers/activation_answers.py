"""Comparing activations on examples of the models' own task, and keeping the answer in the project."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from ...analysis.layers import tree
from ...analysis.layers.activations import SCHEMA
from ...analysis.layers.diagnosis import TensorFinding
from ...errors import InvalidValue, NotFound
from ...store.store import Store
from .activations import compare_activations
from .compare import Layers

FINDINGS = b"findings"
SPECTRA = b"spectra"
EXAMPLES = 256
"""On how many examples activations are compared, unless the page of Layers is asked otherwise."""


def run(store: Store, base: str, *, networks: Mapping[str, Any], data: Iterable[Any], examples: int) -> Layers:
    """Compare what modules put out on the first examples of data, and keep the answer.

    Args:
        store: where it is kept.
        base: id of the base.
        networks: modules by id, the base's among them.
        data: batches: inputs, or pairs of inputs and targets.
        examples: how many to take.
    """
    found = compare_activations(base, networks, data=first(data, examples))
    rows = _whole(base, found.table.to_pylist(), networks)
    findings = json.dumps([asdict(finding) for finding in found._findings]).encode()
    spectra = json.dumps([[*key, list(values)] for key, values in found.spectra.items()]).encode()
    notes = {FINDINGS: findings, SPECTRA: spectra}
    table = pa.Table.from_pylist(rows, found.table.arrow.schema).replace_schema_metadata(notes)
    compared = store.checkpoints([base, *(id for id in networks if id != base)])
    store.activations.keep(compared, examples=examples, table=table)
    return Layers(base, "activations", rows=table, findings=found._findings, spectra=found.spectra)


def kept(store: Store, base: str, *, models: Sequence[str], examples: int) -> Layers:
    """The answer of `run` for these checkpoints.

    Raises:
        NotFound: ``layers.not_run`` if there is none, ``model.unknown``.
        InvalidValue: ``model.no_checkpoint``.
    """
    compared = store.checkpoints([base, *(id for id in models if id != base)])
    table = store.activations.kept(compared, examples=examples)
    if table is None:
        raise NotFound(
            "layers.not_run",
            f"The activations of these models were not compared yet on {examples:,} examples.",
            hint="Start it on the page Layers, or call project.layers(…, 'activations', network=…, data=…).",
        )
    findings = [TensorFinding(**finding) for finding in json.loads(table.schema.metadata[FINDINGS])]
    # of answers from before spectra were noted there are none
    spectra = {(id, module): values for id, module, values in json.loads(table.schema.metadata.get(SPECTRA, b"[]"))}
    rows = _current(table.replace_schema_metadata(None))
    return Layers(base, "activations", rows=rows, findings=findings, spectra=spectra)


def _current(table: pa.Table) -> pa.Table:
    """With the columns that answers of earlier versions lack, as not known."""
    for field in SCHEMA:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table


def first(data: Iterable[Any], examples: int) -> Iterator[Any]:
    """The inputs of the first examples of batches."""
    left = examples
    for batch in data:
        inputs = batch[0] if isinstance(batch, tuple | list) else batch
        if not hasattr(inputs, "shape"):
            left -= 1
            yield batch
        else:
            yield inputs[:left]
            left -= min(left, len(inputs))
        if left <= 0:
            return


def _whole(base: str, rows: Sequence[Mapping[str, Any]], networks: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows as a tree: with rows for the base, and for modules that put out nothing themselves."""
    known = {(row["module"], row["model"]): dict(row) for row in rows}
    names = dict.fromkeys(outer for row in rows for outer in tree.path(row["module"]))
    if not names:
        raise InvalidValue(
            "layers.no_outputs", "No module of these networks puts out a tensor.", hint="Compare their weights instead."
        )
    found = []
    for name in names:
        for id in networks:
            blank = {"module": name, "model": id, "num_parameters": _size(networks[id], name)}
            if id == base:
                blank |= _of_base(known.get((name, other)) for other in networks)
            if id == base or any(model == id for _, model in known):
                found.append(known.get((name, id), blank))
    return found


def _of_base(rows: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    """The histogram of what the base puts out, which the rows of all models have."""
    row = next((row for row in rows if row and row["base_histogram"] is not None), None)
    if row is None:
        return {}
    return {"histogram": row["base_histogram"]} | {end: row[end] for end in ("histogram_low", "histogram_high")}


def _size(network: Any, module: str) -> int:
    try:
        return sum(int(parameter.numel()) for parameter in network.get_submodule(module).parameters())
    except AttributeError:
        return 0
