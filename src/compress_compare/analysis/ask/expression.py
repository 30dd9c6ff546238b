"""The text of a condition as a tree. It is read by a grammar of its own and never run as code.

    or:    and ("or" and)*        and:   not ("and" not)*        not:   "not" not | "(" or ")" | test
    test:  name (= | == | != | < | <= | > | >= | contains) value | name is [not] missing

A name is quoted, or one of the known names as it is, spaces and parentheses included.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import InvalidValue

MAX_LENGTH = 4000
MAX_DEPTH = 50
OPERATORS = ("<=", ">=", "!=", "==", "=", "<", ">")
WORDS = ("and", "or", "not", "contains", "is")
_WORD = re.compile(r"[A-Za-z_]+")
_BARE_NAME = re.compile(r"[^<>=!()\"']+?(?=\s*(?:[<>=!()\"']|\bcontains\b|\bis\b|$))", re.IGNORECASE)
_BARE_VALUE = re.compile(r"(?:(?!\s+(?:and|or)\b)[^()<>=!\"'])+", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnTest:
    """A condition on one column.

    Args:
        name: of the column, as it is known.
        operator: ``= != < <= > >= contains`` or ``missing``.
        value: as written; ``""`` for ``missing``.
        place: where the value stands in the text, from 0.
    """

    name: str
    operator: str
    value: str
    place: int


@dataclass(frozen=True)
class Not:
    """The opposite."""

    part: Condition


@dataclass(frozen=True)
class Both:
    """All of some conditions."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Either:
    """At least one of some conditions."""

    parts: tuple[Condition, ...]


Condition = ColumnTest | Not | Both | Either


def parse(text: str, names: Sequence[str]) -> Condition:
    """The tree of a condition.

    Args:
        text: e.g. ``Packed Size < 300 kB and "Top-1 Accuracy" > 0.9``.
        names: that a condition can be about.

    Raises:
        InvalidValue: ``ask.syntax`` or ``ask.name``, with the place and the nearest name.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidValue("ask.syntax", f"A condition has at most {MAX_LENGTH:,} characters.")
    return _Parser(text, names).whole()


def known(name: str, names: Sequence[str]) -> str | None:
    """The one of ``names`` that is meant, whatever its case; ``None`` if there is none, or more than one."""
    if name in names:
        return name
    found = [one for one in names if one.casefold() == name.casefold()]
    return found[0] if len(found) == 1 else None


def unknown(name: str, names: Sequence[str], *, where: str = "") -> InvalidValue:
    """The error for a name that is none, with the nearest one, or with the columns that a metric is split into."""
    split = [one for one in names if one.startswith(f"{name} (")]
    if split:
        said = f"{name!r} was measured in several ways, which are not compared unasked."
        return InvalidValue("ask.name", said, detail=where, hint=f"Choose one of: {', '.join(map(repr, split))}.")
    folded = {one.casefold(): one for one in names}
    near = difflib.get_close_matches(name.casefold(), folded, 1, 0.6)
    hint = f"Did you mean {folded[near[0]]!r}?" if near else f"There are: {', '.join(names)}."[:400]
    return InvalidValue("ask.name", f"There is nothing called {name[:80]!r}.", detail=where, hint=hint)


class _Parser:
    def __init__(self, text: str, names: Sequence[str]) -> None:
        self._text = text
        self._names = sorted(names, key=len, reverse=True)
        self._listed = names
        self._at = 0

    def whole(self) -> Condition:
        found = self._either(0)
        self._skip()
        if self._at < len(self._text):
            raise self._wrong("The condition should end here, or go on with and or or.")
        return found

    def _either(self, depth: int) -> Condition:
        parts = [self._both(depth)]
        while self._take_word("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self, depth: int) -> Condition:
        parts = [self._one(depth)]
        while self._take_word("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise self._wrong(f"Conditions are nested more than {MAX_DEPTH} deep.")
        if self._known_name() is None and self._take_word("not"):
            return Not(self._one(depth + 1))
        if self._take("("):
            found = self._either(depth + 1)
            if not self._take(")"):
                raise self._wrong("A closing parenthesis is missing here.")
            return found
        return self._test()

    def _test(self) -> Condition:
        name = self._name()
        if self._take_word("is"):
            negated = self._take_word("not")
            if not self._take_word("missing"):
                raise self._wrong("After is comes missing, or not missing.")
            found = ColumnTest(name, "missing", "", self._at)
            return Not(found) if negated else found
        if self._take_word("contains"):
            return self._with_value(name, "contains")
        for operator in OPERATORS:
            if self._take(operator):
                return self._with_value(name, "=" if operator == "==" else operator)
        raise self._wrong(f"After {name!r} comes one of = != < <= > >= contains, or is missing.")

    def _with_value(self, name: str, operator: str) -> ColumnTest:
        self._skip()
        place = self._at
        quoted = self._quoted()
        if quoted is not None:
            return ColumnTest(name, operator, quoted, place)
        match = _BARE_VALUE.match(self._text, self._at)
        value = match[0].strip() if match else ""
        if not value or value.casefold() in ("and", "or"):
            raise self._wrong("A value is missing here.")
        self._at += len(match[0]) if match else 0
        return ColumnTest(name, operator, value, place)

    def _name(self) -> str:
        self._skip()
        start = self._at
        quoted = self._quoted()
        if quoted is not None:
            found = known(quoted, self._listed)
            if found is None:
                raise unknown(quoted, self._listed, where=self._where(start))
            return found
        found = self._known_name()
        if found is not None:
            self._at += len(found)
            return found
        match = _BARE_NAME.match(self._text, self._at)
        if match is None or not match[0].strip():
            raise self._wrong("The name of a metric or column is missing here.")
        raise unknown(match[0].strip(), self._listed, where=self._where(start))

    def _known_name(self) -> str | None:
        """The longest known name that stands here, whatever its case, and does not end inside a word."""
        self._skip()
        rest = self._text[self._at :].casefold()
        for name in self._names:
            if rest.startswith(name.casefold()) and len(name.casefold()) == len(name):
                after = rest[len(name) : len(name) + 1]
                if not (after.isalnum() or after in ("_", "-", "(")) and not self._goes_on(rest[len(name) :]):
                    return name
        return None

    def _goes_on(self, rest: str) -> bool:
        """Whether a parenthesis follows, as in the name of a metric that is split by devices."""
        return rest.lstrip().startswith("(")

    def _quoted(self) -> str | None:
        quote = self._text[self._at : self._at + 1]
        if quote not in ('"', "'") or not quote:
            return None
        end = self._text.find(quote, self._at + 1)
        if end < 0:
            raise self._wrong("The quotation mark that begins here is never closed.")
        found = self._text[self._at + 1 : end]
        self._at = end + 1
        return found

    def _take(self, what: str) -> bool:
        self._skip()
        if self._text.startswith(what, self._at):
            self._at += len(what)
            return True
        return False

    def _take_word(self, word: str) -> bool:
        self._skip()
        match = _WORD.match(self._text, self._at)
        if match is None or match[0].casefold() != word:
            return False
        self._at = match.end()
        return True

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _where(self, place: int) -> str:
        return f"Character {place + 1} of: {self._text[:200]}"

    def _wrong(self, title: str) -> InvalidValue:
        hint = f"For example: {EXAMPLE}"
        return InvalidValue("ask.syntax", title, detail=self._where(self._at), hint=hint)


EXAMPLE = 'Packed Size < 300 kB and "Top-1 Accuracy" > 0.9 and operation contains prune'
