"""Networks that hold codes or labels in place of weights, and make numbers of them whenever they run. Needs torch.

Only plain operators of PyTorch are used, so that any compiler of exported programs takes them.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..analysis.layers.values import Array
from ..evaluation.inputs import answer
from .codes import Coded, LookupTables

HELD = "compressed_"
"""What the names of the modules begin with that stand for a weight."""

MIDDLE = 128
"""What is taken from a byte to make it a signed one."""


class Integers(nn.Module):
    """Whole numbers from 0 on, several in a byte, the lowest bits first; gives them as floats, flat.

    Args:
        numbers: of at most ``bits`` bits.
        bits: of each; 1, 2, 4 or 8 are taken.
    """

    packed: Tensor
    levels: Tensor
    shifts: Tensor
    middle: Tensor

    def __init__(self, numbers: Array, bits: int) -> None:
        super().__init__()
        self.bits = next(each for each in (1, 2, 4, 8) if each >= bits)
        self.count = numbers.size
        flat = np.zeros(-(-numbers.size * self.bits // 8) * 8 // self.bits, np.uint8)
        flat[: numbers.size] = numbers.reshape(-1)
        shifts = np.arange(8 // self.bits, dtype=np.uint8) * self.bits
        packed = np.bitwise_or.reduce(flat.reshape(-1, shifts.size) << shifts, axis=1)
        self.register_buffer("packed", _bytes(packed[:, None]))
        self.register_buffer("middle", torch.tensor(float(MIDDLE)))
        self.register_buffer("levels", torch.tensor(float(1 << self.bits)))
        self.register_buffer("shifts", torch.from_numpy(0.5 ** shifts.astype(np.float32)))

    def forward(self) -> Tensor:
        """The numbers."""
        found = self.packed.to(torch.float32) + self.middle
        if self.bits < 8:
            found = torch.remainder(torch.floor(found * self.shifts), self.levels)
        return found.reshape(-1)[: self.count] if found.numel() > self.count else found.reshape(-1)


def _bytes(numbers: Array) -> Tensor:
    """Numbers from 0 to 255 as signed bytes, since compilers know those better."""
    return torch.from_numpy(np.ascontiguousarray(numbers.astype(np.int64) - MIDDLE, np.int8))


class FromCodes(nn.Module):
    """A weight of integer codes with scales.

    Args:
        weight: whose last groups are as long as the others.
    """

    scales: Tensor
    zeros: Tensor

    def __init__(self, weight: Coded, blocks: tuple[Array, Array, Array]) -> None:
        super().__init__()
        codes, scales, zeros = blocks
        self.codes = Integers(codes.astype(np.int64) + zeros, weight.bits)
        self.shape, self.blocks = weight.codes.shape, codes.shape
        self.register_buffer("scales", torch.from_numpy(np.ascontiguousarray(scales, np.float32)))
        same = zeros if not weight.symmetric else zeros.reshape(-1)[:1].reshape((1,) * zeros.ndim)
        self.register_buffer("zeros", _bytes(same))

    def forward(self) -> Tensor:
        """The numbers in the shape of the weight."""
        zeros = self.zeros.to(torch.float32) + self.codes.middle
        codes = self.codes().reshape(self.blocks) - zeros
        found: Tensor = codes * self.scales
        return found if found.shape == self.shape else found.reshape(self.shape)


class FromTables(nn.Module):
    """A weight of labels with lookup tables."""

    entries: Tensor
    starts: Tensor

    def __init__(self, weight: LookupTables) -> None:
        super().__init__()
        tables, size, dim = weight.tables.shape
        self.labels = Integers(weight.labels, weight.bits)
        self.shape, self.axes = weight.order()
        self.register_buffer("entries", torch.from_numpy(weight.tables.reshape(-1, dim).copy()))
        starts = np.arange(tables, dtype=np.float32).reshape(-1, 1) * size
        self.register_buffer("starts", torch.from_numpy(starts))

    def forward(self) -> Tensor:
        """The numbers in the shape of the weight."""
        labels = self.labels()
        if self.starts.numel() > 1:
            labels = labels.reshape(self.starts.shape[0], -1) + self.starts
        found = nn.functional.embedding(labels.to(torch.int64), self.entries).reshape(self.shape)
        return found if self.axes == tuple(range(len(self.axes))) else found.permute(self.axes).contiguous()


def module(weight: Coded | LookupTables) -> nn.Module | None:
    """The module that makes a weight; ``None`` where its last groups are shorter than the others."""
    if isinstance(weight, LookupTables):
        return FromTables(weight)
    blocks = weight.blocks()
    return None if blocks is None else FromCodes(weight, blocks)


def decompressing(network: nn.Module, weights: Mapping[str, nn.Module]) -> nn.Module:
    """A copy of a network that makes some of its weights when it runs.

    Args:
        network: in evaluation mode.
        weights: by the name of a parameter, the module that makes it. A tied parameter is made everywhere.
    """
    own = {id(network.get_parameter(name)): made for name, made in weights.items()}
    named = {(path, key): own[id(held)] for path, each in network.named_modules() for key, held in _held(each, own)}
    found = copy.deepcopy(network)
    for one in (*found.parameters(), *found.buffers()):
        if one.stride() != torch.empty(one.shape, device="meta").stride():
            # strides that differ only where a dimension is 1 change nothing here, and stop some compilers' kernels
            one.data = torch.empty(one.shape, dtype=one.dtype).copy_(one.data)
    for (path, key), made in named.items():
        owner = found.get_submodule(path)
        del owner._parameters[key]
        owner.add_module(f"{HELD}{key}", made)
        owner.__class__ = type(type(owner).__name__, (type(owner),), {key: _made(key)})
    return found


def _made(key: str) -> property:
    """An attribute that a module of its owner makes."""

    def makes(owner: nn.Module) -> Tensor:
        found: Tensor = owner.get_submodule(f"{HELD}{key}")()
        return found

    return property(makes)


def _held(module: nn.Module, own: Mapping[int, nn.Module]) -> list[tuple[str, nn.Parameter]]:
    return [(key, held) for key, held in module.named_parameters(recurse=False) if id(held) in own]


class Numbers(nn.Module):
    """Gives tensors: copies of those that are there, and those that modules make.

    Args:
        made: by name, a tensor of numbers or the module that makes it.
    """

    def __init__(self, made: Mapping[str, Tensor | nn.Module]) -> None:
        super().__init__()
        self.kinds = [isinstance(each, nn.Module) for each in made.values()]
        for place, each in enumerate(made.values()):
            if isinstance(each, nn.Module):
                self.add_module(f"made_{place}", each)
            else:
                self.register_buffer(f"held_{place}", each.detach())

    def forward(self) -> tuple[Tensor, ...]:
        """All of them, in their order."""
        return tuple(
            self.get_submodule(f"made_{place}")() if made else self.get_buffer(f"held_{place}").clone()
            for place, made in enumerate(self.kinds)
        )


class Answering(nn.Module):
    """Gives the scores of a network alone.

    Args:
        network: that may answer with more than one tensor.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *args: Any, **named: Any) -> Tensor:
        """The scores; see ``evaluation.inputs.answer``."""
        return answer(self.network(*args, **named))


