"""What the columns of a table are: a mapping, proposed from names and values, or written by a user as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import yaml

from ..errors import InvalidValue
from . import metric_names, presets
from .numbers import dictionary, parsed
from .rules import BASES, OPERATIONS
from .tables import ReadTable

IDS = (
    "id",
    "model_id",
    "model",
    "model_name",
    "name",
    "run",
    "run_name",
    "run_id",
    "experiment",
    "variant",
    "config_name",
)
PARAMETERS = {
    *("bits", "wbits", "abits", "amount", "group_size", "groupsize", "seed", "lr", "learning_rate", "epochs", "rank"),
    *("threshold", "batch_size", "percdamp", "num_bits", "weight_bits", "activation_bits", "target_sparsity", "ratio"),
    *(
        "scheme",
        "granularity",
        "symmetric",
        "sym",
        "desc_act",
        "calibration_samples",
        "nsamples",
        "dtype",
        "temperature",
    ),
}
DICTIONARIES = ("parameters", "params", "config", "kwargs", "settings", "hyperparameters", "hparams", "args", "options")


INSTANCES = (
    *("instance", "instance_id", "example", "example_id", "sample_id", "question_id", "doc_id", "image_id", "input_id"),
)
PREDICTIONS = ("prediction", "predicted", "pred", "predicted_label", "answer", "output")
LABELS = ("label", "target", "gold", "truth", "ground_truth", "expected")
TEXTS = ("text", "question", "prompt", "input")
DATASETS = ("dataset", "task", "benchmark")


@dataclass(frozen=True)
class MetricColumn:
    """A column that is a metric.

    Args:
        name: of the metric; that of the column if not given.
        unit: as stored.
        higher_is_better: the direction; none if it is not known.
        scale: what a number is multiplied with, e.g. 1,000,000 for a column in millions.
        setting: whether its values depend on the columns of ``protocol`` and on the device.
    """

    name: str = ""
    unit: str = ""
    higher_is_better: bool | None = None
    scale: float = 1.0
    setting: bool = True


@dataclass(frozen=True)
class TableMapping:
    """What the columns of a table are.

    Args:
        id: the columns that make the id of a model, joined by a dash; none for one model, named like the file.
        base: the column that names its base.
        operation: the column that names the operation.
        parameters: the columns that are parameters of the operation; a mapping in a cell is several.
        metrics: the columns that are metrics.
        dataset: the column that names the data.
        device: the column that names the device.
        device_name: of all values, where no column names it.
        protocol: columns that say how a row was measured.
        tags: columns whose texts become tags.
        note: the column of the note.
        state: the column that says whether a run has finished; others than ``finished`` are left out.
        instance: the column that names an instance, in a table with a row for each answer; so are its metrics.
        label: of such a table, the column of the right answer.
        prediction: likewise, what the model answered.
        text: likewise, what it was asked.
        best: of several rows of one model the one with the largest value in this column; else the last row is taken.
    """

    id: tuple[str, ...] = ()
    base: str = ""
    operation: str = ""
    parameters: tuple[str, ...] = ()
    metrics: Mapping[str, MetricColumn] = field(default_factory=dict)
    dataset: str = ""
    device: str = ""
    device_name: str = ""
    protocol: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""
    state: str = ""
    best: str = ""
    instance: str = ""
    label: str = ""
    prediction: str = ""
    text: str = ""

    def columns(self) -> set[str]:
        """All columns that it names."""
        single = [getattr(self, name) for name in TEXT_FIELDS]
        listed = (*self.id, *self.parameters, *self.metrics, *self.protocol, *self.tags)
        return {name for name in (*single, *listed) if name}


TEXT_FIELDS = (
    *("base", "operation", "dataset", "device", "note", "state", "best"),
    *("instance", "label", "prediction", "text"),
)
"""Fields that name one column."""


def to_yaml(mapping: TableMapping) -> str:
    """The mapping as YAML; what is empty is left out."""
    plain = {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(mapping).items() if value
    }
    usual = asdict(MetricColumn())
    plain["metrics"] = {
        column: {name: value for name, value in asdict(metric).items() if value != usual[name]}
        for column, metric in mapping.metrics.items()
    }
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def from_plain(document: Any, name: str) -> TableMapping:
    """A mapping from plain data.

    Args:
        document: as ``to_yaml`` writes it.
        name: what errors call it.

    Raises:
        InvalidValue: ``import.mapping``.
    """
    if not isinstance(document, Mapping):
        raise _refused(name, "It is no mapping.")
    given = dict(document)
    unknown = set(given) - set(TableMapping.__dataclass_fields__)
    if unknown:
        known = ", ".join(TableMapping.__dataclass_fields__)
        raise _refused(name, f"There is no {min(unknown)!r}; it has {known}.")
    for key in ("id", "parameters", "protocol", "tags"):
        value = given.get(key, ())
        given[key] = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else None
        if given[key] is None or not all(isinstance(one, str) for one in given[key]):
            raise _refused(name, f"{key} must be the name of a column or a list of them.")
    for key in (*TEXT_FIELDS, "device_name"):
        if not isinstance(given.get(key, ""), str):
            raise _refused(name, f"{key} must be the name of a column.")
    metrics = given.get("metrics") or {}
    if not isinstance(metrics, Mapping):
        raise _refused(name, "metrics must be a mapping of columns.")
    given["metrics"] = {str(column): _metric(name, column, said) for column, said in metrics.items()}
    return TableMapping(**given)


def _metric(name: str, column: Any, said: Any) -> MetricColumn:
    if said is not None and not isinstance(said, Mapping):
        raise _refused(name, f"The metric {column!r} must be a mapping.")
    given = dict(said or {})
    unknown = set(given) - set(MetricColumn.__dataclass_fields__)
    if unknown:
        raise _refused(name, f"The metric {column!r} has no {min(unknown)!r}.")
    kinds = {"name": str, "unit": str, "higher_is_better": bool, "scale": (int, float), "setting": bool}
    for key, value in given.items():
        if not isinstance(value, kinds[key]) or (key == "scale" and isinstance(value, bool)):  # type: ignore[arg-type]
            raise _refused(name, f"{key} of the metric {column!r} cannot be {value!r:.40}.")
    return MetricColumn(**given)


def _refused(name: str, why: str) -> InvalidValue:
    return InvalidValue("import.mapping", f"{name!r} is no mapping of a table.", detail=why)


def propose(table: ReadTable) -> tuple[TableMapping, dict[str, str], str]:
    """A mapping, why each column is what it is, and the preset that it comes from, if any.

    Raises:
        InvalidValue: ``import.mapping`` if no column names the models, or none says more of them.
    """
    known = presets.find(table)
    if known is not None:
        mapping = from_plain(known.mapping(table), known.name)
        return mapping, dict.fromkeys(mapping.columns(), f"the table is one of {known.name}"), known.name
    lower = {name.lower().replace(" ", "_").replace("-", "_"): name for name in reversed(table.columns)}
    reasons: dict[str, str] = {}
    answers = _answers(table, lower)
    if answers is not None:
        return answers, dict.fromkeys(answers.metrics, "a number for each instance"), ""
    id = next((lower[name] for name in IDS if name in lower and _unique(table, lower[name])), "")
    id = id or next((name for name in table.columns if _is_text(table, name) and _unique(table, name)), "")
    if not id:
        raise InvalidValue(
            "import.mapping",
            f"{table.name!r}: no column names the models.",
            detail=f"Its columns are {', '.join(table.columns)[:300]}.",
            hint="Say it in a mapping: --mapping FILE with id: [column, …].",
        )
    base = next((lower[name] for name in BASES if name in lower and lower[name] != id), "")
    operation = next((lower[name] for name in OPERATIONS if name in lower and lower[name] != id), "")
    parameters: list[str] = []
    metrics: dict[str, MetricColumn] = {}
    for name in table.columns:
        if name in (id, base, operation) or not table.cells(name):
            continue
        short = name.lower().replace(" ", "_").replace("-", "_")
        if short in DICTIONARIES or (short in PARAMETERS and operation):
            parameters.append(name)
            reasons[name] = "a parameter, by its name"
        elif all(isinstance(dictionary(cell), Mapping) for cell in table.cells(name)):
            parameters.append(name)
            reasons[name] = "parameters, as its cells are mappings"
        elif _is_number(table, name):
            guess, reason = metric_names.described(name, ())
            percent = any(isinstance(cell, str) and cell.endswith("%") for cell in table.cells(name))
            unit = "%" if percent else guess.unit
            metrics[name] = MetricColumn(unit=unit, higher_is_better=guess.higher_is_better)
            reasons[name] = reason + ("; its cells end with %" if percent else "")
        elif operation and len(set(map(str, table.cells(name)))) < len(table.rows):
            parameters.append(name)
            reasons[name] = "a parameter, as its texts repeat"
        elif short in ("note", "notes", "comment", "description"):
            reasons[name] = "the note, by its name"
    note = next((name for name, why in reasons.items() if why.startswith("the note")), "")
    if not (metrics or base or operation or parameters):
        raise InvalidValue(
            "import.mapping",
            f"{table.name!r}: no column has numbers, bases or operations of models.",
            detail=f"Its columns are {', '.join(table.columns)[:300]}.",
            hint="Say in a mapping what they are: --mapping FILE with metrics: {column: …}.",
        )
    mapping = TableMapping((id,), base, operation, tuple(parameters), metrics, note=note)
    return mapping, reasons, ""


def _answers(table: ReadTable, lower: Mapping[str, str]) -> TableMapping | None:
    """The mapping of a table with a row for each answer, if it names instances and predictions."""
    found: dict[str, Any] = {
        field: next((lower[name] for name in names if name in lower), "")
        for field, names in (
            *(("instance", INSTANCES), ("prediction", PREDICTIONS), ("label", LABELS), ("text", TEXTS)),
            *(("dataset", DATASETS), ("base", BASES), ("operation", OPERATIONS)),
        )
    }
    if not found["instance"] or not found["prediction"]:
        return None
    id = next((lower[name] for name in IDS if name in lower and lower[name] not in found.values()), "")
    metrics = {}
    for name in table.columns:
        if name != id and name not in found.values() and _is_number(table, name):
            guess, _ = metric_names.described(name, ())
            metrics[name] = MetricColumn(unit=guess.unit, higher_is_better=guess.higher_is_better)
    return TableMapping(id=(id,) if id else (), metrics=metrics, **found)


def _unique(table: ReadTable, name: str) -> bool:
    cells = [str(cell) for cell in table.cells(name)]
    return len(cells) == len(table.rows) == len(set(cells))


def _is_text(table: ReadTable, name: str) -> bool:
    return any(isinstance(cell, str) and parsed(cell) is None for cell in table.cells(name))


def _is_number(table: ReadTable, name: str) -> bool:
    """Whether nearly all that is there is a number: one cell in ten may be something else."""
    cells = table.cells(name)
    numbers = sum(_counts(cell, table) for cell in cells)
    return bool(cells) and numbers >= 0.9 * len(cells)


def _counts(cell: Any, table: ReadTable) -> bool:
    if isinstance(cell, str):
        return parsed(cell, decimal_comma=table.decimal_comma) is not None
    return isinstance(cell, int | float) and not isinstance(cell, bool)
