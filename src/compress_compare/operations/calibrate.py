"""Calibration: batch-norm statistics are measured again, since compression has shifted what the layers see."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .base import BaseOperation, function, operation
from .types import Context, DataRequirement, unsuitable

if TYPE_CHECKING:
    from torch import nn


@operation
class Calibrate(BaseOperation):
    """Measure the running means and variances of batch-norm layers anew on data. No weight changes.

    It often repairs much of what pruning did, for the price of a few forward passes. A model without running
    statistics is refused.

    Known as batch-norm re-estimation or recalibration, e.g. Wu, Johnson: Rethinking "Batch" in BatchNorm. 2021,
    arXiv 2105.07576.
    """

    name: ClassVar[str] = "calibrate"
    data_requirement: ClassVar[DataRequirement] = "calibration"

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Run all batches with only the batch-norm layers in training mode; every batch counts the same.

        Raises:
            InvalidValue: ``operation.not_applicable`` when no layer keeps running statistics.
        """
        import torch
        from torch.nn.modules.batchnorm import _BatchNorm

        from .parts.data import batches, forward

        layers = [layer for layer in model.modules() if isinstance(layer, _BatchNorm) and layer.track_running_stats]
        if not layers:
            hint = "Layer, group and RMS norms measure every input by itself and need no calibration."
            raise unsuitable(self.name, "the model has no batch-norm layer with running statistics.", hint=hint)
        momenta = [layer.momentum for layer in layers]
        model.eval()
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # torch then keeps the plain average over batches
            layer.train()
        with torch.no_grad():
            for number, (inputs, _) in enumerate(batches(model, context.data)):
                forward(model, inputs, operation=self.name)
                context.progress(0.0, f"batch {number + 1}")
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        return model


calibrate = function(Calibrate)
