"""Merging batch norms: a batch norm that follows a convolution or linear layer becomes part of its weight and bias."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InvalidValue
from .base import BaseOperation, function, operation
from .types import Context, unsuitable

if TYPE_CHECKING:
    from torch import Tensor, fx, nn


@operation
class MergeBatchnorm(BaseOperation):
    """Fold every batch norm into the layer before it; what the model computes in evaluation mode stays the same.

    The norm is replaced by an identity, or by the activation that it also holds, and the layer gets a bias. Each pair
    is tried on numbers, and left as it was where its outputs change. A batch norm stays where the layer's output is
    used elsewhere too, where a layer runs more than once or shares its weight, where code reads a weight instead of
    calling the layer, or where the norm keeps no running statistics; the log says which and why.

    Later rounding then sees the weights that are really used. Needs a model that `torch.fx` can trace, or data.

    Jacob et al.: Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference. CVPR
    2018, arXiv 1712.05877, section 3.2.
    """

    name: ClassVar[str] = "merge batchnorm"
    keeps_shapes: ClassVar[bool] = False
    keeps_outputs: ClassVar[bool] = True

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Find the pairs in the graph that ``torch.fx`` traces, and merge them.

        Of a model that it cannot trace, those are taken that follow each other on the data, if there is any; outputs
        are compared afterwards, as always.

        Raises:
            InvalidValue: ``operation.not_applicable`` when the model cannot be traced or no batch norm can be merged.
        """
        from torch import nn

        from .parts.factors import replace_modules
        from .parts.of_rows import OfRows
        from .parts.reached import left_alone

        compiled = getattr(model, "_orig_mod", None)
        if compiled is not None:
            self.apply(compiled, context)
            return model
        try:
            pairs, left = _pairs(self.name, model)
        except InvalidValue:
            pairs, left = _seen(self.name, model, context=context)
            if not pairs:
                raise
        merged = 0
        for layer, norm in pairs:
            rest = _merged(model.get_submodule(layer), model.get_submodule(norm))
            if rest is None:
                left[norm] = "its outputs would change: it computes something else besides"
                continue
            if context.data == () and hasattr(model.get_submodule(layer), "in_features"):
                rest = OfRows() if isinstance(rest, nn.Identity) else nn.Sequential(OfRows(), rest)
            replace_modules(model, {id(model.get_submodule(norm)): rest})
            merged += 1
        if not merged:
            detail = "; ".join(f"{name}: {why}" for name, why in list(left.items())[:3])
            title = "no batch norm follows a convolution or linear layer by itself."
            hint = "Leave them as they are: other operations take models with batch norms."
            raise unsuitable(self.name, title, detail=f"{detail}." if detail else "", hint=hint)
        left_alone(context, left)
        return model


merge_batchnorm = function(MergeBatchnorm)


def _merged(layer: Any, norm: Any) -> nn.Module | None:
    """Merge a norm in place and give what takes its place, or nothing, with both as before, where outputs change."""
    import copy

    import torch
    from torch import nn

    before = copy.deepcopy(layer), copy.deepcopy(norm)
    for module in before:
        module.double().eval()
    merge(layer, norm)
    parts = [norm._modules[name] for name in ("drop", "act") if norm._modules.get(name) is not None]
    rest = nn.Sequential(*parts) if len(parts) > 1 else parts[0] if parts else nn.Identity()
    after = copy.deepcopy(layer).double(), copy.deepcopy(rest).double().eval()
    with torch.no_grad():
        x = _example(layer)
        wanted, found = before[1](before[0](x)), after[1](after[0](x))
    if wanted.shape == found.shape and bool((wanted - found).abs().max() <= 1e-3 * wanted.abs().max().clamp(min=1e-12)):
        return rest.train(norm.training)
    layer.weight.data = before[0].weight.data.to(layer.weight.dtype)
    old = before[0].bias
    layer.bias = None if old is None else nn.Parameter(old.data.to(layer.weight.dtype), requires_grad=old.requires_grad)
    return None


def _example(layer: Any) -> Tensor:
    """Numbers that the layer can take, in double precision."""
    import torch

    random = torch.Generator().manual_seed(0)
    if hasattr(layer, "in_features"):
        return torch.randn(4, layer.in_features, generator=random, dtype=torch.float64).to(layer.weight.device)
    sizes = [d * (k - 1) + 3 for k, d in zip(layer.kernel_size, layer.dilation, strict=True)]
    shape = (2, layer.in_channels, *sizes)
    return torch.randn(shape, generator=random, dtype=torch.float64).to(layer.weight.device)


def merge(layer: nn.Linear, norm: nn.BatchNorm2d) -> None:
    """W ← W · γ / √(σ² + ε) and b ← (b − μ) · γ / √(σ² + ε) + β, per output channel of a layer."""
    import torch
    from torch import nn

    from .parts.rows import layout_of

    with torch.no_grad():
        assert norm.running_mean is not None and norm.running_var is not None  # noqa: S101
        mean, variance = norm.running_mean.double(), norm.running_var.double()
        factor = (variance + norm.eps).rsqrt()
        if norm.weight is not None:
            factor = factor * norm.weight.double()
        old = torch.zeros_like(mean) if layer.bias is None else layer.bias.double()
        bias = (old - mean) * factor + (0 if norm.bias is None else norm.bias.double())
        values, layout = layer.weight.data, layout_of(layer, layer.weight)
        rows = layout.rows(values.double()) * factor[:, None]
        layer.weight.data = layout.tensor(rows, tuple(values.shape)).to(values.dtype)
        layer.bias = nn.Parameter(bias.to(values.dtype), requires_grad=layer.weight.requires_grad)


