"""What instances are: their images and texts, read from the project and kept while one dataset is looked at."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pyarrow as pa

from ..analysis.behaviors import single
from ..project import Project

KEPT_BYTES = 256_000_000
"""A dataset with more payload than this is read anew for every instance."""

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
}


@dataclass(frozen=True)
class Payload:
    """Args:
    id: as it was logged.
    image: the bytes of an image file, ``None`` if there is none.
    text: ``None`` if there is none.
    """

    id: int | str
    image: bytes | None
    text: str | None


class Payloads:
    """The payloads of one project. What was logged never changes, so that a dataset is read once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._latest: tuple[str, pa.Table] | None = None

    def get(self, dataset: str, id: int | str) -> Payload:
        """The payload of one instance.

        Raises:
            NotFound: ``dataset.unknown``, ``instance.unknown``.
        """
        table = self._table(dataset)
        row = table.slice(single.place(table["id"], id), 1).to_pylist()[0]
        return Payload(row["id"], row.get("image"), row.get("text"))

    def _table(self, dataset: str) -> pa.Table:
        with self._lock:
            if self._latest is None or self._latest[0] != dataset:
                self._latest = None
                whole = self._project.instances(dataset).arrow
                table = whole.select([name for name in ("id", "image", "text") if name in whole.column_names])
                if table.nbytes > KEPT_BYTES:
                    return table
                self._latest = (dataset, table)
            return self._latest[1]


def image_type(content: bytes) -> str:
    """The media type that the first bytes say; bytes that are no image of a known kind are only bytes.

    Kinds that can carry scripts, as SVG can, are not known here.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    found = (kind for signature, kind in _SIGNATURES.items() if content.startswith(signature))
    return next(found, "application/octet-stream")
