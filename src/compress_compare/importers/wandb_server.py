"""Weights & Biases: the runs of a project on a server, asked through W&B's own public API, which is an extra."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidValue, MissingExtra
from .addresses import CLOUD_HOSTS
from .places import MAX_BYTES

CLOUD = "https://api.wandb.ai"
PAGE = 200
SECONDS = 30
MODEL, TABLE = "model", "table-file"
"""The type of an artifact, and of an entry of a summary."""
_PART = re.compile(r"[\w.\-]{1,128}")


@dataclass(frozen=True)
class Address:
    """A project on a server, or one run of it.

    Args:
        server: its address; None for that of the client's own settings.
        project: as ``entity/project``.
        run: id of the only run that is meant.
    """

    server: str | None
    project: str
    run: str | None


def address_of(written: str) -> Address:
    """Read ``wandb://ENTITY/PROJECT``, or the address that a browser shows.

    Raises:
        InvalidValue: ``import.address``.
    """
    try:
        parts = urlsplit(written)
    except ValueError:
        parts = urlsplit("")
    path = [part for part in parts.path.split("/") if part]
    if parts.scheme == "wandb":
        server, names = None, [parts.netloc, *path]
    else:
        cloud = (parts.hostname or "") in CLOUD_HOSTS
        server, names = (CLOUD if cloud else f"{parts.scheme}://{parts.netloc}"), path
    plain = parts.scheme in ("http", "https", "wandb") and parts.username is None
    if not plain or len(names) < 2 or not all(map(_PART.fullmatch, names[:2])):
        raise InvalidValue(
            "import.address",
            f"{written[:200]!r} does not name a project of Weights & Biases.",
            hint="Give wandb://ENTITY/PROJECT, or the address that a browser shows for the project.",
        )
    run = names[3] if len(names) > 3 and names[2] == "runs" else None
    return Address(server, "/".join(names[:2]), run)


def knows(written: str) -> str | None:
    """An address of this scheme, or on W&B's own servers."""
    try:
        parts = urlsplit(written)
    except ValueError:
        return None
    ours = parts.scheme == "wandb" or parts.hostname in CLOUD_HOSTS
    return "an address of Weights & Biases" if ours else None


def runs(written: str) -> Iterator[tuple[Any, str | None, float]]:
    """The runs of a project, the oldest first: the run as the client gives it, the id of the run whose model artifact
    it took, and the share of the runs that came before it.

    Args:
        written: the address.

    Raises:
        MissingExtra: ``extra.missing`` without W&B's client.
        InvalidValue: ``import.address``; ``import.server`` if the server does not answer or has no such project.
    """
    address = address_of(written)
    # Its client reports its own errors to its makers, and draws on the terminal.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    os.environ.setdefault("WANDB_SILENT", "true")
    try:
        import wandb
    except ImportError as error:
        raise MissingExtra("wandb", purpose="Reading a server of Weights & Biases", extra="wandb") from error
    said = {} if address.server is None else {"base_url": address.server}

    def ask(what: Callable[[], Any]) -> Any:
        try:
            return what()
        except (wandb.Error, ValueError, OSError, TypeError, LookupError) as error:
            detail = next(iter(str(error).splitlines()), type(error).__name__)[:300]
            title = f"{written!r:.200} does not answer as Weights & Biases does."
            hint = "Check the address, and that `wandb login` or WANDB_API_KEY has a key for it."
            raise InvalidValue("import.server", title, detail=detail, hint=hint) from error

    api = ask(lambda: wandb.Api(overrides=said, timeout=SECONDS))
    filters = {"name": address.run} if address.run else {}
    listed = ask(lambda: api.runs(address.project, filters=filters, per_page=PAGE, lazy=False))
    total = ask(lambda: len(listed))
    types = ask(lambda: [one.name for one in api.artifact_types(address.project)]) if total else []
    makers: dict[str, str | None] = {}
    rows = iter(listed)
    for index in range(total):
        run = ask(lambda: next(rows, None))
        if run is None:
            return
        source = ask(partial(_source, run, makers)) if MODEL in types else None
        yield run, source, index / total


def _source(run: Any, makers: dict[str, str | None]) -> str | None:
    """The id of the run that logged the first model that this one used; ``makers`` keeps what was asked before."""
    for artifact in run.used_artifacts():
        if artifact.type != MODEL:
            continue
        if artifact.id not in makers:
            maker = artifact.logged_by()
            makers[artifact.id] = None if maker is None else str(maker.id)
        found = makers[artifact.id]
        if found and found != run.id:
            return found
    return None


def tables(run: Any, summary: Mapping[str, Any], *, folder: Path) -> Iterator[str]:
    """Fetch the tables that a run has logged into a folder, and say which could not be had.

    Args:
        run: as the client gives it.
        summary: of the run.
        folder: that gets them.
    """
    for name, entry in summary.items():
        path = entry.get("path") if isinstance(entry, Mapping) and entry.get("_type") == TABLE else None
        if not isinstance(path, str):
            continue
        inside = not Path(path).is_absolute() and ".." not in Path(path).parts
        try:
            file = run.file(path) if inside else None
            if file is None or file.size > MAX_BYTES:
                yield f"Run {run.name!r}: the table {name!r} is too large or stands elsewhere; it is left out."
            else:
                file.download(root=str(folder), replace=True).close()
        except Exception as error:
            yield f"Run {run.name!r}: the table {name!r} cannot be had ({type(error).__name__}); it is left out."
