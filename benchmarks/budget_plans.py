"""What a plan to a budget predicts against what it comes to: ResNet-20 on images, stories260K on stories.

Each layer alone is quantized to 8, 6, 5, 4, 3 and 2 bits and measured on every second example. Plans get as many bytes
as one number of bits for all layers needs. Three numbers are printed for each: measured minus predicted on the same
examples, which is what adding up the losses of layers costs; the same on the other examples; and what the plan wins
there over one number of bits. Claim: with 4 bits or more, predictions for the other examples are off by no more than
one point of accuracy, and 0.05 of the loss per token, on average.
Run from the repository root: ``python benchmarks/budget_plans.py``. Ends with exit code 1 when one of them is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from cifar import data_folder, images, resnet20
from gptq_stories import load, losses
from torch import Tensor, nn

from compress_compare.evaluation.size import packed_size
from compress_compare.operations import Quantize
from compress_compare.plans.recommend import Budget, recommend
from compress_compare.plans.sensitivity import Study, sensitivity

LEVELS = (8, 6, 5, 4, 3, 2)
BUDGETS = (6, 5, 4, 3)
LEAST_BITS = 4
"""Of the budgets whose predictions have to be right."""


@dataclass(frozen=True)
class Case:
    """A network, its metric, and one number per example on the measured and on the other examples.

    ``unit`` is what the metric is printed in, and ``most`` (in it) the mean error of predictions that is accepted.
    """

    network: nn.Module
    metric: str
    unit: float
    most: float
    higher_is_better: bool
    same: Callable[[nn.Module], np.ndarray]
    others: Callable[[nn.Module], np.ndarray]


def main() -> int:
    """Print predicted against measured for each budget."""
    data = data_folder(__doc__)
    if data is None:
        return 2
    torch.set_num_threads(1)
    missed = [report(name, case) for name, case in cases(data).items()]
    return int(any(missed))


def cases(data: Path) -> dict[str, Case]:
    """The two networks by name."""
    pixels, labels = images(data, "test_1017")
    words, stories = load(data)
    return {
        "ResNet-20": Case(
            resnet20(data), "accuracy, %", 0.01, 1.0, True,
            lambda net: right(net, pixels[::2], labels[::2]), lambda net: right(net, pixels[1::2], labels[1::2]),
        ),
        "stories260K": Case(
            words, "loss per token", 1.0, 0.05, False,
            lambda net: told(net, stories[::2]), lambda net: told(net, stories[1::2]),
        ),
    }  # fmt: skip


@torch.no_grad()
def right(net: nn.Module, pixels: Tensor, labels: Tensor) -> np.ndarray:
    """1 for each image that the network gets right, and 0 for the others."""
    found = torch.cat([net(batch).argmax(1) for batch in pixels.split(128)])
    return (found == labels).double().numpy()


def told(net: nn.Module, stories: list[Tensor]) -> np.ndarray:
    """Loss per token of each story."""
    found = losses(net, stories)
    return found[:, 0] / found[:, 1]


def report(name: str, case: Case) -> bool:
    """Print the table of a network; whether its predictions are off by more than is accepted."""
    start = time.perf_counter()
    study = Study(lambda net: float(case.same(net).mean()), scores=case.same)
    table = sensitivity(case.network, [Quantize(bits=bits) for bits in LEVELS], study=study)
    before, other = (own(case.network).mean() / case.unit for own in (case.same, case.others))
    print(
        f"\n{name}: {len(table) // len(LEVELS)} layers, {case.metric}: {before:.3f}, on the others {other:.3f};", end=""
    )
    print(f" {time.perf_counter() - start:.0f} s for {len(table)} measurements")
    print(f"{'as bytes of':<12}{'bytes':>9}{'predicted':>28}{'measured':>10}{'error':>8}", end="")
    print(f"{'others: plan':>14}{'error':>8}{'uniform':>9}{'won':>8}", flush=True)
    errors = {}
    for bits in BUDGETS:
        uniform = Quantize(bits=bits)(case.network)
        budget = Budget("bytes", packed_size(uniform).value)
        plan = recommend(table, budget, higher_is_better=case.higher_is_better)
        planned = case.network
        for operation in plan.operations:
            planned = operation(planned)
        measured = case.same(planned).mean() / case.unit
        held, plain = (case.others(net).mean() / case.unit for net in (planned, uniform))
        won = (held - plain) * (1 if case.higher_is_better else -1)
        change = plan.change / case.unit
        error, further = measured - before - change, held - other - change
        errors[bits] = abs(error), abs(further)
        low, high = (before + (end if end is not None else np.nan) / case.unit for end in (plan.low, plan.high))
        text = f"{before + change:.3f} ({low:.3f} to {high:.3f})"
        print(f"{f'{bits} bits':<12}{plan.size:>9,.0f}{text:>28}{measured:>10.3f}{error:>8.3f}", end="")
        print(f"{held:>14.3f}{further:>8.3f}{plain:>9.3f}{won:>8.3f}", flush=True)
    same, others = np.mean([errors[bits] for bits in BUDGETS if bits >= LEAST_BITS], axis=0)
    print(
        f"mean error with {LEAST_BITS} bits or more: {same:.3f} on the same examples, {others:.3f} on the others",
        end="",
    )
    print(f" (limit {case.most})")
    return bool(others > case.most)


if __name__ == "__main__":
    sys.exit(main())
