"""Response statistics of PFA: streaming against keeping all responses, in memory and agreement.

Claim: the covariance gathered batch by batch takes at most a tenth of the memory of the responses it is made of, and
is the same to nine digits. 200 batches of 512 responses of 512 units, single precision with a large mean.
Run from the repository root: ``python benchmarks/pfa_statistics.py``. Ends with exit code 1 when a limit is missed.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch

from compress_compare.operations.pfa.statistics import RunningMoments

BATCHES, ROWS, UNITS = 200, 512, 512
MOST, DIGITS = 0.1, 1e-9


def main() -> int:
    torch.set_num_threads(1)
    start = time.perf_counter()
    moments = RunningMoments(UNITS)
    for number in range(BATCHES):
        moments.add(batch(number))
    streaming = moments.covariance().numpy()
    middle = time.perf_counter()
    everything = np.concatenate([batch(number).numpy() for number in range(BATCHES)]).astype(np.float64)
    materialized = np.cov(everything.T)
    end = time.perf_counter()
    held = sum(tensor.nbytes for tensor in (moments.total, moments.products, moments.shift))
    ratio = held / everything.nbytes
    apart = float(np.abs(streaming - materialized).max() / np.abs(materialized).max())
    print(f"streaming    {held / 2**20:>8.1f} MiB {middle - start:>7.2f} s")
    print(f"materialized {everything.nbytes / 2**20:>8.1f} MiB {end - middle:>7.2f} s")
    print(f"memory {ratio:.3f} of it, allowed {MOST}; largest relative difference {apart:.1e}, allowed {DIGITS:.0e}")
    return int(ratio > MOST or apart > DIGITS)


def batch(number: int) -> torch.Tensor:
    return torch.randn(ROWS, UNITS, generator=torch.Generator().manual_seed(number)) * 3 + 100


if __name__ == "__main__":
    sys.exit(main())
