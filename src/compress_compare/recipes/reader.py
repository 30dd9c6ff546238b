"""Reads a recipe from YAML, strictly: it checks every key, type and range, and names the line of an error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .. import operations
from ..errors import InvalidValue, NotFound, UserError
from ..operations import BaseOperation
from ..records import TaskPath, check_name, check_parameter
from .recipe import MAX_MODELS, ConfigError, Recipe, RecipePlace, Step
from .sweep import combinations, is_swept, list_parameters
from .yaml_positions import MAX_BYTES, Located, parse

TOP = ("task", "options", "base", "steps")
BASE = ("id",)
STEP = ("then", "id", "references")
MAX_DEPTH = 20


def load(path: Path) -> Recipe:
    """Read a recipe file. Its task is searched in its folder, then in the current one.

    Raises:
        NotFound: ``config.no_file``.
        ConfigError: ``config.*``.
    """
    if not path.is_file():
        raise NotFound("config.no_file", f"There is no recipe file {str(path)[:200]!r}.")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"{path.name}, byte {error.start}."
        raise InvalidValue("config.encoding", "The recipe is not UTF-8 text.", detail=detail) from None
    return loads(text, folders=(str(path.resolve().parent), str(Path.cwd())))


def loads(text: str, *, folders: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe from text.

    Args:
        text: YAML.
        folders: where the task's module is looked for before Python's own path.

    Raises:
        ConfigError: ``config.*`` with line and field.
    """
    top = _mapping(parse(text), "The recipe")
    _check_keys(top, TOP)
    reader = _Reader(operations.available())
    base, made_by = reader.base(top.value.get("base"))
    steps = top.value.get("steps")
    listed = reader.steps(steps, depth=0) if steps is not None else ()
    return Recipe(_task(top, folders), base, made_by, listed)


class _Reader:
    def __init__(self, known: Mapping[str, type[BaseOperation]]) -> None:
        self._known = known
        self._count = 0

    def base(self, found: Located | None) -> tuple[str, BaseOperation | None]:
        """The id of the base and the operation that makes it."""
        if found is None:
            return "base", None
        if isinstance(found.value, str):
            return _name(found), None
        mapping = _mapping(found, "base", or_="the id of a model")
        id = _name(mapping.value["id"]) if "id" in mapping.value else "base"
        if not set(mapping.value) - set(BASE):
            return id, None
        cls, parameters = self._operation(mapping, BASE)
        made = self._made(cls, parameters)
        if len(made) > 1:
            raise ConfigError(
                "config.base", "There is one base, so no list multiplies out here.", place=parameters.place
            )
        return id, made[0]

    def steps(self, found: Located, *, depth: int) -> tuple[Step, ...]:
        """The steps in a list; one step may stand for itself."""
        if depth > MAX_DEPTH:
            detail = f"At most {MAX_DEPTH}."
            raise ConfigError("config.too_deep", "Too many steps follow each other.", place=found.place, detail=detail)
        items = found.value if isinstance(found.value, list) else [found]
        return tuple(step for item in items for step in self._step(item, depth))

    def _step(self, found: Located, depth: int) -> Iterable[Step]:
        if isinstance(found.value, str):
            found = Located({found.value: Located(None, found.place)}, found.place)
        mapping = _mapping(found, "A step", or_="the name of an operation")
        cls, parameters = self._operation(mapping, STEP)
        made = self._made(cls, parameters)
        id = _name(mapping.value["id"]) if "id" in mapping.value else None
        if id is not None and len(made) > 1:
            place = mapping.value["id"].place
            raise ConfigError("config.id", "One id cannot name the models of several values.", place=place)
        references = self._references(mapping.value.get("references"), cls, parameters.place)
        for operation in made:
            self._count += 1
            if self._count > MAX_MODELS:
                detail = f"More than {MAX_MODELS:,}."
                raise ConfigError(
                    "config.too_many", "The recipe has too many models.", place=found.place, detail=detail
                )
            then = mapping.value.get("then")
            following = self.steps(then, depth=depth + 1) if then is not None else ()
            yield Step(operation, following, id, references, parameters.place)

    def _operation(self, mapping: Located, others: tuple[str, ...]) -> tuple[type[BaseOperation], Located]:
        """The one key that names an operation, and its parameters."""
        names = [key for key in mapping.value if key not in others]
        if len(names) != 1:
            what = "it names none" if not names else "it names " + ", ".join(repr(name[:40]) for name in names)
            raise ConfigError(
                "config.operation", "A step names exactly one operation.", place=mapping.place, detail=f"Here {what}."
            )
        name, found = names[0], mapping.value[names[0]]
        cls = self._known.get(name.replace("_", " "))
        if cls is None:
            raise _unknown("operation", name, (*self._known, *others), place=found.place)
        return cls, _mapping(found, "The parameters", empty=True)

    def _made(self, cls: type[BaseOperation], parameters: Located) -> list[BaseOperation]:
        lists = list_parameters(cls)
        plain: dict[str, Any] = {}
        for name, found in parameters.value.items():
            plain[name] = found.plain()
            if is_swept(plain[name], name in lists) and not plain[name]:
                raise ConfigError("config.empty_list", "A list without values makes no model.", place=found.place)
        made = []
        for chosen in combinations(cls, plain):
            try:
                made.append(cls.from_parameters(chosen))
            except InvalidValue as error:
                raise _parameter(error, parameters) from None
            if len(made) > MAX_MODELS:
                detail = f"More than {MAX_MODELS:,}."
                raise ConfigError(
                    "config.too_many",
                    "The lists multiply out to too many models.",
                    place=parameters.place,
                    detail=detail,
                )
        return made

    def _references(self, found: Located | None, cls: type[BaseOperation], place: RecipePlace) -> dict[str, str]:
        given = {} if found is None else _mapping(found, "references").value
        for role, model in given.items():
            if role not in cls.roles:
                raise _unknown("role", role, cls.roles, place=model.place)
        missing = [role for role in cls.roles if role not in given]
        if missing:
            raise ConfigError(
                "config.reference", f"{cls.name} needs a second model as its {missing[0]}.", place=place,
                hint=f"Add references: {{{missing[0]}: ID}} beside it.",
            )  # fmt: skip
        return {role: _name(model) for role, model in given.items()}


