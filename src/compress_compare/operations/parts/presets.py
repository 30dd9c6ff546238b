"""Names of whole schemes, such as W4A16: what bits, symmetry, strategy and group size they stand for.

The names and their meaning are those of compressed-tensors 0.20, which llm-compressor and vLLM use: W is the bits of a
weight, A those of an activation. Earlier versions read W8A16 as one scale per channel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import ArgsKwargs

if TYPE_CHECKING:
    from ..base import BaseOperation


def _group(bits: int, *, symmetric: bool = True) -> dict[str, Any]:
    return {"bits": bits, "symmetric": symmetric, "strategy": "group", "group_size": 128}


PRESETS: dict[str, dict[str, Any]] = {
    **{f"W{bits}A16": _group(bits) for bits in range(2, 9)},
    "W4A16_ASYM": _group(4, symmetric=False),
}
"""Scheme → parameters of the operations that round weights only."""
_ACTIVATION_FIRST = re.compile(r"(\d+)A(\d+)W")


def canonical(value: object) -> object:
    """A scheme as it is spelled here: ``w4a16`` and ``16a4w`` are W4A16, ``INT8`` is W8A8; all else stays."""
    if not isinstance(value, str):
        return value
    upper = value.strip().upper()
    swapped = _ACTIVATION_FIRST.fullmatch(upper)
    name = f"W{swapped[2]}A{swapped[1]}" if swapped else {"INT8": "W8A8"}.get(upper, upper)
    return name if name in PRESETS or name == "W8A8" else value


WeightScheme = Annotated[
    Literal["W2A16", "W3A16", "W4A16", "W5A16", "W6A16", "W7A16", "W8A16", "W4A16_ASYM"] | None,
    BeforeValidator(canonical),
    Field(json_schema_extra={"sets": PRESETS}),
]
ActivationScheme = Annotated[Literal["W8A8"] | None, BeforeValidator(canonical)]


def expanded(cls: type[BaseOperation], given: Any) -> Any:
    """The arguments of an operation with what its ``scheme`` stands for in place of parameters that were left out.

    Args:
        cls: an operation with the parameters bits, symmetric, strategy, group_size and scheme.
        given: what pydantic hands to a validator before all others.

    Raises:
        ValueError: one sentence, when a parameter says something else than the scheme, or the scheme is W8A8.
    """
    if not isinstance(given, ArgsKwargs):
        return given
    names = list(cls.__pydantic_fields__)  # type: ignore[attr-defined]
    known = dict(zip(names, given.args, strict=False)) | dict(given.kwargs or {})
    scheme = canonical(known.get("scheme"))
    if scheme == "W8A8":
        listed = ", ".join(PRESETS)
        raise ValueError(f"scheme must be one of {listed}; W8A8 rounds activations too and is 'quantize dynamic'.")
    if not isinstance(scheme, str) or scheme not in PRESETS:
        return given
    for name, value in PRESETS[scheme].items():
        if name in known and known[name] != value:
            meaning = ", ".join(f"{key}={means!r}" for key, means in PRESETS[scheme].items())
            raise ValueError(f"{name} must be {value!r} with the scheme {scheme}, which is {meaning}.")
    left_out = {name: value for name, value in PRESETS[scheme].items() if name not in known}
    return ArgsKwargs(given.args, {**(given.kwargs or {}), **left_out})


def name_of(parameters: Mapping[str, Any]) -> str | None:
    """The scheme that these parameters are, if it has a name."""
    for name, preset in PRESETS.items():
        if all(parameters.get(key) == value for key, value in preset.items()):
            return name
    return None
