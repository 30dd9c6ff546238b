"""The rules of a gate, read strictly: every key, type and unit is checked, and an error names its line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ... import checks
from ...errors import InvalidValue, NotFound
from ...recipes.recipe import ConfigError, RecipePlace
from ...recipes.yaml_positions import MAX_BYTES, Located, parse

DOCUMENT = "file of rules"
TOP = ("rules", "confidence")
SIZES = ("packed", "stored", "gzip", "onnx")
RUNTIMES = ("pytorch", "onnx")
CONFIDENCE = 0.95


@dataclass(frozen=True)
class RuleKind:
    """What a kind of rule may say.

    Args:
        bounds: the numbers that it can be held to; each makes a check of its own.
        options: what else it may name.
        word: the one word that may stand for a bound, and the bound.
    """

    bounds: tuple[str, ...]
    options: tuple[str, ...] = ()
    word: tuple[str, str, float] | None = None


KINDS: Mapping[str, RuleKind] = {
    "metric": RuleKind(("max_drop", "max", "min", "max_ratio"), ("slice", "device", "dataset", "instances", "exact")),
    "right_to_wrong": RuleKind(("max_rate",), ("dataset",)),
    "classes": RuleKind(("max_drop",), ("dataset", "instances")),
    "slices": RuleKind(("max_drop",), ("dataset", "instances", "by")),
    "size": RuleKind(("max", "max_ratio"), ("kind",)),
    "bits": RuleKind(("max", "min")),
    "latency": RuleKind(("max", "max_ratio"), ("device", "runtime", "exact")),
    "coverage": RuleKind(("min",), (), ("complete", "min", 1.0)),
    "reality": RuleKind((), (), ("agrees", "agrees", 1.0)),
}


@dataclass(frozen=True)
class GateRule:
    """One bound on one thing.

    Args:
        kind: a key of ``KINDS``.
        subject: the metric of a rule about a metric.
        bound: which of the kind's bounds.
        limit: as written, with its unit.
        place: where it stands.
        name: what its author calls it.
        options: the rest, checked.
    """

    kind: str
    subject: str
    bound: str
    limit: str | int | float
    place: RecipePlace
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The rule in a line: ``Top-1 Accuracy: max_drop 0.02``."""
        if self.name:
            return self.name
        what = self.subject or self.kind
        said = [f"{key} {_listed(value)}" for key, value in self.options.items()]
        bound = self.bound if self.kind == "reality" else f"{self.bound} {self.limit}"
        return f"{what}: {bound} ({', '.join(said)})" if said else f"{what}: {bound}"


@dataclass(frozen=True)
class GateRules:
    """All rules, and the confidence of the intervals that decide."""

    rules: tuple[GateRule, ...]
    confidence: float = CONFIDENCE


def load(path: Path) -> GateRules:
    """Read a file of rules.

    Raises:
        NotFound: ``config.no_file``.
        ConfigError: ``config.*`` with the line and what is wrong there.
    """
    return loads(read(path))


def read(path: Path) -> str:
    """The text of a file of rules, or as much of it as shows that it is too long.

    Raises:
        NotFound: ``config.no_file``.
        InvalidValue: ``config.encoding``.
    """
    if not path.is_file():
        raise NotFound("config.no_file", f"There is no file of rules {str(path)[:200]!r}.")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"{path.name}, byte {error.start}."
        raise InvalidValue("config.encoding", "The rules are not UTF-8 text.", detail=detail) from None


def loads(text: str) -> GateRules:
    """Read rules from YAML."""
    return _rules(parse(text, document=DOCUMENT))


def given(rules: object) -> GateRules:
    """Rules as a caller gives them: a path, a list of mappings, or a mapping with ``rules``."""
    if isinstance(rules, GateRules):
        return rules
    if isinstance(rules, str | Path):
        return load(Path(rules))
    return _rules(_located(rules if isinstance(rules, Mapping) else {"rules": checks.items(rules, "Rules")}, ""))


