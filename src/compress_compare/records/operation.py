"""One named transformation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .names import JSON, check_name, check_parameter


@dataclass(frozen=True, init=False)
class Operation:
    """One named transformation with its parameters, e.g. ``Operation("magnitude prune", amount=0.5)``."""

    name: str
    parameters: Mapping[str, JSON] = field(default_factory=dict)

    def __init__(self, name: str, /, **parameters: Any) -> None:
        object.__setattr__(self, "name", check_name(name, "operation name"))
        checked = {
            check_name(key, "parameter name"): check_parameter(value, f"{name}.{key}")
            for key, value in parameters.items()
        }
        object.__setattr__(self, "parameters", checked)

    def __hash__(self) -> int:
        return hash((self.name, self.canonical_parameters))

    @property
    def parameters_json(self) -> str:
        """The parameters as JSON text, in the order given."""
        return json.dumps(self.parameters, ensure_ascii=False, separators=(", ", ": "))

    @property
    def canonical_parameters(self) -> str:
        """The parameters as JSON text that is equal exactly when the parameters are."""
        return json.dumps(self.parameters, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
