"""PFA against cutting filters of small magnitude, on a VGG-style network trained here on 8,068 CIFAR-10 images.

Claim: cut to the same number of parameters and fine-tuned equally, PFA is at least as accurate over the seeds, within
the 95 % interval of the paired differences: PFA-KL and PFA-En at the size PFA-KL chooses, PFA-En also at a fifth.
Magnitude takes the same share of every layer.
Run from the repository root: ``python benchmarks/pfa_vgg.py``. Ends with exit code 1 when PFA is worse.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import time
from pathlib import Path

import torch
from cifar import DATA, Augmented, accuracy, images
from torch import Tensor, nn

from compress_compare.operations import Finetune, PFAPrune, Train
from compress_compare.operations.pfa_surgery import Group, cut, prunable

WIDTHS = (24, 24, 0, 48, 48, 0, 96, 96, 0, 96, 96, 0)  # 0: halve the image
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # 97.5 % points, by number of seeds
FIFTH = 0.2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--finetune", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3, choices=tuple(STUDENT))
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"No reference data at {arguments.data}; give its place with --data.")
        return 2
    torch.set_num_threads(1)
    test, training = images(arguments.data, "test_1017"), images(arguments.data, "train_8068")
    results: dict[str, list[float]] = {}
    for seed in range(arguments.seeds):
        start = time.perf_counter()
        network = Train(arguments.epochs, weight_decay=5e-4)(vgg(seed), data=Augmented(*training, seed=seed))
        results.setdefault("whole", []).append(accuracy(network, *test))
        print(f"seed {seed}: whole {results['whole'][-1]:.2f} % after {time.perf_counter() - start:.0f} s", flush=True)
        for name, smaller in compressed(network, training[0]).items():
            again = Finetune(arguments.finetune)(smaller, data=Augmented(*training, seed=seed))
            results.setdefault(name, []).append(accuracy(again, *test))
            share = size(smaller) / size(network)
            print(f"seed {seed}: {name:<30}{share:>7.1%} of parameters{results[name][-1]:>8.2f} %", flush=True)
    return int(verdict(results))


def vgg(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    before = 3
    for width in WIDTHS:
        if width:
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * 4, 10))


def compressed(network: nn.Module, pixels: Tensor) -> dict[str, nn.Module]:
    """Every method at the size that PFA-KL chooses, and at a fifth of the parameters."""
    data = [(batch, torch.zeros(len(batch))) for batch in pixels.split(256)]
    for recipe in PFAPrune().recipe(network, data):
        share = len(recipe.kept) / recipe.original
        print(f"    {recipe.layer:<4}{recipe.original:>5} → {len(recipe.kept):>3}  {share:.0%}", flush=True)
    by_entropy = PFAPrune()(network, data=data)
    share = size(by_entropy) / size(network)
    return {
        "PFA-KL": by_entropy,
        "PFA-En, size of PFA-KL": PFAPrune("parameters", share)(network, data=data),
        "magnitude, size of PFA-KL": by_magnitude(network, pixels[:2], share),
        "PFA-En, a fifth": PFAPrune("parameters", FIFTH)(network, data=data),
        "magnitude, a fifth": by_magnitude(network, pixels[:2], FIFTH),
    }


def by_magnitude(network: nn.Module, example: Tensor, share: float) -> nn.Module:
    """Filters of the largest L1 norm, the same share of every layer, as many as fit."""
    groups = prunable(network, example, operation="magnitude").groups
    low, high = 0.0, 1.0
    for _ in range(10):
        middle = (low + high) / 2
        fits = size(with_largest(network, example, groups, middle)) <= share * size(network)
        low, high = (middle, high) if fits else (low, middle)
    return with_largest(network, example, groups, low)


def with_largest(network: nn.Module, example: Tensor, groups: tuple[Group, ...], kept: float) -> nn.Module:
    smaller = copy.deepcopy(network)
    removed = {}
    for group in groups:
        norms = network.get_submodule(group.layers[0]).weight.detach().abs().flatten(1).sum(1)
        removed[group.layers[0]] = norms.argsort()[: group.width - max(round(kept * group.width), 1)].tolist()
    cut(smaller, example, removed=removed)
    return smaller


def size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def verdict(results: dict[str, list[float]]) -> bool:
    """Prints means and paired differences; whether PFA is worse than magnitude anywhere."""
    worse = False
    print(f"whole: {statistics.mean(results['whole']):.2f} %")
    pairs = [("PFA-KL", "size of PFA-KL"), ("PFA-En, size of PFA-KL", "size of PFA-KL"), ("PFA-En, a fifth", "a fifth")]
    for ours, where in pairs:
        theirs = f"magnitude, {where}"
        apart = [one - other for one, other in zip(results[ours], results[theirs], strict=True)]
        half = STUDENT[len(apart)] * statistics.stdev(apart) / len(apart) ** 0.5
        print(
            f"{ours}: {statistics.mean(results[ours]):.2f} %, {theirs}: {statistics.mean(results[theirs]):.2f} %, "
            f"difference {statistics.mean(apart):+.2f} ± {half:.2f}"
        )
        worse |= statistics.mean(apart) + half < 0
    return worse


if __name__ == "__main__":
    sys.exit(main())
