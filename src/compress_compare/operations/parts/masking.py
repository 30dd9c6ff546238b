"""Setting weights to zero by their scores, over all tensors together or one by one. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..targets import Weight

_PART = 1 << 20
_DIGIT = 16
_WHOLE = {torch.float32: torch.int32, torch.float64: torch.int64}
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


def has_zeros(values: Tensor) -> bool:
    """Whether any of these is exactly zero."""
    return not bool(values.detach().all())


def zero_smallest(amount: float, tensors: Sequence[Tensor]) -> None:
    """Zero the share of smallest magnitude of all tensors together, in place; of equals, the first."""
    below = limit(amount, lambda: iter(tensors))
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
            magnitudes = part.to(torch.promote_types(part.dtype, torch.float32)).abs()
            torch.lt(magnitudes, self.limit, out=out)
            if self.ties:
                equal = torch.nonzero(magnitudes == self.limit)[: self.ties, 0]
                self.ties -= len(equal)
                out[equal] = True
        return gone


def limit(amount: float, tensors: Callable[[], Iterator[Tensor]]) -> Below:
    """The choice of :func:`smallest` over all tensors together, found by counting bits and keeping no magnitudes.

    Magnitudes are in the order of their bits. Each pass through the tensors counts sixteen of them, the upper ones
    first, of the magnitudes that share those above with the limit: two passes, or four for 64 bits.

    Args:
        amount: the share that goes.
        tensors: goes through them from the first, each time that it is called.
    """
    wide = torch.float64 if any(values.element_size() > 4 for values in tensors()) else torch.float32
    found = left = 0
    for shift in range(8 * wide.itemsize - _DIGIT, -1, -_DIGIT):
        counts = torch.zeros(1 << _DIGIT, dtype=torch.int64)
        first = shift == 8 * wide.itemsize - _DIGIT
        for values in tensors():
            for bits in _bits(values, wide):
                among = bits if first else bits[bits >> (shift + _DIGIT) == found]
                counts += torch.bincount((among >> shift) & ((1 << _DIGIT) - 1), minlength=1 << _DIGIT)
        reached = counts.cumsum(0)
        if first:
            left = round(amount * int(reached[-1]))
            if left == 0:
                return Below(0.0, 0)
        digit = int(torch.searchsorted(reached, left))
        left -= int(reached[digit - 1]) if digit else 0
        found = found << _DIGIT | digit
    bits = torch.tensor([found], dtype=_WHOLE[wide])
    return Below(float(bits.view(wide)), left)


def _bits(values: Tensor, wide: torch.dtype) -> Iterator[Tensor]:
    """The magnitudes in a number format, as the whole numbers that their bits are, some at a time."""
    for part in torch.split(values.reshape(-1), _PART):
        yield part.to(wide).abs().cpu().view(_WHOLE[wide])
