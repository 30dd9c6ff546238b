"""Checkpoints in memory, for the tests of readers."""

import numpy as np

from compress_compare.analysis.layers.values import Values
from compress_compare.readers.weights import StoredTensor, Weights

RNG = np.random.default_rng(5)


def weights(arrays, **extra):
    """A checkpoint with these arrays."""
    kinds = {"float32": "F32", "int64": "I64", "int8": "I8", "uint8": "U8"}
    return Weights(
        {
            name: StoredTensor(kinds[str(array.dtype)], array.shape, array.nbytes, Values.of(array))
            for name, array in arrays.items()
        },
        extra,
    )


def normal(*shape):
    """Numbers around zero."""
    return RNG.normal(size=shape).astype(np.float32)
