"""Weights that are held as buffers are named, and tables that are no weights are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from compress_compare import on_disk, operations
from compress_compare.errors import InvalidValue
from compress_compare.operations import Quantize, quantize
from compress_compare.operations.parts.buffers import BUFFERS, held, multiplied

NAMED = f"left as they are: layer.weight: {BUFFERS}"
LABELS = torch.tensor([0, 1, 2, 3])


class Fixed(nn.Module):
    """A linear layer with a weight that is no parameter."""

    def __init__(self, inputs: int, outputs: int, name: str = "weight") -> None:
        super().__init__()
        self.name = name
        self.register_buffer(name, torch.randn(outputs, inputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.get_buffer(self.name))


class Model(nn.Module):
    def __init__(self, name: str = "weight") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.out = Fixed(8, 16, name), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.layer(x).relu())


def rows(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def said(name: str, model: nn.Module, *, data: Any = None) -> list[str]:
    lines: list[str] = []
    operations.get(name)()(model, data=data, progress=lambda _, text: lines.append(text))
    return lines


@pytest.mark.parametrize("name", ["quantize", "magnitude prune", "palettize", "low rank"])
def test_a_buffer_called_weight_is_named_without_data(name: str) -> None:
    assert NAMED in said(name, Model())


def test_a_buffer_of_any_name_is_named_where_it_is_multiplied() -> None:
    model, data = Model("table"), [(rows(4, 8), LABELS)]
    line = NAMED.replace("layer.weight", "layer.table")
    assert line in said("gptq quantize", model, data=data)
    assert line in said("quantize", model, data=data)
    assert line not in said("quantize", model)


class Codes(nn.Module):
    """Integers and their scales as buffers, a convolution, nearest neighbors, and a table that is looked up."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.register_buffer("levels", torch.randn(6, 8))
        self.register_buffer("sizes", torch.rand(6, 1))
        self.register_buffer("taps", torch.randn(3, 1, 3))
        self.register_buffer("centers", torch.randn(7, 6))
        self.register_buffer("rows_of_centers", torch.randn(7, 5))

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.levels * self.sizes)  # type: ignore[operator]
        y = F.conv1d(y[:, None], self.taps, padding=1).mean(1)  # type: ignore[arg-type]
        return F.embedding(torch.cdist(y, self.centers).argmin(1), self.rows_of_centers)  # type: ignore[arg-type]


def test_what_a_weight_is_computed_from_counts() -> None:
    model, x = Codes().eval(), rows(4, 8)
    assert list(multiplied(model, lambda: model(x))) == ["levels", "taps", "centers", "rows_of_centers"]


class Tables(nn.Module):
    """Statistics, masks, positions and frequencies as buffers, used as models use them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.norm, self.inner, self.out = nn.BatchNorm1d(6), nn.Linear(8, 8), nn.Linear(8, 5)
        self.register_buffer("position_ids", torch.arange(6)[None])
        self.register_buffer("inv_freq", 1 / 10 ** torch.arange(4.0))
        self.register_buffer("causal_mask", torch.ones(6, 6).tril())
        self.register_buffer("table", torch.randn(6, 8))
        self.register_buffer("mean", torch.randn(1, 6, 1))
        self.register_buffer("offsets", torch.randn(6, 8))
        self.register_buffer("filters", torch.randn(8, 8), persistent=False)
        self.register_buffer("pos_embed", torch.randn(6, 8))
        self.register_buffer("weight_mask", torch.ones(6, 8))

    def forward(self, x: Tensor) -> Tensor:
        angles = self.position_ids.float().mT @ self.inv_freq[None]  # type: ignore[operator, index]
        x = self.norm(x - self.mean) + torch.cat([angles.sin(), angles.cos()], 1) + self.inner(self.table)
        x = self.causal_mask @ (x @ self.filters) * self.weight_mask  # type: ignore[operator]
        return self.out((x + self.offsets + self.pos_embed).mean(1))  # type: ignore[operator]


def test_statistics_masks_positions_and_frequencies_are_not_named() -> None:
    model, x = Tables().eval(), rows(4, 6, 8)
    assert not held(model) and not multiplied(model, lambda: model(x))


def test_a_buffer_that_is_asked_for_is_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match=r"'layer.weight' is a buffer.*register it as a parameter"):
        quantize(Model(), targets=("layer.weight",))
    with pytest.raises(InvalidValue, match=r"no weight is left.* weight is left alone: it is a buffer"):
        quantize(Fixed(8, 5))


def test_the_plan_of_a_folder_names_it(tmp_path: Path) -> None:
    model = Model()
    (tmp_path / "base").mkdir()
    save_file(model.state_dict(), tmp_path / "base" / "model.safetensors")
    told = on_disk.plan(Quantize(), tmp_path / "base", model=model.to("meta"))
    assert told.weights == ("out.weight",) and dict(told.spared) == {"layer.weight": BUFFERS}


def test_the_codebooks_of_an_audio_codec_are_named_and_its_statistics_are_not() -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    config = transformers.EncodecConfig(
        num_filters=4, hidden_size=16, codebook_size=16, num_residual_layers=1, upsampling_ratios=[2, 2]
    )
    config.codebook_dim = 16
    found = held(transformers.EncodecModel(config))
    assert found and all(name.endswith(".codebook.embed") for name in found)
