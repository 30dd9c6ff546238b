"""Exports a plan as a configuration of NVIDIA's Model Optimizer, in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from ..errors import InvalidValue
from ..operations import BaseOperation
from .llm_compressor import modules_of


def configuration(plan: Sequence[BaseOperation]) -> str:
    """Return YAML text whose content ``modelopt.torch.quantization.quantize`` takes as ``config``.

    Its symmetric levels are those of ``quantize``; products may differ in their last bit. Layers that are not named
    stay as they are, and so do activations.

    Args:
        plan: ``quantize`` with symmetric levels, without ``full_range``, with targets.

    Raises:
        InvalidValue: ``export.unsupported`` naming what Model Optimizer lacks.
    """
    entries: list[dict[str, Any]] = [{"quantizer_name": "*", "enable": False}]
    for operation in plan:
        given = operation.parameters
        if operation.name != "quantize":
            raise InvalidValue(
                "export.unsupported", f"This export to Model Optimizer has nothing for {operation.name!r}."
            )
        if not given["targets"]:
            raise InvalidValue("export.unsupported", "This export to Model Optimizer needs named layers.")
        if not given["symmetric"] or given["full_range"]:
            what = "symmetric levels with full_range" if given["full_range"] else "levels that are not symmetric"
            raise InvalidValue("export.unsupported", f"Model Optimizer has no {what} for weights.")
        settings: dict[str, Any] = {"num_bits": given["bits"]}
        if given["strategy"] == "group":
            settings["block_sizes"] = {-1: given["group_size"]}
        else:
            settings["axis"] = 0 if given["strategy"] == "channel" else None
        for name in modules_of(given["targets"]):
            if name.startswith("re:"):
                raise InvalidValue(
                    "export.unsupported", "Model Optimizer takes names of layers, not regular expressions."
                )
            entries.append({"quantizer_name": f"{name}.weight_quantizer", "cfg": settings})
    text: str = yaml.dump({"quant_cfg": entries, "algorithm": "max"}, Dumper=_Plain, sort_keys=False)
    return text


class _Plain(yaml.SafeDumper):
    """YAML without anchors for settings that several layers share."""

    def ignore_aliases(self, _data: Any) -> bool:
        """All content is written out."""
        return True