def _pairs(name: str, model: nn.Module) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Paths of (layer, batch norm) that can be merged, and why other batch norms stay."""
    from torch import fx
    from torch.nn.modules.batchnorm import _BatchNorm

    if not any(isinstance(module, _BatchNorm) for module in model.modules()):
        raise unsuitable(name, "the model has no batch norm.", hint="Other norms measure every input by itself.")
    graph = _traced(name, model)
    modules = dict(model.named_modules())
    calls = [node for node in graph.nodes if node.op == "call_module"]
    counts = Counter(id(modules[str(node.target)]) for node in calls)
    read = {str(node.target).rpartition(".")[0] for node in graph.nodes if node.op == "get_attr"}
    holders = Counter(id(p) for module in model.modules() for p in module.parameters(recurse=False))
    pairs, left = [], {}
    for node in calls:
        norm = modules[str(node.target)]
        before: Any = node.args[0] if node.args else None
        if not isinstance(norm, _BatchNorm):
            continue
        why = "its input is not the output of a convolution or linear layer"
        if isinstance(before, fx.Node) and before.op == "call_module":
            layer = modules[str(before.target)]
            why = _obstacle(layer, norm)
            if len(before.users) != 1:
                why = why or "the output of the layer before it is used elsewhere too"
            if not counts[id(norm)] == counts[id(layer)] == 1:
                why = why or "it or the layer before it runs more than once"
            if any(holders[id(p)] > 1 for module in (layer, norm) for p in module.parameters(recurse=False)):
                why = why or "it or the layer before it shares a weight with another"
            if {str(before.target), str(node.target)} & read:
                why = why or "code reads a weight of it or of the layer before it"
        if why:
            left[str(node.target)] = why
        else:
            pairs.append((str(before.target), str(node.target)))
    return pairs, left


def _seen(name: str, model: nn.Module, *, context: Context) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """What `_pairs` gives, from one pass over the first samples: which layer gave a norm its input, and no one else."""
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    from .parts.data import example, forward

    made: dict[int, tuple[str, Any, int]] = {}
    taken: list[tuple[str, Any, int]] = []

    def note(path: str, *call: Any) -> None:
        _, args, output = call
        taken.extend((path, each, each._version) for each in args if isinstance(each, torch.Tensor))
        made[id(output)] = (path, output, getattr(output, "_version", 0))

    modules = {path: m for path, m in model.named_modules() if isinstance(m, _BatchNorm) or not list(m.children())}
    if context.data == () or not any(isinstance(module, _BatchNorm) for module in modules.values()):
        return [], {}
    inputs = example(model, context.data, operation=name)
    with torch.no_grad(), ExitStack() as hooks:
        for path, module in modules.items():
            hooks.callback(module.register_forward_hook(partial(note, path)).remove)
        forward(model, inputs, operation=name)
    runs, uses = Counter(path for path, _, _ in taken), Counter(id(x) for _, x, _ in taken)
    holders = Counter(id(p) for module in model.modules() for p in module.parameters(recurse=False))
    pairs, left = [], {}
    for path, x, version in taken:
        if not isinstance(modules[path], _BatchNorm):
            continue
        layer, output, before = made.get(id(x), ("", None, -1))
        own = [p for each in (layer, path) if each for p in modules[each].parameters(recurse=False)]
        once = runs[path] == runs[layer] == uses[id(x)] == 1 and output is x and before == version
        if once and all(holders[id(p)] == 1 for p in own) and not _obstacle(modules[layer], modules[path]):
            pairs.append((layer, path))
        else:
            left[path] = "on the data, its input was not the output of a layer of its own"
    return pairs, left


def _obstacle(layer: nn.Module, norm: Any) -> str:
    """Why a norm cannot be folded into a layer, or nothing."""
    from torch import nn

    plain = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    if norm.running_mean is None:
        return "it keeps no running statistics"
    if not isinstance(layer, (*plain, *transposed)):
        return "its input is not the output of a convolution or linear layer"
    if "weight" not in layer._parameters:
        return "the weight of the layer before it is computed from others"
    width = getattr(layer, "out_features", None) or getattr(layer, "out_channels", None)
    return "" if width == norm.num_features else "it does not normalize the outputs of the layer before it one by one"


def _traced(name: str, model: nn.Module) -> fx.Graph:
    from torch import fx, nn
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.nn.modules.conv import _ConvNd

    from .parts.raised import place_in

    class Tracer(fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            leaf = (nn.Linear, _ConvNd, _BatchNorm)
            return isinstance(m, leaf) or super().is_leaf_module(m, module_qualified_name)

    try:
        return Tracer().trace(model)
    except Exception as error:  # tracing runs the code of the model, which may raise anything
        said = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]
        detail = place_in(model, error) + said
        hint = "Rewrite what depends on the values of tensors, or quantize it with its batch norms: they are exact."
        raise unsuitable(name, "torch.fx cannot trace the model.", detail=detail, hint=hint) from error
