"""Columns whose values are more than one number: sounds, tokens, numbers per token, and sets of labels."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import InvalidValue
from ..readers.regular import open_regular

MAX_FILE = 256 << 20
"""Bytes of one picture or sound."""


def encode_audio(sound: Any, position: int) -> bytes:
    """The bytes of a sound file, as given or read from a path; samples and their rate become a 16-bit WAV file.

    Args:
        sound: bytes, a path, or ``(samples, rate)`` with float samples ``[N]`` or ``[N, channels]`` from −1 to 1.
        position: of the instance, for errors.
    """
    if isinstance(sound, bytes):
        return sound
    if isinstance(sound, str | Path):
        return file_bytes(Path(sound), f"Sound {position}")
    if not isinstance(sound, tuple) or len(sound) != 2:
        raise InvalidValue("data.audio", f"Sound {position} is not bytes, a path or (samples, rate).")
    samples, rate = np.asarray(sound[0], dtype=np.float64), int(sound[1])
    if rate < 1:
        raise InvalidValue("data.audio", f"Sound {position} has a rate of {rate} samples a second; it is at least 1.")
    if samples.ndim not in (1, 2) or not samples.size or not np.isfinite(samples).all() or np.abs(samples).max() > 1:
        raise InvalidValue(
            "data.audio", f"Sound {position} is not [N] or [N, channels] finite samples.", hint="Scale to −1 … 1."
        )
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def file_bytes(path: Path, what: str) -> bytes:
    """What is in the file of an instance.

    Raises:
        InvalidValue: ``data.file``, ``data.too_large``, ``input.not_regular_file``.
    """
    try:
        file = open_regular(path)
    except InvalidValue as error:
        code = error.code if error.code == "input.not_regular_file" else "data.file"
        detail = f"{str(path)[:200]!r}: {error.title}"
        raise InvalidValue(code, f"{what} cannot be read from its file.", detail=detail) from error
    with file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_FILE:
            raise InvalidValue(
                "data.too_large",
                f"The file of {what} is too large.",
                detail=f"It has {size:,} bytes; the limit is {MAX_FILE:,}.",
            )
        return file.read(size)


def token_column(tokens: Iterable[Any]) -> pa.Array:
    """``[N]`` lists of strings, the tokens of each instance in their order."""
    try:
        return pa.array([list(one) for one in tokens], pa.list_(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
        raise InvalidValue("data.type", "Tokens must be a list of strings per instance.") from error


def per_token_column(values: Iterable[Any], name: str) -> pa.Array:
    """``[N]`` lists of numbers, one number per token; NaN where a token has none, as the first one of a text."""
    try:
        rows = [np.asarray(one, dtype=np.float32).tolist() for one in values]
        return pa.array(rows, pa.list_(pa.float32()))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        raise InvalidValue("data.type", f"The numbers per token {name!r} must be a list per instance.") from error


def label_sets(values: Any, what: str) -> pa.Array | None:
    """Sets of labels as sorted lists without repetition; ``None`` if the values are no collections."""
    if isinstance(values, np.ndarray | pa.Array | pa.ChunkedArray) or hasattr(values, "detach"):
        return None
    rows = list(values)
    first = next((row for row in rows if row is not None), None)
    if not isinstance(first, list | tuple | set | frozenset):
        return None
    try:
        sets = [None if row is None else sorted({_plain(label) for label in row}) for row in rows]
        kind = pa.string() if any(isinstance(label, str) for row in sets if row for label in row) else pa.int64()
        return pa.array(sets, pa.list_(kind))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
        raise InvalidValue(
            "data.type",
            f"The {what} are of mixed or unknown types.",
            hint="Sets of labels are lists of strings or integers.",
        ) from error


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def described(table: pa.Table, facts: Mapping[bytes, str | None]) -> pa.Table:
    """The table with facts about how it was made, for the guard that compares only what is comparable."""
    known = {key: value.encode() for key, value in facts.items() if value is not None}
    return table.replace_schema_metadata(known or None)
