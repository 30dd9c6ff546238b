"""The table of exporters of whole projects, by the name that the command line uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import plugins
from ..errors import InvalidValue
from ..store.merging import contents
from . import beside, compress_and_compare, huggingface, mlflow, olive, tables, wandb

if TYPE_CHECKING:
    from ..store.store import Store


@dataclass(frozen=True)
class Exporter:
    """One format that a whole project can be written in.

    Args:
        write: gives the content of the file, or of each file of a folder by its path in it.
        suffix: the ending of a file's name that asks for the format, with the dot; empty if only its name does.
        summary: what it writes, as a noun phrase.
    """

    write: Callable[[Store], bytes | Mapping[str, bytes]]
    suffix: str
    summary: str


def _experiments(project: Store) -> bytes:
    held = contents.of(project)
    found = compress_and_compare.document(project.overview().to_pylist(), project.metrics(), held=held)
    return json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False).encode()


EXPORTERS: Mapping[str, Exporter] = {
    "compress-and-compare": Exporter(_experiments, ".json", "the experiment file of Compress and Compare"),
    "csv": Exporter(lambda project: tables.written(project.models().arrow, "csv"), ".csv", "a table, as CSV"),
    "parquet": Exporter(
        lambda project: tables.written(project.models().arrow, "parquet"), ".parquet", "a table, as Parquet"
    ),
    "huggingface": Exporter(huggingface.folders, "", "a folder for each model with its card and .eval_results"),
    "mlflow": Exporter(mlflow.database, ".db", "a tracking store of MLflow, as a SQLite file"),
    "olive": Exporter(olive.footprint, ".footprint.json", "a footprint of Olive"),
    "wandb": Exporter(wandb.table, ".wandb.csv", "the table that Weights & Biases exports, as CSV"),
}


def added() -> list[plugins.Added[Exporter]]:
    """The exporters of other packages, each with the error if it cannot be used."""
    return plugins.added("exporter", EXPORTERS, load=_load)


def available() -> dict[str, Exporter]:
    """All exporters: the built-in ones and those of entry points in the group ``compress_compare.exporters``.

    Raises:
        UserError: ``exporter.entry_point`` naming the package whose exporter cannot be loaded or takes a taken name.
    """
    return plugins.joined(EXPORTERS, added())


def choose(path: Path, format: str | None = None) -> Exporter:
    """The exporter of a format, or the first one that a file's name asks for.

    Raises:
        InvalidValue: ``export.unknown_format``.
    """
    known = available()
    names = ", ".join(known)
    if format is not None:
        if format not in known:
            title = f"There is no format {format[:80]!r}."
            raise InvalidValue("export.unknown_format", title, hint=f"Choose one of: {names}.")
        return known[format]
    name = path.name.lower()
    asked = [one for one in known.values() if one.suffix and f".{name}".endswith(one.suffix)]
    if asked:  # ``.footprint.json`` says more than ``.json``
        return max(asked, key=lambda one: len(one.suffix))
    endings = ", ".join(dict.fromkeys(exporter.suffix for exporter in known.values() if exporter.suffix))
    raise InvalidValue(
        "export.unknown_format",
        f"The name {path.name!r} does not say which format is wanted.",
        hint=f"End it in one of: {endings}; or add --format and one of: {names}.",
    )


def left_out(project: Store) -> list[str]:
    """What none of the formats holds, each with its number: ``3 checkpoints``."""
    held = contents.of(project)
    found = beside.left_out([row["id"] for row in project.overview().to_pylist()], held)
    counts = {name: found[name] for name in ("checkpoints", "outputs")}
    counts["datasets"] = len(found["datasets"])
    words = {"checkpoints": "checkpoints", "outputs": "sets of outputs", "datasets": "datasets"}
    return [f"{count:,} {words[name]}" for name, count in counts.items() if count]


def _load(plugin: plugins.Plugin) -> tuple[str, Exporter]:
    loaded = plugin.load()
    if not isinstance(loaded, Exporter):
        raise plugin.broken(f"{plugin.value} is not an exporter.")
    return plugin.name, loaded
