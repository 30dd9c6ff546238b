"""Runs the pydoc demo, or what is left of it."""

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
    from ..tree import Node, Progress

TASK = "compress_compare.demos.pydoc:task"


def task(seed: int = 0) -> Task:
    """The documentation as the task of a recipe: the network, its text, and what is measured on held-out topics.

    Args:
        seed: of the untrained network, the prompts and what is drawn for them.
    """
    from .bench import PydocBench

    return PydocBench(data.load(), seed=seed).task()


def run_pydoc(
    path: str | Path, *, seed: int = 0, progress: Progress | None = None, nodes: Sequence[Node] | None = None
) -> Project:
    """Make the project of the pydoc demo at ``path``. What an earlier run has made is kept.

    Args:
        path: directory of the project.
        seed: of everything random.
        progress: called with (index of the step that begins, number of steps, what it is).
        nodes: the experiments; by default all of `experiments.experiments`.

    Raises:
        MissingExtra: torch is not installed.
        Conflict: the project was made with another seed, or with the documentation of another Python.
    """
    try:
        from ..tree import grow
        from .bench import PydocBench
        from .experiments import experiments
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("torch", purpose="The pydoc demo", extra="demo") from error
    bench = PydocBench(data.load(), seed=seed)
    project = open_project(path)
    with project.batch():
        bench.prepare(project)
    tree = experiments(seed) if nodes is None else nodes
    grow(project, tree, bench=bench, progress=progress)
    for node in tree:
        if node.base is None:
            project.log_task(node.id, TASK, options={"seed": seed} if seed else None)
    return project
