from __future__ import annotations

import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import calibrate, finetune, magnitude_prune, quantize, restore
from compress_compare.schemes import scheme

from .networks import Residual, TiedTransformer, build


def changed(first: nn.Module, second: nn.Module) -> set[str]:
    after = second.state_dict()
    return {name for name, value in first.state_dict().items() if not torch.equal(value, after[name])}


def test_only_what_is_named_comes_back() -> None:
    original, data = build("tied transformer")
    trained = finetune(original, data=data, learning_rate=0.5)
    child = restore(trained, targets=["LayerNorm", "up"], original=original)
    back = {"norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias", "up.weight", "up.bias"}
    assert changed(trained, child) == back & changed(original, trained)
    assert not back & changed(original, child)


def test_everything_comes_back_without_targets_but_for_what_is_ignored() -> None:
    original, data = build("residual")
    other = finetune(original, data=data)
    assert changed(original, restore(other, original=original)) == set()
    left = changed(original, restore(other, ignore=["norm", "re:.*bias"], original=original))
    assert left == {name for name in changed(original, other) if "norm" in name or name.endswith("bias")}


def test_statistics_of_a_named_module_come_back() -> None:
    original, data = build("residual")
    other = calibrate(original, data=data)
    assert "norm.running_mean" in changed(original, other)
    assert changed(original, restore(other, targets=["norm"], original=original)) == set()


def test_what_it_is_stored_as_comes_back_too() -> None:
    original = quantize(Residual(), bits=4)
    dense = finetune(original, data=build("residual")[1])
    assert not scheme.of(dense)
    child = restore(dense, targets=["conv"], original=original)
    assert scheme.of(child) == {"conv.weight": scheme.of(original)["conv.weight"]}
    pruned = magnitude_prune(Residual(), 0.5)
    assert "conv.weight" not in scheme.of(restore(pruned, targets=["conv"], original=Residual()))


def test_ties_stay() -> None:
    child = restore(TiedTransformer(), targets=["head"], original=TiedTransformer())
    assert child.embed.weight is child.head.weight


def test_an_original_that_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match=r"'embed\.weight' has another shape") as caught:
        restore(TiedTransformer(), original=TiedTransformer(width=4))
    assert caught.value.code == "operation.not_applicable" and "[16, 8]" in caught.value.detail
    with pytest.raises(InvalidValue, match=r"no tensor 'stem\.weight'"):
        restore(Residual(), targets=["stem"], original=nn.Linear(2, 2))
    with pytest.raises(InvalidValue, match="no tensor is left"):
        restore(nn.Linear(2, 2), ignore=["weight", "bias"], original=nn.Linear(2, 2))
