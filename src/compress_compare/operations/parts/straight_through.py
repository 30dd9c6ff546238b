"""Rounding whose gradient is that of doing nothing. Needs torch.

Bengio, Léonard, Courville: Estimating or Propagating Gradients Through Stochastic Neurons. 2013, arXiv 1308.3432.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from ..quantize import Quantize
    from .rows import Layout


class Rounded(nn.Module):
    """From a weight to its rounded values, with the gradient passed on as it is.

    Args:
        rounding: gives the levels.
        layout: where the weight has its output channels.
    """

    def __init__(self, rounding: Quantize, layout: Layout) -> None:
        super().__init__()
        self.rounding, self.layout = rounding, layout

    def forward(self, weight: Tensor) -> Tensor:
        """Values of ``rounding``; same shape and dtype."""
        values = weight.detach()
        return weight + (self.rounding.rounded(values, self.layout) - values)
