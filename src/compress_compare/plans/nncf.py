"""Exports a plan as a Python module that compresses weights with NNCF, one level after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import InvalidValue
from ..operations import BaseOperation
from .llm_compressor import modules_of

_HEAD = '''"""Compresses the weights of a model of PyTorch with NNCF: compressed(model, nncf.Dataset([example]))."""

import re

import nncf

'''
_TAIL = """

def compressed(model, dataset):
    for mode, group_size, layers in LEVELS:
        # Names of operators have slashes and those of weights have dots; all that begin otherwise are ignored.
        starts = "|".join(f"{re.escape(name.replace('.', '/'))}/|{re.escape(name)}[.]" for name in layers)
        given = {} if mode.startswith("INT8") else {"ratio": 1.0, "group_size": group_size, "all_layers": True}
        model = nncf.compress_weights(
            model,
            mode=nncf.CompressWeightsMode[mode],
            dataset=dataset,
            ignored_scope=nncf.IgnoredScope(patterns=[f"^(?!{starts}).*"], validate=False),
            **given,
        )
    return model
"""
SYMMETRIC = """# Symmetric levels of NNCF are not those that were measured: the scale of its INT4_SYM has the
# sign of the largest weight. Use symmetric: false to measure what NNCF makes.
"""


def configuration(plan: Sequence[BaseOperation]) -> str:
    """Return a Python module with a function ``compressed(model, dataset)``.

    Levels that are not symmetric are those of ``quantize``, with scales that NNCF rounds to 16 bits. A comment says
    that the symmetric ones are not.

    Args:
        plan: ``quantize`` at 8 bits per channel, or 4 bits per channel or group, with targets by name.

    Raises:
        InvalidValue: ``export.unsupported`` naming what NNCF lacks.
    """
    levels: list[tuple[str, int, list[str]]] = []
    for operation in plan:
        given: Any = operation.parameters
        if operation.name != "quantize":
            raise InvalidValue("export.unsupported", f"This export to NNCF has nothing for {operation.name!r}.")
        if given["bits"] not in (4, 8):
            raise InvalidValue("export.unsupported", f"NNCF quantizes weights to 4 or 8 bits, not to {given['bits']}.")
        if given["strategy"] == "tensor" or (given["bits"] == 8 and given["strategy"] == "group"):
            what = "a scale per channel" if given["bits"] == 8 else "a scale per channel or group"
            raise InvalidValue("export.unsupported", f"NNCF has {what} for {given['bits']} bits.")
        names = modules_of(given["targets"])
        if not given["targets"] or any(name.startswith("re:") for name in names):
            raise InvalidValue("export.unsupported", "This export to NNCF takes names of layers.")
        mode = f"INT{given['bits']}_{'SYM' if given['symmetric'] else 'ASYM'}"
        levels.append((mode, given["group_size"] or -1, names))
    said = SYMMETRIC if any(mode.endswith("_SYM") for mode, _, _ in levels) else ""
    listed = "".join(f"    ({mode!r}, {size}, {names!r}),\n" for mode, size, names in levels)
    return f"{said}{_HEAD}LEVELS = [\n{listed}]\n{_TAIL}"
