from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from compress_compare.operations.pfa.statistics import RunningMoments, gather, responses


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_covariance_is_that_of_all_rows_at_once(offset: float) -> None:
    rows = np.random.default_rng(0).normal(size=(1000, 7)) @ np.random.default_rng(1).normal(size=(7, 7)) + offset
    moments = RunningMoments(7)
    for part in np.array_split(rows, [1, 5, 400]):
        moments.add(torch.from_numpy(part))
    np.testing.assert_allclose(moments.covariance().numpy(), np.cov(rows.T), rtol=1e-8, atol=1e-8)


def test_single_precision_responses_are_summed_in_double_precision() -> None:
    rows = torch.randn(20_000, 3) + 1000
    moments = RunningMoments(3)
    for part in rows.split(100):
        moments.add(part)
    np.testing.assert_allclose(moments.covariance().numpy(), np.cov(rows.double().numpy().T), rtol=1e-9, atol=1e-9)


def test_responses_of_convolutions_are_pooled_and_those_of_linear_layers_are_rows() -> None:
    output = torch.arange(24.0).reshape(1, 2, 3, 4)
    assert responses(nn.Conv2d(1, 2, 1), output, pooling="max").tolist() == [[11.0, 23.0]]
    assert responses(nn.Conv2d(1, 2, 1), output, pooling="average").tolist() == [[5.5, 17.5]]
    assert responses(nn.Linear(1, 4), output, pooling="max").shape == (6, 4)


def test_gathers_over_batches_and_leaves_no_hook() -> None:
    model = nn.Sequential(nn.Conv2d(1, 3, 2), nn.Flatten(), nn.Linear(12, 2)).eval()
    batches = [(torch.randn(size, 1, 3, 3), torch.zeros(size)) for size in (4, 7)]
    moments = gather(model, batches, layers=["0", "2"], pooling="max", operation="try")
    with torch.no_grad():
        everything = torch.cat([model[0](inputs) for inputs, _ in batches]).amax((2, 3)).numpy()
    np.testing.assert_allclose(moments["0"].covariance().numpy(), np.cov(everything.T), rtol=1e-4)
    assert moments["0"].count == moments["2"].count == 11
    assert not any(layer._forward_hooks for layer in model.modules())
