"""Static int8 quantization: weights and activations in 8 bits, with ranges of activations measured on data."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Literal

from ..errors import InvalidValue
from .base import BaseOperation, function, operation
from .merge_batchnorm import MergeBatchnorm
from .types import Context, DataRequirement, Patterns

if TYPE_CHECKING:
    from torch import nn


@operation
class QuantizeStatic(BaseOperation):
    """Run convolutions and linear layers on 8-bit weights and 8-bit activations.

    torchao has 8-bit forms of linear layers, of 2-d convolutions, and of 1-d convolutions where the module `ReLU`
    follows. What else has weights (other 1-d convolutions, 3-d and transposed ones, embeddings, recurrences) stays in
    floating point, and the log names it.

    The result is a graph of the model in evaluation mode with batch norms folded into convolutions. Its weights are
    int8 tensors under their old names, each with its scales beside it (`conv.weight`, `conv.weight_scale`).

    The ranges of activations are measured on data; they are constants of the graph, not entries of the state dict.
    Modes have no effect on the result, and no further operation changes it. A model of 16-bit floats is cast to 32 bits
    first, and takes inputs of either. Needs torchao, and a model that `torch.export` can turn into a graph.

    Jacob et al.: Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference. CVPR
    2018, arXiv 1712.05877. Done by torchao's PyTorch 2 export path with its quantizer for x86 processors.
    """

    name: ClassVar[str] = "quantize static"
    data_requirement: ClassVar[DataRequirement] = "calibration"
    lowers: ClassVar[Literal["stored bits"]] = "stored bits"
    keeps_shapes: ClassVar[bool] = False

    targets: Patterns = ()
    """Modules to quantize: class names, dotted paths, or `re:`. Empty: all convolutions and linear layers."""
    ignore: Patterns = ()
    """Modules to leave in floating point: class names, dotted paths, or `re:` patterns."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Export, observe activations on all data, convert.

        Raises:
            MissingExtra: when torchao is not installed.
            InvalidValue: ``operation.not_applicable`` when torch cannot export the model or nothing in it can be int8.
        """
        from .parts.int8 import to_int8
        from .parts.widened import widened
        from .targets import select

        model = widened(model, context)
        model = _without_norms_behind_groups(model, context)
        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        return to_int8(self.name, model, weights=weights, context=context)


quantize_static = function(QuantizeStatic)


def _without_norms_behind_groups(model: nn.Module, context: Context) -> nn.Module:
    """Merge batch norms where torchao 0.18 cannot: it scales grouped transposed convolutions along the wrong axis."""
    from torch.nn.modules.conv import _ConvTransposeNd

    if not any(isinstance(module, _ConvTransposeNd) and module.groups > 1 for module in model.modules()):
        return model
    with suppress(InvalidValue):  # without a batch norm there is nothing to do
        return MergeBatchnorm().apply(model, context)
    return model
