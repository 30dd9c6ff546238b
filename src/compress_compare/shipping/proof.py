"""Holding what was shipped against the model: its numbers, its answers, and the time that it takes."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.layers.values import Array
from ..errors import InvalidValue
from ..records import MetricValue
from .base import Format, Runner, Source, Written

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from ..recipes.task import Task

ROWS = 8
"""Sequences that a language model without a task is tried on."""
CLOSE = 1e-3
"""Answers of one number agree if they differ by at most this share of the largest."""


@dataclass(frozen=True)
class Proof:
    """What was found when a shipped model was read back.

    Args:
        tensors: how many were compared.
        max_difference: of a number, in its own unit.
        relative_difference: the same as a share of the largest number of its tensor.
        runtime: what ran the shipped model; empty where it was not run.
        on: what it was run on; empty where it was not run.
        examples: on how many examples.
        predictions: how many predictions were compared: one for each example, or one for each token.
        agreement: share of predictions that are those of the model.
        flips: predictions that are not.
        output_difference: largest difference of an output.
    """

    tensors: int
    max_difference: float
    relative_difference: float
    runtime: str = ""
    on: str = ""
    examples: int = 0
    predictions: int = 0
    agreement: float | None = None
    flips: int = 0
    output_difference: float | None = None

    def as_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return asdict(self)


@dataclass
class AnswerComparison:
    """Answers of the model and of what was shipped, taken in part by part, up to a number of examples.

    Args:
        wanted: examples.
    """

    wanted: int
    examples: int = 0
    predictions: int = 0
    flips: int = 0
    difference: float = 0.0

    def add(self, own: Tensor, shipped: Tensor) -> None:
        """Take in the answers to the same examples [examples, …]."""
        import torch

        own, shipped = own.detach().double(), shipped.detach().double()
        if own.shape != shipped.shape:
            raise _not_proved(f"It answers with the shape {tuple(shipped.shape)}, the model with {tuple(own.shape)}.")
        self.examples += len(own)
        same = (own == shipped) | (own.isnan() & shipped.isnan())
        gaps = torch.where(same, torch.zeros_like(own), (own - shipped).abs())
        gap = float(gaps.max()) if gaps.numel() else 0.0
        self.difference = max(self.difference, float("inf") if gap != gap else gap)
        if own.ndim > 1 and own.shape[-1] > 1:
            agree = own.argmax(-1) == shipped.argmax(-1)
        else:
            agree = gaps <= CLOSE * own.abs().nan_to_num(0, 0).max()
        self.predictions += agree.numel()
        self.flips += int((~agree).sum())

    def of(self, proof: Proof, *, runtime: str, on: str) -> Proof:
        """A proof with these answers."""
        share = 1 - self.flips / self.predictions if self.predictions else None
        return replace(
            proof,
            runtime=runtime,
            on=on,
            examples=self.examples,
            predictions=self.predictions,
            agreement=share,
            flips=self.flips,
            output_difference=self.difference,
        )


def numbers(format: Format, source: Source, *, found: Mapping[str, Array], written: Written) -> Proof:
    """Compare all numbers with those of the model.

    Raises:
        InvalidValue: ``ship.not_proved`` where a tensor is missing or differs by more than the format allows.
    """
    expected = {
        name: stored.values.whole()
        for name, stored in source.logical.tensors.items()
        if stored.values is not None and name not in written.missing
    }
    worst, relative = 0.0, 0.0
    for name, own in expected.items():
        there = found.get(written.tensors.get(name, name))
        if there is None or np.shape(there) != np.shape(own):
            what = "is missing" if there is None else f"has the shape {np.shape(there)}, not {np.shape(own)}"
            raise _not_proved(f"The tensor {name} {what}.")
        gap = _gap(np.asarray(own), np.asarray(there))
        scale = float(np.abs(own).max(initial=0.0, where=np.isfinite(own))) or 1.0
        worst, relative = max(worst, gap), max(relative, gap / scale)
        if not gap / scale <= format.tolerance:
            raise _not_proved(
                f"A number of {name} differs by {gap:.3g}, which is {gap / scale:.2e} of its largest; "
                f"{format.tolerance:.1e} is allowed."
            )
    return Proof(len(expected), worst, relative)


def loaded(source: Source, *, found: Mapping[str, Array], written: Written) -> Runner | None:
    """The source's network with the numbers that were read back; ``None`` without a network that takes them."""
    import torch

    from ..evaluation.inputs import answer, call

    if source.network is None:
        return None
    network = copy.deepcopy(source.network)
    state: dict[str, Tensor] = dict(network.state_dict())
    tied = source.logical.tied
    if not source.runs_integers:
        for name in state:
            there = found.get(written.tensors.get(tied.get(name, name), tied.get(name, name)))
            if there is not None and np.shape(there) == tuple(state[name].shape):
                state[name] = torch.from_numpy(np.array(there)).to(state[name].dtype)
        network.load_state_dict(state)

    def run(inputs: Any) -> Tensor:
        with torch.no_grad():
            return answer(call(network, inputs))

    return run


