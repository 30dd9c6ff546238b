"""Block formats that the ``gguf`` package decodes where it is installed: those whose codes point into large tables.

Formats of a few lines each are decoded in ``gguf_blocks``, so that the core reads them and tells codes from scales.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ..analysis.layers.values import Array


@cache
def decoder(name: str) -> Callable[[Array], Array] | None:
    """What makes float32 ``(blocks, numbers)`` of bytes ``(blocks, bytes)``; ``None`` where the package does not.

    Args:
        name: of the format, as llama.cpp writes it.
    """
    try:
        package: Any = importlib.import_module("gguf")
        kind = package.GGMLQuantizationType[name]
        if kind not in package.quants._type_traits:
            return None
    except (ImportError, KeyError, AttributeError):
        return None

    def decode(blocks: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(package.quants.dequantize(np.ascontiguousarray(blocks), kind), np.float32)

    return decode
