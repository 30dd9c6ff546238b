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
