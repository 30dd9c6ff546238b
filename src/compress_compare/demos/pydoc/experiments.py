"""Which experiments the pydoc demo makes, and why."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations import DKMPalettize, Finetune, GPTQQuantize, MagnitudePrune, Palettize, Quantize, Restore, Train
from ..tree import Node

ROOT = "lm"
PASSES = 100
REPAIR_PASSES = 4
LEARNING_RATE = 4e-3
REPAIR_RATE = 1e-3
AMOUNTS = (10, 20, 30, 40, 50, 60, 70)
EXAMINED = (10, 30, 50)
PARTS = (30, 50, 70, 90)
WEIGHT_BITS = (8, 6, 5, 4, 3, 2)
GPTQ_BITS = (4, 3, 2)
PALETTE_BITS = (4, 3, 2, 1)
DKM_BITS = (3, 2)
EVERYWHERE = (r"re:.*\.weight",)
RESTORED = {"norms": ("LayerNorm",), "queries": (r"re:.*\.query",), "half": (r"re:blocks\.[23]",)}


def experiments(seed: int = 0, *, passes: int = PASSES, repair_passes: int = REPAIR_PASSES) -> list[Node]:
    """All nodes of the demo, each after its base and its references.

    Args:
        seed: of training.
        passes: over training data for the root.
        repair_passes: for every later training.
    """
    return [
        Node(ROOT, None, Train(epochs=passes, learning_rate=LEARNING_RATE, optimizer="adam", seed=seed)),
        *_uniform(),
        *_restored(),
        *_retrained(seed, repair_passes),
        *_parts(),
        *_rounded(),
        *_clustered(seed),
    ]


def _uniform() -> Iterator[Node]:
    """The same share of every tensor, the scales of norms included: what a careless script does."""
    for amount in AMOUNTS:
        yield Node(f"{ROOT}-all{amount}", ROOT, MagnitudePrune(amount=amount / 100, scope="local", targets=EVERYWHERE))


def _restored() -> Iterator[Node]:
    """Which tensors did the harm? Each part in turn gets back what it had; the norms at every amount."""
    for amount in AMOUNTS:
        for part, targets in RESTORED.items():
            if part == "norms" or amount in EXAMINED:
                pruned = f"{ROOT}-all{amount}"
                yield Node(f"{pruned}-{part}", pruned, Restore(targets=targets), {"original": ROOT})


def _retrained(seed: int, passes: int) -> Iterator[Node]:
    """Is training the norms alone enough, and how much better is training everything?"""
    for amount in EXAMINED:
        for name, targets in (("norms-trained", ("LayerNorm",)), ("trained", ())):
            repair = Finetune(epochs=passes, learning_rate=REPAIR_RATE, optimizer="adam", seed=seed, targets=targets)
            yield Node(f"{ROOT}-all{amount}-{name}", f"{ROOT}-all{amount}", repair)
    repair = Finetune(epochs=passes, learning_rate=REPAIR_RATE, optimizer="adam", seed=seed)
    for amount in (EXAMINED[-1], AMOUNTS[-1]):
        yield Node(f"{ROOT}-all{amount}-norms-then-trained", f"{ROOT}-all{amount}-norms", repair)


def _parts() -> Iterator[Node]:
    """Does attention bear pruning better than feed-forward layers?"""
    for amount in PARTS:
        for name, target in (("attention", "CausalAttention"), ("feed-forward", "FeedForward")):
            yield Node(
                f"{ROOT}-{name}{amount}", ROOT, MagnitudePrune(amount=amount / 100, scope="local", targets=(target,))
            )


def _rounded() -> Iterator[Node]:
    """How many bits do weights need, and what does GPTQ gain over the nearest level?"""
    for bits in WEIGHT_BITS:
        yield Node(f"{ROOT}-w{bits}", ROOT, Quantize(bits=bits))
    for bits in GPTQ_BITS:
        yield Node(f"{ROOT}-gptq{bits}", ROOT, GPTQQuantize(bits=bits))


def _clustered(seed: int) -> Iterator[Node]:
    """A codebook per tensor: found once, or trained with the network."""
    for bits in PALETTE_BITS:
        yield Node(f"{ROOT}-palette{bits}", ROOT, Palettize(bits=bits))
    for bits in DKM_BITS:
        trained = DKMPalettize(bits=bits, learning_rate=REPAIR_RATE, optimizer="adam", seed=seed)
        yield Node(f"{ROOT}-dkm{bits}", ROOT, trained)
