"""Exports a plan as a recipe of this package, for ``compress-compare run`` and the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from ..errors import InvalidValue
from ..operations import BaseOperation


def text(plan: Sequence[BaseOperation], *, base: str, id: str | None = None) -> str:
    """Return the YAML of a recipe that applies the operations to a model one after the other.

    Args:
        plan: at least one operation; each is written with the parameters of its record.
        base: id of the model to start from.
        id: of the final model; by default made from the operations.

    Raises:
        InvalidValue: ``export.empty``, or ``export.unsupported`` for an operation that needs a second model.
    """
    if not plan:
        raise InvalidValue("export.empty", "The plan has no operation.", hint="A plan of none needs no recipe.")
    steps: list[dict[str, Any]] = []
    for operation in reversed(plan):
        if operation.roles:
            title = f"A plan does not say which model is the {operation.roles[0]} of {operation.name!r}."
            raise InvalidValue("export.unsupported", title, hint="Add it to the recipe by hand, with references.")
        step: dict[str, Any] = {operation.name: dict(operation.record().parameters) or None}
        if steps:
            step["then"] = steps
        elif id is not None:
            step["id"] = id
        steps = [step]
    written: str = yaml.safe_dump({"base": base, "steps": steps}, sort_keys=False, allow_unicode=True)
    return written
