"""Joining by instance id: the rows of one model's outputs in the order of the dataset, whatever order they came in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..inference.student import Floats as Floats

Of = TypeVar("Of")
Made = TypeVar("Made")
Array = NDArray[Any]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]
BLOCK = 1 << 16
"""Instances that are counted together, so that what is worked out on the way stays in the cache."""
SPARSE = 4
"""Times as many places as ids that a table of places may have."""
AnyArrow: TypeAlias = "pa.Array | pa.ChunkedArray"


@dataclass(frozen=True)
class Join:
    """Where each instance of a dataset stands in one model's outputs.

    Args:
        num_instances: of the dataset.
        positions: ``[num_instances]`` rows of the outputs, −1 where the model lacks the instance; ``None`` where the
            outputs have exactly the dataset's instances in its order.
    """

    num_instances: int
    positions: NDArray[np.int64] | None

    @property
    def present(self) -> Mask:
        """``[num_instances]``: whether the model answered."""
        if self.positions is None:
            return np.ones(self.num_instances, dtype=np.bool_)
        return self.positions >= 0

    def floats(self, column: AnyArrow) -> Floats:
        """A column of numbers in the order of the dataset, NaN where it is missing."""
        values = np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
        return values if self.positions is None else self._take(values, np.nan)

    def codes(self, column: AnyArrow, classes: pa.Array) -> Codes:
        """Which of ``classes`` each value is, in the order of the dataset; −1 where it is missing."""
        found = codes(column, classes)
        return found if self.positions is None else self._take(found, -1)

    def values(self, column: AnyArrow) -> pa.Array:
        """A column in the order of the dataset, null where it is missing."""
        flat = combined(column)
        return flat if self.positions is None else flat.take(pa.array(self.positions, mask=self.positions < 0))

    def _take(self, values: Array, missing: float) -> Array:
        rows: Array = self.positions  # type: ignore[assignment]
        taken = values[np.maximum(rows, 0)]
        taken[rows < 0] = missing
        return taken


@dataclass(frozen=True)
class Vectors:
    """One vector per instance, read in blocks so that no copy of all of them is made.

    Args:
        matrix: float32 ``[instances, size]`` in the order of the dataset, NaN where the model lacks the instance.
        logits: whether ``rows`` turns them into probabilities by softmax.
    """

    matrix: NDArray[np.float32]
    logits: bool = False

    @property
    def size(self) -> int:
        """Elements of one vector."""
        return int(self.matrix.shape[1])

    def rows(self, block: slice, out: Floats | None = None) -> Floats:
        """float64 ``[block, size]``, written to ``out`` if it is given and of that shape."""
        found = self.matrix[block]
        if self.logits:
            return softmax(found.astype(np.float64))
        if out is None or out.shape != found.shape:
            return found.astype(np.float64)
        np.copyto(out, found)
        return out

    def blocks(self) -> list[slice]:
        """Slices over the dataset, of 100,000 numbers: few calls, and a block stays in the processor's cache."""
        step = max(1, 100_000 // self.size)
        count = len(self.matrix)
        return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def join(dataset_ids: AnyArrow, ids: AnyArrow) -> Join:
    """Find every id of the dataset among the ids of the outputs, which are unique."""
    if dataset_ids.equals(ids):
        return Join(len(dataset_ids), None)
    close = _close_numbers(ids) if pa.types.is_int64(dataset_ids.type) and dataset_ids.null_count == 0 else None
    if close is not None:
        return Join(len(dataset_ids), _looked_up(dataset_ids.to_numpy(), close))
    found = pc.index_in(dataset_ids, value_set=combined(ids).cast(dataset_ids.type))
    return Join(len(dataset_ids), combined(found).fill_null(-1).to_numpy().astype(np.int64))


def _close_numbers(ids: AnyArrow) -> NDArray[np.int64] | None:
    """Ids that are whole numbers with few gaps between them, so that a table with a place for each takes little."""
    if not pa.types.is_int64(ids.type) or ids.null_count or not len(ids):
        return None
    found: NDArray[np.int64] = combined(ids).to_numpy()
    return found if int(found.max()) - int(found.min()) < SPARSE * len(found) else None


def _looked_up(wanted: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each number stands among ids, −1 where it does not."""
    first, last = ids.min(), ids.max()
    places = np.full(int(last) - int(first) + 1, -1, dtype=np.int64)
    places[ids - first] = np.arange(len(ids))
    found: NDArray[np.int64] = places[np.clip(wanted, first, last) - first]
    found[(wanted < first) | (wanted > last)] = -1
    return found


def classes_of(columns: Sequence[AnyArrow]) -> pa.Array:
    """The distinct values of columns of one type, sorted, without null."""
    distinct = pa.concat_arrays([combined(pc.unique(column)) for column in columns])
    present = pc.unique(distinct.drop_null())
    return present.take(pc.array_sort_indices(present))


def codes(column: AnyArrow, classes: pa.Array) -> Codes:
    """Which of ``classes`` each value is; −1 for null."""
    if pa.types.is_integer(classes.type) and column.null_count == 0 and len(classes):
        first, last = classes[0].as_py(), classes[-1].as_py()
        if last - first + 1 == len(classes):
            return np.asarray(column.to_numpy() - first, dtype=np.int32)
    found = combined(pc.index_in(column, value_set=classes)).fill_null(-1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int32)


def combined(column: AnyArrow) -> pa.Array:
    """The column in one piece."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def text_lists(column: AnyArrow) -> pa.Array:
    """Lists of labels as lists of text."""
    return combined(column).cast(pa.list_(pa.string()))


def named(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of classes; sets of labels as the text that names them: the labels in order, or ``(none)``."""
    if not pa.types.is_list(column.type):
        return column
    names = pc.binary_join(text_lists(column), ", ")
    return pa.chunked_array([pc.if_else(pc.equal(names, ""), "(none)", names)])


def aligned(matrix: NDArray[np.float32], join: Join) -> NDArray[np.float32]:
    """The rows of ``[outputs, size]`` in the order of the dataset, NaN where an instance is missing."""
    if join.positions is None:
        return matrix
    found = matrix[np.maximum(join.positions, 0)]
    found[join.positions < 0] = np.nan
    return found


def matrix(column: AnyArrow) -> NDArray[np.float32]:
    """A column of vectors as ``[rows, size]``; a null vector is NaN."""
    flat = combined(column)
    size = flat.type.list_size
    if flat.null_count == 0:
        return np.asarray(flat.flatten().to_numpy(zero_copy_only=False), dtype=np.float32).reshape(-1, size)
    values = flat.values.slice(flat.offset * size, len(flat) * size).to_numpy(zero_copy_only=False)
    found = np.array(values, dtype=np.float32).reshape(-1, size)
    found[flat.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return found


def softmax(logits: Floats) -> Floats:
    """Probabilities of ``[rows, classes]`` logits."""
    with np.errstate(invalid="ignore"):
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def side_by_side(work: Callable[[Of], Made], each: Iterable[Of]) -> list[Made]:
    """What is done for each model, on every core: reading and NumPy's loops wait for no other thread."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        return list(threads.map(work, each))
