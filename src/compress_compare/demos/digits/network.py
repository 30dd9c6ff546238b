"""The network of the digits demo."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class ConvBlock(nn.Module):
    """3×3 convolution, batch norm, ReLU: ``(N, inputs, H, W)`` → ``(N, outputs, H, W)``."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        return torch.relu(cast(Tensor, self.norm(self.conv(x))))


class DigitsNet(nn.Module):
    """Three blocks and a classifier, 4,258 parameters: ``(N, 1, 8, 8)`` in 0–1 → logits ``(N, 10)``."""

    def __init__(self) -> None:
        super().__init__()
        self.block1 = ConvBlock(1, 8)
        self.block2 = ConvBlock(8, 16)
        self.block3 = ConvBlock(16, 16)
        self.pool = nn.MaxPool2d(2)
        self.classifier = nn.Linear(16 * 2 * 2, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Classify images."""
        x = self.pool(self.block2(self.block1(x)))
        x = self.pool(self.block3(x))
        return cast(Tensor, self.classifier(x.flatten(1)))
