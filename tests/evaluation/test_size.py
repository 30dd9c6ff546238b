import gzip
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import load
from torch import nn

from compress_compare.evaluation.size import file_size, gzip_size, packed_bytes, packed_size, serialize
from compress_compare.operations import magnitude_prune
from compress_compare.schemes import scheme
from compress_compare.schemes.scheme import TensorScheme


def test_the_file_is_header_and_tensors():
    model = nn.Linear(100, 10)
    content = serialize(model)
    header = struct.unpack("<Q", content[:8])[0]
    assert file_size(content).value == 8 + header + 4 * (1000 + 10)
    assert torch.equal(load(content)["weight"], model.weight)


def test_gzip_can_be_undone_and_finds_the_zeros():
    model = nn.Linear(100, 100, bias=False)
    pruned = magnitude_prune(model, amount=0.9)
    dense, sparse = gzip_size(serialize(model)).value, gzip_size(serialize(pruned)).value
    assert sparse < dense / 4
    content = serialize(pruned)
    packed = gzip.compress(content, 6, mtime=0)
    assert gzip.decompress(packed) == content
    assert sparse == len(packed)


def test_tied_sliced_and_half_tensors_are_written_once_and_whole():
    first, second = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
    second.weight = first.weight
    model = nn.Sequential(first, second)
    model.register_buffer("slice", torch.arange(10.0)[2:5])
    model.register_buffer("turned", torch.ones(2, 3, dtype=torch.bfloat16).t())
    model.register_buffer("scratch", torch.zeros(99), persistent=False)
    stored = load(serialize(model))
    assert sorted(stored) == ["0.weight", "slice", "turned"]
    assert stored["slice"].tolist() == [2, 3, 4]
    assert packed_size(model).value == 64 * 4 + 3 * 4 + 6 * 2


def test_dense_model_with_batch_norm():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    # 36 weights, 4 biases, 4·4 norm values in float32, and the int64 count of batches.
    assert packed_size(model).value == 4 * (36 + 4 + 16) + 8


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (TensorScheme("quantized", bits=8, strategy="channel"), 60 + 6 * 4),
        (TensorScheme("quantized", bits=3, strategy="channel"), 23 + 6 * 4),  # 180 bits
        (TensorScheme("quantized", bits=4, strategy="tensor", symmetric=False), 30 + 5),  # 36 bits of scale and zero
        (TensorScheme("quantized", bits=4, strategy="group", group_size=4, table_bits=16), 30 + 6 * 3 * 2),
        (TensorScheme("palettized", bits=2, codebook_size=4), 15 + 16),
        (TensorScheme("palettized", bits=1, codebook_size=2, table_bits=16), 8 + 4),
        (TensorScheme("palettized", bits=4, codebook_size=16, dim=2, table_bits=16), 15 + 64),  # 30 labels
        (TensorScheme(pruned=True), 8 + 15 * 4),  # bit map of 60, 15 values
        (TensorScheme("quantized", bits=4, pruned=True), 8 + 8 + 4),  # 60 bits of values
        (TensorScheme("palettized", bits=1, codebook_size=2, pruned=True), 8 + 8),  # the map would not pay
    ],
)
def test_packed_bytes_by_hand(entry, expected):
    tensor = torch.zeros(6, 10)
    tensor.view(-1)[::4] = 1.0  # 15 of 60
    assert packed_bytes(tensor, entry) == expected


def test_a_bit_map_is_used_only_where_it_is_smaller():
    assert packed_bytes(torch.ones(8, 8), TensorScheme(pruned=True)) == 256


def test_packed_size_follows_the_scheme_of_the_model():
    torch.manual_seed(0)
    model = magnitude_prune(nn.Linear(32, 16), amount=0.75)
    assert scheme.of(model)["weight"].pruned
    assert int(np.count_nonzero(model.weight.detach().numpy())) == 128
    assert packed_size(model).value == 512 // 8 + 128 * 4 + 16 * 4
