"""YAML as plain data, within bounds: what other tools write, whatever tags are in it. Nothing is made of a tag."""

from __future__ import annotations

from typing import Any

import yaml

MAX_CHARACTERS = 2_000_000
MAX_VALUES = 200_000
"""Values of a document with every alias written out, so that a few lines cannot stand for millions."""
MAX_DEPTH = 64
_PLAIN = {"tag:yaml.org,2002:" + name for name in ("str", "int", "float", "bool", "null", "map", "seq")}

_APPLIED = "tag:yaml.org,2002:python/object/apply:"


class NotPlainError(Exception):
    """The text is no YAML, or is too large, too deep or stands for too much."""


def loads(text: str) -> Any:
    """Read one document. A tag that names a class of Python is read as the data below it, an enumeration as its value.

    Raises:
        NotPlainError: with what is wrong, as a sentence.
    """
    if len(text) > MAX_CHARACTERS:
        raise NotPlainError(f"It has {len(text):,} characters; the limit is {MAX_CHARACTERS:,}.")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        return None if node is None else _Data(loader).of(node, depth=0)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        said = f"Line {mark.line + 1}: {getattr(error, 'problem', '')}." if mark else f"{error}"[:200]
        raise NotPlainError(said) from error
    except RecursionError as error:
        raise NotPlainError("It is nested too deeply.") from error


class _Data:
    """Makes plain data of the nodes of one document, and counts them with every alias written out."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._count = 0

    def of(self, node: yaml.Node, *, depth: int) -> Any:
        self._count += 1
        if self._count > MAX_VALUES or depth > MAX_DEPTH:
            raise ValueError(f"It holds more than {MAX_VALUES:,} values, or is nested more than {MAX_DEPTH} deep.")
        if isinstance(node, yaml.MappingNode):
            return {str(self.of(key, depth=depth + 1)): self.of(value, depth=depth + 1) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            items = [self.of(item, depth=depth + 1) for item in node.value]
            # An enumeration of Python is written as its class and the one value that it was made of.
            return items[0] if node.tag.startswith(_APPLIED) and len(items) == 1 else items
        if node.tag not in _PLAIN:
            return node.value
        return self._loader.construct_object(node)
