"""What a format's case is made of: one weight, and what a tool wrote of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROWS, COLUMNS = 128, 256
NAME = "l.weight"


@dataclass(frozen=True)
class Written:
    """What a tool wrote: the file or folder, the numbers it gives for a weight, and the tolerance of its arithmetic."""

    path: Path
    numbers: Mapping[str, np.ndarray]
    tolerance: float = 0.0
    name: str = NAME
    turned: bool = False
    """Whether the base has rows and columns the other way round."""
    start: np.ndarray | None = None
    """The base, where it is another."""


def base() -> np.ndarray:
    """The weight before it was packed."""
    return np.random.default_rng(0).normal(0, 0.02, (ROWS, COLUMNS)).astype(np.float32)


def linear(dtype: str = "float32") -> Any:
    """The same in a layer of PyTorch."""
    import torch

    layer = torch.nn.Linear(COLUMNS, ROWS, bias=False, dtype=getattr(torch, dtype))
    layer.weight.data.copy_(torch.from_numpy(base()))
    return layer


def network(dtype: str = "float32") -> Any:
    """A network of the one layer, named l."""
    import torch

    return torch.nn.ModuleDict({"l": linear(dtype)})


def stored(folder: Path, state: Mapping[str, Any]) -> Path:
    """A safetensors file of torch tensors."""
    from safetensors.torch import save_file as save

    save({name: tensor.contiguous() for name, tensor in state.items()}, folder / "model.safetensors")
    return folder / "model.safetensors"


Case = tuple[str, str, Callable[[Path], Written]]
"""Module that it needs, package whose version is told, and what writes it."""
