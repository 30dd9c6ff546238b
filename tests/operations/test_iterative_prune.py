from __future__ import annotations

import pytest
import torch

from compress_compare.operations import IterativePrune, finetune, gradient_prune, iterative_prune, magnitude_prune
from compress_compare.schemes import scheme

from .networks import build


@pytest.mark.parametrize(
    ("growth", "expected"),
    [
        ("linear", [0.2, 0.4, 0.6, 0.8]),
        ("cubic", [0.8 * (1 - 0.75**3), 0.8 * (1 - 0.5**3), 0.8 * (1 - 0.25**3), 0.8]),
        ("geometric", [1 - 0.2**0.25, 1 - 0.2**0.5, 1 - 0.2**0.75, 0.8]),
    ],
)
def test_amounts(growth: str, expected: list[float]) -> None:
    assert IterativePrune(0.8, steps=4, growth=growth).amounts() == pytest.approx(expected)


@pytest.mark.parametrize("criterion", ["magnitude", "gradient"])
def test_it_is_pruning_and_finetuning_in_turns(criterion: str) -> None:
    model, data = build("convolutional")
    settings = {"criterion": criterion, "scope": "local", "growth": "linear", "learning_rate": 0.1}
    child = iterative_prune(model, 0.6, steps=3, epochs=2, **settings, data=data)
    expected = model
    for amount in (0.2, 0.4, 0.6):
        needed = {"data": data} if criterion == "gradient" else {}
        prune = gradient_prune if criterion == "gradient" else magnitude_prune
        expected = prune(expected, amount, scope="local", **needed)
        expected = finetune(expected, epochs=2, learning_rate=0.1, data=data)
    for first, second in zip(child.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(first, second)
    assert all(entry.pruned for entry in scheme.of(child).values()) and len(scheme.of(child)) == 2


def test_progress_goes_from_0_to_1() -> None:
    model, data = build("one layer")
    seen: list[tuple[float, str]] = []
    iterative_prune(model, steps=2, data=data, progress=lambda share, text: seen.append((share, text)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares) and shares[-1] == 1 and seen[0][1].startswith("step 1 of 2, epoch 1 of 1, loss")
