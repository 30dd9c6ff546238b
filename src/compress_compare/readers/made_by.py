"""How the model in a folder was made, from what tools leave beside its weights: a recipe, a configuration, an adapter.

These are claims: what the values show is another question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..records import Operation
from . import plain_yaml

RECIPE, CONFIG, ADAPTER = "recipe.yaml", "config.json", "adapter_config.json"
MAX_BYTES = 20_000_000
METHODS = {"gptq": "gptq quantize", "awq": "awq quantize"}
MODIFIERS = {
    "QuantizationModifier": "quantize",
    "GPTQModifier": "gptq quantize",
    "AWQModifier": "awq quantize",
    "SparseGPTModifier": "sparsegpt prune",
    "WandaPruningModifier": "wanda prune",
    "MagnitudePruningModifier": "magnitude prune",
    "ConstantPruningModifier": "constant prune",
    "SmoothQuantModifier": "smoothquant",
}
"""Names of what llm-compressor's modifiers do; others keep their own."""
SCHEME = (
    *("scheme", "targets", "ignore", "num_bits", "group_size", "sparsity", "mask_structure", "smoothing_strength"),
    *("kv_cache_scheme", "config_groups", "block_size", "dampening_frac", "actorder"),
)
SETTINGS = (
    *("bits", "group_size", "desc_act", "sym", "zero_point", "version", "load_in_4bit", "load_in_8bit"),
    *("bnb_4bit_quant_type", "bnb_4bit_use_double_quant", "weight_block_size", "activation_scheme", "fmt"),
)


@dataclass(frozen=True)
class MadeBy:
    """What a folder says about how its model was made.

    Args:
        operation: that its files claim; none if they claim none.
        base: name of the model that it was made from, if they say so.
        source: the file that says it, e.g. ``recipe.yaml``.
    """

    operation: Operation | None = None
    base: str | None = None
    source: str = ""


def origin(folder: Path) -> MadeBy:
    """What the recipe says, else the adapter's configuration, else the model's; an unreadable file says nothing."""
    recipe = _recipe(folder / RECIPE)
    if recipe is not None:
        return MadeBy(recipe, source=RECIPE)
    adapter = _json(folder / ADAPTER)
    if adapter:
        kind = str(adapter.get("peft_type") or "adapter").lower()
        settings = {name: adapter[name] for name in ("r", "lora_alpha", "target_modules") if name in adapter}
        base = adapter.get("base_model_name_or_path")
        return MadeBy(_operation(kind, settings), str(base) if base else None, ADAPTER)
    quantization = _json(folder / CONFIG).get("quantization_config")
    if isinstance(quantization, Mapping):
        return MadeBy(quantized(quantization), source=CONFIG)
    return MadeBy()


def recipe_operation(document: Any) -> Operation | None:
    """The operation of a recipe of llm-compressor, as plain data: its modifiers in their order."""
    steps = list(_modifiers(document))
    if not steps:
        return None
    if len(steps) == 1:
        return _operation(*steps[0])
    settings = {f"{name}.{key}": value for name, given in steps for key, value in given.items()}
    return _operation(" + ".join(name for name, _ in steps), settings)


def _modifiers(document: Any) -> Sequence[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for key, value in document.items() if isinstance(document, Mapping) else ():
        if str(key).endswith("Modifier"):
            given = value if isinstance(value, Mapping) else {}
            settings = {name: given[name] for name in SCHEME if given.get(name) is not None}
            found.append((MODIFIERS.get(str(key), str(key).removesuffix("Modifier").lower()), settings))
        elif isinstance(value, Mapping):
            found += _modifiers(value)
    return found


def quantized(config: Mapping[str, Any]) -> Operation:
    """The operation that a ``quantization_config`` of transformers claims."""
    method = str(config.get("quant_method") or "")
    settings = {name: config[name] for name in SETTINGS if config.get(name) is not None}
    ignored = config.get("ignore") or config.get("modules_to_not_convert")
    groups = config.get("config_groups")
    for group in list(groups.values())[:1] if isinstance(groups, Mapping) else ():
        for part, prefix in (("weights", ""), ("input_activations", "activation_")):
            given = group.get(part) if isinstance(group, Mapping) else None
            for name in ("num_bits", "type", "strategy", "group_size"):
                if isinstance(given, Mapping) and given.get(name) is not None:
                    settings[f"{prefix}{'bits' if name == 'num_bits' else name}"] = given[name]
    if ignored:
        settings["ignore"] = ignored
    if method not in METHODS and method:
        settings = {"method": method, **settings}
    return _operation(METHODS.get(method, "quantize"), settings)


def _operation(name: str, settings: Mapping[str, Any]) -> Operation:
    try:
        return Operation(name, **settings)
    except UserError:
        return Operation(name)


def _recipe(path: Path) -> Operation | None:
    text = _text(path)
    try:
        return recipe_operation(plain_yaml.loads(text)) if text else None
    except plain_yaml.NotPlainError:
        return None


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(_text(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _text(path: Path) -> str:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_BYTES:
            return ""
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
