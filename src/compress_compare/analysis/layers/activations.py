"""How what a module puts out differs between a model and its base, added up batch by batch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from . import statistics
from .output_counts import OutputCounts
from .statistics import ChangeSums
from .values import Array, Values

SCHEMA = pa.schema(
    [
        ("mean_abs", pa.float64()),
        ("relative_error", pa.float64()),
        ("sqnr_db", pa.float64()),
        ("cosine", pa.float64()),
        ("cka", pa.float64()),
        ("local_sqnr_db", pa.float64()),
        ("local_relative_error", pa.float64()),
        ("mean_abs_change", pa.float64()),
        ("num_nonfinite", pa.int64()),
        ("worst_channels", pa.list_(pa.int64())),
        ("worst_channel_shares", pa.list_(pa.float64())),
        ("outlier_channels", pa.list_(pa.int64())),
        ("clipped", pa.float64()),
        ("base_clipped", pa.float64()),
        ("repair", pa.float64()),
        ("histogram", pa.list_(pa.int64())),
        ("base_histogram", pa.list_(pa.int64())),
        ("histogram_low", pa.float64()),
        ("histogram_high", pa.float64()),
        ("change_bands", pa.list_(pa.int64())),
        ("num_compared", pa.int64()),
    ]
)
NAMED = 8
"""Channels that are named, the worst first."""

OUTLIER = 10.0
"""Times the median of the channels' largest outputs from which on a channel is an outlier."""

MAX_FEATURES = 4096
"""Features beyond this make no CKA: its matrices have that many rows and columns."""


@dataclass
class Alignment:
    """Linear centered kernel alignment, from sums over examples (Kornblith et al., "Similarity of Neural Network
    Representations Revisited", 2019, equation 2 in its feature form).

    One for representations that are rotations and scalings of each other, whatever their numbers of features.
    """

    count: int = 0
    sums: list[Array] = field(default_factory=list)
    products: list[Array] = field(default_factory=list)

    def add(self, base: Array, model: Array) -> None:
        """Take in examples ``(examples, features)``; the numbers of features may differ."""
        sums = [base.sum(0), model.sum(0)]
        products = [base.T @ base, model.T @ model, model.T @ base]
        if not self.count:
            self.sums, self.products = sums, products
        else:
            self.sums = [old + new for old, new in zip(self.sums, sums, strict=True)]
            self.products = [old + new for old, new in zip(self.products, products, strict=True)]
        self.count += len(base)

    @property
    def value(self) -> float | None:
        """From 0 to 1; ``None`` where one of them is the same for every example."""
        if not self.count:
            return None
        base, model = self.sums
        pairs = ((base, base), (model, model), (model, base))
        centered = [
            product - np.outer(first, second) / self.count
            for product, (first, second) in zip(self.products, pairs, strict=True)
        ]
        own, other, cross = (float(np.linalg.norm(matrix)) for matrix in centered)
        scale = max(float(np.linalg.norm(product)) for product in self.products[:2])
        if min(own, other) <= 1e-12 * scale:
            return None
        return min(cross**2 / (own * other), 1.0)


@dataclass
class ChannelPeaks:
    """What single channels do: the error that each makes, and the largest number that each puts out."""

    errors: Array = field(default_factory=lambda: np.zeros(0))
    peaks: Array = field(default_factory=lambda: np.zeros(0))

    def add(self, model: Array) -> None:
        """Add outputs ``(examples, channels)``, without values that are NaN or infinite."""
        if model.size:
            found = np.abs(np.where(np.isfinite(model), model, 0)).max(axis=0)
            self.peaks = found if self.peaks.shape != found.shape else np.maximum(self.peaks, found)

    def add_error(self, base: Array, model: Array) -> None:
        """Take in what the model makes of the base's inputs, ``(examples, channels)``, as many as the base."""
        with np.errstate(invalid="ignore", over="ignore"):
            found = np.square(model - base).sum(axis=0)
        self.errors = found if self.errors.shape != found.shape else self.errors + found

    def columns(self) -> dict[str, Any]:
        """By the names of the result's columns; null where it is not known."""
        total = float(self.errors.sum())
        known = total > 0 and np.isfinite(total)
        ranked = np.argsort(-self.errors, kind="stable")[:NAMED].tolist() if known else []
        worst = [channel for channel in ranked if self.errors[channel] > 0]
        median = float(np.median(self.peaks)) if self.peaks.size else 0.0
        far = np.flatnonzero(self.peaks > OUTLIER * median) if median > 0 else np.zeros(0, int)
        ordered = far[np.argsort(-self.peaks[far], kind="stable")][:NAMED]
        return {
            "worst_channels": worst if self.errors.size else None,
            "worst_channel_shares": [float(self.errors[channel]) / total for channel in worst]
            if self.errors.size
            else None,
            "outlier_channels": ordered.tolist() if self.peaks.size else None,
        }


