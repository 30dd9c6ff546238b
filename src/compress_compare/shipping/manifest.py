"""The list of what was shipped, ``shipped.json``, by which a file that was cut or edited is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidValue

NAME = "shipped.json"
CHUNK = 1 << 20


def write(
    folder: Path, *, origin: Mapping[str, Any], proof: Mapping[str, Any], more: Mapping[str, Any] | None = None
) -> None:
    """List all files of a folder with their hashes, beside what they are and how they were proved."""
    said = {"origin": dict(origin), "proof": dict(proof), **(more or {}), "files": _listed(folder)}
    (folder / NAME).write_text(json.dumps(said, indent=1, ensure_ascii=False))


def check(folder: str | Path) -> dict[str, Any]:
    """Read back what was shipped into a folder, and compare every file with its hash.

    Returns:
        ``origin``, ``proof`` and ``files``, as they were written.

    Raises:
        InvalidValue: ``ship.not_shipped`` for a folder without a list, ``ship.changed`` naming the first file that is
            missing, was added or is not as it was shipped.
    """
    place = Path(folder)
    try:
        said = json.loads((place / NAME).read_bytes())
        files = {str(name): (str(one["sha256"]), int(one["bytes"])) for name, one in said["files"].items()}
    except FileNotFoundError as error:
        raise InvalidValue("ship.not_shipped", f"{place.name!a} holds no {NAME}: nothing was shipped there.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidValue("ship.changed", f"The list {NAME} in {place.name!a} cannot be read.") from error
    found = {name: (one["sha256"], one["bytes"]) for name, one in _listed(place).items()}
    for name in sorted(files.keys() | found.keys()):
        if files.get(name) != found.get(name):
            what = "is missing" if name not in found else "was added" if name not in files else "is not as it was"
            raise InvalidValue(
                "ship.changed",
                f"The file {name!a} {what} since {place.name!a} was shipped.",
                hint="Ship the model again.",
            )
    return dict(said)


def num_bytes(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _listed(folder: Path) -> dict[str, dict[str, Any]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    return {
        path.relative_to(folder).as_posix(): {"sha256": _sha256(path), "bytes": path.stat().st_size} for path in paths
    }


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
