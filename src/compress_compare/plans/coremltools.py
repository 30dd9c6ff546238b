"""Exports a plan as configurations of coremltools' ``optimize.torch``, in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from ..errors import InvalidValue
from ..operations import BaseOperation
from .llm_compressor import modules_of

_GRANULARITY = {"tensor": "per_tensor", "channel": "per_channel", "group": "per_block"}


def configuration(plan: Sequence[BaseOperation]) -> str:
    """Return YAML text with one section per class of configuration, e.g. ``PostTrainingQuantizerConfig``.

    Each section is an argument for the ``from_dict`` of that class. Layers that are not named stay as they are.

    Args:
        plan: ``quantize`` at 4 or 8 bits, and ``palettize``, with targets.

    Raises:
        InvalidValue: ``export.unsupported`` naming what Core ML lacks.
    """
    sections: dict[str, dict[str, Any]] = {}
    if len({operation.parameters["symmetric"] for operation in plan if operation.name == "quantize"}) > 1:
        raise InvalidValue("export.unsupported", "Core ML takes all layers symmetric or none, and the plan mixes them.")
    for operation in plan:
        given = operation.parameters
        if not given.get("targets"):
            raise InvalidValue("export.unsupported", "Core ML configurations need named layers.")
        if operation.name == "quantize":
            section, settings = "PostTrainingQuantizerConfig", _quantizer(given)
        elif operation.name == "palettize":
            section, settings = "PostTrainingPalettizerConfig", _palettizer(given)
        else:
            raise InvalidValue("export.unsupported", f"Core ML has no configuration for {operation.name!r}.")
        names = sections.setdefault(section, {"global_config": None, "module_name_configs": {}})["module_name_configs"]
        names.update({name: dict(settings) for name in modules_of(given["targets"])})
    return yaml.safe_dump(sections, sort_keys=False)


def _palettizer(given: Any) -> dict[str, Any]:
    settings = {"n_bits": given["bits"], "granularity": "per_tensor"}
    if given["cluster_dim"] > 1:
        settings["cluster_dim"] = given["cluster_dim"]
    if given["group_size"] is None:
        return settings
    return {**settings, "granularity": "per_grouped_channel", "group_size": given["group_size"]}


def _quantizer(given: Any) -> dict[str, Any]:
    if given["bits"] not in (4, 8):
        raise InvalidValue("export.unsupported", f"Core ML quantizes to 4 or 8 bits, not to {given['bits']}.")
    if given["full_range"]:
        raise InvalidValue("export.unsupported", "Core ML has no symmetric levels with full_range.")
    settings = {
        "weight_dtype": f"int{given['bits']}",
        "granularity": _GRANULARITY[given["strategy"]],
        "quantization_scheme": "symmetric" if given["symmetric"] else "affine",
    }
    return {**settings, "block_size": given["group_size"]} if given["group_size"] else settings
