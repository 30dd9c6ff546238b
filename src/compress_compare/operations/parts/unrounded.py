"""Which layers of an exported graph stay in floating point, told to the quantizer of torchao node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node

from ..targets import Weight

_aten = torch.ops.aten
_LAYERS = (_aten.linear.default, _aten.conv1d.default, _aten.conv2d.default, _aten.conv3d.default)
_TRANSPOSED = (_aten.conv_transpose1d.default, _aten.conv_transpose2d.input, _aten.conv_transpose3d.input)
_NORMS = (_aten.batch_norm.default, _aten._native_batch_norm_legit_no_training.default)
_STATISTICS = slice(3, 5)
"""Where a batch norm is given its running mean and variance."""


def keep_norms_apart(graph: GraphModule) -> None:
    """Let torchao fold no batch norm that it would fold wrongly, by a step between it and its layer.

    Those are norms without running statistics, behind a layer whose weight is computed as the graph runs or is read
    by others too, and behind a layer whose output others read too.
    """
    for node in list(graph.graph.nodes):
        layer: Any = node.args[0] if node.target in _NORMS else None
        if not _is_layer(layer) or _folds(node, layer):
            continue
        with graph.graph.inserting_before(node):
            between = graph.graph.call_function(_aten.alias.default, (layer,))
            between.meta = {key: value for key, value in layer.meta.items() if key == "val"}
        node.replace_input_with(layer, between)
    graph.recompile()


def keep_unrounded(graph: GraphModule, *, weights: Sequence[Weight]) -> None:
    """Mark what is to stay as done, so that the quantizer passes it by: whole numbers, and layers of other weights."""
    from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import _X86InductorQuantizationAnnotation

    chosen = {weight.parameter.data_ptr() for weight in weights}
    for node in graph.graph.nodes:
        value = node.meta.get("val")
        whole = isinstance(value, Tensor) and not value.is_floating_point()
        chosen_layer = _is_layer(node) and _reads(node.args[1]) and _tensor(graph, node.args[1]).data_ptr() in chosen
        if whole or (_is_layer(node) and not chosen_layer):
            node.meta["quantization_annotation"] = _X86InductorQuantizationAnnotation(_annotated=True)


def _folds(norm: Node, layer: Node) -> bool:
    weight = layer.args[1]
    alone = _reads(weight) and len(weight.users) == 1 and len(layer.users) == 1  # type: ignore[union-attr]
    return alone and all(_reads(each) for each in norm.args[_STATISTICS])


def _is_layer(node: Any) -> bool:
    return isinstance(node, Node) and node.target in (*_LAYERS, *_TRANSPOSED)


def _reads(node: Any) -> bool:
    return isinstance(node, Node) and node.op == "get_attr"


def _tensor(graph: GraphModule, node: Any) -> Tensor:
    owner, _, name = str(node.target).rpartition(".")
    module: nn.Module = graph.get_submodule(owner)
    tensor: Tensor = getattr(module, name)
    return tensor
