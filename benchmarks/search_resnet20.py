"""A search for good compressions of ResNet-20 beside a grid of twice as many models.

Models are pruned by magnitude and then quantized. The grid has 60 of them: five amounts, six numbers of bits, one scale
for each channel or each group of 32 weights. A search chooses among all 266 models with amounts in steps of 0.05 and 2
to 8 bits, and makes 30. Each is judged by its packed size as a share of the original's and by its accuracy on 1,017
images. Claim: over five seeds, the hypervolume of the search's frontier (the area of what its models beat, with no
bytes saved and accuracy by chance as the worst) is on average at least that of the grid's. 30 of the grid's models at
random are the baseline.
Run from the repository root: ``python benchmarks/search_resnet20.py``. Ends with exit code 1 when the claim fails.
"""

from __future__ import annotations

import itertools
import sys
from functools import cache
from typing import Any

import numpy as np
import torch
from cifar import data_folder, images, resnet20

from compress_compare.evaluation.size import packed_size
from compress_compare.operations import MagnitudePrune, Quantize
from compress_compare.plans.search import CandidateSearch, Objective

AMOUNTS = [round(0.05 * step, 2) for step in range(19)]
BITS = [2, 3, 4, 5, 6, 7, 8]
GROUPS = [0, 32]
GRID = list(itertools.product([0.0, 0.2, 0.4, 0.6, 0.8], [2, 3, 4, 5, 6, 8], GROUPS))
SEEDS, MADE = 5, 30
CHANCE = 0.1
Point = tuple[float, float]
"""Share of the bytes, accuracy."""
Triple = tuple[float, int, int]
"""Amount, bits, weights in a group (0: one scale for each channel)."""


def main() -> int:
    """Print the hypervolumes."""
    data = data_folder(__doc__)
    if data is None:
        return 2
    torch.set_num_threads(1)
    network = resnet20(data).eval()
    pixels, labels = images(data, "test_1017")
    whole = packed_size(network).value

    @cache
    @torch.no_grad()
    def measured(amount: float, bits: int, group: int) -> Point:
        pruned = MagnitudePrune(amount)(network) if amount else network
        made = Quantize(bits, **granularity(group))(pruned).eval()
        right = torch.cat([made(some).argmax(1) for some in pixels.split(64)]) == labels
        return packed_size(made).value / whole, float(right.float().mean())

    grid = area([measured(*each) for each in GRID])
    space = list(itertools.product(AMOUNTS, BITS, GROUPS))
    print(f"grid of {len(GRID)}: {grid:.4f}; the space has {len(space)} models", flush=True)
    drawn = []
    for seed in range(SEEDS):
        random = np.random.default_rng(seed).choice(len(GRID), MADE, replace=False)
        drawn.append(area([measured(*GRID[place]) for place in random]))
    print(f"{MADE} of the grid at random: {np.mean(drawn):.4f}, {np.mean(drawn) / grid:.4f} × the grid", flush=True)
    means = []
    for name, choices in (("the same choices for all", alike), ("choices as a recipe has them", of_recipe)):
        found = []
        for seed in range(SEEDS):
            found.append(area([measured(*each) for each in search(space, choices, measured, seed=seed)]))
            print(f"{name}, seed {seed}: search of {MADE} {found[-1]:.4f}", flush=True)
        means.append(float(np.mean(found)))
        print(f"{name}: mean {means[-1]:.4f}, {means[-1] / grid:.4f} × the grid", flush=True)
    return int(min(means) < grid)


def granularity(group: int) -> dict[str, Any]:
    """How many weights share a scale, as the operation has it."""
    return {"strategy": "group", "group_size": group} if group else {}


def alike(amount: float, bits: int, group: int) -> dict[str, Any]:
    """A model by numbers that all have."""
    return {"amount": amount, "bits": bits, "group": f"{group}"}


def of_recipe(amount: float, bits: int, group: int) -> dict[str, Any]:
    """A model by the parameters of its operations, of which one that is not pruned lacks those of the first."""
    operations = [MagnitudePrune(amount)] if amount else []
    operations.append(Quantize(bits, **granularity(group)))
    return {f"{one.name}: {name}": value for one in operations for name, value in one.parameters.items()}


def search(space: list[Triple], choices: Any, measured: Any, *, seed: int) -> list[Triple]:
    """The models that a search makes."""
    objectives = [Objective("size", higher_is_better=False), Objective("accuracy", higher_is_better=True)]
    asked = CandidateSearch([choices(*each) for each in space], objectives=objectives, seed=seed)
    made = []
    while len(made) < MADE:
        (place,) = asked.ask()
        size, accuracy = measured(*space[place])
        asked.tell(place, {"size": size, "accuracy": accuracy})
        made.append(space[place])
    return made


def area(points: list[Point]) -> float:
    """The hypervolume, as a share of the largest that there could be."""
    ascending = sorted(point for point in set(points) if point[0] < 1)
    total, height = 0.0, CHANCE
    for (size, accuracy), (following, _) in itertools.pairwise([*ascending, (1.0, 0.0)]):
        height = max(height, accuracy)
        total += (following - size) * (height - CHANCE)
    return total / (1 - CHANCE)


if __name__ == "__main__":
    sys.exit(main())
