"""The layers and edges of an OpenVINO model, out of its XML, without the entities that XML can have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

MAX_LAYERS = 1_000_000
MAX_DEPTH = 64


class GraphError(Exception):
    """The file is no graph; the text says why."""


@dataclass
class OpenVinoLayer:
    """An operation: its name, its kind, its attributes, and which layers its inputs come from, by port."""

    name: str
    kind: str
    data: dict[str, str] = field(default_factory=dict)
    inputs: dict[int, tuple[int, str]] = field(default_factory=dict)

    def sources(self) -> list[tuple[int, str]]:
        """The layers its inputs come from, in the order of its ports."""
        return [self.inputs[port] for port in sorted(self.inputs)]


class OpenVinoGraph:
    """All layers of a file by the number of their graph (a loop has one of its own) and their id."""

    def __init__(self, content: bytes) -> None:
        self.layers: dict[tuple[int, str], OpenVinoLayer] = {}
        self._open: list[int] = []
        self._num_graphs = self._depth = 0
        self._at: list[OpenVinoLayer] = []
        self._read(content)

    def _read(self, content: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._refuse
        try:
            parser.Parse(content, True)
        except (expat.ExpatError, ValueError, KeyError) as error:
            raise GraphError(f"{error}") from error
        if not self._num_graphs:
            raise GraphError("It has no layers")

    def _refuse(self, *_: Any) -> None:
        raise GraphError("It declares entities, which a model has no use for")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise GraphError("It is nested too deeply")
        if tag in ("net", "body"):
            self._open.append(self._num_graphs)
            self._num_graphs += 1
        elif not self._open:
            raise GraphError(f"It begins with <{tag[:40]}>, not with <net>")
        elif tag == "layer":
            layer = OpenVinoLayer(attributes["name"], attributes["type"])
            self.layers[self._open[-1], attributes["id"]] = layer
            self._at.append(layer)
            if len(self.layers) > MAX_LAYERS:
                raise GraphError(f"It has more than {MAX_LAYERS:,} layers")
        elif tag == "data" and self._at:
            self._at[-1].data.update(attributes)
        elif tag == "edge":
            graph = self._open[-1]
            to = self.layers[graph, attributes["to-layer"]]
            to.inputs[int(attributes["to-port"])] = (graph, attributes["from-layer"])

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag in ("net", "body"):
            self._open.pop()
        elif tag == "layer":
            self._at.pop()
