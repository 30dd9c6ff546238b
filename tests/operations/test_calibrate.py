from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import calibrate


def test_statistics_are_the_averages_over_batches() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(3, momentum=0.3), nn.Dropout(0.5))
    model[0].running_mean.fill_(100)
    batches = [torch.randn(size, 3) * 2 + 1 for size in (4, 6, 8)]
    child = calibrate(model, data=[(batch, torch.zeros(len(batch))) for batch in batches])
    mean = np.mean([batch.double().numpy().mean(axis=0) for batch in batches], axis=0)
    variance = np.mean([batch.double().numpy().var(axis=0, ddof=1) for batch in batches], axis=0)
    np.testing.assert_allclose(child[0].running_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(child[0].running_var.numpy(), variance, rtol=1e-5)
    assert int(child[0].num_batches_tracked) == 3 and child[0].momentum == 0.3


def test_later_layers_see_what_earlier_ones_do_with_batch_statistics() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2))
    data = torch.randn(16, 2) * 5 + 3
    child = calibrate(model, data=[(data, torch.zeros(16))])
    torch.testing.assert_close(child[1].running_mean, torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(child[1].running_var, torch.full((2,), 16 / 15), atol=1e-4, rtol=0)


def test_dropout_is_off() -> None:
    model = nn.Sequential(nn.Dropout(0.9), nn.BatchNorm1d(2))
    data = torch.ones(8, 2) * torch.arange(8)[:, None]
    child = calibrate(model, data=[(data, torch.zeros(8))])
    assert child[1].running_mean.tolist() == [3.5, 3.5]


def test_a_model_without_running_statistics_is_refused() -> None:
    with pytest.raises(InvalidValue, match="no batch-norm layer with running statistics"):
        calibrate(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), data=[(torch.zeros(2, 2), torch.zeros(2))])


def test_a_batch_of_one_is_refused() -> None:
    with pytest.raises(InvalidValue, match="more than 1 value per channel") as caught:
        calibrate(nn.BatchNorm1d(2), data=[(torch.zeros(1, 2), torch.zeros(1))])
    assert caught.value.code == "data.forward"
