"""What a model answered in a task of lm-evaluation-harness: a line for each document and filter, joined by hash.

The prediction of a choice is the most likely one. That of a generated answer is what the first filter extracted; where
the harness counts it as right, whatever its spelling, it is the target itself, so that right and wrong are the
harness's own. What was generated is kept as text.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidValue
from .base import Imported
from .files import json_lines
from .numbers import clean_name, number

TEXTS = ("question", "query", "text", "page", "ctx", "sentence", "problem", "prompt", "input", "premise", "passage")
MAX_LABEL = 200
MAX_METADATA = 100
"""Characters of a field of a document that becomes a column to group by."""
_PER_UNIT = ("word_perplexity", "byte_perplexity", "bits_per_byte")
_TAKEN = {"id", "label", "image", "audio", "text", "tokens", "prediction", "target"}


class Documents:
    """The documents of one task, and what each model answered about them.

    Args:
        name: of the task.
        kind: the harness's ``output_type``: of what the model is asked for.
    """

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.is_choice = kind == "multiple_choice"
        self.is_answered = kind != "loglikelihood_rolling"
        self.metrics: list[str] = []
        self._places: dict[str, int] = {}
        self._labels: list[Any] = []
        self._texts: list[str] = []
        self._metadata: dict[str, list[Any]] = {}
        self._answers: dict[str, _Answers] = {}

    def place(self, id: str, row: Mapping[str, Any]) -> int:
        """The position of a document, which is taken in if it is new."""
        found = self._places.get(id)
        if found is None:
            found = self._places[id] = len(self._labels)
            self._labels.append(_label(row.get("target"), self.is_choice))
            document = row.get("doc")
            fields = document if isinstance(document, Mapping) else {}
            text = next((fields[name] for name in TEXTS if isinstance(fields.get(name), str)), None)
            self._texts.append(text if text is not None else _first_text(fields, row))
            for name, value in fields.items():
                if isinstance(value, bool | int | float | str) and value is not text and len(str(value)) < MAX_METADATA:
                    column = clean_name(f"doc {name}" if name in _TAKEN else name)
                    values = self._metadata.setdefault(column, [])
                    values.extend([None] * (found - len(values)))
                    values.append(value)
        return found

    def answers(self, model: str) -> _Answers:
        """What a model answered; a later file of the same task replaces an earlier one."""
        self._answers[model] = _Answers()
        return self._answers[model]

    def finish(self, imported: Imported) -> None:
        """Give the import the dataset and what each model answered on it."""
        if not self._labels:
            return
        ids = list(self._places)
        whole = all(isinstance(label, int) for label in self._labels)
        labels = self._labels if whole else [str(label) for label in self._labels]
        metadata = {name: _column(values, len(ids)) for name, values in self._metadata.items()}
        imported.datasets.append(
            {
                "name": self.name,
                "ids": ids,
                "labels": labels if self.is_answered else None,
                "texts": self._texts,
                "metadata": {name: values for name, values in metadata.items() if values is not None},
            }
        )
        for model, answers in self._answers.items():
            if answers.places:
                imported.outputs.append(
                    {"model": model, "dataset": self.name, **answers.columns(ids, labels, task=self.name, whole=whole)}
                )


class _Answers:
    """What one model answered, in the order of its file."""

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        self.predictions: list[Any] = []
        self.texts: list[str] = []
        self.right: list[bool | None] = []
        self.metrics: dict[str, array[float]] = {}

    def columns(self, ids: list[str], labels: list[Any], *, task: str, whole: bool) -> dict[str, Any]:
        chosen = [self._prediction(row, labels[place], whole) for place, row in self.places.items()]
        found: dict[str, Any] = {"ids": [ids[place] for place in self.places]}
        if all(one is not None for one in chosen):
            found["predictions"] = chosen
        if any(self.texts):
            found["texts"] = self.texts
        metrics = {}
        for name, values in self.metrics.items():
            values.extend([math.nan] * (len(self.places) - len(values)))
            metrics[clean_name(f"{task} {name}")] = [None if math.isnan(value) else value for value in values]
        if metrics:
            found["metrics"] = metrics
        return found

    def _prediction(self, row: int, label: Any, whole: bool) -> Any:
        prediction, right = self.predictions[row], self.right[row]
        if prediction is None:
            return None
        if whole and isinstance(prediction, int):
            return prediction
        text = str(prediction)[:MAX_LABEL]
        if right is None:
            return text
        return label if right else f"{text} (counted wrong)" if text == label else text


def add_samples(documents: Documents, path: Path, *, model: str, imported: Imported) -> None:
    """Read what a model answered: one line at a time.

    Raises:
        InvalidValue: ``import.not_json`` and ``import.format``, naming the line.
    """
    add_rows(documents, _lines(path), file=path.name, model=model, imported=imported)


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    for line, row in json_lines(path):
        if not isinstance(row, Mapping) or "doc_id" not in row:
            title = f"{path.name!r}: line {line:,} is no sample of lm-evaluation-harness."
            raise InvalidValue("import.format", title, detail="Expected an object with doc_id.")
        yield row


def add_rows(
    documents: Documents, rows: Iterable[Mapping[str, Any]], *, file: str, model: str, imported: Imported
) -> int:
    """Take in what a model answered; the number of documents.

    Args:
        documents: of the task.
        rows: a document each, or a document and filter, with ``doc_id``.
        file: its name, for warnings.
        model: that answered.
        imported: gets the warnings.
    """
    answers = documents.answers(model)
    seen: dict[tuple[str, str], int] = {}
    first_filter: str | None = None
    odd: dict[str, int] = {}
    for row in rows:
        hash, filter = str(row.get("doc_hash") or row["doc_id"]), str(row.get("filter", "none"))
        first_filter = filter if first_filter is None else first_filter
        times = seen[hash, filter] = seen.get((hash, filter), 0) + 1
        place = documents.place(hash if times == 1 else f"{hash}#{times}", row)
        if place not in answers.places:
            answers.places[place] = len(answers.predictions)
            answers.predictions.append(_prediction(row, documents.is_choice) if documents.is_answered else None)
            answers.texts.append("" if documents.is_choice or not documents.is_answered else _generated(row))
            answers.right.append(None)
        at = answers.places[place]
        _measure(documents, answers, row, at=(at, "" if filter == "none" else f",{filter}"), odd=odd)
        if filter == first_filter:
            answers.right[at] = _right(row)
    if odd:
        said = ", ".join(f"{name} ({count:,})" for name, count in odd.items())
        imported.warnings.append(f"{file!r}: no numbers per document, and therefore left out: {said:.300}.")
    _agrees(documents, answers, model, imported)
    return len(answers.places)


def _metrics(row: Mapping[str, Any]) -> list[str]:
    """The names of the metrics of a line."""
    names = row.get("metrics")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _measure(
    documents: Documents, answers: _Answers, row: Mapping[str, Any], *, at: tuple[int, str], odd: dict[str, int]
) -> None:
    """Note the metrics of a line, and in ``odd`` how many values are no numbers."""
    position, suffix = at
    for name in _metrics(row):
        value = _per_document(name, row.get(name))
        if value is None:
            odd[name] = odd.get(name, 0) + 1
            continue
        full = f"{name}{suffix}"
        if full not in answers.metrics:
            answers.metrics[full] = array("d")
            if full not in documents.metrics:
                documents.metrics.append(full)
        values = answers.metrics[full]
        values.extend([math.nan] * (position + 1 - len(values)))
        values[position] = value


def _per_document(name: str, value: Any) -> float | None:
    """A number; or a log-likelihood and the number of units that it is spread over."""
    if isinstance(value, list) and len(value) == 2 and name in _PER_UNIT:
        likelihood, units = number(value[0]), number(value[1])
        if likelihood is None or not units:
            return None
        nats = -likelihood / units
        if name == "bits_per_byte":
            return nats / math.log(2)
        return math.exp(nats) if nats < 700 else math.inf
    return float(value) if isinstance(value, bool) else number(value)


def _prediction(row: Mapping[str, Any], is_choice: bool) -> Any:
    answers = row.get("filtered_resps")
    if not isinstance(answers, list) or not answers:
        return None
    if not is_choice:
        first = answers[0]
        while isinstance(first, list) and first:
            first = first[0]
        return str(first) if not isinstance(row.get("target"), list) or isinstance(first, str) else None
    arguments = row.get("arguments")
    size = len(arguments) if isinstance(arguments, list | Mapping) else len(answers)
    if "acc_mutual_info" in _metrics(row):
        size //= 2
    found = [number(one[0] if isinstance(one, list) and one else one) for one in _floats(answers[:size])]
    if not found or any(one is None for one in found):
        return None
    return max(range(len(found)), key=lambda index: (found[index], -index))


def _floats(answers: list[Any]) -> list[Any]:
    """Newer versions write log-likelihoods as texts."""
    found = []
    for one in answers:
        first = one[0] if isinstance(one, list) and one else one
        try:
            found.append(float(first))
        except (TypeError, ValueError):
            found.append(math.nan)
    return found


def _generated(row: Mapping[str, Any]) -> str:
    first = row.get("resps")
    while isinstance(first, list) and first:
        first = first[0]
    return first if isinstance(first, str) else ""


def _right(row: Mapping[str, Any]) -> bool | None:
    """Whether the harness counts the answer as right, by its first metric of zeros and ones."""
    for name in _metrics(row):
        value = row.get(name)
        if isinstance(value, bool | int | float) and value in (0, 1) and name in ("acc", "exact_match", "em"):
            return bool(value)
    return None


def _agrees(documents: Documents, answers: _Answers, model: str, imported: Imported) -> None:
    """The most likely choice is right exactly where the harness says so; otherwise it is not what it seems."""
    if not documents.is_choice:
        return
    labels = documents._labels
    for place, row in answers.places.items():
        prediction, right = answers.predictions[row], answers.right[row]
        if right is not None and prediction is not None and (prediction == labels[place]) != right:
            answers.predictions = [None] * len(answers.predictions)
            imported.warnings.append(
                f"Model {model!r}: the most likely choices in {documents.name!r} are not those that it counts; "
                "they are left out, and its metrics per document are kept."
            )
            return


def _label(target: Any, is_choice: bool) -> Any:
    if is_choice:
        try:
            return int(target)
        except (TypeError, ValueError):
            pass
    return str(target)[:MAX_LABEL]


def _first_text(fields: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    for value in fields.values():
        if isinstance(value, str) and value:
            return value
    return str(row.get("doc", ""))[:1000]


def _column(values: list[Any], size: int) -> list[Any] | None:
    """A column of one type; None if nothing is in it."""
    values.extend([None] * (size - len(values)))
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return None
    if kinds <= {int, float} and len(kinds) > 1:
        return [None if value is None else float(value) for value in values]
    return values if len(kinds) == 1 else [None if value is None else str(value) for value in values]
