"""Schemes that are read from numbers: grids and codebooks made here by NumPy alone are found, other numbers are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import compress_compare as cc
from compress_compare.analysis.layers.values import Values
from compress_compare.comparisons import evident
from compress_compare.schemes.scheme import TensorScheme

RNG = np.random.default_rng(7)


def normal(*shape):
    return RNG.normal(0, 0.05, shape).astype(np.float32)


def on_grid(weights, bits, *, size, zero=False):
    """Each run of so many numbers rounded to whole multiples of its scale."""
    runs = weights.reshape(-1, size)
    if zero:
        low = np.minimum(runs.min(1, keepdims=True), 0)
        scale = ((np.maximum(runs.max(1, keepdims=True), 0) - low) / (2**bits - 1)).astype(np.float32)
        offset = np.round(-low / scale)
        codes = np.clip(np.round(runs / scale) + offset, 0, 2**bits - 1) - offset
    else:
        scale = np.abs(runs).max(1, keepdims=True) / np.float32(2 ** (bits - 1) - 1)
        codes = np.round(runs / scale)
    return (codes.astype(np.float32) * scale).reshape(weights.shape)


def shorter(weights):
    """As bfloat16 keeps them."""
    return (weights.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize(("shape", "size", "strategy"), [
    ((48, 256), 256, "channel"), ((48, 256), 32, "group"), ((32, 16, 3, 3), 144, "channel"),
])  # fmt: skip
@pytest.mark.parametrize("bits", [3, 4, 8])
def test_a_grid_is_found(shape, size, strategy, bits, zero):
    found = evident.of(Values.of(on_grid(normal(*shape), bits, size=size, zero=zero)), dtype="F32")
    group = size if strategy == "group" else None
    assert found == TensorScheme("quantized", bits, strategy=strategy, group_size=group, symmetric=not zero)


@pytest.mark.parametrize("size", [256, 32])
@pytest.mark.parametrize("bits", [4, 8])
def test_a_grid_of_columns_is_found(bits, size):
    weights = on_grid(normal(96, 256), bits, size=size).T.copy()
    found = evident.of(Values.of(weights), dtype="F32")
    kind = {"strategy": "channel"} if size == 256 else {"strategy": "group", "group_size": size}
    assert found == TensorScheme("quantized", bits, channel_axis=1, **kind)


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
@pytest.mark.parametrize("entries", [4, 13])
def test_a_codebook_is_found(entries, dtype):
    book = RNG.choice(np.unique(shorter(normal(8 * entries))), entries, replace=False)  # short numbers are often equal
    found = evident.of(Values.of(book[RNG.integers(0, entries, (64, 96))]), dtype=dtype)
    assert found == TensorScheme("palettized", 2 if entries == 4 else 4, codebook_size=entries)


def test_codebooks_of_channels_are_found():
    books = normal(64, 8)
    weights = np.take_along_axis(books, RNG.integers(0, 8, (64, 400)), 1)
    found = evident.of(Values.of(weights), dtype="F32")
    assert found == TensorScheme("palettized", 3, strategy="channel", codebook_size=8)


@given(
    st.sampled_from([(8, 8), (64, 32), (40, 500), (16, 8, 3, 3), (300, 1)]),
    st.sampled_from(["F32", "BF16", "F16"]),
    st.sampled_from([0.0, 0.5, 0.95]),
    st.sampled_from(["normal", "uniform"]),
)
def test_numbers_that_nobody_rounded_have_no_scheme(shape, dtype, pruned, drawn):
    weights = normal(*shape) if drawn == "normal" else RNG.uniform(-0.1, 0.1, shape).astype(np.float32)
    weights[np.abs(weights) < np.quantile(np.abs(weights), pruned)] = 0
    weights = shorter(weights) if dtype == "BF16" else weights.astype(np.float16 if dtype == "F16" else np.float32)
    assert evident.of(Values.of(weights.astype(np.float32)), dtype=dtype) is None


@pytest.mark.parametrize("weights", [np.zeros((64, 64)), np.ones((64, 64)), np.full((32, 64), np.nan), np.eye(3)])
def test_constants_have_no_scheme(weights):
    assert evident.of(Values.of(weights.astype(np.float32)), dtype="F32") is None


def test_a_layer_that_is_rounded_in_part_is_not_rounded():
    weights = normal(64, 256)
    weights[:60] = on_grid(weights[:60], 4, size=256)
    assert evident.of(Values.of(weights), dtype="F32") is None


def test_reality_and_packed_size_do_not_depend_on_who_rounded(tmp_path):
    base = {"a.weight": normal(64, 256), "a.bias": normal(64)}
    rounded = base | {"a.weight": on_grid(base["a.weight"], 4, size=32)}
    with cc.open(tmp_path / "project") as project:
        project.log_model("base", checkpoint=base)
        by_others = cc.Operation("their tool", bits=4)
        project.log_model("theirs", base="base", operation=by_others, checkpoint=rounded)
        said = {"a.weight": cc.Scheme(bits=4, group_size=32, symmetric=True)}
        project.log_model("said", base="base", operation=by_others, checkpoint=rounded, scheme=said)
        rows = {row["model"]: row for row in project.reality().to_pylist()}
        packed = 64 * 256 // 2 + 4 * 64 * 8 + 4 * 64
        assert rows["theirs"]["packed_bytes"] == rows["said"]["packed_bytes"] == packed
        assert rows["theirs"]["bits"] == rows["said"]["bits"] == 4
        assert rows["theirs"]["reason"].startswith("4 bits claimed: 1 of 1 layers quantized. Claimed: 4 bits for each")
        shipped = project.ship("theirs", tmp_path / "shipped", format="packed", sample=0)
        assert shipped.claimed_bytes == packed and shipped.num_bytes < packed + 2500


def test_what_nobody_said_is_found_and_not_claimed(tmp_path):
    with cc.open(tmp_path / "project") as project:
        base = {"a.weight": normal(64, 256)}
        project.log_model("base", checkpoint=base)
        project.log_model("other", base="base", checkpoint={"a.weight": on_grid(base["a.weight"], 4, size=256)})
        reason = project.reality("other")["reason"][0].as_py()
    assert reason.startswith("Found: 4 bits for each weight.")
