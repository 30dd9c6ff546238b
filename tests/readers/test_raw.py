"""Numbers as the bytes of their formats, and the content of a safetensors file, against other libraries."""

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load

from compress_compare.readers import raw

from .made import weights

NUMBERS = np.array([[0.0, -0.0, 1.0, -1.5], [2.0**-14, 65280.0, np.inf, -0.3125]], np.float32)


@pytest.mark.parametrize(("dtype", "kind"), [("F32", np.float32), ("F16", np.float16), ("BF16", ml_dtypes.bfloat16)])
def test_numbers_that_a_format_holds_are_its_bytes(dtype, kind):
    assert raw.as_bytes(NUMBERS, dtype).tolist() == list(NUMBERS.astype(kind).tobytes())
    assert raw.as_bytes(NUMBERS[:, ::2], dtype).tolist() == list(NUMBERS[:, ::2].astype(kind).tobytes())
    assert raw.as_bytes(np.zeros((0, 3), np.float32), dtype).size == 0


def test_tensors_come_back_from_the_content_of_a_file():
    arrays = {"b": np.arange(3, dtype=np.int8), "a": np.ones((2, 2), np.float32), "c": np.zeros((0, 4), np.float32)}
    content = raw.serialized(raw.raw_tensors(weights(arrays)), {"format": "pt"})
    assert int.from_bytes(content[:8], "little") % 8 == 0
    back = load(content)
    assert back.keys() == arrays.keys()
    assert all(np.array_equal(back[name], array) and back[name].dtype == array.dtype for name, array in arrays.items())
    assert content == raw.serialized(raw.raw_tensors(weights(dict(reversed(arrays.items())))), {"format": "pt"})
