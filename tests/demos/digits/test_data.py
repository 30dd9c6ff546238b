import numpy as np
import pytest
from sklearn.datasets import load_digits

from compress_compare.demos.digits.data import load, stroke_width


def test_the_split_is_complete_stratified_and_fixed_by_the_seed():
    train, test = load(0)
    bunch = load_digits()
    assert sorted([*train.ids, *test.ids]) == list(range(1797))
    assert len(test.ids) == 719
    assert np.array_equal(test.labels, bunch.target[test.ids])
    assert np.array_equal(test.images * 16, bunch.images[test.ids])
    share = np.bincount(test.labels) / np.bincount(bunch.target)
    assert share.min() > 0.39
    assert share.max() < 0.41
    assert np.array_equal(load(0)[1].ids, test.ids)
    assert not np.array_equal(load(1)[1].ids, test.ids)


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_long_straight_stroke_has_its_width(width):
    image = np.zeros((1, 64, 12), np.float32)
    image[:, :, 4 : 4 + width] = 1
    # The contour also has the two short ends, and its corners are cut: w·l·2 / (2·l + about 2·w).
    assert stroke_width(image)[0] == pytest.approx(width, rel=0.06)


def test_width_does_not_depend_on_how_dark_the_ink_is():
    image = np.zeros((1, 8, 8), np.float32)
    image[:, 1:7, 3:5] = 1
    assert stroke_width(image * 0.5) == pytest.approx(stroke_width(image))
    assert stroke_width(image * 0)[0] == 0
