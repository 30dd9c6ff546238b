"""lm-evaluation-harness: ``results_*.json`` and the ``samples_*.jsonl`` beside it.

A metric is named by task, metric and filter. A task is a dataset, whose instances are its documents by their hash;
``lm_eval_samples`` reads what a model answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..records import Metric, MetricValue
from . import metric_names
from .base import Imported, Importer, Variant, plain_arguments
from .files import below, head
from .lm_eval_samples import Documents, add_samples
from .numbers import clean_name, number, plain, scalar
from .places import Place, json_document, other_format
from .runs import flat

WHAT = "the results of lm-evaluation-harness"
_DATED = re.compile(r"results_(?P<date>.+)\.json")
_ABOUT = ("alias", "name", "sample_len", "sample_count", "samples")

HEADINGS = ("config", "configs", "versions", "n-shot")
"""What stands beside ``results``, in some version or other."""
LIGHTEVAL = "config_general"
"""What the results of Lighteval have beside ``results`` and ``versions``."""


def recognizes(path: Path) -> str | None:
    """A file of results, or a folder with one."""
    files = _files(path)
    return "results of lm-evaluation-harness, with task versions and n-shot" if any(map(_is_results, files)) else None


def _files(path: Path) -> list[Path]:
    return below(path, "results*.json") if path.is_dir() else [path]


def _is_results(path: Path) -> bool:
    start = head(path, 200_000)
    if LIGHTEVAL.encode() in start[:200]:
        return False
    return b'"results"' in start[:200] and (b'"n-shot"' in start or b'"configs"' in start or b'"versions"' in start)


@dataclass(frozen=True)
class _Evaluation:
    """One file of results: of one model, on some tasks."""

    path: Path
    document: Mapping[str, Any]
    id: str
    base: str | None
    variant: Variant | None = None

    def of_task(self, what: str, task: str) -> Any:
        """What the file says about a task under a heading."""
        heading = self.document.get(what)
        return heading.get(task) if isinstance(heading, Mapping) else None

    @property
    def arguments(self) -> dict[str, Any]:
        """Of the model."""
        return _arguments(self.config.get("model_args"))

    @property
    def config(self) -> Mapping[str, Any]:
        """How the harness was called."""
        found = self.document.get("config")
        return found if isinstance(found, Mapping) else {}

    def samples(self, task: str) -> Path | None:
        """What the model answered in a task, if it was kept."""
        dated = _DATED.fullmatch(self.path.name)
        path = self.path.with_name(f"samples_{task}_{dated['date']}.jsonl") if dated else None
        return path if path is not None and path.is_file() and not path.is_symlink() else None

    def protocol(self, task: str) -> dict[str, Any]:
        """How a task was asked."""
        hash, template = self.of_task("task_hashes", task), self.document.get("chat_template_sha")
        harness = self.document.get("lm_eval_version")
        said = {
            "harness": f"lm_eval {harness}" if harness else "lm_eval",
            "version": self.of_task("versions", task),
            "few-shot": self.of_task("n-shot", task),
            "limit": self.config.get("limit"),
            "template": str(template)[:12] if template else None,
            "hash": str(hash)[:12] if hash else None,
        }
        return plain(said)


def read(place: Place) -> Imported:
    """Read a file of results with its samples, or all of them below a folder.

    Raises:
        InvalidValue: ``import.*``.
    """
    return together([place])


def together(places: Sequence[Place]) -> Imported:
    """Read files and folders of results as one: a model that was asked other tasks in another run is the same."""
    place = places[0]
    imported = Imported()
    evaluations = _evaluations([document for one in places for document in _documents(one)])
    protocols: dict[str, dict[str, str]] = {}
    tasks: dict[str, Documents] = {}
    for index, one in enumerate(evaluations):
        _add_model(imported, one)
        for position, task in enumerate(results := one.document["results"]):
            share = (index + position / len(results)) / len(evaluations)
            place.progress(share, f"reading {one.id}, {index + 1:,} of {len(evaluations):,}: {task}")
            _add_metrics(imported, one, task)
            words = ", ".join(f"{name} {said}" for name, said in one.protocol(task).items())
            protocols.setdefault(task, {})[one.id] = words
            samples = one.samples(task)
            if samples is not None:
                directions = one.of_task("higher_is_better", task)
                known = tasks.setdefault(task, Documents(clean_name(task), _kind(one, task)))
                add_samples(known, samples, model=one.id, imported=imported)
                _define(imported, [f"{task} {name}" for name in known.metrics], directions)
    for documents_of_task in tasks.values():
        documents_of_task.finish(imported)
    _compared(imported, protocols)
    return imported


def _documents(place: Place) -> list[tuple[Path, Mapping[str, Any]]]:
    files = _files(place.path)
    documents = [(file, json_document(file)) for file in files if place.path.is_file() or _is_results(file)]
    for _, document in documents:
        if not isinstance(document, Mapping) or not isinstance(document.get("results"), Mapping):
            raise other_format(place, WHAT, expected="Expected an object with 'results' by task.")
        if not document.keys() & set(HEADINGS):
            raise other_format(place, WHAT, expected=f"Expected one of {', '.join(HEADINGS)} beside 'results'.")
        if LIGHTEVAL in document:
            raise other_format(place, WHAT, expected="It is of Lighteval.")
    if not documents:
        raise other_format(place, WHAT, expected="There is no results_*.json of it in this folder.")
    return documents


def _kind(one: _Evaluation, task: str) -> str:
    config = one.of_task("configs", task)
    return str(config.get("output_type")) if isinstance(config, Mapping) else ""


def _evaluations(documents: list[tuple[Path, Mapping[str, Any]]]) -> list[_Evaluation]:
    """Oldest first. Two sets of arguments for one name are two models."""
    found = [_evaluation(path, document) for path, document in documents]
    found.sort(key=lambda one: (float(number(one.document.get("date")) or 0.0), str(one.path)))
    first: dict[str, dict[str, Any]] = {}
    listed = []
    for one in found:
        own = {name: value for name, value in one.arguments.items() if name not in ("pretrained", "peft", "model")}
        variant = Variant(one.id, own)
        id = variant.called(first.setdefault(one.id, plain_arguments(own)))
        listed.append(replace(one, id=id, variant=variant if one.arguments else None))
    return listed


def _evaluation(path: Path, document: Mapping[str, Any]) -> _Evaluation:
    config = document.get("config") or {}
    arguments = _arguments(config.get("model_args") if isinstance(config, Mapping) else None)
    name = document.get("model_name") or arguments.get("pretrained") or arguments.get("model")
    base = None
    if arguments.get("peft"):
        name, base = arguments["peft"], _short(str(arguments.get("pretrained") or name))
    return _Evaluation(path, document, _short(str(name or document.get("model_name_sanitized") or path.stem)), base)


def _short(name: str) -> str:
    """The name of a hub as it is, the last part of a path of this machine."""
    plain = name.replace("\\", "/").rstrip("/")
    while plain.startswith("./"):
        plain = plain[2:]
    local = plain.startswith(("/", "..")) or re.match(r"[A-Za-z]:/", plain) or plain.count("/") > 1
    return clean_name(plain.rpartition("/")[2] if local else plain)


def _arguments(written: Any) -> dict[str, Any]:
    """Newer versions write a mapping, older ones ``pretrained=…,dtype=…``."""
    if isinstance(written, Mapping):
        return dict(written)
    pairs = (part.partition("=") for part in str(written or "").split(",") if "=" in part)
    return {name.strip(): scalar(value) for name, _, value in pairs}


def _add_model(imported: Imported, one: _Evaluation) -> None:
    if one.id not in imported.facts:
        imported.models.append({"id": one.id, "base": one.base, "metrics": {}})
        if one.variant is not None:
            imported.variants[one.id] = one.variant
        imported.facts[one.id] = {**flat(one.arguments, "config"), "name": one.id} if one.arguments else {}


def _add_metrics(imported: Imported, one: _Evaluation, task: str) -> None:
    entry = one.document["results"][task]
    if not isinstance(entry, Mapping):
        imported.warnings.append(f"Model {one.id!r}: the results of {task!r} are not an object; they are left out.")
        return
    metrics = next(model for model in imported.models if model["id"] == one.id)["metrics"]
    for metric, filter, value in _values(entry):
        name = clean_name(_name(task, metric, filter))
        found = number(value)
        if found is None:
            imported.warnings.append(f"Model {one.id!r}: {name} is no number ({value!r:.40}); it counts as missing.")
            continue
        error = number(entry.get(f"{metric}_stderr,{filter}", entry.get(f"{metric}_stderr")))
        if name in metrics:
            imported.notices.append(f"Model {one.id!r}: {name} was measured more than once; the latest is taken.")
        metrics[name] = MetricValue(
            found,
            count=_count(one, task, entry, key=f"{metric},{filter}"),
            standard_error=error if error is not None and 0 <= error < float("inf") else None,
            dataset=clean_name(task),
            protocol=one.protocol(task),
        )
        _define(imported, [name], one.of_task("higher_is_better", task))


def _name(task: str, metric: str, filter: str) -> str:
    return f"{task} {metric}" if filter in ("none", "") else f"{task} {metric},{filter}"


def _values(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for key, value in entry.items():
        metric, _, filter = key.partition(",")
        if metric in _ABOUT or metric.endswith("_stderr") or isinstance(value, Mapping):
            continue
        if "," in key or number(value) is not None:
            yield metric, filter, value


def _count(one: _Evaluation, task: str, entry: Mapping[str, Any], *, key: str) -> int | None:
    counts = entry.get("sample_count")
    samples = one.of_task("n-samples", task)
    for found in (
        counts.get(key) if isinstance(counts, Mapping) else None,
        samples.get("effective") if isinstance(samples, Mapping) else None,
        entry.get("sample_len"),
    ):
        if isinstance(found, int) and found >= 0:
            return found
    return None


def _define(imported: Imported, names: list[str], directions: Any) -> None:
    known = {metric.name for metric in imported.metrics}
    for name in names:
        if name in known:
            continue
        metric = name.rpartition(" ")[2].partition(",")[0]
        guess, reason = metric_names.described(metric, (0.0,))
        said = directions.get(metric) if isinstance(directions, Mapping) else None
        higher = said if isinstance(said, bool) else guess.higher_is_better
        imported.reasons[name] = "the direction is lm-eval's higher_is_better" if isinstance(said, bool) else reason
        shares = metric in ("acc", "acc_norm", "exact_match", "em", "f1", "acc_mutual_info", "mcc")
        imported.metrics.append(Metric(name, format=".2%" if shares else "", higher_is_better=higher))


def _compared(imported: Imported, protocols: Mapping[str, Mapping[str, str]]) -> None:
    for task, by_model in protocols.items():
        kinds: dict[str, str] = {}
        for model, protocol in by_model.items():
            kinds.setdefault(protocol, model)
        if len(kinds) > 1:
            (one, first), (other, second) = list(kinds.items())[:2]
            imported.warnings.append(
                f"Task {task!r} was not asked alike: {first!r} with {one}; {second!r} with {other}. "
                "Their values are not like with like."
            )


IMPORTER = Importer(
    read,
    "results and samples of lm-evaluation-harness",
    takes=frozenset({"file", "folder"}),
    recognizes=recognizes,
    together=together,
)
