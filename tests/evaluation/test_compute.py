import pytest
import torch
from torch import nn
from torch.nn import functional

from compress_compare.errors import InvalidValue
from compress_compare.evaluation.compute import macs


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(16, 16)

    def forward(self, x):
        heads = self.project(x).unflatten(-1, (2, 8)).transpose(1, 2)
        return functional.scaled_dot_product_attention(heads, heads, heads)


def test_convolution_and_linear_by_hand():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 5 * 6, 10))
    # Each of 5·6 positions and 8 filters sees 3·3·3 inputs; then 240 inputs for each of 10 outputs.
    value = macs(model, torch.zeros(1, 3, 5, 6))
    assert value.value == 5 * 6 * 8 * 27 + 240 * 10
    assert value.device == "input 1×3×5×6"


def test_strided_grouped_and_transposed_convolutions():
    assert macs(nn.Conv2d(4, 8, 3, stride=2, groups=2), torch.zeros(2, 4, 9, 9)).value == 2 * 16 * 8 * 2 * 9
    assert macs(nn.ConvTranspose2d(4, 8, 3), torch.zeros(1, 4, 5, 5)).value == 25 * 4 * 8 * 9


def test_attention_is_not_silently_zero():
    # Projection 10·16·16, then two heads of 10×8 by 8×10 and 10×10 by 10×8.
    assert macs(Attention(), torch.zeros(1, 10, 16)).value == 2560 + 2 * (800 + 800)


def test_transformer_layer_is_counted_off_its_fast_path():
    layer = nn.TransformerEncoderLayer(16, 2, dim_feedforward=32, batch_first=True).eval()
    tokens = 7
    expected = tokens * 16 * 48 + 2 * 2 * tokens * tokens * 8 + tokens * 16 * 16 + 2 * tokens * 16 * 32
    assert macs(layer, torch.zeros(1, tokens, 16)).value == expected
    assert torch.backends.mha.get_fastpath_enabled()


def test_recurrent_layer():
    assert macs(Recurrent(), torch.zeros(1, 5, 4)).value == 5 * 4 * 6 * (4 + 6)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 6, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0]


class Products(nn.Module):
    """Matrix times vector, the same added to a vector, and a vector times a vector."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 6))

    def forward(self, x):
        once = torch.mv(self.weight, x)
        twice = torch.addmv(once, self.weight, x)
        return torch.dot(twice, once)


def test_products_with_vectors():
    assert macs(Products(), torch.zeros(6)).value == 4 * 6 + 4 * 6 + 4


class SumOfProducts(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 5, 7))

    def forward(self, x):
        return torch.addbmm(torch.zeros(2, 7), x, self.weight)


def test_a_sum_of_matrix_products():
    assert macs(SumOfProducts(), torch.zeros(3, 2, 5)).value == 3 * 2 * 5 * 7


def test_matrix_times_vector():
    assert macs(nn.Linear(6, 4, bias=False), torch.zeros(6)).value == 24


class Int8Product(nn.Module):
    def forward(self, x):
        return torch._int_mm(x, x)


def test_a_kernel_of_unknown_cost_is_an_error():
    with pytest.raises(InvalidValue, match="_int_mm") as caught:
        macs(Int8Product(), torch.zeros(32, 32, dtype=torch.int8))
    assert caught.value.code == "compute.uncounted"


def test_resampling_is_no_product():
    model = nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(1, 2, 3))
    assert macs(model, torch.zeros(1, 1, 4, 4)).value == 36 * 2 * 9


class Elementwise(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 3))

    def forward(self, x):
        return (x.unsqueeze(-1) * self.weight).sum(-2)


def test_zero_with_weight_matrices_is_an_error():
    with pytest.raises(InvalidValue, match="every operation"):
        macs(Elementwise(), torch.zeros(1, 3))


def test_a_model_without_products_has_none():
    assert macs(nn.ReLU(), torch.zeros(1, 3)).value == 0
