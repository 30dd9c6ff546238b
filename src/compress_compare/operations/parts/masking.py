"""Setting weights to zero by their scores, over all tensors together or one by one. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..targets import Weight

_PART = 1 << 20
Choice = Callable[[Tensor], Tensor]
"""Scores [n] → whether each goes [n]."""


def zero_by(choose: Choice, weights: Sequence[Weight], *, scores: Sequence[Tensor], scope: str) -> None:
    """Zero weights in place where ``choose`` says so by their scores. Nothing is registered on the modules.

    Args:
        choose: which scores go.
        weights: the tensors to change.
        scores: one tensor per weight, of its shape.
        scope: choose from all scores as one vector (``global``), or tensor by tensor (``local``).
    """
    flat = [score.detach().reshape(-1).cpu() for score in scores]
    if scope == "global":
        dropped = torch.split(choose(torch.cat(flat)), [score.numel() for score in flat])
    else:
        dropped = tuple(choose(score) for score in flat)
    for weight, gone in zip(weights, dropped, strict=True):
        parameter = weight.parameter
        parameter.data.masked_fill_(gone.reshape(parameter.shape).to(parameter.device), 0)


def zero_smallest(amount: float, tensors: Sequence[Tensor]) -> None:
    """Zero the share of smallest magnitude of all tensors together, in place; of equals, the first.

    Weights of up to 32 bits are counted instead of held side by side.
    """
    if any(values.element_size() > 4 for values in tensors):
        choose = smallest(amount)
        gone = torch.split(
            choose(torch.cat([values.reshape(-1).cpu() for values in tensors])), [v.numel() for v in tensors]
        )
        for values, mask in zip(tensors, gone, strict=True):
            values.masked_fill_(mask.reshape(values.shape).to(values.device), 0)
        return
    found = Magnitudes(amount)
    for values in tensors:
        found.add(values)
    found.narrow()
    for values in tensors:
        found.add_again(values)
    below = found.limit()
    for values in tensors:
        values.masked_fill_(below(values.reshape(-1)).reshape(values.shape), 0)


def smallest(amount: float) -> Choice:
    """The share of smallest magnitude goes, as by ``torch.nn.utils.prune.L1Unstructured``; of equals, the first.

    It selects in linear time, where that sorts all that goes.
    """

    def choose(scores: Tensor) -> Tensor:
        magnitudes = (scores.float() if scores.element_size() < 4 else scores).abs().numpy()
        count = round(amount * len(magnitudes))
        if count == 0:
            return torch.zeros_like(scores, dtype=torch.bool)
        limit = np.partition(magnitudes, count - 1)[count - 1]
        gone = magnitudes < limit
        gone[np.flatnonzero(magnitudes == limit)[: count - int(gone.sum())]] = True
        return torch.from_numpy(gone)

    return choose


@dataclass
class Below:
    """The choice of :func:`smallest` over tensors that come one after the other, once their limit is known.

    Args:
        limit: magnitudes below it go.
        ties: how many that are equal to it go too, the first ones.
    """

    limit: float
    ties: int

    def __call__(self, scores: Tensor) -> Tensor:
        """Whether each of the next scores goes."""
        gone = torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
        for part, out in zip(torch.split(scores, _PART), torch.split(gone, _PART), strict=True):
            magnitudes = part.float().abs()
            torch.lt(magnitudes, self.limit, out=out)
            if self.ties:
                equal = torch.nonzero(magnitudes == self.limit)[: self.ties, 0]
                self.ties -= len(equal)
                out[equal] = True
        return gone


class Magnitudes:
    """Finds the limit of :func:`smallest` by counting bits, going through all weights twice and keeping none.

    Magnitudes of at most 32 bits are in the order of their bits: the first pass counts the upper sixteen, the second
    the lower sixteen of those that share the upper ones with the limit.
    """

    def __init__(self, amount: float) -> None:
        self.amount, self.total = amount, 0
        self._counts = torch.zeros(2, 1 << 16, dtype=torch.int64)
        self._upper = self._left = 0

    def add(self, values: Tensor) -> None:
        """Count the weights of a tensor in the first pass."""
        self.total += values.numel()
        for bits in _bits(values):
            self._counts[0] += torch.bincount(bits >> 16, minlength=1 << 16)

    def narrow(self) -> None:
        """Begin the second pass."""
        self._left = round(self.amount * self.total)
        reached = self._counts[0].cumsum(0)
        self._upper = int(torch.searchsorted(reached, self._left))
        self._left -= int(reached[self._upper - 1]) if self._upper else 0

    def add_again(self, values: Tensor) -> None:
        """Count the weights of a tensor in the second pass."""
        for bits in _bits(values):
            self._counts[1] += torch.bincount(bits[bits >> 16 == self._upper] & 0xFFFF, minlength=1 << 16)

    def limit(self) -> Below:
        """What goes, after both passes."""
        if round(self.amount * self.total) == 0:
            return Below(0.0, 0)
        reached = self._counts[1].cumsum(0)
        lower = int(torch.searchsorted(reached, self._left))
        ties = self._left - (int(reached[lower - 1]) if lower else 0)
        bits = torch.tensor([(self._upper << 16) | lower], dtype=torch.int32)
        return Below(float(bits.view(torch.float32)), ties)


def _bits(values: Tensor) -> Iterator[Tensor]:
    """The magnitudes as float32, as the whole numbers that their bits are, some at a time."""
    for part in torch.split(values.reshape(-1), _PART):
        yield part.float().cpu().view(torch.int32) & 0x7FFFFFFF