@dataclass
class Ends:
    """How many numbers are exactly the least or the largest of all, which is where clipping leaves them."""

    count: int = 0
    low: float = math.inf
    high: float = -math.inf
    num_low: int = 0
    num_high: int = 0

    def add(self, numbers: Array) -> None:
        """Add numbers. Values that are NaN or infinite are counted and cannot be an end of the range."""
        self.count += numbers.size
        finite = numbers[np.isfinite(numbers)]
        if not finite.size:
            return
        low, high = float(finite.min()), float(finite.max())
        if low < self.low:
            self.low, self.num_low = low, 0
        if high > self.high:
            self.high, self.num_high = high, 0
        self.num_low += int(np.count_nonzero(finite == self.low))
        self.num_high += int(np.count_nonzero(finite == self.high))

    @property
    def share(self) -> float | None:
        """Share of the numbers at an end; ``None`` without two ends. Zero is never an end: rectifiers make many."""
        if not self.low < self.high:
            return None
        return ((self.num_low if self.low else 0) + (self.num_high if self.high else 0)) / self.count


@dataclass
class Activation:
    """The outputs of a module compared with the base's, given its own inputs and given the base's inputs.

    ``repair`` is the share of the last output's change that goes away with the base's module; ``None``: not tried.
    """

    count: int = 0
    absolute: float = 0.0
    nonfinite: int = 0
    cumulative: ChangeSums | None = None
    local: ChangeSums | None = None
    alignment: Alignment = field(default_factory=Alignment)
    channels: ChannelPeaks = field(default_factory=ChannelPeaks)
    ends: Ends = field(default_factory=Ends)
    base_ends: Ends = field(default_factory=Ends)
    repair: float | None = None
    put_out: OutputCounts = field(default_factory=OutputCounts)
    base_put_out: OutputCounts = field(default_factory=OutputCounts)

    def add(self, base: Array | None, model: Array) -> None:
        """Take in the outputs of one call, the examples first.

        Args:
            base: of the base; ``None`` where it has no such module.
            model: of the model.
        """
        self.count += model.size
        self.absolute += float(np.abs(model).sum(dtype=np.float64))
        self.nonfinite += int(np.count_nonzero(~np.isfinite(model)))
        second = features(model)
        self.channels.add(second)
        self.ends.add(model)
        self.put_out.add(model)
        if base is None:
            return
        self.base_ends.add(base)
        self.base_put_out.add(base)
        self.cumulative = _plus(self.cumulative, base, model)
        first = features(base)
        if len(first) == len(second) and max(first.shape[1], second.shape[1]) <= MAX_FEATURES:
            self.alignment.add(first, second)

    def add_local(self, base: Array, model: Array) -> None:
        """Take in what the model's module makes of the base's inputs."""
        self.local = _plus(self.local, base, model)
        if base.shape == model.shape:
            self.channels.add_error(features(base), features(model))

    def columns(self) -> dict[str, Any]:
        """By the names of the result's columns."""
        cumulative, local = self.cumulative, self.local
        return {
            "mean_abs": self.absolute / self.count if self.count else None,
            "relative_error": cumulative.relative_error if cumulative else None,
            "sqnr_db": cumulative.sqnr_db if cumulative else None,
            "cosine": cumulative.cosine if cumulative else None,
            "cka": self.alignment.value,
            "local_sqnr_db": local.sqnr_db if local else None,
            "local_relative_error": local.relative_error if local else None,
            "mean_abs_change": cumulative.mean_absolute if cumulative else None,
            "num_nonfinite": self.nonfinite,
            **self.channels.columns(),
            "clipped": self.ends.share,
            "base_clipped": self.base_ends.share,
            "repair": self.repair,
            **self._histograms(),
            "change_bands": cumulative.bands.tolist() if cumulative else None,
            "num_compared": cumulative.count if cumulative else 0,
        }

    def _histograms(self) -> dict[str, Any]:
        """On the range of the base, so that one sees where the model leaves it; without a base, on its own."""
        edges = self.base_put_out.edges()
        edges = self.put_out.edges() if edges is None else edges
        if edges is None:
            return dict.fromkeys(("histogram", "base_histogram", "histogram_low", "histogram_high"))
        return {
            "histogram": self.put_out.histogram(edges),
            "base_histogram": self.base_put_out.histogram(edges) if self.base_put_out.steps.size else None,
            "histogram_low": float(edges[0]),
            "histogram_high": float(edges[-1]),
        }


def features(outputs: Array) -> Array:
    """Outputs as ``(examples, features)`` in double precision: channels of maps ``(n, c, h, …)`` with each place an
    example, else the last dimension."""
    if outputs.ndim > 3:
        outputs = np.moveaxis(outputs, 1, -1)
    width = outputs.shape[-1] if outputs.ndim > 1 else 1
    return outputs.reshape(-1, width).astype(np.float64) if width else np.zeros((0, 0))


def _plus(found: ChangeSums | None, base: Array, model: Array) -> ChangeSums | None:
    if base.shape != model.shape:
        return found
    change = statistics.change(Values.of(base), Values.of(model))
    return change if found is None else found + change
