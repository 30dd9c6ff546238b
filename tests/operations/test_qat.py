from __future__ import annotations

import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import QAT, Quantize, finetune, magnitude_prune, qat, quantize
from compress_compare.operations.parts.data import cross_entropy
from compress_compare.operations.parts.straight_through import Rounded
from compress_compare.schemes import scheme

from .networks import build


def test_rounding_passes_the_gradient_on() -> None:
    torch.manual_seed(0)
    weight, direction = torch.randn(4, 6, requires_grad=True), torch.randn(4, 6)
    rounded = Rounded(Quantize(3), 0)(weight)
    torch.testing.assert_close(rounded, Quantize(3).rounded(weight.detach()))
    (rounded * direction).sum().backward()
    torch.testing.assert_close(weight.grad, direction, rtol=0, atol=0)


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_first_step_follows_the_loss_of_the_rounded_model(symmetric: bool) -> None:
    torch.manual_seed(0)
    model = nn.Linear(6, 4)
    data = [(torch.randn(8, 6), torch.randint(0, 4, (8,)))]
    settings = {"bits": 3, "symmetric": symmetric}
    child = qat(model, **settings, epochs=1, learning_rate=0.5, momentum=0.0, schedule="constant", data=data)
    weight, bias = model.weight.detach(), model.bias.detach()
    seen = Quantize(**settings).rounded(weight).requires_grad_()
    cross_entropy(data[0][0] @ seen.T + bias, data[0][1]).backward()
    torch.testing.assert_close(child.weight, Quantize(**settings).rounded(weight - 0.5 * seen.grad))


def test_it_beats_rounding_after_training() -> None:
    model, data = build("one layer")

    def loss(child: nn.Module) -> float:
        with torch.no_grad():
            return sum(float(cross_entropy(child(x), y)) for x, y in data)

    training = {"epochs": 60, "learning_rate": 0.1}
    assert loss(qat(model, bits=2, **training, data=data)) < loss(quantize(finetune(model, **training, data=data), 2))


def test_what_is_stored_and_what_stays() -> None:
    model, data = build("tied transformer")
    child = qat(model, bits=3, strategy="group", group_size=4, ignore=["up"], data=data)
    assert child.head.weight is child.embed.weight
    stored = scheme.of(child)
    assert "up.weight" not in stored and stored["embed.weight"].group_size == 4 and stored["down.weight"].bits == 3
    assert not torch.equal(child.up.weight, model.up.weight)
    rounded = Quantize(3, strategy="group", group_size=4).rounded(child.query.weight.detach())
    torch.testing.assert_close(child.query.weight, rounded)


def test_pruned_weights_stay_zero() -> None:
    model, data = build("one layer")
    pruned = magnitude_prune(model, 0.5)
    child = qat(pruned, bits=8, epochs=3, data=data)
    assert bool((child.weight[pruned.weight == 0] == 0).all()) and scheme.of(child)["weight"].pruned


def test_group_size_goes_with_group() -> None:
    with pytest.raises(InvalidValue, match="needs a group_size"):
        QAT(strategy="group")
    with pytest.raises(InvalidValue, match="needs strategy 'group'"):
        QAT(group_size=4)
