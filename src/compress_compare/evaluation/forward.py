"""Runs a model without changing it: one thread, evaluation mode, no gradients, and its state restored afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from torch import nn

from .inputs import answer, call, each, tensors


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


def logits(model: nn.Module, inputs: Any, *, batch_size: int = 256) -> np.ndarray:
    """Return the logits of the model for all ``inputs``: an array ``(instances, classes)`` in float64.

    Args:
        model: left as it was; it returns a tensor, or an object with an attribute ``logits``.
        inputs: all instances: a tensor, a tuple of positional or a mapping of keyword arguments.
        batch_size: instances per forward pass.

    Raises:
        ValueError: if the model does not return one row of scores for each instance.
    """
    with observing(model):
        count = len(tensors(inputs)[0])
        parts = (each(inputs, itemgetter(slice(start, start + batch_size))) for start in range(0, count, batch_size))
        batches = [answer(call(model, part)) for part in parts]
    scores = torch.cat(batches).to(torch.float64).numpy(force=True)
    if scores.ndim != 2 or len(scores) != count:
        raise ValueError(f"expected scores of shape ({count}, classes), found {scores.shape}")
    return scores
