from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from compress_compare.operations.parts.data import check_batches, cross_entropy


def by_hand(logits: Tensor, targets: Tensor) -> float:
    """Mean of −log softmax at the target, over rows whose target is not −100."""
    rows, wanted = logits.double().numpy(), targets.numpy()
    rows, wanted = rows[wanted != -100], wanted[wanted != -100]
    probabilities = np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)
    return float(-np.log(probabilities[np.arange(len(wanted)), wanted]).mean())


def test_cross_entropy_of_classes_tokens_and_pixels() -> None:
    random = torch.Generator().manual_seed(0)
    classes, labels = torch.randn(6, 4, generator=random), torch.tensor([0, 1, 2, 3, -100, 0])
    expected = pytest.approx(by_hand(classes, labels), rel=1e-5)
    assert cross_entropy(classes, labels).item() == expected
    assert cross_entropy(classes.reshape(2, 3, 4), labels.reshape(2, 3)).item() == expected
    pixels = classes.reshape(1, 2, 3, 4).movedim(3, 1)
    assert cross_entropy(pixels, labels.reshape(1, 2, 3)).item() == expected
    assert cross_entropy(SimpleNamespace(logits=classes), labels).item() == expected


def test_checking_data_draws_no_random_numbers() -> None:
    dataset = torch.utils.data.TensorDataset(torch.zeros(4, 2), torch.zeros(4))
    before = torch.get_rng_state()
    check_batches("try", torch.utils.data.DataLoader(dataset, shuffle=True))
    assert torch.equal(before, torch.get_rng_state())
