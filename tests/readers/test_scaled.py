"""Codes with scales beside them are read as numbers."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from compress_compare.readers.checkpoint import read

CODES = np.arange(-6, 6, dtype=np.int8).reshape(3, 4)


def numbers(tmp_path, tensors):
    save_file(tensors, tmp_path / "m.safetensors")
    return read("safetensors", {"m.safetensors": tmp_path / "m.safetensors"}).tensors["w"].values.whole()


@pytest.mark.parametrize("scale", [np.array([0.5], np.float32), np.array([0.5, 0.25, 2.0], np.float32)])
def test_codes_are_multiplied_by_their_scales(tmp_path, scale):
    expected = np.array([[float(code) * float(scale[row % len(scale)]) for code in CODES[row]] for row in range(3)])
    assert np.array_equal(numbers(tmp_path, {"w": CODES, "w_scale": scale}), expected)


def test_scales_that_do_not_fit_leave_the_codes(tmp_path):
    tensors = {"w": CODES, "w_scale": np.ones(2, np.float32)}
    assert np.array_equal(numbers(tmp_path, tensors), CODES)


def test_other_numbers_are_left_alone(tmp_path):
    weights = CODES.astype(np.float32)
    assert np.array_equal(numbers(tmp_path, {"w": weights, "w_scale": np.full(3, 9, np.float32)}), weights)
