"""The table type of all results: an Arrow table that converts to data frames."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .errors import MissingExtra

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


SHOWN_ROWS = 20
"""Rows that a notebook shows of a table."""
SHOWN_COLUMNS = 8
"""Columns that a notebook shows of a table."""
LONGEST = 60
"""Characters of a text that a notebook shows."""
EMPTY = {"None", "[]", "{}", ""}
"""Values that say nothing."""

Row = Mapping[str, Any]
Write = Callable[[str, Row], str | None]
"""How a notebook shows the number in a column of a row: ``("Top-1 Accuracy", {…}) → "98.5%"``; ``None`` by default."""


class Table:
    """An Arrow table. All attributes of ``pyarrow.Table`` work on it, and any Arrow library accepts it.

    Args:
        arrow: the table.
        write: how a notebook shows its numbers; by default with the same decimals in a column.
    """

    def __init__(self, arrow: pa.Table, *, write: Write | None = None) -> None:
        self.arrow = arrow
        self._write = write

    def to_pandas(self) -> pd.DataFrame:
        """A pandas data frame."""
        try:
            frame: pd.DataFrame = self.arrow.to_pandas()
        except ImportError as error:
            raise MissingExtra("pandas", purpose="A pandas data frame", extra="frames") from error
        return frame

    def to_polars(self) -> pl.DataFrame:
        """A polars data frame."""
        try:
            import polars
        except ImportError as error:
            raise MissingExtra("polars", purpose="A polars data frame", extra="frames") from error
        frame = polars.from_arrow(self.arrow)
        return frame if isinstance(frame, polars.DataFrame) else frame.to_frame()

    def __getattr__(self, name: str) -> Any:
        if name == "arrow":
            raise AttributeError(name)
        return getattr(self.arrow, name)

    def __getitem__(self, key: int | str) -> pa.ChunkedArray:
        return self.arrow[key]

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.arrow.__arrow_c_stream__(requested_schema)

    def __eq__(self, other: object) -> bool:
        return bool(self.arrow.equals(other.arrow if isinstance(other, Table) else other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Table of {self.arrow.num_rows:,} rows: {', '.join(self.arrow.column_names)}"

    def _repr_html_(self) -> str:
        """The first rows and columns, as a notebook shows them: each number in its format, over a bar."""
        shown = self.arrow.select(_chosen(self.arrow)).slice(0, SHOWN_ROWS)
        rows = self.arrow.slice(0, SHOWN_ROWS).to_pylist() if self._write else []
        columns = [_cells(shown[name], self._written(name, rows)) for name in shown.column_names]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in shown.column_names)
        body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))
        left = {"rows": len(self) - shown.num_rows, "columns": self.arrow.num_columns - shown.num_columns}
        more = " and ".join(
            f"{count:,} more {what if count > 1 else what[:-1]}" for what, count in left.items() if count
        )
        caption = f"<caption>and {more}</caption>" if more else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _written(self, name: str, rows: list[dict[str, Any]]) -> list[str | None]:
        write = self._write
        return [write(name, row) for row in rows] if write else []


def _chosen(table: pa.Table) -> list[str]:
    """The columns that a notebook shows, in their order: empty ones are left out first, then those of one value."""
    names, rows = table.column_names, table.slice(0, SHOWN_ROWS)
    values = {name: {str(value) for value in rows[name].to_pylist()} for name in names}
    empty = [name for name in reversed(names) if values[name] <= EMPTY]
    equal = [name for name in reversed(names) if len(values[name]) < 2 and name not in empty]
    left_out = set([*empty, *equal][: max(0, len(names) - SHOWN_COLUMNS)])
    return [name for name in names if name not in left_out][:SHOWN_COLUMNS]


def _cells(column: pa.ChunkedArray, written: list[str | None]) -> list[str]:
    """One cell for each value; numbers are as written, or have the same decimals, and a bar up to the largest."""
    values = column.to_pylist()
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        return [_cell(_words(value)) for value in values]
    known = [abs(value) for value in values if value is not None and math.isfinite(value)]
    most = max(known, default=0)
    decimals = 0 if pa.types.is_integer(column.type) or most >= 1000 else 3 - math.floor(math.log10(most or 1))
    texts = ["–" if value is None else f"{value:,.{min(decimals, 9)}f}" for value in values]
    told = [text if own is None else own for own, text in zip(written or [None] * len(texts), texts, strict=True)]
    return [_cell(text, _share(value, most)) for text, value in zip(told, values, strict=True)]


def _share(value: float | None, most: float) -> float | None:
    return abs(value) / most if value is not None and math.isfinite(value) and most > 0 else 0.0


def _words(value: Any) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _cell(text: str, share: float | None = None) -> str:
    """A cell; that of a number has a bar along its lower edge, as long as its share of the largest."""
    if share is None:
        return f"<td>{html.escape(text)}</td>"
    bar = f"linear-gradient(to right, #7c9cc6 {100 * share:.0f}%, transparent 0) bottom left / 100% 3px no-repeat"
    return f'<td style="text-align: right; background: {bar}">{html.escape(text)}</td>'
