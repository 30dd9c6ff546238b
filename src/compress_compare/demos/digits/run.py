"""Runs the digits demo, or what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import MissingExtra
from ...project import Project
from ...project import open as open_project
from . import data

if TYPE_CHECKING:
    from ...recipes import Task
    from ...shipping.ship import Shipped
    from ..tree import Node, Progress

SHIPPED = "cnn-palette4"
"""The model that the demo ships."""
TASK = "compress_compare.demos.digits:task"


def task(seed: int = 0, onnx: bool = False) -> Task:
    """The digits as the task of a recipe: the network, its training images, and what is measured on the others.

    Args:
        seed: of the split and of the untrained network.
        onnx: whether every model is measured in ONNX Runtime as well, which takes some seconds for each.
    """
    from .bench import DigitsBench

    return DigitsBench(*data.load(seed), seed=seed, onnx=onnx).task()


def run_digits(
    path: str | Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    nodes: Sequence[Node] | None = None,
    onnx: bool = False,
) -> Project:
    """Make the project of the digits demo at ``path``. What an earlier run has made is kept.

    Args:
        path: directory of the project.
        seed: of the split and of everything random in the experiments.
        progress: called with (index of the step that begins, number of steps, what it is).
        nodes: the experiments; by default all of `experiments.experiments`.
        onnx: whether to measure in ONNX Runtime as well, where that is installed.

    Raises:
        MissingExtra: torch or scikit-learn is not installed.
        Conflict: the project was made with another seed.
    """
    train, test = data.load(seed)
    try:
        from ..tree import grow
        from .bench import DigitsBench
        from .experiments import experiments
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("torch", purpose="The digits demo", extra="demo") from error
    project = open_project(path)
    bench = DigitsBench(train, test, seed=seed, onnx=onnx)
    with project.batch():
        bench.prepare(project)
    tree = experiments(seed) if nodes is None else nodes
    grow(project, tree, bench=bench, progress=progress)
    for node in tree:
        if node.base is None:
            project.log_task(node.id, TASK, options={"seed": seed} if seed else None)
    return project


def ship_digits(project: Project, directory: str | Path) -> Shipped | None:
    """Ship one model of the demo with its card; ``None`` if an earlier run has done so.

    Args:
        project: of the digits demo, with all its models.
        directory: for the files.
    """
    if Path(directory).exists():
        return None
    return project.ship(SHIPPED, directory, format="packed", sample=10_000)
