"""The layout ``packed-1``: lookup tables with labels, integers with scales, and zeros as a bit map, without gaps."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis.layers.values import Array
from ...readers.packings import streams as layout
from ...readers.raw import raw, serialized
from ...records.own_key import KEY
from ...schemes.scheme import TensorScheme
from ..base import WEIGHTS, Format, Source, Written
from ..origin import text
from ..streams import assembled, encode
from .safetensors import NOTED, beside, header_origin, numbers


class PackedFormat(Format):
    """Holds every model, each tensor in the smallest form that gives its numbers back exactly."""

    name = "packed"
    summary = "one safetensors file of lookup tables, integer codes and bit maps, which this tool reads"

    def write(self, source: Source, folder: Path) -> Written:
        """Write the packed weights, and what lies beside them."""
        encoded, notes = {}, []
        for name in source.weights.names():
            stored = source.weights.tensors[name]
            dtype, _, content = raw(stored)
            values = stored.values.whole() if stored.values is not None else np.zeros(stored.shape, np.float32)
            scheme = source.schemes.get(name, TensorScheme())
            encoded[name] = encode(values, content, dtype=dtype, scheme=scheme)
            if encoded[name].note:
                notes.append(f"{name}: {encoded[name].note}.")
        entries, payload = assembled(encoded)
        noted = {key: source.weights.extra[key] for key in NOTED if key in source.weights.extra}
        index = zlib.compress(json.dumps({**noted, "tensors": entries}, separators=(",", ":")).encode(), 9)
        tensors = {
            layout.INDEX: ("U8", (len(index),), np.frombuffer(index, np.uint8)),
            layout.PAYLOAD: ("U8", (payload.size,), payload),
        }
        said = {KEY: text({"layout": layout.LAYOUT, "origin": source.origin})}
        (folder / WEIGHTS).write_bytes(serialized(tensors, said))
        beside(source, folder)
        return Written(notes)

    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The tensors as our own reader finds them."""
        return numbers(folder)

    def origin(self, folder: Path) -> Mapping[str, Any]:
        """From the header of the weights."""
        return header_origin(folder)

    def checkpoint(self, folder: Path) -> Path | None:
        """The file."""
        return folder / WEIGHTS
