"""Hugging Face: a model's folder or a tree of them.

The card names the base, its relation and results; ``.eval_results`` has more; ``trainer_state.json`` has what was
evaluated while training; ``made_by`` says what recipe and configuration claim. Weights come in with their folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..readers import made_by
from ..records import Metric, MetricValue, Operation
from ..records.own_key import KEY
from . import beside, metric_names
from .base import Imported, Importer
from .files import below, head, yaml_document
from .numbers import clean_name, metric_name, number
from .places import Place, json_document, other_format, text
from .runs import define

MARKS = ("config.json", "README.md", "trainer_state.json", "recipe.yaml", "adapter_config.json")
RELATIONS = {"quantized": "quantize", "finetune": "finetune", "adapter": "adapter", "merge": "merge"}
SPEEDS = ("_runtime", "_per_second")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_FRONT = re.compile(r"\A---\r?\n(.*?)\r?\n---", re.DOTALL)


def recognizes(path: Path) -> str | None:
    """A folder with a configuration of transformers, a card, a trainer's state or a recipe of llm-compressor."""
    if path.is_file():
        return "a recipe of llm-compressor" if path.name == "recipe.yaml" and _is_recipe(path) else None
    for folder in _folders(path):
        for name in MARKS:
            if _marks(folder / name):
                return f"a folder of Hugging Face, with {name}"
    return None


def _is_recipe(path: Path) -> bool:
    return b"Modifier" in head(path, 20_000)


def _marks(path: Path) -> bool:
    start = head(path, 20_000)
    if path.name == "config.json":
        return b'"model_type"' in start or b'"architectures"' in start
    if path.name == "README.md":
        return start.startswith(b"---") and any(
            one in start for one in (b"base_model", b"model-index", b"library_name")
        )
    if path.name == "recipe.yaml":
        return b"Modifier" in start
    return b'"log_history"' in head(path, 2_000_000) if path.name == "trainer_state.json" else b'"peft_type"' in start


def _folders(path: Path) -> list[Path]:
    """The folders of models; a trainer's checkpoints belong to the folder above them."""
    found = {one.parent for one in below(path, *MARKS)}
    return sorted(
        one for one in found if not (_CHECKPOINT.fullmatch(one.name) and (one.parent in found or one != path))
    )


def read(place: Place) -> Imported:
    """Read a model's folder or all of them in a tree; a recipe alone is a model of its folder's name.

    Raises:
        InvalidValue: ``import.*``.
    """
    imported = Imported()
    if place.path.is_file():
        operation = made_by.recipe_operation(yaml_document(place.path)) if _is_recipe(place.path) else None
        if operation is None:
            text(place.path)
            raise other_format(place, "a recipe of llm-compressor", expected="It names no modifier.")
        imported.models.append({"id": clean_name(place.path.resolve().parent.name), "operation": operation})
        return imported
    for folder in place.each(_folders(place.path)):
        if any(_marks(folder / name) for name in MARKS):
            _add(imported, folder)
    if not imported.models:
        raise other_format(place, "a folder of Hugging Face", expected=f"Expected one of {', '.join(MARKS)} in it.")
    define(imported)
    return imported


