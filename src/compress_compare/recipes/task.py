"""The task of a recipe: a network, its data, and how its compressed versions are measured."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue, UserError
from ..records import Metric, MetricValue, TaskPath, unusable_task

if TYPE_CHECKING:
    from torch import nn

    from ..operations.types import Batches, Loss

Measured = Mapping[str, float | MetricValue | Sequence[MetricValue] | None]
Answers = Mapping[str, Any]


NAMES = {f"{__name__}.Task", f"{__package__}.Task"}
"""What a task is called."""


@dataclass(frozen=True)
class Data:
    """The data that models are evaluated on, as ``project.log_dataset`` takes it.

    Args:
        name: of the dataset.
        columns: ``ids`` and optionally any of ``labels, images, texts, metadata``.
        answer: model → ``predictions`` and optionally any of ``vectors, metrics, texts``, in the order of the ids.
        new_version: whether data that has changed becomes a new version of the dataset, ``NAME@2``; it is refused
            otherwise.
        metrics: names of the metrics that are measured on it, whose values say so from the second version on; all but
            what a model costs (sizes, counts, times, memory) if not given.
    """

    name: str
    columns: Mapping[str, Any]
    answer: Callable[[nn.Module], Answers]
    new_version: bool = False
    metrics: Sequence[str] | None = None


@dataclass(frozen=True)
class Task:
    """The network, the data and the measurements of experiments. A task path names a function that returns one.

    Args:
        create: returns the network that experiments start from, with the same weights at every call.
        measure: model → values by metric name.
        metrics: definitions of those metrics.
        batches: (inputs, targets) for operations that calibrate or train; can be iterated any number of times.
        loss: (outputs, targets) → scalar; cross entropy if not given.
        data: the dataset on which the predictions of every model are logged.
        example: one instance as the network takes it (a tensor ``(1, …)``, a tuple of positional or a mapping of
            keyword arguments), to measure operations, memory and time on; from the first of ``batches`` if not given.
    """

    create: Callable[[], nn.Module]
    measure: Callable[[nn.Module], Measured]
    metrics: Sequence[Metric] = ()
    batches: Batches | None = None
    loss: Loss | None = None
    data: Data | None = None
    example: Any = None

    def instance(self) -> Any:
        """Return one input on which the cost of a model is measured.

        Raises:
            InvalidValue: ``config.no_example`` if the task has none with a tensor in it.
        """
        from ..evaluation.inputs import first, tensors

        found = self.example if self.example is not None or self.batches is None else next(iter(self.batches))[0]
        if found is None or not tensors(found):
            raise InvalidValue(
                "config.no_example",
                "The task has no input to measure time and memory on.",
                hint="Give the task example=, one instance as its network takes it.",
            )
        return first(found)


def load(where: TaskPath) -> Task:
    """Import the function that a path names and call it.

    This runs code, so the path comes from the user's own command line or program, or the user has seen and allowed it.
    A project can name any function of any library. A function is therefore called only if it declares that it returns a
    task: by its annotation or, without one, because its module imports ``Task``.

    Raises:
        InvalidValue: ``config.task`` if the function cannot be imported, does not return a task, or raises.
    """
    found = _function(where)
    _check_is_task(where, found)
    try:
        task = found(**where.options)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        raise unusable_task(where.path, f"It failed with {type(error).__name__}: {error}") from error
    if not isinstance(task, Task):
        said = f"It returned {type(task).__name__}; expected compress_compare.recipes.Task."
        raise unusable_task(where.path, said)
    return task


def _function(where: TaskPath) -> Callable[..., object]:
    module_name, _, name = where.path.partition(":")
    if module_name.partition(".")[0] in sys.stdlib_module_names:
        raise unusable_task(where.path, f"{module_name} is a part of Python itself, which has no tasks.")
    sys.path[:0] = [folder for folder in where.folders if folder not in sys.path]
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        said = f"Importing {module_name} failed: {type(error).__name__}: {error}"
        raise unusable_task(where.path, said) from error
    found: Callable[..., object] | None = getattr(module, name, None)
    if found is None or not callable(found):
        raise unusable_task(where.path, f"{module_name} has no function {name}.")
    return found


def _check_is_task(where: TaskPath, found: Callable[..., object]) -> None:
    """Pass if a function says of itself that it returns a task. Nothing is called to find out."""
    if not _returns_task(found):
        name = where.path.rpartition(":")[2]
        raise unusable_task(where.path, f"It does not say that it returns a task. Write: def {name}(…) -> Task")


def _returns_task(found: Callable[..., object]) -> bool:
    if not inspect.isfunction(found):
        return False
    said = found.__annotations__.get("return")
    if said is None:
        return not NAMES.isdisjoint(_imported(found).values())
    if not isinstance(said, str):
        return said is Task
    first, *rest = said.strip("'\"").split(".")
    meant: Any = found.__globals__.get(first)
    for part in rest:
        meant = getattr(meant, part, None)
    return meant is Task or ".".join([_imported(found).get(first, first), *rest]) in NAMES


def _imported(found: Callable[..., object]) -> dict[str, str]:
    """What the names in the module of a function stand for, those imported for the type checker alone among them."""
    module = sys.modules.get(found.__module__)
    try:
        tree = ast.parse(inspect.getsource(module)) if module is not None else ast.Module([], [])
    except (OSError, TypeError, SyntaxError):
        return {}
    package = getattr(module, "__package__", None) or ""
    meant: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = [*parents, *filter(None, [node.module])]
            meant |= {alias.asname or alias.name: ".".join([*source, alias.name]) for alias in node.names}
        elif isinstance(node, ast.Import):
            meant |= {alias.asname: alias.name for alias in node.names if alias.asname}
    return meant
