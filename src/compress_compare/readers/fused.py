"""Batch norms that a model no longer has because they became part of the layer before them.

Such a layer is compared with the base's layer after the same folding: W · γ / √(σ² + ε), and (b − μ) · γ / √(σ² + ε)
+ β (Jacob et al., 2018, arXiv 1712.05877, section 3.2). A checkpoint does not say which norm follows which layer, nor
ε, so both are those that come closest to the model's weights, and only where this is closer than without a norm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..analysis.layers.align import Kept, Match, Shape
from ..analysis.layers.align import align as plain_align
from ..analysis.layers.values import Array, Values
from .weights import Weights

EPSILONS = (1e-5, 1e-3)
"""The defaults of PyTorch, and of Keras and the networks that come from there."""

MEAN = ".running_mean"


@dataclass(frozen=True)
class Fold:
    """A layer of the base, the norm that followed it, and the norm's ε."""

    layer: str
    norm: str
    epsilon: float

    def weight(self, base: Weights) -> Values:
        """The layer's weight with the norm in it."""
        weight = _whole(base, f"{self.layer}.weight")
        factor = self._factor(base)
        return Values.of((weight * factor.reshape(-1, *[1] * (weight.ndim - 1))).astype(np.float32))

    def bias(self, base: Weights) -> Values:
        """The layer's bias with the norm in it."""
        shift = _whole(base, f"{self.norm}.bias") if f"{self.norm}.bias" in base.tensors else 0
        before = _whole(base, f"{self.layer}.bias") if f"{self.layer}.bias" in base.tensors else 0
        mean = _whole(base, f"{self.norm}{MEAN}")
        return Values.of(np.asarray((before - mean) * self._factor(base) + shift, np.float32))

    def _factor(self, base: Weights) -> Array:
        scale = _whole(base, f"{self.norm}.weight") if f"{self.norm}.weight" in base.tensors else 1
        variance = _whole(base, f"{self.norm}.running_var").astype(np.float64)
        return np.asarray(scale / np.sqrt(variance + self.epsilon))


def find(base: Weights, model: Weights) -> dict[str, Fold]:
    """By layer, the norms of the base that are part of a layer of the model."""
    left = {name.rpartition(".")[0] for name in model.tensors}
    norms = [name.removesuffix(MEAN) for name in base.names() if name.endswith(MEAN)]
    found: dict[str, Fold] = {}
    for norm in norms:
        if norm in left or f"{norm}.running_var" not in base.tensors:
            continue
        folds = [fold for fold in _possible(norm, base, model) if fold.layer not in found]
        best = min(folds, key=lambda fold: _distance(fold.weight(base), model, fold.layer), default=None)
        if best is not None:
            plain = Values.of(_whole(base, f"{best.layer}.weight"))
            if _distance(best.weight(base), model, best.layer) < _distance(plain, model, best.layer):
                found[best.layer] = best
    return found


def align(
    base: Mapping[str, Shape],
    model: Mapping[str, Shape],
    *,
    kept: Mapping[str, Kept],
    folds: Mapping[str, Fold],
    chosen: Mapping[str, str],
) -> list[Match]:
    """As ``analysis.layers.align``, with the tensors of folded layers said to be ``fused``.

    A bias that the layer got from its norm has no counterpart by name, and must find none by its shape.
    """
    new = [name for layer in folds if (name := f"{layer}.bias") in model and name not in base]
    rest = {name: shape for name, shape in model.items() if name not in new}
    found = [
        replace(match, how="fused") if match.how in ("name", "mask") and _is_fused(match, folds) else match
        for match in plain_align(base, rest, kept=kept, chosen=chosen)
    ]
    return found + [Match(None, name, "fused") for name in new]


def values(match: Match, folds: Mapping[str, Fold], *, base: Weights) -> Values:
    """What a fused tensor is compared with."""
    layer, _, parameter = str(match.model).rpartition(".")
    fold = folds[layer]
    return fold.weight(base) if parameter == "weight" else fold.bias(base)


def _is_fused(match: Match, folds: Mapping[str, Fold]) -> bool:
    layer, _, parameter = str(match.model).rpartition(".")
    return layer in folds and parameter in ("weight", "bias")


def _possible(norm: str, base: Weights, model: Weights) -> list[Fold]:
    """The layers beside a norm, and the one before it, whose output channels are as many as it has."""
    channels, names = base.tensors[f"{norm}{MEAN}"].shape, base.names()
    before = names[: names.index(f"{norm}{MEAN}")]
    layers = [name.removesuffix(".weight") for name in before if _is_layer(name, channels, base=base, model=model)]
    beside = [layer for layer in layers if layer.rpartition(".")[0] == norm.rpartition(".")[0]]
    return [Fold(layer, norm, epsilon) for layer in {*beside, *layers[-1:]} for epsilon in EPSILONS]


def _is_layer(name: str, channels: Sequence[int], *, base: Weights, model: Weights) -> bool:
    shape = base.tensors[name].shape
    is_weight = name.endswith(".weight") and len(shape) >= 2 and shape[:1] == tuple(channels)
    return is_weight and name in model.tensors and model.tensors[name].shape == shape


def _distance(values: Values, model: Weights, layer: str) -> float:
    found = model.tensors[f"{layer}.weight"].values
    if found is None:
        return math.inf
    return float(np.linalg.norm((found.whole() - values.whole()).ravel()))


def _whole(weights: Weights, name: str) -> Array:
    values = weights.tensors[name].values
    return np.zeros(weights.tensors[name].shape) if values is None else values.whole()
