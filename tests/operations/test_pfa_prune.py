from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import PFAPrune, finetune, pfa_prune
from compress_compare.operations.surgery import prunable
from compress_compare.schemes import channels

from .networks import TiedTransformer, build


class Residual(nn.Module):
    """Two blocks on one stream, and a layer of its own inside each."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(12)
        self.inside = nn.ModuleList(nn.Conv2d(12, 8, 3, padding=1) for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(2))
        self.back = nn.ModuleList(nn.Conv2d(8, 12, 1) for _ in range(2))
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        for inside, norm, back in zip(self.inside, self.norms, self.back, strict=True):
            x = torch.relu(x + back(torch.relu(norm(inside(x)))))
        return self.head(x.mean((2, 3)))


class Concatenated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(3, 7, 1)
        self.norm, self.after = nn.BatchNorm2d(13), nn.Conv2d(13, 8, 3)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(torch.cat([self.left(x), self.right(x)], 1)))
        return self.head(torch.relu(self.after(x)).amax((2, 3)))


class Padded(nn.Module):
    """A shortcut that pads channels on both sides, as in ResNets for CIFAR: which meets which, no graph can tell."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.inside, self.wider = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 6, 1), nn.Conv2d(6, 16, 1)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        wide = nn.functional.pad(x, (0, 0, 0, 0, 4, 4))
        return self.head(torch.relu(wide + self.wider(torch.relu(self.inside(x)))).mean((2, 3)))


def plain() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 10, 3, padding=1), nn.BatchNorm2d(10), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(10, 12, 2)),
        *(nn.ReLU(), nn.Flatten(), nn.Linear(48, 9), nn.ReLU(), nn.Linear(9, 4)),
    )


def depthwise() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6()),
        *(nn.Conv2d(8, 8, 3, groups=8), nn.BatchNorm2d(8), nn.ReLU6(), nn.Conv2d(8, 10, 1), nn.BatchNorm2d(10)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 4)),
    )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "plain": plain,
    "residual": Residual,
    "depthwise": depthwise,
    "concatenated": Concatenated,
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = make().double().eval()
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                for tensor in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                    nn.init.uniform_(tensor, 0.5, 1.5)
    return model


def pictures(count: int = 64) -> list[tuple[Tensor, Tensor]]:
    random = torch.Generator().manual_seed(1)
    images = torch.randn(count, 3, 6, 6, generator=random, dtype=torch.float64)
    return [(part, torch.zeros(len(part)).long()) for part in images.split(16)]


def size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@every_network
def test_the_sliced_network_is_the_masked_network(name: str) -> None:
    model, data = seeded(NETWORKS[name]), pictures()
    child = pfa_prune(model, "energy", 0.6, data=data)
    assert size(child) < 0.8 * size(model)
    masked = copy.deepcopy(model)
    for tensor, dims in channels.of(child).items():
        value = masked.state_dict()[tensor]
        for dim, indices in dims.items():
            gone = torch.ones(value.shape[dim], dtype=torch.bool)
            gone[indices] = False
            value[(slice(None),) * dim + (gone,)] = 0  # running variances of zero are harmless: scale and shift are 0
    with torch.no_grad():
        for inputs, _ in data:
            torch.testing.assert_close(child(inputs), masked(inputs), rtol=1e-12, atol=1e-12)


@every_network
def test_kept_lists_say_where_every_tensor_comes_from(name: str) -> None:
    model, data = seeded(NETWORKS[name]), pictures()
    child = pfa_prune(model, "energy", 0.7, data=data)
    for tensor, value in child.state_dict().items():
        expected = model.state_dict()[tensor]
        for dim, indices in channels.of(child).get(tensor, {}).items():
            expected = expected.index_select(dim, torch.tensor(indices))
        assert torch.equal(value, expected), tensor
    again = pfa_prune(child, "energy", 0.7, data=data)
    assert size(again) < size(child)
    for tensor, value in again.state_dict().items():
        expected = model.state_dict()[tensor]
        for dim, indices in channels.of(again).get(tensor, {}).items():
            expected = expected.index_select(dim, torch.tensor(indices))
        assert torch.equal(value, expected), "of the first model, not of the one between"


def test_kept_lists_survive_later_operations_and_json() -> None:
    model, data = seeded(plain), pictures()
    child = pfa_prune(model, "energy", 0.7, data=data)
    assert channels.of(finetune(child, 1, data=data)) == channels.of(child) != {}
    assert channels.from_json(channels.to_json(channels.of(child))) == channels.of(child)
    assert channels.of(model) == {}


