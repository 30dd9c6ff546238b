"""Callback for Lightning: ``Trainer(callbacks=[LogLightningModel(project, "cnn")])``."""

from __future__ import annotations

from collections.abc import Mapping

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from ..records import Operation
from ..store.store import Store
from .entry import ModelEntry


class LogLightningModel(Callback):
    """Logs the module in a project when ``fit`` ends, with its weights and the last value of each metric.

    A taken id or an unknown base is refused before the training begins. An interrupted run logs nothing.

    Args:
        project: the project to log to.
        id: of the model.
        base: the model that training starts from; ``None`` for a root.
        operation: ``train`` for a root, else ``finetune``, with the number of epochs, if not given.
        metrics: names that the module logs with ``self.log`` → names of metrics; all of them if not given.
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

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check before the training that the model can be logged."""
        if trainer.is_global_zero and not _is_trial(trainer):
            self._entry.check()

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the model, once over all processes; a trial run (``fast_dev_run``) logs nothing."""
        if not trainer.is_global_zero or _is_trial(trainer):
            return
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self._entry.log(pl_module, values, epochs=trainer.current_epoch)


def _is_trial(trainer: Trainer) -> bool:
    return bool(trainer.fast_dev_run)  # type: ignore[attr-defined]
