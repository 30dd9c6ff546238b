"""The table that the page of Weights & Biases exports as CSV: a row for each run, configuration and summary side by
side. Entries of the configuration are marked by ``config.``, as W&B's own page leaves it open which is which."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from ..store.merging import contents
from ..store.store import Store
from .beside import columns
from .tables import harmless

FORMS = {math.inf: "Infinity", -math.inf: "-Infinity"}


def table(store: Store) -> bytes:
    """The file. It has one number for each metric; NaN and the infinities are the words that W&B writes."""
    held = contents.of(store)
    overview = store.overview().to_pylist()
    measured = list(columns(overview, store.metrics()))
    rows, settings = [], {"config.base": None, "config.operation": None}
    for row in overview:
        config = {_column(name): _text(value) for name, value in json.loads(row["parameters"]).items()}
        settings |= dict.fromkeys(config)
        note = "".join(one["text"] for one in held.parts["notes"].get(row["id"], {}).values())
        rows.append(
            {
                "Name": row["id"],
                "State": "finished",
                "Created": held.models[row["id"]]["created_at"],
                "Notes": note,
                "Tags": ", ".join(row["tags"]),
                "config.base": row["base"],
                "config.operation": row["operation"],
                **config,
                **{name: row.get(name) for name in measured},
            }
        )
    names = ["Name", "State", "Created", "Notes", "Tags", *settings, *measured]
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([harmless(name) for name in names])
    writer.writerows([_cell(one.get(name)) for name in names] for one in rows)
    return written.getvalue().encode()


def _column(name: str) -> str:
    """The column of a parameter; two names are taken."""
    return f"config.{name}_" if name in ("base", "operation") else f"config.{name}"


def _cell(value: str | float | None) -> str:
    """A number as it is, which may be negative; a text so that no spreadsheet runs it."""
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) else FORMS.get(value, "NaN" if math.isnan(value) else repr(value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