@pytest.mark.parametrize("selection", ["l1-max", "abs-max"])
def test_a_duplicated_filter_loses_one(selection: str) -> None:
    model, data = seeded(plain), pictures()
    with torch.no_grad():
        for tensor in (model[0].weight, model[0].bias):
            tensor[7] = tensor[2]
    recipe = PFAPrune("energy", 0.999999, selection=selection).recipe(model, data)[0]  # type: ignore[arg-type]
    assert recipe.original == 10 and recipe.recommended == 9
    assert len({2, 7} & set(recipe.kept)) == 1 and len(recipe.kept) == 9


def test_linear_combinations_are_found_by_their_rank() -> None:
    """Averages over space are linear in the filters, so four filters span what ten respond."""
    model, data = seeded(plain), pictures()
    with torch.no_grad():
        mixed = torch.randn(10, 4, generator=torch.Generator().manual_seed(2)).double()
        model[0].weight.copy_((mixed @ model[0].weight[:4].flatten(1)).view_as(model[0].weight))
    recipe = PFAPrune("energy", 1.0, pooling="average").recipe(model, data)[0]
    assert recipe.recommended == 4 and np.linalg.matrix_rank(mixed.numpy()) == 4
    assert max(recipe.spectrum[4:]) < 1e-10 * recipe.spectrum[0]


def test_rotating_the_filters_changes_no_number() -> None:
    model, data = seeded(plain), pictures()
    turned = copy.deepcopy(model)
    rotation = torch.linalg.qr(torch.randn(10, 10, generator=torch.Generator().manual_seed(3)).double())[0]
    with torch.no_grad():
        turned[0].weight.copy_((rotation @ model[0].weight.flatten(1)).view_as(model[0].weight))
    for share in (0.5, 0.9):
        operation = PFAPrune("energy", share, pooling="average")
        one, other = operation.recipe(model, data)[0], operation.recipe(turned, data)[0]
        np.testing.assert_allclose(one.spectrum, other.spectrum, rtol=1e-8)
        assert one.recommended == other.recommended


@every_network
def test_more_energy_never_keeps_fewer(name: str) -> None:
    model, data = seeded(NETWORKS[name]), pictures()
    counts = [[len(r.kept) for r in PFAPrune("energy", s).recipe(model, data)] for s in (0.3, 0.6, 0.9, 1.0)]
    for fewer, more in itertools.pairwise(counts):
        assert all(one <= other for one, other in zip(fewer, more, strict=True))


def test_units_that_never_respond_go_first() -> None:
    model, data = seeded(plain), pictures()
    with torch.no_grad():
        model[0].weight[[1, 5]] = 0
    recipe = PFAPrune("energy", 1.0).recipe(model, data)[0]
    assert recipe.inactive == 2 and recipe.kept == (0, 2, 3, 4, 6, 7, 8, 9)


def test_a_dead_layer_keeps_one_unit() -> None:
    model, data = seeded(plain), pictures()
    nn.init.zeros_(model[0].weight)
    recipe = PFAPrune().recipe(model, data)[0]
    assert (recipe.recommended, recipe.inactive, len(recipe.kept)) == (1, 10, 1)


def test_residual_sums_tie_their_producers() -> None:
    model, data = seeded(Residual), pictures()
    recipes = {recipe.layer: recipe for recipe in PFAPrune("energy", 0.6).recipe(model, data)}
    stream = {"stem", "back.0", "back.1"}
    assert set(recipes) == stream | {"inside.0", "inside.1"} and set(recipes["stem"].tied) == stream
    assert len({recipes[name].kept for name in stream}) == 1
    assert len(recipes["stem"].kept) == max(recipes[name].recommended for name in stream)
    assert recipes["inside.0"].tied == ("inside.0",)


def test_depthwise_convolutions_follow_their_producer() -> None:
    model, data = seeded(depthwise), pictures()
    child = pfa_prune(model, "energy", 0.6, data=data)
    width = child[0].weight.shape[0]
    assert width < 8 and child[3].weight.shape == (width, 1, 3, 3) and child[3].groups == width
    assert "3" not in {recipe.layer for recipe in PFAPrune().recipe(model, data)}


def test_channels_that_meet_others_unseen_are_left_alone() -> None:
    model, data = seeded(Padded), pictures()
    child = pfa_prune(model, "energy", 0.5, data=data)
    assert child.stem.weight.shape == model.stem.weight.shape and child.wider.weight.shape[0] == 16
    assert child.inside.weight.shape[0] < 6


