"""Simple properties of texts, tokens and images, so that slices are found where no metadata was logged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .frame import TEXT, TOKENS, Frame
from .joined import combined

TEXT_WORDS, TEXT_QUESTION, TOKEN_COUNT = "text words", "text asks", "token count"
BRIGHTNESS, CONTRAST = "image brightness", "image contrast"
MAX_IMAGES = 20_000
"""Images beyond these are not decoded for their features: that takes longer than a person waits."""


def names(frame: Frame) -> list[str]:
    """The features that the data have."""
    columns = frame.dataset.schema.names
    found = [TEXT_WORDS, TEXT_QUESTION] if TEXT in columns else []
    found += [TOKEN_COUNT] if TOKENS in columns and pa.types.is_list(frame.dataset.schema.field(TOKENS).type) else []
    if "image" in columns and frame.num_instances <= MAX_IMAGES:
        found += [BRIGHTNESS, CONTRAST]
    return [name for name in found if name not in columns]


def column(frame: Frame, name: str) -> pa.ChunkedArray:
    """The values of a feature."""
    make: dict[str, Callable[[], pa.Array]] = {
        TEXT_WORDS: lambda: pc.add(pc.count_substring_regex(combined(frame.column(TEXT)), r"\S+"), 0),
        TEXT_QUESTION: lambda: pc.match_substring(combined(frame.column(TEXT)), "?"),
        TOKEN_COUNT: lambda: pc.list_value_length(combined(frame.column(TOKENS))),
        BRIGHTNESS: lambda: pa.array(_light(frame)[:, 0], from_pandas=True),
        CONTRAST: lambda: pa.array(_light(frame)[:, 1], from_pandas=True),
    }
    return frame.keep(("feature", name), lambda: pa.chunked_array([make[name]()]))


def _light(frame: Frame) -> NDArray[np.float64]:
    """Mean and standard deviation of the gray values of each image, from 0 to 1; NaN where the bytes are no image."""

    def load() -> NDArray[np.float64]:
        images = frame.dataset.read("image")["image"].to_pylist()
        return np.array([_gray(content) for content in images], dtype=np.float64).reshape(-1, 2)

    return frame.keep(("light",), load)


def _gray(content: bytes | None) -> tuple[float, float]:
    from PIL import Image, UnidentifiedImageError

    if content is None:
        return float("nan"), float("nan")
    try:
        with Image.open(pa.BufferReader(content)) as image:
            gray = np.asarray(image.convert("L"), dtype=np.float64) / 255
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return float("nan"), float("nan")
    return float(gray.mean()), float(gray.std())
