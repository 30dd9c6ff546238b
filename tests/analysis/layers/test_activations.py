"""Activations added up in batches against NumPy on all of them at once."""

import numpy as np
import pytest

from compress_compare.analysis.layers.activations import Activation, Alignment, ChannelPeaks, Ends, features


def cka(x, y):
    """From the definition, on centered Gram matrices of examples."""
    x, y = x - x.mean(0), y - y.mean(0)
    k, m = x @ x.T, y @ y.T
    return (k * m).sum() / np.linalg.norm(k) / np.linalg.norm(m)


def test_alignment_in_batches_is_the_definition():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 7)) + 3
    y = np.tanh(x @ rng.normal(size=(7, 5))) - 2
    found = Alignment()
    for start in range(0, 90, 40):
        found.add(x[start : start + 40], y[start : start + 40])
    assert found.value == pytest.approx(cka(x, y))


def test_alignment_knows_rotations_and_scales():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 6))
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    found = Alignment()
    found.add(x, 5 * x @ rotation + 1)
    assert found.value == pytest.approx(1)


def test_alignment_of_nothing_or_of_a_constant():
    assert Alignment().value is None
    found = Alignment()
    found.add(np.ones((5, 3)), np.random.default_rng(0).normal(size=(5, 3)))
    assert found.value is None


def test_features_of_maps_are_channels():
    maps = np.arange(24.0).reshape(2, 3, 2, 2)
    assert features(maps).tolist()[:2] == [[0, 4, 8], [1, 5, 9]]
    assert features(np.zeros((4, 5, 6))).shape == (20, 6)
    assert features(np.zeros((4, 5))).shape == (4, 5)
    assert features(np.zeros(4)).shape == (4, 1)


def test_an_activation():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 30, 4)).astype(np.float32)
    found = Activation()
    for start in (0, 10, 20):
        found.add(x[start : start + 10], y[start : start + 10])
    found.add_local(x, x)
    row = found.columns()
    x, y = x.astype(float), y.astype(float)
    assert row["mean_abs"] == pytest.approx(np.abs(y).mean())
    assert row["relative_error"] == pytest.approx(np.linalg.norm(y - x) / np.linalg.norm(x))
    assert row["sqnr_db"] == pytest.approx(-20 * np.log10(row["relative_error"]))
    assert row["cosine"] == pytest.approx((x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y))
    assert row["cka"] == pytest.approx(cka(x, y))
    assert row["local_sqnr_db"] == float("inf")


def test_other_widths_have_only_what_can_be_compared():
    rng = np.random.default_rng(0)
    found = Activation()
    found.add(rng.normal(size=(20, 4)), rng.normal(size=(20, 3)))
    row = found.columns()
    assert row["sqnr_db"] is None
    assert 0 < row["cka"] < 1
    found = Activation()
    found.add(None, np.array([np.nan, 1.0]))
    assert (found.columns()["num_nonfinite"], found.columns()["cka"]) == (1, None)


def test_channels_that_make_the_error_and_those_that_stand_out():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 6))
    y = x + 0.01 * rng.normal(size=(40, 6))
    y[:, 4] += 1
    y[:, 2] *= 100
    found = Activation()
    for start in (0, 20):
        found.add(x[start : start + 20], y[start : start + 20])
        found.add_local(x[start : start + 20], y[start : start + 20])
    row = found.columns()
    errors = ((y - x) ** 2).sum(0)
    assert row["worst_channels"] == np.argsort(-errors).tolist()
    assert row["worst_channel_shares"] == pytest.approx(np.sort(errors)[::-1] / errors.sum())
    assert row["outlier_channels"] == [2]
    same = Activation()
    same.add(x, x)
    same.add_local(x, x)
    assert (same.columns()["worst_channels"], same.columns()["outlier_channels"]) == ([], [])
    assert Activation().columns()["worst_channels"] is None


def test_channels_of_maps():
    maps = np.zeros((2, 3, 4, 4))
    moved = maps.copy()
    moved[1, 1, 2, 3] = 2
    found = Activation()
    found.add_local(maps, moved)
    assert found.columns()["worst_channels"] == [1]
    assert found.columns()["worst_channel_shares"] == [1]


def test_what_clipping_leaves_at_the_ends():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 5)).astype(np.float32)
    y = np.clip(x, -1, 1.5)
    found = Activation()
    for start in range(0, 60, 20):
        found.add(x[start : start + 20], y[start : start + 20])
    row = found.columns()
    assert row["clipped"] == pytest.approx(np.mean((x <= -1) | (x >= 1.5)))
    assert row["base_clipped"] == pytest.approx(2 / x.size)
    rectified = Activation()
    rectified.add(None, np.maximum(x, 0))
    assert (rectified.columns()["clipped"], rectified.columns()["base_clipped"]) == (pytest.approx(1 / x.size), None)
    for same in (np.ones((3, 2)), np.full((3, 2), np.nan), np.zeros((0, 2))):
        constant = Activation()
        constant.add(same, same)
        assert constant.columns()["clipped"] is None