def test_what_is_left_alone_has_a_reason() -> None:
    found = prunable(seeded(plain), pictures()[0][0], operation="try")
    assert [group.layers for group in found.groups] == [("0",), ("4",), ("7",)]
    assert found.skipped == {"9": "its outputs are those of the model"}
    with pytest.raises(InvalidValue, match="no convolution or hidden linear layer can lose channels") as caught:
        pfa_prune(nn.Linear(3, 2), data=[(torch.randn(8, 3), torch.zeros(8))])
    assert "its outputs are those of the model" in caught.value.detail


def test_in_a_transformer_the_hidden_layers_are_cut() -> None:
    model, data = build("tied transformer")
    child = pfa_prune(model, "energy", 0.8, data=data)
    assert isinstance(child, TiedTransformer) and child.head.weight is child.embed.weight
    assert child.up.weight.shape[0] == child.down.weight.shape[1] < 16
    assert child.query.weight.shape == (8, 8)


@pytest.mark.parametrize("rule", ["parameters", "macs"])
@pytest.mark.parametrize("share", [0.3, 0.6])
@every_network
def test_budgets_are_met_and_used(name: str, share: float, rule: Any) -> None:
    model, data = seeded(NETWORKS[name]), pictures()
    cost = size if rule == "parameters" else multiply_accumulates
    child = pfa_prune(model, rule, share, data=data)
    assert cost(child) <= share * cost(model)
    assert cost(child) > 0.5 * share * cost(model), "one unit more or less is a big step in networks this small"


def multiply_accumulates(model: nn.Module) -> int:
    """Of convolutions and linear layers, from the shapes of weights and outputs."""
    total = 0

    def count(layer: Any, _inputs: Any, output: Tensor) -> None:
        nonlocal total
        positions = output[0, 0].numel() if output.ndim > 2 else 1
        total += layer.weight.numel() * positions

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        model(pictures()[0][0][:1])
    for hook in hooks:
        hook.remove()
    return total


def test_a_budget_out_of_reach() -> None:
    with pytest.raises(InvalidValue, match=r"0\.001 of the parameters cannot be reached") as caught:
        pfa_prune(seeded(plain), "parameters", 0.001, data=pictures())
    assert caught.value.code == "target.unreachable"


def test_too_few_samples_name_the_layer() -> None:
    with pytest.raises(InvalidValue, match="too little data for the layer '4'") as caught:
        pfa_prune(seeded(plain), data=pictures(11))
    assert caught.value.code == "data.too_few" and "12 units and 11 samples" in caught.value.detail
    child = pfa_prune(seeded(plain), "energy", 0.5, ignore=["4"], data=pictures(11))
    assert child[4].weight.shape[0] == 12 and child[0].weight.shape[0] < 10


def test_the_data_decide() -> None:
    """Images of one channel excite fewer filters than those of three: the target domain shapes the recipe."""
    model, data = seeded(plain), pictures()
    gray = [(inputs[:, :1] * torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1), targets) for inputs, targets in data]
    same = [(inputs[:1].expand(16, 3, 6, 6) + 1e-3 * inputs, targets) for inputs, targets in data]
    full, poor, one = (PFAPrune("energy", 0.9).recipe(model, batches)[0] for batches in (data, gray, same))
    assert full.spectrum != poor.spectrum and len(one.kept) < len(full.kept)


def test_a_recipe_changes_nothing() -> None:
    model, data = seeded(plain).train(), pictures()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    recipes = PFAPrune().recipe(model, data)
    assert model.training and all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    for recipe in recipes:
        assert recipe.original == len(recipe.spectrum) and 0 < recipe.kept_energy <= 1
        width = recipe.original
        assert recipe.recommended == max(1, int(np.ceil((1 - recipe.divergence / np.log(width)) * width - 1e-9)))


def test_frozen_parameters_stay_frozen() -> None:
    model = seeded(plain)
    model[0].weight.requires_grad_(False)
    child = pfa_prune(model, "energy", 0.5, data=pictures())
    assert not child[0].weight.requires_grad and child[0].bias.requires_grad


@pytest.mark.parametrize(("rule", "share"), [("kl", 0.5), ("energy", None), ("macs", None)])
def test_a_share_where_it_means_something(rule: Any, share: float | None) -> None:
    with pytest.raises(InvalidValue, match="share must be given for the rules") as caught:
        PFAPrune(rule, share)
    assert caught.value.code == "parameter.combination"
