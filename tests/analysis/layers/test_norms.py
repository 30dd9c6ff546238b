"""Norms of output channels against NumPy in double precision."""

import math

import numpy as np
import pytest

from compress_compare.analysis.layers import norms, statistics
from compress_compare.analysis.layers.norms import Norms
from compress_compare.analysis.layers.values import Values
from compress_compare.readers.dtypes import DTYPES, table

WIDE = {"F32": np.float32, "F64": np.float64, "I32": np.int32, "I64": np.int64}
CODED = ["F16", "BF16", "F8_E4M3", "F8_E5M2", "I8", "U8", "I16", "BOOL"]
SHAPES = [(1, 1), (5, 11), (11, 1), (4, 3, 3, 3), (7, 64), (7, 65), (3, 513), (3, 2, 1000), (2000, 130), (2, 300_000)]


def tensor(dtype, shape, seed):
    """Random numbers in which whole rows are zero."""
    rng = np.random.default_rng(seed)
    dead = rng.random(shape[0]) < 0.3
    size = math.prod(shape)
    if dtype in WIDE:
        raw = rng.normal(size=shape, scale=9).astype(WIDE[dtype])
        raw[dead] = 0
        return Values.of(raw)
    numbers = table(dtype)
    finite = np.flatnonzero(np.isfinite(numbers) & (np.abs(numbers) < 1e4))
    raw = rng.choice(finite, size).astype(DTYPES[dtype].storage).reshape(shape)
    raw[dead] = np.flatnonzero(numbers == 0)[0]
    return Values(shape, dtype, raw.reshape(-1), numbers)


def expected(base, model):
    """Channels, least and largest norm, dead channels, largest relative change."""
    first, second = (each.whole().astype(np.float64).reshape(each.shape[0], -1) for each in (base, model))
    before, after = np.sqrt((first**2).sum(1)), np.sqrt((second**2).sum(1))
    dead = sum(1 for a, b in zip(first, second, strict=True) if a.any() and not b.any())
    change = [
        0.0 if a == b else math.inf if a == 0 else abs(b - a) / a
        for a, b in zip(before.tolist(), after.tolist(), strict=True)
    ]
    return len(first), after.min(), after.max(), dead, change


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [*CODED, *WIDE])
def test_channels_against_numpy(dtype, shape):
    base, model = tensor(dtype, shape, 1), tensor(dtype, shape, 2)
    found = statistics.change(base, model).norms
    channels, low, high, dead, change = expected(base, model)
    assert (found.channels, found.dead) == (channels, dead)
    assert (found.low, found.high, found.change) == pytest.approx((low, high, max(change)), rel=1e-5)
    assert change[found.at] == pytest.approx(max(change), rel=1e-5)
    squares, alone = norms.of(model)
    assert (alone.channels, alone.dead, alone.change, alone.at) == (channels, 0, -math.inf, -1)
    assert (alone.low, alone.high) == pytest.approx((low, high), rel=1e-5)
    assert squares == pytest.approx((model.whole().astype(np.float64) ** 2).sum())


@pytest.mark.parametrize("piece", [1, 7, 10, 64, 4096])
@pytest.mark.parametrize("shape", [(9, 10), (3, 33), (30, 1)], ids=str)
def test_rows_are_whole_however_they_are_cut(monkeypatch, piece, shape):
    monkeypatch.setattr(norms, "PIECE", piece)
    base, model = tensor("F32", shape, 3), tensor("F32", shape, 4)
    found = statistics.change(base, model)
    channels, low, high, dead, change = expected(base, model)
    assert (found.norms.channels, found.norms.dead) == (channels, dead)
    assert (found.norms.low, found.norms.high) == pytest.approx((low, high))
    assert found.norms.change == pytest.approx(max(change))
    assert found.norms.at == int(np.argmax(change))
    assert found.model_squares == pytest.approx((model.whole().astype(np.float64) ** 2).sum())


@pytest.mark.parametrize("shape", [(), (0,), (7,), (3,)], ids=str)
def test_what_is_no_matrix_has_no_channels(shape):
    values = Values.of(np.ones(shape, np.float32))
    assert statistics.change(values, values).norms == Norms()
    assert norms.of(values) == (math.prod(shape), Norms())


def test_empty_channels_are_of_length_zero_and_not_dead():
    values = Values.of(np.zeros((3, 0, 2), np.float32))
    assert statistics.change(values, values).norms == Norms(3, 0.0, 0.0, 0, 0.0, 0)
    none = Values.of(np.zeros((0, 4), np.float32))
    assert statistics.change(none, none).norms == Norms()


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_channels_that_are_not_finite(dtype):
    def coded(numbers):
        numbers = np.array(numbers, np.float32)
        raw = (numbers.view(np.uint32) >> 16).astype(np.uint16).reshape(-1)
        return Values.of(numbers) if dtype == "F32" else Values(numbers.shape, "BF16", raw, table("BF16"))

    base = coded([[3, 4], [1, 0], [np.nan, 1], [2, 0]])
    found = statistics.change(base, coded([[3, 4], [np.nan, 0], [1, 1], [1, 0]])).norms
    assert (found.channels, found.dead, found.change, found.at) == (4, 0, math.inf, 1)
    assert (found.low, found.high) == pytest.approx((1, 5))
    kept = statistics.change(base, coded([[3, 4], [1, 0], [np.nan, 1], [1, 0]])).norms
    assert (kept.change, kept.at) == (0.5, 3)
    broken = coded([[np.nan, np.inf]])
    assert statistics.change(broken, broken).norms == Norms(1)


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e-170, 1e200])
def test_squares_that_leave_double_precision(size):
    base = Values.of(np.array([[size, 0], [0, 3.0], [size, size]]))
    model = Values.of(np.array([[size, 0], [0, 0.0], [0, 0]]))
    found = statistics.change(base, model).norms
    assert (found.dead, found.change, found.at) == (2, 1, 1)
    assert found.high == size
    assert statistics.change(model, base).norms.dead == 0


