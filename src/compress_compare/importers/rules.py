"""Which model a model was made from, and by what: from what a tool says about it, or by a rule that the user gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidValue, UserError
from ..records import Operation
from .base import Imported
from .numbers import clean_name, is_missing, scalar

BASES = ("base", "base_model", "base_id", "parent", "parent_model", "parent_id", "derived_from", "from_model")
OPERATIONS = ("operation", "method", "compression", "technique", "algorithm", "pass", "compression_method")
SETTINGS = ("config", "param", "params", "column")
"""Where parameters of the operation are looked for; a tag never is one."""
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Rules:
    """What the user says about where to look.

    Args:
        base_from: name of a fact that names the base, e.g. ``tag:base`` or ``config.base``.
        operation_from: name of a fact that names the operation, e.g. ``config.method``.
        base_pattern: a regular expression over the names of models; its group ``base``, or the only group, is the
            name of the base, a group ``operation`` that of the operation, and other named groups are parameters.
    """

    base_from: str | None = None
    operation_from: str | None = None
    base_pattern: str | None = None


DEFAULT = Rules()


def relate(imported: Imported, rules: Rules) -> None:
    """Give the models of an import base and operation, and tell from where in ``notices``.

    Raises:
        InvalidValue: ``import.rule`` for a pattern that cannot be used, or a fact that no model has.
    """
    pattern = _compiled(rules.base_pattern)
    facts = imported.facts
    for said in (rules.base_from, rules.operation_from):
        if said is not None and not any(_fact(one, said) is not None for one in facts.values()):
            names = sorted({name for one in facts.values() for name in one})
            shown = ", ".join(names[:30]) or "nothing by name"
            raise InvalidValue("import.rule", f"No model has {said[:80]!r}.", hint=f"They have: {shown}.")
    fixed = _constant(list(facts.values()))
    sources: dict[str, int] = {}
    for model in imported.models:
        own = facts.get(model["id"], _NOTHING)
        _base(imported, model, own, rules.base_from, sources)
        if pattern is not None:
            _from_pattern(imported, model, pattern, sources)
        if own:
            _operation(model, own, rules, fixed, sources)
    for source, count in sources.items():
        imported.notices.append(f"{source} in {count:,} of {len(imported.models):,} models.")
    if facts:
        _told(imported, fixed)


def _told(imported: Imported, fixed: set[str]) -> None:
    settings = sorted(name for name in fixed if _is_setting(name))
    if settings:
        shown = ", ".join(settings[:8]) + (", …" if len(settings) > 8 else "")
        imported.notices.append(f"Equal in all models, and therefore no parameter of an operation: {shown}.")
    if len(imported.models) > 1 and not any(model.get("base") for model in imported.models):
        proposal = _proposed(imported)
        imported.notices.append(
            f"No model says which one it was made from; {proposal}"
            if proposal
            else "No model says which one it was made from; say it with --base-from or --base-pattern."
        )
    unknown = sum(1 for model in imported.models if model.get("base") and not model.get("operation"))
    if unknown:
        imported.notices.append(
            f"{unknown:,} models have a base but no operation; say where it stands with --operation-from."
        )


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        title = f"{pattern[:80]!r} is not a regular expression."
        raise InvalidValue("import.rule", title, detail=f"{error}"[:200]) from error
    if "base" not in compiled.groupindex and compiled.groups != 1:
        title = f"The pattern {pattern[:80]!r} does not say which part is the base."
        raise InvalidValue("import.rule", title, hint="Name a group: (?P<base>…).")
    return compiled


def _fact(own: Mapping[str, Any], name: str) -> Any:
    if name in own:
        return own[name]
    for prefix in SETTINGS:
        if f"{prefix}.{name}" in own:
            return own[f"{prefix}.{name}"]
    return own.get(f"tag:{name}")


def _named(own: Mapping[str, Any], names: Sequence[str]) -> tuple[str, str] | None:
    """The first of the facts that is there and is a text, with its full name."""
    lower = {name.lower(): name for name in own}
    for name in names:
        for full in (f"config.{name}", f"param.{name}", f"params.{name}", f"column.{name}", f"tag:{name}", name):
            value = own.get(lower.get(full, ""))
            if isinstance(value, str) and not is_missing(value):
                return lower[full], value
    return None


def _base(
    imported: Imported, model: dict[str, Any], own: Mapping[str, Any], said: str | None, sources: dict[str, int]
) -> None:
    if said is not None:
        value = _fact(own, said)
        found = None if value is None or is_missing(value) else (said, str(value))
    elif model.get("base") is not None or not own:
        return
    else:
        found = _named(own, BASES)
    if found is None:
        return
    base = imported.keys.get(found[1], clean_name(found[1]))
    if base != model["id"]:
        model["base"] = base
        _count(sources, f"The base is taken from {found[0]}")


def _count(sources: dict[str, int], what: str) -> None:
    sources[what] = sources.get(what, 0) + 1


def _from_pattern(imported: Imported, model: dict[str, Any], pattern: re.Pattern[str], sources: dict[str, int]) -> None:
    match = pattern.search(model["id"])
    if match is None:
        return
    groups = match.groupdict()
    base = groups.pop("base", None) or (match.group(1) if not pattern.groupindex else None)
    if not base or base == model["id"]:
        return
    model["base"] = imported.keys.get(base, clean_name(base))
    _count(sources, "The base is taken from the name by the pattern")
    name = groups.pop("operation", None)
    if name:
        model["operation"] = Operation(clean_name(name), **{k: scalar(v) for k, v in groups.items() if v is not None})


def _operation(
    model: dict[str, Any], own: Mapping[str, Any], rules: Rules, fixed: set[str], sources: dict[str, int]
) -> None:
    said = rules.operation_from
    if said is not None:
        value = _fact(own, said)
        found = None if value is None or is_missing(value) else (said, str(value))
    elif model.get("operation") is not None:
        return
    else:
        found = _named(own, OPERATIONS)
    if found is None:
        return
    used = {found[0], *(f"{prefix}.{found[0]}" for prefix in SETTINGS), rules.base_from}
    parameters = {}
    for name, value in own.items():
        short = name.partition(".")[2]
        about = short.lower() in BASES or short.lower() in ("name", "id", "output_dir", "run_name")
        if _is_setting(name) and name not in used and name not in fixed and not about:
            parameters[short] = value
    try:
        model["operation"] = Operation(clean_name(found[1]), **parameters)
    except UserError:
        kept = {
            name: value if isinstance(value, str | int | bool) else str(value) for name, value in parameters.items()
        }
        model["operation"] = Operation(clean_name(found[1]), **{clean_name(name): v for name, v in kept.items()})
    _count(sources, f"The operation is taken from {found[0]}")


def _is_setting(name: str) -> bool:
    prefix, _, short = name.partition(".")
    return prefix in SETTINGS and bool(short) and not short.startswith("_")


def _constant(facts: Sequence[Mapping[str, Any]]) -> set[str]:
    """The names of the facts that all models have, with one value: they tell no two models apart."""
    if len(facts) < 2:
        return set()
    first = facts[0]
    return {name for name in first if all(name in one and one[name] == first[name] for one in facts)}


def _proposed(imported: Imported) -> str | None:
    """What a pattern over the names would give, if they are built as ``base-operation``."""
    ids = {model["id"] for model in imported.models}
    for mark in "-_./ ":
        count = sum(1 for id in ids if mark in id and id.rpartition(mark)[0] in ids)
        if count:
            pattern = rf"^(?P<base>.+){re.escape(mark)}(?P<operation>[^{re.escape(mark)}]+)$"
            return f"their names suggest it for {count:,}: --base-pattern '{pattern}'."
    return None
