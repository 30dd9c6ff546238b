"""Training data for a language model: windows of a text, drawn anew for every batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Windows:
    """Batches of (pieces, the pieces after each), drawn from torch's random state, which an operation seeds.

    Args:
        text: ``(pieces,)``.
        length: pieces per window.
        windows: per batch.
        batches: per pass, so that a pass is what calibration needs and not the whole text.
    """

    text: Tensor
    length: int
    windows: int = 32
    batches: int = 10

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(self.batches):
            starts = torch.randint(0, len(self.text) - self.length, (self.windows, 1))
            drawn = self.text[starts + torch.arange(self.length + 1)]
            yield drawn[:, :-1], drawn[:, 1:]
