"""Weights of eight bits beside their scales: which tensors are scales of which codes, and what does not fit."""

import ml_dtypes
import numpy as np
import pytest

from compress_compare.readers.layouts import unpacked
from compress_compare.readers.mapped import Mapped
from compress_compare.readers.weights import StoredTensor

from .made import RNG, weights

CODES = RNG.integers(-127, 128, (4, 6)).astype(np.int8)
EIGHT = RNG.integers(0, 0x78, (4, 64)).astype(np.uint8)
NUMBERS = EIGHT.view(ml_dtypes.float8_e4m3fn).astype(np.float32)


def floats(*shape):
    return RNG.uniform(0.5, 2, shape).astype(np.float32)


def eights(array, kind="F8_E4M3"):
    return StoredTensor(kind, array.shape, array.nbytes, Mapped.of(array.reshape(-1), kind, shape=array.shape))


def only(tensors, name="l.weight", **extra):
    """The weight that these tensors are, which must be all that is left."""
    made = weights({key: one for key, one in tensors.items() if isinstance(one, np.ndarray)}, **extra)
    made.tensors.update({key: one for key, one in tensors.items() if not isinstance(one, np.ndarray)})
    found = unpacked(made)
    assert list(found.tensors) == [name]
    return found.tensors[name]


@pytest.mark.parametrize(
    ("weight", "scale"),
    [
        ("l.weight", "l.weight_scale"), ("l.weight", "l.weight_scale_inv"), ("l.weight", "l.scale_weight"),
        ("gate_up_proj", "gate_up_proj_scale"), ("e.down_proj", "e.scale_down_proj"),
    ],
)  # fmt: skip
def test_a_scale_is_beside_its_weight_under_several_names(weight, scale):
    start = weight.rpartition(".")[0] + ("." if "." in weight else "")
    scales, inputs = floats(4, 1), np.ones(1, np.float32)
    stored = only({weight: CODES, scale: scales, f"{start}input_scale": inputs, f"{start}scale_input": inputs}, weight)
    assert stored.values.whole() == pytest.approx(CODES * scales)
    assert (stored.dtype, stored.packing.bits, stored.num_bytes) == ("I8", 8, 24 + 16 + 8)


@pytest.mark.parametrize("zeros", [RNG.integers(-9, 9, (4, 1)).astype(np.int8), None])
@pytest.mark.parametrize("codes", [CODES, CODES.view(np.uint8)])
def test_whole_numbers_without_a_sign_need_zero_points(codes, zeros):
    scales = floats(4, 1)
    parts = {"l.weight": codes, "l.weight_scale": scales} | ({} if zeros is None else {"l.weight_zero_point": zeros})
    stored = only(parts)
    if zeros is None and codes.dtype == np.uint8:
        assert stored.packing is None
    else:
        offsets = 0 if zeros is None else zeros.astype(np.float32)
        assert stored.values.whole() == pytest.approx((codes - offsets) * scales)
        assert stored.num_bytes == 24 + 16 + (0 if zeros is None else 4)


@pytest.mark.parametrize(
    ("scale", "factor"),
    [
        (floats(4, 1), None),
        (np.full((4, 2), 128, np.uint8), 2),
        (eights(np.full((4, 2), 126, np.uint8), "F8_E8M0"), 0.5),
    ],
)
def test_floats_of_eight_bits_have_scales_of_floats_or_powers_of_two(scale, factor):
    stored = only({"l.weight": eights(EIGHT), "l.weight_scale": scale})
    assert stored.values.whole() == pytest.approx(NUMBERS * (scale if factor is None else factor))
    assert (stored.dtype, stored.packing.bits) == ("F8_E4M3", 8)
    assert stored.packing.group_size == (None if factor is None else 32)


def test_the_configuration_says_how_large_blocks_are():
    codes, scales = RNG.integers(-127, 128, (7, 10)).astype(np.int8), floats(3, 2)
    config = {"quantization_config": {"weight_block_size": [3, 7]}}
    stored = only({"l.weight": codes, "l.weight_scale_inv": scales}, **config)
    assert stored.values.whole() == pytest.approx(codes * scales.repeat(3, 0)[:7].repeat(7, 1)[:, :10])


@pytest.mark.parametrize(
    "wrong",
    [
        {"l.weight_scale": np.full((4, 1), 127, np.uint8)},
        {"l.weight_scale": np.ones((4, 1), np.int64)},
        {"l.weight_scale": floats(3, 1)},
        {"l.weight_scale_2": np.ones(1, np.float32)},
        {"l.weight_zero_point": np.zeros((2, 1), np.int8)},
        {"l.weight_zero_point": np.zeros((4, 6), np.int8)},
    ],
)
def test_scales_that_do_not_fit_make_no_numbers(wrong):
    made = weights({"l.weight": CODES, "l.weight_scale": floats(4, 1)} | wrong)
    assert unpacked(made).tensors["l.weight"].packing is None


def test_weights_that_are_no_codes_keep_their_numbers_and_what_is_beside_them():
    made = weights({"l.weight": floats(4, 6), "l.weight_scale": floats(4, 1)})
    assert unpacked(made).tensors["l.weight"].packing is None
    assert unpacked(made).tensors["l.weight"].values is not None


@pytest.mark.parametrize("zeros", [None, RNG.integers(-9, 9, 4).astype(np.int8)])
def test_tensors_that_torchao_flattened(zeros):
    scales = floats(4, 1)
    parts = {"l._weight_qdata": CODES, "l._weight_scale": scales}
    stored = only(parts | ({} if zeros is None else {"l._weight_zero_point": zeros}))
    offsets = 0 if zeros is None else zeros.astype(np.float32)[:, None]
    assert stored.values.whole() == pytest.approx((CODES - offsets) * scales)
    assert stored.num_bytes == 24 + 16 + (0 if zeros is None else 4)


def test_the_largest_number_of_an_output_is_127_codes():
    peaks = floats(4)
    stored = only({"l.weight": CODES, "l.SCB": peaks, "l.weight_format": np.zeros((), np.uint8)})
    assert stored.values.whole() == pytest.approx(CODES * peaks[:, None] / 127, rel=1e-6)
    assert stored.num_bytes == 24 + 16 + 1
