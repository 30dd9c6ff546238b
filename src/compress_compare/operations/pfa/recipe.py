"""Principal filter analysis: from the responses of a network on data to how many units every layer needs, and which.

Suau, Zappella, Apostoloff: Filter distillation for network compression. WACV 2020, arXiv 1807.10585. Needs torch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ...errors import InvalidValue
from ..parts.data import forward
from ..surgery import Group, cut
from . import select, spectrum
from .spectrum import Floats
from .statistics import RunningMoments

if TYPE_CHECKING:
    from .select import Selection

_HALVINGS = 40


@dataclass(frozen=True)
class LayerRecipe:
    """What the analysis says about one layer.

    Args:
        layer: its name in the model.
        original: units it has.
        recommended: units that its own spectrum asks for.
        kept: the units to keep, in order; those of tied layers are the same, as many as the neediest asks for.
        inactive: units that hardly vary.
        spectrum: eigenvalues of the response covariance, largest first.
        kept_energy: share of the sum of the spectrum in as many leading eigenvalues as units are kept.
        divergence: KL divergence of the normalized spectrum from uniform, in nats.
        tied: all layers whose units go together, this one included.
    """

    layer: str
    original: int
    recommended: int
    kept: tuple[int, ...]
    inactive: int
    spectrum: tuple[float, ...]
    kept_energy: float
    divergence: float
    tied: tuple[str, ...]


@dataclass(frozen=True)
class Responses:
    """What was measured of one layer: covariance [C, C] and its eigenvalues, largest first."""

    covariance: Floats
    spectrum: Floats


def measured(operation: str, moments: Mapping[str, RunningMoments]) -> dict[str, Responses]:
    """Covariance and spectrum of every layer.

    Raises:
        InvalidValue: ``data.too_few`` for a layer with more units than samples; ``data.not_finite``.
    """
    result = {}
    for name, gathered in moments.items():
        width = len(gathered.total)
        if gathered.count < max(width, 2):
            raise InvalidValue(
                "data.too_few",
                f"{operation}: there is too little data for the layer {name!r}.",
                detail=f"It has {width:,} units and {gathered.count:,} samples of their responses.",
                hint=f"Pass at least {max(width, 2):,} samples, or name the layer in ignore.",
            )
        covariance = gathered.covariance().cpu().numpy()
        if not np.isfinite(covariance).all():
            title = f"{operation}: the responses of the layer {name!r} are not finite."
            raise InvalidValue("data.not_finite", title, hint="Look for extreme values in the data.")
        result[name] = Responses(covariance, spectrum.spectrum(covariance))
    return result


Rule = Callable[[Floats], int]
"""Spectrum → how many units."""


def recipes(
    groups: Sequence[Group], found: Mapping[str, Responses], *, rule: Rule, selection: Selection
) -> list[LayerRecipe]:
    """The recipe of every layer of every group, by a rule for the number of units."""
    return [recipe for group in groups for recipe in _of_group(group, found, rule, selection)]


def _of_group(group: Group, found: Mapping[str, Responses], rule: Rule, selection: Selection) -> list[LayerRecipe]:
    layers = [found[name] for name in group.layers]
    counts = [rule(layer.spectrum) for layer in layers]
    absolute = np.mean([select.correlations(layer.covariance) for layer in layers], axis=0)
    dead = [spectrum.inactive(layer.covariance) for layer in layers]
    kept = select.select(absolute, np.all(dead, axis=0), count=max(counts), by=selection)
    return [
        LayerRecipe(
            layer=name,
            original=group.width,
            recommended=count,
            kept=tuple(kept),
            inactive=int(gone.sum()),
            spectrum=tuple(float(value) for value in layer.spectrum),
            kept_energy=spectrum.energy(layer.spectrum, len(kept)),
            divergence=spectrum.divergence(layer.spectrum),
            tied=group.layers,
        )
        for name, layer, count, gone in zip(group.layers, layers, counts, dead, strict=True)
    ]


def removed(layers: Sequence[LayerRecipe]) -> dict[str, list[int]]:
    """The units to cut, by the first layer of each group."""
    return {
        recipe.layer: sorted(set(range(recipe.original)) - set(recipe.kept))
        for recipe in layers
        if recipe.layer == recipe.tied[0]
    }


@dataclass(frozen=True)
class EnergySearch:
    """Finds the share of energy with which a network costs at most a share of what it costs now.

    Args:
        model: the network; stays as it is.
        inputs: a batch to follow a forward pass with.
        groups: what can be cut.
        cost: ``parameters``, or ``macs`` of convolutions, matrix products and attention.
    """

    model: nn.Module
    inputs: Any
    groups: Sequence[Group]
    cost: Literal["parameters", "macs"]

    def energy(self, found: Mapping[str, Responses], share: float, *, operation: str) -> float:
        """The largest share of energy that fits, by bisection on networks that are built to be measured.

        Raises:
            InvalidValue: ``target.unreachable`` where one unit for each layer is still too many.
        """
        limit = share * self.measure(self.model)
        known: dict[tuple[int, ...], float] = {}

        def fits(energy: float) -> bool:
            counts = tuple(self._count(group, found, energy) for group in self.groups)
            if counts not in known:
                known[counts] = self._cost_with(counts)
            return known[counts] <= limit

        if not fits(0.0):
            least = min(known.values()) / self.measure(self.model)
            raise InvalidValue(
                "target.unreachable",
                f"{operation}: {share:.3g} of the {self.cost} cannot be reached.",
                detail=f"With one unit in every layer it is {least:.3g}.",
                hint="Allow more, or let more layers be cut.",
            )
        low, high = 0.0, 1.0
        if fits(high):
            return high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low

    def measure(self, model: nn.Module) -> float:
        """What a network costs."""
        if self.cost == "parameters":
            return float(sum(parameter.numel() for parameter in model.parameters()))
        counter = FlopCounterMode(display=False)
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
            forward(model, self.inputs, operation="counting")
        return counter.get_total_flops() / 2

    def _count(self, group: Group, found: Mapping[str, Responses], energy: float) -> int:
        return max(spectrum.kept_by_energy(found[name].spectrum, energy) for name in group.layers)

    def _cost_with(self, counts: Sequence[int]) -> float:
        """The cost depends on how many units are kept, not on which."""
        smaller = copy.deepcopy(self.model)
        surplus = {
            group.layers[0]: list(range(count, group.width)) for group, count in zip(self.groups, counts, strict=True)
        }
        cut(smaller, self.inputs, removed=surplus)
        return self.measure(smaller)
