from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import Train, magnitude_prune, train

from .networks import Residual, build


def squared(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return ((outputs - targets) ** 2).mean()


def problem() -> tuple[nn.Linear, list[tuple[torch.Tensor, torch.Tensor]]]:
    torch.manual_seed(0)
    model = nn.Linear(3, 2).double()
    return model, [(torch.randn(4, 3).double(), torch.randn(4, 2).double()) for _ in range(2)]


def by_hand(model: nn.Linear, data: list[tuple[torch.Tensor, torch.Tensor]], settings: Train) -> np.ndarray:
    """Nesterov momentum on least squares with decay of weights alone, as Sutskever et al. 2013 in torch's form."""
    weight, bias = model.weight.detach().numpy().copy(), model.bias.detach().numpy().copy()
    speeds: list[np.ndarray | None] = [None, None]
    steps = settings.epochs * len(data)
    for step in range(steps):
        x, y = (part.numpy() for part in data[step % len(data)])
        error = 2 * (x @ weight.T + bias - y) / y.size
        rate = settings.learning_rate
        if settings.schedule == "cosine":
            rate *= (1 + math.cos(math.pi * step / steps)) / 2
        for i, (value, gradient) in enumerate([(weight, error.T @ x), (bias, error.sum(axis=0))]):
            gradient = gradient + (settings.weight_decay * value if i == 0 else 0)
            old = speeds[i]
            speed = gradient if old is None else settings.momentum * old + gradient
            speeds[i] = speed
            value -= rate * (gradient + settings.momentum * speed if settings.momentum else gradient)
    return weight


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_sgd_is_what_the_formula_says(schedule: str, momentum: float, weight_decay: float) -> None:
    model, data = problem()
    settings = Train(3, 0.1, "sgd", momentum, weight_decay, schedule)  # type: ignore[arg-type]
    child = settings(model, data=data, loss=squared)
    np.testing.assert_allclose(child.weight.detach().numpy(), by_hand(model, data, settings), rtol=1e-9)


def test_adam_first_step_has_the_size_of_the_learning_rate() -> None:
    model, data = problem()
    child = train(model, 1, 0.01, "adam", schedule="constant", data=data[:1], loss=squared)
    step = (child.weight - model.weight).detach().abs().numpy()
    np.testing.assert_allclose(step, 0.01, rtol=1e-4)


def test_zeros_of_pruned_weights_stay_and_the_others_learn() -> None:
    model, data = build("residual")
    pruned = magnitude_prune(model, 0.6)
    child = train(pruned, 2, data=data)
    zero = pruned.conv.weight == 0
    assert torch.equal(child.conv.weight == 0, zero)
    assert not torch.equal(child.conv.weight, pruned.conv.weight)
    assert not torch.equal(child.norm.bias, pruned.norm.bias), "biases start at zero and must learn"
    free = train(pruned, 2, keep_zeros=False, data=data)
    assert bool(free.conv.weight[zero].count_nonzero())


def test_a_tensor_of_zeros_only_is_trained() -> None:
    model = nn.Linear(4, 2)
    nn.init.zeros_(model.weight)
    child = train(model, 1, data=[(torch.randn(8, 4), torch.randint(0, 2, (8,)))])
    assert int(child.weight.count_nonzero()) == 8


def test_frozen_parameters_stay() -> None:
    model, data = build("residual")
    model.stem.weight.requires_grad_(False)
    child = train(model, 1, data=data)
    assert torch.equal(child.stem.weight, model.stem.weight)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(InvalidValue, match="no parameter of the model requires gradients"):
        train(model, 1, data=data)


def test_divergence_is_reported() -> None:
    model, data = problem()
    with pytest.raises(InvalidValue, match="Lower the learning rate") as caught:
        train(model, 1000, 10.0, schedule="constant", data=data, loss=squared)
    assert caught.value.code == "loss.not_finite"


def test_a_shuffling_loader_follows_the_seed() -> None:
    torch.manual_seed(0)
    dataset = torch.utils.data.TensorDataset(torch.randn(32, 1, 8, 8), torch.randint(0, 4, (32,)))
    loader = torch.utils.data.DataLoader(dataset, batch_size=4, shuffle=True)
    weights = [train(Residual_(), 1, seed=seed, data=loader).head.weight for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def Residual_() -> Residual:  # noqa: N802
    model, _ = build("residual")
    assert isinstance(model, Residual)
    return model


def test_inputs_may_be_tuples_and_mappings() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            return self.layer(first - second)

    torch.manual_seed(0)
    model, first, second, labels = Two(), torch.randn(8, 3), torch.randn(8, 3), torch.randint(0, 2, (8,))
    positional = train(model, 2, data=[((first, second), labels)])
    named = train(model, 2, data=[({"second": second, "first": first}, labels)])
    assert torch.equal(positional.layer.weight, named.layer.weight)


def test_progress_is_told_and_may_stop() -> None:
    model, data = build("residual")
    told: list[tuple[float, str]] = []
    train(model, 2, data=data, progress=lambda share, text: told.append((share, text)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] == 1.0 and "epoch 2 of 2, loss" in told[-2][1]

    def stop(share: float, _text: str) -> None:
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(model, 2, data=data, progress=stop)


class Shuffled:
    """Batches in an order drawn from torch's random state, as a shuffling loader gives them."""

    def __init__(self, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return iter([self.batches[index] for index in torch.randperm(len(self.batches))])


def test_the_seed_alone_decides_the_order_of_shuffled_data() -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    data = [(torch.randn(4, 3), torch.randn(4, 2)) for _ in range(8)]
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(5)).tolist()
    assert order != sorted(order)
    by_seed = train(model, data=Shuffled(data), loss=squared, epochs=1, seed=5)
    in_order = train(model, data=[data[index] for index in order], loss=squared, epochs=1)
    assert torch.equal(by_seed.weight, in_order.weight)
