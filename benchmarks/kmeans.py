"""k-means of a million weights: ours against scikit-learn's, in time and in the sum of squared errors.

Claim: for 16 clusters ours, the best there is, is never worse than scikit-learn's ``KMeans`` (k-means++, one start) and
faster.
Run from the repository root: ``python benchmarks/kmeans.py``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from sklearn.cluster import KMeans

from compress_compare.operations.clustering.kmeans import clusters

WEIGHTS, CLUSTERS, SEEDS = 1_000_000, 16, 3


def main() -> int:
    print(f"{'weights':<12}{'seconds':>9}{'theirs':>9}{'speed-up':>10}{'error ÷ theirs':>16}")
    worse = 0
    for seed in range(SEEDS):
        random = np.random.default_rng(seed)
        for name, values in {
            "normal": random.normal(0, 0.05, WEIGHTS),
            "laplace": random.laplace(0, 0.05, WEIGHTS),
        }.items():
            ours, seconds = timed(lambda values=values: ours_of(values))
            theirs, other = timed(lambda values=values, seed=seed: scikit_learn(values, seed))
            ratio = float(((values - ours) ** 2).sum() / ((values - theirs) ** 2).sum())
            worse += ratio > 1 or seconds > other
            print(f"{name:<12}{seconds:>9.3f}{other:>9.3f}{other / seconds:>10.1f}{ratio:>16.4f}")
    return int(worse > 0)


def ours_of(values: np.ndarray) -> np.ndarray:
    points, counts = np.unique(values, return_counts=True)
    return clusters(points, counts, number=CLUSTERS).of(values)


def scikit_learn(values: np.ndarray, seed: int) -> np.ndarray:
    model = KMeans(CLUSTERS, n_init=1, random_state=seed).fit(values[:, None])
    return model.cluster_centers_[model.labels_, 0]


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
