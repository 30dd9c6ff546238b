"""Weights as integer codes with scales, and as labels with lookup tables: what formats of runtimes are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..analysis.layers.values import Array
from ..readers import grids
from ..readers.packings import streams as layout
from ..schemes.scheme import TensorScheme
from .streams import grouped, tables


@dataclass(frozen=True, eq=False)
class Coded:
    """A weight as integer codes.

    Args:
        bits: of the scheme.
        symmetric: whether there is no zero point.
        codes: signed codes in the shape of the tensor.
        scales: [groups], in the order of output channels, then of runs in a channel.
        zeros: as ``scales``: what is added to a code to make it 0 to 2^bits − 1.
        axis: of the output channels; ``None`` where one scale is for all.
        group_size: codes in a row that share a scale; ``None`` for a whole channel.
    """

    bits: int
    symmetric: bool
    codes: Array
    scales: Array
    zeros: Array
    axis: int | None
    group_size: int | None

    def blocks(self) -> tuple[Array, Array, Array] | None:
        """Codes, scales and zeros in shapes that fit each other; ``None`` where the last groups are shorter.

        Codes with groups have the shape [rows, groups, codes of a group].
        """
        if self.axis is None:
            one = (1,) * self.codes.ndim
            return self.codes, self.scales.reshape(one), self.zeros.reshape(one)
        if self.group_size is None:
            along = [-1 if at == self.axis else 1 for at in range(self.codes.ndim)]
            return self.codes, self.scales.reshape(along), self.zeros.reshape(along)
        if self.axis != 0 or self.codes.shape[1] % self.group_size:
            return None
        rows = len(self.codes)
        codes = self.codes.reshape(rows, -1, self.group_size)
        return codes, self.scales.reshape(rows, -1, 1), self.zeros.reshape(rows, -1, 1)


def coded(values: Array, scheme: TensorScheme) -> Coded | str:
    """The codes of a weight, or why it has none.

    Args:
        values: float32, in the shape of the tensor.
        scheme: how it is quantized.
    """
    bits = scheme.bits or 0
    if scheme.input_scales:
        return "its inputs have scales of their own"
    if scheme.groups > 1 or not 2 <= bits <= 8 or values.ndim < 2:
        return "its scales are laid out in another way"
    if scheme.strategy == "channel" and scheme.group_size not in (None, 1):
        return "several channels share a scale"
    if scheme.strategy == "group" and values.ndim > 2:
        return "groups run over several dimensions of it"
    axis = scheme.channel_axis
    entry = {"per": scheme.strategy, "axis": axis, "group_size": scheme.group_size}
    flat = layout.ordered(values + np.float32(0), entry)
    which, count = layout.table_index(values.shape, entry)
    rows, places = grouped(flat, which, count=count)
    grid = grids.fit(rows, bits, symmetric=scheme.symmetric)
    if grid is None:
        return f"its numbers lie on no grid of {bits} bits"
    codes = layout.restored(grid.codes.reshape(-1)[places], values.shape, entry=entry)
    zeros = -grid.codes.min(axis=1, initial=0).astype(np.int64)
    if scheme.symmetric:
        zeros = np.full(count, 1 << (bits - 1))
    group = scheme.group_size if scheme.strategy == "group" else None
    return Coded(bits, scheme.symmetric, codes, grid.scales, zeros, None if count == 1 else axis, group)


@dataclass(frozen=True, eq=False)
class LookupTables:
    """A weight as labels with lookup tables.

    Args:
        bits: that the largest label takes.
        tables: float32 [tables, entries, numbers of an entry].
        labels: [tables, labels]; with their entries in their places, they are the weight in the order of ``restore``.
        shape: of the tensor.
        per: what shares a table: ``tensor``, ``channel`` or ``group``.
        axis: of the output channels.
        group_size: as in the scheme.
    """

    bits: int
    tables: Array
    labels: Array
    shape: tuple[int, ...]
    per: str
    axis: int
    group_size: int | None

    @property
    def dim(self) -> int:
        """Numbers of an entry."""
        return int(self.tables.shape[2])

    def order(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shape that the flat weight has, and the axes in which it is to be transposed then."""
        rank = len(self.shape)
        if self.dim > 1:
            others = [axis for axis in range(rank) if axis != self.axis]
            first = [*others, self.axis]
        elif self.per == "tensor" or rank < 2:
            first = list(range(rank))
        else:
            first = [self.axis, *(axis for axis in range(rank) if axis != self.axis)]
        return tuple(self.shape[axis] for axis in first), tuple(first.index(axis) for axis in range(rank))

    def placed(self) -> Array | None:
        """Labels in the shape of the tensor, one for a run of ``dim`` along ``axis``; ``None`` where rows cut runs."""
        first, axes = self.order()
        if self.dim == 1:
            return self.labels.reshape(first).transpose(axes)
        if first[-1] % self.dim:
            return None
        return self.labels.reshape(*first[:-1], first[-1] // self.dim).transpose(axes)


def palette(values: Array, scheme: TensorScheme) -> LookupTables | str:
    """The labels and tables of a weight, or why it has none.

    Args:
        values: float32, in the shape of the tensor.
        scheme: how it is palettized.
    """
    if scheme.groups > 1:
        return "its groups have output channels of their own"
    if scheme.dim > 1 and (scheme.strategy != "tensor" or values.size % scheme.dim):
        return "its vectors do not fill it"
    per = scheme.strategy if values.ndim > 1 or scheme.strategy == "group" else "tensor"
    entry = {"per": per, "axis": scheme.channel_axis, "group_size": scheme.group_size, "dim": scheme.dim}
    flat = layout.ordered(values + np.float32(0), entry)
    which, count = layout.table_index(values.shape, entry)
    if values.size % count or (which.reshape(count, -1) != np.arange(count)[:, None]).any():
        return "its last table is shared by fewer weights than the others"
    found = tables(flat, which, count=count, dim=scheme.dim)
    if found is None or found[0].shape[1] > MOST:
        return f"it has more than {MOST} distinct numbers"
    bits = max(1, int(found[0].shape[1] - 1).bit_length())
    labels = found[1].reshape(count, -1)
    return LookupTables(bits, found[0], labels, values.shape, per, scheme.channel_axis, scheme.group_size)


MOST = 256
"""Entries of a lookup table."""
