"""A model that runs on weights computed from its own, which a task loss then trains. Needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call


class Substituted(nn.Module):
    """Calls a model with some weights replaced. Its parameters are those of the model and of the replacements.

    Args:
        model: stays the owner of its weights.
        replacements: by the name of a parameter, modules from the parameter to what is used in its place. A tied
            parameter is replaced once, everywhere.
    """

    def __init__(self, model: nn.Module, replacements: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.model = model
        self.places = [_places(model, model.get_parameter(name)) for name in replacements]
        self.replacements = nn.ModuleList(replacements.values())

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """What the model gives for these inputs."""
        weights: dict[str, Tensor] = {}
        for names, replacement in zip(self.places, self.replacements, strict=True):
            weights |= dict.fromkeys(names, replacement(self.model.get_parameter(names[0])))
        return functional_call(self.model, weights, inputs, named, tie_weights=False)


def _places(model: nn.Module, parameter: nn.Parameter) -> list[str]:
    """The names under which modules hold a parameter, a module with several names once."""
    return [
        f"{path}.{attribute}" if path else attribute
        for path, module in model.named_modules()
        for attribute, held in module.named_parameters(recurse=False)
        if held is parameter
    ]
