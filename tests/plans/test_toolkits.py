"""Plans that the other toolkits execute: they make the numbers that our own operations make."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import BaseOperation, Palettize, Quantize
from compress_compare.plans import auto_round, coreai, coremltools, llm_compressor, modelopt, nncf, torchao

pytestmark = pytest.mark.filterwarnings("ignore")


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 8)).eval()


def ours(model: nn.Module, plan: Sequence[BaseOperation]) -> nn.Module:
    for operation in plan:
        model = operation(model)
    return model


def weights(model: nn.Sequential) -> list[Tensor]:
    return [getattr(layer.weight, "dequantize", layer.weight.detach)() for layer in model]


def test_torchao_rounds_as_we_do_but_for_weights_halfway_between_two_levels() -> None:
    pytest.importorskip("torchao")
    plan = [
        Quantize(4, strategy="group", group_size=32, full_range=True, targets=("0.weight",)),
        Quantize(8, full_range=True, targets=("1.weight",)),
        Quantize(4, symmetric=False, targets=("2.weight",)),
    ]
    text = torchao.configuration(plan)
    assert not text.startswith("#")
    names: dict[str, object] = {}
    theirs = net()
    exec(text, names)
    names["quantize_"](theirs, names["CONFIG"], filter_fn=None)  # type: ignore[operator]
    expected, found, before = weights(ours(net(), plan)), weights(theirs), weights(net())
    assert torch.equal(found[2], expected[2])
    for place, size in ((0, 32), (1, 32)):
        unlike = (found[place] != expected[place]).reshape(-1, size)
        rows = before[place].reshape(-1, size).abs()
        assert bool((rows[unlike] == rows.amax(1, keepdim=True).expand_as(rows)[unlike]).all())
        assert int(unlike.sum(1).max()) <= 1


@pytest.mark.parametrize("symmetric", [True, False])
def test_coremltools_rounds_as_we_do(symmetric: bool) -> None:
    quantization = pytest.importorskip("coremltools.optimize.torch.quantization")
    plan = [
        Quantize(4, strategy="group", group_size=32, symmetric=symmetric, targets=("0.weight",)),
        Quantize(8, symmetric=symmetric, targets=("1.weight",)),
    ]
    said = yaml.safe_load(coremltools.configuration(plan))["PostTrainingQuantizerConfig"]
    config = quantization.PostTrainingQuantizerConfig.from_dict(said)
    theirs = quantization.PostTrainingQuantizer(net(), config).compress()
    for expected, found in zip(weights(ours(net(), plan)), weights(theirs), strict=True):
        assert torch.equal(expected, found)


def test_coremltools_finds_palettes_that_are_as_near_as_ours() -> None:
    palettization = pytest.importorskip("coremltools.optimize.torch.palettization")
    plan = [Palettize(2, targets=("0.weight",)), Palettize(4, group_size=8, targets=("1.weight",))]
    said = yaml.safe_load(coremltools.configuration(plan))["PostTrainingPalettizerConfig"]
    config = palettization.PostTrainingPalettizerConfig.from_dict(said)
    theirs = palettization.PostTrainingPalettizer(net(), config).compress(num_kmeans_workers=1)
    for before, expected, found in zip(weights(net()), weights(ours(net(), plan)), weights(theirs), strict=True):
        error, other = float(((expected - before) ** 2).sum()), float(((found - before) ** 2).sum())
        assert other == pytest.approx(error, rel=1e-4)


def test_llm_compressor_rounds_as_we_do_and_tied_weights_alike() -> None:
    llmcompressor = pytest.importorskip("llmcompressor")
    transformers = pytest.importorskip("transformers")
    from compressed_tensors.quantization.lifecycle.forward import fake_quantize

    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=32, tie_word_embeddings=True,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).eval()
    layer = "model.layers.0"
    plan = [
        Quantize(4, strategy="group", group_size=32, full_range=True, targets=(f"{layer}.self_attn.q_proj.weight",)),
        Quantize(8, full_range=True, targets=("model.embed_tokens.weight",)),
        Quantize(4, symmetric=False, targets=(f"{layer}.mlp.down_proj.weight",)),
    ]
    text = llm_compressor.recipe(plan, tied={"lm_head.weight": "model.embed_tokens.weight"})
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(Path(folder))
        theirs = transformers.LlamaForCausalLM.from_pretrained(folder)
        llmcompressor.oneshot(model=theirs, recipe=text)
    expected = ours(model, plan).state_dict()
    for name, module in theirs.named_modules():
        scheme = getattr(module, "quantization_scheme", None)
        if isinstance(module, nn.Linear | nn.Embedding):
            found = module.weight.detach()
            if scheme is not None:
                zero = getattr(module, "weight_zero_point", None)
                found = fake_quantize(found, module.weight_scale, zero, scheme.weights)
            assert torch.equal(found, expected[f"{name}.weight"]), name


def test_core_ai_rounds_as_we_do(tmp_path: Path) -> None:
    quantization = pytest.importorskip("coreai_opt.quantization")
    plan = [
        Quantize(4, strategy="group", group_size=32, targets=("0.weight",)),
        Quantize(8, full_range=True, targets=("1.weight",)),
        Quantize(4, strategy="tensor", symmetric=False, targets=("2.weight",)),
    ]
    (tmp_path / "coreai.yaml").write_text(coreai.configuration(plan))
    config = quantization.QuantizerConfig.from_yaml(tmp_path / "coreai.yaml")
    theirs = quantization.Quantizer(net(), config).prepare(example_inputs=(torch.randn(2, 64),))
    with torch.no_grad():
        theirs(torch.randn(2, 64))
    for expected, found in zip(weights(ours(net(), plan)), weights(theirs), strict=True):
        assert torch.equal(expected, found)


def test_model_optimizer_rounds_as_we_do_up_to_the_last_bits() -> None:
    mtq = pytest.importorskip("modelopt.torch.quantization")
    plan = [
        Quantize(4, strategy="group", group_size=32, targets=("0.weight",)),
        Quantize(8, targets=("1.weight",)),
        Quantize(3, strategy="tensor", targets=("2.weight",)),
    ]
    config = yaml.safe_load(modelopt.configuration(plan))
    theirs = mtq.quantize(net(), config, lambda model: model(torch.randn(4, 64)))
    for expected, layer in zip(weights(ours(net(), plan)), theirs, strict=True):
        found = layer.weight_quantizer(layer.weight).detach()
        assert torch.allclose(found, expected, rtol=2**-22, atol=0)


def test_nncf_rounds_as_we_do_with_scales_of_16_bits() -> None:
    theirs = pytest.importorskip("nncf")
    wrapper = pytest.importorskip("nncf.torch.function_hook.wrapper")
    plan = [
        Quantize(4, strategy="group", group_size=32, symmetric=False, targets=("net.0.weight",)),
        Quantize(8, symmetric=False, targets=("net.1.weight",)),
        Quantize(4, symmetric=False, targets=("net.2.weight",)),
    ]
    names: dict[str, Any] = {}
    exec(nncf.configuration(plan), names)
    made = names["compressed"](Wrapped(), theirs.Dataset([torch.randn(2, 64)]))
    hooks = {name.split(":")[1]: hook for name, hook in wrapper.get_hook_storage(made).named_hooks()}
    expected = ours(Wrapped(), plan).state_dict()
    for place in ("0", "1", "2"):
        found = hooks[place](made.net[int(place)].weight).detach()
        own, before = expected[f"net.{place}.weight"], Wrapped().state_dict()[f"net.{place}.weight"]
        assert bool(((found - own).abs() <= 2**-10 * (before.amax() - before.amin())).all())


class Wrapped(nn.Module):
    """NNCF does not take an nn.Sequential as a whole model."""

    def __init__(self) -> None:
        super().__init__()
        self.net = net()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def test_auto_round_is_told_bits_and_scales() -> None:
    plan = [Quantize(4, strategy="group", group_size=32, targets=("a.weight",)), Quantize(8, targets=("re:b.*",))]
    assert json.loads(auto_round.configuration(plan)) == {
        "a": {"bits": 4, "group_size": 32, "sym": True, "data_type": "int"},
        "b.*": {"bits": 8, "group_size": -1, "sym": True, "data_type": "int"},
    }


@pytest.mark.parametrize(
    ("export", "plan", "reason"),
    [
        (coreai.configuration, [Palettize(2, targets=("a",))], "nothing for 'palettize'"),
        (coreai.configuration, [Quantize(3, targets=("a",))], "4 or 8 bits, not to 3"),
        (coreai.configuration, [Quantize(4)], "need named layers"),
        (modelopt.configuration, [Quantize(4, symmetric=False, targets=("a",))], "no levels that are not symmetric"),
        (modelopt.configuration, [Quantize(4, full_range=True, targets=("a",))], "no symmetric levels with full_range"),
        (modelopt.configuration, [Quantize(4, targets=("re:a",))], "not regular expressions"),
        (auto_round.configuration, [Quantize(4, strategy="tensor", targets=("a",))], "a scale per channel or group"),
        (nncf.configuration, [Palettize(2, targets=("a",))], "nothing for 'palettize'"),
        (nncf.configuration, [Quantize(3, targets=("a",))], "4 or 8 bits, not to 3"),
        (nncf.configuration, [Quantize(8, strategy="group", group_size=8, targets=("a",))], "a scale per channel for"),
        (nncf.configuration, [Quantize(4, targets=("re:a",))], "takes names of layers"),
    ],
)
def test_what_they_lack_is_refused(export: Callable[..., str], plan: list[BaseOperation], reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason) as caught:
        export(plan)
    assert caught.value.code == "export.unsupported"


def test_levels_that_the_others_do_not_have_are_named() -> None:
    plan = [Quantize(4, targets=("a.weight",))]
    assert llm_compressor.recipe(plan).startswith("# Symmetric levels of llm-compressor are ")
    assert torchao.configuration(plan).startswith("# Symmetric levels of torchao are ")
    assert nncf.configuration(plan).startswith("# Symmetric levels of NNCF are not ")
    full = [Quantize(4, full_range=True, targets=("a.weight",))]
    assert not llm_compressor.recipe(full).startswith("#")


def test_tied_weights_are_named_together() -> None:
    tied = {"lm_head.weight": "model.embed_tokens.weight"}
    plan = [Quantize(4, full_range=True, targets=("re:model.embed.*",)), Quantize(8, symmetric=False, targets=("a",))]
    found = yaml.safe_load(llm_compressor.recipe(plan, tied=tied))
    groups = found["quant_stage"]["quant_modifiers"]["QuantizationModifier"]["config_groups"]
    assert [group["targets"] for group in groups.values()] == [["re:model.embed.*", "lm_head"], ["a"]]
