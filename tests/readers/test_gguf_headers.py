"""Headers of GGUF written by its specification: values that are passed over, alignments, limits, and what is said."""

import struct

import numpy as np
import pytest

from compress_compare.errors import InvalidValue
from compress_compare.readers import gguf as reader

from .test_gguf import header, note, text

NUMBERS = np.arange(16, dtype=np.float32)


def read(path, raw):
    path.write_bytes(raw)
    return reader.read(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.gguf"


def said(path, raw):
    with pytest.raises(InvalidValue) as caught:
        read(path, raw)
    assert caught.value.code == "model.bad_header"
    return caught.value.detail


def array(kind, *items):
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def with_notes(*notes):
    return header(values=len(notes), notes=b"".join(notes), data=NUMBERS.tobytes(), dimensions=(16,))


SCALARS = {
    0: ("B", 200), 1: ("b", -3), 2: ("H", 60_000), 3: ("h", -9), 4: ("I", 1 << 31), 5: ("i", -5), 6: ("f", 0.5),
    7: ("?", True), 10: ("Q", 1 << 63), 11: ("q", -(1 << 62)), 12: ("d", 0.25),
}  # fmt: skip


@pytest.mark.parametrize("kind", SCALARS)
def test_values_and_arrays_of_each_kind_are_as_long_as_they_say(path, kind):
    code, value = SCALARS[kind]
    one = struct.pack(f"<{code}", value)
    notes = [note(kind, one, b"general.one"), note(9, array(kind, one, one, one)), note(9, array(kind))]
    weights = read(path, with_notes(*notes, note(8, text(b"llama"), b"general.name")))
    assert np.array_equal(weights.tensors["w"].values.whole(), NUMBERS)
    is_kept = isinstance(value, int)
    assert weights.extra["gguf"] == ({"general.one": value} if is_kept else {}) | {"general.name": "llama"}


def test_arrays_of_texts_and_of_arrays_are_passed_over(path):
    texts = array(8, text(b"one"), text(b""), text(b"\xff\xfe"))  # no text of these is needed, so none is decoded
    nested = array(9, array(8, text(b"in")), array(4, bytes(4), bytes(4)), array(9, array(0, b"x")))
    weights = read(path, with_notes(note(9, texts), note(9, nested), note(4, struct.pack("<I", 7), b"general.last")))
    assert np.array_equal(weights.tensors["w"].values.whole(), NUMBERS)
    assert weights.extra["gguf"] == {"general.last": 7}


@pytest.mark.parametrize(("depth", "is_read"), [(4, True), (5, False)])
def test_arrays_may_be_nested_four_deep(path, depth, is_read):
    value = array(0, b"x")
    for _ in range(depth - 1):
        value = array(9, value)
    if is_read:
        assert list(read(path, with_notes(note(9, value))).tensors) == ["w"]
    else:
        assert "unknown type 9" in said(path, with_notes(note(9, value)))


@pytest.mark.parametrize(("kind", "smallest"), [(8, 8), (9, 12)])
def test_an_array_that_its_file_cannot_hold_is_told_by_its_count(path, kind, smallest):
    raw = with_notes(note(9, struct.pack("<IQ", kind, 1 << 20)))
    assert f"has 1,048,576 items of type {kind}" in said(path, raw)
    left = len(raw) - raw.index(struct.pack("<Q", 1 << 20)) - 8
    most = left // smallest
    fits = with_notes(note(9, struct.pack("<IQ", kind, most)))
    assert "items of type" not in said(path, fits)


def test_what_notes_are_kept(path):
    numbers = {
        b"x.attention.head_count": 8,
        b"x.attention.head_count_kv": 2,
        b"x.ssm.state_size": 16,
        b"x.block_count": 4,
    }
    notes = [note(4, struct.pack("<I", value), key) for key, value in numbers.items()]
    notes += [note(6, struct.pack("<f", 1), b"x.ssm.scale"), note(8, text(b"x"), b"x.ssm.name")]
    assert read(path, with_notes(*notes)).extra["gguf"] == {
        "x.attention.head_count": 8, "x.attention.head_count_kv": 2, "x.ssm.state_size": 16
    }  # fmt: skip


def aligned(value, kind=4, code="I"):
    notes = note(kind, struct.pack(f"<{code}", value), b"general.alignment")
    raw = header(values=1, notes=notes, dimensions=(16,), data=b"")
    start = len(b"GGUF") + 20 + len(notes) + len(text(b"w")) + 4 + 8 + 12
    return raw[:start] + bytes(-start % max(value, 1)) + NUMBERS.tobytes()


@pytest.mark.parametrize("value", [1, 2, 8, 64, 4096, 1 << 20])
def test_numbers_begin_at_a_multiple_of_the_alignment(path, value):
    assert np.array_equal(read(path, aligned(value)).tensors["w"].values.whole(), NUMBERS)


@pytest.mark.parametrize(
    ("value", "kind", "code"),
    [(0, 4, "I"), (3, 4, "I"), (48, 4, "I"), (1 << 21, 4, "I"), (-32, 5, "i"), (32.0, 6, "f")],
)
def test_an_alignment_is_a_power_of_two_up_to_a_million(path, value, kind, code):
    assert said(
        path, aligned(32)[:24] + note(kind, struct.pack(f"<{code}", value), b"general.alignment") + bytes(99)
    ) == (f"The alignment must be a power of two up to 1,048,576; found {value}.")


def test_text_for_an_alignment_is_refused(path):
    assert "found 'x'." in said(path, with_notes(note(8, text(b"x"), b"general.alignment")))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"GGUF" + struct.pack("<I", 4) + bytes(40), "Versions 2 and 3 can be read; found 4."),
        (b"GGUF" + struct.pack("<IQ", 3, 1), "At byte 16 it asks for 8 bytes; that is beyond its 16 bytes."),
        (header(dimensions=(1, 1, 1, 1, 1)), "Tensor 'w' has 5 dimensions; at most 4 can be."),
        (header(dimensions=(0,)), "Tensor 'w' has a dimension of size 0."),
        (header(kind=2, dimensions=(33,)), "Tensor 'w': rows of Q4_0 are multiples of 32 numbers."),
        (header(kind=2, dimensions=()), "Tensor 'w': rows of Q4_0 are multiples of 32 numbers."),
        (header(kind=4), "Tensor 'w' has the unknown type 4."),
        (header(dimensions=(17,)), "Tensor 'w' needs 68 bytes from byte 64; the file is cut off."),
        (header(dimensions=(16,), offset=4), "Tensor 'w' needs 64 bytes from byte 68; the file is cut off."),
        (header(kind=2, dimensions=(32, 4)), "Tensor 'w' needs 72 bytes from byte 96; the file is cut off."),
        (header(name=b"\xff"), "The text at byte 32 is not UTF-8."),
        (header(values=1, notes=note(13, b"")), "A value before byte 37 has the unknown type 13."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_numbers(path, raw, sentence):
    assert said(path, raw) == sentence


@pytest.mark.parametrize(("tensors", "values", "most"), [(9, 0, 216), (1, 20, 260)])
def test_a_tensor_takes_at_least_24_bytes_and_a_value_13(path, tensors, values, most):
    raw = b"GGUF" + struct.pack("<IQQ", 3, tensors, values)
    detail = said(path, raw + bytes(most - 1 - len(raw)))
    assert detail == f"It claims {tensors} tensors and {values} values in a file of {most - 1} bytes."
    with pytest.raises(InvalidValue) as caught:
        read(path, raw + bytes(most - len(raw)))
    assert "It claims" not in str(caught.value)


def test_the_limit_of_a_header_is_named(path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_HEADER", 30)
    assert said(path, header(dimensions=(16,))) == "At byte 24 it asks for 8 bytes; that is beyond the limit of 64 MB."
    assert reader.MAX_ALIGNMENT == 1 << 20 and reader.MAX_DEPTH == reader.MAX_DIMENSIONS == 4


@pytest.mark.parametrize("version", [2, 3])
def test_two_versions_are_read(path, version):
    raw = header(dimensions=(16,), data=NUMBERS.tobytes())
    raw = raw[:4] + struct.pack("<I", version) + raw[8:]
    assert np.array_equal(read(path, raw).tensors["w"].values.whole(), NUMBERS)


@pytest.mark.parametrize(("offset", "is_read"), [(0, False), (28, False), (32, True)])
def test_tensors_do_not_overlap(path, offset, is_read):
    infos = [text(name) + struct.pack("<IQIQ", 1, 8, 0, at) for name, at in ((b"a", 0), (b"b", offset))]
    raw = b"GGUF" + struct.pack("<IQQ", 3, 2, 0) + b"".join(infos)
    raw += bytes(-len(raw) % 32) + NUMBERS.tobytes()
    if is_read:
        assert read(path, raw).tensors["b"].values.whole().tolist() == list(range(8, 16))
    else:
        assert said(path, raw) == "Tensors 'a' and 'b' overlap."


def test_limits_of_names_and_counts(path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_NAME_BYTES", 3)
    assert list(read(path, header(name=b"abc", dimensions=(16,))).tensors) == ["abc"]
    with pytest.raises(InvalidValue, match="longer than 3 bytes") as caught:
        read(path, header(name="aé".encode() + b"x"))
    assert caught.value.code == "model.name_too_long"
    monkeypatch.setattr(reader, "MAX_TENSORS", 0)
    with pytest.raises(InvalidValue, match="The limit is 0; found 1") as caught:
        read(path, header())
    assert caught.value.code == "model.too_many_tensors"
    with pytest.raises(InvalidValue) as caught:
        read(path, b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
    assert caught.value.code == "model.no_tensors"


def test_what_a_block_adds_is_counted_in_scales(path):
    codes = np.arange(16, dtype=np.uint8)
    data = np.array([2, -6], np.float16).tobytes() + (codes | (15 - codes) << 4).tobytes()
    stored = read(path, header(kind=3, dimensions=(32,), data=data)).tensors["w"]
    whole = np.concatenate([codes, 15 - codes]).astype(np.float32)
    assert np.array_equal(stored.values.whole(), whole * 2 - 6)
    ranges = stored.packing.ranges()
    assert (ranges["zero_point_min"], ranges["zero_point_max"], ranges["scale_min"]) == (3, 3, 2)
    assert (ranges["code_min"], ranges["code_max"], ranges["num_scales"]) == (0, 15, 1)
    eight = read(path, header(kind=8, dimensions=(32,), data=np.float16(2).tobytes() + bytes(32))).tensors["w"]
    assert eight.packing.ranges()["zero_point_min"] is None


@pytest.mark.parametrize(("less", "needed"), [(1, "999,999,999,999,999,000,000,000,000,000"), (0, "about 1.0e+30")])
def test_more_bytes_than_there_are_anywhere_are_written_short(path, less, needed):
    found = said(path, header(kind=24, dimensions=(10**15, 10**15 - less)))
    assert found == f"Tensor 'w' needs {needed} bytes from byte 96; the file is cut off."
