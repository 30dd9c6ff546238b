"""Channels of further architectures: they are cut, or the refusal says of which layers, why, and what to do instead."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import channel_prune, pfa_prune
from compress_compare.operations.surgery import Prunable, no_layer, prunable, sound

LABELS = torch.tensor([0, 1, 2, 3])


def rows(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def cut_both(model: nn.Module, inputs: Any) -> list[nn.Module]:
    data = [(inputs, LABELS)] * 20
    return [channel_prune(model, 0.5, data=data), pfa_prune(model, "energy", 0.9, data=data)]


def size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_channels_that_are_cut_are_those_that_the_trial_cut() -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    wide: dict[str, Any] = {"hidden_sizes": [16, 24, 32], "num_attention_heads": [2, 2, 2], "key_dim": [8, 8, 8]}
    config = transformers.LevitConfig(image_size=64, depths=[1, 1, 1], num_labels=5, drop_path_rate=0, **wide)
    config.down_ops = [["Subsample", 8, 2, 4, 2, 2], ["Subsample", 8, 2, 4, 2, 2], [""]]
    model, inputs = transformers.LevitForImageClassification(config).eval(), {"pixel_values": rows(4, 3, 64, 64)}
    found = prunable(model, inputs, operation="cutting")
    assert found.groups and "levit.patch_embeddings.embedding_layer_4.convolution" in found.skipped
    for child in cut_both(model, inputs):
        assert size(child) < size(model) and child(**inputs).logits.shape == (4, 5)


def test_joins_of_rotary_embeddings_do_not_stand_in_the_way() -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    wide = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = transformers.GPTNeoXForCausalLM(transformers.GPTNeoXConfig(vocab_size=40, **wide)).eval()
    tokens = torch.randint(0, 40, (4, 6))
    child = channel_prune(model, 0.5, data=[({"input_ids": tokens}, tokens)])
    mlp = child.gpt_neox.layers[0].mlp  # type: ignore[union-attr, index]
    assert mlp.dense_h_to_4h.out_features == mlp.dense_4h_to_h.in_features == 16
    assert child(input_ids=tokens).logits.shape == (4, 6, 40)


class Complex(nn.Module):
    def __init__(self, *, real: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.real, self.first, self.out = real, nn.Linear(8, 16), nn.Linear(12, 5)
        self.inner = nn.Linear(16, 12, dtype=torch.complex64)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        y = self.inner(torch.complex(y, y))
        return self.out(y.abs()) if self.real else y


@pytest.mark.parametrize("real", [True, False])
def test_a_layer_of_complex_numbers_reads_fewer_channels(real: bool) -> None:
    model, x = Complex(real=real).eval(), rows(4, 8)
    found = prunable(model, x, operation="cutting")
    assert [group.layers for group in found.groups] == [("first",)]
    for child in cut_both(model, rows(20, 8)):
        assert child.first.out_features == child.inner.in_features < 16  # type: ignore[union-attr, operator]
    assert found.skipped["inner"] == "its numbers are complex, which no operation on weights takes"


class Spectral(nn.Module):
    """All layers are complex, and so is the answer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.out = (nn.Linear(*shape, dtype=torch.complex64) for shape in ((8, 16), (16, 5)))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.first(torch.complex(x, x)))


def test_a_model_of_complex_numbers_is_told_that_they_are() -> None:
    with pytest.raises(InvalidValue, match=r"first.weight is left alone: its numbers are complex"):
        channel_prune(Spectral().eval(), 0.5, data=[(rows(4, 8), LABELS)])


class Codes(nn.Module):
    """Whatever the encoder computes becomes whole numbers, as in a codec of speech."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder, self.unused = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 6)), nn.Linear(8, 8)
        self.table, self.out = nn.Embedding(6, 8), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.table(self.encoder(x).argmax(1)))


def test_layers_behind_whole_numbers_are_told_from_layers_that_do_not_run() -> None:
    with pytest.raises(InvalidValue) as caught:
        channel_prune(Codes().eval(), 0.5, data=[(rows(4, 8), LABELS)])
    assert re.search(r"encoder.0, encoder.2: its outputs reach the answer only as whole numbers", caught.value.detail)
    assert "unused: it does not take part in the forward pass" in caught.value.detail
    assert "magnitude prune" in caught.value.hint


class SinglePrecision(nn.Module):
    """Cannot be run in double precision."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.out = nn.Linear(8, 16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.first(x.float()).relu())


def test_a_model_that_runs_in_one_precision_only_is_tried_in_it() -> None:
    for child in cut_both(SinglePrecision().eval(), rows(20, 8)):
        assert child.first.out_features < 16  # type: ignore[union-attr]


class Meeting(nn.Module):
    """Two layers of which each may lose channels alone."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.out = nn.Linear(8, 16), nn.Linear(8, 16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.first(x) + self.second(x))


def test_what_cannot_be_cut_is_named_with_the_layers_that_go_along() -> None:
    model, x = Meeting().eval(), rows(4, 8)
    with pytest.raises(InvalidValue, match=r"first: it loses channels together with second, which is not selected"):
        channel_prune(model, 0.5, targets=("first",), data=[(x, LABELS)])
    assert sound(model, x, removed={"first": [0, 3]}) == {"first": [0, 3]}
    refused = no_layer("none.", nn.LSTM(3, 4), operation="cutting", chosen={""}, found=Prunable((), {}))
    assert refused.detail == "the model itself: Torch-Pruning does not cut what is of the class LSTM."
    grouped = nn.Conv2d(8, 8, 3, groups=8)
    refused = no_layer("none.", grouped, operation="cutting", chosen={""}, found=Prunable((), {}))
    assert refused.detail == "the model itself: its groups go with the channels that it reads."
