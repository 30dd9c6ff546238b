"""Talking to a server: requests that are tried again, files by hash, and the errors that a local project raises."""

from __future__ import annotations

import hashlib
import json
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from .. import errors
from ..errors import MissingExtra, UserError
from ..store import origin
from . import protocol
from .codec import decode, encode

if TYPE_CHECKING:
    import httpx

API = "api/v1/"
ARROW = "application/vnd.apache.arrow.stream"
PIECE = 4 << 20
"""Bytes of a file that are sent at once; fewer where they do not arrive."""
SMALLEST = 64 << 10
AGAIN = (429, 502, 503, 504)
"""Answers after which a request is tried again: the server, or a proxy, is not ready."""
AWAY = ("store.unreachable", "store.lost", "store.busy", "objects.unreachable")
"""What a server answers while its database or object store is away: the same call can be done later."""
UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
"""What OpenSSL says of a certificate that nobody vouches for, or that is for another name."""
NOT_AGAIN = ("server.running", "store.read_only", "store.corrupt")
PATIENCE_S = 30.0
PACKING_S = 3600.0
"""Patience with a server that packs a project before it answers."""
_BY_STATUS: Mapping[int, type[UserError]] = {
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.TooLarge,
    422: errors.InvalidValue,
    503: errors.StoreError,
    507: errors.StorageError,
}


class Unreachable(errors.StoreError):
    """The server does not answer, or says that its database or object store does not."""


class Refused(UserError):
    """The server does not let this client do this."""

    status = 403


