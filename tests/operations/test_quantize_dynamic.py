from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.evaluation.size import packed_size
from compress_compare.operations import quantize_dynamic
from compress_compare.schemes import scheme

from .networks import Shared, TiedTransformer, build


def by_hand(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Integers and scales of rows, multiplied in double precision."""
    scales = [np.abs(rows).max(1, keepdims=True) / 127 for rows in (x, weight)]
    levels = [np.round(rows / scale) for rows, scale in zip((x, weight), scales, strict=True)]
    return (levels[0] @ levels[1].T) * scales[0] * scales[1].T + bias


def test_a_linear_layer_multiplies_integers() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(33, 17)
    x = torch.randn(5, 33) * torch.tensor([1, 10, 0.1, 3, 7])[:, None]
    child = quantize_dynamic(layer)
    wanted = by_hand(*(tensor.detach().numpy() for tensor in (x, layer.weight, layer.bias)))
    np.testing.assert_allclose(child(x).detach(), wanted, rtol=1e-4, atol=1e-5)
    difference = (child(x) - layer(x)).detach()
    assert float(difference.abs().max() / layer(x).detach().abs().max()) < 0.02


def test_shapes_and_vectors_of_zeros() -> None:
    child = quantize_dynamic(nn.Linear(4, 3))
    assert child(torch.zeros(2, 5, 4)).shape == (2, 5, 3)
    torch.testing.assert_close(child(torch.zeros(4)), child.bias)
    assert child(torch.randn(0, 4)).shape == (0, 3)


def test_weights_are_stored_as_int8_with_their_scales() -> None:
    model = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 2, bias=False))
    child = quantize_dynamic(model)
    state = child.state_dict()
    assert {name: tensor.dtype for name, tensor in state.items() if "weight" in name} == {
        "0.weight": torch.int8,
        "0.weight_scale": torch.float32,
        "2.weight": torch.int8,
        "2.weight_scale": torch.float32,
    }
    assert set(scheme.of(child)) == {"0.weight", "2.weight"}
    assert packed_size(child).value == 48 + 12 + 4 * (6 + 2) + 4 * 6


def test_tied_and_shared_layers() -> None:
    model, data = build("tied transformer")
    child = quantize_dynamic(model)
    assert child.head.weight is child.embed.weight and child.state_dict()["up.weight"].dtype == torch.int8
    assert quantize_dynamic(Shared()).first is not None
    shared = quantize_dynamic(Shared())
    assert shared.first is shared.second and shared.state_dict()["first.weight"].dtype == torch.int8
    assert torch.isfinite(child(data[0][0])).all()


def test_what_is_no_linear_layer_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"'embed\.weight' is not the weight of a linear layer of its own"):
        quantize_dynamic(TiedTransformer(), targets=["embed"])
    with pytest.raises(InvalidValue, match="no linear layer") as caught:
        quantize_dynamic(nn.Conv2d(1, 2, 3))
    assert caught.value.code == "operation.not_applicable"
