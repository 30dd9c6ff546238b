"""The weights that an operation has finished, kept in a folder until it is done, so that a kill costs one block."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..schemes import scheme
from .files import write_atomically

if TYPE_CHECKING:
    from torch import Tensor


FOLDER = "unfinished"
"""Below the folder for work in progress."""


def finished_weights(folder: Path, *, work: object) -> FinishedWeights:
    """Return what is kept of a piece of work.

    Args:
        folder: for work in progress of the project.
        work: JSON data that tells it from any other: model, operation, base and its weights, data.
    """
    name = hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()[:32]
    return FinishedWeights(folder / FOLDER / name)


class FinishedWeights:
    """Keeps each weight as a safetensors file. A folder belongs to one operation on one model with one set of data.

    Args:
        folder: made when the first weight is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, name: str) -> tuple[Tensor, scheme.TensorScheme] | None:
        """Return the values of a weight and how they are stored, if they were kept."""
        from safetensors import SafetensorError, safe_open

        path = self._path(name)
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                noted = scheme.from_json(json.loads(file.metadata()["scheme"]))
                return file.get_tensor("values"), noted[name]
        except (SafetensorError, OSError):
            return None

    def save(self, name: str, values: Tensor, *, stored: scheme.TensorScheme) -> None:
        """Keep a weight; a kill meanwhile leaves nothing of it."""
        from safetensors.torch import save

        self.folder.mkdir(parents=True, exist_ok=True)
        noted = {"scheme": json.dumps(scheme.to_json({name: stored}))}
        write_atomically(self._path(name), save({"values": values.detach().cpu().contiguous()}, metadata=noted))

    def clear(self) -> None:
        """Forget all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.safetensors"
