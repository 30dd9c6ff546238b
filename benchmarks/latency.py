"""The same bytes measured twice, in 20 tries: how often the two times agree within their 95 % intervals.

Claim: in 19 of 20. Run: python benchmarks/latency.py [tries]
"""

import os
import sys

import torch
from torch import nn

from compress_compare.evaluation.latency import LatencySettings, latency

HALF = 1.96


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10)).eval()


def agreeing(tries, settings):
    found = 0
    for _ in range(tries):
        (one, _), (two, _) = (latency(model(), torch.zeros(1, 1, 8, 8), settings=settings) for _ in range(2))
        found += abs(one.value - two.value) <= HALF * (one.standard_error + two.standard_error)
    return found


def main():
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(f"load {os.getloadavg()[0]:.1f}")
    for processes in (1, 5):
        settings = LatencySettings(warm_up=20, runs=200, processes=processes)
        found = agreeing(tries, settings)
        print(f"200 runs in {processes} process{'es' if processes > 1 else ''}: {found} of {tries} tries agree")
    return 0 if found >= 0.95 * tries else 1


if __name__ == "__main__":
    sys.exit(main())
