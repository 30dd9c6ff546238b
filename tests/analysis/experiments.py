"""Experiments that several test modules use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from compress_compare.analysis.lineage import Graph
from compress_compare.records import Operation

IMAGENET = Path(__file__).parents[3] / "shared/data/experiments/imagenet_resnet50_20.json"
Node = tuple[str, str | None, Operation | None]


def imagenet() -> list[dict[str, Any]]:
    """The 20 models of the ResNet-50 experiment."""
    if not IMAGENET.exists():
        pytest.skip(f"{IMAGENET.name} is not there")
    models: list[dict[str, Any]] = json.loads(IMAGENET.read_text())["models"]
    return models


def imagenet_graph() -> Graph:
    return Graph.from_models(
        (model["id"], model.get("base"), Operation(model["operation"]["name"], **model["operation"]["parameters"]))
        for model in imagenet()
    )


def chains(*paths: str | list[str], root: Operation | None = None) -> Graph:
    """Models named by their path: ``"root/prune 0.5/train"`` is made from ``"root/prune 0.5"``.

    A step is an operation, optionally followed by an amount.
    """
    nodes: dict[str, Node] = {}
    for path in paths:
        parts = path.split("/") if isinstance(path, str) else path
        for end in range(1, len(parts) + 1):
            name, base = "/".join(parts[:end]), "/".join(parts[: end - 1]) or None
            nodes[name] = (name, base, root if base is None else _operation(parts[end - 1]))
    return Graph.from_models(nodes.values())


def _operation(text: str) -> Operation:
    name, _, amount = text.rpartition(" ")
    try:
        return Operation(name, amount=float(amount))
    except ValueError:
        return Operation(text)


PARAMETERS = st.dictionaries(
    st.sampled_from(["amount", "layers"]),
    st.sampled_from([0.5, 1, 1.0, True, None, "1", "a", [1, 2], "[1, 2]", {"bits": 4}, {}]),
    max_size=2,
)
OPERATIONS = st.builds(
    lambda name, parameters: Operation(name, **parameters), st.sampled_from(["prune", "train", "quantize"]), PARAMETERS
)


@st.composite
def graphs(draw: st.DrawFn, max_models: int = 12) -> Graph:
    """Small trees with few operations, so that equal steps and repetitions are frequent."""
    size = draw(st.integers(1, max_models))
    nodes: list[Node] = []
    for i in range(size):
        base = draw(st.none() | st.integers(0, i - 1)) if i else None
        operation = draw(OPERATIONS | st.none())
        nodes.append((f"m{i}", None if base is None else f"m{base}", operation))
    return Graph.from_models(nodes)
