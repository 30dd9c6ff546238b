"""Tables of other tools as columns of texts and numbers: CSV of any dialect, JSON lines, lists of JSON, Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InvalidValue
from .files import head, json_lines
from .numbers import is_missing, parsed
from .places import MAX_BYTES, json_document, text

MAX_ROWS = 1_000_000
MAX_COLUMNS = 5_000
BATCH = 1_000
MAX_UNPACKED = 1_000_000_000
"""Bytes that the rows of a file of Parquet may hold."""
PARQUET = b"PAR1"
_COMMA = re.compile(r"[+-]?(\d+,(\d{1,2}|\d{4,})|0,\d+|\d{1,3}(\.\d{3})+,\d+)%?")


@dataclass(frozen=True)
class ReadTable:
    """A table as it was read.

    Args:
        name: of the file.
        columns: without the padding around their names.
        rows: by column; texts of CSV as they stand, without padding.
        decimal_comma: whether a comma is written for the decimal point.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    decimal_comma: bool = False

    def cells(self, column: str) -> list[Any]:
        """What stands in a column, without what is missing."""
        return [row[column] for row in self.rows if not is_missing(row.get(column))]


def read_table(path: Path) -> ReadTable:
    """Read a table; its kind is seen from its content.

    Raises:
        InvalidValue: ``import.*``.
    """
    start = head(path, 4)
    if start == PARQUET:
        return _parquet(path)
    first = head(path).lstrip(b"\xef\xbb\xbf \r\n\t")
    if first[:1] in (b"{", b"["):
        return _objects(path, first[:1])
    return _delimited(path)


def _checked(
    path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, comma: bool = False
) -> ReadTable:
    if not rows or not columns:
        raise InvalidValue("import.format", f"{path.name!r} holds no row of a table.")
    if len(rows) > MAX_ROWS or len(columns) > MAX_COLUMNS:
        title = f"{path.name!r} has {len(rows):,} rows and {len(columns):,} columns."
        raise InvalidValue("import.too_large", title, detail=f"The limits are {MAX_ROWS:,} and {MAX_COLUMNS:,}.")
    return ReadTable(path.name, columns, rows, comma)


def parquet_rows(path: Path, columns: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a file of Parquet, a few in memory at a time.

    A value that is stored once may stand in every row: what the rows hold is counted as they are read.

    Args:
        path: of the file.
        columns: the only leaves that are read, by their dotted names; all if not given.

    Raises:
        InvalidValue: ``import.format``, ``import.too_large``.
    """
    if path.stat().st_size > MAX_BYTES:
        raise InvalidValue("import.too_large", f"{path.name!r} is too large; the limit is {MAX_BYTES:,} bytes.")
    left = MAX_UNPACKED
    try:
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows > MAX_ROWS:
                raise InvalidValue("import.too_large", f"{path.name!r} has more than {MAX_ROWS:,} rows.")
            batch = max(1, min(BATCH, MAX_UNPACKED // max(_chunks(file.metadata), default=1)))
            for found in file.iter_batches(batch, columns=None if columns is None else list(columns)):
                left -= found.nbytes
                if left < 0:
                    title = f"{path.name!r} holds more than {MAX_UNPACKED:,} bytes when unpacked."
                    raise InvalidValue("import.too_large", title)
                yield from found.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        title = f"{path.name!r} cannot be read as Parquet."
        raise InvalidValue("import.format", title, detail=f"{error}"[:200]) from error


def _chunks(metadata: Any) -> Iterator[int]:
    """The unpacked bytes of each column in each group of rows, as the file says: no value is larger."""
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            yield max(1, metadata.row_group(group).column(column).total_uncompressed_size)


def parquet_leaves(path: Path) -> list[str]:
    """The dotted names of the leaves of a file of Parquet.

    Raises:
        InvalidValue: ``import.format``.
    """
    try:
        with pq.ParquetFile(path) as file:
            return [file.schema.column(at).path for at in range(len(file.schema))]
    except (pa.ArrowException, OSError, ValueError) as error:
        title = f"{path.name!r} cannot be read as Parquet."
        raise InvalidValue("import.format", title, detail=f"{error}"[:200]) from error


def _parquet(path: Path) -> ReadTable:
    rows = [{name.strip(): value for name, value in row.items()} for row in parquet_rows(path)]
    return _checked(path, list(rows[0]) if rows else [], rows)


def _objects(path: Path, mark: bytes) -> ReadTable:
    listed = json_document(path) if mark == b"[" else [value for _, value in json_lines(path)]
    if not all(isinstance(one, Mapping) for one in listed):
        raise InvalidValue("import.format", f"{path.name!r} is no table.", detail="Expected objects of one kind.")
    rows = [{str(name).strip(): value for name, value in one.items()} for one in listed]
    return _checked(path, list(dict.fromkeys(name for row in rows for name in row)), rows)


def _delimited(path: Path) -> ReadTable:
    content = text(path)
    if "\0" in content:
        raise InvalidValue("import.not_text", f"{path.name!r} is not text.")
    try:
        dialect: Any = csv.Sniffer().sniff("\n".join(content.splitlines()[:20]), delimiters=",;\t|")
        delimiter = dialect.delimiter
    except csv.Error:
        delimiter = ","
    try:
        lines = list(
            csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
        )
    except csv.Error as error:
        title = f"{path.name!r} is not a table of delimited text."
        raise InvalidValue("import.format", title, detail=f"{error}"[:200]) from error
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    if len(lines) < 2 or len(lines[0]) < 2:
        raise InvalidValue(
            "import.format",
            f"{path.name!r} is not a table of delimited text.",
            detail="Expected a line of at least two column names and a row.",
        )
    columns = _named([cell.strip() for cell in lines[0]])
    for number, line in enumerate(lines[1:], 2):
        if len(line) > len(columns):
            title = f"{path.name!r}: row {number:,} has {len(line)} cells; there are {len(columns)} columns."
            raise InvalidValue("import.format", title, hint="Check its quotes and its delimiter.")
    padded = [[cell.strip() for cell in line] + [""] * (len(columns) - len(line)) for line in lines[1:]]
    comma = _decimal_comma(padded, delimiter)
    return _checked(path, columns, [dict(zip(columns, line, strict=True)) for line in padded], comma=comma)


def _named(names: Sequence[str]) -> list[str]:
    """Column names that are there and different: the index of a data frame has none."""
    found: list[str] = []
    for position, name in enumerate(names):
        plain = name or ("index" if position == 0 else f"column {position + 1}")
        found.append(plain if plain not in found else f"{plain} ({position + 1})")
    return found


def _decimal_comma(lines: Sequence[Sequence[str]], delimiter: str) -> bool:
    """Whether numbers are written with a decimal comma: some cells cannot be read otherwise, and none has a point."""
    cells = [cell for line in lines[:1000] for cell in line]
    if delimiter == "," and not any("," in cell for cell in cells):
        return False
    with_comma = any(_COMMA.fullmatch(cell) for cell in cells)
    with_point = any("." in cell and "," not in cell and parsed(cell) is not None for cell in cells)
    return with_comma and not with_point
