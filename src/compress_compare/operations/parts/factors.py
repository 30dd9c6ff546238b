"""Two thin layers in place of one, that still answer what the one was asked. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .rows import layout_of

_DESCRIBED = (
    *("in_features", "out_features", "nf", "nx", "in_channels", "out_channels", "kernel_size", "stride", "padding"),
    *("dilation", "groups", "padding_mode", "output_padding"),
)


_PART = 1 << 20
"""Numbers of a matrix that are in double precision together."""


class Factors(nn.Sequential):
    """Runs its two layers one after the other; ``weight``, ``bias``, ``stride`` and so on are those of the one layer.

    Code that reads the weight of the layer it stands for, instead of calling it, computes with the product of the two.

    Args:
        first: without bias.
        second: has the bias.
        layer: the layer that they stand for.
    """

    def __init__(self, first: nn.Module, second: nn.Module, *, layer: nn.Module) -> None:
        super().__init__(first, second)
        describe(self, layer)
        weight: Any = layer.weight
        self._shape, self._layout = tuple(weight.shape), layout_of(layer, weight)
        self.train(layer.training)

    @property
    def weight(self) -> Tensor:
        """The product of both weights, in the shape of the layer's."""
        first, second = (layer.weight.flatten(1) for layer in self)  # type: ignore[operator]
        return self._layout.tensor(second @ first, self._shape)

    @property
    def bias(self) -> Any:
        """The bias of the second layer."""
        return self[1].bias


def factors(matrix: Tensor, rank: Callable[[Tensor], int]) -> tuple[Tensor, Tensor] | None:
    """The nearest product of two thinner matrices, by the singular value decomposition.

    The singular vectors of the shorter side are the eigenvectors of the matrix times itself, summed in double precision
    some rows at a time; of a matrix that is in double precision itself, which that would lose, it is decomposed.

    Args:
        matrix: [outputs, inputs].
        rank: the singular values, the largest first → how many to keep.

    Returns:
        down [rank, inputs] and up [outputs, rank], of the matrix's type, each scaled by the roots of the singular
        values; nothing where both together are no smaller than the matrix.
    """
    if not matrix.numel():
        return None
    wide = matrix.shape[0] < matrix.shape[1]
    long = matrix.mT if wide else matrix
    if matrix.dtype == torch.float64:
        _, singular, vh = torch.linalg.svd(long, full_matrices=False)
        vectors = vh.mT
    else:
        gram = torch.zeros(2 * long.shape[1:], dtype=torch.float64, device=matrix.device)
        for part in _parts(long):
            gram += part.mT @ part
        squares, vectors = torch.linalg.eigh(gram)
        singular, vectors = squares.flip(0).clamp(min=0).sqrt(), vectors.flip(1)
    kept = rank(singular)
    if kept * sum(matrix.shape) >= matrix.numel():
        return None
    root = singular[:kept].sqrt()
    right = (vectors[:, :kept] * root).to(matrix.dtype)
    vectors = vectors[:, :kept] / root.where(root > 0, 1)
    left = torch.cat([(part @ vectors).to(matrix.dtype) for part in _parts(long)])
    return (left.mT, right) if wide else (right.mT, left)


def _parts(matrix: Tensor) -> Iterator[Tensor]:
    """Some rows at a time, in double precision."""
    return (part.double() for part in torch.split(matrix, max(_PART // matrix.shape[1], 1)))


def is_linear(layer: nn.Module) -> bool:
    """Whether a layer is called to compute x·Wᵀ + b and nothing else.

    A subclass of ``nn.Linear`` that is not torch's own, such as Falcon's in transformers, is tried on a few numbers.
    """
    if type(layer) is nn.Linear or type(layer).__name__ == "Conv1D":
        return True
    own = {name for name, _ in (*layer.named_parameters(), *layer.named_buffers())}
    foreign = isinstance(layer, nn.Linear) and not type(layer).__module__.startswith("torch.")
    if not foreign or own - {"weight", "bias"} or not isinstance(layer, nn.Linear):
        return False
    x = torch.linspace(-1, 1, 2 * layer.in_features).reshape(2, -1).to(layer.weight)
    with torch.no_grad():
        try:
            return torch.allclose(layer(x), F.linear(x, layer.weight, layer.bias), rtol=1e-2, atol=1e-3)
        except (RuntimeError, ValueError, TypeError, AttributeError):
            return False


def describe(new: nn.Module, layer: nn.Module) -> None:
    """Give a module the sizes and settings that a layer has as attributes."""
    for name in _DESCRIBED:
        if hasattr(layer, name):
            setattr(new, name, getattr(layer, name))


def replace_modules(model: nn.Module, new: Mapping[int, nn.Module]) -> nn.Module:
    """The model with modules, given by their ids, replaced wherever they are used, also in lists that modules keep.

    Where torch's transformer layers would hand the weights of their layers to one kernel instead of calling the
    layers, they are made to call them.
    """
    for module in list(model.modules()):
        for name, child in module._modules.items():  # named_children leaves out a module's second name
            if child is not None and id(child) in new:
                module._modules[name] = new[id(child)]
        for name, value in list(vars(module).items()):
            if not name.startswith("_"):
                vars(module)[name] = _with_new(value, new)
    model = new.get(id(model), model)
    call_layers(model, new.values())
    return model


def _with_new(value: Any, new: Mapping[int, nn.Module]) -> Any:
    """What a plain attribute of a module holds, with modules replaced; lists and mappings stay the same objects."""
    if isinstance(value, nn.Module):
        return new.get(id(value), value)
    if type(value) is tuple:
        return tuple(_with_new(each, new) for each in value)
    if type(value) is list:
        value[:] = [_with_new(each, new) for each in value]
    elif type(value) is dict:
        value.update({key: _with_new(each, new) for key, each in value.items()})
    return value


def call_layers(model: nn.Module, layers: Iterable[nn.Module]) -> None:
    """Switch off the fast path of the transformer layers that hold one of these layers."""
    held = {id(layer) for layer in layers}
    for module in model.modules():
        if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerEncoder):
            if not any(id(inner) in held for inner in module.modules()):
                continue
            if isinstance(module, nn.TransformerEncoder):
                module.use_nested_tensor = False
            else:
                module.activation_relu_or_gelu = 0
