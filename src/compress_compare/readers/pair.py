"""A model's checkpoint beside its base's, tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..analysis.layers import align
from ..analysis.layers.align import Match
from ..analysis.layers.values import Values
from . import fused
from .fused import Fold
from .weights import StoredTensor, Weights

BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""Names of tensors that are no parameters, for files that do not say which are."""


@dataclass(frozen=True, eq=False)
class ModelPair:
    """A model beside its base.

    Args:
        base: its tensors.
        model: its tensors.
        matches: by the name under which a pair of tensors is listed, in order.
        folds: by layer of the model, the norm of the base that is part of it.
    """

    base: Weights
    model: Weights
    matches: Mapping[str, Match]
    folds: Mapping[str, Fold] = field(default_factory=dict)

    @staticmethod
    def of(base: Weights, model: Weights, *, buffers: bool, chosen: Mapping[str, str] | None = None) -> ModelPair:
        """Align two checkpoints; a tied tensor is listed once, buffers (running statistics) only if asked for.

        Args:
            base: its tensors.
            model: its tensors.
            buffers: whether those are listed.
            chosen: for names of the base, those of the model that are compared with them.

        Raises:
            InvalidValue: ``layers.alignment``.
        """
        shapes = _shapes(base, buffers=buffers), _shapes(model, buffers=buffers)
        folds = fused.find(base, model)
        matches = fused.align(*shapes, kept=_kept(base, model), folds=folds, chosen=chosen or {})
        listed = [match for match in matches if not _is_alias(match, base, model)]
        return ModelPair(base, model, {match.name: match for match in listed}, folds)

    def base_tensor(self, match: Match) -> StoredTensor | None:
        """The base's tensor."""
        return None if match.base is None else _find(self.base, match.base)

    def model_tensors(self, match: Match) -> dict[str, StoredTensor]:
        """The model's tensors by name: none, one, or the two factors of a product."""
        names = [name for name in (match.model, match.second) if name is not None]
        return {name: _find(self.model, name) for name in names}

    def values(self, match: Match) -> tuple[Values | None, Values | None]:
        """The numbers of base and model; ``None`` for those of the base where they cannot be compared one by one."""
        stored = self.base_tensor(match)
        base = stored.values if stored else None
        if match.how == "fused":
            base = fused.values(match, self.folds, base=self.base)
        model = self.model_values(match)
        if base is None or model is None or not match.comparable:
            return None, model
        if match.how == "kept":
            index = [range(size) if part is None else part for part, size in zip(match.kept, base.shape, strict=True)]
            base = Values.of(base.whole()[np.ix_(*index)])
        return base, model

    def model_values(self, match: Match) -> Values | None:
        """The numbers of the model, as used: of two factors, their product."""
        parts = [stored.values for stored in self.model_tensors(match).values()]
        if len(parts) == 2 and parts[0] and parts[1]:
            first, second = parts[0].whole(), parts[1].whole()
            product = second.reshape(len(second), -1) @ first.reshape(len(first), -1)
            return Values.of(product.reshape(len(second), *first.shape[1:]))
        return parts[0] if parts else None

    def forget(self) -> None:
        """Give back the memory of what has been read."""
        self.base.forget()
        self.model.forget()


def _kept(base: Weights, model: Weights) -> dict[str, dict[int, list[int]]]:
    """Which of the base's channels the model has; both lists refer to the model that both come from."""
    found: dict[str, dict[int, list[int]]] = {}
    for name, dimensions in model.kept.items():
        for dimension, indices in dimensions.items():
            before = base.kept.get(name, {}).get(dimension)
            place = None if before is None else {index: at for at, index in enumerate(before)}
            relative = [index if place is None else place.get(index, -1) for index in indices]
            found.setdefault(name, {})[dimension] = relative
    return found


def _shapes(weights: Weights, *, buffers: bool) -> dict[str, align.Shape]:
    shapes = {name: weights.tensors[name].shape for name in weights.names()}
    shapes |= {alias: shapes[name] for alias, name in weights.tied.items()}
    known = weights.extra.get("buffers")
    if buffers:
        return shapes
    if isinstance(known, list):
        return {name: shape for name, shape in shapes.items() if name not in set(known)}
    return {name: shape for name, shape in shapes.items() if name.rpartition(".")[2] not in BUFFERS}


def _is_alias(match: Match, base: Weights, model: Weights) -> bool:
    """Whether a pair is another name for one that is listed already."""
    first = match.base is None or match.base in base.tied
    second = match.model is None or match.model in model.tied
    return first and second


def _find(weights: Weights, name: str) -> StoredTensor:
    tied = weights.tied
    return weights.tensors[tied.get(name, name) if tied else name]
