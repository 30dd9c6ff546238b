import numpy as np
import pytest
import torch
from torch import nn

from compress_compare.evaluation.forward import logits, observing


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))


def test_batches_make_no_difference_and_nothing_changes():
    model = network().train()
    model[1].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    inputs = torch.randn(10, 4)
    scores = logits(model, inputs, batch_size=3)
    np.testing.assert_allclose(scores, logits(model, inputs), rtol=1e-6)
    assert scores.shape == (10, 3)
    assert scores.dtype == np.float64
    assert [module.training for module in model.modules()] == [True, True, False, True, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_everything_is_put_back_after_an_error():
    model = network()
    with pytest.raises(RuntimeError), observing(model):
        model(torch.zeros(2, 99))
    assert model.training
    assert torch.is_grad_enabled()


def test_a_model_that_is_no_classifier_is_refused():
    with pytest.raises(ValueError, match=r"found \(2, 4, 4\)"):
        logits(nn.Unflatten(1, (4, 4)), torch.zeros(2, 16))
