import pytest
import torch
from torch import nn

from compress_compare.evaluation.kernels import integer_products
from compress_compare.operations import quantize, quantize_dynamic


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))


def test_floating_point_is_floating_point_whatever_its_grid():
    example = torch.zeros(1, 1, 8, 8)
    for model in (network(), quantize(network(), bits=4)):
        found = integer_products(model, example)
        assert (found.value, found.count) == (0.0, 2)


def test_a_linear_layer_of_integers_is_seen():
    found = integer_products(quantize_dynamic(network()), torch.zeros(1, 1, 8, 8))
    assert (found.value, found.count) == (0.5, 2)


def test_a_model_without_products_has_no_share():
    assert integer_products(nn.ReLU(), torch.zeros(1, 3)) is None


class Mixed(nn.Module):
    def forward(self, x):
        weight = torch.ones(16, 32, dtype=torch.int8)
        return torch.ops.aten._weight_int8pack_mm(x, weight, torch.ones(16, dtype=x.dtype))


def test_integers_times_floats_are_floats():
    found = integer_products(Mixed(), torch.zeros(4, 32, dtype=torch.bfloat16))
    assert (found.value, found.count) == (0.0, 1)


class Whole(nn.Module):
    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, x):
        return torch.mm(x.to(self.dtype), torch.ones(2, 3, dtype=self.dtype)).float()


@pytest.mark.parametrize(
    ("dtype", "share"),
    [(torch.int8, 1), (torch.uint8, 1), (torch.int16, 1), (torch.int32, 1), (torch.int64, 0), (torch.float32, 0)],
)
def test_products_of_integers_of_at_most_32_bits_count(dtype, share):
    assert integer_products(Whole(dtype), torch.ones(2, 2)).value == share
