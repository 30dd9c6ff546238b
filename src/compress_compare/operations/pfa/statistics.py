"""Covariance of responses, gathered batch by batch in double precision. Needs torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from ..parts.data import forward, unpadded
from ..parts.moments import plain_kernels

if TYPE_CHECKING:
    from ..types import Batches

Pooling = Literal["max", "average"]
_ROWS = 65_536


class RunningMoments:
    """Running sums of x and x xᵀ, with the mean of the first rows subtracted so that no digits are lost."""

    def __init__(self, width: int, device: torch.device | None = None) -> None:
        self.count = 0
        self.total = torch.zeros(width, dtype=torch.float64, device=device)
        self.products = torch.zeros(width, width, dtype=torch.float64, device=device)
        self.shift = torch.zeros_like(self.total)

    def add(self, rows: Tensor) -> None:
        """Take in responses [n, width]."""
        for part in torch.split(rows.detach(), _ROWS):
            wide = part.double()
            if self.count == 0:
                self.shift = wide.mean(0)
            wide = wide - self.shift
            self.count += len(wide)
            self.total += wide.sum(0)
            self.products.addmm_(wide.T, wide)

    def covariance(self) -> Tensor:
        """The unbiased covariance [width, width]; needs two rows."""
        centered = self.products - torch.outer(self.total, self.total) / self.count
        return centered / (self.count - 1)


def gather(
    model: nn.Module, data: Batches, *, layers: Iterable[str], pooling: Pooling, operation: str
) -> Mapping[str, RunningMoments]:
    """The moments of the responses of some layers over all batches, by the name of the layer.

    The model is run as it stands, so put it into evaluation mode. A layer that runs several times in a forward pass
    gives a row for each.

    Raises:
        InvalidValue: ``data.forward``.
    """
    moments: dict[str, RunningMoments] = {}

    def _note(name: str, layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        rows = responses(layer, output, pooling=pooling)
        moments.setdefault(name, RunningMoments(rows.shape[1], rows.device)).add(rows)

    with torch.no_grad(), plain_kernels(model), ExitStack() as hooks:
        for name in layers:
            hooks.callback(model.get_submodule(name).register_forward_hook(partial(_note, name)).remove)
        for inputs, _ in unpadded(model, data):
            forward(model, inputs, operation=operation)
    return moments


def responses(layer: nn.Module, output: Tensor, *, pooling: Pooling) -> Tensor:
    """One row for each sample of a convolution, pooled over space; for each position of a linear layer: [n, C]."""
    if isinstance(layer, nn.Linear):
        return output.reshape(-1, output.shape[-1])
    spread = output.flatten(2)
    return spread.amax(2) if pooling == "max" else spread.mean(2)
