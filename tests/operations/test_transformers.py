"""Hugging Face transformers, made from their configurations: every operation works or says in a sentence why not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from compress_compare import operations
from compress_compare.errors import UserError
from compress_compare.evaluation.size import packed_size
from compress_compare.schemes import scheme

transformers = pytest.importorskip("transformers", reason="transformers is not installed")
SIZES: dict[str, Any] = {"vocab_size": 32}
BERT = SIZES | {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
REFUSED = {
    "calibrate": {"bert", "gpt2", "llama"},
    "merge batchnorm": {"bert", "gpt2", "llama"},
    "pfa prune": {"gpt2"},
    "channel prune": {"gpt2"},
}
"""What does not apply, by operation."""


def build(kind: str) -> tuple[nn.Module, list[Any]]:
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 32, (16, 6), generator=generator)
    ends = {"bos_token_id": 1, "eos_token_id": 1}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if kind == "bert":
            config = transformers.BertConfig(**BERT, max_position_embeddings=8)
            return transformers.BertForSequenceClassification(config).eval(), [({"input_ids": ids}, ids[:, 0] % 2)]
        if kind == "gpt2":
            config = transformers.GPT2Config(**SIZES, **ends, n_embd=16, n_layer=1, n_head=2, n_positions=8)
            return transformers.GPT2LMHeadModel(config).eval(), [({"input_ids": ids}, ids)]
        config = transformers.LlamaConfig(**BERT, **ends, num_key_value_heads=1, tie_word_embeddings=True)
        return transformers.LlamaForCausalLM(config).eval(), [({"input_ids": ids}, ids)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", operations.available())
@pytest.mark.parametrize("kind", ["bert", "gpt2", "llama"])
def test_every_operation_works_or_says_why_not(kind: str, name: str) -> None:
    model, data = build(kind)
    cls = operations.available()[name]
    given: dict[str, Any] = {} if cls.data_requirement == "none" else {"data": data}
    if cls.roles:
        given["references"] = {role: build(kind)[0] for role in cls.roles}
    operation = cls(small=0, bits=2) if name == "dkm palettize" else cls()  # type: ignore[call-arg]
    if kind in REFUSED.get(name, ()):
        with pytest.raises(UserError) as caught:
            operation(model, **given)
        assert caught.value.code == "operation.not_applicable" and "\n" not in str(caught.value)
        return
    child = operation(model, **given)
    before, after = (network(**data[0][0]).logits for network in (model, child))
    assert after.shape == before.shape and bool(torch.isfinite(after).all())
    if cls.lowers == "stored bits":
        assert scheme.of(child) and packed_size(child).value < packed_size(model).value


def twins() -> tuple[nn.Module, nn.Module, list[Any]]:
    """A linear layer, and the same as a Conv1D, whose weight is the other way round."""
    torch.manual_seed(0)
    linear, other = nn.Linear(24, 10), transformers.pytorch_utils.Conv1D(10, 24)
    with torch.no_grad():
        other.weight.copy_(linear.weight.t())
        other.bias.copy_(linear.bias)
    scale = torch.linspace(0.1, 5, 24)
    return linear, other, [(torch.randn(64, 24) * scale, torch.zeros(64, dtype=torch.long)) for _ in range(2)]


@pytest.mark.parametrize("name", ["gptq_quantize", "awq_quantize", "quantize"])
@pytest.mark.parametrize("parameters", [{}, {"strategy": "group", "group_size": 8}, {"symmetric": False}])
def test_a_conv1d_is_rounded_like_the_linear_layer_it_is(name: str, parameters: dict[str, Any]) -> None:
    linear, other, data = twins()
    given = {} if name == "quantize" else {"data": data}
    one, two = (getattr(operations, name)(layer, bits=3, **parameters, **given) for layer in (linear, other))
    torch.testing.assert_close(one.weight, two.weight.t())
    assert packed_size(one).value == packed_size(two).value


def test_a_conv1d_multiplies_integers_like_the_linear_layer_it_is() -> None:
    linear, other, data = twins()
    one, two = (operations.quantize_dynamic(layer)(data[0][0]) for layer in (linear, other))
    torch.testing.assert_close(one, two)


def test_the_feed_forward_channels_of_a_llama_are_cut_and_its_attention_is_left_alone() -> None:
    model, data = build("llama")
    small = operations.channel_prune(model, amount=0.5, data=data)
    before, after = model.model.layers[0], small.model.layers[0]
    rows, columns = before.mlp.up_proj.weight.shape
    assert after.mlp.up_proj.weight.shape == (rows // 2, columns)
    assert after.self_attn.q_proj.weight.shape == before.self_attn.q_proj.weight.shape
    assert small(**data[0][0]).logits.shape == model(**data[0][0]).logits.shape
