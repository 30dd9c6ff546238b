from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import GPTQQuantize, Quantize, gptq_quantize, quantize
from compress_compare.schemes import scheme

from .networks import build


def problem(outputs: int = 6, inputs: int = 9) -> tuple[nn.Linear, list[tuple[Tensor, Tensor]]]:
    """A layer with inputs that are correlated."""
    torch.manual_seed(0)
    mixing = torch.randn(inputs, inputs)
    data = [(torch.randn(40, inputs) @ mixing, torch.zeros(40, dtype=torch.long)) for _ in range(2)]
    return nn.Linear(inputs, outputs), data


def by_hand(matrix: np.ndarray, hessian: np.ndarray, bits: int) -> np.ndarray:
    """Optimal brain quantization, column by column, with the Hessian of the remaining columns inverted each time."""
    rows, top = matrix.astype(np.float64).copy(), 2 ** (bits - 1) - 1
    scale = np.abs(rows).max(1) / top
    for column in range(rows.shape[1]):
        inverse = np.linalg.inv(hessian[column:, column:])
        wanted = np.clip(np.round(rows[:, column] / scale), -top, top) * scale
        error = (rows[:, column] - wanted) / inverse[0, 0]
        rows[:, column + 1 :] -= np.outer(error, inverse[0, 1:])
        rows[:, column] = wanted
    return rows


def damped(data: list[tuple[Tensor, Tensor]], damping: float) -> np.ndarray:
    x = torch.cat([inputs for inputs, _ in data]).double().numpy()
    hessian = x.T @ x / len(x)
    return hessian + damping * np.trace(hessian) / len(hessian) * np.eye(len(hessian))


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_it_is_the_method_of_the_paper(bits: int) -> None:
    layer, data = problem()
    found = gptq_quantize(layer, bits, damping=0.02, data=data).weight.detach().numpy()
    np.testing.assert_allclose(found, by_hand(layer.weight.detach().numpy(), damped(data, 0.02), bits), atol=1e-6)


def test_blocks_of_columns_change_nothing() -> None:
    layer, data = problem(outputs=3, inputs=150)
    found = gptq_quantize(layer, 4, damping=0.1, data=data).weight.detach().numpy()
    np.testing.assert_allclose(found, by_hand(layer.weight.detach().numpy(), damped(data, 0.1), 4), atol=1e-6)


def test_the_order_of_activations() -> None:
    layer, data = problem()
    hessian = damped(data, 0.01)
    order = np.argsort(-np.diag(hessian), kind="stable")
    wanted = np.empty((6, 9))
    wanted[:, order] = by_hand(layer.weight.detach().numpy()[:, order], hessian[order][:, order], 3)
    found = gptq_quantize(layer, 3, by_activation=True, data=data).weight.detach().numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@settings(max_examples=25)
@given(
    bits=st.integers(2, 5),
    levels=st.sampled_from([{"symmetric": False}, {"symmetric": True}, {"symmetric": True, "full_range": True}]),
    strategy=st.sampled_from(["tensor", "channel", "group"]),
    seed=st.integers(0, 50),
)
def test_levels_are_those_of_quantize(bits: int, levels: dict[str, bool], strategy: str, seed: int) -> None:
    """On inputs without correlation nothing is compensated, and the two are the same."""
    torch.manual_seed(seed)
    layer = nn.Linear(8, 5)
    settings = {**levels, "strategy": strategy, "group_size": 3 if strategy == "group" else None}
    data = [(torch.eye(8), torch.zeros(8, dtype=torch.long))]
    found = gptq_quantize(layer, bits, data=data, **settings)
    expected = Quantize(bits, **settings)(layer).weight
    if levels.get("full_range"):  # the largest weight of a scale lies just between two levels
        torch.testing.assert_close(
            (found.weight - layer.weight).abs(), (expected - layer.weight).abs(), rtol=1e-4, atol=1e-6
        )
    else:
        torch.testing.assert_close(found.weight, expected, rtol=1e-5, atol=1e-6)
    assert scheme.of(found) == scheme.of(Quantize(bits, **settings)(layer))


@pytest.mark.parametrize("case", ["convolutional", "residual", "tied transformer", "shared weights"])
@pytest.mark.parametrize("sequential", [True, False])
def test_outputs_change_less_than_by_rounding_to_nearest(case: str, sequential: bool) -> None:
    model, data = build(case)
    model.eval()

    @torch.no_grad()
    def error(child: nn.Module) -> float:
        return sum(float(((child.eval()(x) - model(x)) ** 2).sum()) for x, _ in data)

    dense = ["embed"] if case == "tied transformer" else []  # else the error of the embedding hides all others
    child = gptq_quantize(model, 3, sequential=sequential, ignore=dense, data=data)
    assert error(child) < error(quantize(model, 3, ignore=dense))


def test_grouped_convolutions_have_moments_of_their_own() -> None:
    torch.manual_seed(0)
    whole = nn.Conv2d(4, 6, 3, groups=2)
    x = torch.randn(4, 4, 8, 8).cumsum(2)
    found = gptq_quantize(whole, 3, data=[(x, x)], loss=lambda y, _: y.sum())
    for half in range(2):
        part = nn.Conv2d(2, 3, 3)
        part.weight.data = whole.weight.data[3 * half : 3 * half + 3]
        alone = gptq_quantize(part, 3, data=[(x[:, 2 * half : 2 * half + 2],) * 2])
        torch.testing.assert_close(found.weight[3 * half : 3 * half + 3], alone.weight)


def test_inputs_that_are_always_zero_are_rounded_to_nearest() -> None:
    layer, data = problem()
    silent = [(x * (torch.arange(9) != 4), y) for x, y in data]
    child = gptq_quantize(layer, 4, data=silent)
    torch.testing.assert_close(child.weight[:, 4], quantize(layer, 4).weight[:, 4])


def test_other_weights_are_rounded_to_nearest_or_refused() -> None:
    model = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 3))
    tokens = torch.arange(7)[None]
    child = gptq_quantize(model, 3, data=[(tokens, tokens)])
    assert torch.equal(child[0].weight, quantize(model, 3)[0].weight)
    with pytest.raises(InvalidValue, match="no selected weight belongs to a linear or convolutional layer"):
        gptq_quantize(model, 3, targets=["Embedding"], data=[(tokens, tokens)])


def test_full_range_is_for_symmetric_levels() -> None:
    with pytest.raises(InvalidValue, match="full_range needs symmetric levels"):
        GPTQQuantize(symmetric=False, full_range=True)


def test_group_size_goes_with_group() -> None:
    with pytest.raises(InvalidValue, match="needs a group_size"):
        GPTQQuantize(strategy="group")
    with pytest.raises(InvalidValue, match="needs strategy 'group'"):
        GPTQQuantize(group_size=4)


def test_inputs_that_are_not_finite_are_refused_by_the_name_of_the_weight() -> None:
    x = torch.full((4, 8), torch.nan)
    with pytest.raises(InvalidValue, match=r"the inputs of '0\.weight' are not finite"):
        gptq_quantize(nn.Sequential(nn.Linear(8, 8)), 3, data=[(x, torch.zeros(4, dtype=torch.long))])
