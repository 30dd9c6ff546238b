"""A plan as a recipe of llm-compressor (``recipe.yaml``), with schemes in the terms of compressed-tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from ..errors import InvalidValue
from ..operations import Operation

MODIFIERS = {"quantize": "QuantizationModifier", "gptq quantize": "GPTQModifier", "awq quantize": "AWQModifier"}


def recipe(plan: Sequence[Operation]) -> str:
    """YAML text for ``oneshot(recipe=…)``.

    Pruning to 2:4 comes first; all quantization by one algorithm is one modifier with a group per scheme.

    Args:
        plan: operations with targets: ``quantize``, ``gptq quantize``, ``awq quantize``, ``quantize dynamic`` and
            ``nm prune``.

    Raises:
        InvalidValue: ``export.unsupported`` naming the operation.
    """
    sparsity: dict[str, Any] = {}
    groups: dict[str, list[dict[str, Any]]] = {}
    ignored: dict[str, list[str]] = {}
    for operation in plan:
        given = operation.parameters
        modifier = MODIFIERS.get(operation.name, "QuantizationModifier")
        if operation.name == "nm prune":
            if "SparseGPTModifier" in sparsity:
                raise _unsupported("A recipe has one N:M pattern, and the plan has several.")
            share = 1 - float(given["n"]) / float(given["m"])  # type: ignore[arg-type]
            structure = f"{given['n']}:{given['m']}"
            modules = modules_of(operation.parameters["targets"])
            sparsity["SparseGPTModifier"] = {"sparsity": share, "mask_structure": structure, "targets": modules}
        elif operation.name in (*MODIFIERS, "quantize dynamic"):
            groups.setdefault(modifier, []).append(_group(operation))
            ignored.setdefault(modifier, []).extend(modules_of(given["ignore"]) if given["ignore"] else [])
        else:
            raise _unsupported(f"llm-compressor has nothing like {operation.name!r}.")
    stages: dict[str, Any] = {}
    if sparsity:
        stages["sparsity_stage"] = {"sparsity_modifiers": sparsity}
    if groups:
        stages["quant_stage"] = {
            "quant_modifiers": {
                modifier: {
                    "ignore": ignored[modifier],
                    "config_groups": {f"group_{number}": group for number, group in enumerate(listed)},
                }
                for modifier, listed in groups.items()
            }
        }
    return yaml.safe_dump(stages, sort_keys=False)


def modules_of(targets: Any) -> list[str]:
    """Patterns of modules from patterns of weights; without any, all linear layers."""
    return [str(target).removesuffix(".weight") for target in targets] or ["Linear"]


def _group(operation: Operation) -> dict[str, Any]:
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
