"""PFA: units whose responses are correlated with those of others are cut out, as many as the spectrum says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from .base import BaseOperation, function, operation
from .types import Batches, Context, DataRequirement, Patterns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from .pfa.recipe import LayerRecipe, Responses, Rule
    from .surgery import Group


@operation
class PFAPrune(BaseOperation):
    """Cut out the channels of convolutions and hidden linear layers that respond like others do on the given data.

    With data of another domain than the model was trained on, it becomes smaller for that domain. What each tensor
    has kept of the original channels is noted on the new model: see `compress_compare.schemes.channels`.

    The model is run on data: the eigenvalues of the covariance of a layer's responses say how many channels it
    needs, their correlations which. Labels are not used. Needs at least as many samples as a layer has channels,
    and Torch-Pruning. Fine-tune afterwards.

    The rule `kl` keeps the share of channels that the normalized entropy of the spectrum gives. `energy` keeps as
    many as hold a share of the sum of the eigenvalues. `parameters` and `macs` find the energy that leaves a share
    of the parameters or multiply-accumulates, by building the smaller networks and measuring them. Channels that
    hardly vary go first.

    Layers joined by a residual sum lose the same channels, as many as the neediest of them allows. Every cut is
    tried on a copy first: layers whose channels cannot be cut without changing what others compute are left alone.
    `PFAPrune().recipe(model, data)` gives the numbers of every layer without changing the model.

    Suau, Zappella, Apostoloff: Filter distillation for network compression. WACV 2020, arXiv 1807.10585.
    """

    name: ClassVar[str] = "pfa prune"
    main: ClassVar[tuple[str, ...]] = ("rule", "share")
    data_requirement: ClassVar[DataRequirement] = "calibration"
    keeps_shapes: ClassVar[bool] = False

    rule: Literal["kl", "energy", "parameters", "macs"] = "kl"
    """How many units: by spectral entropy (kl), a share of energy, or the energy that leaves a share of a cost."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the energy, the parameters or the multiply-accumulates to keep; none for kl, which needs none."""
    selection: Literal["l1-max", "abs-max"] = "l1-max"
    """Remove the unit most correlated with all others, or one of the most correlated pair, again and again."""
    pooling: Literal["max", "average"] = "max"
    """How the responses of a convolution become one number for each sample and unit."""
    targets: Patterns = ()
    """Modules to analyze: class names, dotted paths, or `re:`. Empty: all convolutions and hidden linear layers."""
    ignore: Patterns = ()
    """Modules to leave alone: class names, dotted paths, or `re:` patterns."""

    @model_validator(mode="after")
    def _share_where_needed(self) -> PFAPrune:
        if (self.share is None) != (self.rule == "kl"):
            raise ValueError("share must be given for the rules 'energy', 'parameters' and 'macs', and for no other.")
        return self

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Analyze in evaluation mode, cut, and note what was kept.

        Raises:
            InvalidValue: ``operation.not_applicable`` when no layer can lose channels, ``data.too_few`` naming a layer
                with more units than there are samples, ``target.unreachable``.
        """
        from ..schemes import channels
        from .parts.data import example
        from .parts.reached import left_alone
        from .pfa.recipe import removed
        from .surgery import CHANGES_OTHERS, cut, sound

        gone = removed(self._recipe(model, context.data))
        inputs = example(model, context.data, operation=self.name)
        kept = sound(model, inputs, removed=gone)
        left_alone(context, {name: CHANGES_OTHERS for name in gone if name not in kept})
        channels.attach(model, cut(model, inputs, removed=kept))
        return model

    def recipe(self, model: nn.Module, data: Batches) -> list[LayerRecipe]:
        """What would be kept of each layer, and why. The model stays as it is.

        Args:
            model: any PyTorch module.
            data: batches of (inputs, targets), as for the operation itself.

        Raises:
            InvalidValue: as for the operation.
        """
        import copy

        from .parts.data import check_batches

        check_batches(self.name, data)
        return self._recipe(copy.deepcopy(model), data)

    def _recipe(self, model: nn.Module, data: Batches) -> list[LayerRecipe]:
        from .parts.data import example
        from .pfa.recipe import measured, recipes
        from .pfa.statistics import gather

        model.eval()
        inputs = example(model, data, operation=self.name)
        groups = self._groups(model, inputs)
        names = [name for group in groups for name in group.layers]
        found = measured(self.name, gather(model, data, layers=names, pooling=self.pooling, operation=self.name))
        rule = self._rule(model, inputs, groups, found)
        return recipes(groups, found, rule=rule, selection=self.selection)

    def _groups(self, model: nn.Module, example: Any) -> Sequence[Group]:
        from .surgery import no_layer, prunable
        from .targets import select

        selected = {weight.module for weight in select(self.name, model, targets=self.targets, ignore=self.ignore)}
        chosen = {name for name, module in model.named_modules() if module in selected}
        found = prunable(model, example, operation=self.name)
        groups = [group for group in found.groups if chosen.issuperset(group.layers)]
        if not groups:
            title = "no convolution or hidden linear layer can lose channels."
            raise no_layer(title, model, operation=self.name, chosen=chosen, found=found)
        return groups

    def _rule(self, model: nn.Module, example: Any, groups: Sequence[Group], found: Mapping[str, Responses]) -> Rule:
        from .pfa.recipe import EnergySearch
        from .pfa.spectrum import kept_by_energy, kept_by_entropy

        if self.rule == "kl" or self.share is None:
            return kept_by_entropy
        energy = self.share
        if self.rule in ("parameters", "macs"):
            energy = EnergySearch(model, example, groups, self.rule).energy(found, self.share, operation=self.name)
        return partial(kept_by_energy, share=energy)


pfa_prune = function(PFAPrune)
