"""Exports a plan as a recipe of llm-compressor (``recipe.yaml``), with schemes in the terms of compressed-tensors.

A group of layers has the name of its scheme, such as W4A16, if there is one. The recipe also spells the scheme out,
because W8A16 meant one scale per channel in earlier versions of compressed-tensors and means groups of 128 now.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

import yaml

from ..errors import InvalidValue
from ..operations import BaseOperation
from ..operations.parts import presets

AWQ = "awq quantize"
MODIFIERS = {
    "quantize": "QuantizationModifier",
    "quantize dynamic": "QuantizationModifier",
    AWQ: "QuantizationModifier",
    "gptq quantize": "GPTQModifier",
}


def recipe(plan: Sequence[BaseOperation], *, tied: Mapping[str, str] | None = None) -> str:
    """Return YAML text for ``oneshot(recipe=…)``.

    Pruning to 2:4 comes first; all quantization by one algorithm is one modifier with a group per scheme. AWQ is a
    modifier that scales what the next one rounds, as since llm-compressor 0.14.

    The recipe makes the numbers of ``quantize`` where its levels are not symmetric, or symmetric with ``full_range``.
    Other symmetric levels are not those of llm-compressor: a comment at the start says so.

    Args:
        plan: operations with targets: ``quantize``, ``gptq quantize``, ``awq quantize``, ``quantize dynamic`` and
            ``nm prune``.
        tied: further names of tied weights, each with its first name, such as ``{"lm_head.weight":
            "model.embed_tokens.weight"}``. llm-compressor unties them; with the names, all of them are rounded alike.

    Raises:
        InvalidValue: ``export.unsupported`` naming the operation.
    """
    sparsity: dict[str, Any] = {}
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    ignored: dict[str, list[str]] = {}
    scaled = {operation.name == AWQ for operation in plan if operation.name in MODIFIERS}
    if len(scaled) > 1:
        raise _unsupported("AWQ scales all layers that a recipe quantizes, and the plan has 'awq quantize' for some.")
    for operation in plan:
        given = operation.parameters
        if operation.name == "nm prune":
            if "SparseGPTModifier" in sparsity:
                raise _unsupported("A recipe has one N:M pattern, and the plan has several.")
            share = 1 - float(given["n"]) / float(given["m"])  # type: ignore[arg-type]
            structure = f"{given['n']}:{given['m']}"
            modules = together(modules_of(operation.parameters["targets"]), tied)
            sparsity["SparseGPTModifier"] = {"sparsity": share, "mask_structure": structure, "targets": modules}
        elif operation.name in MODIFIERS:
            modifier = MODIFIERS[operation.name]
            listed = groups.setdefault(modifier, {})
            group = _group(operation)
            listed[_name(operation, taken=listed)] = {**group, "targets": together(group["targets"], tied)}
            ignored.setdefault(modifier, []).extend(modules_of(given["ignore"]) if given["ignore"] else [])
        else:
            raise _unsupported(f"llm-compressor has nothing like {operation.name!r}.")
    stages: dict[str, Any] = {}
    if sparsity:
        stages["sparsity_stage"] = {"sparsity_modifiers": sparsity}
    if groups:
        stages["quant_stage"] = {
            "quant_modifiers": {
                **({"AWQModifier": {}} if scaled == {True} else {}),
                **{name: {"ignore": ignored[name], "config_groups": listed} for name, listed in groups.items()},
            }
        }
    text: str = yaml.safe_dump(stages, sort_keys=False)
    return (RESTRICTED if any(restricted(operation) for operation in plan) else "") + text


RESTRICTED = """# Symmetric levels of llm-compressor are −2^(bits−1) to 2^(bits−1)−1 times max|w| ÷ (2^(bits−1) − ½).
# Those that were measured have one level less and another scale: quantize with full_range: true to measure what this
# recipe makes.
"""
"""What is said of symmetric levels that the other tool does not have."""


def restricted(operation: BaseOperation) -> bool:
    """Whether an operation rounds to symmetric levels without the lowest one."""
    given = operation.parameters
    return operation.name == "quantize" and bool(given["symmetric"]) and not given["full_range"]


def together(modules: Sequence[str], tied: Mapping[str, str] | None) -> list[str]:
    """Modules, and those that share a weight with one of them."""
    found = list(modules)
    for alias, name in (tied or {}).items():
        pair = {alias.removesuffix(".weight"), name.removesuffix(".weight")}
        if any(_names(target, module) for target in modules for module in pair):
            found += sorted(module for module in pair if not any(_names(target, module) for target in found))
    return found


def _names(target: str, module: str) -> bool:
    return bool(re.match(target[3:], module)) if target.startswith("re:") else target == module


def modules_of(targets: Any) -> list[str]:
    """Patterns of modules from patterns of weights; without any, all linear layers."""
    return [str(target).removesuffix(".weight") for target in targets] or ["Linear"]


def _name(operation: BaseOperation, *, taken: Container[str]) -> str:
    """The name of the operation's scheme, or else a number: ``group_2``."""
    name = "W8A8" if operation.name == "quantize dynamic" else presets.name_of(operation.parameters)
    numbered = (f"group_{number}" for number in itertools.count())
    return next(name for name in itertools.chain([name] if name else [], numbered) if name not in taken)


def _group(operation: BaseOperation) -> dict[str, Any]:
    given = operation.parameters
    group: dict[str, Any] = {"targets": modules_of(given["targets"])}
    if operation.name == "quantize dynamic":
        group["weights"] = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}
        activations = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "token", "dynamic": True}
        return {**group, "input_activations": activations}
    weights = {"num_bits": given["bits"], "type": "int", "symmetric": given["symmetric"], "strategy": given["strategy"]}
    return {**group, "weights": {**weights, "group_size": given["group_size"]} if given["group_size"] else weights}


def _unsupported(title: str) -> InvalidValue:
    return InvalidValue("export.unsupported", title, hint="Leave it out of the plan, or apply it here.")
