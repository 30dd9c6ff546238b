"""Running a model only to look at it: one thread, evaluation mode, no gradients, and everything put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def observing(model: nn.Module, *, threads: int = 1) -> Iterator[None]:
    """Put ``model`` in evaluation mode without gradients on ``threads`` torch threads; restore all of it afterwards.

    Each module gets its own mode back, so that one frozen part of a training model stays frozen.
    """
    modes = {module: module.training for module in model.modules()}
    previous_threads = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for module in modes:
            module.training = False
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training
        torch.set_num_threads(previous_threads)


def logits(model: nn.Module, inputs: Tensor, *, batch_size: int = 256) -> np.ndarray:
    """The model's answers to all of ``inputs``: an array ``(instances, classes)`` in float64.

    Raises:
        ValueError: the model answers with anything but one row of scores for each instance.
    """
    with observing(model):
        batches = [model(inputs[start : start + batch_size]) for start in range(0, len(inputs), batch_size)]
    scores = torch.cat(batches).to(torch.float64).numpy(force=True)
    if scores.ndim != 2 or len(scores) != len(inputs):
        raise ValueError(f"expected scores of shape ({len(inputs)}, classes), found {scores.shape}")
    return scores
