"""What the experiments of a recipe are about: a network, its data, and how its compressed versions are measured."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidValue, UserError
from ..records import JSON, Metric, MetricValue

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..operations.base import Batches, Loss

Measured = Mapping[str, float | MetricValue | Sequence[MetricValue] | None]
Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Data:
    """The data that models are evaluated on, as ``project.log_dataset`` takes it.

    Args:
        name: of the dataset.
        columns: ``ids`` and any of ``labels, images, texts, metadata``.
        answer: model → ``predictions`` and any of ``vectors, metrics, texts``, in the order of the ids.
    """

    name: str
    columns: Mapping[str, Any]
    answer: Callable[[nn.Module], Answers]


@dataclass(frozen=True)
class Task:
    """All that is needed to make and to measure models. A function without arguments that returns one is a task path.

    Args:
        create: returns the network that experiments start from, the same at every call.
        measure: model → values by metric name.
        metrics: definitions of those metrics.
        batches: for operations that calibrate or train: (inputs, targets), to be gone through any number of times.
        loss: (outputs, targets) → scalar; cross entropy if not given.
        data: what every model is evaluated on, instance by instance.
        example: one instance ``(1, …)`` as the network takes it, to measure work, memory and time on; the first of
            ``batches`` if not given.
    """

    create: Callable[[], nn.Module]
    measure: Callable[[nn.Module], Measured]
    metrics: Sequence[Metric] = ()
    batches: Batches | None = None
    loss: Loss | None = None
    data: Data | None = None
    example: Tensor | None = None

    def instance(self) -> Tensor:
        """One input.

        Raises:
            InvalidValue: ``config.no_example`` if the task has none that is a tensor.
        """
        found = self.example if self.example is not None or self.batches is None else next(iter(self.batches))[0]
        if not hasattr(found, "shape"):
            raise InvalidValue(
                "config.no_example",
                "The task has no input to measure time and memory on.",
                hint="Give the task example=, one instance as its network takes it.",
            )
        return cast("Tensor", found)[:1]


@dataclass(frozen=True)
class TaskPath:
    """Where a task is.

    Args:
        path: ``package.module:function``.
        options: keyword arguments of the function.
        folders: where Python looks for the module before its own path.

    Raises:
        InvalidValue: ``config.task`` if the path is not written so.
    """

    path: str
    options: Mapping[str, JSON] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        module, _, name = str(self.path).partition(":")
        if not (name and all(part.isidentifier() for part in (*module.split("."), name))):
            raise _unusable(str(self.path), "A task is written package.module:function.")

    def load(self) -> Task:
        """Import the function and call it.

        This runs the user's code. It is called with what the user's own command line or program named, and with
        nothing that came over a network.

        Raises:
            InvalidValue: ``config.task`` if it cannot be imported, is not there, fails, or returns something else.
        """
        found = self._function()
        try:
            task = found(**self.options)
        except UserError:
            raise
        except (Exception, SystemExit) as error:
            raise _unusable(self.path, f"It failed with {type(error).__name__}: {error}") from error
        if not isinstance(task, Task):
            raise _unusable(self.path, f"It returned {type(task).__name__}; expected compress_compare.recipes.Task.")
        return task

    def _function(self) -> Callable[..., object]:
        module_name, _, name = self.path.partition(":")
        sys.path[:0] = [folder for folder in self.folders if folder not in sys.path]
        try:
            module = importlib.import_module(module_name)
        except (Exception, SystemExit) as error:
            raise _unusable(self.path, f"Importing {module_name} failed: {type(error).__name__}: {error}") from error
        found: Callable[..., object] | None = getattr(module, name, None)
        if found is None or not callable(found):
            raise _unusable(self.path, f"{module_name} has no function {name}.")
        return found


def _unusable(path: str, reason: str) -> InvalidValue:
    return InvalidValue(
        "config.task",
        f"The task {path[:120]!r} cannot be used.",
        detail=reason[:500],
        hint="Write it as package.module:function; the folder of the recipe and the current one are searched.",
    )