def _task(top: Located, folders: tuple[str, ...]) -> TaskPath | None:
    found, options = top.value.get("task"), top.value.get("options")
    if found is None:
        if options is not None:
            raise ConfigError("config.options", "Options belong to a task, and none is named.", place=options.place)
        return None
    if not isinstance(found.value, str):
        raise _type(found, "a text: package.module:function")
    given = {} if options is None else _mapping(options, "options").plain()
    try:
        checked = {key: check_parameter(value, key) for key, value in given.items()}
    except UserError as error:
        raise ConfigError("config.options", error.title, place=options.place if options else found.place) from None
    return TaskPath(found.value, checked, folders)


def _parameter(error: InvalidValue, parameters: Located) -> ConfigError:
    """What an operation says about its parameters, with the line of the one that is wrong."""
    kind = error.code.removeprefix("parameter.")
    named = [name for name in parameters.value if f": {name} must" in error.title or f"{name!r}" in error.title]
    place = parameters.value[named[0]].place if named else parameters.place
    code = {"unknown": "config.unknown_key", "range": "config.range", "type": "config.type"}.get(kind, f"config.{kind}")
    return ConfigError(code, error.title, place=place, detail=error.detail.rstrip("."), hint=error.hint)


def _mapping(found: Located, what: str, *, or_: str = "", empty: bool = False) -> Located:
    if found.value is None and empty:
        return Located({}, found.place)
    if not isinstance(found.value, dict):
        raise _type(found, f"a mapping of names to values{f', or {or_}' if or_ else ''}", what)
    return found


def _check_keys(mapping: Located, allowed: tuple[str, ...]) -> None:
    for key, value in mapping.value.items():
        if key not in allowed:
            raise _unknown("key", key, allowed, place=value.place)


def _name(found: Located) -> str:
    if not isinstance(found.value, str):
        raise _type(found, "a text")
    try:
        return check_name(found.value, "model id")
    except InvalidValue as error:
        raise ConfigError("config.name", error.title, place=found.place, detail=error.detail, hint=error.hint) from None


def _type(found: Located, expected: str, what: str = "") -> ConfigError:
    kinds = {list: "a list", dict: "a mapping", str: "a text", bool: "true or false", type(None): "nothing"}
    kind = kinds.get(type(found.value), "a number")
    field = what or found.place.path or "The recipe"
    return ConfigError("config.type", f"{field} must be {expected}.", place=found.place, detail=f"Found {kind}.")


def _unknown(what: str, name: str, allowed: Iterable[str], *, place: RecipePlace) -> ConfigError:
    names = list(allowed)
    near = difflib.get_close_matches(name.replace("_", " "), names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names) or 'none'}."
    return ConfigError("config.unknown_key", f"There is no {what} {name[:40]!r} here.", place=place, hint=hint)
