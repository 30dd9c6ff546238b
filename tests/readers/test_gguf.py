"""GGUF against the reference reader of the ``gguf`` package; headers that lie."""

import struct
import tracemalloc

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.readers import gguf as reader
from compress_compare.readers.gguf_blocks import BLOCKS
from tests.counting import at_most

gguf = pytest.importorskip("gguf")

READ = {block.name: number for number, block in BLOCKS.items() if block.unpack}
HALVES = {"Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)} | {
    name: (0, 2) if name.endswith("_1") else (0,)
    for name in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL", "IQ4_XS")
}
HALVES |= {"TQ2_0": (64,), "MXFP4": ()}


def random_blocks(name, shape):
    """Random bytes, with scales that are ordinary numbers."""
    block, rng = BLOCKS[READ[name]], np.random.default_rng(len(name) + shape[0])
    raw = rng.integers(0, 256, (np.prod(shape) // block.size, block.num_bytes), dtype=np.uint8)
    for at in HALVES[name]:
        raw[:, at : at + 2] = rng.normal(0, 0.1, len(raw)).astype(np.float16).view(np.uint8).reshape(-1, 2)
    return raw.reshape(*shape[:-1], -1)


def write(path, tensors, alignment=None):
    writer = gguf.GGUFWriter(path, "llama")
    if alignment:
        writer.add_custom_alignment(alignment)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "ä" * 40])
    writer.add_array("tokenizer.ggml.scores", [0.5, 1.5])
    for name, (array, kind) in tensors.items():
        writer.add_tensor(name, array, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_sizes_of_blocks_are_those_of_the_reference():
    for number, block in BLOCKS.items():
        kind = gguf.GGMLQuantizationType(number)
        assert (kind.name, gguf.GGML_QUANT_SIZES[kind]) == (block.name, (block.size, block.num_bytes))


@pytest.mark.parametrize("name", READ)
def test_blocks_are_read_as_the_reference_reads_them(tmp_path, name):
    kind = gguf.GGMLQuantizationType[name]
    raw = random_blocks(name, (3, 512))
    path = write(tmp_path / "m.gguf", {"blk.0.w": (raw, kind), "norm": (np.ones(5, np.float32), None)})
    weights = reader.read(path)
    (expected,) = (tensor for tensor in gguf.GGUFReader(path).tensors if tensor.name == "blk.0.w")
    expected = gguf.quants.dequantize(expected.data, kind)
    stored = weights.tensors["blk.0.w"]
    assert stored.shape == (3, 512)
    assert np.array_equal(stored.values.whole(), expected)
    assert np.array_equal(stored.values.numbers(77, 1031), expected.reshape(-1)[77:1031])
    assert np.array_equal(stored.values.zeros(0, 1536), expected.reshape(-1) == 0)
    assert weights.names() == ["blk.0.w", "norm"]


@pytest.mark.parametrize("name", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"])
def test_what_the_reference_quantizes_comes_back_close(tmp_path, name):
    numbers = np.random.default_rng(0).standard_normal((4, 96)).astype(np.float32)
    kind = gguf.GGMLQuantizationType[name]
    path = write(tmp_path / "m.gguf", {"w": (gguf.quants.quantize(numbers, kind), kind)})
    found = reader.read(path).tensors["w"].values.whole()
    assert np.abs(found - numbers).max() < np.abs(numbers).max() / 2 ** (int(name[1]) - 2)


@pytest.mark.parametrize(
    ("dtype", "kind"), [("f4", "F32"), ("f2", "F16"), ("f8", "F64"), ("i1", "I8"), ("i2", "I16"), ("i4", "I32")]
)
def test_plain_numbers(tmp_path, dtype, kind):
    numbers = (np.random.default_rng(0).standard_normal((3, 5)) * 10).astype(dtype)
    path = write(tmp_path / "m.gguf", {"w": (numbers, None)})
    stored = reader.read(path).tensors["w"]
    assert stored.dtype == kind
    assert np.array_equal(stored.values.whole(), numbers)


def test_bfloat16_and_another_alignment(tmp_path):
    numbers = np.random.default_rng(0).standard_normal((2, 6)).astype(np.float32)
    halves = (numbers.view(np.uint32) >> 16).astype(np.uint16)
    kind = gguf.GGMLQuantizationType.BF16
    path = write(tmp_path / "m.gguf", {"w": (halves.view(np.uint8).reshape(2, 12), kind)}, alignment=64)
    expected = (halves.astype(np.uint32) << 16).view(np.float32)
    assert np.array_equal(reader.read(path).tensors["w"].values.whole(), expected)


def test_from_end_to_end(tmp_path):
    numbers = np.random.default_rng(0).standard_normal((64, 256)).astype(np.float32)
    four, eight = gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q8_0
    write(tmp_path / "base.gguf", {"blk.0.w": (numbers, None)})
    write(tmp_path / "q4.gguf", {"blk.0.w": (gguf.quants.quantize(numbers, four), four)})
    write(tmp_path / "q8.gguf", {"blk.0.w": (gguf.quants.quantize(numbers, eight), eight)})
    with cc.open(tmp_path / "p") as project:
        project.log_model("base", checkpoint=tmp_path / "base.gguf")
        for id in ("q4", "q8"):
            project.log_model(id, base="base", operation=cc.Operation(id), checkpoint=tmp_path / f"{id}.gguf")
        rows = {row["model"]: row for row in project.layers("base", ["q4", "q8"], "weights").table.to_pylist()}
        stored = {row["model"]: row for row in project.layers("base", ["q4", "q8"], "storage").table.to_pylist()}
    for id, kind in (("q4", four), ("q8", eight)):
        used = gguf.quants.dequantize(gguf.quants.quantize(numbers, kind), kind).astype(float)
        error = np.sqrt(((used - numbers) ** 2).sum() / (numbers.astype(float) ** 2).sum())
        assert rows[id]["relative_error"] == pytest.approx(error)
        assert rows[id]["num_distinct"] == len(np.unique(used))
    assert [stored["q4"][key] for key in ("dtype", "bits", "scheme", "group_size", "bytes")] == [
        "q4_0", 4, "quantized", 32, 64 * 8 * 18
    ]  # fmt: skip
    assert (stored["q4"]["code_min"], stored["q4"]["code_max"], stored["q4"]["num_scales"]) == (-8, 7, 64 * 8)


def text(value):
    return struct.pack("<Q", len(value)) + value


def header(*, tensors=1, values=0, notes=b"", dimensions=(4,), kind=0, offset=0, name=b"w", data=bytes(64)):
    shape = struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
    info = text(name) + shape + struct.pack("<IQ", kind, offset)
    raw = b"GGUF" + struct.pack("<IQQ", 3, tensors, values) + notes + info
    return raw + bytes(-len(raw) % 32) + data


def note(kind, value, key=b"k"):
    return text(key) + struct.pack("<I", kind) + value


B32 = {
    "tensor count": (header(tensors=1 << 63), "9,223,372,036,854,775,808 tensors"),
    "value count": (header(values=1 << 60), "values in a file of"),
    "alignment": (header(values=1, notes=note(4, struct.pack("<I", 1 << 31), b"general.alignment")), "power of two"),
    "alignment of 0": (header(values=1, notes=note(4, bytes(4), b"general.alignment")), "power of two"),
    "alignment of text": (header(values=1, notes=note(8, text(b"x"), b"general.alignment")), "power of two"),
    "dimensions overflow": (header(dimensions=(1 << 62, 1 << 62)), "about 8.5e+37 bytes"),
    "dimension of zero": (header(dimensions=(4, 0)), "size 0"),
    "five dimensions": (header(dimensions=(1, 1, 1, 1, 1)), "5 dimensions"),
    "array type": (header(values=1, notes=note(9, struct.pack("<IQ", 77, 1))), "items of type 77"),
    "array length": (header(values=1, notes=note(9, struct.pack("<IQ", 8, 1 << 61))), "2,305,843,009,213,693,952"),
    "array of bytes": (header(values=1, notes=note(9, struct.pack("<IQ", 0, 1 << 61))), "beyond its"),
    "nested arrays": (header(values=1, notes=note(9, struct.pack("<IQ", 9, 1) * 8)), "type 9"),
    "value type": (header(values=1, notes=note(13, b"")), "unknown type 13"),
    "text length": (header(values=1, notes=struct.pack("<Q", 1 << 62)), "beyond its"),
    "not utf-8": (header(name=b"\xff\xfe"), "not UTF-8"),
    "tensor type": (header(kind=5), "unknown type 5"),
    "rows of blocks": (header(kind=2, dimensions=(33,)), "multiples of 32"),
    "offset": (header(offset=1 << 40), "cut off"),
    "version": (b"GGUF" + struct.pack("<IQQ", 1, 1, 0) + bytes(64), "Versions 2 and 3"),
    "another kind": (b"GGML" + bytes(64), "starts with 'GGUF'"),
}


@pytest.mark.parametrize("case", B32)
def test_b32_a_header_that_lies(tmp_path, case):
    raw, sentence = B32[case]
    path = tmp_path / "m.gguf"
    path.write_bytes(raw)
    tracemalloc.start()
    with pytest.raises(InvalidValue) as caught, at_most(lines=1_000):
        reader.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "model.bad_header"
    assert sentence in str(caught.value)
    assert peak < 2e6


def test_b32_cut_at_every_byte(tmp_path):
    whole = write(tmp_path / "m.gguf", {"w": (np.ones((4, 32), np.float32), None)}).read_bytes()
    path = tmp_path / "cut.gguf"
    for end in range(1, len(whole), 7):
        path.write_bytes(whole[:end])
        with pytest.raises(InvalidValue) as caught:
            reader.read(path)
        assert caught.value.code == "model.bad_header"


def test_one_name_twice_and_none(tmp_path):
    path = tmp_path / "m.gguf"
    info = text(b"w") + struct.pack("<IQIQ", 1, 4, 0, 0)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2, 0) + 2 * info + bytes(128))
    with pytest.raises(InvalidValue, match="twice") as caught:
        reader.read(path)
    assert caught.value.code == "model.duplicate_tensor"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + bytes(128))
    with pytest.raises(InvalidValue) as caught:
        reader.read(path)
    assert caught.value.code == "model.no_tensors"
