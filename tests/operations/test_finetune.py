from __future__ import annotations

import pytest
import torch

from compress_compare.errors import InvalidValue
from compress_compare.operations import Finetune, Train, finetune, magnitude_prune, quantize, train
from compress_compare.schemes import scheme

from .networks import build


def test_it_is_training_with_gentler_defaults() -> None:
    settings = Finetune()
    assert settings.parameters == {**Train().parameters, "epochs": 1, "learning_rate": 0.01}
    model, data = build("residual")
    tuned, trained = finetune(model, data=data), train(model, 1, 0.01, data=data)
    for key, value in tuned.state_dict().items():
        assert value.equal(trained.state_dict()[key]), key


def test_the_grid_of_a_quantized_model_is_gone_and_the_zeros_of_a_pruned_one_stay() -> None:
    model, data = build("convolutional")
    assert scheme.of(finetune(quantize(model, 4), data=data)) == {}
    both = quantize(magnitude_prune(model, 0.5), 4)
    entry = scheme.of(finetune(both, data=data))["5.weight"]
    assert entry == scheme.TensorScheme(kind="dense", pruned=True)


def test_only_what_is_named_is_trained() -> None:
    model, data = build("convolutional")
    norms = {
        f"{path}.{name}"
        for path, module in model.named_modules()
        if isinstance(module, torch.nn.BatchNorm2d)
        for name, _ in module.named_parameters(recurse=False)
    }
    assert norms
    tuned = finetune(model, targets=["BatchNorm2d"], data=data)
    before, after = dict(model.named_parameters()), dict(tuned.named_parameters())
    assert {name for name in before if not before[name].equal(after[name])} == norms
    assert all(parameter.requires_grad for parameter in after.values())


def test_what_is_named_and_is_not_there_is_said() -> None:
    model, data = build("convolutional")
    with pytest.raises(InvalidValue, match="LayerNorm"):
        finetune(model, targets=["LayerNorm"], data=data)
