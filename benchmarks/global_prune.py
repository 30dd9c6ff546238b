"""Global magnitude pruning of 25 million weights: ours against ``torch.nn.utils.prune``, in time and memory.

Claim: pruning the same weights, ours takes no longer and no more memory above the model than the library that a user
would pick. A convolutional network of 25 million weights in 54 layers shaped like ResNet-50's, one thread; every
measurement in a process of its own, whose peak resident memory is looked at every 2 ms.
Run from the repository root: ``python benchmarks/global_prune.py``. Ends with exit code 1 when a limit is missed.
"""

from __future__ import annotations

import copy
import statistics
import subprocess
import sys
import time

import torch
from peaks import Peak
from torch import nn
from torch.nn.utils import prune

from compress_compare.operations import magnitude_prune

AMOUNT, REPEATS = 0.7, 3
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # width, blocks


def main() -> int:
    seconds: dict[str, float] = {}
    memory: dict[str, float] = {}
    zeros: dict[str, set[str]] = {}
    for name in ("ours", "torch"):
        runs = [measured(name) for _ in range(REPEATS)]
        seconds[name] = statistics.median(float(run[0]) for run in runs)
        memory[name] = statistics.median(float(run[1]) for run in runs)
        zeros[name] = {run[2] for run in runs}
        print(f"{name:<6}{seconds[name]:>8.2f} s{memory[name]:>8.0f} MiB above the model", flush=True)
    same = zeros["ours"] == zeros["torch"] and len(zeros["ours"]) == 1
    time_ratio, memory_ratio = (of["ours"] / of["torch"] for of in (seconds, memory))
    print(f"ours takes {time_ratio:.2f} × the time and {memory_ratio:.2f} × the memory, allowed 1; equal zeros: {same}")
    return int(not same or time_ratio > 1 or memory_ratio > 1)


def measured(name: str) -> list[str]:
    command = [sys.executable, __file__, name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def network() -> nn.Module:
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 7, bias=False)]
    before = 64
    for width, blocks in STAGES:
        for block in range(blocks):
            if not block:
                layers.append(nn.Conv2d(before, 4 * width, 1, bias=False))
            sizes = ((before, width, 1), (width, width, 3), (width, 4 * width, 1))
            layers += [nn.Conv2d(inputs, outputs, size, bias=False) for inputs, outputs, size in sizes]
            before = 4 * width
    return nn.Sequential(*layers, nn.Linear(before, 1000, bias=False))


def step(name: str) -> tuple[float, float, int]:
    """Seconds, MiB at the peak above those before, and how many weights are zero. Both leave the given model alone."""
    torch.set_num_threads(1)
    model = network()
    prune.l1_unstructured(nn.Linear(8, 8), "weight", 0.5)  # what a first call loads is not measured
    magnitude_prune(nn.Linear(8, 8), 0.5)
    start = time.perf_counter()
    with Peak() as peak:
        pruned = magnitude_prune(model, AMOUNT) if name == "ours" else by_torch(model)
    seconds = time.perf_counter() - start
    return seconds, peak.above / 2**20, sum(int((weight == 0).sum()) for weight in pruned.parameters())


def by_torch(model: nn.Module) -> nn.Module:
    smaller = copy.deepcopy(model)
    layers = [(layer, "weight") for layer in smaller.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=AMOUNT)
    for layer, weight in layers:
        prune.remove(layer, weight)
    return smaller


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(*step(sys.argv[1]))
    else:
        sys.exit(main())
