"""Walking over the vectors of all models block by block, on every core."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ... import progress
from ...errors import InvalidValue
from .frame import LOGITS, PROBABILITIES, Frame
from .joined import Floats, Vectors

TOLERANCE = 1e-3
"""How far probabilities may sum from one: half-precision softmax stays within."""


def probabilities(frame: Frame) -> dict[str, Vectors]:
    """The probabilities of the base and of every model; the softmax of the logits where those were logged instead."""
    logits = PROBABILITIES not in frame.vector_names()
    return vectors(frame, LOGITS if logits else PROBABILITIES, logits=logits)


def vectors(frame: Frame, name: str, *, logits: bool = False) -> dict[str, Vectors]:
    """The vectors of one name of the base and of every model, read side by side."""
    models = list(frame.outputs)
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        read = threads.map(lambda model: frame.vectors(model, name, logits=logits), models)
        return dict(zip(models, progress.steps("Reading vectors", read, sizes=[1] * len(models)), strict=True))


def each(vectors: dict[str, Vectors], work: Callable[[slice], dict[str, Floats]]) -> dict[str, Floats]:
    """Collect what ``work`` gives for each block.

    Args:
        vectors: by model; they set the blocks.
        work: from a block of instances to one number per instance and model. NumPy releases the interpreter lock in it.

    Returns:
        float64 ``[instances]`` by model.
    """
    first = next(iter(vectors.values()))
    results = {model: np.full(len(first.matrix), np.nan) for model in vectors}

    def run(block: slice) -> None:
        for model, values in work(block).items():
            results[model][block] = values

    blocks = list(first.blocks())
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        try:
            for _ in progress.steps("Comparing instances", threads.map(run, blocks), sizes=[1] * len(blocks)):
                pass
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return results


def check_probabilities(block: Floats | NDArray[np.float32], model: str) -> None:
    """Refuse what is no distribution; rows with NaN are passed on, to be counted.

    Raises:
        InvalidValue: ``behaviors.probabilities``, naming the model and the worst sum.
    """
    sums = block @ np.ones(block.shape[1], block.dtype)
    off = np.abs(sums - 1)
    lowest = block.min(initial=0.0)
    if lowest >= 0 and off.max(initial=0.0) <= TOLERANCE:
        return
    worst = int(np.argmax(np.where(np.isnan(off), -1.0, off)))
    if off[worst] > TOLERANCE:
        raise _no_distribution(model, f"One sums to {sums[worst]:.6g}.")
    if lowest < 0:
        raise _no_distribution(model, f"One is {lowest:.6g}.")


def _no_distribution(model: str, detail: str) -> InvalidValue:
    return InvalidValue(
        "behaviors.probabilities",
        f"The probabilities of model {model!r:.80} are not at least 0 with the sum 1.",
        detail=detail,
        hint="Log them as vectors named 'logits' if they were not passed through softmax.",
    )
