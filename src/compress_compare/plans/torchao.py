"""Exports a plan as a Python module for torchao's ``quantize_``."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InvalidValue
from ..operations import BaseOperation
from .llm_compressor import RESTRICTED, modules_of, restricted

_HEAD = '''"""Quantizes weights with torchao: quantize_(model, CONFIG, filter_fn=None)."""

from collections import OrderedDict

import torch
from torchao.quantization import FqnToConfig, IntxWeightOnlyConfig, PerAxis, PerGroup, quantize_
from torchao.quantization.quant_primitives import MappingType

'''


def configuration(plan: Sequence[BaseOperation]) -> str:
    """Return a Python module that defines ``CONFIG`` for ``torchao.quantization.quantize_``.

    torchao rounds to nearest, on all 2^bits levels, as ``quantize`` does where its levels are not symmetric, or
    symmetric with ``full_range``; then only the largest weight of a scale, halfway between two levels, may go to the
    other one. A comment says it of other symmetric levels.

    Args:
        plan: ``quantize`` operations with targets, per channel or group.

    Raises:
        InvalidValue: ``export.unsupported`` naming the operation.
    """
    entries = []
    for operation in plan:
        given = operation.parameters
        if operation.name != "quantize":
            raise InvalidValue("export.unsupported", f"torchao has no configuration for {operation.name!r}.")
        if given["strategy"] == "tensor" or not given["targets"]:
            title = "torchao's weight-only configuration needs named layers, and a scale per channel or group."
            raise InvalidValue("export.unsupported", title)
        granularity = f"PerGroup({given['group_size']})" if given["group_size"] else "PerAxis(0)"
        mapping = "SYMMETRIC" if given["symmetric"] else "ASYMMETRIC"
        config = f"IntxWeightOnlyConfig(torch.int{given['bits']}, {granularity}, MappingType.{mapping})"
        entries += [f"            ({name!r}, {config}),\n" for name in modules_of(given["targets"])]
    said = RESTRICTED.replace("llm-compressor", "torchao").replace("recipe", "module")
    head = (said if any(restricted(operation) for operation in plan) else "") + _HEAD
    return f"{head}CONFIG = FqnToConfig(\n    OrderedDict(\n        [\n{''.join(entries)}        ]\n    )\n)\n"
