"""Which experiments the digits demo makes, and why."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations import (
    Calibrate,
    Finetune,
    GradientPrune,
    MagnitudePrune,
    Palettize,
    Quantize,
    QuantizeStatic,
    RandomPrune,
    Train,
)
from ..tree import Node

ROOT = "cnn"
EPOCHS = 10
REPAIR_EPOCHS = 3
AMOUNTS = (0.5, 0.7, 0.9)
PALETTE_BITS = (4, 3, 2, 1)
WEIGHT_BITS = (8, 4, 3, 2)
INTERESTING = ("magnitude50-finetuned", "magnitude70-finetuned", "magnitude90-finetuned", "gradient90-finetuned")


def experiments(seed: int = 0, *, epochs: int = EPOCHS) -> list[Node]:
    """All nodes of the demo, each after its base.

    Args:
        seed: of training and random pruning.
        epochs: passes over the data for the root.
    """
    return [
        Node(ROOT, None, Train(epochs=epochs, seed=seed)),
        *_pruned(seed),
        *_iterative(seed),
        *_coarse(seed),
        *_combined(),
    ]


def _pruned(seed: int) -> Iterator[Node]:
    """Does the criterion matter, and how far does measuring batch norm again go compared with training?"""
    for amount in AMOUNTS:
        criteria = (MagnitudePrune(amount=amount), GradientPrune(amount=amount), RandomPrune(amount=amount, seed=seed))
        for criterion in criteria:
            pruned = f"{ROOT}-{criterion.name.split()[0]}{100 * amount:.0f}"
            yield Node(pruned, ROOT, criterion)
            yield Node(f"{pruned}-calibrated", pruned, Calibrate())
            yield Node(f"{pruned}-finetuned", pruned, Finetune(epochs=REPAIR_EPOCHS, seed=seed))


def _iterative(seed: int) -> Iterator[Node]:
    """Prune, train, prune, train, prune, train: better than pruning as much at once and training as long after it?"""
    base = f"{ROOT}-magnitude50-finetuned"
    for amount in AMOUNTS[1:]:
        pruned = f"{ROOT}-iterative{100 * amount:.0f}"
        yield Node(pruned, base, MagnitudePrune(amount=amount))
        base = f"{pruned}-finetuned"
        yield Node(base, pruned, Finetune(epochs=REPAIR_EPOCHS, seed=seed))
    at_once = f"{ROOT}-magnitude{100 * AMOUNTS[-1]:.0f}"
    yield Node(f"{at_once}-finetuned-longer", at_once, Finetune(epochs=REPAIR_EPOCHS * len(AMOUNTS), seed=seed))


def _coarse(seed: int) -> Iterator[Node]:
    """Fewer bits per weight: on a grid per channel, or from a codebook per tensor."""
    for bits in WEIGHT_BITS:
        yield Node(f"{ROOT}-w{bits}", ROOT, Quantize(bits=bits))
    for bits in PALETTE_BITS:
        yield Node(f"{ROOT}-palette{bits}", ROOT, Palettize(bits=bits, seed=seed))
    for coarse in (f"{ROOT}-w3", f"{ROOT}-w2", f"{ROOT}-palette2", f"{ROOT}-palette1"):
        yield Node(f"{coarse}-calibrated", coarse, Calibrate())
    yield Node(f"{ROOT}-int8", ROOT, QuantizeStatic())


def _combined() -> Iterator[Node]:
    """What is left of the good pruned models when their weights get fewer bits as well?"""
    for name in (*INTERESTING, "iterative90-finetuned"):
        yield Node(f"{ROOT}-{name}-int8", f"{ROOT}-{name}", QuantizeStatic())
        yield Node(f"{ROOT}-{name}-w4", f"{ROOT}-{name}", Quantize(bits=4))
