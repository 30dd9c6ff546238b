import math

import pytest
import torch
from torch import nn

from compress_compare.evaluation.sparsity import nonzero_parameters, parameters, sparsity, weight_sparsity


def test_counts_by_hand():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [float("nan"), 0.0, -2.0]]))
        model[0].bias.fill_(1.0)
    # weight 6 (3 zeros), bias 2, norm weight 2, norm bias 2 (zeros)
    assert parameters(model).value == 12
    assert nonzero_parameters(model).value == 7
    assert sparsity(model).value == pytest.approx(5 / 12)
    assert weight_sparsity(model).value == 0.5


def test_tied_parameters_count_once():
    first, second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    second.weight = first.weight
    assert parameters(nn.Sequential(first, second)).value == 16


def test_without_parameters_there_is_no_share():
    assert math.isnan(sparsity(nn.ReLU()).value)
    assert math.isnan(weight_sparsity(nn.BatchNorm1d(3)).value)
