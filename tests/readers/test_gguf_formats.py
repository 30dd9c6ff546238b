"""The block formats of llama.cpp that few tools write, beside the numbers of the gguf package itself."""

import gguf
import numpy as np
import pytest

from compress_compare.readers import checkpoint, gguf_library
from compress_compare.readers.gguf_blocks import BLOCKS

RNG = np.random.default_rng(7)
KINDS = [
    "IQ4_NL",
    "IQ4_XS",
    "MXFP4",
    "TQ1_0",
    "TQ2_0",
    "IQ1_S",
    "IQ1_M",
    "IQ2_XXS",
    "IQ2_XS",
    "IQ2_S",
    "IQ3_XXS",
    "IQ3_S",
]
OURS = ["IQ4_NL", "IQ4_XS", "MXFP4", "TQ2_0"]


def written(folder, kind, rows=3):
    """A file with random bytes, whose scales are made ordinary numbers, and what the package makes of them."""
    block = next(one for one in BLOCKS.values() if one.name == kind.name)
    content = RNG.integers(0, 256, (rows, 2 * block.num_bytes), dtype=np.uint8)
    at = {"TQ1_0": 52, "TQ2_0": 64, "IQ1_M": 54}.get(kind.name, 0)
    for first in (0, block.num_bytes):
        if kind.name == "MXFP4":
            content[:, first] = RNG.integers(110, 130, rows)
        else:
            content[:, first + at : first + at + 2] = RNG.uniform(0.1, 1, (rows, 1)).astype(np.float16).view(np.uint8)
    writer = gguf.GGUFWriter(folder / "m.gguf", "llama")
    writer.add_tensor("blk.0.ffn_up.weight", content, raw_dtype=kind)
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
    return folder / "m.gguf", gguf.quants.dequantize(content, kind)


@pytest.mark.parametrize("name", KINDS)
def test_the_numbers_of_the_package(tmp_path, name):
    path, expected = written(tmp_path, gguf.GGMLQuantizationType[name])
    weights = checkpoint.read("gguf", {"m.gguf": path})
    stored = weights.tensors["blk.0.ffn_up.weight"]
    assert np.array_equal(stored.values.whole(), expected, equal_nan=True)
    assert np.array_equal(stored.values.numbers(30, 99), expected.reshape(-1)[30:99], equal_nan=True)
    assert weights.unread == {}
    if name in OURS:
        assert stored.packing.ranges()["num_scales"] == expected.size // stored.packing.group_size


def test_without_the_package_the_rest_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(gguf_library, "decoder", lambda name: None)
    path, _ = written(tmp_path, gguf.GGMLQuantizationType.IQ2_XS)
    weights = checkpoint.read("gguf", {"m.gguf": path})
    assert weights.tensors["blk.0.ffn_up.weight"].values is None
    assert list(weights.unread) == ["llama.cpp as IQ2_XS (pip install 'compress-compare[gguf]' reads more of these)"]
