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
