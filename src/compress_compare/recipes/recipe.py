"""The recipe: a base model and a tree of steps, each an operation that is applied to the model above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..errors import InvalidValue
from ..operations import BaseOperation
from ..records import TaskPath, check_name

MAX_MODELS = 10_000


class ConfigError(InvalidValue):
    """A recipe cannot be run as it is written. ``code`` starts with ``config.``.

    Args:
        code: stable dotted name.
        title: one sentence that says what is wrong.
        place: where in the recipe.
        detail: what was expected and what was found.
        hint: what to do next.
    """

    def __init__(self, code: str, title: str, *, place: RecipePlace, detail: str = "", hint: str = "") -> None:
        super().__init__(code, title, detail=f"{place}: {detail}" if detail else f"{place}.", hint=hint)
        self.place = place


@dataclass(frozen=True)
class RecipePlace:
    """A place in a recipe: the path of the field and, if it came from a file, the line, counted from 1.

    ``document`` is the kind of text that the place belongs to.
    """

    path: str = ""
    line: int | None = None
    document: str = "recipe"

    def __str__(self) -> str:
        where = f"Line {self.line}" if self.line is not None else f"In the {self.document}"
        return f"{where}, {self.path}" if self.path else where

    def key(self, name: str) -> RecipePlace:
        """The field ``name`` below this place."""
        return RecipePlace(f"{self.path}.{name}" if self.path else name, self.line, self.document)


@dataclass(frozen=True)
class Step:
    """One application of an operation, and the steps that start from its result.

    Args:
        operation: the operation.
        then: steps that start from the result.
        id: id of the model; by default made from the operation.
        references: further models that the operation needs, by role: ids of this recipe or of the project.
        place: its place in the recipe, for messages.
    """

    operation: BaseOperation
    then: tuple[Step, ...] = ()
    id: str | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    place: RecipePlace = field(default_factory=RecipePlace, compare=False)


@dataclass(frozen=True)
class Recipe:
    """A tree of experiments.

    Args:
        task: the function that returns the task; ``None`` for the task that the project knows.
        base: id of the model that the tree starts from.
        made_by: the operation that makes the base from the untrained network; ``None`` if the base is in the project,
            or is the network of the task itself.
        steps: the steps that start from the base.
    """

    task: TaskPath | None
    base: str = "base"
    made_by: BaseOperation | None = None
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.base, "model id")

    def walk(self) -> Iterator[Step]:
        """Iterate over all steps, each after the one that it starts from, branch by branch."""
        pending = list(reversed(self.steps))
        while pending:
            step = pending.pop()
            yield step
            pending.extend(reversed(step.then))
