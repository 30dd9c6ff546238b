"""Whether the layers that a recipe names are there. Needs torch."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from torch import nn

from ..errors import InvalidValue
from ..operations import BaseOperation
from ..operations.targets import select
from .recipe import ConfigError, Recipe, RecipePlace


def named(recipe: Recipe) -> Iterator[tuple[BaseOperation, RecipePlace]]:
    """The operations of a recipe that work on the modules of the task's network, and where they stand."""
    if recipe.made_by is not None:
        yield recipe.made_by, RecipePlace("base")
        if not recipe.made_by.keeps_shapes:
            return
    pending = list(reversed(recipe.steps))
    while pending:
        step = pending.pop()
        yield step.operation, step.place
        if step.operation.keeps_shapes:
            pending.extend(reversed(step.then))


def check(model: nn.Module, named: Iterable[tuple[BaseOperation, RecipePlace]]) -> None:
    """Look for the layers that operations name in the network that the recipe starts from.

    Args:
        model: the network.
        named: operations that are applied before any that changes the network's modules, and where they stand.

    Raises:
        ConfigError: ``config.unknown_layer`` or ``config.unsupported_layer``.
    """
    for operation, place in named:
        targets = tuple(getattr(operation, "targets", ()))
        ignore = tuple(getattr(operation, "ignore", ()))
        if not targets and not ignore:
            continue
        try:
            select(operation.name, model, targets=targets, ignore=ignore)
        except InvalidValue as error:
            raise _refusal(error, model, place) from None


def _refusal(error: InvalidValue, model: nn.Module, place: RecipePlace) -> ConfigError:
    if error.code not in ("targets.no_match", "targets.pattern"):
        title, hint = error.title, error.hint
        return ConfigError("config.unsupported_layer", title, place=place, detail=error.detail, hint=hint)
    pattern = error.title.split("'")[1] if error.title.count("'") > 1 else ""
    names = [path for path, _ in model.named_modules() if path]
    names += sorted({type(module).__name__ for module in model.modules()})
    near = difflib.get_close_matches(pattern, names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else f"The network has {', '.join(names[:20])}."
    return ConfigError("config.unknown_layer", error.title, place=place, detail=error.detail, hint=hint)
