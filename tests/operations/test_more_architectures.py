"""Models with traits of further architectures that made an operation break a law, refuse, or leave weights unsaid."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compress_compare import operations
from compress_compare.errors import InvalidValue
from compress_compare.operations import (
    channel_prune,
    distill,
    dkm_palettize,
    finetune,
    gradient_prune,
    iterative_prune,
    low_rank,
    merge_batchnorm,
    movement_prune,
    nm_prune,
    quantize,
)
from compress_compare.schemes import scheme

from .traits import Answers, Auxiliary, Experts, Listed, Lookup, Products, Remembers, Speaks, normalized

LABELS = torch.tensor([0, 1, 2, 3])


def rows(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def said(name: str, model: nn.Module, **parameters: Any) -> str:
    """What an operation without data says of itself."""
    lines: list[str] = []
    operations.get(name)(**parameters)(model, progress=lambda _, text: lines.append(text))
    return "\n".join(lines)


def test_layers_that_are_run_from_a_list_are_replaced_in_it() -> None:
    model, x = Listed().eval(), rows(4, 3, 4, 4)
    small, merged = low_rank(model), merge_batchnorm(model)
    assert small(x).shape == (4, 5) and not torch.equal(small(x), model(x))
    assert torch.allclose(merged(x), model(x), atol=1e-5)
    assert isinstance(model.layers[1], nn.BatchNorm2d)


def test_what_a_model_remembers_of_its_weights_is_computed_anew() -> None:
    model, x = Remembers().eval(), rows(4, 8)
    with torch.no_grad():
        before = model(x)
    child = quantize(model, 2, targets=("table",))
    assert torch.allclose(child(x), child.layer(x @ child.table.softmax(1)))  # type: ignore[operator, union-attr]
    assert torch.equal(model(x), before)
    pruned = gradient_prune(model, 0.5, data=[(x, LABELS), (x, LABELS)])
    assert any(not bool(p.all()) for p in pruned.parameters())


def test_embeddings_with_sparse_gradients_are_trained() -> None:
    data = [(torch.arange(24).reshape(4, 6), LABELS)]
    for child in (
        dkm_palettize(Lookup(), 2, small=0, data=data),
        finetune(Lookup(), optimizer="adam", weight_decay=0.1, data=data),
    ):
        table: Any = child.table
        assert table.sparse and not torch.equal(table.weight, Lookup().table.weight)


def test_logits_may_be_an_entry_of_a_mapping() -> None:
    model, data = Answers("logits"), [(rows(4, 8), LABELS)]
    for child in (finetune(model, data=data), distill(model, teacher=Answers("logits"), data=data)):
        assert not torch.equal(child.layer.weight, model.layer.weight)  # type: ignore[union-attr, arg-type]


def test_an_answer_without_logits_is_refused_with_what_to_do() -> None:
    model, data = Answers("out"), [(rows(4, 8), LABELS)]
    with pytest.raises(InvalidValue, match="no logits; let it answer"):
        finetune(model, data=data)
    with pytest.raises(InvalidValue, match=r"the teacher gives nothing to learn from.*no logits"):
        distill(Answers("logits"), teacher=model, data=data)


class Asserts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 5)

    def forward(self, x: Tensor, targets: Tensor | None = None) -> Tensor:
        assert targets is not None or not self.training, "targets should not be none"
        return self.layer(x)


def test_an_assertion_of_a_model_is_about_the_batch() -> None:
    with pytest.raises(InvalidValue, match=r"cannot be run on a batch.*targets should not be none") as caught:
        finetune(Asserts(), data=[(rows(4, 8), LABELS)])
    assert caught.value.code == "data.forward"


@pytest.mark.parametrize("name", ["quantize", "palettize", "magnitude prune", "nm prune"])
def test_biases_scales_and_complex_numbers_are_left_alone_and_named(name: str) -> None:
    lines = said(name, Experts())
    assert "up_proj_bias: it is a bias" in lines
    assert "temperature: it is a scale or shift" in lines
    assert "filter: its numbers are complex" in lines
    model = Experts()
    child = operations.get(name)()(model)
    for left in ("up_proj_bias", "temperature", "filter"):
        assert torch.equal(child.get_parameter(left), model.get_parameter(left))
    assert not torch.equal(child.get_parameter("weight"), model.weight)
    named = quantize(model, 2, targets=("up_proj_bias",))
    assert set(scheme.of(named)) == {"up_proj_bias"}


def test_nm_pruning_names_what_it_cannot_divide() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(32, 5))
    assert "left as they are: 0.weight: their inputs cannot be divided into groups of 4" in said("nm prune", model)
    assert not bool(nm_prune(model)[2].weight.all())  # type: ignore[index, union-attr]


def test_only_weights_with_zeros_are_said_to_be_pruned() -> None:
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 5))
    for layer, size in ((model[0], 0.01), (model[2], 1.0)):
        layer.weight.data = torch.sign(layer.weight.data) * size  # type: ignore[operator, union-attr]
    data = [(rows(4, 8), LABELS)]
    child = iterative_prune(model, 0.3, steps=1, learning_rate=1e-6, data=data)
    assert set(scheme.of(child)) == {"0.weight"}
    moved = movement_prune(model, 0.3, epochs=2, learning_rate=1e-6, data=data)
    zeros = {name for name, values in moved.named_parameters() if values.ndim > 1 and not bool(values.all())}
    assert set(scheme.of(moved)) == zeros


def test_heads_that_run_in_training_only_lose_channels_too() -> None:
    model, x = Auxiliary().eval(), rows(4, 3, 8, 8)
    child = channel_prune(model, 0.5, data=[(x, LABELS)])
    assert child.stem.out_channels == child.side.in_channels == 8
    assert not child.norm.running_mean.any()
    assert child(x).shape == (4, 5) and child.train()(x)[1].shape == (4, 8, 6, 6)


def test_channels_are_cut_beside_weights_that_hooks_compute() -> None:
    model = normalized().eval()
    x = rows(4, 3, 8, 8)
    model(x)
    assert channel_prune(model, 0.5, data=[(x, rows(4, 5, 4, 4))], loss=F.mse_loss)(x).shape == (4, 5, 4, 4)


def test_answers_whose_length_is_computed_may_become_longer() -> None:
    model, data = Speaks().eval(), [(rows(4, 8), LABELS)]
    assert model(data[0][0]).shape != gradient_prune(model, 0.8, data=data, loss=mean)(data[0][0]).shape


def mean(outputs: Tensor, _targets: Any) -> Tensor:
    return outputs.square().mean()


def test_a_model_without_layers_is_not_told_to_choose_a_lower_rank() -> None:
    with pytest.raises(InvalidValue, match=r"no layer that can be factorized. 'weight' belongs to a Products"):
        low_rank(Products())
    with pytest.raises(InvalidValue, match="Choose a lower rank"):
        low_rank(nn.Linear(8, 5), rank=5)


def test_states_that_a_model_changes_in_place_do_not_stand_in_the_way_of_gradients() -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    config = transformers.RwkvConfig(vocab_size=32, hidden_size=16, num_hidden_layers=2, attention_hidden_size=16)
    model = transformers.RwkvForCausalLM(config).eval()
    tokens = torch.randint(0, 32, (4, 6))
    child = operations.gradient_prune(model, amount=0.5, data=[({"input_ids": tokens}, tokens)])
    assert model.config.use_cache and child.config.use_cache
    pruned = [one.weight for one in child.modules() if isinstance(one, nn.Linear)]
    assert any((weight == 0).float().mean() > 0.2 for weight in pruned)
