"""Modules that make weights of codes and labels, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress_compare.shipping.codes import Coded, LookupTables
from compress_compare.shipping.decompressing import Integers, Numbers, WithInputs, decompressing, module


def test_whole_numbers_lie_in_bytes_the_lowest_bits_first() -> None:
    found = Integers(np.array([0, 1, 2, 3, 3]), 2)
    # 0 + 1·4 + 2·16 + 3·64 = 228 and 3, each less 128
    assert found.packed.flatten().tolist() == [100, -125]
    assert found().tolist() == [0, 1, 2, 3, 3]


@pytest.mark.parametrize(("bits", "num_bytes"), [(1, 5), (2, 10), (3, 19), (4, 19), (5, 37), (8, 37)])
def test_whole_numbers_of_all_sizes_come_back(bits: int, num_bytes: int) -> None:
    numbers = np.random.default_rng(0).integers(0, 1 << bits, 37)
    found = Integers(numbers, bits)
    assert found.packed.numel() == num_bytes and found().tolist() == numbers.tolist()


def test_codes_and_scales() -> None:
    codes = np.array([[-2, 1], [0, 3]])
    symmetric = Coded(4, True, codes, np.array([0.5, 2], np.float32), np.array([8, 8]), 0, None)
    other = Coded(4, False, codes, np.array([0.5, 2], np.float32), np.array([2, 0]), 0, None)
    groups = Coded(4, True, codes, np.array([1, 2, 3, 4], np.float32), np.full(4, 8), 0, 1)
    for weight, expected in (
        (symmetric, [[-1, 0.5], [0, 6]]),
        (other, [[-1, 0.5], [0, 6]]),
        (groups, [[-2, 2], [0, 12]]),
    ):
        made = module(weight)
        assert made is not None and made().tolist() == expected
    uneven = Coded(4, True, np.zeros((2, 3)), np.ones(4, np.float32), np.full(4, 8), 0, 2)
    assert module(uneven) is None


def test_lookup_tables() -> None:
    tables = np.array([[[1], [2]], [[3], [4]]], np.float32)
    rows = LookupTables(1, tables, np.array([[0, 1, 0], [1, 1, 0]]), (2, 3), "channel", 0, None)
    columns = LookupTables(1, tables, np.array([[0, 1, 0], [1, 1, 0]]), (3, 2), "channel", 1, None)
    pairs = LookupTables(1, np.array([[[1, 2], [3, 4]]], np.float32), np.array([[1, 0]]), (2, 2), "tensor", 0, None)
    for weight, expected in (
        (rows, [[1, 2, 1], [4, 4, 3]]),
        (columns, [[1, 4], [2, 4], [1, 3]]),
        (pairs, [[3, 1], [4, 2]]),
    ):
        made = module(weight)
        assert made is not None and made().tolist() == expected


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(2, 2), nn.Linear(2, 2, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embed(x))


def test_a_tied_weight_is_made_everywhere_and_the_network_stays_as_it_is() -> None:
    net = Tied().eval()
    weight = Coded(8, True, np.array([[1, 2], [-3, 4]]), np.ones(1, np.float32), np.full(1, 128), None, None)
    made = module(weight)
    assert made is not None
    small = decompressing(net, {"embed.weight": made})
    # the rows of the weight times its transpose
    assert small(torch.tensor([0, 1])).tolist() == [[5, 5], [5, 25]]
    assert not {"embed.weight", "head.weight"} & small.state_dict().keys()
    assert isinstance(net.head.weight, nn.Parameter) and type(net.head) is nn.Linear


def test_weights_as_inputs_and_tensors_as_outputs() -> None:
    net = nn.Linear(2, 1, bias=False).eval()
    called = WithInputs(net, (torch.ones(1, 2),), {})
    example = called.example({"weight": torch.tensor([[2.0, 3.0]])})
    assert called(**example).tolist() == [[5]] and list(example["inputs"]) == ["x0"]
    labels = LookupTables(1, np.array([[[1], [2]]], np.float32), np.array([[0, 1]]), (2,), "tensor", 0, None)
    made = module(labels)
    assert made is not None
    assert [one.tolist() for one in Numbers({"a": torch.tensor([3.0]), "b": made})()] == [[3], [1, 2]]
