"""Channel pruning: whole output channels are removed, with everything that computes them or reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from .base import BaseOperation, function, operation
from .types import Context, DataRequirement, Patterns, unsuitable

if TYPE_CHECKING:
    from torch import nn


@operation
class ChannelPrune(BaseOperation):
    """Remove the least important output channels of convolutions and linear layers, without retraining.

    Layers joined by a sum lose the same channels. The shape of the model's output never changes, and tied weights
    are left alone, as is what the model computes with the channels that stay. These are noted: see
    `compress_compare.schemes.channels`.

    The first batch of the data is traced. What reads a channel that is removed loses it too.

    Li, Kadav, Durdanovic, Samet, Graf: Pruning Filters for Efficient ConvNets. ICLR 2017, arXiv 1608.08710
    (magnitude). Molchanov et al.: Importance Estimation for Neural Network Pruning. CVPR 2019, arXiv 1906.10771
    (Taylor). Layers that have to lose the same channels are found by Torch-Pruning: Fang et al.: DepGraph. CVPR
    2023, arXiv 2301.12900.
    """

    name: ClassVar[str] = "channel prune"
    main: ClassVar[tuple[str, ...]] = ("amount",)
    data_requirement: ClassVar[DataRequirement] = "calibration"
    lowers: ClassVar[Literal["non-zero weights"]] = "non-zero weights"
    keeps_shapes: ClassVar[bool] = False

    amount: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the channels to remove, of all that can be; every layer keeps one at least."""
    importance: Literal["magnitude", "taylor"] = "magnitude"
    """Sum of |weight| over all that computes a channel, or of |weight · gradient of the loss on the data|."""
    scope: Literal["local", "global"] = "local"
    """The same share of every group of joined layers (local), or by importance over the mean of its group (global)."""
    round_to: Annotated[int, Field(ge=1, le=1024)] = 1
    """Channels that stay are a multiple of this, where a layer has as many."""
    targets: Patterns = ()
    """Layers that may lose outputs: class names, dotted paths, or `re:`. Empty: all convolutions and linear layers."""
    ignore: Patterns = ()
    """Layers that keep all outputs: class names, dotted paths, or `re:` patterns."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Find the groups on the first batch, rate their channels, cut out the least important ones.

        Raises:
            MissingExtra: when Torch-Pruning is not installed.
            InvalidValue: ``operation.not_applicable`` naming the layer of targets that cannot lose channels, or when
                no layer can.
        """
        from ..schemes import channels
        from .parts.data import example
        from .parts.reached import left_alone
        from .surgery import CHANGES_OTHERS, cut, no_layer, prunable, sound
        from .targets import select

        chosen = {weight.module for weight in select(self.name, model, targets=self.targets, ignore=self.ignore)}
        inputs = example(model, context.data, operation=self.name)
        found = prunable(model, inputs, operation=self.name)
        names = {name for name, module in model.named_modules() if module in chosen}
        refused = sorted(names & set(found.skipped))
        if self.targets and refused:
            title = f"{refused[0]!r} cannot lose channels: {found.skipped[refused[0]]}."
            raise unsuitable(self.name, title, hint="Leave it out with ignore, or choose others with targets.")
        groups = [group.layers for group in found.groups if names.issuperset(group.layers)]
        title = "no layer can lose output channels."
        if not groups:
            raise no_layer(title, model, operation=self.name, chosen=names, found=found)
        removed = self.removed(self.rated(model, groups, context=context))
        kept = sound(model, inputs, removed=removed)
        left_alone(context, {name: CHANGES_OTHERS for name in removed if name not in kept})
        channels.attach(model, cut(model, inputs, removed=kept))
        return model

    def rated(self, model: nn.Module, groups: list[tuple[str, ...]], *, context: Context) -> dict[str, list[float]]:
        """First layer of each group → importance of each of its channels, in units of the group's mean."""
        from .gradient_prune import taylor_scores

        weights = [model.get_submodule(name).get_parameter("weight") for group in groups for name in group]
        taylor = self.importance == "taylor"
        scores = (
            taylor_scores(model, weights, context=context) if taylor else [weight.detach().abs() for weight in weights]
        )
        per_layer = iter(score.double().flatten(1).sum(1) for score in scores)
        rated = {}
        for group in groups:
            total = sum((next(per_layer) for _ in group[1:]), start=next(per_layer))
            rated[group[0]] = (total / total.mean().clamp(min=1e-300)).tolist()
        return rated

    def removed(self, importance: dict[str, list[float]]) -> dict[str, list[int]]:
        """Which channels go.

        Args:
            importance: name of the first layer of each group → one number per channel, with a mean of 1.

        Returns:
            Name → ascending indices of the least important channels.
        """
        chosen = {}
        for path, count in self._counts(importance).items():
            values = importance[path]
            kept = max(len(values) - count, 1)
            kept = min(-(-kept // self.round_to) * self.round_to, len(values))
            chosen[path] = sorted(_ascending(values)[: len(values) - kept])
        return {path: indices for path, indices in chosen.items() if indices}

    def _counts(self, importance: dict[str, list[float]]) -> dict[str, int]:
        """How many channels each group would lose."""
        if self.scope == "local":
            return {path: round(self.amount * len(values)) for path, values in importance.items()}
        channels = [(path, value) for path, values in importance.items() for value in values]
        lowest = _ascending([value for _, value in channels])[: round(self.amount * len(channels))]
        counts = dict.fromkeys(importance, 0)
        for index in lowest:
            counts[channels[index][0]] += 1
        return counts


channel_prune = function(ChannelPrune)


def _ascending(values: list[float]) -> list[int]:
    """Indices by value; equal ones in their order."""
    return sorted(range(len(values)), key=values.__getitem__)
