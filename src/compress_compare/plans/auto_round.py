"""Exports a plan as the layer configuration of AutoRound, in JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..errors import InvalidValue
from ..operations import BaseOperation
from .llm_compressor import modules_of


def configuration(plan: Sequence[BaseOperation]) -> str:
    """Return JSON text with the ``layer_config`` of ``auto_round.AutoRound``.

    AutoRound learns the rounding, and computes in bfloat16: it makes another model than ``quantize`` with the same bits
    and scales for the same weights. It quantizes layers that are not named as its own ``scheme`` says.

    Args:
        plan: ``quantize`` per channel or group, with targets.

    Raises:
        InvalidValue: ``export.unsupported`` naming what AutoRound lacks.
    """
    layers: dict[str, dict[str, Any]] = {}
    for operation in plan:
        given = operation.parameters
        if operation.name != "quantize":
            raise InvalidValue("export.unsupported", f"AutoRound has nothing for {operation.name!r}.")
        if not given["targets"] or given["strategy"] == "tensor":
            raise InvalidValue("export.unsupported", "AutoRound needs named layers, and a scale per channel or group.")
        settings = {
            "bits": given["bits"],
            "group_size": given["group_size"] or -1,
            "sym": given["symmetric"],
            "data_type": "int",
        }
        layers.update({name.removeprefix("re:"): settings for name in modules_of(given["targets"])})
    return json.dumps(layers, indent=2)