def test_channels_of_numbers_that_are_none():
    found = ChannelPeaks()
    found.add(np.array([[0.25, np.nan], [-0.5, 0.125]]))
    assert found.peaks.tolist() == [0.5, 0.125]
    found.add(np.zeros((0, 2)))
    found.add(np.array([[0.375, -np.inf]]))
    assert found.peaks.tolist() == [0.5, 0.125]
    found.add_error(np.array([[1.0, 2.0]]), np.array([[2.0, np.inf]]))
    assert not found.columns()["worst_channels"]


@pytest.mark.parametrize(
    ("peaks", "outliers"),
    [([0, 0, 0, 5], []), ([1, 1, 1, 9], []), ([1, 1, 1, 11], [3]), ([1, 12, 1, 1, 11], [1, 4])],
)
def test_an_outlier_is_ten_times_the_median(peaks, outliers):
    found = ChannelPeaks()
    found.add(np.array([peaks, [0] * len(peaks)], float))
    assert sorted(found.columns()["outlier_channels"]) == outliers


def test_the_ends_of_a_histogram_are_those_of_the_range():
    found = Activation()
    found.add(np.array([[-1.0, 0.5, 3.0]]), np.array([[0.0, 9.0, 1.0]]))
    row = found.columns()
    assert row["histogram_low"] <= -1 and row["histogram_high"] == pytest.approx(3, abs=0.1)
    assert row["histogram_high"] >= 3 and len(row["histogram"]) > 32
    assert (row["histogram"][-1], sum(row["histogram"])) == (1, 3)
    assert (row["base_histogram"][-1], sum(row["base_histogram"])) == (0, 3)
    alone = Activation()
    alone.add(None, np.array([[2.0, 5.0]]))
    assert alone.columns()["histogram_high"] >= 5 and alone.columns()["histogram_low"] <= 2


def test_at_most_eight_channels_are_named_the_worst_first():
    errors = np.array([[1.0, 9, 2, 8, 3, 7, 4, 6, 5, 0]])
    found = ChannelPeaks()
    found.add_error(np.zeros((1, 10)), np.sqrt(errors))
    assert found.columns()["worst_channels"] == [1, 3, 5, 7, 8, 6, 4, 2]
    assert found.columns()["worst_channel_shares"] == pytest.approx(
        [9 / 45, 8 / 45, 7 / 45, 6 / 45, 5 / 45, 4 / 45, 3 / 45, 2 / 45]
    )
    peaks = ChannelPeaks()
    peaks.add(np.array([[1.0] * 11 + [float(peak) for peak in range(11, 21)]]))
    assert peaks.columns()["outlier_channels"] == [20, 19, 18, 17, 16, 15, 14, 13]
    assert (peaks.columns()["worst_channels"], peaks.columns()["worst_channel_shares"]) == (None, None)
    assert ChannelPeaks().columns() == dict.fromkeys(("worst_channels", "worst_channel_shares", "outlier_channels"))


def test_ends_that_come_in_later_batches():
    found = Ends()
    for batch in ([1.0, 1, 2], [1, 3, np.nan], [np.inf, 3, 3], [np.nan], [2, -1]):
        found.add(np.array(batch))
    # −1 once and 3 three times, of twelve numbers
    assert (found.low, found.high, found.count, found.share) == (-1, 3, 12, 4 / 12)
    rectified = Ends()
    rectified.add(np.array([0.0, 0, 4, 1]))
    assert rectified.share == 1 / 4
    negative = Ends()
    negative.add(np.array([-2.0, -2, 0]))
    assert negative.share == 2 / 3


def test_mean_and_numbers_that_are_none_over_calls():
    found = Activation()
    assert found.columns()["mean_abs"] is None
    found.add(None, np.array([[1.0, -3.0]]))
    found.add(None, np.array([[2.0, 2.0]]))
    assert (found.columns()["mean_abs"], found.columns()["num_nonfinite"]) == (2, 0)
    found.add(None, np.array([[np.inf, np.nan], [-np.inf, 1]]))
    assert (found.columns()["num_nonfinite"], found.columns()["num_compared"]) == (3, 0)


def test_outputs_without_a_feature_are_no_examples():
    assert features(np.zeros((3, 0))).shape == features(np.zeros((0, 0))).shape == (0, 0)
    assert features(np.zeros((0, 4))).shape == (0, 4)
    assert features(np.zeros((2, 3, 4, 5, 6))).shape == (2 * 4 * 5 * 6, 3)


@pytest.mark.parametrize(("base", "model"), [(0.0, 0.0), (0.0, 1.0), (1e-9, 5.0)])
def test_constants_are_alike_to_nothing(base, model):
    found = Alignment()
    for _ in range(2):
        found.add(np.full((3, 2), base), np.full((3, 2), model))
    assert (found.count, found.value) == (6, None)


def test_small_errors_have_shares_as_large_ones_do():
    for scale in (1e-12, 0.1, 1e12):
        found = ChannelPeaks()
        found.add_error(np.zeros((2, 3)), scale * np.array([[1.0, 0, 2], [1, 0, 0]]))
        assert found.columns()["worst_channels"] == [2, 0]
        assert found.columns()["worst_channel_shares"] == pytest.approx([2 / 3, 1 / 3])
