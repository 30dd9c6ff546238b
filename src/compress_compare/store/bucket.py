"""Stored files in a bucket of an S3-compatible object store, through obstore.

Where it is and who may enter stand in the environment variables that obstore reads: ``AWS_ENDPOINT_URL``,
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``. An object appears whole or not at all: of an upload
that was cut off nothing is seen. A large one goes on where it was cut, a small one begins anew.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import MissingExtra, StoreError
from ..readers.partial import File
from .cache import Cache, CachedFile
from .multipart import LARGE, PartUploads, endpoint
from .objects import REPAIR, Objects, StoredObject, compare, missing

RETRIES = 4
PATIENCE_S = 30
"""For a server that does not answer."""

CONNECT_S = 5
REQUEST_S = 300
"""For one request, of which none is for more than some megabytes."""

CHUNK = 8 << 20
PARALLEL = 4
PIECE = 1 << 20
"""Bytes that are taken from an answer at once."""

TRIES = 3
"""To go on with an upload that others end meanwhile, before it is sent as a whole."""

DENIED = re.compile(r"401 Unauthorized|403 Forbidden|lacked the necessary privileges|\(AccessDenied\)")
"""What is said of a refusal; numbers alone may be those of an address or a name."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class BucketObjects(Objects):
    """Stored files below a prefix of a bucket.

    Args:
        url: ``s3://bucket/prefix``.
        cache: the folder for copies on this machine.

    Raises:
        MissingExtra: without obstore.
    """

    early = True

    def __init__(self, url: str, cache: Path) -> None:
        self.url = url
        self._store = _opened(url)
        self._uploads = PartUploads(url.split("/")[2], self._store.prefix or "")
        self._cache = Cache(cache, self._pieces)
        self._damaged: set[str] = set()

    def put(self, digest: str, staged: Path, *, whole: Any = None, like: Sequence[str] = ()) -> bool:  # noqa: ARG002
        """Upload a file, unless one of its length is there under the name of its content.

        Raises:
            StoreError: ``objects.*``.
        """
        num_bytes = staged.stat().st_size
        if self.there(digest, num_bytes):
            return False
        if num_bytes < LARGE or not self._sent_in_parts(digest, staged):
            with self._told(), staged.open("rb") as file:
                _library().put(self._store, _key(digest), file, chunk_size=CHUNK, max_concurrency=PARALLEL)
        self._damaged.discard(digest)
        return True

    def _sent_in_parts(self, digest: str, staged: Path) -> bool:
        num_bytes = staged.stat().st_size
        for _ in range(TRIES):
            sent = self._uploads.send(_key(digest), staged, sentence=self._sentence)
            if sent is None:
                return False
            if sent and self._size(digest) != num_bytes:
                raise self._sentence("The upload has another length than the file.")
            if sent or self.there(digest, num_bytes):
                return True
        return False

    def there(self, digest: str, num_bytes: int) -> bool:
        """Whether an object of this length is there that was not found to be damaged."""
        return digest not in self._damaged and self._size(digest) == num_bytes

    def path(self, digest: str) -> Path:
        """A copy on this machine, compared with its hash; brought if it was not here, or is damaged."""
        with self._believed_no_more(digest):
            return self._cache.verified(digest) or self._part(digest).whole()

    def opened(self, digest: str) -> File:
        """The copy on this machine, or the object in parts."""
        return self._cache.path(digest) or self._part(digest)

    def verify(self, digest: str) -> Path:
        """The same."""
        return self.path(digest)

    def check(self, digest: str) -> None:
        """Read the whole object from the store, past the copies on this machine."""
        found = hashlib.sha256()
        with self._told(digest):
            for chunk in _library().get(self._store, _key(digest)).stream(min_chunk_size=CHUNK):
                found.update(chunk)
        with self._believed_no_more(digest):
            compare(digest, found.hexdigest())

    def get_range(self, digest: str, *, start: int, stop: int) -> bytes:
        """Some bytes of an object."""
        return b"".join(self._pieces(digest, start, stop))

    def listed(self) -> Iterator[StoredObject]:
        """All objects below the prefix."""
        now = datetime.datetime.now(datetime.UTC)
        with self._told():
            for chunk in _library().list(self._store, "objects"):
                for one in chunk:
                    name = one["path"].removeprefix("objects/")
                    age = (now - one["last_modified"]).total_seconds()  # of two clocks
                    yield StoredObject(name, one["size"], max(age, 0.0))

    def delete(self, name: str) -> None:
        """Remove an object."""
        with self._told():
            _library().delete(self._store, f"objects/{name}" if "/" in name else _key(name))

    def unfinished(self) -> Iterator[StoredObject]:
        """Uploads that are under way, or were cut off."""
        return self._uploads.unfinished()

    def abandon(self, name: str) -> None:
        """End such an upload."""
        self._uploads.abandon(name)

    def keep(self, name: str, content: bytes) -> None:
        """Write an object."""
        with self._told():
            _library().put(self._store, name, content)

    def kept(self, name: str) -> bytes | None:
        """Read an object."""
        with self._told():
            try:
                return bytes(_library().get(self._store, name).bytes())
            except FileNotFoundError:
                return None

    def kept_names(self, folder: str) -> list[str]:
        """The names of the objects."""
        with self._told():
            found = _library().list(self._store, folder).collect()
        return sorted(str(one["path"]) for one in found)

    def settle(self, digests: list[str]) -> None:
        """An object that was acknowledged is durable."""

    def close(self) -> None:
        """Let go of parts; whole copies stay for the next."""
        self._cache.close()

    def _part(self, digest: str) -> CachedFile:
        num_bytes = self._size(digest)
        if num_bytes is None:
            raise missing(digest)
        return self._cache.part(digest, num_bytes)

    def _size(self, digest: str) -> int | None:
        with self._told():
            try:
                return int(_library().head(self._store, _key(digest))["size"])
            except FileNotFoundError:
                return None

    @contextmanager
    def _believed_no_more(self, digest: str) -> Iterator[None]:
        """Of an object that turns out to be damaged, nothing stays here, and the same content is sent again."""
        try:
            yield
        except StoreError as error:
            if error.code == "artifact.hash_mismatch":
                self._cache.forget(digest)
                self._damaged.add(digest)
            raise

    def _pieces(self, digest: str, start: int, stop: int) -> Iterator[bytes]:
        """Bytes of a range as they come: small pieces take memory that is warm, and come while others are written."""
        left = stop - start
        with self._told(digest):
            found = _library().get(self._store, _key(digest), options={"range": (start, stop)})
            for piece in found.stream(min_chunk_size=PIECE):
                left -= len(piece)
                yield piece
        if left:
            raise _short(digest)

    @contextmanager
    def _told(self, digest: str = "") -> Iterator[None]:
        """Turn what the object store says into sentences."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            raise (missing(digest) if digest else self._no_bucket()) from error
        except BaseError as error:
            raise self._sentence(str(error)) from error

    def _sentence(self, words: str) -> StoreError:
        bucket = self.url.split("/")[2]
        if DENIED.search(words):
            return StoreError(
                "objects.denied",
                f"The object store does not let us into the bucket {bucket!r}.",
                hint="Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may do there.",
            )
        if "NoSuchBucket" in words:
            return self._no_bucket()
        return StoreError(
            "objects.unreachable",
            "The object store of this project does not answer as it should.",
            detail=next(iter(words.splitlines()), "")[:300],
            hint="Check AWS_ENDPOINT_URL, and whether the server runs.",
        )

    def _no_bucket(self) -> StoreError:
        bucket = self.url.split("/")[2]
        return StoreError("objects.no_bucket", f"There is no bucket {bucket!r}.", hint="Make it, then try again.")


def _key(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"


def _short(digest: str) -> StoreError:
    return StoreError(
        "artifact.hash_mismatch", "A stored file is shorter than it was.", detail=f"objects/{digest}", hint=REPAIR
    )


def _library() -> Any:
    try:
        import obstore
    except ImportError as error:
        raise MissingExtra("obstore", purpose="A project with files in an object store", extra="s3") from error
    return obstore


def _opened(url: str) -> Any:
    _library()
    from obstore.store import S3Store

    parts = urlsplit(url)
    server = urlsplit(endpoint())
    local = server.scheme == "http" and server.hostname in LOOPBACK
    options: Any = {"connect_timeout": f"{CONNECT_S}s", "timeout": f"{REQUEST_S}s"}
    if local:
        options["allow_http"] = True
    patience: Any = {"max_retries": RETRIES, "retry_timeout": datetime.timedelta(seconds=PATIENCE_S)}
    return S3Store(parts.netloc, prefix=parts.path.strip("/") or None, client_options=options, retry_config=patience)
