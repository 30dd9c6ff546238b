"""Every statistic against NumPy in double precision, for every format and odd shapes."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from compress_compare.analysis.layers import distribution, histogram, statistics
from compress_compare.analysis.layers.values import Values
from compress_compare.readers.dtypes import DTYPES, table

BINS = histogram.edges((-2.0, 2.0))[None]
CODED = ["F16", "BF16", "F8_E4M3", "F8_E5M2", "I8", "U8", "I16", "BOOL"]
WIDE = {"F32": np.float32, "F64": np.float64, "I32": np.int32, "I64": np.int64}
SHAPES = [(), (0,), (1,), (7,), (3, 0, 2), (5, 11), (4, 3, 3, 3), (513,), (2, 1 << 17)]


def tensor(dtype, shape, seed=0):
    """Random numbers of a format: codes at random, so that NaN and infinity come where the format has them."""
    rng = np.random.default_rng(seed)
    size = math.prod(shape)
    if dtype in WIDE:
        kind = np.dtype(WIDE[dtype])
        raw = rng.normal(size=size).astype(kind) if kind.kind == "f" else rng.integers(-9, 9, size).astype(kind)
        raw[rng.random(size) < 0.2] = 0
        return Values(shape, dtype, raw)
    storage = np.dtype(DTYPES[dtype].storage)
    finite = np.flatnonzero(np.isfinite(table(dtype)) & (np.abs(table(dtype)) < 1e4))
    return Values(shape, dtype, rng.choice(finite, size).astype(storage), table(dtype))


def float64(values):
    return values.whole().astype(np.float64).reshape(-1)


def same(found, expected, rtol=1e-12):
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, rel=rtol, abs=1e-300, nan_ok=True)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [*CODED, *WIDE])
def test_own_statistics(dtype, shape):
    values = tensor(dtype, shape)
    x = float64(values)
    own, counts = statistics.own(values, BINS)
    assert own.count == x.size
    assert own.zeros == np.count_nonzero(x == 0)
    assert own.nonfinite == 0
    same(own.total, x.sum(), 1e-9)
    same(own.absolute, np.abs(x).sum())
    same(own.squares, (x**2).sum())
    found, often = np.unique(x, return_counts=True)
    assert own.distinct == found.size
    if x.size:
        assert (own.minimum, own.maximum) == (x.min(), x.max())
        share = often / x.size
        assert own.entropy_bits == pytest.approx(-(share * np.log2(share)).sum(), abs=1e-9)
    else:
        assert own.entropy_bits is None
        assert own.mean_absolute is None
    inside = np.histogram(x, bins=64, range=(-2, 2))[0]
    assert counts[0].tolist() == [np.count_nonzero(x < -2), *inside, np.count_nonzero(x > 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [*CODED, *WIDE])
def test_change_and_zeros(dtype, shape):
    base, model = tensor(dtype, shape, 1), tensor(dtype, shape, 2)
    x, y = float64(base), float64(model)
    found = statistics.change(base, model)
    rtol = 1e-6 if base.table is not None else 1e-12
    assert found.count == x.size
    same(found.absolute, np.abs(y - x).sum(), rtol)
    same(found.squares, ((y - x) ** 2).sum(), rtol)
    assert found.product == pytest.approx(x @ y, abs=rtol * (1 + np.abs(x * y).sum()))
    zeros = statistics.zeros(base, model)
    assert (zeros.both, zeros.model_only, zeros.base_only) == (
        np.count_nonzero((x == 0) & (y == 0)),
        np.count_nonzero((x != 0) & (y == 0)),
        np.count_nonzero((x == 0) & (y != 0)),
    )
    if not x.size:
        assert (found.mean_absolute, found.relative_error, found.sqnr_db, found.cosine) == (None,) * 4
        return
    same(found.mean_absolute, np.abs(y - x).mean(), rtol)
    if x.any() and (x != y).any():
        same(found.relative_error, np.linalg.norm(y - x) / np.linalg.norm(x), rtol)
        assert found.sqnr_db == pytest.approx(10 * np.log10((x**2).sum() / ((y - x) ** 2).sum()), abs=10 * rtol)
    if x.any() and y.any():
        assert found.cosine == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y), abs=1e-6)


def test_a_model_equal_to_its_base():
    values = tensor("F32", (100,))
    found = statistics.change(values, values)
    assert (found.mean_absolute, found.relative_error, found.sqnr_db) == (0, 0, math.inf)
    assert found.cosine == pytest.approx(1)


def test_a_base_of_zeros():
    zero, one = Values.of(np.zeros(5, np.float32)), Values.of(np.ones(5, np.float32))
    found = statistics.change(zero, one)
    assert (found.relative_error, found.sqnr_db, found.cosine) == (math.inf, -math.inf, None)
    assert statistics.change(zero, zero).sqnr_db == math.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-42, 1e-30, 1e25])
def test_sizes_whose_squares_leave_single_precision(dtype, size):
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=100) * size).astype(dtype), (rng.normal(size=100) * size).astype(dtype)
    found = statistics.change(Values.of(x), Values.of(y))
    x, y = x.astype(float), y.astype(float)
    same(found.sqnr_db, 10 * np.log10((x**2).sum() / ((y - x) ** 2).sum()), 1e-9)
    same(statistics.own(Values.of(x), BINS)[0].squares, (x**2).sum(), 1e-9)


@pytest.mark.parametrize("size", [1e-39, 1e-20, 1e25])
def test_sizes_whose_squares_leave_single_precision_in_bfloat16(size):
    def coded(seed):
        x = (np.random.default_rng(seed).normal(size=1000) * size).astype(np.float32)
        return Values((1000,), "BF16", (x.view(np.uint32) >> 16).astype(np.uint16), table("BF16"))

    base, model = coded(0), coded(1)
    x, y = float64(base), float64(model)
    same(statistics.change(base, model).sqnr_db, 10 * np.log10((x**2).sum() / ((y - x) ** 2).sum()), 1e-6)


def test_an_overflow_in_float16_is_not_no_change():
    base = Values.of(np.full(4, 6e4, np.float16))
    coded = Values((4,), "F16", np.full(4, 0x7C00, np.uint16), table("F16"))
    found = statistics.change(base, coded)
    assert (found.mean_absolute, found.sqnr_db) == (math.inf, -math.inf)
    assert found.bands.tolist() == [0, 0, 0, 0, 0, 4]
    own, counts = statistics.own(coded, BINS)
    assert (own.nonfinite, own.distinct, own.mean_absolute) == (4, 0, math.inf)
    assert counts.sum() == 0
    big = Values((2,), "F16", np.array([0xFBFF, 0x7BFF], np.uint16), table("F16"))
    opposite = Values((2,), "F16", np.array([0x7BFF, 0xFBFF], np.uint16), table("F16"))
    assert statistics.change(big, opposite).mean_absolute == 2 * 65504


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_nan_is_counted_and_not_hidden(dtype):
    numbers = np.array([1, np.nan, -np.inf, 0, np.inf, 2], np.float32)
    values = Values.of(numbers)
    if dtype == "BF16":
        values = Values((6,), "BF16", (numbers.view(np.uint32) >> 16).astype(np.uint16), table("BF16"))
    own, counts = statistics.own(values, BINS)
    assert (own.count, own.nonfinite, own.zeros, own.distinct) == (6, 3, 1, 3)
    assert (own.minimum, own.maximum) == (0, 2)
    assert math.isnan(own.total)
    assert counts.sum() == 3
    found = statistics.change(Values.of(np.ones(6, np.float32)), values)
    assert math.isnan(found.mean_absolute)
    assert found.bands.tolist() == [1, 0, 0, 0, 2, 3]
    assert statistics.change(values, values).bands.tolist() == [6, 0, 0, 0, 0, 0]


def test_bands_by_hand():
    base = Values.of(np.array([10, 10, 10, 10, 10, 10, 10, -10, 0, 0], np.float32))
    model = Values.of(np.array([10, 11.9, 12, 6, 4, 2, 0, 10.5, 0, 1], np.float32))
    assert statistics.change(base, model).bands.tolist() == [3, 1, 1, 1, 2, 2]


@pytest.mark.parametrize("kind", ["normal", "one value", "few values", "half zeros", "with NaN"])
def test_large_tensors_are_sorted_by_ranges(monkeypatch, kind):
    monkeypatch.setattr(distribution, "SORTED_AT_ONCE", 1000)
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=20_000).astype(np.float32)
    if kind == "one value":
        numbers[:] = 0.25
    elif kind == "few values":
        numbers = rng.integers(0, 5, 20_000).astype(np.float32)
    elif kind == "half zeros":
        numbers[::2] = 0
    elif kind == "with NaN":
        numbers[:3] = np.nan, np.inf, -np.inf
    large, _ = statistics.own(Values.of(numbers), BINS)
    parts = list(distribution.parts(Values.of(numbers)))
    largest = max(values.size for values, _ in parts)
    monkeypatch.setattr(distribution, "SORTED_AT_ONCE", 10**9)
    whole, counts = statistics.own(Values.of(numbers), BINS)
    assert largest < 4000
    assert counts.sum() == np.count_nonzero(np.isfinite(numbers))
    for name in ("count", "nonfinite", "zeros", "distinct", "minimum", "maximum"):
        assert getattr(large, name) == getattr(whole, name)
    assert large.code_bits == pytest.approx(whole.code_bits)


FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6)
PAIRS = st.integers(0, 60).flatmap(lambda n: st.tuples(*(hnp.arrays(np.float32, n, elements=FLOATS) for _ in "ab")))


@settings(max_examples=60)
@given(PAIRS, st.integers(0, 60))
def test_merged_parts_are_the_whole(pair, cut):
    base, model = pair
    whole = statistics.change(Values.of(base), Values.of(model))
    parts = statistics.change(Values.of(base[:cut]), Values.of(model[:cut])) + statistics.change(
        Values.of(base[cut:]), Values.of(model[cut:])
    )
    for name in ("absolute", "squares", "base_squares", "model_squares"):
        same(getattr(parts, name), getattr(whole, name), 1e-12)
    assert (parts.count, parts.bands.tolist()) == (whole.count, whole.bands.tolist())
    zeros = statistics.zeros(Values.of(base), Values.of(model))
    assert zeros == statistics.zeros(Values.of(base[:cut]), Values.of(model[:cut])) + statistics.zeros(
        Values.of(base[cut:]), Values.of(model[cut:])
    )
    own, counts = statistics.own(Values.of(model), BINS)
    first, second = (statistics.own(Values.of(part), BINS) for part in (model[:cut], model[cut:]))
    added = first[0] + second[0]
    assert (added.count, added.zeros, added.minimum, added.maximum) == (own.count, own.zeros, own.minimum, own.maximum)
    assert (first[1] + second[1]).tolist() == counts.tolist()


@settings(max_examples=60)
@given(PAIRS, st.randoms())
def test_order_does_not_matter(pair, random):
    base, model = pair
    order = list(range(base.size))
    random.shuffle(order)
    first = statistics.change(Values.of(base), Values.of(model))
    second = statistics.change(Values.of(base[order]), Values.of(model[order]))
    same(first.squares, second.squares, 1e-12)
    assert first.bands.tolist() == second.bands.tolist()
    own, shuffled = (statistics.own(Values.of(each), BINS) for each in (model, model[order]))
    assert own[0].distinct == shuffled[0].distinct
    assert own[1].tolist() == shuffled[1].tolist()


@pytest.mark.parametrize("kind", [statistics.Own, statistics.Zeros, statistics.ChangeSums])
def test_nothing_added_to_a_tensor_s_statistics_leaves_them(kind):
    numbers = Values.of(np.array([[0, 1.5, -2], [np.nan, 3, 0]], np.float32))
    other = Values.of(np.array([[0, 1, -2], [1, 0, np.inf]], np.float32))
    own, _ = statistics.own(Values.of(np.array([0, 1.5, -2, 3], np.float32)), BINS)
    made = {
        statistics.Own: own,
        statistics.Zeros: statistics.zeros(numbers, other),
        statistics.ChangeSums: statistics.change(other, other),
    }[kind]
    for added in (kind() + made, made + kind()):
        for part in dataclasses.fields(kind):
            np.testing.assert_equal(getattr(added, part.name), getattr(made, part.name))
    assert all(not getattr(kind(), name) for name in ("count", "nonfinite", "distinct", "both") if hasattr(kind, name))
