from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress_compare.operations import MovementPrune, magnitude_prune, movement_prune
from compress_compare.operations.parts.movement import Masks
from compress_compare.schemes import scheme

from .networks import build


def test_gradients_are_those_of_the_paper() -> None:
    torch.manual_seed(0)
    weight, direction = nn.Parameter(torch.randn(3, 4)), torch.randn(3, 4)
    masks = Masks({"w": weight})
    masks.set(0.5)
    mask = masks.modules["w"]
    masked = mask(weight)
    assert int(mask.mask.sum()) == 6 and torch.equal(masked, weight * mask.mask)
    (masked * direction).sum().backward()
    torch.testing.assert_close(weight.grad, direction * mask.mask)
    torch.testing.assert_close(mask.scores.grad, direction * weight.detach())


def test_scores_decide_over_all_weights_and_sizes_among_equals() -> None:
    first, second = torch.tensor([[3.0, -1.0]]), torch.tensor([[0.5], [2.0]])
    masks = Masks({"a": first, "b": second})
    masks.set(0.5)
    assert masks.modules["a"].mask.tolist() == [[True, False]] and masks.modules["b"].mask.tolist() == [[False], [True]]
    masks.modules["a"].scores.data = torch.tensor([[-1.0, 1.0]])
    masks.set(0.5)
    assert masks.modules["a"].mask.tolist() == [[False, True]] and masks.modules["b"].mask.tolist() == [[False], [True]]


def by_hand(weight: np.ndarray, data: list[tuple[Tensor, Tensor]], *, rate: float, epochs: int) -> np.ndarray:
    """Least squares on masked weights, plain gradient descent on weights and scores, half of the weights masked."""
    scores, mask = np.zeros_like(weight), np.ones_like(weight)
    for _ in range(epochs):
        for inputs, targets in data:
            x, y = inputs.double().numpy(), targets.double().numpy()
            gradient = 2 * (x @ (weight * mask).T - y).T @ x / y.size
            weight, scores = weight - rate * gradient * mask, scores - rate * gradient * weight
            order = np.lexsort((np.abs(weight).ravel(), scores.ravel()))
            mask = np.ones(weight.size)
            mask[order[: weight.size // 2]] = 0
            mask = mask.reshape(weight.shape)
    return weight * mask


def test_it_is_gradient_descent_on_weights_and_scores() -> None:
    torch.manual_seed(0)
    model = nn.Linear(6, 4, bias=False)
    data = [(torch.randn(8, 6), torch.randn(8, 4)) for _ in range(3)]
    settings = {"learning_rate": 0.05, "momentum": 0.0, "schedule": "constant", "epochs": 4, "warmup": 0.0}
    child = movement_prune(model, 0.5, cooldown=0.99999, **settings, data=data, loss=lambda y, t: ((y - t) ** 2).mean())
    expected = by_hand(model.weight.detach().double().numpy(), data, rate=0.05, epochs=4)
    np.testing.assert_allclose(child.weight.detach(), expected, atol=1e-5)


@pytest.mark.parametrize(("share", "expected"), [(0, 0), (0.2, 0), (0.4, 0.8 * (1 - 0.5**3)), (0.6, 0.8), (1, 0.8)])
def test_the_amount_grows_between_warmup_and_cooldown(share: float, expected: float) -> None:
    assert MovementPrune(0.8, warmup=0.2, cooldown=0.4).amount_at(share) == pytest.approx(expected)


def test_the_amount_counts_over_all_selected_weights() -> None:
    model, data = build("tied transformer")
    child = movement_prune(model, 0.6, ignore=["embed"], data=data)
    weights = [p for name, p in child.named_parameters() if p.ndim == 2 and name != "embed.weight"]
    zeros = sum(int((w == 0).sum()) for w in weights)
    assert zeros == round(0.6 * sum(w.numel() for w in weights)) and scheme.of(child)["up.weight"].pruned
    assert child.embed.weight is child.head.weight and bool(child.embed.weight.all())


def test_earlier_zeros_stay() -> None:
    model, data = build("one layer")
    pruned = magnitude_prune(model, 0.25)
    child = movement_prune(pruned, 0.5, epochs=3, data=data)
    assert bool((child.weight[pruned.weight == 0] == 0).all())