def _add(imported: Imported, folder: Path) -> None:
    card = _card(folder / "README.md", imported)
    if isinstance(card.get(KEY), Mapping):
        _restored(imported, folder, card)
        return
    index = [one for one in card.get("model-index") or [] if isinstance(one, Mapping)]
    named = index[0].get("name") if len(index) == 1 else None
    id = clean_name(named or folder.resolve().name)
    if any(model["id"] == id for model in imported.models):
        id = clean_name(f"{folder.parent.name}/{folder.name}")
    for other in (folder.name, id):
        imported.keys.setdefault(other, id)
    try:
        claimed = made_by.origin(folder)
    except UserError:
        claimed = made_by.MadeBy()
    state = _state(folder, imported)
    base = _base(card, claimed, id, imported)
    operation = claimed.operation
    source = claimed.source
    relation = card.get("base_model_relation")
    if operation is None and state:
        operation, source = _trained(state), "trainer_state.json"
    if operation is None and isinstance(relation, str) and base:
        operation, source = Operation(RELATIONS.get(relation, clean_name(relation))), "README.md"
    if operation is not None:
        imported.notices.append(f"Model {id!r}: the operation is taken from {source}.")
    metrics: dict[str, MetricValue] = {}
    for entry in index:
        _results(imported, metrics, id, entry.get("results"))
    for path in below(folder / ".eval_results", "*.yaml", "*.yml", depth=1):
        _evaluated(imported, metrics, id, path)
    for name, value in _last_evaluation(state, id, imported).items():
        metrics[name] = MetricValue(value)
    imported.models.append({"id": id, "base": base, "operation": operation, "metrics": metrics})
    if below(folder, "*.safetensors", depth=1):
        imported.checkpoints[id] = folder


def _restored(imported: Imported, folder: Path, card: Mapping[str, Any]) -> None:
    """A model whose card our exporter has written; its numbers are those of ``model-index`` if they were changed."""
    numbers: dict[str, list[MetricValue]] = {}
    for entry in card.get("model-index") or []:
        for _, one in _entries(entry.get("results") if isinstance(entry, Mapping) else None):
            value = number(one.get("value"))
            if value is not None:
                numbers.setdefault(metric_name(one.get("name")), []).append(MetricValue(value))
    natural = {"id": clean_name(folder.resolve().name), "metrics": numbers}
    model = beside.taken(imported, natural, document=card[KEY])
    imported.keys.setdefault(folder.name, model["id"])
    imported.models.append(model)
    if below(folder, "*.safetensors", depth=1):
        imported.checkpoints[model["id"]] = folder


def _card(path: Path, imported: Imported) -> Mapping[str, Any]:
    if path.is_symlink() or not path.is_file():
        return {}
    front = _FRONT.match(text(path).lstrip("\ufeff"))
    if front is None:
        return {}
    found = yaml_document(path, content=front[1])
    if not isinstance(found, Mapping):
        imported.warnings.append(f"{path.name!r}: what it says at its head is no mapping; it is left out.")
        return {}
    return found


def _base(card: Mapping[str, Any], claimed: made_by.MadeBy, id: str, imported: Imported) -> str | None:
    said = card.get("base_model") or claimed.base
    bases = [str(one) for one in (said if isinstance(said, list) else [said]) if one]
    if len(bases) > 1:
        imported.notices.append(f"Model {id!r}: {', '.join(bases)} are named as bases; the first is taken.")
    if not bases or clean_name(bases[0]) == id:
        return None
    base = clean_name(bases[0])
    imported.named.append(base)
    return base


def _state(folder: Path, imported: Imported) -> Mapping[str, Any]:
    """What the trainer wrote into the folder, or into its last checkpoint."""
    numbered = [
        (int(named[1]), path)
        for path in below(folder, "trainer_state.json", depth=2)
        if (named := _CHECKPOINT.fullmatch(path.parent.name))
    ]
    own = folder / "trainer_state.json"
    path = own if own.is_file() else max(numbered)[1] if numbered else None
    found = json_document(path) if path is not None and not path.is_symlink() else {}
    if not isinstance(found, Mapping) or not isinstance(found.get("log_history", []), list):
        imported.warnings.append(f"{folder.name!r}: trainer_state.json has no history; it is left out.")
        return {}
    return found


def _trained(state: Mapping[str, Any]) -> Operation:
    wanted = {"epochs": state.get("num_train_epochs"), "steps": state.get("global_step")}
    return Operation("finetune", **{name: value for name, value in wanted.items() if isinstance(value, int | float)})


