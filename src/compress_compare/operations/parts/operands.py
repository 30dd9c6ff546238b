"""Which rows of which weight a product takes, found by where its operand lies in memory. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..targets import Weight
from .rows import Layout

_aten = torch.ops.aten
_MATRIX = {_aten.mm: 0, _aten.addmm: 1, _aten.bmm: 0, _aten.baddbmm: 1, _aten.mv: 0, _aten.addmv: 1}
"""Products, and the position of the first of the two that they multiply."""
_INPUTS_FIRST = Layout(axis=1, inputs=0)


@dataclass(frozen=True)
class Operand:
    """A part of a weight that is multiplied by vectors.

    Args:
        name: of the weight.
        layout: in which the part is whole rows.
        rows: which.
        vectors: what each row is multiplied by, [n, inputs]; of a convolution, its input.
        source: the tensor that the vectors are part of.
        part: which part of it.
    """

    name: str
    layout: Layout
    rows: tuple[int, int]
    vectors: Tensor
    source: Tensor
    part: Any = None


class Products:
    """Finds weights among the operands of products.

    Args:
        weights: to look for, none of them on the meta device; they are made contiguous.
    """

    def __init__(self, weights: Sequence[Weight]) -> None:
        self._known: dict[int, list[Weight]] = {}
        for weight in weights:
            weight.parameter.data = weight.parameter.data.contiguous()
            self._known.setdefault(weight.parameter.untyped_storage().data_ptr(), []).append(weight)
        self._places: dict[Any, tuple[Layout, tuple[int, int]] | None] = {}

    def names(self, tensor: Tensor) -> set[str]:
        """The weight that a tensor is a part of."""
        found = self._weight(tensor)
        return set() if found is None else {found.name}

    def of(self, packet: Any, *, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[Operand]:
        """The weights in a matrix product. ``packet`` is the operator."""
        if packet is _aten._grouped_mm:
            offsets = args[2] if len(args) > 2 else kwargs.get("offs")
            yield from self._grouped(args[0], args[1], offsets)
        if packet not in _MATRIX:
            return
        first, second = args[_MATRIX[packet] : _MATRIX[packet] + 2]
        vector = second.ndim == 1
        yield from self._matrix(first, second[:, None] if vector else second)
        yield from self._matrix((second[:, None] if vector else second).mT, first.mT)

    def convolution(self, args: tuple[Any, ...]) -> Iterator[Operand]:
        """The weight of a convolution, group by group."""
        x, values, transposed, groups = args[0], args[1], args[6], args[8]
        weight = self._weight(values)
        if weight is None or values.numel() != weight.parameter.numel():
            return
        layout = Layout(axis=1, groups=groups, inputs=0) if transposed else Layout()
        each = layout.size(tuple(weight.parameter.shape))[0] // groups
        for group in range(groups):
            yield Operand(weight.name, layout, (group * each, (group + 1) * each), x, x, group)

    def _grouped(self, x: Tensor, values: Tensor, offsets: Any) -> Iterator[Operand]:
        """Rows of ``x`` between two offsets are multiplied by one matrix of the stack."""
        if values.ndim != 3 or x.ndim != 2 or offsets is None:
            return
        start = 0
        for index, end in enumerate(int(offset) for offset in offsets):
            yield from self._matrix(x[start:end], values[index], source=x, part=(start, end))
            start = end

    def _matrix(
        self, x: Tensor, values: Tensor, *, source: Tensor | None = None, part: Any = None
    ) -> Iterator[Operand]:
        """``x`` [n, inputs] times ``values`` [inputs, outputs], or stacks of these."""
        if values.ndim == 3:
            if values.stride(0) == 0:
                yield from self._matrix(x.reshape(-1, x.shape[-1]), values[0], source=x)
            elif self._weight(values) is not None:
                for index in range(len(values)):
                    yield from self._matrix(x[index], values[index], source=x, part=index)
            return
        weight = self._weight(values)
        if weight is None:
            return
        place = self._place(weight, values)
        if place is not None:
            yield Operand(weight.name, *place, x, x if source is None else source, part)

    def _weight(self, tensor: Tensor) -> Weight | None:
        if tensor.device.type == "meta" or tensor.layout != torch.strided:
            return None
        for weight in self._known.get(tensor.untyped_storage().data_ptr(), ()):
            start = weight.parameter.data_ptr()
            if start <= tensor.data_ptr() < start + weight.parameter.nbytes:
                return weight
        return None

    def _place(self, weight: Weight, values: Tensor) -> tuple[Layout, tuple[int, int]] | None:
        offset = (values.data_ptr() - weight.parameter.data_ptr()) // values.element_size()
        key = (weight.name, offset, tuple(values.shape), values.stride())
        if key not in self._places:
            self._places[key] = _found(weight, offset, values)
        return self._places[key]


def _found(weight: Weight, offset: int, values: Tensor) -> tuple[Layout, tuple[int, int]] | None:
    """The layout in which ``values`` [inputs, outputs] are whole rows of the weight, and which rows."""
    parameter, own = weight.parameter, weight.layout
    if values.dtype != parameter.dtype:
        return None
    others = (Layout() if own == _INPUTS_FIRST else _INPUTS_FIRST,) if parameter.ndim == 2 else ()
    shape = tuple(parameter.shape)
    inputs, outputs = values.shape
    for layout in (own, *others):
        if inputs != layout.size(shape)[1]:
            continue
        rows, first = layout.places(offset + torch.arange(outputs) * values.stride(1), shape)
        same, columns = layout.places(offset + torch.arange(inputs) * values.stride(0), shape)
        start = int(rows[0]) if outputs else 0
        whole = torch.equal(columns, torch.arange(inputs)) and bool((same == start).all())
        if whole and torch.equal(rows, torch.arange(start, start + outputs)) and bool((first == 0).all()):
            return layout, (start, start + outputs)
    return None
