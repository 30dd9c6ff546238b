"""The cliff of post-training palettization and the plateau of DKM, on ResNet-20 and 1,017 CIFAR-10 images.

Claim: fine-tuned on 8,068 training images, DKM keeps at least 88 % with 2 bits and 80 % with 1 bit, where k-means on
every tensor, without training, falls at least 10 points below both. DKM gives tensors under 10,000 weights 8 bits, as
its paper does; k-means with that exception stands beside it.
Run from the repository root: ``python benchmarks/dkm_resnet20.py``. Ends with exit code 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from cifar import DATA, Augmented, accuracy, images, resnet20
from torch import nn

from compress_compare.evaluation.size import packed_size
from compress_compare.operations import DKMPalettize, Palettize

LEAST = {2: 88.0, 1: 80.0}
FALL = 10.0
"""Points that k-means with 2 bits has to be below DKM."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--bits", type=int, nargs="*", default=[4, 2, 1])
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"No reference data at {arguments.data}; give its place with --data.")
        return 2
    torch.set_num_threads(1)
    model, test, training = (
        resnet20(arguments.data),
        images(arguments.data, "test_1017"),
        images(arguments.data, "train_8068"),
    )
    print(f"{'compression':<34}{'accuracy %':>11}{'bytes':>10}{'seconds':>9}")
    report("none", accuracy(model, *test), model, 0.0)
    large = [name for name, weight in model.named_parameters() if weight.ndim > 1 and weight.numel() >= 10_000]
    small = [name for name, weight in model.named_parameters() if weight.ndim > 1 and weight.numel() < 10_000]
    kmeans = {}
    for bits in (8, 6, 4, 3, 2, 1):
        child = Palettize(bits)(model)
        kmeans[bits] = accuracy(child, *test)
        report(f"k-means {bits} bits, all tensors", kmeans[bits], child, 0.0)
        child = Palettize(bits, targets=tuple(large))(Palettize(8, targets=tuple(small))(model))
        report(f"k-means {bits} bits", accuracy(child, *test), child, 0.0)
    missed = False
    for bits, operation in itertools.product(arguments.bits, (DKMPalettize(), DKMPalettize(small=0))):
        start = time.perf_counter()
        child = replace(operation, bits=bits, epochs=arguments.epochs)(model, data=Augmented(*training))
        found, scope = accuracy(child, *test), "" if operation.small else ", all tensors"
        report(f"DKM {bits} bits{scope}", found, child, time.perf_counter() - start)
        if operation.small and bits in LEAST:
            missed |= found < LEAST[bits] or kmeans[2] > found - FALL
    print(f"limits: DKM {LEAST}, k-means at 2 bits {FALL} points below: {'missed' if missed else 'kept'}")
    return int(missed)


def report(name: str, found: float, model: nn.Module, seconds: float) -> None:
    print(f"{name:<34}{found:>11.2f}{packed_size(model).value:>10,.0f}{seconds:>9.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
