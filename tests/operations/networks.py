"""The five kinds of network that every operation is tried on, each with a little data it can learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Batches = list[tuple[Tensor, Tensor]]


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.conv = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        x = torch.relu(x + self.norm(self.conv(x)))
        return self.head(x.mean((2, 3)))


class TiedTransformer(nn.Module):
    """Token embedding, one attention block, output layer tied to the embedding; layer norms throughout."""

    def __init__(self, vocabulary: int = 16, width: int = 8) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        y = self.norm1(x)
        scores = self.query(y) @ self.key(y).transpose(1, 2) / y.shape[-1] ** 0.5
        x = x + scores.softmax(-1) @ self.value(y)
        x = x + self.dropout(self.down(torch.relu(self.up(self.norm2(x)))))
        return self.head(x)


class Shared(nn.Module):
    """One linear layer used twice, under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = self.first
        self.out = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.second(torch.relu(self.first(x)))))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 4)
    )


@dataclass(frozen=True)
class Case:
    make: Callable[[], nn.Module]
    data: Callable[[], Batches]


def images() -> Batches:
    random = torch.Generator().manual_seed(7)
    labels = [torch.randint(0, 4, (8,), generator=random) for _ in range(3)]
    return [(torch.randn(8, 1, 8, 8, generator=random) + y[:, None, None, None], y) for y in labels]


def vectors() -> Batches:
    random = torch.Generator().manual_seed(8)
    labels = [torch.randint(0, 4, (8,), generator=random) for _ in range(3)]
    return [(torch.randn(8, 8, generator=random) + y[:, None], y) for y in labels]


def tokens() -> Batches:
    random = torch.Generator().manual_seed(9)
    texts = [torch.randint(0, 16, (4, 6), generator=random) for _ in range(3)]
    return [(text, (text + 1) % 16) for text in texts]


CASES = {
    "convolutional": Case(convolutional, images),
    "residual": Case(Residual, images),
    "tied transformer": Case(TiedTransformer, tokens),
    "one layer": Case(lambda: nn.Linear(8, 4), vectors),
    "shared weights": Case(Shared, vectors),
}


def build(name: str) -> tuple[nn.Module, Batches]:
    """The network of a case in training mode, as made from seed 0, and its data."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return CASES[name].make(), CASES[name].data()
