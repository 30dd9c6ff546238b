"""The table type of all results: an Arrow table that converts to data frames."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .errors import MissingExtra

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


SHOWN_ROWS = 20
"""Rows that a notebook shows of a table."""


class Table:
    """An Arrow table. All attributes of ``pyarrow.Table`` work on it, and any Arrow library accepts it."""

    def __init__(self, arrow: pa.Table) -> None:
        self.arrow = arrow

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
        """The first rows, as a notebook shows them."""
        names, rows = self.arrow.column_names, self.arrow.slice(0, SHOWN_ROWS).to_pylist()
        head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
        body = "".join(f"<tr>{''.join(_cell(row[name]) for name in names)}</tr>" for row in rows)
        left = len(self) - len(rows)
        more = f"<caption>and {left:,} more rows</caption>" if left else ""
        return f"<table>{more}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return "<td>–</td>"
    if isinstance(value, float):
        return f'<td style="text-align: right">{value:.4g}</td>'
    text = str(value)
    return f"<td>{html.escape(text if len(text) <= 60 else f'{text[:59]}…')}</td>"
