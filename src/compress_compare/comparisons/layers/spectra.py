"""How many directions a layer's responses really vary in: the eigenvalues that principal filter analysis looks at."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...operations.pfa.spectrum import spectrum
from ...operations.pfa.statistics import RunningMoments, responses

MOST_UNITS = 512
"""Layers with more have no spectrum: its matrix has that many rows and columns, for each layer of each model."""

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


class ResponseSpectra:
    """The covariance of the responses of the convolutions and linear layers of networks, gathered call by call.

    A convolution gives a row for each example, the largest response of each unit; a linear layer one for each position:
    as in `pfa prune` by default.

    Args:
        networks: by id.
    """

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        self._ids = {network: id for id, network in networks.items()}
        self._moments: dict[tuple[str, str], RunningMoments] = {}

    def add(self, network: nn.Module, name: str, *, output: Tensor) -> None:
        """Take in what a module of a network puts out; of other modules nothing is kept."""
        layer = network.get_submodule(name)
        if not isinstance(layer, LAYERS) or output.ndim < 2:
            return
        rows = responses(layer, output, pooling="max")
        if rows.shape[1] <= MOST_UNITS:
            key = self._ids[network], name
            self._moments.setdefault(key, RunningMoments(rows.shape[1], rows.device)).add(rows)

    def eigenvalues(self) -> dict[tuple[str, str], list[float]]:
        """By model and module, largest first; not of layers whose responses are not finite or fewer than two."""
        found = {}
        for key, moments in self._moments.items():
            if moments.count < 2:
                continue
            covariance = moments.covariance()
            if bool(torch.isfinite(covariance).all()):
                found[key] = spectrum(covariance.numpy(force=True)).tolist()
        return found
