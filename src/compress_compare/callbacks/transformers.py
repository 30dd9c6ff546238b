"""Callback for the Hugging Face Trainer: ``Trainer(..., callbacks=[LogTransformersModel(project, "bert")])``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..records import Operation
from ..store.store import Store
from .entry import ModelEntry

_NOT_QUALITY = ("epoch", "runtime", "samples_per_second", "steps_per_second", "model_preparation_time")


class LogTransformersModel(TrainerCallback):
    """Logs the network in a project when ``train`` ends, with its weights and the metrics of evaluation.

    The metrics belong to the logged weights: they are those of the best step if ``load_best_model_at_end`` is set, else
    of the last evaluation. An ``evaluate`` after the training adds missing metrics. A taken id or an unknown base is
    refused before the training begins.

    Args:
        project: the project to log to.
        id: of the model.
        base: the model that training starts from; ``None`` for a root.
        operation: ``train`` for a root, else ``finetune``, with the number of epochs, if not given.
        metrics: names that evaluation reports (``eval_accuracy``) → names of metrics; all except
            those of its speed if not given.
    """

    def __init__(
        self,
        project: Store,
        id: str,
        *,
        base: str | None = None,
        operation: Operation | None = None,
        metrics: Mapping[str, str] | None = None,
    ) -> None:
        self._entry = ModelEntry(project, id, base, operation, metrics)
        self._is_logged = False

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Check before the training that the model can be logged."""
        if state.is_world_process_zero:
            self._entry.check()

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        """Log the model, once over all processes."""
        if not state.is_world_process_zero:
            return
        best = state.best_global_step if args.load_best_model_at_end else None
        values = evaluated(state.log_history, step=best)
        self._entry.log(model, values, epochs=state.epoch or 0)
        self._is_logged = True

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: Any = None, **_: Any
    ) -> None:
        """Add the metrics of an evaluation after the training."""
        if self._is_logged and state.is_world_process_zero:
            project, id = self._entry.project, self._entry.id
            found = self._entry.metrics(_qualities(metrics or {}))
            known = project.model(id).metrics
            project.log_metrics(id, {name: value for name, value in found.items() if name not in known})


def evaluated(history: Sequence[Mapping[str, Any]], *, step: int | None) -> dict[str, float]:
    """Return the metrics that the evaluation reported at a step, or last, by its own names.

    Args:
        history: ``TrainerState.log_history``.
        step: ``None`` for the last evaluation.
    """
    evaluations = [entry for entry in history if any(name.startswith("eval_") for name in entry)]
    chosen = [entry for entry in evaluations if step is None or entry.get("step") == step]
    return _qualities(chosen[-1]) if chosen else {}


def _qualities(entry: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in entry.items()
        if name.startswith("eval_") and isinstance(value, int | float) and not name.endswith(_NOT_QUALITY)
    }
