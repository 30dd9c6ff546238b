"""What instances are: their images and texts, read from the project and kept while one dataset is looked at."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pyarrow as pa

from ..analysis.behaviors import single
from ..store.store import Store

KINDS = ("id", "image", "text", "audio", "tokens")
KEPT_BYTES = 256_000_000
"""A dataset with more payload than this is read anew for every instance."""

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
}


@dataclass(frozen=True)
class InstancePayload:
    """Args:
    id: as it was logged.
    image: the bytes of an image file, ``None`` if there is none.
    text: ``None`` if there is none.
    audio: the bytes of a sound file, ``None`` if there is none.
    tokens: empty if there are none.
    """

    id: int | str
    image: bytes | None
    text: str | None
    audio: bytes | None = None
    tokens: list[str] = field(default_factory=list)


class Payloads:
    """The payloads of one project. What was logged never changes, so that a dataset is read once."""

    def __init__(self, project: Store) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._latest: tuple[str, pa.Table] | None = None

    def get(self, dataset: str, id: int | str) -> InstancePayload:
        """The payload of one instance.

        Raises:
            NotFound: ``dataset.unknown``, ``instance.unknown``.
        """
        table = self._table(dataset)
        row = table.slice(single.place(table["id"], id), 1).to_pylist()[0]
        tokens = row.get("tokens")
        is_listed = isinstance(tokens, list)
        return InstancePayload(
            row["id"], row.get("image"), row.get("text"), row.get("audio"), tokens if is_listed else []
        )

    def _table(self, dataset: str) -> pa.Table:
        with self._lock:
            if self._latest is None or self._latest[0] != dataset:
                self._latest = None
                whole = self._project.instances(dataset).arrow
                table = whole.select([name for name in KINDS if name in whole.column_names])
                if table.nbytes > KEPT_BYTES:
                    return table
                self._latest = (dataset, table)
            return self._latest[1]


def media_type(content: bytes) -> str:
    """The media type that the first bytes say; bytes of no known kind are only bytes.

    Kinds that can carry scripts, as SVG can, are not known here.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return "audio/wav"
    found = (kind for signature, kind in _SIGNATURES.items() if content.startswith(signature))
    return next(found, "application/octet-stream")
