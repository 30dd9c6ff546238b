from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.evaluation.size import packed_size
from compress_compare.operations import dkm_palettize, magnitude_prune, palettize
from compress_compare.operations.dkm.packing import Packed, pack, pack_labels, unpack, unpack_labels
from compress_compare.operations.dkm.size import Layer, network_bytes
from tests.operations.networks import CASES, build


@given(bits=st.integers(1, 8), count=st.integers(0, 50), seed=st.integers(0, 999))
def test_labels_take_bits_and_come_back(bits: int, count: int, seed: int) -> None:
    labels = torch.randint(0, 2**bits, (count,), generator=torch.Generator().manual_seed(seed))
    packed = pack_labels(labels, bits)
    assert packed.dtype == torch.uint8 and len(packed) == -(-bits * count // 8)
    assert torch.equal(unpack_labels(packed, bits, count=count), labels)


def test_labels_by_hand() -> None:
    assert pack_labels(torch.tensor([1, 2, 3, 0, 1]), 2).tolist() == [0b00_11_10_01, 0b01]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("bits", "dim"), [(1, 1), (3, 1), (3, 2), (4, 3)])
def test_a_file_gives_back_the_same_weights(case: str, bits: int, dim: int) -> None:
    model, data = build(case)
    child = dkm_palettize(model, bits, dim, small=0, data=data)
    packed = pack(child)
    assert packed.num_bytes < pack(model).num_bytes or dim > 1
    stored = Packed(load(save(packed.tensors, packed.metadata)), packed.metadata)
    empty = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in empty.parameters():
            parameter.zero_()
    empty.load_state_dict(unpack(stored), strict=True)
    assert list(unpack(stored).keys() ^ child.state_dict().keys()) == []
    for name, tensor in child.state_dict().items():
        assert torch.equal(tensor, empty.state_dict()[name]), name


def test_every_palettized_model_can_be_packed() -> None:
    child = palettize(magnitude_prune(nn.Linear(40, 30), 0.5), 3)
    assert torch.equal(unpack(pack(child))["weight"], child.weight)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_types_of_weights(kind: torch.dtype) -> None:
    model, data = nn.Linear(8, 4).to(kind), [(torch.randn(8, 8).to(kind), torch.randint(0, 4, (8,)))]
    child = dkm_palettize(model, 2, small=0, data=data)
    packed = pack(child)
    assert packed.tensors["weight.table"].element_size() == 2
    assert torch.equal(unpack(packed)["weight"], child.weight) and child.weight.dtype == kind


def test_weights_that_half_precision_cannot_hold() -> None:
    model = nn.Linear(8, 4)
    with torch.no_grad():
        model.weight.mul_(1e9)
    child = dkm_palettize(model, 2, small=0, data=[(torch.randn(8, 8) * 1e-9, torch.randint(0, 4, (8,)))])
    packed = pack(child)
    assert packed.tensors["weight.table"].dtype == torch.float32
    assert torch.equal(unpack(packed)["weight"], child.weight)


def test_the_packed_size_is_that_of_the_accounting() -> None:
    """Biases and norms are 32 bits wide here, 16 in the accounting; labels are whole bytes."""
    model = nn.Sequential(nn.Linear(100, 120), nn.Linear(120, 10))
    data = [(torch.randn(16, 100), torch.randint(0, 10, (16,)))]
    child = dkm_palettize(model, 3, 2, data=data)
    expected = network_bytes([Layer(12_000, 3, 2), Layer(1_200, 8)], affine=130) + 2 * 130
    assert packed_size(child).value == expected
    assert expected - 512 <= pack(child).num_bytes <= expected, "a table holds no value that is not used"


def test_weights_changed_by_hand_are_refused() -> None:
    child = palettize(nn.Linear(40, 30), 2)
    with torch.no_grad():
        child.weight[0, 0] = 5.0
    with pytest.raises(InvalidValue, match="'weight' cannot be packed with 2 bits"):
        pack(child)
