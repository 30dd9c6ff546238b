"""Counts of the outputs of a module that add up batch by batch, before their range is known.

Numbers are counted by the upper 16 bits of their float32 form: sign, exponent and seven bits of the fraction. The bins
of a histogram are as wide as a whole number of these steps at its far end, so that no step is cut by an edge and the
counts are exact whatever the order of the batches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .histogram import NUM_BINS
from .values import Array

STEPS = 128
"""Steps between a power of two and the next."""


@dataclass
class OutputCounts:
    """How often each step was put out; steps that never were are not held."""

    steps: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    counts: Array = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, numbers: Array) -> None:
        """Count numbers of any shape. NaN and infinities are left out."""
        with np.errstate(over="ignore"):
            single = np.ascontiguousarray(numbers, np.float32).reshape(-1)
        found = np.bincount(single[np.isfinite(single)].view(np.uint32) >> 16, minlength=1 << 16)
        steps = np.union1d(self.steps, np.flatnonzero(found))
        counts = found[steps]
        counts[np.searchsorted(steps, self.steps)] += self.counts
        self.steps, self.counts = steps, counts

    def edges(self) -> Array | None:
        """Edges of at most 64 equal bins over all that was put out; ``None`` where nothing was."""
        if not self.steps.size:
            return None
        near, far = self._ends()
        if not near.any():
            return np.array([-0.5, 0.5])
        low, high = float(np.minimum(near, far).min()), float(np.maximum(near, far).max())
        unit = 2.0 ** max(math.frexp(max(abs(low), abs(high)))[1] - 1, -126) / STEPS
        # the far end of a step may be a power of two, whose own steps are twice as wide as those before it
        first, last = math.floor(low / unit), math.ceil(high / unit)
        width = math.ceil((last - first) / (NUM_BINS - 1)) or 1
        begin = math.floor(first / width)
        return np.arange(begin, math.ceil(last / width) + 1) * (width * unit)

    def histogram(self, edges: Array) -> list[int]:
        """The counts below the first edge, in each bin, and above the last edge.

        Args:
            edges: of another's ``edges`` or of this one's. A bin holds the edge that is nearer to zero.
        """
        near, far = self._ends()
        middle = (near + far) / 2
        places = np.searchsorted(edges, middle, side="right")
        return [int(count) for count in np.bincount(places, self.counts, minlength=len(edges) + 1)]

    def _ends(self) -> tuple[Array, Array]:
        """The end of each step that it holds, the nearer to zero, and the one that it does not hold."""
        near = (self.steps.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
        exponent = np.where(near == 0, -126, np.maximum(np.frexp(near)[1] - 1, -126))
        far = near + np.copysign(2.0**exponent / STEPS, near)
        return near, far
