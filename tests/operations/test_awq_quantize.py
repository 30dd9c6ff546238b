from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress_compare.errors import InvalidValue
from compress_compare.evaluation.size import packed_size
from compress_compare.operations import AWQQuantize, awq_quantize, quantize
from compress_compare.schemes import scheme

from .networks import build


def problem() -> tuple[nn.Linear, list[tuple[Tensor, Tensor]]]:
    """A layer two of whose inputs are far larger than the others."""
    torch.manual_seed(0)
    size = torch.ones(16)
    size[[3, 9]] = 30
    return nn.Linear(16, 8), [(torch.randn(50, 16) * size, torch.zeros(50).long()) for _ in range(2)]


def rounded(matrix: np.ndarray, bits: int) -> np.ndarray:
    scale = np.abs(matrix).max(1, keepdims=True) / (2 ** (bits - 1) - 1)
    return np.round(matrix / scale) * scale


def test_the_best_power_of_the_mean_activation() -> None:
    layer, data = problem()
    x = torch.cat([inputs for inputs, _ in data]).double().numpy()
    matrix = layer.weight.detach().double().numpy()
    tried = []
    for alpha in np.arange(10) / 10:
        scales = np.abs(x).mean(0) ** alpha
        candidate = rounded(matrix * scales, 3) / scales
        tried.append((((x @ (candidate - matrix).T) ** 2).sum(), alpha, candidate))
    error, alpha, expected = min(tried, key=lambda entry: entry[0])
    assert alpha > 0 and error < 0.5 * tried[0][0]
    child = awq_quantize(layer, 3, grid=10, data=data)
    np.testing.assert_allclose(child.weight.detach(), expected, atol=1e-5)


def test_a_single_try_is_rounding_to_nearest() -> None:
    layer, data = problem()
    child = awq_quantize(layer, 4, grid=1, data=data)
    torch.testing.assert_close(child.weight, quantize(layer, 4).weight)
    assert scheme.of(child) == scheme.of(quantize(layer, 4))


def test_scales_of_inputs_are_paid_for() -> None:
    layer, data = problem()
    child = awq_quantize(layer, 4, data=data)
    assert scheme.of(child)["weight"].input_scales
    assert packed_size(child).value == packed_size(quantize(layer, 4)).value + 4 * 16


def test_other_weights_are_rounded_as_they_are() -> None:
    model, data = build("convolutional")
    child = awq_quantize(model, 3, data=data)
    assert torch.equal(child[0].weight, quantize(model, 3)[0].weight)  # type: ignore[index]
    with pytest.raises(InvalidValue, match="no selected weight belongs to a linear layer"):
        awq_quantize(model, targets=["Conv2d"], data=data)


def test_group_size_goes_with_group() -> None:
    with pytest.raises(InvalidValue, match="needs a group_size"):
        AWQQuantize(strategy="group")
    with pytest.raises(InvalidValue, match="needs strategy 'group'"):
        AWQQuantize(group_size=4)
