"""Tensor by tensor, what an operation changed between a model and its base, against what it is expected to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from .. import operations, records
from ..analysis.coverage import Expectation, Seen, rows
from ..analysis.layers.values import Values
from ..errors import NotFound
from ..readers.dtypes import DTYPES
from ..readers.pair import ModelPair
from ..readers.weights import FORGET_EVERY, StoredTensor
from ..store.store import Store
from ..table import Table

INTEGERS = {
    "BOOL": "?", "I8": "i1", "U8": "u1", "I16": "<i2", "U16": "<u2", "I32": "<i4", "U32": "<u4", "I64": "<i8",
    "U64": "<u8",
}  # fmt: skip
"""Of formats of whole numbers, the type of an entry."""


def between(store: Store, parent: str, *, child: str) -> Table:
    """See ``Project.coverage``."""
    model = store.model(child)
    expected = expectation(model.operation) if model.base == parent else Expectation("everything")
    before, after = (store.open_checkpoint(one) for one in store.checkpoints([parent, child]))
    return Table(of(ModelPair.of(before, after, buffers=True), expected))


def of(pair: ModelPair, expected: Expectation) -> pa.Table:
    """The tensors of a pair, as they are read everywhere else: one at a time, with their numbers as used."""
    return rows(_seen(pair), expected)


def _seen(pair: ModelPair) -> Iterator[Seen]:
    read = 0
    for name, match in pair.matches.items():
        first, parts = pair.base_tensor(match), pair.model_tensors(match)
        second = next(iter(parts.values()), None)
        turned = match.how == "transposed" or len(parts) == 2
        values = None if second is None or second.unread else pair.model_values(match)
        shape = "" if second is None else _size(values.shape if turned and values is not None else second.shape)
        yield Seen(
            name,
            None if first is None or first.unread else _array(first, first.values),
            None if second is None else _array(second, values),
            (_type(first), _type(second)),
            ("" if first is None else _size(first.shape), shape),
            unread=match.how == "unread",
        )
        read += sum(part.num_bytes for part in (first, second) if part is not None)
        if read > FORGET_EVERY:
            pair.forget()
            read = 0
    pair.forget()


def _array(stored: StoredTensor, values: Values | None) -> np.ndarray | None:
    """The numbers in use; integers that are no codes stay integers."""
    if values is None:
        return None
    if stored.dtype in INTEGERS and stored.packing is None and values.raw.size == values.count:
        kind = INTEGERS[stored.dtype]
        return values.raw.view(kind).reshape(values.shape)
    return values.whole()


def _type(stored: StoredTensor | None) -> str:
    if stored is None:
        return ""
    return DTYPES[stored.dtype].name if stored.dtype in DTYPES else stored.dtype.lower()


def _size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "1"


def expectation(record: records.Operation | None) -> Expectation:
    """From the class of the operation: training and surgery may change everything, calibration statistics only.

    An operation that is not known here, or none, is taken to change weights of two or more dimensions.
    """
    if record is None:
        return Expectation()
    targets, ignore = (_patterns(record.parameters.get(name)) for name in ("targets", "ignore"))
    try:
        cls = operations.get(record.name)
    except NotFound:
        return Expectation("weights", targets, ignore)
    if cls.data_requirement == "finetune" or not cls.keeps_shapes or cls.roles:
        return Expectation("everything", targets, ignore)
    return Expectation("weights" if cls.lowers else "statistics", targets, ignore)


def _patterns(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()
