"""A weight as a matrix of output channels: against slices that are taken by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from compress_compare.operations import magnitude_prune, nm_prune, palettize, quantize
from compress_compare.operations.parts.rows import Layout, layout_of
from compress_compare.schemes import scheme


class Experts(nn.Module):
    """A stack of matrices: [experts, outputs, inputs], or [experts, inputs, outputs]."""

    def __init__(self, *, transposed: bool = False) -> None:
        super().__init__()
        self.is_transposed = transposed
        torch.manual_seed(0)
        stack = torch.randn(3, 8, 12) * torch.logspace(-2, 0, 8)[None, :, None]
        self.stack = nn.Parameter(stack.transpose(1, 2).contiguous() if transposed else stack)


def matrices(model: Experts) -> list[torch.Tensor]:
    """Each expert as the weight of a linear layer: [outputs, inputs]."""
    return [each.t() if model.is_transposed else each for each in model.stack.detach()]


def alone(values: torch.Tensor) -> nn.Linear:
    layer = nn.Linear(values.shape[1], values.shape[0], bias=False)
    layer.weight.data = values.clone()
    return layer


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("settings", [{}, {"strategy": "group", "group_size": 5}, {"symmetric": False}])
def test_every_expert_is_rounded_as_the_linear_layer_it_is(transposed: bool, settings: dict[str, object]) -> None:
    model = Experts(transposed=transposed)
    child = quantize(model, 3, **settings)
    for before, after in zip(matrices(model), matrices(child), strict=True):
        torch.testing.assert_close(after, quantize(alone(before), 3, **settings).weight.detach(), rtol=0, atol=0)
    groups = 3 if settings.get("strategy") == "group" else 1
    assert scheme.of(child)["stack"].num_tables(tuple(model.stack.shape)) == 3 * 8 * groups


@pytest.mark.parametrize("transposed", [False, True])
def test_groups_of_nm_pruning_lie_along_the_inputs_of_every_expert(transposed: bool) -> None:
    child = nm_prune(Experts(transposed=transposed), n=1, m=4)
    for matrix in matrices(child):
        assert ((matrix.reshape(8, 3, 4) != 0).sum(-1) == 1).all()


def test_experts_share_no_table_with_a_group_size() -> None:
    model = Experts()
    child = palettize(model, bits=1, group_size=4)
    for before, after in zip(matrices(model), matrices(child), strict=True):
        torch.testing.assert_close(after, palettize(alone(before), bits=1, group_size=4).weight.detach())
    assert scheme.of(child)["stack"].num_tables((3, 8, 12)) == 3 * 2


@pytest.mark.parametrize(
    "layer", [nn.ConvTranspose2d(6, 4, 3, groups=2), nn.ConvTranspose1d(6, 9, 2, groups=3), nn.ConvTranspose1d(5, 4, 3)]
)
def test_each_output_channel_of_a_transposed_convolution_has_its_scale(layer: nn.Module) -> None:
    torch.manual_seed(0)
    with torch.no_grad():  # output channels of very different sizes
        values = layer.weight.unflatten(0, (layer.groups, -1))
        values.mul_(
            torch.logspace(-2, 0, layer.out_channels).reshape(layer.groups, 1, -1, *[1] * (layer.weight.ndim - 2))
        )
    rounded = quantize(layer, 4).weight.detach()
    per_group = layer.out_channels // layer.groups
    for group in range(layer.groups):
        inputs = slice(group * layer.in_channels // layer.groups, (group + 1) * layer.in_channels // layer.groups)
        for channel in range(per_group):
            own = layer.weight.detach()[inputs, channel]
            scale = own.abs().max() / 7
            torch.testing.assert_close(rounded[inputs, channel], (own / scale).round() * scale)
    assert scheme.of(quantize(layer, 4))["weight"].num_tables(tuple(layer.weight.shape)) == layer.out_channels


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((4, 3), Layout()),
        ((4, 3), Layout(axis=1, inputs=0)),
        ((6, 4, 3, 2), Layout(axis=1, groups=3, inputs=0)),
        ((3, 5, 4), Layout(axis=2, groups=3, inputs=1)),
        ((7,), Layout()),
        ((), Layout()),
    ],
)
def test_rows_and_back(shape: tuple[int, ...], layout: Layout) -> None:
    values = torch.arange(float(torch.Size(shape).numel())).reshape(shape)
    rows = layout.rows(values)
    assert tuple(rows.shape) == layout.size(shape)
    assert torch.equal(layout.tensor(rows, shape), values)
    if len(shape) > 1:
        row, column = layout.places(torch.arange(values.numel()), shape)
        assert torch.equal(rows[row, column], values.flatten())


def test_convolutions_and_bilinear_layers_are_no_stacks() -> None:
    for module in (nn.Conv1d(2, 3, 4), nn.Bilinear(2, 3, 4)):
        assert layout_of(module, module.weight) == Layout()


def test_a_vector_has_one_scale() -> None:
    child = quantize(nn.Linear(4, 6), 2, targets=["bias"])
    assert len(child.bias.detach().abs().unique()) <= 2
    assert scheme.of(child)["bias"].num_tables((6,)) == 1


def test_what_must_be_named_to_be_touched() -> None:
    class Mixer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.A_log = nn.Parameter(torch.ones(4, 4))
            self.in_proj = nn.Linear(4, 4)

    class Router(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, 4))

    class Mixture(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.experts = nn.Linear(4, 2), nn.ModuleList([nn.Linear(4, 4)])

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cls_token, self.pos_embed = (nn.Parameter(torch.ones(1, 2, 4)) for _ in range(2))
            self.relative_position_bias_table = nn.Parameter(torch.ones(9, 4))
            self.wpe, self.words = nn.Embedding(4, 4), nn.Embedding(8, 4)
            self.mixer, self.choose, self.mixture, self.gate = Mixer(), Router(), Mixture(), nn.Linear(4, 4)

    model = Model()
    said: list[str] = []
    pruned = magnitude_prune(model, amount=1.0, progress=lambda _, text: said.append(text))
    gone = {name for name, value in pruned.named_parameters() if value.ndim > 1 and not value.any()}
    assert gone == {"words.weight", "mixer.in_proj.weight", "mixture.experts.0.weight", "gate.weight"}
    left = {name for name, value in model.named_parameters() if value.ndim > 1} - gone
    assert all(any(name in text for text in said) for name in left)
    assert not magnitude_prune(model, amount=1.0, targets=["re:.*A_log"]).mixer.A_log.any()
