from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compress_compare.operations.base import Context
from compress_compare.operations.parts.moments import Inputs, layer_inputs
from compress_compare.operations.targets import select
from tests.operations.networks import Shared, build


def moments(model: nn.Module, *inputs: Tensor) -> dict[str, Inputs]:
    context = Context(data=[(x, x) for x in inputs], loss=F.mse_loss, references={}, progress=lambda *_: None)
    return layer_inputs(model, select("test", model), context=context, name="test")


class Padding(nn.Conv2d):
    """A layer that pads its inputs itself."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 2, 3)))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(5, 4, bias=False), (3, 7, 5)),
        (nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2, bias=False), (3, 4, 11)),
        (nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), bias=False), (2, 3, 9, 8)),
        (nn.Conv2d(3, 4, (4, 2), padding="same", bias=False), (2, 3, 9, 8)),
        (nn.Conv2d(3, 4, 3, padding="valid", bias=False), (3, 9, 8)),
        (nn.Conv2d(4, 4, 3, padding=1, groups=4, padding_mode="circular", bias=False), (2, 4, 5, 5)),
        (Padding(2, 3, 3, bias=False), (2, 2, 5, 5)),
        (nn.Conv3d(2, 3, 2, padding=(1, 0, 2), stride=(1, 2, 1), bias=False), (2, 2, 4, 5, 3)),
        (nn.ConvTranspose1d(4, 6, 5, stride=3, padding=2, output_padding=1, bias=False), (2, 4, 7)),
        (nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 1), dilation=(1, 2), groups=2, bias=False), (2, 4, 5, 4)),
    ],
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_second_moments_give_the_energy_of_the_outputs(layer: nn.Module, shape: tuple[int, ...]) -> None:
    """Σ y² = Σ over outputs of w · (Σ x·xᵀ) · w."""
    torch.manual_seed(0)
    first, second = torch.randn(shape), torch.randn(shape)
    found = moments(layer, first, second)["weight"]
    rows = found.layout.rows(layer.weight.detach()).double()
    energy = sum(
        torch.einsum("oi,ij,oj->", rows[start:end], each.second.double(), rows[start:end])
        for (start, end), each in found.spans.items()
    )
    outputs = torch.cat([layer(first).flatten(), layer(second).flatten()]).double()
    torch.testing.assert_close(energy, (outputs**2).sum(), rtol=1e-6, atol=0)


def test_sums_over_vectors() -> None:
    x = torch.tensor([[1.0, -2.0], [3.0, 0.5]])
    found = moments(nn.Linear(2, 3), x)["weight"].spans[0, 3]
    assert found.count == 2 and found.absolute.tolist() == [4.0, 2.5]
    assert found.second.tolist() == [[10.0, -0.5], [-0.5, 4.25]]


def test_every_use_of_a_layer_counts_and_embeddings_are_absent() -> None:
    assert moments(Shared(), torch.randn(5, 8))["first.weight"].together().count == 10
    model, data = build("tied transformer")
    found = moments(model, data[0][0])
    assert list(found)[:3] == ["query.weight", "key.weight", "value.weight"]
    assert "embed.weight" not in found  # although it is the output layer's too
