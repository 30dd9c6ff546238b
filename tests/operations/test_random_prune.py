from __future__ import annotations

import torch
from torch import nn

from compress_compare.operations import magnitude_prune, random_prune


def test_share_is_exact_and_survivors_keep_their_values() -> None:
    model = nn.Linear(100, 50)
    child = random_prune(model, 0.3)
    zero = child.weight == 0
    assert int(zero.sum()) == 1500
    assert torch.equal(child.weight[~zero], model.weight[~zero])


def test_seed_decides() -> None:
    model = nn.Linear(20, 20)
    masks = [random_prune(model, 0.5, seed=seed).weight == 0 for seed in (0, 0, 1)]
    assert torch.equal(masks[0], masks[1]) and not torch.equal(masks[0], masks[2])


def test_does_not_look_at_magnitudes() -> None:
    model = nn.Linear(200, 200)
    dropped = model.weight[random_prune(model, 0.5).weight == 0].abs().mean()
    standard_error = model.weight.abs().std() / 20_000**0.5
    assert abs(dropped - model.weight.abs().mean()) < 4 * standard_error


def test_local_takes_the_same_share_of_each() -> None:
    model = nn.Sequential(nn.Linear(10, 30), nn.Linear(30, 10), nn.Linear(10, 10))
    child = random_prune(model, 0.4, scope="local")
    assert [int((layer.weight == 0).sum()) for layer in child] == [120, 120, 40]


def test_earlier_zeros_stay() -> None:
    pruned = magnitude_prune(nn.Linear(20, 20), 0.5)
    child = random_prune(pruned, 0.5)
    assert bool((child.weight[pruned.weight == 0] == 0).all())