class WithInputs(nn.Module):
    """Calls a network with weights that it is given as inputs.

    Args:
        network: to call.
        args: positional arguments of an example.
        named: named arguments of it.
    """

    def __init__(self, network: nn.Module, args: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        super().__init__()
        self.network, self.args, self.named = network, args, dict(named)

    def example(self, state: Mapping[str, Tensor]) -> dict[str, Any]:
        """The arguments of this module for an example: weights by name, and the tensors of the example by name."""
        return {"weights": dict(state)} | ({"inputs": found} if (found := named_tensors(self.args, self.named)) else {})

    def forward(self, weights: dict[str, Tensor], inputs: dict[str, Tensor] | None = None) -> Any:
        """What the network answers: its scores, or all tensors of one without inputs."""
        given = inputs or {}
        args = tuple(given.get(f"x{place}", value) for place, value in enumerate(self.args))
        named = {key: given.get(key, value) for key, value in self.named.items()}
        found = functional_call(self.network, weights, args, named)
        return found if inputs is None else answer(found)


def named_tensors(args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors among the arguments of an example, positional ones as ``x0``, ``x1``, …"""
    all_ = {f"x{place}": value for place, value in enumerate(args)} | dict(named)
    return {key: value for key, value in all_.items() if isinstance(value, Tensor)}
