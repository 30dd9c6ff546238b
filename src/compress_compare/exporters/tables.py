"""Tables as files to download."""

from __future__ import annotations

import io
import re
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

Format = Literal["csv", "parquet"]
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


FORMULA = r"^([=+\-@\t\r])"
"""What a spreadsheet takes for a formula begins so."""


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: with an apostrophe in front if need be."""
    return re.sub(FORMULA, r"'\1", text)


def written(table: pa.Table, format: Format) -> bytes:
    """The table as a file. In CSV, a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    sink = io.BytesIO()
    if format == "parquet":
        pq.write_table(table, sink, compression="zstd")
    else:
        names = [_harmless(pa.array([name]))[0].as_py() for name in table.column_names]
        plain = pa.table([_plain(column) for column in table.columns], names=names)
        pyarrow.csv.write_csv(plain, sink)
    return sink.getvalue()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(column.type):
        return _harmless(column)
    if pa.types.is_nested(column.type):
        return pa.chunked_array([pa.array([None if one is None else str(one) for one in column.to_pylist()])])
    return column


def _harmless(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    return pc.replace_substring_regex(texts, FORMULA, r"'\1")