def test_squares_that_leave_single_precision():
    numbers = np.array([[1e-30, 1e-30], [1, 1], [1e-30, 0]], np.float32)
    coded = Values((3, 2), "BF16", (numbers.view(np.uint32) >> 16).astype(np.uint16).reshape(-1), table("BF16"))
    gone = Values((3, 2), "BF16", np.array([0, 0, 0x3F80, 0x3F80, 0, 0], np.uint16), table("BF16"))
    found = statistics.change(coded, gone).norms
    assert (found.dead, found.change, found.at, found.low) == (2, 1, 0, 0)
    first, third = (np.linalg.norm(coded.whole()[row].astype(float)) for row in (0, 2))
    back = statistics.change(coded, coded).norms
    assert (back.low, back.high) == pytest.approx((third, math.sqrt(2)))
    assert first > third


def test_many_rows_of_norms_at_once():
    base = np.array([[1.0, 2.0, 4.0], [2.0, 0.0, np.inf], [1.0, 1.0, 1.0]])
    model = np.array([[1.0, 3.0, 0.0], [2.0, 0.0, 5.0], [np.nan, 1.0, 2.0]])
    low, high, dead, change, at = norms.of_rows(base, model)
    assert (low.tolist(), high.tolist()) == ([0, 0, 1], [3, 5, 2])
    assert dead.tolist() == [1, 0, 0]
    assert (change.tolist(), at.tolist()) == ([1.0, 0.0, np.inf], [2, 0, 0])
    low, high, dead, change, at = norms.of_rows(None, model)
    assert (low.tolist(), high.tolist(), dead.tolist()) == ([0, 0, 1], [3, 5, 2], [0, 0, 0])
    assert (change.tolist(), at.tolist()) == ([-np.inf] * 3, [-1] * 3)
    assert [each.tolist() for each in norms.of_rows(np.zeros((1, 0)), np.zeros((1, 0)))] == [
        *([np.inf], [-np.inf], [0], [-np.inf], [-1])
    ]


@pytest.mark.parametrize("width", [3, 12])
@pytest.mark.parametrize("changed", range(6))
def test_the_channel_that_changed_most_is_found_whichever_piece_it_is_in(monkeypatch, width, changed):
    monkeypatch.setattr(norms, "PIECE", 6)
    base = np.arange(1.0, 6 * width + 1).reshape(6, width)
    model = base * np.array([1.5] * 6)[:, None]
    model[changed] = base[changed] * 3
    found = statistics.change(Values.of(base), Values.of(model)).norms
    assert (found.at, found.channels) == (changed, 6) and found.change == pytest.approx(2)
    assert norms.of(Values.of(model))[1].channels == 6


def test_lengths_of_rows_whose_squares_vanish_overflow_or_are_not_finite():
    rows = np.array([[0, 0], [3e-30, 4e-30], [3e30, 4e30], [np.inf, 1], [np.nan, 1], [3, 4]], np.float32)
    with np.errstate(over="ignore", under="ignore"):
        squares = norms.square_sums(rows)
    found = norms.lengths(squares, rows)
    assert found[:4] == pytest.approx([0, 5e-30, 5e30, np.inf], rel=1e-6, abs=0)
    assert np.isnan(found[4]) and found[5] == 5
    assert norms.lengths(np.zeros(0, np.float32), np.zeros((0, 2), np.float32)).tolist() == []


def test_norms_of_parts_are_added():
    first, second = (
        Norms.of(np.array([1.0, 2]), np.array([1.0, 3])),
        Norms.of(np.array([4.0]), np.array([0.0]), first=2),
    )
    assert first == Norms(2, 1, 3, 0, 0.5, 1) and second == Norms(1, 0, 0, 1, 1, 2)
    assert first + second == second + first == Norms(3, 0, 3, 1, 1, 2)
    same = Norms.of(np.array([2.0]), np.array([1.0]), first=7)
    assert (first + same).at == 1 and (same + first).at == 7


def test_how_many_numbers_of_a_piece_have_a_row():
    rows = norms.ChannelRows((4, 10), compared=False)
    assert [rows.width(size) for size in (0, 1, 9, 10, 40)] == [1, 1, 9, 10, 10]
    plain = norms.ChannelRows((40,), compared=False)
    assert [plain.width(size) for size in (0, 1, 40)] == [1, 1, 40]


@pytest.mark.parametrize(
    ("shape", "spans"),
    [
        ((4, 3), [(0, 6), (6, 12)]),
        ((3, 3), [(0, 6), (6, 9)]),
        ((2, 7), [(0, 7), (7, 14)]),
        ((2, 8), [(0, 7), (7, 8), (8, 15), (15, 16)]),
        ((9,), [(0, 7), (7, 9)]),
        ((0, 3), []),
    ],
)
def test_pieces_are_whole_rows_or_parts_of_one(monkeypatch, shape, spans):
    monkeypatch.setattr(norms, "PIECE", 7)
    assert list(norms.ChannelRows(shape, compared=False).pieces()) == spans
