"""The wire format of Protocol Buffers, walked over without a schema and never over the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..analysis.layers.values import Array

LONGEST = 10
"""Bytes of a number."""
MAX_FIELDS = 1_000_000
"""Of one message: more take seconds to walk over."""


class WireError(Exception):
    """These bytes are no message."""


@dataclass(frozen=True, eq=False)
class Message:
    """The fields of a message that lies in ``raw``."""

    raw: Array

    def __post_init__(self) -> None:
        if isinstance(self.raw, int):
            raise WireError("A number stands where a message should be")

    def fields(self) -> Iterator[tuple[int, Any]]:
        """Number and value of each field: an integer, or the bytes as a view."""
        view, at, count = self.raw.data, 0, 0
        while at < len(view):
            count += 1
            if count > MAX_FIELDS:
                raise WireError(f"A message has more than {MAX_FIELDS:,} fields")
            tag, at = _varint(view, at)
            number, kind = tag >> 3, tag & 7
            if not number:
                raise WireError(f"Byte {at:,} starts no field")
            if kind == 0:
                value, at = _varint(view, at)
                yield number, value
                continue
            if kind == 2:
                size, at = _varint(view, at)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise WireError(f"Byte {at:,} starts a field of unknown kind")
            if size > len(view) - at:
                raise WireError(f"Byte {at:,} announces {size:,} bytes, {len(view) - at:,} are left")
            yield number, self.raw[at : at + size]
            at += size


def integers(value: int | Array, *, most: int | None = None) -> list[int]:
    """The integers of a repeated field, packed or not; negative ones are in two's complement of 64 bits.

    Args:
        value: of the field.
        most: how many there may be.

    Raises:
        WireError: for more, before they are read.
    """
    if most is not None and (most < 1 if isinstance(value, int) else len(value) > LONGEST * most):
        raise WireError(f"A list of at most {most:,} numbers is longer")
    if isinstance(value, int):
        return [_signed(value)]
    view, at, found = value.data, 0, []
    while at < len(view):
        number, at = _varint(view, at)
        found.append(_signed(number))
    return found


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _varint(view: Any, at: int) -> tuple[int, int]:
    result = shift = 0
    while at < len(view) and shift < 70:
        byte = int(view[at])
        at += 1
        result |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return result, at
    raise WireError(f"A number at byte {at:,} does not end")
