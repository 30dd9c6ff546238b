"""PFA against cutting filters of small magnitude, on a VGG-style network trained here on 8,068 CIFAR-10 images.

Claim: cut to the same number of parameters and fine-tuned equally, PFA is at least as accurate over the seeds, within
the 95 % interval of the paired differences. The size is the one that PFA-KL, which has no parameter, chooses; PFA-En
reaches it by its share of energy, magnitude by the same share of filters in every layer, those of largest L1 norm.
Run from the repository root: ``python benchmarks/pfa_vgg.py``. Ends with exit code 1 when PFA is worse.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import torch
from cifar import DATA, Augmented, accuracy, images
from scipy.stats import t as student
from torch import Tensor, nn

from compress_compare.operations import Finetune, PFAPrune, Train
from compress_compare.operations.surgery import Group, cut, prunable

WIDTHS = (16, 0, 32, 32, 0, 64, 64, 0, 128, 128, 0)  # 0: halve the image; the first layer halves it too
BATCH = 64
Results = dict[str, float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--finetune", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=4, help="how many, from 0; at least two")
    parser.add_argument("--jobs", type=int, default=2, help="seeds at a time, one thread each")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"No reference data at {arguments.data}; give its place with --data.")
        return 2
    run = partial(one_seed, data=arguments.data, epochs=arguments.epochs, finetune=arguments.finetune)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(run, range(arguments.seeds)))
    return int(verdict(results))


def one_seed(seed: int, *, data: Path, epochs: int, finetune: int) -> Results:
    """Train, cut by every method, fine-tune: percent right for each."""
    torch.set_num_threads(1)
    test, training = images(data, "test_1017"), images(data, "train_8068")
    start = time.perf_counter()
    batches = Augmented(*training, size=BATCH, seed=seed)
    network = Train(epochs, optimizer="adam", learning_rate=0.002, weight_decay=5e-4)(vgg(seed), data=batches)
    results = {"whole": accuracy(network, *test)}
    print(f"seed {seed}: whole {results['whole']:.2f} % after {time.perf_counter() - start:.0f} s", flush=True)
    for name, smaller in compressed(network, training[0]).items():
        before = accuracy(smaller, *test)
        again = Finetune(finetune, optimizer="adam", learning_rate=0.001)(
            smaller, data=Augmented(*training, size=BATCH, seed=seed)
        )
        results[name] = accuracy(again, *test)
        kept = size(smaller) / size(network)
        print(
            f"seed {seed}: {name:<10}{kept:>7.1%} of parameters{before:>8.2f} % fine-tuned{results[name]:>8.2f} %",
            flush=True,
        )
    return results


def vgg(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    before, stride = 3, 2
    for width in WIDTHS:
        if width:
            convolution = nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
            before, stride = width, 1
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before, 10))


def compressed(network: nn.Module, pixels: Tensor) -> dict[str, nn.Module]:
    """Every method at the size that PFA-KL chooses."""
    data = [(batch, torch.zeros(len(batch))) for batch in pixels.split(256)]
    by_entropy = PFAPrune()(network, data=data)
    share = size(by_entropy) / size(network)
    for rule in (PFAPrune(), PFAPrune("parameters", share)):
        kept = [f"{len(recipe.kept)}/{recipe.original}" for recipe in rule.recipe(network, data)]
        print(f"    {rule.rule:<11}{' '.join(kept)}", flush=True)
    return {
        "PFA-KL": by_entropy,
        "PFA-En": PFAPrune("parameters", share)(network, data=data),
        "magnitude": by_magnitude(network, pixels[:2], share),
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


def verdict(results: list[Results]) -> bool:
    """Prints means and paired differences; whether PFA is worse than magnitude anywhere."""
    print(", ".join(f"{name} {statistics.mean(one[name] for one in results):.2f} %" for name in results[0]))
    worse = False
    for ours in ("PFA-KL", "PFA-En"):
        apart = [one[ours] - one["magnitude"] for one in results]
        mean = statistics.mean(apart)
        half = float(student.ppf(0.975, len(apart) - 1)) * statistics.stdev(apart) / len(apart) ** 0.5
        print(f"{ours} − magnitude: {mean:+.2f} points, 95 % interval {mean - half:+.2f} to {mean + half:+.2f}")
        worse |= mean + half < 0
    return worse


if __name__ == "__main__":
    sys.exit(main())