def answers(
    source: Source, run: Runner, *, task: Task | None, sample: int
) -> tuple[AnswerComparison, str, Mapping[str, Any] | None]:
    """Compare what the model and the shipped one answer on a sample.

    Returns:
        What was found; what the sample is; and the shipped model's answers to the task's data, with the model's own in
        place of those beyond the sample, ``None`` without data.
    """
    from ..evaluation.forward import observing

    network = source.needs_network("")
    comparison = AnswerComparison(sample)
    with observing(network), _Substituted(network, run, comparison):
        if task is not None and task.data is not None:
            found = task.data.answer(network)
            return comparison, f"the first {comparison.examples:,} examples of {task.data.name}", found
        from ..evaluation.inputs import call

        for inputs in _inputs(source, task):
            call(network, inputs)
            if comparison.examples >= sample:
                break
    return comparison, _named(task, comparison.examples), None


def latency(source: Source, run: Runner, *, runtime: str) -> tuple[MetricValue, MetricValue]:
    """Median and interquartile range of the seconds that one example takes."""
    import torch

    from ..evaluation.latency import LatencySettings, summary

    settings = LatencySettings(warm_up=3, runs=20)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(settings.warm_up):
            run(source.example)
        times = []
        for _ in range(settings.runs):
            start = time.perf_counter()
            run(source.example)
            times.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
    return summary([times], device=settings.describe("cpu", runtime=runtime, processes=1))


def check(format: Format, proof: Proof) -> None:
    """Pass if the predictions agree as the format promises.

    Raises:
        InvalidValue: ``ship.not_proved``.
    """
    if proof.agreement is not None and proof.agreement < format.agreement:
        raise _not_proved(
            f"{proof.flips:,} of {proof.predictions:,} predictions differ, on {proof.on}: {proof.agreement:.1%} agree; "
            f"{format.agreement:.0%} is asked for."
        )


class _Substituted:
    """While it is entered, a network answers the first examples as the shipped model does, and both are compared."""

    def __init__(self, network: nn.Module, run: Runner, comparison: AnswerComparison) -> None:
        self._network, self._run, self._comparison = network, run, comparison
        self._forward: Any = network.forward

    def __enter__(self) -> None:
        self._network.__dict__["forward"] = self._answer

    def __exit__(self, *_: object) -> None:
        del self._network.__dict__["forward"]

    def _answer(self, *args: Any, **kwargs: Any) -> Any:
        from ..evaluation.inputs import answer, each, tensors

        output = self._forward(*args, **kwargs)
        own, found = answer(output), self._comparison
        left = found.wanted - found.examples
        if left <= 0 or not own.ndim:
            return output
        inputs: Any = {k: v for k, v in kwargs.items() if v is not None} if kwargs else args
        rows = len(own)
        first = each(inputs, lambda value: value[:left] if value.ndim and len(value) == rows else value)
        if kwargs and args:
            raise _not_proved("The network takes arguments by position and by name at once.")
        shipped = self._run(first[0] if isinstance(first, tuple) and len(first) == 1 else first).to(own.dtype)
        found.add(own[:left], shipped)
        if not tensors(inputs):
            return output
        mixed = own.clone()
        mixed[:left] = shipped
        return _put(output, mixed)


def _put(output: Any, scores: torch.Tensor) -> Any:
    import torch

    if isinstance(output, torch.Tensor):
        return scores
    if getattr(output, "logits", None) is not None:
        output.logits = scores
    return output


def _inputs(source: Source, task: Task | None) -> Iterator[Any]:
    if task is not None and task.batches:
        yield from (inputs for inputs, _ in task.batches)
    elif task is not None:
        yield source.example
    else:
        yield from _sequences(source.example)


def _sequences(example: Mapping[str, Any]) -> Iterable[Any]:
    """Random sequences of the vocabulary that the example was drawn from."""
    import torch

    most = int(max(example["input_ids"].max(), 1)) + 1
    random = torch.Generator().manual_seed(1)
    for _ in range(ROWS):
        yield {name: torch.randint(0, most, tuple(ids.shape), generator=random) for name, ids in example.items()}


def _named(task: Task | None, examples: int) -> str:
    """What a sample that is no data set is."""
    if task is None:
        return f"{examples:,} sequences of random tokens"
    return f"{examples:,} examples of the task's batches" if task.batches else "the task's example"


def _gap(own: Array, there: Array) -> float:
    same = (own == there) | (np.isnan(own) & np.isnan(there)) if own.dtype.kind == "f" else own == there
    if bool(np.all(same)):
        return 0.0
    with np.errstate(invalid="ignore"):
        gap = float(np.abs(np.where(same, 0.0, own.astype(np.float64) - there)).max())
    return float("inf") if gap != gap else gap


def _not_proved(detail: str) -> InvalidValue:
    return InvalidValue(
        "ship.not_proved",
        "What was written is not the model: it is not shipped, and its files were removed.",
        detail=detail,
        hint="Choose another format.",
    )
