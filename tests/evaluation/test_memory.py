import torch
from torch import nn

from compress_compare.evaluation.memory import peak_memory


def test_weights_input_and_outputs_in_use_count_four_bytes_each():
    model = nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 10))
    weights = 10 * 100 + 100 + 100 * 10 + 10
    found = peak_memory(model, torch.zeros(1, 10))
    assert found.value == 4 * (weights + 10 + 2 * 100)
    assert found.device == "input 1×10"


def test_what_is_no_longer_in_use_is_not_counted():
    deep = nn.Sequential(*(nn.Linear(100, 100, bias=False) for _ in range(8)))
    assert peak_memory(deep, torch.zeros(1, 100)).value == 4 * (8 * 100 * 100 + 100 + 2 * 100)


def test_a_part_of_a_larger_tensor_counts_by_its_own_size():
    model = nn.Identity()
    assert peak_memory(model, torch.zeros(1000, 10)[:1]).value == 40


def test_tied_weights_count_once():
    model = nn.Sequential(nn.Linear(10, 10, bias=False), nn.Linear(10, 10, bias=False))
    model[1].weight = model[0].weight
    assert peak_memory(model, torch.zeros(1, 10)).value == 4 * (100 + 10 + 20)
