"""Files of the layout packed-1, written by its description: numbers worked out by hand, and why others are refused."""

import json
import zlib

import numpy as np
import pytest

from compress_compare.errors import InvalidValue
from compress_compare.readers.packings import streams

from .made import RNG, weights


def labels(numbers, bits):
    """Labels of some bits, the lowest first, without gaps."""
    single = [int(number) >> at & 1 for number in np.reshape(numbers, -1) for at in range(bits)]
    return np.packbits(np.array(single, np.uint8), bitorder="little").tobytes()


def mask(there):
    return np.packbits(np.reshape(there, -1), bitorder="little").tobytes()


def f4(*numbers):
    return np.array(numbers, "<f4").tobytes()


def entry(kind, shape, parts, **said):
    return {"kind": kind, "shape": list(shape), "dtype": "F32", "at": 0, **said}, parts


def file(*entries, index=None, **noted):
    """A checkpoint of tensors ``w0``, ``w1`` …, each with its parts one after the other."""
    payload, listed = b"", {}
    for at, (said, parts) in enumerate(entries):
        lengths = {name: len(part) for name, part in parts.items()}
        listed[f"w{at}"] = {"parts": lengths, **said, "at": said["at"] + len(payload)}
        payload += b"".join(parts.values())
    content = zlib.compress(json.dumps({"tensors": listed, **noted}).encode()) if index is None else index
    arrays = {streams.INDEX: np.frombuffer(content, np.uint8), streams.PAYLOAD: np.frombuffer(payload, np.uint8)}
    return weights(arrays, layout="packed-1")


