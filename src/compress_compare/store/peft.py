"""What a module with adapters of PEFT says about them, which its state dict does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIELDS = ("peft_type", "lora_alpha", "use_rslora", "fan_in_fan_out", "alpha_pattern")


def adapters(module: Any) -> dict[str, Any]:
    """How each adapter is scaled, which are in use, and which are in the weights already; empty without any."""
    configs = getattr(module, "peft_config", None)
    if not isinstance(configs, Mapping):
        return {}
    active = getattr(module, "active_adapters", None)
    active = active() if callable(active) else active
    merged = {
        str(each) for one in getattr(module, "modules", list)() for each in getattr(one, "merged_adapters", None) or ()
    }
    found: dict[str, Any] = {"adapters": {str(name): _plain(config) for name, config in configs.items()}}
    if isinstance(active, list | tuple):
        found["active_adapters"] = [str(each) for each in active]
    return found | ({"merged_adapters": sorted(merged)} if merged else {})


def _plain(config: Any) -> dict[str, Any]:
    said = config if isinstance(config, Mapping) else config.to_dict()
    found = {key: said[key] for key in FIELDS if said.get(key) is not None}
    return found | (
        {"peft_type": str(getattr(found["peft_type"], "value", found["peft_type"]))} if "peft_type" in found else {}
    )