class Connection:
    """A server, and one project on it.

    Args:
        address: of the project, ``https://host/p/NAME``.
        token: for the server.
        patience: seconds for which a request is tried again while the server cannot be reached.
    """

    def __init__(self, address: str, token: str, *, patience: float = PATIENCE_S) -> None:
        try:
            import httpx
        except ImportError as error:
            raise MissingExtra("httpx", purpose="A project over HTTP", extra="remote") from error
        self.address = address.rstrip("/")
        self.patience = patience
        self._httpx = httpx
        self._client = httpx.Client(
            base_url=f"{self.address}/{API}",
            headers={
                "Authorization": f"Bearer {token}",
                "User-Agent": f"compress-compare/{version('compress-compare')}",
            },
            timeout=httpx.Timeout(60.0, connect=5.0),
            follow_redirects=False,
        )
        self._piece = PIECE

    def close(self) -> None:
        """Release the connection."""
        self._client.close()

    def greet(self) -> dict[str, Any]:
        """Ask what the server speaks.

        Raises:
            Unreachable: ``remote.unreachable``.
            Refused: ``remote.old_server``, ``remote.old_client``, ``auth.*``.
            NotFound: ``project.unknown``.
        """
        try:
            found: dict[str, Any] = self.request("GET", "greeting").json()
        except errors.NotFound as error:
            if error.code == "route.unknown":
                raise _old_server("It does not know how to talk to programs.") from error
            raise
        except ValueError as error:
            raise Unreachable(
                "remote.no_server",
                f"What answers at {self.address} is not compress-compare.",
                hint="Check the address.",
            ) from error
        if found["protocol"] < protocol.OLDEST:
            raise _old_server(f"It has version {found['version']}.")
        if found["oldest"] > protocol.NUMBER:
            raise Refused(
                "remote.old_client",
                "This version of compress-compare is too old for the server.",
                detail=f"The server has version {found['version']}, here is {version('compress-compare')}.",
                hint="Update it here: pip install --upgrade compress-compare",
            )
        return found

    def read(self, method: str, **arguments: Any) -> Any:
        """Call a method that reads; a table comes as ``pyarrow.Table``."""
        answer = self.request("POST", "call/read", json={"method": method, "arguments": encode(arguments)})
        if answer.headers.get("content-type") == ARROW:
            return pa.ipc.open_stream(answer.content).read_all()
        return decode(answer.json()["result"])

    def write(self, call: Mapping[str, Any], key: str) -> Any:
        """Have the server do what a call says, exactly once for its key; see `call`."""
        return decode(
            self.request("POST", "call/log", json=dict(call), headers={"Idempotency-Key": key}).json()["result"]
        )

    def missing(self, digests: list[str]) -> dict[str, int]:
        """Which files the server lacks, and how much of each it has."""
        found: dict[str, int] = self.request("POST", "objects/missing", json={"sha256": digests}).json()["missing"]
        return found

    def send(self, files: Mapping[str, Path]) -> int:
        """Send those files that the server lacks, by their SHA-256; returns how many bytes went there.

        Raises:
            InvalidValue: ``object.hash`` if a file has changed meanwhile.
        """
        sent = 0
        for digest, there in (self.missing(list(files)) if files else {}).items():
            total = files[digest].stat().st_size
            with files[digest].open("rb") as file:
                sent += self._send(file, digest, there=there if there < total else 0, total=total)
        return sent

    def fetch(self, digest: str, target: Path) -> None:
        """Bring a file here.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
        """
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
        try:
            with partial.open("wb") as file:
                self._trying(lambda: self._stream(f"objects/{digest}", file))
            with partial.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != digest:
                raise errors.StoreError("artifact.hash_mismatch", "What the server sent is not the file that it names.")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def pack(self, path: Path) -> int:
        """Bring the project here as one file; returns its size in bytes. The file appears whole or not at all.

        Raises:
            InvalidValue: ``output.not_written``.
        """
        partial = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
        try:
            with partial.open("wb") as file:
                self._trying(lambda: self._stream("archive", file, patience=PACKING_S))
            partial.replace(path)
        except OSError as error:
            said = f"{str(path)!r} cannot be written: {error.strerror}."
            raise errors.InvalidValue("output.not_written", said, hint="Choose another place.") from error
        finally:
            partial.unlink(missing_ok=True)
        return path.stat().st_size

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request until it is answered or patience ends; a refusal is the error that a local call raises."""
        return self._trying(lambda: self._client.request(method, path, **options))

    def _send(self, file: BinaryIO, digest: str, *, there: int, total: int) -> int:
        sent = 0
        while True:
            file.seek(there)
            content = file.read(self._piece)
            try:
                answer = self.request(
                    "PUT",
                    f"objects/{digest}",
                    params={"offset": there, "total": total},
                    content=content,
                    headers={"Content-Type": "application/octet-stream"},
                ).json()
            except Unreachable as error:
                if self._piece == SMALLEST or error.code in AWAY:
                    raise
                self._piece = max(SMALLEST, self._piece // 4)
                continue
            except errors.Conflict as error:
                if error.code != "object.offset":
                    raise
                there = int(error.detail)
                continue
            sent += len(content)
            if answer["done"]:
                return sent
            there = int(answer["num_bytes"])

    def _stream(self, path: str, file: BinaryIO, *, patience: float | None = None) -> httpx.Response:
        """Write what a path answers; what is named by its hash goes on where the file ends."""
        start = file.tell() if patience is None else 0
        headers = {"Range": f"bytes={start}-"} if start else {}
        timeout = self._client.timeout if patience is None else self._httpx.Timeout(patience, connect=5.0)
        with self._client.stream("GET", path, headers=headers, timeout=timeout) as answer:
            if answer.status_code in (200, 206):
                if answer.status_code == 200:
                    file.seek(0)
                    file.truncate()
                for content in answer.iter_bytes():
                    file.write(content)
                file.flush()
            elif answer.status_code != 416:
                answer.read()
            return answer

    def _trying(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        until = time.monotonic() + self.patience
        wait = 0.1
        while True:
            try:
                answer = ask()
            except self._httpx.TransportError as error:
                if UNTRUSTED in str(error):
                    raise self._untrusted(error) from error
                refusal: Exception = self._unreachable(error)
            else:
                if answer.is_success or answer.status_code == 416:
                    return answer
                refusal = _refusal(answer, self.address)
                if answer.status_code not in AGAIN or getattr(refusal, "code", "") in NOT_AGAIN:
                    raise refusal
            pause = wait * (0.5 + random.random())  # noqa: S311 - to keep clients apart
            if time.monotonic() + pause > until:
                raise refusal
            time.sleep(pause)
            wait = min(5.0, 2 * wait)

    def _untrusted(self, error: Exception) -> Refused:
        return Refused(
            "remote.certificate",
            f"The certificate of the server at {self.address} is not trusted here.",
            detail=str(error)[:200],
            hint="If your team has an authority of its own, set SSL_CERT_FILE to the file of its certificate.",
        )

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(
            "remote.unreachable",
            f"The server at {self.address} cannot be reached.",
            detail=f"{type(error).__name__}: {str(error)[:200]}",
            hint="Check the address and the network.",
        )


def call(method: str, arguments: Mapping[str, Any], *, table: str | None = None) -> dict[str, Any]:
    """A call that writes, as it is sent and kept: with what is known of where it was made."""
    return {"method": method, "arguments": encode(dict(arguments)), "table": table, "origin": asdict(origin.here())}


def new_key() -> str:
    """A key for one call."""
    return str(uuid.uuid4())


def _refusal(answer: httpx.Response, address: str) -> UserError:
    """The error that a local call would have raised, or one about the server."""
    try:
        found = json.loads(answer.content)
        code, title = str(found["code"]), str(found["title"])
    except (ValueError, KeyError, TypeError):
        return Unreachable(
            "remote.no_server",
            f"What answers at {address} is not compress-compare.",
            detail=f"It answered with status {answer.status_code}.",
            hint="Check the address, and the proxy in front of the server.",
        )
    if code == "remote.method":
        return _old_server(title)
    kind = Refused if answer.status_code in (401, 403, 421) else _BY_STATUS.get(answer.status_code, UserError)
    if code in AWAY:
        kind = Unreachable
    return kind(code, title, detail=str(found.get("detail", "")), hint=str(found.get("hint", "")))


def _old_server(detail: str) -> Refused:
    return Refused(
        "remote.old_server",
        "The server is too old for this version of compress-compare.",
        detail=detail,
        hint="Update the server, or install its version here.",
    )
