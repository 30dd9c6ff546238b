import numpy as np
import pytest

from compress_compare.analysis.behaviors import calibration


def test_reliability_and_the_expected_error_by_a_loop():
    random = np.random.default_rng(6)
    confidence = random.random(500)
    correct = (random.random(500) < confidence**2).astype(float)
    confidence[3], correct[4] = np.nan, np.nan
    bins = calibration.reliability("m", confidence=confidence, correct=correct)
    expected, rows = 0.0, bins.to_pylist()
    for k, row in enumerate(rows):
        inside = (confidence > k / 15) & (confidence <= (k + 1) / 15) & ~np.isnan(correct)
        assert row["count"] == inside.sum()
        assert row["accuracy"] == pytest.approx(correct[inside].mean())
        assert row["confidence"] == pytest.approx(confidence[inside].mean())
        expected += inside.sum() / 498 * abs(correct[inside].mean() - confidence[inside].mean())
    assert calibration.expected_error(bins) == pytest.approx(expected)


def test_empty_bins_are_null_and_no_instance_is_no_error():
    bins = calibration.reliability("m", confidence=np.array([0.0, 1.0]), correct=np.array([0.0, 1.0]))
    assert bins["accuracy"].to_pylist() == [0.0, *[None] * 13, 1.0]
    assert calibration.expected_error(bins) == 0.0
    assert calibration.expected_error(bins.slice(1, 3)) is None


def test_a_confidence_on_a_border_belongs_below_it():
    edges = np.linspace(0, 1, 16)
    confidence = np.array([edges[3], np.nextafter(edges[3], 1), edges[14], np.nextafter(edges[14], 1), 0, 1, np.inf])
    bins = calibration.reliability("m", confidence=confidence, correct=np.array([1.0, 0, 1, 0, 1, 0, 1]))
    counts = {place: count for place, count in enumerate(bins["count"].to_pylist()) if count}
    assert counts == {0: 1, 2: 1, 3: 1, 13: 1, 14: 2}
    assert (bins["low"].to_pylist(), bins["high"].to_pylist()) == (edges[:-1].tolist(), edges[1:].tolist())
    assert [bins["accuracy"][place].as_py() for place in (0, 2, 3, 13, 14)] == [1, 1, 0, 1, 0]


def test_the_expected_error_is_a_mean_over_instances():
    confidence, correct = np.array([0.5, 0.5, 0.5, 0.9]), np.array([1.0, 1, 1, 1])
    bins = calibration.reliability("m", confidence=confidence, correct=correct)
    assert calibration.expected_error(bins) == pytest.approx((3 * 0.5 + 0.1) / 4)
    one = calibration.reliability("m", confidence=confidence[:1], correct=correct[:1])
    assert calibration.expected_error(one) == 0.5
