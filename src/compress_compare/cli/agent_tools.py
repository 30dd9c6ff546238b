"""What an agent can ask of a project: the analyses as functions of plain arguments, with JSON data as answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import wraps
from typing import Any, ParamSpec

from .. import project as projects
from ..errors import InvalidValue
from .output import plain

P = ParamSpec("P")
MOST = 200
"""Rows that an answer has at most: an agent reads them all."""


def answering(work: Callable[P, Any]) -> Callable[P, Any]:
    """A tool that answers with JSON data; what it prints goes to stderr, since stdout is the protocol's."""

    @wraps(work)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Any:
        with redirect_stdout(sys.stderr):
            return plain(work(*args, **kwargs))

    return answer


class AgentTools:
    """The tools of one project.

    Args:
        project: the project.
    """

    def __init__(self, project: projects.Project) -> None:
        self._project = project

    def reading(self) -> list[Callable[..., Any]]:
        """The tools that change nothing."""
        return [self.models, self.compare, self.effects, self.behaviors, self.layers, self.reality, self.gate]

    def writing(self) -> list[Callable[..., Any]]:
        """The tools that change the project."""
        return [self.set_note, self.set_tags]

    def models(self, where: str = "", sort: str = "", *, limit: int = 50) -> dict[str, Any]:
        """List models with all their metrics, and how each metric is defined.

        Args:
            where: a condition, e.g. Packed Size < 300 kB and "Top-1 Accuracy" > 0.9 and operation contains prune.
            sort: a column; with - before it from the largest.
            limit: how many models, at most 200.
        """
        found = self._project.find(where or None, sort=[sort] if sort else (), limit=min(limit, MOST))
        rows = found.to_pylist()
        for row in rows:
            row["parameters"] = json.loads(row["parameters"])
        definitions = [
            {
                "name": one.name,
                "unit": one.unit,
                "higher_is_better": one.higher_is_better,
                "description": one.description,
            }
            for one in self._project.metrics()
        ]
        return {"count": len(self._project), "models": rows, "metrics": definitions}

    def compare(self, models: list[str]) -> dict[str, Any]:
        """Say what differs between models: operations and parameters.

        Args:
            models: ids.
        """
        return dict(self._project.selection(models).as_dict())

    def effects(self, metric: str = "") -> dict[str, Any]:
        """Rank what operations and parameters do to metrics, from matched pairs of models, with intervals.

        Args:
            metric: a single metric; all if empty.
        """
        return _rows("effects", self._project.effects(metric or None, listed=5))

    def behaviors(self, base: str, models: list[str], *, dataset: str = "", metric: str = "correct") -> dict[str, Any]:
        """Compare the predictions of models with those of a base: change with interval, flips, McNemar's p.

        Args:
            base: id of the model that the others are compared with.
            models: ids.
            dataset: where all have outputs; not needed if there is only one.
            metric: a per-instance metric, e.g. correct or nll.
        """
        names = [one.name for one in self._project.datasets()]
        if not dataset and len(names) != 1:
            raise InvalidValue("dataset.missing", "Name the dataset.", hint=f"One of: {', '.join(names) or 'none'}.")
        found = self._project.behaviors(base, models, dataset or names[0], metric)
        worst = found.groups.to_pylist() if found.can_group else []
        worst.sort(key=lambda row: row["difference"] if row["difference"] is not None else 0)
        return {"dataset": dataset or names[0], "summary": found.summary.to_pylist(), "groups": worst[:MOST]}

    def layers(self, base: str, models: list[str], *, what: str = "weights") -> dict[str, Any]:
        """Compare the layers of models with those of a base from their checkpoints: the suspects first, with reasons.

        Args:
            base: id of the model that the others are compared with.
            models: ids.
            what: weights, sparsity or storage.
        """
        found = self._project.layers(base, models, what)
        return {"suspects": found.suspects.to_pylist()[:MOST], **_rows("table", found.table)}

    def reality(self, models: list[str] | None = None) -> dict[str, Any]:
        """Say what models claim and what they cost, against their root, and why the two differ.

        Args:
            models: ids; all if not given.
        """
        return _rows("models", self._project.reality(models or None))

    def gate(self, model: str, rules: list[dict[str, Any]], *, base: str = "") -> dict[str, Any]:
        """Hold a model against rules: pass, fail, or undecided where there is not enough data.

        Args:
            model: id.
            rules: e.g. [{"metric": "Top-1 Accuracy", "max_drop": 0.02}, {"size": {"max": "4 kB"}}].
            base: what it must not fall behind; the root of its lineage if empty.
        """
        return self._project.gate(model, base=base or None, rules=rules).as_dict()

    def set_note(self, model: str, text: str) -> dict[str, Any]:
        """Replace the note of a model.

        Args:
            model: id.
            text: the note.
        """
        self._project.set_note(model, text)
        return {"model": model, "note": text}

    def set_tags(self, model: str, tags: list[str]) -> dict[str, Any]:
        """Replace the tags of a model.

        Args:
            model: id.
            tags: short labels.
        """
        self._project.set_tags(model, tags)
        return {"model": model, "tags": tags}


def _rows(name: str, table: Any) -> dict[str, Any]:
    """The first rows of a table, and how many there are."""
    return {name: table.slice(0, MOST).to_pylist(), "count": len(table)}
