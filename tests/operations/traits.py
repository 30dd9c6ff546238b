"""Plain networks with traits of further architectures that made an operation break a law, refuse, or say nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Listed(nn.Module):
    """Runs its layers from a plain list, as the mask predictor of Mask2Former does."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(32, 16), nn.Linear(16, 5)]
        for number, layer in enumerate(self.layers):
            self.add_module(str(number), layer)
        self.by_name = {"last": self.layers[-1]}
        bn: Any = self.layers[1]
        nn.init.uniform_(bn.running_mean)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = layer(x)
        return self.by_name["last"](x)


class Remembers(nn.Module):
    """Keeps what it computes from a weight in evaluation mode until it trains again, as LeViT does."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.layer = nn.Parameter(torch.randn(8, 8)), nn.Linear(8, 5)
        self.kept: dict[str, Tensor] = {}

    def train(self, mode: bool = True) -> Remembers:
        super().train(mode)
        if mode:
            self.kept = {}
        return self

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return self.layer(x @ self.table.softmax(1))
        if not self.kept:
            self.kept["table"] = self.table.softmax(1)
        return self.layer(x @ self.kept["table"])


class Lookup(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.layer = nn.Embedding(50, 16, sparse=True), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.table(x).mean(1))


class Answers(nn.Module):
    def __init__(self, entry: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.entry = nn.Linear(8, 5), entry

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"features": x, self.entry: self.layer(x)}


class Experts(nn.Module):
    """Fused experts with a bias for each, a temperature for each head, and numbers that are complex."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(4, 16, 8))
        self.up_proj_bias, self.temperature = nn.Parameter(torch.randn(4, 16)), nn.Parameter(torch.randn(4, 1, 1))
        self.filter = nn.Parameter(torch.randn(16, 2, dtype=torch.complex64))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("bi,eoi->beo", x, self.weight).mul(self.temperature.mT) + self.up_proj_bias


class Auxiliary(nn.Module):
    """Has a second head that runs in training only, as GoogLeNet does."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.norm = nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16)
        self.side, self.head = nn.Conv2d(16, 8, 1), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Any:
        x = torch.relu(self.norm(self.stem(x)))
        answer = self.head(x.mean((2, 3)))
        return (answer, self.side(x)) if self.training else answer


class Speaks(nn.Module):
    """Answers with as many samples as it finds right, as models of speech do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.length, self.layer = nn.Linear(8, 1), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        count = 20 + int(100 * self.length(x).sum().tanh().abs())
        return self.layer(x)[:, None].expand(-1, count, -1)


class Products(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 8))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight)


def normalized() -> nn.Module:
    """A layer whose weight a hook computes, in front of others."""
    torch.manual_seed(0)
    computed = torch.nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 3, 1))
    return nn.Sequential(computed, nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 5, 3))
