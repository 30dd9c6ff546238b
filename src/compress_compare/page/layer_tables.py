"""Parts of a table of layers, in the form in which they travel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InvalidValue
from .wire.layers import LayersAsk

TEXTS = ("module", "parameter", "model")
FULLEST = 255


def wanted(table: pa.Table, ask: LayersAsk) -> pa.Table:
    """The rows and columns that are asked for, with counts as doubles and repeated texts sent once.

    Raises:
        InvalidValue: ``layers.match`` for what is no regular expression, ``layers.column`` for a column it lacks.
    """
    if ask.modules is not None:
        table = table.filter(pc.is_in(table["module"], pa.array(ask.modules, pa.string())))
    if ask.match is not None:
        table = table.filter(_matching(table, ask.match))
    if ask.columns is not None:
        table = _select(table, ask.columns)
    if ask.histograms == "heights" and "histogram" in table.column_names:
        place = table.column_names.index("histogram")
        table = table.set_column(place, "histogram", heights(table["histogram"].combine_chunks()))
    return _light(table)


def heights(histograms: pa.ListArray) -> pa.ListArray:
    """Histograms scaled to 255 for the fullest bin of each; a bin that holds anything is at least 1 high."""
    counts = histograms.flatten().to_numpy(zero_copy_only=False)
    lengths = pc.fill_null(pc.list_value_length(histograms), 0).to_numpy(zero_copy_only=False)
    starts = np.cumsum(lengths) - lengths
    fullest = np.maximum(np.maximum.reduceat(counts, starts[lengths > 0]), 1) if counts.size else counts
    scaled = np.ceil(counts / np.repeat(fullest, lengths[lengths > 0]) * FULLEST).astype(np.uint8)
    offsets = np.append(starts, counts.size).astype(np.int32)
    missing = np.append(~histograms.is_valid().to_numpy(zero_copy_only=False), False)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32(), mask=missing), pa.array(scaled))


def _matching(table: pa.Table, pattern: str) -> pa.ChunkedArray:
    names = pc.binary_join_element_wise(table["module"], table["parameter"], ".", null_handling="skip")
    try:
        return pc.match_substring_regex(names, pattern)
    except pa.ArrowInvalid as error:
        said = str(error).rpartition(": ")[2]
        raise InvalidValue("layers.match", "This is not a regular expression.", detail=f"{said}.") from error


def _select(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    unknown = [name for name in columns if name not in table.column_names]
    if unknown:
        names = ", ".join(table.column_names)
        raise InvalidValue("layers.column", f"This mode has no column {unknown[0]!r}.", hint=f"It has {names}.")
    return table.select(list(columns))


def _light(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([_light_field(field) for field in table.schema]))


def _light_field(field: pa.Field) -> pa.Field:
    if field.name in TEXTS:
        return field.with_type(pa.dictionary(pa.int32(), pa.string()))
    if field.type == pa.int64():
        return field.with_type(pa.float64())
    return field.with_type(pa.list_(pa.float64())) if field.type == pa.list_(pa.int64()) else field
