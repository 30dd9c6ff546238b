"""The language model of the pydoc demo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LENGTH = 64
WIDTH = 64
HEADS = 4
BLOCKS = 4


@dataclass
class Memory:
    """Keys and values of what one attention layer has read, ``(N, heads, pieces, width / heads)``."""

    keys: Tensor | None = None
    values: Tensor | None = None

    def extended(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Everything that has been read, these included."""
        self.keys = keys if self.keys is None else torch.cat([self.keys, keys], 2)
        self.values = values if self.values is None else torch.cat([self.values, values], 2)
        return self.keys, self.values


class CausalAttention(nn.Module):
    """Causal attention of four heads: ``(N, T, width)`` → the same."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))

    def forward(self, x: Tensor, memory: Memory | None = None) -> Tensor:
        """Attend to what came before; with a memory, also to what it holds."""
        query, key, value = (self._heads(layer(x)) for layer in (self.query, self.key, self.value))
        if memory is not None:
            key, value = memory.extended(key, value)
        y = F.scaled_dot_product_attention(query, key, value, is_causal=x.shape[1] > 1)
        return cast(Tensor, self.out(y.transpose(1, 2).flatten(2)))

    @staticmethod
    def _heads(x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], HEADS, -1).transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear layers, four times as wide between them."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """``(…, width)`` → the same."""
        return cast(Tensor, self.down(torch.relu(self.up(x))))


class DecoderBlock(nn.Module):
    """Attention, then feed-forward, each behind a norm and added to what went in."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(WIDTH), CausalAttention()
        self.norm2, self.feed_forward = nn.LayerNorm(WIDTH), FeedForward()

    def forward(self, x: Tensor, memory: Memory | None = None) -> Tensor:
        """``(N, T, width)`` → the same."""
        x = x + self.attention(self.norm1(x), memory)
        return cast(Tensor, x + self.feed_forward(self.norm2(x)))


class PieceTransformer(nn.Module):
    """Pieces ``(N, T)`` with T ≤ 64 → logits of the piece after each, ``(N, T, vocabulary)``."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding, self.position = nn.Embedding(vocabulary, WIDTH), nn.Embedding(LENGTH, WIDTH)
        for table in (self.embedding, self.position):
            nn.init.normal_(table.weight, std=0.02)
        self.blocks = nn.ModuleList(DecoderBlock() for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, vocabulary, bias=False)

    def forward(self, text: Tensor, memories: list[Memory] | None = None) -> Tensor:
        """Predict. With memories, one per block, ``text`` continues what they hold: the whole start, or one piece."""
        read = 0 if not memories or memories[0].keys is None else memories[0].keys.shape[2]
        x = self.embedding(text) + self.position(torch.arange(read, read + text.shape[1], device=text.device))
        for index, block in enumerate(self.blocks):
            x = block(x, memories[index] if memories else None)
        return cast(Tensor, self.head(self.norm(x)))
