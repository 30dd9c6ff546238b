"""LiteRT models that ``flatbuffers`` writes by the schema; and damaged ones."""

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.readers import litert as reader

flatbuffers = pytest.importorskip("flatbuffers")

KINDS = {"f4": 0, "f2": 1, "i4": 2, "u1": 3, "i8": 4, "?": 6, "i2": 7, "i1": 9, "f8": 10, "u8": 12, "u4": 15, "u2": 16}


def table(builder, *slots):
    """A table of ``(field, kind, value)``: offsets, or scalars by the builder's own calls."""
    builder.StartObject(8)
    for field, kind, value in slots:
        if kind == "offset":
            builder.PrependUOffsetTRelativeSlot(field, value, 0)
        else:
            getattr(builder, f"Prepend{kind}Slot")(field, value, 0)
    return builder.EndObject()


def vector(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def finished(builder, path, listed, buffers):
    """The file of one graph with these tensors and buffers."""
    graph = table(builder, (0, "offset", vector(builder, listed)))
    graphs, held = vector(builder, [graph]), vector(builder, buffers)
    model = table(builder, (0, "Uint32", 3), (2, "offset", graphs), (4, "offset", held))
    builder.Finish(model, file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def packed(codes, bits):
    """Whole numbers of less than a byte, the lowest bits first."""
    flat, per = codes.reshape(-1).tolist(), 8 // bits
    return np.array(
        [
            sum((code & (1 << bits) - 1) << bits * at for at, code in enumerate(flat[i : i + per]))
            for i in range(0, len(flat), per)
        ],
        np.uint8,
    )


def in_blocks(path, codes, *, kind, bits, scales, size, zeros=-1, details=2):
    """A file of one tensor with a scale for each block of its rows, which is a tensor of its own."""
    builder = flatbuffers.Builder(1024)
    raw = [packed(codes, bits), scales.reshape(-1).view(np.uint8)]
    buffers = [table(builder)] + [table(builder, (0, "offset", builder.CreateNumpyVector(each))) for each in raw]
    blocks = table(builder, (0, "Int32", 1), (1, "Int32", zeros), (2, "Int32", size))
    quantization = table(builder, (4, "Uint8", details), (5, "offset", blocks))
    listed = []
    for name, array, number, more in (("w", codes, kind, [(4, "offset", quantization)]), ("w_scales", scales, 1, [])):
        text, shape = builder.CreateString(name), builder.CreateNumpyVector(np.array(array.shape, np.int32))
        slots = [(0, "offset", shape), (1, "Int8", number), (2, "Uint32", len(listed) + 1), (3, "offset", text), *more]
        listed.append(table(builder, *slots))
    return finished(builder, path, listed, buffers)


def write(path, tensors):
    """Tensors by name: the numbers, and perhaps scales, zero points and their dimension."""
    builder = flatbuffers.Builder(1024)
    buffers, listed = [table(builder)], []
    for name, (numbers, scales, zeros, dimension) in tensors.items():
        data = builder.CreateNumpyVector(np.ascontiguousarray(numbers).reshape(-1).view(np.uint8))
        buffers.append(table(builder, (0, "offset", data)))
        text, shape = builder.CreateString(name), builder.CreateNumpyVector(np.array(numbers.shape, np.int32))
        slots = [(0, "offset", shape), (1, "Int8", KINDS[numbers.dtype.str[-2:].lstrip("|").lstrip("b1") or "?"])]
        slots += [(2, "Uint32", len(buffers) - 1), (3, "offset", text)]
        if scales is not None:
            parts = builder.CreateNumpyVector(scales), builder.CreateNumpyVector(zeros)
            quantization = table(builder, (2, "offset", parts[0]), (3, "offset", parts[1]), (6, "Int32", dimension))
            slots.append((4, "offset", quantization))
        listed.append(table(builder, *slots))
    text = builder.CreateString("input")
    listed.append(table(builder, (3, "offset", text)))
    return finished(builder, path, listed, buffers)


def plain(numbers):
    return numbers, None, None, 0


@pytest.mark.parametrize("dtype", [kind for kind in KINDS if kind != "?"])
@pytest.mark.parametrize("shape", [(3, 5), (4,), (2, 1, 3)])
def test_numbers(tmp_path, dtype, shape):
    numbers = (np.random.default_rng(0).standard_normal(shape) * 50).astype(dtype)
    weights = reader.read(write(tmp_path / "m.tflite", {"w": plain(numbers)}))
    assert list(weights.tensors) == ["w"]
    stored = weights.tensors["w"]
    assert np.array_equal(stored.values.whole(), numbers)
    assert (stored.dtype, stored.num_bytes) == (dtype[0].upper() + str(8 * int(dtype[1])), numbers.nbytes)


@pytest.mark.parametrize("axis", [0, 1, None])
def test_quantized_numbers_are_those_in_use(tmp_path, axis):
    rng = np.random.default_rng(0)
    codes = rng.integers(-128, 128, (4, 6)).astype(np.int8)
    count = 1 if axis is None else codes.shape[axis]
    scales, zeros = rng.uniform(0.1, 1, count).astype(np.float32), rng.integers(-9, 9, count)
    path = write(tmp_path / "m.tflite", {"w": (codes, scales, zeros, axis or 0)})
    shape = (1, -1) if axis == 1 else (-1, 1)
    expected = (codes.astype(float) - zeros.reshape(shape)) * scales.reshape(shape)
    stored = reader.read(path).tensors["w"]
    assert stored.values.whole() == pytest.approx(expected, rel=1e-6)
    assert (stored.packing.bits, stored.packing.ranges()["code_min"]) == (8, codes.min())


def test_from_end_to_end(tmp_path):
    numbers = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    write(tmp_path / "a.tflite", {"dense": plain(numbers)})
    write(
        tmp_path / "b.tflite", {"dense": (np.round(numbers * 20).astype(np.int8), np.float32([0.05]), np.int64([0]), 0)}
    )
    with cc.open(tmp_path / "p") as project:
        project.log_model("a", checkpoint=tmp_path / "a.tflite")
        project.log_model("b", base="a", operation=cc.Operation("q"), checkpoint=tmp_path / "b.tflite")
        row = project.layers("a", ["b"], "weights").table.to_pylist()[-1]
    used = np.round(numbers * 20).astype(np.int8) * 0.05
    expected = np.linalg.norm(used - numbers) / np.linalg.norm(numbers)
    assert row["relative_error"] == pytest.approx(expected, rel=1e-4)


def test_cut_and_damaged(tmp_path):
    whole = write(tmp_path / "m.tflite", {"w": plain(np.ones((3, 4), np.float32))}).read_bytes()
    path = tmp_path / "cut.tflite"
    damaged = [whole[:end] for end in range(1, len(whole) - 4, 3)]
    damaged += [whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :] for at in range(0, len(whole) - 4, 2)]
    for content in damaged:
        path.write_bytes(content)
        try:
            reader.read(path)
        except InvalidValue as error:
            assert error.code.startswith("model.")


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "model.empty_file"), (b"hello, world", "model.not_litert"), (b"<html>", "model.not_a_model")],
)
def test_what_is_no_model(tmp_path, content, code):
    (tmp_path / "m.tflite").write_bytes(content)
    with cc.open(tmp_path / "p") as project, pytest.raises(InvalidValue) as caught:
        project.log_model("m", checkpoint=tmp_path / "m.tflite")
    assert caught.value.code == code


