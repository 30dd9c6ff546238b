"""Training data held in memory, shuffled anew for every pass."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ShuffledBatches:
    """Batches of (inputs, targets) in an order drawn from torch's random state, which an operation seeds.

    Args:
        inputs: ``(instances, …)``.
        targets: ``(instances, …)``.
        batch_size: instances per batch; the last one may be smaller.
    """

    inputs: Tensor
    targets: Tensor
    batch_size: int = 32

    def __len__(self) -> int:
        return math.ceil(len(self.inputs) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for rows in torch.split(torch.randperm(len(self.inputs)), self.batch_size):
            yield self.inputs[rows], self.targets[rows]
