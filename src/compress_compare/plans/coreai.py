"""Exports a plan as a configuration of Core AI's ``coreai-opt``, in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from ..errors import InvalidValue
from ..operations import BaseOperation
from .llm_compressor import modules_of


def configuration(plan: Sequence[BaseOperation]) -> str:
    """Return YAML text for ``coreai_opt.quantization.QuantizerConfig.from_yaml``.

    Its levels are those of ``quantize``: ``symmetric_with_clipping`` without the lowest level, ``symmetric`` with
    ``full_range``, and ``asymmetric``. Layers that are not named stay as they are, and so do activations.

    Args:
        plan: ``quantize`` at 4 or 8 bits, with targets.

    Raises:
        InvalidValue: ``export.unsupported`` naming what Core AI lacks.
    """
    names: dict[str, Any] = {}
    for operation in plan:
        given = operation.parameters
        if operation.name != "quantize":
            raise InvalidValue("export.unsupported", f"This export to Core AI has nothing for {operation.name!r}.")
        if not given["targets"]:
            raise InvalidValue("export.unsupported", "Core AI configurations need named layers.")
        if given["bits"] not in (4, 8):
            raise InvalidValue("export.unsupported", f"Core AI quantizes to 4 or 8 bits, not to {given['bits']}.")
        for name in modules_of(given["targets"]):
            names[name.removeprefix("re:")] = {
                "op_input_spec": None,
                "op_output_spec": None,
                "op_state_spec": {"weight": _spec(operation)},
            }
    said = {"execution_mode": "eager", "global_config": None, "module_name_configs": names}
    text: str = yaml.safe_dump({"quantization_config": said}, sort_keys=False)
    return text


def _spec(operation: BaseOperation) -> dict[str, Any]:
    given = operation.parameters
    granularity: dict[str, Any] = {"type": "per_tensor"}
    if given["strategy"] == "channel":
        granularity = {"type": "per_channel", "axis": 0}
    elif given["strategy"] == "group":
        granularity = {"type": "per_block", "axis": 1, "block_size": given["group_size"]}
    symmetric = "symmetric" if given["full_range"] else "symmetric_with_clipping"
    scheme = symmetric if given["symmetric"] else "asymmetric"
    return {"dtype": f"int{given['bits']}", "qscheme": scheme, "granularity": granularity}