def _located(value: object, path: str) -> Located:
    place = RecipePlace(path, None, DOCUMENT)
    if isinstance(value, Mapping):
        return Located(
            {str(key): _located(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()}, place
        )
    if isinstance(value, list | tuple):
        return Located([_located(item, f"{path}[{index}]") for index, item in enumerate(value)], place)
    return Located(value, place)


def _rules(top: Located) -> GateRules:
    if not isinstance(top.value, dict):
        raise _wrong("Rules are a mapping with the key rules.", top.place, hint="Start with: rules:")
    _check_keys(top, TOP)
    listed = top.value.get("rules")
    if listed is None or not isinstance(listed.value, list) or not listed.value:
        place = top.place if listed is None else listed.place
        raise _wrong("There is no rule, and a gate without rules would let everything pass.", place)
    confidence = CONFIDENCE
    if "confidence" in top.value:
        found = top.value["confidence"]
        if isinstance(found.value, bool) or not isinstance(found.value, int | float) or not 0.5 <= found.value < 1:
            raise _wrong("The confidence is a number from 0.5 to below 1.", found.place, found=found.value)
        confidence = float(found.value)
    return GateRules(tuple(rule for item in listed.value for rule in _rule(item)), confidence)


def _rule(found: Located) -> Iterable[GateRule]:
    """A check for each bound of a rule."""
    if not isinstance(found.value, dict):
        raise _wrong(
            "A rule is a mapping.", found.place, found=found.plain(), hint=f"It begins with one of: {', '.join(KINDS)}."
        )
    kinds = [key for key in found.value if key in KINDS]
    if len(kinds) != 1:
        if not kinds:
            _check_keys(found, (*KINDS, "name"))
        what = f"this one names {' and '.join(kinds)}" if kinds else "this one names none"
        raise _wrong(f"A rule is about exactly one thing; {what}.", found.place, hint=f"One of: {', '.join(KINDS)}.")
    kind = KINDS[kinds[0]]
    name = _text(found.value["name"], "The name") if "name" in found.value else ""
    if kinds[0] == "metric":
        subject = _text(found.value["metric"], "The metric")
        _check_keys(found, ("metric", "name", *kind.bounds, *kind.options))
        said = {key: value for key, value in found.value.items() if key not in ("metric", "name")}
        yield from _bounds("metric", subject, said=said, place=found.place, name=name)
        return
    _check_keys(found, (kinds[0], "name"))
    inner = found.value[kinds[0]]
    if kind.word is not None and inner.value == kind.word[0]:
        yield GateRule(kinds[0], "", kind.word[1], kind.word[2], inner.place, name)
        return
    if not isinstance(inner.value, dict) or not kind.bounds:
        word = f"{kinds[0]}: {kind.word[0]}" if kind.word else ""
        mapping = f"{kinds[0]}: {{{kind.bounds[0]}: …}}" if kind.bounds else ""
        hint = f"Write {' or '.join(filter(None, (word, mapping)))}."
        raise _wrong(f"The rule {kinds[0]} cannot be read.", inner.place, found=inner.plain(), hint=hint)
    _check_keys(inner, (*kind.bounds, *kind.options))
    yield from _bounds(kinds[0], "", said=inner.value, place=inner.place, name=name)


def _bounds(
    kind: str, subject: str, *, said: Mapping[str, Located], place: RecipePlace, name: str
) -> Iterable[GateRule]:
    allowed = KINDS[kind]
    options = {key: _option(key, value) for key, value in said.items() if key in allowed.options}
    bounds = [key for key in said if key in allowed.bounds]
    if not bounds:
        raise _wrong("The rule has no bound.", place, hint=f"Add one of: {', '.join(allowed.bounds)}.")
    if kind == "slices" and "by" not in options:
        raise _wrong("The rule does not say by what the slices are made.", place, hint="Add: by: [column].")
    for key in bounds:
        limit = said[key].value
        if isinstance(limit, bool) or not isinstance(limit, str | int | float):
            raise _wrong(f"The bound {key} must be a number, with a unit if it has one.", said[key].place, found=limit)
        yield GateRule(kind, subject, key, limit, said[key].place, name, options)


def _option(key: str, found: Located) -> Any:
    if key == "exact":
        if not isinstance(found.value, bool):
            raise _wrong("exact is true or false.", found.place, found=found.value)
        return found.value
    if key == "by":
        items = found.value if isinstance(found.value, list) else [found]
        if not 1 <= len(items) <= 2:
            raise _wrong("Slices are made by one column or two.", found.place)
        return tuple(_text(item, "A column") for item in items)
    text = _text(found, f"The {key}")
    choices = {"kind": SIZES, "runtime": RUNTIMES}.get(key)
    if choices and text not in choices:
        raise _wrong(f"There is no {key} {text[:40]!r}.", found.place, hint=_nearest(text, choices))
    return text


def _text(found: Located, what: str) -> str:
    if not isinstance(found.value, str) or not found.value:
        raise _wrong(f"{what} must be a text.", found.place, found=found.plain())
    return found.value


def _check_keys(found: Located, known: Sequence[str]) -> None:
    for key, value in found.value.items():
        if key not in known:
            raise ConfigError(
                "config.key", f"The key {key[:40]!r} is not known here.", place=value.place, hint=_nearest(key, known)
            )


def _nearest(text: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(text, known, 1)
    return f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."


def _wrong(title: str, place: RecipePlace, *, found: object = None, hint: str = "") -> ConfigError:
    detail = f"found {found!r:.80}" if found is not None else ""
    return ConfigError("config.value", title, place=place, detail=detail, hint=hint)


def _listed(value: object) -> str:
    return (
        " and ".join(map(str, value))
        if isinstance(value, tuple)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
