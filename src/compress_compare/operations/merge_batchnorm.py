"""Merging batch norms: a batch norm that follows a convolution or linear layer becomes part of its weight and bias."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar, cast

from .base import BaseOperation, function, operation
from .types import Context, unsuitable

if TYPE_CHECKING:
    from torch import nn


@operation
class MergeBatchnorm(BaseOperation):
    """Fold every batch norm into the layer before it; what the model computes in evaluation mode stays the same.

    The norm is replaced by an identity and the layer gets a bias. A batch norm stays where the layer's output is
    used elsewhere too, where a layer runs more than once, or where it keeps no running statistics.

    Later rounding then sees the weights that are really used. Needs a model that `torch.fx` can trace.

    Jacob et al.: Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference. CVPR
    2018, arXiv 1712.05877, section 3.2.
    """

    name: ClassVar[str] = "merge batchnorm"
    keeps_shapes: ClassVar[bool] = False

    def apply(self, model: nn.Module, _context: Context, /) -> nn.Module:
        """Find the pairs in the graph that ``torch.fx`` traces, and merge them.

        Raises:
            InvalidValue: ``operation.not_applicable`` when the model cannot be traced or no batch norm can be merged.
        """
        from torch import nn

        pairs = _pairs(self.name, model)
        if not pairs:
            raise unsuitable(self.name, "no batch norm follows a convolution or linear layer by itself.")
        for layer, norm in pairs:
            merge(cast("nn.Linear", model.get_submodule(layer)), cast("nn.BatchNorm2d", model.get_submodule(norm)))
            parent, _, attribute = norm.rpartition(".")
            model.get_submodule(parent)._modules[attribute] = nn.Identity()
        return model


merge_batchnorm = function(MergeBatchnorm)


def merge(layer: nn.Linear, norm: nn.BatchNorm2d) -> None:
    """W ← W · γ / √(σ² + ε) and b ← (b − μ) · γ / √(σ² + ε) + β, per output channel of a layer."""
    import torch
    from torch import nn

    from .targets import Weight

    weight = Weight("weight", layer, "weight")
    axis = weight.channel_axis
    with torch.no_grad():
        assert norm.running_mean is not None and norm.running_var is not None  # noqa: S101
        mean, variance = norm.running_mean.double(), norm.running_var.double()
        factor = (variance + norm.eps).rsqrt()
        if norm.weight is not None:
            factor = factor * norm.weight.double()
        old = torch.zeros_like(mean) if layer.bias is None else layer.bias.double()
        bias = (old - mean) * factor + (0 if norm.bias is None else norm.bias.double())
        values = weight.parameter.data
        shape = [-1 if dimension == axis else 1 for dimension in range(values.ndim)]
        weight.parameter.data = (values.double() * factor.reshape(shape)).to(values.dtype)
        layer.bias = nn.Parameter(bias.to(values.dtype), requires_grad=weight.parameter.requires_grad)


def _pairs(name: str, model: nn.Module) -> list[tuple[str, str]]:
    """Paths of (layer, batch norm) that run once each, the norm alone on the layer's output."""
    from torch import fx, nn
    from torch.nn.modules.batchnorm import _BatchNorm

    linear = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)

    class Tracer(fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            leaf = (*linear, *transposed, _BatchNorm)
            return isinstance(m, leaf) or super().is_leaf_module(m, module_qualified_name)

    try:
        graph = Tracer().trace(model)
    except Exception as error:  # tracing runs the code of the model, which may raise anything
        detail = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]
        raise unsuitable(name, "torch.fx cannot trace the model.", detail=detail) from error
    modules = dict(model.named_modules())
    calls = [node for node in graph.nodes if node.op == "call_module"]
    counts = Counter(id(modules[str(node.target)]) for node in calls)
    pairs = []
    for node in calls:
        norm, before = modules[str(node.target)], node.args[0] if node.args else None
        if not isinstance(norm, _BatchNorm) or norm.running_mean is None:
            continue
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        layer = modules[str(before.target)]
        ungrouped = isinstance(layer, transposed) and layer.groups == 1
        once = counts[id(norm)] == counts[id(layer)] == 1
        if once and (ungrouped or isinstance(layer, linear)):
            pairs.append((str(before.target), str(node.target)))
    return pairs
