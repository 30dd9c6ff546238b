"""Recipes as JSON data, so that a worker in another process can have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import operations, records
from ..operations import BaseOperation
from ..records import TaskPath
from .recipe import Recipe, RecipePlace, Step


def to_data(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data."""
    return {
        "task": None if recipe.task is None else task_to_data(recipe.task),
        "base": recipe.base,
        "made_by": None if recipe.made_by is None else _operation_to_data(recipe.made_by),
        "steps": [_step_to_data(step) for step in recipe.steps],
    }


def from_data(data: Mapping[str, Any]) -> Recipe:
    """The inverse of `to_data`."""
    task, made_by = data["task"], data["made_by"]
    return Recipe(
        None if task is None else task_from_data(task),
        data["base"],
        None if made_by is None else _operation(made_by),
        tuple(_step(step) for step in data["steps"]),
    )


def task_to_data(task: TaskPath) -> dict[str, Any]:
    """Where a task is, as plain data."""
    return {"path": task.path, "options": dict(task.options), "folders": list(task.folders)}


def task_from_data(data: Mapping[str, Any]) -> TaskPath:
    """The inverse of `task_to_data`."""
    return TaskPath(data["path"], data["options"], tuple(data["folders"]))


def record_to_data(record: records.Operation | None) -> dict[str, Any] | None:
    """A recorded operation as plain data."""
    return None if record is None else {"name": record.name, "parameters": dict(record.parameters)}


def _operation_to_data(operation: BaseOperation) -> dict[str, Any] | None:
    return record_to_data(operation.record())


def _operation(data: Mapping[str, Any]) -> BaseOperation:
    return operations.from_record(records.Operation(data["name"], **data["parameters"]))


def _step_to_data(step: Step) -> dict[str, Any]:
    return {
        "operation": _operation_to_data(step.operation),
        "then": [_step_to_data(following) for following in step.then],
        "id": step.id,
        "references": dict(step.references),
        "place": [step.place.path, step.place.line],
    }


def _step(data: Mapping[str, Any]) -> Step:
    return Step(
        _operation(data["operation"]),
        tuple(_step(following) for following in data["then"]),
        data["id"],
        data["references"],
        RecipePlace(*data["place"]),
    )
