"""YAML as plain data that knows its lines: the safe subset only, of bounded size, without surprises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from .recipe import ConfigError, RecipePlace

MAX_BYTES = 64_000
MAX_VALUES = 20_000
"""Values after aliases are written out, so that a few lines cannot stand for millions."""
MAX_DEPTH = 64
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}


@dataclass(frozen=True)
class Located:
    """A value and where it stands: a scalar, a list of ``Located``, or a dict of text to ``Located``."""

    value: Any
    place: RecipePlace

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value


def parse(text: str, *, document: str = "recipe") -> Located:
    """Read a YAML document.

    Args:
        text: YAML.
        document: what it is called in messages.

    Raises:
        ConfigError: ``config.too_large``, ``config.syntax``, ``config.too_deep``, ``config.cycle``, ``config.tag``,
            ``config.duplicate_key``, ``config.key`` or ``config.empty``.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        found = f"At most {MAX_BYTES:,} bytes; found {len(text):,} characters."
        raise ConfigError(
            "config.too_large", f"The {document} is too large.", place=RecipePlace(document=document), detail=found
        )
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = RecipePlace("", mark.line + 1 if mark else None, document)
        detail = f"{error.problem or error.context}"[:200]
        raise ConfigError("config.syntax", f"The {document} is not valid YAML.", place=place, detail=detail) from None
    except yaml.YAMLError as error:
        detail = str(error).split("\n")[0][:200]
        place = RecipePlace(document=document)
        raise ConfigError("config.syntax", f"The {document} is not valid YAML.", place=place, detail=detail) from None
    except RecursionError:
        raise _too_deep(RecipePlace(document=document)) from None
    if root is None:
        hint = "Start with: task: module:name" if document == "recipe" else ""
        place = RecipePlace(document=document)
        raise ConfigError("config.empty", f"The {document} is empty.", place=place, hint=hint)
    return _Reader(loader, document).read(root, "", above=())


class _Reader:
    def __init__(self, loader: yaml.SafeLoader, document: str) -> None:
        self._loader = loader
        self._document = document
        self._count = 0

    def read(self, node: yaml.Node, path: str, *, above: tuple[int, ...]) -> Located:
        place = self._place(path, node)
        self._count += 1
        if self._count > MAX_VALUES:
            detail = f"More than {MAX_VALUES:,} with every alias written out."
            raise ConfigError(
                "config.too_large", f"The {self._document} has too many values.", place=place, detail=detail
            )
        if id(node) in above:
            raise ConfigError("config.cycle", f"A part of the {self._document} contains itself.", place=place)
        if len(above) >= MAX_DEPTH:
            raise _too_deep(place)
        if node.tag not in _PLAIN:
            raise ConfigError(
                "config.tag",
                f"A {self._document} holds texts, numbers, lists and mappings only.",
                place=place,
                detail=f"Found the YAML tag {node.tag[:80]!a}.",
                hint="Put a text that YAML takes for something else in quotes.",
            )
        return Located(self._value(node, path, (*above, id(node))), place)

    def _place(self, path: str, node: yaml.Node) -> RecipePlace:
        return RecipePlace(path, node.start_mark.line + 1, self._document)

    def _value(self, node: yaml.Node, path: str, above: tuple[int, ...]) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, f"{path}[{index}]", above=above) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return dict(self._entries(node, path, above))
        try:
            return self._loader.construct_object(node)
        except (ValueError, yaml.YAMLError) as error:
            place = self._place(path, node)
            raise ConfigError(
                "config.syntax", "A number cannot be read.", place=place, detail=str(error)[:80]
            ) from None

    def _entries(self, node: yaml.MappingNode, path: str, above: tuple[int, ...]) -> Iterator[tuple[str, Located]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            place = self._place(path, key_node)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
                detail = f"Found {str(key_node.value)[:40]!a}." if isinstance(key_node, yaml.ScalarNode) else ""
                raise ConfigError("config.key", "A key must be a text.", place=place, detail=detail)
            key = str(key_node.value)
            if key in seen:
                raise ConfigError("config.duplicate_key", f"The key {key[:40]!r} stands here twice.", place=place)
            seen.add(key)
            yield key, self.read(value_node, f"{path}.{key[:40]}" if path else key[:40], above=above)


def _too_deep(place: RecipePlace) -> ConfigError:
    return ConfigError(
        "config.too_deep", f"The {place.document} is nested more than {MAX_DEPTH} levels deep.", place=place
    )
