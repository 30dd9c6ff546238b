"""Plans as configurations of other toolkits."""

from __future__ import annotations

import warnings

import pytest
import torch
import yaml
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import (
    AWQQuantize,
    BaseOperation,
    GPTQQuantize,
    MagnitudePrune,
    NMPrune,
    Palettize,
    Quantize,
    QuantizeDynamic,
)
from compress_compare.plans import coremltools, llm_compressor, torchao

FOUR = Quantize(4, strategy="group", group_size=32, targets=("a.weight", "b.0.weight"))
EIGHT = Quantize(8, symmetric=False, targets=("c.weight",))


def test_an_llm_compressor_recipe() -> None:
    gptq = GPTQQuantize(3, targets=("re:layers.*",), ignore=("head",))
    plan = [FOUR, EIGHT, gptq, NMPrune(2, 4, targets=("Linear",)), QuantizeDynamic(targets=("d",))]
    found = yaml.safe_load(llm_compressor.recipe(plan))
    assert list(found) == ["sparsity_stage", "quant_stage"]
    assert found["sparsity_stage"]["sparsity_modifiers"] == {
        "SparseGPTModifier": {"sparsity": 0.5, "mask_structure": "2:4", "targets": ["Linear"]}
    }
    modifiers = found["quant_stage"]["quant_modifiers"]
    assert list(modifiers) == ["QuantizationModifier", "GPTQModifier"]
    groups = modifiers["QuantizationModifier"]["config_groups"]
    assert groups["group_0"] == {
        "targets": ["a", "b.0"],
        "weights": {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": 32},
    }
    assert groups["group_1"]["weights"] == {"num_bits": 8, "type": "int", "symmetric": False, "strategy": "channel"}
    assert groups["W8A8"]["input_activations"]["dynamic"] is True
    assert modifiers["GPTQModifier"]["ignore"] == ["head"]


def test_groups_have_the_names_of_schemes() -> None:
    names = ["W4A16", "W4A16_ASYM", "W4A16"]
    plan = [GPTQQuantize(scheme=name, targets=(f"{index}",)) for index, name in enumerate(names)]
    groups = yaml.safe_load(llm_compressor.recipe(plan))["quant_stage"]["quant_modifiers"]["GPTQModifier"]
    assert {name: group["targets"] for name, group in groups["config_groups"].items()} == {
        "W4A16": ["0"],
        "W4A16_ASYM": ["1"],
        "group_0": ["2"],
    }
    weights = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128}
    assert groups["config_groups"]["W4A16"]["weights"] == {**weights, "symmetric": True}
    assert groups["config_groups"]["W4A16_ASYM"]["weights"] == {**weights, "symmetric": False}


def test_awq_scales_what_the_modifier_behind_it_rounds() -> None:
    plan = [AWQQuantize(scheme="W4A16"), NMPrune(2, 4)]
    modifiers = yaml.safe_load(llm_compressor.recipe(plan))["quant_stage"]["quant_modifiers"]
    assert list(modifiers) == ["AWQModifier", "QuantizationModifier"] and modifiers["AWQModifier"] == {}
    assert modifiers["QuantizationModifier"]["config_groups"]["W4A16"]["targets"] == ["Linear"]


def test_torchao_text_quantizes_the_named_layers() -> None:
    pytest.importorskip("torchao")
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 8))
    before = [layer.weight.detach().clone() for layer in model]
    plan = [Quantize(4, strategy="group", group_size=32, targets=("0.weight",)), Quantize(8, targets=("2.weight",))]
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(torchao.configuration(plan), names)
        names["quantize_"](model, names["CONFIG"], filter_fn=None)  # type: ignore[operator]
        after = [getattr(layer.weight, "dequantize", layer.weight.detach)() for layer in model]
    assert torch.equal(after[1], before[1])
    for index, groups, levels in ((0, 2, 16), (2, 1, 256)):
        rows = after[index].reshape(len(after[index]) * groups, -1)
        assert max(len(row.unique()) for row in rows) <= levels and not torch.equal(after[index], before[index])
        scale = before[index].reshape(rows.shape).abs().amax(1, keepdim=True) / (levels // 2 - 1)
        assert bool(((rows - before[index].reshape(rows.shape)).abs() <= 1.01 * scale).all())


def test_core_ml_configurations() -> None:
    grouped = Palettize(4, group_size=8, targets=("e",))
    found = yaml.safe_load(
        coremltools.configuration([FOUR, Quantize(8, targets=("c.weight",)), Palettize(2, targets=("d",)), grouped])
    )
    four = {"weight_dtype": "int4", "granularity": "per_block", "quantization_scheme": "symmetric", "block_size": 32}
    eight = {"weight_dtype": "int8", "granularity": "per_channel", "quantization_scheme": "symmetric"}
    assert found["PostTrainingQuantizerConfig"] == {
        "global_config": None,
        "module_name_configs": {"a": four, "b.0": four, "c": eight},
    }
    palettes = found["PostTrainingPalettizerConfig"]["module_name_configs"]
    assert palettes == {
        "d": {"n_bits": 2, "granularity": "per_tensor"},
        "e": {"n_bits": 4, "granularity": "per_grouped_channel", "group_size": 8},
    }


@pytest.mark.parametrize(
    ("export", "plan", "reason"),
    [
        (llm_compressor.recipe, [MagnitudePrune(0.5)], "nothing like 'magnitude prune'"),
        (llm_compressor.recipe, [NMPrune(2, 4), NMPrune(1, 4)], "has several"),
        (llm_compressor.recipe, [AWQQuantize(4), Quantize(8)], "'awq quantize' for some"),
        (torchao.configuration, [Palettize(2, targets=("a",))], "for 'palettize'"),
        (torchao.configuration, [Quantize(4)], "needs named layers"),
        (coremltools.configuration, [Quantize(3, targets=("a",))], "4 or 8 bits, not to 3"),
        (coremltools.configuration, [MagnitudePrune(0.5, targets=("a",))], "for 'magnitude prune'"),
        (coremltools.configuration, [Quantize(4)], "need named layers"),
        (coremltools.configuration, [FOUR, EIGHT], "symmetric or none"),
    ],
)
def test_what_others_lack_is_refused(export: object, plan: list[BaseOperation], reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason) as caught:
        export(plan)  # type: ignore[operator]
    assert caught.value.code == "export.unsupported"


@pytest.mark.parametrize("export", [llm_compressor.recipe, torchao.configuration, coremltools.configuration])
def test_names_are_data(export: object) -> None:
    """A layer may have any name; it stays inside its quotes."""
    name = "x'): __import__('os')  # \n\"\\"
    text = export([Quantize(4, targets=(name,))])  # type: ignore[operator]
    if export is torchao.configuration:
        compile(text, "plan", "exec")
        assert repr(name) in text
    else:
        assert name in _strings(yaml.safe_load(text))


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []
