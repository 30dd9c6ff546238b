"""Weights of bitsandbytes: what peaks in eight bits must say, and rounding to the formats of their numbers."""

import json

import ml_dtypes
import numpy as np
import pytest

from compress_compare.readers.layouts import unpacked
from compress_compare.readers.packings import bitsandbytes

from .made import RNG, weights
from .test_packings_branches import is_read

NESTED = {
    "l.weight": RNG.integers(0, 256, (64, 1)).astype(np.uint8),
    "l.weight.quant_map": np.linspace(-1, 1, 16).astype(np.float32),
    "l.weight.absmax": RNG.integers(0, 256, 2).astype(np.uint8),
    "l.weight.nested_absmax": np.ones(1, np.float32),
    "l.weight.nested_quant_map": np.linspace(-1, 1, 256).astype(np.float32),
}
STATE = {"blocksize": 64, "dtype": "float32", "shape": [2, 64], "nested_blocksize": 2, "nested_offset": 1}


@pytest.mark.parametrize(
    ("wrong", "said", "expected"),
    [
        ({}, {}, True),
        ({}, {"nested_blocksize": 256}, True),
        ({}, {"nested_offset": 0.5}, True),
        ({}, {"nested_offset": "1"}, False),
        ({}, {"nested_offset": None}, False),
        ({}, {"nested_blocksize": 1}, False),
        ({}, {"nested_blocksize": 0}, False),
        ({}, {"nested_blocksize": -2}, False),
        ({}, {"nested_blocksize": 2.0}, False),
        ({"l.weight.nested_absmax": np.ones(2, np.float32)}, {"nested_blocksize": 1}, True),
        ({"l.weight.nested_absmax": np.ones(2, np.float32)}, {}, False),
        ({"l.weight.nested_absmax": None}, {}, False),
        ({"l.weight.nested_quant_map": None}, {}, False),
        ({"l.weight.nested_quant_map": np.ones(255, np.float32)}, {}, False),
        ({"l.weight.nested_quant_map": np.ones(257, np.float32)}, {}, False),
        ({"l.weight.absmax": None}, {}, False),
        ({"l.weight.absmax": np.ones(2, np.float32)}, {"nested_offset": None}, True),
        ({"l.weight.absmax": np.ones(3, np.uint8)}, {"nested_blocksize": 3}, False),
    ],
)
def test_what_peaks_in_eight_bits_of_bitsandbytes_must_say(wrong, said, expected):
    state = np.frombuffer(json.dumps(STATE | said).encode(), np.uint8)
    tensors = NESTED | wrong | {"l.weight.quant_state.bitsandbytes__nf4": state}
    assert is_read({name: array for name, array in tensors.items() if array is not None}) is expected


@pytest.mark.parametrize(("dtype", "kind"), [("float16", np.float16), ("bfloat16", ml_dtypes.bfloat16)])
def test_numbers_are_rounded_to_even_as_ml_dtypes_does(dtype, kind):
    ties = np.array([0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0x7F7FFFFF], np.uint32).view(np.float32)
    numbers = np.concatenate([ties, -ties, RNG.normal(size=100).astype(np.float32), [0, 65504, 1e-8, np.inf]])
    with np.errstate(over="ignore"):
        found = bitsandbytes.rounded(numbers.astype(np.float32), dtype)
        assert np.array_equal(found, numbers.astype(np.float32).astype(kind).astype(np.float32))
    assert found.dtype == np.float32
    assert np.isnan(bitsandbytes.rounded(np.array([np.nan], np.float32), dtype)[0])


def test_single_precision_stays_as_it_is():
    numbers = RNG.normal(size=5).astype(np.float32)
    assert bitsandbytes.rounded(numbers, "float32") is numbers


def four_bits(raw, state, *, length=0, **others):
    """A weight with a peak for each of two blocks."""
    content = np.frombuffer(json.dumps(state).encode().ljust(length), np.uint8)
    tensors = {"l.weight": np.array(raw, np.uint8).reshape(-1, 1), "l.weight.absmax": np.array([2, 10], np.float32)}
    tensors |= {"l.weight.quant_map": np.arange(16, dtype=np.float32)} | others
    return unpacked(weights(tensors | {"l.weight.quant_state.bitsandbytes__nf4": content})).tensors["l.weight"]


@pytest.mark.parametrize(("start", "stop"), [(0, 6), (3, 6), (1, 5), (4, 4)])
def test_blocks_of_three_codes_begin_in_the_middle_of_a_byte(start, stop):
    state = {"blocksize": 3, "dtype": "float32", "shape": [2, 3]}
    found = four_bits([0x12, 0x34, 0x5F], state)
    expected = [2, 4, 6, 40, 50, 150]  # the high half of a byte first
    assert found.values.numbers(start, stop).tolist() == expected[start:stop]
    assert (found.shape, found.packing.bits, found.packing.group_size) == ((2, 3), 4, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"shape": [2, 0]}, {"shape": []}, {"shape": 6}, {"shape": [2, -3]}, {"shape": [2, 3.0]}, {"shape": [7]}),
        *({"blocksize": 0}, {"blocksize": "3"}, {"blocksize": -3}, {"blocksize": 4.0}, {"blocksize": 2}),
    ],
)
def test_a_state_without_sizes_that_fit_leaves_no_numbers(wrong):
    state = {"blocksize": 3, "dtype": "float32", "shape": [2, 3]}
    assert four_bits([1, 2, 3], state).values is not None
    assert four_bits([1, 2, 3], state | wrong).values is None


@pytest.mark.parametrize("levels", [15, 17])
def test_four_bits_have_sixteen_levels(levels):
    state = {"blocksize": 3, "dtype": "float32", "shape": [2, 3]}
    table = {"l.weight.quant_map": np.ones(levels, np.float32)}
    assert four_bits([1, 2, 3], state, **table).values is None


def test_peaks_in_eight_bits_are_levels_times_their_own_peaks_and_an_offset():
    state = {"blocksize": 3, "dtype": "float32", "shape": [2, 3], "nested_blocksize": 1, "nested_offset": 0.5}
    levels = np.arange(256, dtype=np.float32)
    nested = {"l.weight.absmax": np.array([2, 4], np.uint8), "l.weight.nested_quant_map": levels}
    nested["l.weight.nested_absmax"] = np.array([0.25, 10], np.float32)
    found = four_bits([0x11, 0x11, 0x12], state, **nested)
    assert found.values.whole().tolist() == [[1, 1, 1], [40.5, 40.5, 81]]


@pytest.mark.parametrize(("length", "is_read"), [(100_000, True), (100_001, False)])
def test_a_state_has_at_most_a_hundred_thousand_bytes(length, is_read):
    state = {"blocksize": 3, "dtype": "float32", "shape": [2, 3]}
    assert (four_bits([1, 2, 3], state, length=length).values is not None) is is_read


def test_a_block_of_one_number():
    state = {"blocksize": 1, "dtype": "float32", "shape": [1, 2]}
    assert four_bits([0x31], state).values.whole().tolist() == [[6, 10]]
