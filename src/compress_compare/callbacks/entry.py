"""The part that the callbacks share: the model to log when training ends."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Conflict, NotFound
from ..records import Operation
from ..store.store import Store


@dataclass(frozen=True)
class ModelEntry:
    """A model to be logged.

    Args:
        project: the project to log to.
        id: of the model.
        base: the model that training starts from; ``None`` for a root.
        operation: how the training is recorded, with the parameters that should be compared.
        names: names that the framework logs → names of metrics; ``None`` takes all under their own names.
    """

    project: Store
    id: str
    base: str | None
    operation: Operation | None
    names: Mapping[str, str] | None

    def check(self) -> None:
        """Check before the training that the model can be logged after it.

        Raises:
            Conflict: ``model.exists``.
            NotFound: ``model.unknown`` if the base is not in the project.
        """
        if self.id in self.project:
            raise Conflict(
                "model.exists",
                f"The project has a model {self.id!r} already.",
                hint="Give the one that is about to be trained another id.",
            )
        if self.base is not None and self.base not in self.project:
            raise NotFound("model.unknown", f"The base {self.base!r} is not in the project.", hint="Log it first.")

    def log(self, module: Any, values: Mapping[str, float], *, epochs: float) -> None:
        """Log the model with its weights; warn about a requested metric that is missing.

        Args:
            module: the trained module.
            values: what the framework logged last, by its own names.
            epochs: how long it was trained, the parameter of the operation where none was given.
        """
        operation = self.operation or Operation("train" if self.base is None else "finetune", epochs=_plain(epochs))
        metrics = self.metrics(values)
        self._warn(values)
        self.project.log_model(self.id, base=self.base, operation=operation, metrics=metrics, checkpoint=module)

    def metrics(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the values that are metrics, by the names of the project."""
        names = {name: name for name in values} if self.names is None else self.names
        return {name: values[theirs] for theirs, name in names.items() if theirs in values}

    def _warn(self, values: Mapping[str, float]) -> None:
        """A training of hours is kept even if it did not log what it should have."""
        for theirs in self.names or ():
            if theirs not in values:
                told = ", ".join(sorted(values)) or "nothing"
                warnings.warn(f"The training logged no {theirs!r}; it logged {told}.", UserWarning, stacklevel=3)


def _plain(epochs: float) -> float:
    return int(epochs) if float(epochs).is_integer() else round(epochs, 3)
