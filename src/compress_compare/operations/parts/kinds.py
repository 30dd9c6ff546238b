"""Weights that lose far more than they save when rounded or zeroed: left alone unless named. Needs torch."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import nn

EXPONENTS = "its exponential is taken, which turns a small error into a large one"
TOKENS = "it is a token that every input gets, and a few numbers in all"
POSITIONS = "it is a table of positions, each row of which every input gets"
RELATIVE = "it is a bias of relative positions, added to every score"
BIASES = "it is a bias, and a few numbers in all"
VECTORS = "it is a scale or shift of a few numbers in all"
ROUTERS = "it chooses the experts: a small error sends an input to others"

_ATTRIBUTES = (
    (re.compile(r"(\w+_)?A_logs?|log_\w+|\w+_log|time_decay|time_first"), EXPONENTS),
    (re.compile(r"(cls|class|mask|dist|distillation|reg|register|query|latent)_(token|embedding)s?"), TOKENS),
    (re.compile(r"\w*(rel_pos|relative_position|relative_bias|relative_attention)\w*|attention_biases"), RELATIVE),
    (re.compile(r"\w*(pos_?emb|position\w*_emb|embed_pos|abs_pos|position_table|pos_table)\w*|pos|wpe"), POSITIONS),
    (re.compile(r"(\w+_)?bias(es)?"), BIASES),
)
"""By the name of a parameter, or of the embedding that holds it."""
_ROUTERS = ("router", "gate", "gating", "switch")


def reason(name: str, modules: Mapping[str, nn.Module]) -> str:
    """Why a weight is left alone unless it is named, or nothing.

    Args:
        name: of the parameter.
        modules: all modules of the model, by path.
    """
    path, _, attribute = name.rpartition(".")
    module = modules[path]
    own = attribute
    if isinstance(module, nn.Embedding):
        own = path.rpartition(".")[2]
    elif type(module).__module__.startswith("torch.nn") and type(module) is not nn.Module:
        own = ""
    if "position" in type(module).__name__.lower() and attribute == "weight":
        return POSITIONS
    for pattern, why in _ATTRIBUTES:
        if own and pattern.fullmatch(own):
            return why
    values = module._parameters[attribute]
    if own not in ("", "weight") and values is not None and values.ndim > 1 and max(values.shape) == values.numel():
        return "" if isinstance(module, nn.Embedding) else VECTORS
    return ROUTERS if _routes(path, modules) else ""


def _routes(path: str, modules: Mapping[str, nn.Module]) -> bool:
    """Whether a module is a router, or in one: by its class, or by its name beside a module called experts."""
    while path:
        parent, _, last = path.rpartition(".")
        if type(modules[path]).__name__.lower().endswith("router"):
            return True
        if last in _ROUTERS and hasattr(modules.get(parent), "experts"):
            return True
        path = parent
    return False
