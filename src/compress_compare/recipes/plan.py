"""Plans a recipe: which models it describes, and which of them the project has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .. import records
from ..errors import Conflict
from . import identity
from .recipe import MAX_MODELS, ConfigError, Recipe, RecipePlace, Step


@dataclass(frozen=True)
class KnownModel:
    """A model of the project.

    Args:
        id: of the model.
        base: id of its base.
        operation: the operation that made it.
        references: pairs of role and id.
    """

    id: str
    base: str | None
    operation: records.Operation | None
    references: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Planned:
    """One model of a plan.

    Args:
        id: of the model.
        base: id of its base; ``None`` for a root.
        operation: the operation that makes it; ``None`` for the unchanged network of the task.
        identity: hash of the way in which it is made.
        references: role → id.
        done: whether the project has it.
        place: its place in the recipe.
        alike: ids of models that were made in the same way already, where that was looked up.
    """

    id: str
    base: str | None
    operation: records.Operation | None
    identity: str
    references: Mapping[str, str] = field(default_factory=dict)
    done: bool = False
    place: RecipePlace = field(default_factory=RecipePlace)
    alike: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecipePlan:
    """All models of a recipe, each after its base and its references."""

    models: tuple[Planned, ...]

    @property
    def remaining(self) -> tuple[Planned, ...]:
        """The models that the project lacks."""
        return tuple(model for model in self.models if not model.done)


def plan(recipe: Recipe, known: Sequence[KnownModel] = ()) -> RecipePlan:
    """Plan a recipe: list its models and mark those that exist. Equal steps at equal places of the tree are one model.

    Args:
        recipe: the recipe.
        known: the models of the project, each after its base and references.

    Raises:
        ConfigError: ``config.unknown_model``, ``config.cycle``, ``config.id_taken`` or ``config.too_many``.
        Conflict: ``config.other_base`` if the base was made differently.
    """
    return _Planner(recipe, known).plan()


def identities(known: Iterable[KnownModel]) -> dict[str, str]:
    """Return id → identity for models that come after their bases and references."""
    found: dict[str, str] = {}
    for model in known:
        references = [(role, found.get(id, id)) for role, id in model.references]
        if model.base is None:
            found[model.id] = identity.of_root(model.id, model.operation)
        else:
            found[model.id] = identity.of_step(found[model.base], model.operation, references=references)
    return found


class _Planner:
    def __init__(self, recipe: Recipe, known: Sequence[KnownModel]) -> None:
        self.recipe = recipe
        self.there = identities(known)
        self.id_of = {made: id for id, made in reversed(self.there.items())}
        self.taken = dict(self.there)
        self.known = {model.id: model for model in known}
        self.planned: dict[str, Planned] = {}

    def plan(self) -> RecipePlan:
        self._base()
        waiting = [(step, self.recipe.base) for step in reversed(self.recipe.steps)]
        postponed: list[tuple[Step, str]] = []
        while waiting:
            step, base = waiting.pop()
            if not all(id in self.taken for id in step.references.values()):
                postponed.append((step, base))
            else:
                id = self._step(step, base)
                waiting += [(following, id) for following in reversed(step.then)]
                waiting, postponed = [*waiting, *reversed(postponed)], []
            if len(self.planned) > MAX_MODELS:
                detail = f"More than {MAX_MODELS:,}."
                raise ConfigError("config.too_many", "The recipe has too many models.", place=step.place, detail=detail)
        if postponed:
            raise self._missing_reference(postponed[0][0])
        return RecipePlan(tuple(self.planned.values()))

    def _base(self) -> None:
        id, made_by = self.recipe.base, self.recipe.made_by
        record = made_by.record() if made_by is not None else None
        found = self.known.get(id)
        if found is not None and record is not None and (found.base, found.operation) != (None, record):
            raise Conflict(
                "config.other_base",
                f"The project has another model named {id[:80]!r}.",
                detail=f"It was made by {found.operation and found.operation.name}; the recipe says {record.name}, "
                f"or its parameters differ.",
                hint="Choose another id for the base, or another project.",
            )
        if found is not None:
            planned = Planned(id, found.base, found.operation, self.there[id], dict(found.references), done=True)
        else:
            planned = Planned(id, None, record, identity.of_root(id, record))
        self._add(planned)

    def _step(self, step: Step, base: str) -> str:
        record = step.operation.record()
        references = [(role, self.taken[id]) for role, id in step.references.items()]
        made = identity.of_step(self.taken[base], record, references=references)
        id = self.id_of.get(made)
        if id is None:
            id = self._name(step, base, made)
        if id not in self.planned:
            named = {role: self.id_of[self.taken[other]] for role, other in step.references.items()}
            self._add(Planned(id, base, record, made, named, done=id in self.there, place=step.place))
        if step.id is not None:
            self.taken.setdefault(step.id, made)
        return id

    def _name(self, step: Step, base: str, made: str) -> str:
        if step.id is None:
            candidate = identity.readable(base, step.operation.record(), main=step.operation.main)
            return identity.unique(candidate, made, taken=self.taken)
        if self.taken.get(step.id, made) != made:
            raise ConfigError(
                "config.id_taken",
                f"The id {step.id[:80]!r} belongs to another model.",
                place=step.place.key("id"),
                hint="Choose another id, or leave it out.",
            )
        return step.id

    def _add(self, planned: Planned) -> None:
        self.planned[planned.id] = planned
        self.taken[planned.id] = planned.identity
        self.id_of.setdefault(planned.identity, planned.id)

    def _missing_reference(self, step: Step) -> ConfigError:
        role, id = next((role, id) for role, id in step.references.items() if id not in self.taken)
        place = step.place.key("references").key(role)
        if any(other.id == id for other in self.recipe.walk()):
            title = f"The model {id[:80]!r} would be needed to make itself."
            hint = "A reference must not depend on the step that uses it."
            return ConfigError("config.cycle", title, place=place, hint=hint)
        near = difflib.get_close_matches(id, list(self.taken), n=1)
        return ConfigError(
            "config.unknown_model",
            f"There is no model {id[:80]!r} in the recipe or the project.",
            place=place,
            hint=f"Did you mean {near[0]!r}?" if near else "Give a step of the recipe this id.",
        )
