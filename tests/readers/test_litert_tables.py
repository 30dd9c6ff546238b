"""LiteRT files with what few writers put into them: numbers behind the tables, defaults, limits, and what is said."""

import struct

import numpy as np
import pytest

from compress_compare.errors import InvalidValue
from compress_compare.readers import litert as reader

from .test_litert import finished, flatbuffers, in_blocks, packed, plain, table, write

RNG = np.random.default_rng(9)
ONES = np.ones((3, 4), np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.tflite"


def one(path, raw, *slots, shape=(3, 4), kind=0, name="w", buffer=None, scales=None):
    """A file of one tensor; ``slots`` are added to its table, ``scales`` to that of its quantization."""
    builder = flatbuffers.Builder(1024)
    data = builder.CreateNumpyVector(np.frombuffer(raw, np.uint8)) if raw else None
    buffers = [table(builder), table(builder, *(buffer or [(0, "offset", data)]))]
    parts = [
        (field, "offset", builder.CreateNumpyVector(array)) for field, array in (scales or {}).items() if field < 6
    ]
    parts += [(6, "Int32", scales[6])] if scales and 6 in scales else []
    quantization = [(4, "offset", table(builder, *parts))] if scales else []
    text = builder.CreateString(name)
    sizes = [] if shape is None else [(0, "offset", builder.CreateNumpyVector(np.array(shape, np.int32)))]
    listed = [*sizes, (1, "Int8", kind), (2, "Uint32", 1), (3, "offset", text), *quantization, *slots]
    return finished(builder, path, [table(builder, *listed)], buffers)


def error(path):
    with pytest.raises(InvalidValue) as caught:
        reader.read(path)
    return caught.value


def test_numbers_are_left_where_they_lie_in_the_file(path):
    weights = reader.read(write(path, {"w": plain(ONES), "b": plain(np.arange(7, dtype=np.int8))}))
    (mapped,) = weights.files
    for stored in weights.tensors.values():
        assert np.shares_memory(stored.values.raw, mapped.bytes)


@pytest.mark.parametrize("extra", [0, 1])
def test_numbers_behind_the_tables_of_a_large_file(path, extra):
    """A buffer says where they are and how many bytes there are; 0 and 1 mean that they stand in the buffer."""
    one(path, b"", buffer=[(1, "Uint64", 4096), (2, "Uint64", 48)])
    content = path.read_bytes()
    path.write_bytes(content + bytes(4096 - len(content)) + ONES.tobytes()[: 48 - extra])
    if extra:
        assert error(path).code == "model.truncated" and "Numbers lie at byte 4,096" in error(path).detail
    else:
        assert np.array_equal(reader.read(path).tensors["w"].values.whole(), ONES)


def test_an_offset_of_one_means_that_the_numbers_are_in_the_buffer(path):
    builder = flatbuffers.Builder(1024)
    data = builder.CreateNumpyVector(ONES.reshape(-1).view(np.uint8))
    buffers = [table(builder), table(builder, (0, "offset", data), (1, "Uint64", 1), (2, "Uint64", 1))]
    text, shape = builder.CreateString("w"), builder.CreateNumpyVector(np.array([3, 4], np.int32))
    tensor = table(builder, (0, "offset", shape), (2, "Uint32", 1), (3, "offset", text))
    assert np.array_equal(reader.read(finished(builder, path, [tensor], buffers)).tensors["w"].values.whole(), ONES)


def test_a_tensor_without_a_name_or_without_a_shape(path):
    weights = reader.read(one(path, ONES.tobytes(), name=""))
    assert list(weights.tensors) == ["tensor"]
    stored = reader.read(one(path, ONES.tobytes()[:4], shape=None)).tensors["w"]
    assert (stored.shape, stored.values.whole().tolist()) == ((), 1)


@pytest.mark.parametrize(
    ("kind", "shape", "num_bytes", "needed"),
    [
        (0, (3, 4), 44, 48),
        (0, (2, 2), 17, 16),
        (17, (3, 3), 4, 5),
        (19, (9,), 2, 3),
        (20, (5,), 4, 3),
        (9, (7,), 8, 7),
        (1, (3,), 7, 6),
    ],
)
def test_a_shape_that_does_not_fit_says_how_many_bytes_it_needs(path, kind, shape, num_bytes, needed):
    found = error(one(path, b"x" * num_bytes, kind=kind, shape=shape))
    assert found.code == "model.bad_shape"
    assert found.detail == f"Shape {list(shape)} needs {needed} bytes, has {num_bytes}."


def test_sizes_below_zero_and_too_many_dimensions_are_refused(path, monkeypatch):
    assert error(one(path, b"x" * 48, shape=(-3, -4))).code == "model.bad_shape"
    monkeypatch.setattr(reader, "MAX_DIMENSIONS", 2)
    assert np.array_equal(reader.read(one(path, ONES.tobytes())).tensors["w"].values.whole(), ONES)
    found = error(one(path, ONES.tobytes(), shape=(3, 2, 2)))
    assert (found.code, "has 3 dimensions" in str(found)) == ("model.bad_shape", True)


@pytest.mark.parametrize("kind", [5, 11, 13, 14, 23, -1])
def test_a_type_without_numbers_is_named(path, kind):
    stored = reader.read(one(path, b"abcd", kind=kind)).tensors["w"]
    assert (stored.dtype, stored.shape, stored.num_bytes, stored.values) == (f"type {kind}", (3, 4), 4, None)


@pytest.mark.parametrize(("kind", "bits", "low", "high"), [(17, 4, -8, 8), (19, 2, -2, 2), (20, 4, 0, 16)])
@pytest.mark.parametrize("shape", [(5, 3), (4, 4), (1,)])
def test_whole_numbers_of_less_than_a_byte(path, kind, bits, low, high, shape):
    codes = RNG.integers(low, high, shape).astype(np.int8)
    raw = packed(np.append(codes.reshape(-1), np.zeros(-codes.size % (8 // bits), np.int8)), bits)
    stored = reader.read(one(path, raw.tobytes(), kind=kind, shape=shape)).tensors["w"]
    assert np.array_equal(stored.values.whole(), codes)
    assert (stored.dtype, stored.num_bytes) == ({17: "int4", 19: "int2", 20: "uint4"}[kind], raw.nbytes)


CODES = RNG.integers(-128, 128, (3, 4)).astype(np.int8)


@pytest.mark.parametrize(
    ("scales", "factors", "offsets"),
    [
        ({2: [0.5]}, 0.5, 0),
        ({2: [0.5], 6: 1}, 0.5, 0),
        ({2: [0.5], 3: [3]}, 0.5, 3),
        ({2: [1, 2, 4]}, [[1], [2], [4]], 0),
        ({2: [1, 2, 4], 3: [5]}, [[1], [2], [4]], 5),
        ({2: [1, 2, 4], 3: [5, 6, -7]}, [[1], [2], [4]], [[5], [6], [-7]]),
        ({2: [1, 2, 4, 8], 3: [5, 6, -7, 0], 6: 1}, [[1, 2, 4, 8]], [[5, 6, -7, 0]]),
    ],
)
def test_scales_belong_to_all_numbers_or_to_one_dimension(path, scales, factors, offsets):
    kinds = {2: np.float32, 3: np.int64}
    arrays = {field: np.array(values, kinds[field]) if field in kinds else values for field, values in scales.items()}
    stored = reader.read(one(path, CODES.tobytes(), kind=9, scales=arrays)).tensors["w"]
    assert np.array_equal(
        stored.values.whole(), (CODES - np.array(offsets, np.float32)) * np.array(factors, np.float32)
    )
    assert (stored.packing.bits, stored.num_bytes, stored.dtype) == (8, 12, "I8")


@pytest.mark.parametrize(
    ("scales", "shape"),
    [
        ({2: [1, 2, 4], 6: 1}, (3, 4)),
        ({2: [1, 2, 4, 8]}, (3, 4)),
        ({2: [1, 2, 4], 6: 2}, (3, 4)),
        ({2: [1, 2, 4], 6: -2}, (3, 4)),
        ({3: [1]}, (3, 4)),
        ({2: []}, (3, 4)),
    ],
)
def test_scales_that_do_not_fit_leave_the_codes(path, scales, shape):
    kinds = {2: np.float32, 3: np.int64}
    arrays = {field: np.array(values, kinds[field]) if field in kinds else values for field, values in scales.items()}
    stored = reader.read(one(path, CODES.tobytes(), kind=9, shape=shape, scales=arrays)).tensors["w"]
    assert stored.packing is None and np.array_equal(stored.values.whole(), CODES)


@pytest.mark.parametrize("scales", [np.ones((6, 2), np.float16), np.full((6, 4), 2, np.float16)])
def test_scales_of_blocks_are_no_tensor_of_their_own(path, scales):
    codes = RNG.integers(-8, 8, (6, 64)).astype(np.int8)
    size = 64 // scales.shape[1]
    weights = reader.read(in_blocks(path, codes, kind=17, bits=4, scales=scales, size=size))
    assert list(weights.tensors) == ["w"] and weights.extra["order"] == ["w"]
    assert weights.tensors["w"].values.numbers(70, 200) == pytest.approx(
        (codes * float(scales[0, 0])).reshape(-1)[70:200]
    )


@pytest.mark.parametrize("at", range(4, 8))
def test_the_mark_of_the_format_is_four_bytes(path, at):
    content = bytearray(write(path, {"w": plain(ONES)}).read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    found = error(path)
    assert found.code == "model.not_litert" and f"It starts with {bytes(content[:8])!a}." == found.detail


def test_a_place_outside_the_file_is_named(path):
    path.write_bytes(struct.pack("<I4s", 1 << 30, b"TFL3") + bytes(64))
    found = error(path)
    assert (found.code, found.detail) == ("model.truncated", "It refers to byte 1,073,741,824.")


def test_lists_are_limited_and_lie_in_the_file(path, monkeypatch):
    write(path, {"a": plain(ONES), "b": plain(ONES)})
    monkeypatch.setattr(reader, "MAX_TENSORS", 3)
    assert list(reader.read(path).tensors) == ["a", "b"]
    monkeypatch.setattr(reader, "MAX_TENSORS", 2)
    assert error(path).detail == "A list has 3 tables; the limit is 2."


def test_names_are_limited(path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_NAME_BYTES", 3)
    assert list(reader.read(one(path, ONES.tobytes(), name="abc")).tensors) == ["abc"]
    found = error(one(path, ONES.tobytes(), name="aéb"))
    assert (found.code, "longer than 3 bytes" in str(found)) == ("model.name_too_long", True)


def test_a_file_without_numbers_is_refused(path):
    assert error(write(path, {})).code == "model.no_tensors"


def test_a_list_that_is_longer_than_the_file_is_told_by_its_length(path):
    content = bytearray(one(path, ONES.tobytes()).read_bytes() + b"more")
    at = content.index(struct.pack("<I", 48) + ONES.tobytes())
    left = len(content) - at - 4
    for count in (left + 1, 1 << 31):
        content[at : at + 4] = struct.pack("<I", count)
        path.write_bytes(content)
        assert error(path).detail == f"A list at byte {at:,} has {count:,} items."
    content[at : at + 4] = struct.pack("<I", left)
    path.write_bytes(content)
    assert error(path).detail == f"Shape [3, 4] needs 48 bytes, has {left}."


def blockwise(path, codes, scales, *, kind=17, listed=(), details=2, has_blocks=True):
    """A file of codes with scales in a tensor of their own; ``listed`` are the fields of the table of blocks."""
    builder = flatbuffers.Builder(1024)
    builder.ForceDefaults(True)  # a field of 0 is written and not left out
    raw = [packed(codes, 4), scales.reshape(-1).view(np.uint8)]
    buffers = [table(builder)] + [table(builder, (0, "offset", builder.CreateNumpyVector(each))) for each in raw]
    blocks = [(5, "offset", table(builder, *listed))] if has_blocks else []
    quantization = table(builder, (4, "Uint8", details), *blocks)
    made = []
    for name, array, number, more in (("w", codes, kind, [(4, "offset", quantization)]), ("s", scales, 1, [])):
        text, shape = builder.CreateString(name), builder.CreateNumpyVector(np.array(array.shape, np.int32))
        slots = [(0, "offset", shape), (1, "Int8", number), (2, "Uint32", len(made) + 1), (3, "offset", text), *more]
        made.append(table(builder, *slots))
    return finished(builder, path, made, buffers)


FOURS = RNG.integers(-8, 8, (2, 3, 8)).astype(np.int8)


def test_scales_of_blocks_of_a_tensor_of_three_dimensions_without_a_field_for_zero_points(path):
    scales = RNG.uniform(0.5, 2, (2, 3, 2)).astype(np.float16)
    found = reader.read(blockwise(path, FOURS, scales, listed=[(0, "Int32", 1), (2, "Int32", 4)])).tensors
    assert list(found) == ["w"]
    assert np.array_equal(found["w"].values.whole(), FOURS * scales.astype(np.float32).repeat(4, 2))
    assert found["w"].values.numbers(9, 30) == pytest.approx(found["w"].values.whole().reshape(-1)[9:30])
    assert (found["w"].num_bytes, found["w"].packing.group_size) == (24 + 24, 4)


@pytest.mark.parametrize(
    ("listed", "how"),
    [
        ([(0, "Int32", 7), (2, "Int32", 4)], {}),
        ([(0, "Int32", 1), (2, "Int32", 3)], {}),
        ([(0, "Int32", 1), (1, "Int32", 0), (2, "Int32", 4)], {}),
        ([(0, "Int32", 1), (2, "Int32", 4)], {"details": 1}),
        ([(0, "Int32", 1), (2, "Int32", 4)], {"details": 3}),
        ([(0, "Int32", 1), (2, "Int32", 4)], {"has_blocks": False}),
        ([], {"has_blocks": False, "details": 1}),
    ],
)
def test_blocks_that_are_described_otherwise_have_no_numbers(path, listed, how):
    found = reader.read(blockwise(path, FOURS, np.ones((2, 3, 2), np.float16), listed=listed, **how)).tensors
    assert (found["w"].values, found["w"].unread) == (None, "LiteRT")


def test_a_table_of_blocks_counts_only_where_it_is_said_to_be_one(path):
    scales = np.ones((2, 3, 2), np.float16)
    found = reader.read(blockwise(path, FOURS, scales, listed=[(0, "Int32", 1), (2, "Int32", 4)], details=0)).tensors
    assert list(found) == ["w", "s"] and np.array_equal(found["w"].values.whole(), FOURS)


@pytest.mark.parametrize(
    ("kind", "dtype", "size"),
    [
        *((0, "F32", 4), (1, "F16", 2), (2, "I32", 4), (3, "U8", 1), (4, "I64", 8), (6, "BOOL", 1), (7, "I16", 2)),
        *((8, "C64", 8), (9, "I8", 1), (10, "F64", 8), (12, "U64", 8), (15, "U32", 4), (16, "U16", 2)),
        *((18, "BF16", 2), (21, "F8_E4M3", 1), (22, "F8_E5M2", 1)),
    ],
)
def test_numbers_of_types_in_the_schema_of_litert(path, kind, dtype, size):
    """``TensorType`` of tensorflow/compiler/mlir/lite/schema/schema.fbs."""
    stored = reader.read(one(path, bytes(3 * size), kind=kind, shape=(3,))).tensors["w"]
    assert (stored.dtype, stored.shape, stored.num_bytes) == (dtype, (3,), 3 * size)
