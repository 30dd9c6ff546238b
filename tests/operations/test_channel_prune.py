from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import ChannelPrune, channel_prune
from compress_compare.operations.parts.data import cross_entropy
from compress_compare.schemes import channels

from .networks import Residual, TiedTransformer, build


def perceptron() -> tuple[nn.Sequential, list[tuple[Tensor, Tensor]]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 4))
    return model, [(torch.randn(5, 6), torch.randint(0, 4, (5,))) for _ in range(3)]


def weights(model: nn.Module) -> list[np.ndarray]:
    return [p.detach().double().numpy() for name, p in model.named_parameters() if name.endswith("weight")]


def largest(scores: np.ndarray, count: int) -> tuple[int, ...]:
    return tuple(sorted(np.argsort(scores)[::-1][:count].tolist()))


def sizes(model: nn.Module) -> list[np.ndarray]:
    """Sum of magnitudes of the weights that compute each hidden channel."""
    return [np.abs(matrix).sum(1) for matrix in weights(model)[:2]]


def left(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """The kept outputs of each layer."""
    return {
        name.removesuffix(".weight"): tuple(dims[0])
        for name, dims in channels.of(model).items()
        if 0 in dims and name.endswith("weight")
    }


def test_the_channels_of_largest_magnitude_stay() -> None:
    model, data = perceptron()
    child = channel_prune(model, 0.4, data=data)
    scores = sizes(model)
    assert left(child) == {"0": largest(scores[0], 6), "2": largest(scores[1], 5)}
    rows, columns = left(child)["2"], left(child)["0"]
    assert torch.equal(child[2].weight, model[2].weight[list(rows)][:, list(columns)])  # type: ignore[index]


def test_taylor_follows_the_gradient_of_the_loss() -> None:
    model, data = perceptron()
    child = channel_prune(model, 0.5, importance="taylor", data=data)
    scores = [np.zeros(10), np.zeros(8)]
    for inputs, targets in data:
        model.zero_grad()
        cross_entropy(model(inputs), targets).backward()
        for score, layer in zip(scores, (model[0], model[2]), strict=True):
            score += (layer.weight * layer.weight.grad).abs().sum(1).detach().double().numpy()
    assert left(child) == {"0": largest(scores[0], 5), "2": largest(scores[1], 4)}


def test_global_scope_ranks_channels_by_their_share_of_the_group() -> None:
    model, data = perceptron()
    with torch.no_grad():
        model[0].weight[:4] *= 0.01
    child = channel_prune(model, 0.25, scope="global", data=data)
    relative = np.concatenate([score / score.mean() for score in sizes(model)])
    stay = largest(relative, 18 - round(0.25 * 18))
    assert left(child).get("0", tuple(range(10))) == tuple(i for i in stay if i < 10) == (4, 5, 6, 7, 8, 9)


def test_the_small_network_is_the_large_one_with_silent_channels() -> None:
    model, data = build("residual")
    model.eval()
    child = channel_prune(model, 0.5, data=data)
    stem = left(child)["stem"]
    assert stem == left(child)["conv"] and len(stem) == 3
    silent = copy.deepcopy(model)
    gone = [index for index in range(6) if index not in stem]
    with torch.no_grad():
        silent.head.weight[:, gone] = 0
        silent.conv.weight[:, gone] = 0
    torch.testing.assert_close(child(data[0][0]), silent(data[0][0]), rtol=1e-5, atol=1e-6)


def test_kept_channels_of_two_removals_count_from_the_first() -> None:
    model, data = perceptron()
    once = channel_prune(model, 0.4, targets=["0"], data=data)
    twice = channel_prune(once, 0.5, targets=["0"], data=data)
    assert len(left(twice)["0"]) == 3 and set(left(twice)["0"]) < set(left(once)["0"])
    assert torch.equal(twice[0].weight, model[0].weight[list(left(twice)["0"])])  # type: ignore[index]


def test_round_to_and_patterns() -> None:
    model, data = perceptron()
    shapes = [
        layer.weight.shape for layer in channel_prune(model, 0.4, round_to=4, data=data) if hasattr(layer, "weight")
    ]
    assert shapes == [(8, 6), (8, 8), (4, 8)]
    assert set(left(channel_prune(model, 0.5, ignore=["0"], data=data))) == {"2"}


def test_tied_weights_and_what_only_meets_in_products_stay_whole() -> None:
    model, data = build("tied transformer")
    child = channel_prune(model, 0.5, data=data)
    assert child.head.weight is child.embed.weight and child.embed.weight.shape == (16, 8)
    assert child.up.weight.shape == (8, 8) and child.query.weight.shape == (8, 8)


def test_the_last_layer_keeps_its_outputs() -> None:
    model, data = build("one layer")
    with pytest.raises(InvalidValue, match="no layer can lose output channels") as caught:
        channel_prune(model, data=data)
    assert caught.value.code == "operation.not_applicable"


class Reshaping(nn.Module):
    """A constant in the code keeps the first layer from losing channels; the second may."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(6, 8), nn.Linear(8, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).view(len(x), 2, 4).relu().flatten(1)
        return self.last(self.second(x).relu())


def test_groups_that_the_code_of_the_model_fixes_are_left_whole() -> None:
    _, data = perceptron()
    child = channel_prune(Reshaping(), 0.25, data=[(x, y % 2) for x, y in data])
    assert child.first.weight.shape == (8, 6) and child.last.weight.shape == (2, 4)


def test_every_layer_keeps_a_channel() -> None:
    model, data = perceptron()
    child = channel_prune(model, 0.999, data=data)
    assert [len(indices) for indices in left(child).values()] == [1, 1]
    assert ChannelPrune(amount=0.9, scope="global").removed({"a": [0.0, 0.1], "b": [1.9, 2.0]}) == {"a": [0], "b": [0]}


def test_residual_and_transformer_run_in_training_mode() -> None:
    for model, case in ((Residual(), "residual"), (TiedTransformer(), "tied transformer")):
        data = build(case)[1]
        child = channel_prune(model.train(), 0.5, data=data)
        assert child.training and child(data[0][0]).shape == model(data[0][0]).shape
