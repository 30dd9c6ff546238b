"""Inspect: logs of evaluations, as JSON or as ``.eval``, an archive of JSON whose members newer versions pack by zstd.

A model is named as in the log. A score's metrics carry their standard error and the number of samples. Samples are the
examples of a dataset, by their id, with the answer of the first score; of several epochs the first counts.
"""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..errors import InvalidValue
from ..records import Metric, MetricValue
from . import metric_names
from .base import Imported, Importer
from .files import below, head
from .numbers import clean_name, number, plain, whole
from .places import MAX_BYTES, Place, json_document, other_format

WHAT = "a log of Inspect"
STORED, DEFLATED, ZSTD = 0, 8, 93
"""How members of an archive are packed."""
LOCAL_HEADER = 30
RIGHT = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""What Inspect writes for correct, incorrect, partly correct and no answer, and the numbers that it takes them for."""
MAX_LABEL = 1000


def recognizes(path: Path) -> str | None:
    """A log, or a folder with one."""
    return "a log of Inspect" if any(map(_is_log, _files(path))) else None


def _files(path: Path) -> list[Path]:
    return below(path, "*.eval", "*.json") if path.is_dir() else [path]


def _is_log(path: Path) -> bool:
    start = head(path)
    if start.startswith(b"PK"):
        return path.suffix.lower() == ".eval"
    return start.lstrip().startswith(b"{") and b'"eval_id"' in start and b'"status"' in start


def read(place: Place) -> Imported:
    """Read a log, or all logs in a folder; runs that did not succeed are left out.

    Raises:
        InvalidValue: ``import.*``.
    """
    return together([place])


def together(places: Sequence[Place]) -> Imported:
    """Read logs and folders of logs as one: a model that was asked other tasks in another log is the same."""
    place = places[0]
    files = [file for one in places for file in _files(one.path) if one.path.is_file() or _is_log(file)]
    imported = Imported()
    datasets: dict[str, dict[str, Any]] = {}
    seen = False
    for path in place.each(files):
        log = _archive(place, path) if head(path, 2) == b"PK" else json_document(path)
        about = log.get("eval") if isinstance(log, Mapping) else None
        if not isinstance(about, Mapping) or not isinstance(about.get("model"), str) or "status" not in log:
            raise other_format(place, WHAT, expected="Expected an object with eval, status and results.")
        seen = True
        if log["status"] != "success":
            imported.warnings.append(f"{path.name!r} ended with {log['status']!r}, not success; it is left out.")
            continue
        _add(imported, log, about=about, datasets=datasets)
    if not seen:
        raise other_format(place, WHAT, expected="There is no log in this folder.")
    imported.datasets += list(datasets.values())
    return imported


def _add(
    imported: Imported, log: Mapping[str, Any], *, about: Mapping[str, Any], datasets: dict[str, dict[str, Any]]
) -> None:
    id, task = clean_name(about["model"]), clean_name(about.get("task") or "task")
    model = next((one for one in imported.models if one["id"] == id), None)
    if model is None:
        model = {"id": id, "metrics": {}}
        imported.models.append(model)
    packages, config = about.get("packages"), about.get("config")
    version = packages.get("inspect_ai") if isinstance(packages, Mapping) else None
    protocol = {"harness": f"inspect_ai {version}" if version else "inspect_ai", "version": about.get("task_version")}
    if isinstance(config, Mapping):
        protocol |= {name: config[name] for name in ("limit", "epochs") if isinstance(config.get(name), int)}
    said = plain(protocol)
    results = log.get("results")
    scores = results.get("scores") if isinstance(results, Mapping) else None
    for score in scores if isinstance(scores, list) else ():
        if isinstance(score, Mapping):
            for name, value in _measured(imported, task, score, (task, said)):
                model["metrics"][name] = value
    samples = log.get("samples")
    _samples(imported, samples if isinstance(samples, list) else [], (id, task), datasets)


def _measured(
    imported: Imported, task: str, score: Mapping[str, Any], how: tuple[str, Mapping[str, Any]]
) -> Iterator[tuple[str, MetricValue]]:
    dataset, protocol = how
    metrics = score.get("metrics")
    values = {
        str(name): number(one.get("value")) if isinstance(one, Mapping) else None
        for name, one in (metrics.items() if isinstance(metrics, Mapping) else ())
    }
    error = values.pop("stderr", None)
    count = whole(score.get("scored_samples"))
    usable = error is not None and 0 <= error < math.inf
    for name, value in values.items():
        metric = clean_name(f"{task} {score.get('name')} {name}")
        if value is None:
            imported.warnings.append(f"{metric} is no number; it counts as missing.")
            continue
        if metric not in {one.name for one in imported.metrics}:
            guess, imported.reasons[metric] = metric_names.described(name, [value])
            imported.metrics.append(
                Metric(metric, unit=guess.unit, format=guess.format, higher_is_better=guess.higher_is_better)
            )
        yield (
            metric,
            MetricValue(
                value,
                dataset=dataset,
                protocol=dict(protocol),
                count=count,
                # The error is that of the mean of the scores, which is what accuracy and mean are.
                standard_error=error if usable and name in ("accuracy", "mean") else None,
            ),
        )


def _samples(
    imported: Imported, samples: list[Any], names: tuple[str, str], datasets: dict[str, dict[str, Any]]
) -> None:
    model, task = names
    rows: dict[str, tuple[str, str, str, float | None]] = {}
    repeated = 0
    for sample in samples:
        if not isinstance(sample, Mapping) or sample.get("id") is None:
            continue
        id = str(sample["id"])
        if id in rows:
            repeated += 1
            continue
        rows[id] = _answer(sample)
    if not rows:
        return
    if repeated:
        imported.notices.append(
            f"Model {model!r}: of {task} the first epoch is taken; {repeated:,} samples are of others."
        )
    known = datasets.setdefault(task, {"name": task, "ids": [], "labels": [], "texts": []})
    places = {id: place for place, id in enumerate(known["ids"])}
    for id, (label, text, _, _) in rows.items():
        if id not in places:
            known["ids"].append(id)
            known["labels"].append(label)
            known["texts"].append(text)
        elif known["labels"][places[id]] != label:
            imported.warnings.append(f"{task}: sample {id!r} has two targets; the first is taken.")
    predictions = [_prediction(label, answer, right) for label, _, answer, right in rows.values()]
    outputs: dict[str, Any] = {"model": model, "dataset": task, "ids": list(rows), "predictions": predictions}
    scores = [right for _, _, _, right in rows.values()]
    if all(score is not None for score in scores):
        outputs["metrics"] = {clean_name(f"{task} score"): scores}
    imported.outputs = [one for one in imported.outputs if (one["model"], one["dataset"]) != (model, task)] + [outputs]


def _answer(sample: Mapping[str, Any]) -> tuple[str, str, str, float | None]:
    """Target, text, answer and score of a sample."""
    target = sample.get("target")
    label = " | ".join(map(str, target)) if isinstance(target, list) else str(target)
    text = sample.get("input")
    scores, output = sample.get("scores"), sample.get("output")
    first = next(iter(scores.values()), None) if isinstance(scores, Mapping) else None
    value = first.get("value") if isinstance(first, Mapping) else None
    answer = first.get("answer") if isinstance(first, Mapping) else None
    if answer is None and isinstance(output, Mapping):
        answer = output.get("completion")
    right = RIGHT.get(value) if isinstance(value, str) else float(value) if isinstance(value, bool) else number(value)
    return label[:MAX_LABEL], str(text)[:10_000], str(answer or "")[:MAX_LABEL], right


def _prediction(label: str, answer: str, right: float | None) -> str:
    """What was answered; the target itself exactly where Inspect counts it as right."""
    if right is None:
        return answer
    return label if right == 1 else f"{answer} (counted wrong)" if answer == label else answer


def _archive(place: Place, path: Path) -> dict[str, Any]:
    """The log in an archive: its header, and its samples in the order of their names."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {one.filename: one for one in archive.infolist()}
            if sum(one.file_size for one in members.values()) > MAX_BYTES:
                title = f"{path.name!r} unpacks to more than {MAX_BYTES:,} bytes."
                raise InvalidValue("import.too_large", title)
            if "header.json" not in members:
                raise other_format(place, WHAT, expected="The archive has no header.json.")
            log = _member(path, members["header.json"])
            names = sorted(name for name in members if name.startswith("samples/") and name.endswith(".json"))
            samples = [_member(path, members[name]) for name in names]
    except (zipfile.BadZipFile, OSError, ValueError, zlib.error, RecursionError, EOFError) as error:
        if isinstance(error, InvalidValue):
            raise
        raise InvalidValue("import.format", f"{path.name!r} is damaged.", detail=f"{error}"[:200]) from error
    return {**log, "samples": samples} if isinstance(log, Mapping) else {}


def _member(path: Path, entry: zipfile.ZipInfo) -> Any:
    """One JSON document; the size that the archive states is the most that is unpacked."""
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        start = file.read(LOCAL_HEADER)
        file.seek(int.from_bytes(start[26:28], "little") + int.from_bytes(start[28:30], "little"), 1)
        packed = file.read(entry.compress_size)
    if entry.compress_type == ZSTD:
        content = pa.Codec("zstd").decompress(packed, decompressed_size=entry.file_size, asbytes=True)
    elif entry.compress_type == DEFLATED:
        content = zlib.decompressobj(-15).decompress(packed, entry.file_size)
    elif entry.compress_type == STORED:
        content = packed
    else:
        title = f"{path.name!r} is packed in a way that is not read ({entry.compress_type})."
        raise InvalidValue("import.format", title, hint="Convert it: inspect log convert --to json.")
    return json.loads(content)


IMPORTER = Importer(
    read,
    "logs of Inspect, as JSON or .eval",
    takes=frozenset({"file", "folder"}),
    recognizes=recognizes,
    together=together,
)
