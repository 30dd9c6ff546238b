from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from compress_compare.operations import magnitude_prune
from compress_compare.schemes import scheme

from .networks import Residual, TiedTransformer, build


def weights(model: nn.Module) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in model.parameters() if p.ndim >= 2])


@settings(max_examples=30)
@given(amount=st.floats(0, 1), seed=st.integers(0, 1000))
def test_global_keeps_exactly_the_largest(amount: float, seed: int) -> None:
    torch.manual_seed(seed)
    model = Residual()
    before = weights(model)
    after = weights(magnitude_prune(model, amount))
    count = round(amount * len(before))
    smallest = np.argsort(np.abs(before), kind="stable")[:count]
    expected = before.copy()
    expected[smallest] = 0
    np.testing.assert_array_equal(after, expected)


@pytest.mark.parametrize("amount", [0.0, 0.25, 0.5, 1.0])
def test_local_prunes_every_tensor_alike(amount: float) -> None:
    child = magnitude_prune(Residual(), amount=amount, scope="local")
    for name, parameter in child.named_parameters():
        expected = round(amount * parameter.numel()) if parameter.ndim >= 2 else 0
        zeros = int((parameter == 0).sum())
        assert zeros == expected or "norm" in name, name


def test_agrees_with_torch() -> None:
    model, _ = build("convolutional")
    child = magnitude_prune(model, 0.6)
    layers = [(model[0], "weight"), (model[5], "weight")]  # type: ignore[index]
    prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=0.6)
    for layer, name in layers:
        prune.remove(layer, name)
    for key, value in model.state_dict().items():
        assert torch.equal(value, child.state_dict()[key]), key


def test_zeros_that_are_there_count() -> None:
    once = magnitude_prune(Residual(), 0.5)
    twice = magnitude_prune(once, 0.5)
    assert all(torch.equal(a, b) for a, b in zip(once.parameters(), twice.parameters(), strict=True))


def test_tied_weights_are_pruned_once_and_stay_tied() -> None:
    child = magnitude_prune(TiedTransformer(), 0.5)
    assert child.head.weight is child.embed.weight
    assert "head.weight" not in scheme.of(child) and scheme.of(child)["embed.weight"].pruned
    values = weights(child)
    assert (values == 0).sum() == round(0.5 * len(values))


def test_norms_are_pruned_when_asked_for() -> None:
    model = TiedTransformer()
    with torch.no_grad():
        model.norm1.weight.copy_(torch.arange(1, 9))
    child = magnitude_prune(model, 0.25, targets=["LayerNorm"])
    assert child.norm1.weight.tolist() == [0, 0, 3, 4, 5, 6, 7, 8] or child.norm2.weight.count_nonzero() < 8
    assert torch.equal(child.up.weight, model.up.weight)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_of_equal_weights_the_first_go_and_the_share_is_exact(dtype: torch.dtype) -> None:
    layer = nn.Linear(10, 10, bias=False).to(dtype)
    with torch.no_grad():
        layer.weight.fill_(0.5)
        layer.weight[9] = 0.25
    child = magnitude_prune(layer, 0.3)
    gone = (child.weight == 0).flatten().nonzero().flatten().tolist()
    assert gone == [*range(20), *range(90, 100)]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("amount", [0.0, 0.001, 0.37, 1.0])
def test_the_first_of_a_stable_order_go_in_every_format(dtype: torch.dtype, amount: float) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(30, 20), nn.Linear(20, 7)).to(dtype)
    weights = torch.cat([layer.weight.detach().flatten() for layer in model])
    gone = weights.double().abs().argsort(stable=True)[: round(amount * len(weights))]
    expected = weights.index_fill(0, gone, 0)
    pruned = magnitude_prune(model, amount)
    assert torch.equal(torch.cat([layer.weight.detach().flatten() for layer in pruned]), expected)
