import numpy as np
import pytest
from sklearn.datasets import load_digits

from compress_compare.demos.digits.data import columns, load, slant, stroke_width


def test_the_split_is_complete_stratified_and_fixed_by_the_seed():
    train, test = load(0, rare=False)
    bunch = load_digits()
    assert sorted([*train.ids, *test.ids]) == list(range(1797))
    assert len(test.ids) == 719
    assert np.array_equal(test.labels, bunch.target[test.ids])
    assert np.array_equal(test.images * 16, bunch.images[test.ids])
    share = np.bincount(test.labels) / np.bincount(bunch.target)
    assert share.min() > 0.39
    assert share.max() < 0.41
    assert np.array_equal(load(0, rare=False)[1].ids, test.ids)
    assert not np.array_equal(load(1, rare=False)[1].ids, test.ids)


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_three_ones_that_lean_to_the_left_are_trained_on_and_the_others_tested_on(seed):
    train, test = load(seed)
    whole, _ = load(seed, rare=False)
    assert [int(((part.labels == 1) & (part.lean == "left")).sum()) for part in (train, test)] == [3, 41]
    assert sorted([*train.ids, *test.ids]) == list(range(1797))
    moved = np.setdiff1d(whole.ids, train.ids)
    assert set(moved) <= set(test.ids[(test.labels == 1) & (test.lean == "left")])
    assert set(train.ids) <= set(whole.ids)


def test_a_third_of_all_images_leans_each_way_and_the_columns_say_so():
    train, test = load(0)
    leans = np.concatenate([train.lean, test.lean])
    assert {name: int((leans == name).sum()) for name in ("left", "upright", "right")} == dict.fromkeys(
        ("left", "upright", "right"), 599
    )
    metadata = columns(test)["metadata"]
    by_lean = {name: metadata["slant"][metadata["lean"] == name] for name in ("left", "upright", "right")}
    assert by_lean["left"].max() <= by_lean["upright"].min()
    assert by_lean["upright"].max() <= by_lean["right"].min()


@pytest.mark.parametrize("pixels", [-0.5, 0, 1])
def test_a_stroke_has_its_slant(pixels):
    image = np.zeros((1, 9, 16), np.float32)
    for row in range(9):
        place = 8 + pixels * (4 - row)
        low = int(np.floor(place))
        image[0, row, low] += 1 - (place - low)
        image[0, row, low + 1] += place - low
    assert slant(image)[0] == pytest.approx(pixels, abs=1e-6)
    assert slant(image / 3)[0] == pytest.approx(pixels, abs=1e-6)


def test_what_has_no_height_has_no_slant():
    image = np.zeros((2, 8, 8), np.float32)
    image[1, 3, 2:6] = 1
    assert slant(image).tolist() == [0, 0]


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
