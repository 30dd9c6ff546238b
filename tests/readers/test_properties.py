"""What holds of any checkpoint: packed numbers come back, pairs are one to one, and sums are of what they say."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compress_compare.analysis.layers.values import Values
from compress_compare.comparisons.layers.compare import compare
from compress_compare.readers import layouts, raw, safetensors
from compress_compare.readers.mapped import Mapped
from compress_compare.readers.pair import ModelPair
from compress_compare.readers.weights import StoredTensor, Weights

FEW = settings(max_examples=40)
KINDS = {"f4": "F32", "f2": "F16", "i4": "I32", "u4": "U32", "i1": "I8", "u1": "U8"}


def held(arrays, **extra):
    """A checkpoint in memory, as a safetensors file has it."""
    tensors = {}
    for name, array in arrays.items():
        kind, bytes_ = KINDS[array.dtype.str[1:]], np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        tensors[name] = StoredTensor(kind, array.shape, array.nbytes, Mapped.of(bytes_, kind, shape=array.shape))
    return Weights(tensors, extra)


def words(codes, bits):
    """Codes along rows in words of 32 bits, the lowest first."""
    single = (codes[..., None] >> np.arange(bits)) & 1
    packed = np.packbits(single.reshape(len(codes), -1).astype(np.uint8), axis=1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u4")


def gptq(codes, scales, *, bits, size):
    """AutoGPTQ: words along the inputs, zero points less one, outputs last."""
    outputs, inputs = codes.shape
    middle = np.full((inputs // size, outputs), (1 << (bits - 1)) - 1)
    return {
        "l.qweight": words(codes, bits).T.view("<i4"),
        "l.qzeros": words(middle, bits).view("<i4"),
        "l.scales": scales.T.astype(np.float16),
        "l.g_idx": (np.arange(inputs) // size).astype(np.int32),
    }, {"quant_method": "gptq", "bits": bits, "group_size": size, "desc_act": False}


def compressed(codes, scales, *, bits, size):
    """compressed-tensors, ``pack-quantized``: words along the inputs, outputs first."""
    return {
        "l.weight_packed": words(codes, bits).view("<i4"),
        "l.weight_scale": scales.astype(np.float16),
        "l.weight_shape": np.array(codes.shape, np.int32),
    }, {"quant_method": "compressed-tensors", "format": "pack-quantized"}


def mlx(codes, scales, *, bits, size):
    """MLX: a number is code · scale + bias."""
    wide = scales.astype(np.float16)
    return {
        "l.weight": words(codes, bits),
        "l.scales": wide,
        "l.biases": (-wide * (1 << (bits - 1))).astype(np.float16),
    }, {"bits": bits, "group_size": size}


def int8(codes, scales, *, bits, size):
    """A scale for each group of signed bytes."""
    shifted = (codes.astype(int) - (1 << (bits - 1))).astype(np.int8)
    return {"l.weight": shifted, "l.weight_scale": scales.astype(np.float16)}, {}


@pytest.mark.parametrize("pack", [gptq, compressed, mlx, int8])
@FEW
@given(st.data())
def test_what_is_packed_comes_back(pack, data):
    bits = 8 if pack is int8 else 4
    size = data.draw(st.sampled_from([32, 64]))
    rows, groups = data.draw(st.sampled_from([8, 16, 24])), data.draw(st.integers(2, 4))
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 1 << bits, (rows, groups * size)).astype(np.uint32)
    codes[:, ::size] = 0  # each group reaches an end, from which MLX's bits are known
    scales = (2.0 ** rng.integers(-6, 3, (rows, groups))).astype(np.float32)
    expected = (codes.astype(np.float32) - (1 << (bits - 1))) * np.repeat(scales, size, axis=1)
    tensors, config = pack(codes, scales, bits=bits, size=size)
    found = layouts.unpacked(held(tensors, quantization_config=config))
    assert list(found.tensors) == ["l.weight"]
    stored = found.tensors["l.weight"]
    np.testing.assert_array_equal(stored.values.whole(), expected)
    assert stored.packing.bits == bits
    assert stored.num_bytes == sum(array.nbytes for array in tensors.values())


@FEW
@given(
    st.lists(
        st.tuples(st.sampled_from(["F32", "F16", "BF16", "I8"]), st.integers(0, 3), st.integers(0, 5)),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 2**32 - 1),
)
def test_what_is_unpacked_and_written_is_the_same(tmp_path_factory, drawn, seed):
    rng, tensors = np.random.default_rng(seed), {}
    for at, (kind, rows, columns) in enumerate(drawn):
        bytes_ = rng.integers(0, 256, rows * columns * {"F32": 4, "I8": 1}.get(kind, 2)).astype(np.uint8)
        tensors[f"t{at}"] = StoredTensor(
            kind, (rows, columns), bytes_.nbytes, Mapped.of(bytes_, kind, shape=(rows, columns))
        )
    path = tmp_path_factory.mktemp("again") / "m.safetensors"
    path.write_bytes(raw.serialized(raw.raw_tensors(Weights(tensors))))
    again = safetensors.read(path).tensors
    assert set(again) == set(tensors)
    for name, stored in tensors.items():
        assert (again[name].dtype, again[name].shape) == (stored.dtype, stored.shape)
        np.testing.assert_array_equal(again[name].values.whole(), stored.values.whole())


NAME = re.compile(r"(module\.|model\.|net\.)?(a|b|c)\.[0-3]\.(fc|conv)\.(weight|bias)", re.ASCII)
NAMES = st.lists(st.from_regex(NAME, fullmatch=True), min_size=1, max_size=12, unique=True)
SHAPES = ((2, 3), (3, 2), (4, 4), (3,), (2, 3, 1))


@st.composite
def checkpoints(draw):
    names = draw(NAMES)
    shapes = [draw(st.sampled_from(SHAPES)) for _ in names]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in zip(names, shapes, strict=True)}
    return {
        name: np.where(rng.random(array.shape) < 0.3, 0, array).astype(np.float32) for name, array in arrays.items()
    }


def of(arrays):
    return Weights({name: StoredTensor("F32", one.shape, one.nbytes, Values.of(one)) for name, one in arrays.items()})


@settings(max_examples=80)
@given(checkpoints(), checkpoints())
def test_pairs_are_one_to_one(base, model):
    matches = ModelPair.of(of(base), of(model), buffers=False).matches.values()
    first = [match.base for match in matches if match.base is not None]
    second = [name for match in matches for name in (match.model, match.second) if name is not None]
    assert sorted(first) == sorted(base)
    assert sorted(second) == sorted(model)


@settings(max_examples=40)
@given(checkpoints(), checkpoints())
def test_sums_are_of_the_tensors_that_they_say(base, model):
    pair = ModelPair.of(of(base), of(model), buffers=False)
    compared = [match for match in pair.matches.values() if None not in pair.values(match)]
    rows = compare(of(base), {"m": of(model)}, what="weights", base_id="base").table.to_pylist()
    whole = next(row for row in rows if row["module"] == "" and row["parameter"] is None)
    assert whole["num_tensors"] == len(pair.matches)
    assert whole["num_tensors_compared"] == len(compared)
    numbers = [[values.whole().astype(float) for values in pair.values(match)] for match in compared]
    total = sum(pair.count(match) for match in pair.matches.values())
    assert whole["share_compared"] == pytest.approx(sum(one.size for one, _ in numbers) / total if total else 1)
    leaves = [row for row in rows if row["parameter"] is not None]
    assert whole["num_parameters"] == sum(row["num_parameters"] or 0 for row in leaves)
    # vectors that nothing changed, such as norms, are left out of the error
    changed = [(one, other) for one, other in numbers if one.ndim > 1 or not np.array_equal(one, other)]
    signal = sum((one**2).sum() for one, _ in changed)
    if whole["relative_error"] is not None and signal:
        error = sum(((one - other) ** 2).sum() for one, other in changed)
        assert whole["relative_error"] ** 2 == pytest.approx(error / signal, rel=1e-5, abs=1e-12)
