"""In which module of a model an exception was raised. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from traceback import walk_tb

from torch import nn


def module_of(error: BaseException, models: Sequence[nn.Module]) -> str:
    """The innermost module of these models in whose code it was raised; of one that has no name there, the class."""
    names = {id(module): name for model in models for name, module in model.named_modules()}
    found = ""
    for frame, _ in walk_tb(error.__traceback__):
        owner = frame.f_locals.get("self")
        if isinstance(owner, nn.Module):
            found = names.get(id(owner)) or found or type(owner).__name__
    return found


def place_in(model: nn.Module, error: BaseException) -> str:
    """``In the module 'layers.0': `` for what was raised below the top of a model, to stand before what it says."""
    module = module_of(error, [model])
    return f"In the module {module!r}: " if module and module in dict(model.named_modules()) else ""