def _last_evaluation(state: Mapping[str, Any], id: str, imported: Imported) -> dict[str, float]:
    """The numbers of the last evaluation, and which one that was."""
    history = [one for one in state.get("log_history") or [] if isinstance(one, Mapping)]
    evaluations = [one for one in history if any(str(name).startswith("eval_") for name in one)]
    found: dict[str, float] = {}
    for one in (*evaluations[-1:], *history[-1:]):
        for name, value in one.items():
            plain = number(value)
            if plain is not None and str(name).startswith(("eval_", "train_loss")) and not str(name).endswith(SPEEDS):
                found[str(name)] = plain
    if evaluations:
        best, step = number(state.get("best_metric")), state.get("best_global_step")
        also = f"; the best, {best:g}, was at step {step}" if best is not None and step is not None else ""
        imported.notices.append(
            f"Model {id!r}: what was evaluated is of the last of {len(evaluations)} evaluations, "
            f"at step {evaluations[-1].get('step')}{also}."
        )
    return found


def _results(imported: Imported, metrics: dict[str, MetricValue], id: str, results: Any) -> None:
    """The results of a card's ``model-index``."""
    for dataset, entry in _entries(results):
        kind = str(entry.get("type") or entry.get("name") or "value")
        part = dataset.get("config") or dataset.get("name") or dataset.get("type")
        name = clean_name(f"{part} {kind}" if part else kind)
        value = number(entry.get("value"))
        if value is None:
            imported.warnings.append(
                f"Model {id!r}: {name} is {entry.get('value')!r:.60}, text without a unit; it counts as missing."
            )
        elif name in metrics:
            imported.warnings.append(f"Model {id!r}: {name} stands twice in its card; the first is taken.")
        else:
            metric_names.add(imported, name, values=[value])
            metrics[name] = MetricValue(value, dataset=_named(dataset))


def _entries(results: Any) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for result in results if isinstance(results, list) else ():
        dataset = result.get("dataset") if isinstance(result, Mapping) else None
        listed = result.get("metrics") if isinstance(result, Mapping) else None
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, Mapping):
                yield dataset if isinstance(dataset, Mapping) else {}, entry


def _named(dataset: Mapping[str, Any]) -> str | None:
    parts = [str(dataset[name]) for name in ("type", "config", "split") if dataset.get(name)]
    return clean_name(" ".join(parts)) if parts else None


def _evaluated(imported: Imported, metrics: dict[str, MetricValue], id: str, path: Path) -> None:
    """One file of ``.eval_results``. Its format has no unit: a value may be per cent or a fraction."""
    document = yaml_document(path)
    for entry in document if isinstance(document, list) else ():
        dataset = entry.get("dataset") if isinstance(entry, Mapping) else None
        value = number(entry.get("value")) if isinstance(entry, Mapping) else None
        if not isinstance(dataset, Mapping) or value is None:
            imported.warnings.append(
                f"Model {id!r}: an entry of {path.name!r} has no dataset or number; it is left out."
            )
            continue
        short = str(dataset.get("id", "")).rpartition("/")[2]
        name = clean_name(f"{short} {dataset.get('task_id', '')}")
        revision = dataset.get("revision")
        metrics[name] = MetricValue(
            value,
            dataset=clean_name(f"{dataset.get('id')} {dataset.get('task_id', '')}"),
            protocol={"revision": str(revision)} if revision else None,
        )
        if name not in {metric.name for metric in imported.metrics}:
            imported.metrics.append(Metric(name))
            imported.reasons[name] = "the format states neither unit nor direction"
            imported.warnings.append(
                f"{path.name!r} does not say whether {name} is per cent or a fraction ({value:g}); it is kept as it "
                "stands. Say it in the preview, or with --unit, and its direction with --higher-is-better."
            )


IMPORTER = Importer(
    read,
    "model folders of Hugging Face: cards, .eval_results, trainer states, configurations and recipes",
    takes=frozenset({"file", "folder"}),
    recognizes=recognizes,
)