def numbers(made):
    """All of them, once some in the middle were read by themselves."""
    values = streams.expanded(file(made)).tensors["w0"].values
    some = slice(values.count // 3, values.count - 1)
    assert np.array_equal(values.numbers(some.start, some.stop), values.whole().reshape(-1)[some])
    return values.whole()


def refusal(made):
    with pytest.raises(InvalidValue) as caught:
        found = streams.expanded(made if not isinstance(made, tuple) else file(made))
        found.tensors["w0"].values.whole()
    assert caught.value.code == "model.bad_packing"
    return caught.value.detail.removeprefix("ValueError: ")


DENSE = RNG.normal(size=(2, 3)).astype(np.float32)


def test_dense_tensors_lie_one_after_the_other():
    half = np.arange(5, dtype=np.float16)
    made = file(
        entry("dense", (2, 3), {"values": DENSE.tobytes()}),
        entry("dense", (5,), {"values": half.tobytes()}, dtype="F16"),
        entry("dense", (), {"values": f4(7)}),
        order=["w1", "w0", "w2"], tied={"x": "w0"}, unknown=1,
    )  # fmt: skip
    found = streams.expanded(made)
    assert np.array_equal(found.tensors["w0"].values.whole(), DENSE)
    assert np.array_equal(found.tensors["w1"].values.whole(), half)
    assert found.tensors["w2"].values.whole().tolist() == 7 and found.tensors["w2"].shape == ()
    assert [one.num_bytes for one in found.tensors.values()] == [24, 10, 4]
    assert found.extra == {"layout": "packed-1", "order": ["w1", "w0", "w2"], "tied": {"x": "w0"}}


def test_a_tensor_may_be_empty():
    stored = streams.expanded(file(entry("dense", (0, 3), {"values": b""}))).tensors["w0"]
    assert stored.values.whole().shape == (0, 3) and stored.num_bytes == 0


def test_other_files_stay_as_they_are():
    plain = weights({"w": DENSE})
    assert streams.expanded(plain) is plain
    bare = weights({streams.INDEX: np.zeros(3, np.uint8)}, layout="packed-1")
    assert streams.expanded(bare) is bare


def test_a_sparse_tensor_has_a_number_for_each_bit_of_its_mask():
    there = np.array([[1, 0, 0], [0, 1, 1]], bool)
    made = entry("sparse", (2, 3), {"mask": mask(there), "values": f4(1, 2, 3)})
    assert numbers(made).tolist() == [[1, 0, 0], [0, 2, 3]]
    assert refusal(entry("sparse", (2, 3), {"mask": mask(there), "values": f4(1, 2)})).startswith("a sparse tensor")
    assert refusal(entry("sparse", (2, 3), {"values": f4(1, 2, 3)})).startswith("a sparse tensor")
    assert refusal(entry("sparse", (3, 3), {"mask": mask(there), "values": f4(1, 2, 3)})) == (
        "a mask has not a bit for each element"
    )


CODES = RNG.integers(0, 8, (4, 6))


def quantized(codes, scales, zeros=None, *, shape=None, there=None, **said):
    parts = {} if there is None else {"mask": mask(there)}
    parts["scale"] = f4(*np.reshape(scales, -1))
    if zeros is not None:
        parts["zero"] = np.array(zeros, "<i2").tobytes()
    parts["labels"] = labels(codes, said.get("bits", 3))
    return entry("quantized", codes.shape if shape is None else shape, parts, **{"bits": 3, "per": "tensor"} | said)


def test_one_scale_for_all_whose_middle_is_zero():
    assert np.array_equal(numbers(quantized(CODES, [0.5])), (CODES - 4) * np.float32(0.5))
    assert np.array_equal(numbers(quantized(CODES, [0.5], [2])), (CODES - 2) * np.float32(0.5))


@pytest.mark.parametrize("bits", range(1, 9))
def test_labels_of_any_number_of_bits(bits):
    codes = RNG.integers(0, 1 << bits, (3, 5))
    assert np.array_equal(numbers(quantized(codes, [2], bits=bits)), (codes - 2.0 ** (bits - 1)) * 2)
    assert (
        streams.labels_of(np.frombuffer(labels(codes, bits), np.uint8), 15, bits=bits).tolist()
        == codes.reshape(-1).tolist()
    )


@pytest.mark.parametrize("axis", [0, 1])
def test_a_scale_for_each_channel_of_a_dimension(axis):
    count = CODES.shape[axis]
    scales, zeros, shape = np.arange(1, count + 1), np.arange(count) % 3, (-1, 1) if axis == 0 else (1, -1)
    made = quantized(np.moveaxis(CODES, axis, 0), scales, zeros, shape=(4, 6), per="channel", axis=axis)
    assert np.array_equal(numbers(made), (CODES - zeros.reshape(shape)) * scales.reshape(shape))


@pytest.mark.parametrize(
    ("size", "groups"), [(4, [0, 0, 0, 0, 1, 1]), (3, [0, 0, 0, 1, 1, 1]), (6, [0] * 6), (None, [0] * 6)]
)
def test_a_scale_for_each_group_of_a_channel(size, groups):
    count = max(groups) + 1
    scales = np.arange(1, 4 * count + 1).reshape(4, count)
    said = {"per": "group", "axis": 0} | ({} if size is None else {"group_size": size})
    assert np.array_equal(numbers(quantized(CODES, scales, **said)), (CODES - 4) * scales[:, groups])


def test_channels_may_share_a_scale():
    made = quantized(CODES, [1, 10], per="channel", axis=0, group_size=3)
    assert np.array_equal(numbers(made), (CODES - 4) * np.array([1, 1, 1, 10])[:, None])


@pytest.mark.parametrize(
    ("shape", "said", "index", "count"),
    [
        ((2, 3), {"per": "tensor"}, [0] * 6, 1),
        ((2, 3), {"per": "channel", "axis": 0}, [0, 0, 0, 1, 1, 1], 2),
        ((2, 3), {"per": "channel", "axis": 1}, [0, 0, 1, 1, 2, 2], 3),
        ((5, 1), {"per": "channel", "axis": 0, "group_size": 2}, [0, 0, 1, 1, 2], 3),
        ((4,), {"per": "channel", "axis": 0}, [0] * 4, 1),
        ((5,), {"per": "group", "axis": 0, "group_size": 2}, [0, 0, 1, 1, 2], 3),
        ((2, 3), {"per": "group", "axis": 0, "group_size": 2}, [0, 0, 1, 2, 2, 3], 4),
        ((2, 3), {"per": "group", "axis": 1}, [0, 0, 1, 1, 2, 2], 3),
        ((0, 3), {"per": "group", "axis": 0}, [], 0),
    ],
)
def test_which_table_each_element_has(shape, said, index, count):
    found, most = streams.table_index(shape, said)
    assert (found.tolist(), most) == (index, count)


@pytest.mark.parametrize(
    ("said", "shape"),
    [
        ({"per": "tensor"}, (2, 3, 4)), ({"per": "channel", "axis": 1}, (2, 3, 4)),
        ({"per": "group", "axis": 2}, (2, 3, 4)),
        ({"per": "channel", "axis": 0}, (5,)), ({"per": "tensor", "axis": 0, "dim": 2}, (4, 3)),
        ({"per": "tensor", "axis": 1, "dim": 3}, (4, 3, 2)),
    ],
)  # fmt: skip
def test_the_order_of_elements(said, shape):
    values = np.arange(np.prod(shape)).reshape(shape)
    axis = said.get("axis", 0)
    if said.get("dim", 1) > 1:
        expected = np.moveaxis(values, axis, -1)
    else:
        expected = values if said["per"] == "tensor" else np.moveaxis(values, axis, 0)
    flat = streams.ordered(values, said)
    assert flat.tolist() == expected.reshape(-1).tolist()
    assert np.array_equal(streams.restored(flat, shape, entry=said), values)


def test_a_mask_leaves_out_what_is_zero():
    there = RNG.random((4, 6)) < 0.5
    found = numbers(quantized(CODES[there], [1, 2, 3, 4], there=there, shape=(4, 6), per="channel", axis=0))
    assert np.array_equal(found, np.where(there, (CODES - 4) * np.array([[1], [2], [3], [4]]), 0))


def palettized(codes, table, *, shape, rest=None, there=None, **said):
    parts = ({} if there is None else {"mask": mask(there)}) | {"table": np.array(table, "<f4").tobytes()}
    parts["labels"] = labels(codes, 2)
    parts |= {} if rest is None else {"rest": f4(*rest)}
    made = {"bits": 2, "per": "tensor", "of": "F32", "tables": 1, "size": 4, "dim": 1}
    return entry("palettized", shape, parts, **made | said)


TABLE = np.array([-1, 0.5, 2, 9], np.float32)
PICKED = RNG.integers(0, 4, (4, 6))


def test_each_label_is_an_entry_of_its_table():
    assert np.array_equal(numbers(palettized(PICKED, TABLE, shape=(4, 6))), TABLE[PICKED])
    tables = np.stack([TABLE, 10 * TABLE, TABLE + 1, -TABLE])
    made = palettized(PICKED, tables, shape=(4, 6), per="channel", axis=0, tables=4)
    assert np.array_equal(numbers(made), np.take_along_axis(tables, PICKED, 1))
    there = RNG.random((4, 6)) < 0.5
    made = palettized(PICKED[there], tables, shape=(4, 6), per="channel", axis=0, tables=4, there=there)
    assert np.array_equal(numbers(made), np.where(there, np.take_along_axis(tables, PICKED, 1), 0))
    few = palettized(np.minimum(PICKED, 2), TABLE[:3], shape=(4, 6), size=3)
    assert np.array_equal(numbers(few), TABLE[np.minimum(PICKED, 2)])
    assert refusal(palettized(np.full(24, 3), TABLE[:3], shape=(4, 6), size=3)) == "A label has no entry in its table."


@pytest.mark.parametrize("axis", [0, 1])
def test_labels_for_vectors_along_a_dimension_and_what_fills_none(axis):
    table, codes, rest = RNG.normal(size=(4, 4)).astype(np.float32), RNG.integers(0, 4, 6), [7, 8, 9]
    made = palettized(codes, table, shape=(3, 9), rest=rest, dim=4, axis=axis)
    flat = np.concatenate([table[codes].reshape(-1), np.array(rest, np.float32)])
    assert np.array_equal(numbers(made), flat.reshape(3, 9) if axis == 1 else flat.reshape(9, 3).T)
    whole = palettized(codes, table, shape=(4, 6), dim=4, axis=1)
    assert np.array_equal(numbers(whole), table[codes].reshape(4, 6))


def test_tables_of_narrow_floats():
    parts = {"table": TABLE.astype("<f2").tobytes(), "labels": labels(PICKED, 2)}
    made = entry("palettized", (4, 6), parts, bits=2, per="tensor", of="F16", tables=1, size=4, dtype="F16")
    assert np.array_equal(numbers(made), TABLE[PICKED])


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_products_are_rounded_to_the_number_format(dtype):
    torch = pytest.importorskip("torch")
    kind = {"F16": torch.float16, "BF16": torch.bfloat16}[dtype]
    exact = torch.from_numpy(((CODES - 4) * np.float32(0.1)).astype(np.float32))
    assert np.array_equal(numbers(quantized(CODES, [0.1], dtype=dtype)), exact.to(kind).float().numpy())


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (quantized(CODES, [1], bits=0), "labels have no size"),
        (quantized(CODES, [1], bits=9), "labels have no size"),
        (quantized(CODES, [1], dim=0), "labels have no size"),
        (quantized(CODES, [1], dim=25), "labels have no size"),
        (quantized(CODES, [1], group_size=0), "groups have no size"),
        (quantized(CODES, [1], group_size="4"), "groups have no size"),
        (quantized(CODES, [1], per="row"), "it is not said what shares a table"),
        (palettized(PICKED, TABLE, shape=(4, 6), per="channel", dim=2, axis=0), "it is not said what shares a table"),
        (quantized(CODES, [1, 2, 3, 4], per="channel", axis=2), "a tensor has no such dimension"),
        (quantized(CODES, [1, 2, 3, 4], per="channel", axis=-1), "a tensor has no such dimension"),
        (quantized(CODES, [1], shape=(24,), per="channel", axis=1), "a tensor has no such dimension"),
        (quantized(CODES[:3], [1], shape=(4, 6)), "there is not a label for each element"),
        (quantized(CODES, [1, 2]), "there is not a scale for each group"),
        (quantized(CODES, [1, 2, 3], per="channel", axis=0), "there is not a scale for each group"),
        (quantized(CODES, [1], [1, 2]), "there is not a scale for each group"),
        (palettized(PICKED, TABLE[:3], shape=(4, 6)), "a table has not as many entries as it says"),
        (palettized(PICKED, TABLE, shape=(4, 6), tables=2), "a table has not as many entries as it says"),
        (
            palettized(PICKED[:1], np.ones((4, 4)), shape=(5, 5), dim=4, axis=0, rest=[]),
            "the elements outside of vectors are missing",
        ),
        (entry("dense", (2, 3), {"values": f4(1, 2)}), "a tensor has not as many bytes as its shape asks for"),
        (entry("dense", (2, -3), {"values": f4(1)}), "a shape or number format is none"),
        (entry("dense", (1 << 48,), {"values": f4(1)}), "a shape or number format is none"),
        (entry("dense", (1.0,), {"values": f4(1)}), "a shape or number format is none"),
        (entry("dense", (1,), {"values": f4(1)}, dtype="F33"), "a shape or number format is none"),
        (entry("dense", (1,), {"values": f4(1)}, at=1), "a part lies outside the payload"),
        (entry("dense", (1,), {"values": f4(1)}, at=-1), "a part lies outside the payload"),
        (({**entry("dense", (1,), {})[0], "parts": {"values": -4}}, {"x": f4(1)}), "a part lies outside the payload"),
        (entry("packed", (1,), {"values": f4(1)}), "a kind of tensor is not known"),
        (entry("sparse", (1,), {"values": f4(1)}, dtype="F64"), "a kind of tensor is not known"),
    ],
)
def test_what_does_not_fit_its_description_is_refused_with_the_reason(made, why):
    if why.startswith("the elements"):
        made[1]["labels"] = labels(RNG.integers(0, 4, 6), 2)
    assert refusal(made) == why


def test_an_index_that_is_cut_off_or_too_large(monkeypatch):
    content = zlib.compress(json.dumps({"tensors": {}}).encode())
    assert streams.expanded(file(index=content)).tensors == {}
    assert refusal(file(index=content[:-3])) == "the index is cut off or too large"
    assert refusal(file(index=b"no")).startswith("error: Error -3")
    monkeypatch.setattr(streams, "MAX_INDEX", 15)
    assert streams.expanded(file(index=content)).tensors == {}
    monkeypatch.setattr(streams, "MAX_INDEX", 14)
    assert refusal(file(index=content)) == "the index is cut off or too large"
