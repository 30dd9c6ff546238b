"""How many units a layer needs, from the eigenvalues of its response covariance.

Suau, Zappella, Apostoloff: Filter distillation for network compression. WACV 2020, arXiv 1807.10585.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

INACTIVE = 1e-8
"""A unit is inactive below this share of the largest variance in its layer."""
_ROUNDING = 1e-9


def spectrum(covariance: Floats) -> Floats:
    """The eigenvalues [C] of a covariance [C, C], largest first, not below 0."""
    descending: Floats = np.linalg.eigvalsh(covariance)[::-1].clip(min=0)
    return descending


def inactive(covariance: Floats) -> NDArray[np.bool_]:
    """Which units [C] hardly vary; all of them where none varies."""
    variances = np.diagonal(covariance)
    mask: NDArray[np.bool_] = (variances < INACTIVE * variances.max()) | (variances <= 0)
    return mask


def kept_by_energy(eigenvalues: Floats, share: float) -> int:
    """PFA-En: the smallest number of leading eigenvalues that hold a share of their sum, at least 1."""
    total = eigenvalues.sum()
    if total <= 0:
        return 1
    held = np.cumsum(eigenvalues) / total
    return min(int((held < share - _ROUNDING).sum()) + 1, len(eigenvalues))


def kept_by_entropy(eigenvalues: Floats) -> int:
    """PFA-KL: ⌈γC⌉ with γ = 1 − KL(eigenvalues ‖ uniform) / log C, at least 1. Takes no parameter."""
    width = len(eigenvalues)
    if width == 1 or eigenvalues.sum() <= 0:
        return 1
    ratio = 1 - divergence(eigenvalues) / math.log(width)
    return max(math.ceil(ratio * width - _ROUNDING), 1)


def divergence(eigenvalues: Floats) -> float:
    """KL divergence of the normalized eigenvalues [C] from uniform, in nats; log C, the largest, where all are 0."""
    total = eigenvalues.sum()
    if total <= 0:
        return math.log(len(eigenvalues))
    shares = eigenvalues / total
    shares = shares[shares > 0]
    return float(math.log(len(eigenvalues)) + (shares * np.log(shares)).sum())


def energy(eigenvalues: Floats, count: int) -> float:
    """The share of their sum that the leading ``count`` eigenvalues hold; 1 where the sum is 0."""
    total = eigenvalues.sum()
    return float(eigenvalues[:count].sum() / total) if total > 0 else 1.0
