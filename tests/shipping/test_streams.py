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
