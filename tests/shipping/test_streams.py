"""The layout packed-1: numbers come back as they were, in the bytes that the scheme implies, and damage is noticed."""

import math
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compress_compare.errors import InvalidValue
from compress_compare.operations.quantize import Quantize
from compress_compare.readers import grids
from compress_compare.readers.checkpoint import read
from compress_compare.readers.packings import streams as layout
from compress_compare.readers.raw import as_bytes, raw, serialized
from compress_compare.schemes.scheme import TensorScheme
from compress_compare.shipping.streams import assembled, encode


def back(stream, shape):
    entries, payload = assembled({"w": stream})
    stored = layout._tensor(entries["w"], payload)
    assert stored.num_bytes == payload.size
    return stored.values.whole().reshape(shape)


@given(
    bits=st.integers(2, 8),
    symmetric=st.booleans(),
    size=st.sampled_from([None, 3, 8]),
    shape=st.sampled_from([(4, 12), (5, 2, 3, 3), (7, 10)]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_quantized_weights_are_stored_as_codes_and_come_back_exactly(bits, symmetric, size, shape, seed):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    operation = Quantize(
        bits=bits, symmetric=symmetric, strategy="channel" if size is None else "group", group_size=size
    )
    rounded = operation.rounded(values).numpy()
    scheme = TensorScheme("quantized", bits, strategy=operation.strategy, group_size=size, symmetric=symmetric)
    stream = encode(rounded, as_bytes(rounded, "F32"), dtype="F32", scheme=scheme)
    assert np.array_equal(back(stream, shape), rounded)
    groups = shape[0] * (1 if size is None else math.ceil(math.prod(shape[1:]) / size))
    packed = math.ceil(math.prod(shape) * bits / 8) + groups * (4 if symmetric else 6)
    assert stream.num_bytes == min(packed, 4 * math.prod(shape))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("bits", [2, 4])
def test_grids_of_narrow_floats_are_found(dtype, bits):
    values = torch.randn(6, 64, generator=torch.Generator().manual_seed(3)).to(dtype)
    rows = Quantize(bits=bits).rounded(values).float().numpy()
    grid = grids.fit(rows, bits, symmetric=True, dtype=str(dtype).removeprefix("torch."))
    found = torch.from_numpy(grid.codes.astype(np.float32) * grid.scales[:, None]).to(dtype).float().numpy()
    assert np.array_equal(found, rows)


def test_numbers_on_no_grid_are_not_forced_onto_one():
    values = np.random.default_rng(0).normal(size=(4, 32)).astype(np.float32)
    assert grids.fit(values, 4, symmetric=True) is None
    scheme = TensorScheme("quantized", 4, strategy="channel")
    stream = encode(values, as_bytes(values, "F32"), dtype="F32", scheme=scheme)
    assert stream.entry["kind"] == "dense" and stream.note == "its numbers lie on no grid of 4 bits"
    assert np.array_equal(back(stream, values.shape), values)


@pytest.mark.parametrize(("dim", "shape"), [(1, (6, 5)), (2, (6, 4)), (4, (3, 5))])
def test_palettes_of_numbers_and_vectors_are_tables_and_labels(dim, shape):
    random = np.random.default_rng(1)
    count = math.prod(shape)
    table = random.normal(size=(4, dim)).astype(np.float16).astype(np.float32)
    flat = np.concatenate([table[random.integers(0, 4, count // dim)].reshape(-1), np.ones(count % dim, np.float32)])
    entry = {"dim": dim, "per": "tensor", "axis": 0}
    values = layout.restored(flat, shape, entry=entry)
    scheme = TensorScheme("palettized", 2, codebook_size=4, dim=dim)
    stream = encode(values, as_bytes(values, "F32"), dtype="F32", scheme=scheme)
    assert np.array_equal(back(stream, shape), values)
    vectors = {tuple(one) for one in flat[: count - count % dim].reshape(-1, dim)}
    assert stream.num_bytes == math.ceil(count // dim * 2 / 8) + len(vectors) * dim * 2 + count % dim * 4


def test_zeros_leave_as_a_bit_map():
    values = np.where(np.arange(4096) % 16 == 0, 0.1 + np.arange(4096), 0).astype(np.float32)
    stream = encode(values, as_bytes(values, "F32"), dtype="F32", scheme=TensorScheme(pruned=True))
    assert stream.num_bytes == 4096 // 8 + 4096 // 16 * 4
    assert np.array_equal(back(stream, values.shape), values)


def file_of(tmp_path, entries, payload):
    index = zlib.compress(__import__("json").dumps({"tensors": entries}).encode())
    content = serialized(
        {
            layout.INDEX: ("U8", (len(index),), np.frombuffer(index, np.uint8)),
            layout.PAYLOAD: ("U8", (payload.size,), payload),
        },
        {"compress_compare": '{"layout": "packed-1"}'},
    )
    (tmp_path / "m.safetensors").write_bytes(content)
    return {"m.safetensors": tmp_path / "m.safetensors"}


BASE = {
    "kind": "palettized", "shape": [2, 4], "dtype": "F32", "per": "tensor", "axis": 0, "bits": 1, "dim": 1,
    "tables": 1, "size": 2, "of": "F32", "at": 0, "parts": {"table": 8, "labels": 1},
}  # fmt: skip


def test_a_hand_made_file_is_read(tmp_path):
    payload = np.concatenate([np.array([-1.5, 2.0], "<f4").view(np.uint8), np.array([0b00100110], np.uint8)])
    found = read("safetensors", file_of(tmp_path, {"w": BASE}, payload)).tensors
    assert list(found) == ["w"] and found["w"].num_bytes == 9
    assert found["w"].values.whole().tolist() == [[-1.5, 2.0, 2.0, -1.5], [-1.5, 2.0, -1.5, -1.5]]
    assert raw(found["w"])[0] == "F32"


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [2, 400]}, {"shape": [-2, 4]}, {"shape": "22"}, {"dtype": "F9"}, {"bits": 0}, {"bits": 9}, {"at": 5},
        {"at": -1}, {"parts": {"table": 8}}, {"parts": {"table": 8, "labels": 2}}, {"tables": 2}, {"size": 3},
        {"kind": "other"}, {"per": "row"}, {"axis": 7, "per": "channel"}, {"dim": 0}, {"group_size": 0},
        {"of": "I8"}, {"shape": [1 << 62, 1 << 62]}, {"parts": {"table": -8, "labels": 1}},
    ],
)  # fmt: skip
def test_an_index_that_does_not_fit_is_refused(tmp_path, change):
    payload = np.zeros(9, np.uint8)
    with pytest.raises(InvalidValue) as caught:
        read("safetensors", file_of(tmp_path, {"w": BASE | change}, payload))
    assert caught.value.code == "model.bad_packing"


def test_a_label_without_an_entry_is_refused_when_it_is_read(tmp_path):
    entry = BASE | {"bits": 2, "parts": {"table": 8, "labels": 2}}
    found = read("safetensors", file_of(tmp_path, {"w": entry}, np.full(10, 255, np.uint8)))
    with pytest.raises(InvalidValue, match="no entry in its table"):
        found.tensors["w"].values.whole()


def test_an_index_that_is_no_index_is_refused(tmp_path):
    files = file_of(tmp_path, {"w": BASE}, np.zeros(9, np.uint8))
    path = files["m.safetensors"]
    content = path.read_bytes()
    place = content.index(zlib.compress(b"")[:2], 100)
    path.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
    with pytest.raises(InvalidValue):
        read("safetensors", files)


@pytest.mark.parametrize(
    ("shape", "said", "tables"),
    [
        ((2, 3), {"per": "tensor"}, [0] * 6),
        ((2, 3), {"per": "channel", "axis": 0}, [0, 0, 0, 1, 1, 1]),
        ((2, 3), {"per": "channel", "axis": 1}, [0, 0, 1, 1, 2, 2]),
        ((3, 2), {"per": "channel", "axis": 0, "group_size": 2}, [0, 0, 0, 0, 1, 1]),
        ((4,), {"per": "channel", "axis": 0}, [0, 0, 0, 0]),
        ((2, 5), {"per": "group", "axis": 0, "group_size": 2}, [0, 0, 1, 1, 2, 3, 3, 4, 4, 5]),
        ((2, 5), {"per": "group", "axis": 1, "group_size": 1}, list(range(10))),
        ((2, 5), {"per": "group", "axis": 0}, [0] * 5 + [1] * 5),
        ((5,), {"per": "group", "axis": 0, "group_size": 3}, [0, 0, 0, 1, 1]),
        ((2, 0), {"per": "group", "axis": 0, "group_size": 3}, []),
        ((0, 2), {"per": "channel", "axis": 0}, []),
    ],
)
def test_which_table_each_element_has(shape, said, tables):
    found, count = layout.table_index(shape, said)
    assert found.tolist() == tables
    assert count == (max(tables, default=-1) + 1)


@pytest.mark.parametrize("bits", range(1, 9))
def test_labels_of_any_bits_stand_without_gaps(bits):
    labels = np.random.default_rng(bits).integers(0, 1 << bits, 13)
    number = sum(int(label) << bits * place for place, label in enumerate(labels))
    packed = np.frombuffer(number.to_bytes(-(-13 * bits // 8), "little"), np.uint8)
    assert layout.labels_of(packed, 13, bits=bits).tolist() == labels.tolist()
    assert layout.labels_of(packed, 1, bits=bits).tolist() == labels[:1].tolist()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("said", [{"per": "tensor"}, {"per": "channel"}, {"per": "tensor", "dim": 2}])
def test_elements_come_back_from_the_order_of_the_layout(axis, said):
    values = np.arange(24.0).reshape(2, 3, 4)
    flat = layout.ordered(values, said | {"axis": axis})
    stays = said == {"per": "tensor"}
    first = values if stays else np.moveaxis(values, axis, -1 if "dim" in said else 0)
    assert flat.tolist() == first.reshape(-1).tolist()
    assert np.array_equal(layout.restored(flat, (2, 3, 4), entry=said | {"axis": axis}), values)
    assert layout.ordered(values[0, 0], said | {"axis": 0}).tolist() == [0, 1, 2, 3]
    assert layout.restored(values[0, 0], (4,), entry=said | {"axis": 0}).tolist() == [0, 1, 2, 3]


def quantized(scale, labels, *, zero=None, **more):
    """The numbers of codes of four bits."""
    bits = np.packbits(
        np.unpackbits(np.array(labels, np.uint8)[:, None], axis=1, bitorder="little")[:, :4], bitorder="little"
    )
    parts = {"scale": np.array(scale, "<f4").view(np.uint8), "labels": bits}
    if zero is not None:
        parts["zero"] = np.array(zero, "<i2").view(np.uint8)
    entry = {
        "kind": "quantized",
        "shape": [len(labels)],
        "dtype": "F32",
        "per": "tensor",
        "axis": 0,
        "bits": 4,
        "at": 0,
    }
    entry |= {"parts": {name: part.size for name, part in parts.items()}} | more
    return layout._tensor(entry, np.concatenate(list(parts.values())))


def test_codes_less_their_zero_point_times_their_scale():
    assert quantized([0.5], [0, 8, 15]).values.whole().tolist() == [-4, 0, 3.5]
    assert quantized([0.5], [0, 8, 15], zero=[3]).values.whole().tolist() == [-1.5, 2.5, 6]
    both = quantized([0.5, 2], [0, 8, 15, 1], shape=[2, 2], per="channel", zero=[0, 1])
    assert both.values.whole().tolist() == [[0, 4], [28, 0]] and both.num_bytes == 8 + 2 + 4
    assert quantized([1 / 3], [9], dtype="F16").values.whole().tolist() == [float(np.float16(1 / 3))]
    for scale, more in (([0.5, 1], {}), ([0.5], {"zero": [1, 2]}), ([0.5], {"shape": [2, 2], "per": "channel"})):
        with pytest.raises(ValueError, match="not a scale for each group"):
            quantized(scale, [0, 8, 15, 1], **more)


def test_a_bit_map_has_a_bit_for_each_element():
    def sparse(mask, values, *, count=9):
        parts = {"mask": np.array(mask, np.uint8), "values": np.array(values, "<f4").view(np.uint8)}
        entry = {"kind": "sparse", "shape": [count], "dtype": "F32", "at": 0}
        entry["parts"] = {name: part.size for name, part in parts.items()}
        return layout._tensor(entry, np.concatenate(list(parts.values()))).values.whole().tolist()

    assert sparse([0b101, 1], [1, 2, 3]) == [1, 0, 2, 0, 0, 0, 0, 0, 3]
    assert sparse([0b101, 0xFE], [1, 2]) == [1, 0, 2, 0, 0, 0, 0, 0, 0]  # bits behind the last element say nothing
    with pytest.raises(ValueError, match="not a bit for each element"):
        sparse([0b101], [1, 2])
    with pytest.raises(ValueError, match="not a number for each bit"):
        sparse([0b101, 1], [1, 2])
