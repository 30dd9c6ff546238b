from __future__ import annotations

import numpy as np
import torch
from torch import nn

from compress_compare.operations import gradient_prune
from compress_compare.operations.base import Context
from compress_compare.operations.gradient_prune import taylor_scores


def squared(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return ((outputs - targets) ** 2).mean()


class Idle(nn.Module):
    def __init__(self, used: nn.Module) -> None:
        super().__init__()
        self.used, self.unused = used, nn.Linear(3, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.used(x)


def problem() -> tuple[nn.Linear, list[tuple[torch.Tensor, torch.Tensor]]]:
    torch.manual_seed(0)
    model = nn.Linear(5, 3)
    return model, [(torch.randn(4, 5), torch.randn(4, 3)) for _ in range(3)]


def expected_scores(model: nn.Linear, data: list[tuple[torch.Tensor, torch.Tensor]]) -> np.ndarray:
    """Least squares by hand: ∂L/∂W = 2 (XWᵀ + b − Y)ᵀ X / (N·outputs)."""
    weight, bias = model.weight.detach().double().numpy(), model.bias.detach().double().numpy()
    total = np.zeros_like(weight)
    for inputs, targets in data:
        x, y = inputs.double().numpy(), targets.double().numpy()
        gradient = 2 * (x @ weight.T + bias - y).T @ x / y.size
        total += np.abs(weight * gradient)
    return total


def test_scores_are_those_of_least_squares() -> None:
    model, data = problem()
    context = Context(data=data, loss=squared, references={}, progress=lambda *_: None)
    found = taylor_scores(model, [model.weight], context=context)[0]
    np.testing.assert_allclose(found.numpy(), expected_scores(model, data), rtol=1e-5, atol=1e-7)


def test_lowest_scores_become_zero() -> None:
    model, data = problem()
    child = gradient_prune(model, 0.4, data=data, loss=squared)
    lowest = np.argsort(expected_scores(model, data).ravel())[:6]
    expected = model.weight.detach().numpy().ravel().copy()
    expected[lowest] = 0
    np.testing.assert_array_equal(child.weight.detach().numpy().ravel(), expected)


def test_weights_the_loss_does_not_depend_on_go_first() -> None:
    model, data = problem()
    child = gradient_prune(Idle(model), 0.5, data=data, loss=squared)
    assert int(child.unused.weight.count_nonzero()) == 0
    assert torch.equal(child.used.weight, model.weight)


def test_frozen_weights_are_scored_and_stay_frozen() -> None:
    model, data = problem()
    model.weight.requires_grad_(False)
    child = gradient_prune(model, 0.4, data=data, loss=squared)
    assert int((child.weight == 0).sum()) == 6 and not child.weight.requires_grad
