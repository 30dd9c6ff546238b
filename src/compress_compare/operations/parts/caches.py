"""What modules remember in evaluation mode and would go by instead of their weights. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


@contextmanager
def without_cache(model: nn.Module) -> Iterator[None]:
    """Inside, models of transformers keep no states of what they have read, which some change in place."""
    configs: list[Any] = [module.config for module in model.modules() if getattr(module, "config", None) is not None]
    kept = [config for config in configs if getattr(config, "use_cache", None) is True]
    for config in kept:
        config.use_cache = False
    try:
        yield
    finally:
        for config in kept:
            config.use_cache = True


def renew(model: nn.Module) -> None:
    """Let modules in evaluation mode drop what they computed from weights that may have changed since.

    LeViT, for instance, keeps its attention biases from its first run in evaluation mode on. What such modules do when
    they change their mode is theirs: each with a ``train`` of its own is put into the other mode and back. No weight
    of its own changes by it, and no mode.
    """
    own = [module for module in model.modules() if type(module).train is not nn.Module.train and not module.training]
    if not own:
        return
    modes = [(module, module.training) for module in model.modules()]
    for module in own:
        values = [(parameter, parameter.detach().clone()) for parameter in module.parameters(recurse=False)]
        module.train(True)
        module.train(False)
        for parameter, value in values:
            if not torch.equal(parameter.detach(), value):
                parameter.data.copy_(value)
    for module, mode in modes:
        module.training = mode