RNG = np.random.default_rng(3)


@pytest.mark.parametrize(("kind", "bits", "low", "high"), [(17, 4, -8, 8), (19, 2, -2, 2), (20, 4, 0, 16)])
def test_a_scale_for_each_block_of_a_row(tmp_path, kind, bits, low, high):
    codes, scales = RNG.integers(low, high, (6, 64)).astype(np.int8), RNG.uniform(0.5, 2, (6, 2)).astype(np.float16)
    weights = reader.read(in_blocks(tmp_path / "m.tflite", codes, kind=kind, bits=bits, scales=scales, size=32))
    assert list(weights.tensors) == ["w"]
    stored = weights.tensors["w"]
    expected = [[int(codes[i, j]) * float(scales[i, j // 32]) for j in range(64)] for i in range(6)]
    assert np.array_equal(stored.values.whole(), np.array(expected, np.float32))
    assert (stored.packing.bits, stored.packing.group_size) == (bits, 32)
    assert stored.num_bytes == 6 * 64 * bits // 8 + 24


@pytest.mark.parametrize("wrong", [{"zeros": 1}, {"size": 24}, {"size": 0}, {"size": 16}, {"details": 1}])
def test_codes_whose_scales_are_not_understood_have_no_numbers(tmp_path, wrong):
    codes, scales = RNG.integers(-8, 8, (6, 64)).astype(np.int8), np.ones((6, 2), np.float16)
    path = in_blocks(tmp_path / "m.tflite", codes, **{"kind": 17, "bits": 4, "scales": scales, "size": 32, **wrong})
    stored = reader.read(path).tensors["w"]
    assert (stored.values, stored.unread) == (None, "LiteRT")


def test_whole_numbers_of_two_bits_with_a_scale_for_each_row(tmp_path):
    codes, scales = RNG.integers(-2, 2, (4, 8)).astype(np.int8), np.array([0.5, 1, 2, 4], np.float16).reshape(4, 1)
    weights = reader.read(in_blocks(tmp_path / "m.tflite", codes, kind=19, bits=2, scales=scales, size=8))
    assert np.array_equal(weights.tensors["w"].values.whole(), codes * scales.astype(np.float32))
