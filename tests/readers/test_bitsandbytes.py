"""Weights of bitsandbytes: what peaks in eight bits must say, and rounding to the formats of their numbers."""

import json

import ml_dtypes
import numpy as np
import pytest

from compress_compare.readers.packings import bitsandbytes

from .made import RNG
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
