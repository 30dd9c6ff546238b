"""What compiled loops and NumPy say of numbers that are hard to say something about, against plain Python."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from compress_compare.analysis.layers import distribution, fused, histogram, statistics
from compress_compare.analysis.layers.values import Values

SMALLEST, LARGEST = np.float32(1e-45), np.finfo(np.float32).max
RNG = np.random.default_rng(0)
HARD = {
    "zeros of both signs": np.array([0.0, -0.0, 0.0], np.float32),
    "one number": np.array([-3.5], np.float32),
    "the least and the largest": np.array([SMALLEST, -SMALLEST, LARGEST, -LARGEST, 0], np.float32),
    "neighbors": np.nextafter(np.float32(1), np.float32([2, 0, 1, 2, 2])),
    "one value many times": np.full(70_001, 0.1, np.float32),
    "few values": RNG.choice(np.float32([-0.25, 0, 0.25, 0.5]), 9_999),
    "a bucket that is full": np.arange(1 << 18, dtype=np.uint32)[::-4].view(np.float32),
    "all distinct": (np.arange(100_000, dtype=np.uint32) * 41 + (60 << 23)).view(np.float32),
    "each twice": np.repeat(RNG.normal(size=40_000).astype(np.float32), 2),
    "half are zero": np.where(RNG.random(65_537) < 0.5, np.float32(0), RNG.normal(size=65_537).astype(np.float32)),
    "not all finite": np.array([np.nan, -np.nan, np.inf, -np.inf, 1, 1, -2, 0], np.float32),
    "nothing finite": np.array([np.nan, np.inf, -np.inf], np.float32),
    "every kind of NaN": np.array([0x7F800001, 0x7FFFFFFF, 0xFF800001, 0xFFFFFFFF, 0x3F800000], np.uint32).view("f4"),
}


def check(numbers, bins):
    """Counts exactly, sums to the rounding of double precision."""
    tensor = Values.of(numbers)
    own, counts = statistics.own(tensor, bins)
    finite = [float(x) for x in numbers[np.isfinite(numbers)]]
    often = Counter(finite)
    assert (own.count, own.nonfinite) == (numbers.size, numbers.size - len(finite))
    assert own.zeros == often[0.0]
    assert own.distinct == len(often)
    assert (own.minimum, own.maximum) == (min(finite, default=math.inf), max(finite, default=-math.inf))
    assert distribution.finite_range(tensor) == (own.minimum, own.maximum)
    if finite:
        entropy = -sum(n / len(finite) * math.log2(n / len(finite)) for n in often.values())
        assert own.entropy_bits == pytest.approx(entropy, rel=1e-9, abs=1e-9)
    if not own.nonfinite:
        assert own.total == pytest.approx(math.fsum(finite), rel=1e-12, abs=1e-12 * own.absolute)
        assert own.absolute == pytest.approx(math.fsum(map(abs, finite)), rel=1e-12)
        assert own.squares == pytest.approx(math.fsum(x * x for x in finite), rel=1e-12)
    for edges, found in zip(bins.tolist(), counts.tolist(), strict=True):
        place = [0] * (len(edges) + 1)
        for x, times in often.items():
            place[len(edges) - 1 if x == edges[-1] else sum(edge <= x for edge in edges)] += times
        assert found == place


@pytest.mark.parametrize("name", HARD)
def test_numbers_that_are_hard(name):
    numbers = HARD[name]
    finite = numbers[np.isfinite(numbers)].astype(float)
    some = finite[:: max(len(finite) // 63, 1)][:60]
    near = np.sort(np.concatenate([some, np.zeros(65 - some.size)]))
    check(numbers, np.stack([near, np.linspace(-0.3, 0.3, 65), np.linspace(-1e39, 1e39, 65)]))


@given(
    hnp.arrays(np.uint32, st.integers(1, 40)),
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=5, unique=True),
)
def test_any_bits(bits, edges):
    check(bits.view(np.float32), np.sort(np.array([edges])))


@given(hnp.arrays(np.uint32, st.just((2, 35))), st.sampled_from([(35,), (5, 7), (7, 5), (35, 1), (1, 35)]))
def test_a_change_between_any_bits(bits, shape):
    base, model = (Values.of(row.view(np.float32).reshape(shape)) for row in bits)
    found = statistics.change(base, model)
    with np.errstate(invalid="ignore"):  # a signaling NaN says so when it is cast
        x, y = (each.whole().reshape(-1).astype(float) for each in (base, model))
    both, in_base, in_model = (int(np.count_nonzero(each)) for each in ((x == 0) & (y == 0), x == 0, y == 0))
    assert found.zeros == statistics.zeros(base, model) == statistics.Zeros.of((both, in_base, in_model))
    assert found.bands.sum() == 35
    if np.isfinite(x).all() and np.isfinite(y).all():
        assert found.absolute == pytest.approx(math.fsum(np.abs(y - x)), rel=1e-12)
        assert found.product == pytest.approx(math.fsum(x * y), rel=1e-12, abs=1e-12 * math.fsum(np.abs(x * y)))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            share = np.abs(y - x).astype(np.float32) / np.abs(x).astype(np.float32)
        edges = np.float32([0.2, 0.4, 0.6, 0.8])
        place = (share[:, None] >= edges).sum(1) + (share > 1)
        assert found.bands.tolist() == np.bincount(place, minlength=6).tolist()


def test_codes_of_16_bits_are_counted():
    codes = np.concatenate([np.arange(1 << 16), [7] * 5]).astype(np.uint16)
    tensor = Values((codes.size,), "F16", codes, codes.view(np.float16).astype(np.float32))
    expected = np.ones(1 << 16, int)
    expected[7] += 5
    assert distribution.code_counts(tensor).tolist() == expected.tolist()


def test_edges_as_numbers_of_a_type():
    exact, right = histogram.limits(np.array([[0.1, 0.5, 0.1]]), np.dtype(np.float32))
    assert float(exact[0, 0]) > 0.1 > float(exact[0, 2])
    assert right.tolist() == [[False, False, True]]


def test_a_library_of_another_version_is_not_used(way):
    if way == "compiled":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fused, "VERSION", fused.VERSION + 1)
            fused.library.cache_clear()
            assert fused.library() is None
        fused.library.cache_clear()
    assert (fused.library() is None) == (way == "numpy")
