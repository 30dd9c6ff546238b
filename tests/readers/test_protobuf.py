"""The wire format of Protocol Buffers, byte by byte as its documentation says."""

import numpy as np
import pytest

from compress_compare.readers import protobuf
from compress_compare.readers.protobuf import Message, WireError, integers


def raw(*numbers):
    return np.array(numbers, np.uint8)


def fields(*numbers):
    return [
        (number, value if isinstance(value, int) else value.tolist())
        for number, value in Message(raw(*numbers)).fields()
    ]


def test_fields_of_every_kind():
    # Field 1 as a varint of 150 (the example of the documentation), 2 as bytes, 3 of 8 bytes, 4 of 4 bytes.
    message = [0x08, 0x96, 0x01, 0x12, 0x03, 7, 8, 9, 0x19, *range(8), 0x25, *range(4)]
    assert fields(*message) == [(1, 150), (2, [7, 8, 9]), (3, [*range(8)]), (4, [*range(4)])]
    assert fields() == []
    assert fields(0x12, 0x00) == [(2, [])]
    assert fields(0xFA, 0x01, 0x01, 5) == [(31, [5])]


@pytest.mark.parametrize(
    "message",
    [
        (0x08,),  # no number
        (0x08, 0x80),  # a number that goes on
        (0x08, *[0x80] * 10, 0x01),  # a number of eleven bytes
        (0x12, 0x02, 1),  # two bytes are announced, one is left
        (0x19, *range(7)),
        (0x25, *range(3)),
        (0x0B,),  # a group
        (0x00, 0x01),  # field 0
    ],
)
def test_what_is_no_message(message):
    with pytest.raises(WireError):
        fields(*message)
    with pytest.raises(WireError):
        Message(5)


def test_the_number_of_fields_is_limited(monkeypatch):
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 2)
    assert len(fields(0x08, 1, 0x08, 2)) == 2
    with pytest.raises(WireError):
        fields(0x08, 1, 0x08, 2, 0x08, 3)


def test_integers_packed_or_not():
    assert integers(7) == [7]
    assert integers(raw(0x96, 0x01, 3)) == [150, 3]
    minus_two = (0xFE, *[0xFF] * 8, 0x01)
    assert integers(raw(*minus_two)) == [-2]
    assert integers((1 << 64) - 2) == [-2]
    assert integers((1 << 63) - 1) == [(1 << 63) - 1]
    assert integers(1 << 63) == [-(1 << 63)]


def test_lists_that_are_too_long_are_refused_before_they_are_read():
    assert integers(7, most=1) == [7]
    assert integers(raw(*[1] * 20), most=2) == [1] * 20  # as many bytes as two numbers may take
    for value, most in ((7, 0), (raw(*[1] * 21), 2)):
        with pytest.raises(WireError):
            integers(value, most=most)
