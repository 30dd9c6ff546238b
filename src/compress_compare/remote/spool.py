"""What could not be sent: calls in order and the files that they need, in a folder of bounded size, until they are."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import StorageError, StoreError, UserError
from ..store import user_folders
from ..store.files import lock, write_atomically
from .connection import Connection, Unreachable

LIMIT = 1_000_000_000
"""Bytes of all that waits for one project."""
CALLS, FILES, REFUSED, ADDRESS = "calls", "files", "refused", "address"
REFUSED_HINT = "Send it once more with compress-compare sync --retry, or forget it with --drop."
WHY = ".txt"
"""Of the file beside a refused call that says why."""


@dataclass(frozen=True)
class Waiting:
    """One call that waits.

    Args:
        path: of its file.
        key: by which the server knows it again.
        call: what is to be done.
        files: SHA-256 of the files that it needs.
    """

    path: Path
    key: str
    call: Mapping[str, Any]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """A call that a server has refused, kept aside.

    Args:
        number: of the call, in the order of logging.
        method: what was to be done.
        about: the ids of the models that it names.
        reason: what the server said.
    """

    number: int
    method: str
    about: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Synced:
    """What became of the calls that waited.

    Args:
        address: of the project.
        sent: how many the server has done.
        refused: why it refused others, which are kept aside.
        left: how many still wait.
    """

    address: str
    sent: int
    refused: tuple[str, ...]
    left: int


class Spool:
    """The calls that wait for one project.

    Args:
        address: of the project.
        folder: with the spools of all projects; that of this user if not given.
        limit: bytes that may wait.
    """

    def __init__(self, address: str, folder: Path | None = None, *, limit: int = LIMIT) -> None:
        name = hashlib.sha256(address.encode()).hexdigest()[:24]
        self.address = address
        self._folder = (folder or state()) / name
        self._limit = limit

    def __len__(self) -> int:
        return len(self._paths())

    def add(self, call: Mapping[str, Any], key: str, *, files: Mapping[str, Path]) -> None:
        """Keep a call and the files that it needs; it is durable when this returns.

        Raises:
            StorageError: ``spool.full`` if no more may wait; nothing is kept then.
        """
        with self._held():
            needed = sum(
                path.stat().st_size for digest, path in files.items() if not (self._folder / FILES / digest).exists()
            )
            content = json.dumps({"key": key, "call": dict(call), "files": sorted(files)}).encode()
            there = self.num_bytes()
            if there + needed + len(content) > self._limit:
                raise StorageError(
                    "spool.full",
                    f"No more can wait for {self.address}: the server was away for too long.",
                    detail=f"{there:,} bytes wait, this needs {needed + len(content):,} more, and {self._limit:,} may.",
                    hint="Bring the server back, then run: compress-compare sync",
                )
            for digest, path in files.items():
                self._keep(digest, path)
            write_atomically(self._folder / ADDRESS, self.address.encode())
            numbers = [int(path.stem) for path in (*self._paths(), *self._refused())]
            number = 1 + max(numbers, default=0)
            line = hashlib.sha256(content).hexdigest().encode() + b"\n" + content
            write_atomically(self._folder / CALLS / f"{number:012}.json", line)

    def num_bytes(self) -> int:
        """How much waits or was refused."""
        return sum(path.stat().st_size for name in (CALLS, FILES, REFUSED) for path in (self._folder / name).glob("*"))

    def refused(self) -> list[Refusal]:
        """The calls that the server has refused, in the order of logging.

        Raises:
            StoreError: ``spool.record_corrupt``.
        """
        found = []
        for path in self._refused():
            call, why = self._read(path).call, path.with_suffix(WHY)
            reason = why.read_text() if why.exists() else ""
            found.append(Refusal(int(path.stem), str(call["method"]), _models(call), reason))
        return found

    def retry(self) -> int:
        """Have the refused calls wait again, each in its old place; returns how many they are."""
        with self._held():
            found = self._refused()
            for path in found:
                path.replace(self._folder / CALLS / path.name)
                path.with_suffix(WHY).unlink(missing_ok=True)
            return len(found)

    def drop(self) -> int:
        """Forget the refused calls, with the files that only they need; returns how many they were."""
        with self._held():
            found = self._refused()
            for path in found:
                path.unlink()
                path.with_suffix(WHY).unlink(missing_ok=True)
            self._sweep()
            return len(found)

    def sync(self, connection: Connection) -> Synced:
        """Send what waits, in order. What the server refuses is kept aside, and the rest goes on.

        Raises:
            Unreachable: if the server is still away; what was sent is not sent again.
        """
        sent, refused = 0, []
        with self._held():
            for path in self._paths():
                waiting = self._read(path)
                try:
                    connection.send({digest: self._folder / FILES / digest for digest in waiting.files})
                    connection.write(waiting.call, waiting.key)
                except Unreachable:
                    raise
                except UserError as error:
                    if error.code.startswith(("auth.", "remote.", "host.")) or error.status in (503, 507):
                        raise
                    refused.append(f"{waiting.call['method']}: {error}")
                    aside = self._folder / REFUSED / path.name
                    write_atomically(aside.with_suffix(WHY), str(error).encode())
                    path.replace(aside)
                else:
                    path.unlink()
                    sent += 1
            self._sweep()
        return Synced(self.address, sent, tuple(refused), len(self))

    def _read(self, path: Path) -> Waiting:
        digest, _, content = path.read_bytes().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != digest:
            raise StoreError(
                "spool.record_corrupt",
                "A call that waits to be sent is damaged.",
                detail=f"{path.name} in {path.parent.parent.name}",
                hint="Remove this file to send the others; what it said has to be logged again.",
            )
        found = json.loads(content)
        return Waiting(path, found["key"], found["call"], tuple(found["files"]))

    def _keep(self, digest: str, source: Path) -> None:
        target = self._folder / FILES / digest
        if target.exists():
            return
        partial = target.with_name(f".{digest}")
        with source.open("rb") as reader, partial.open("wb") as writer:
            shutil.copyfileobj(reader, writer)
            writer.flush()
            os.fsync(writer.fileno())
        partial.replace(target)

    def _sweep(self) -> None:
        """Forget the files that no call needs any more."""
        kept = [*self._paths(), *self._refused()]
        needed = {digest for path in kept for digest in self._read(path).files}
        for path in (self._folder / FILES).glob("*"):
            if path.name not in needed:
                path.unlink()

    def _paths(self) -> list[Path]:
        return sorted((self._folder / CALLS).glob("*.json"))

    def _refused(self) -> list[Path]:
        return sorted((self._folder / REFUSED).glob("*.json"))

    @contextmanager
    def _held(self) -> Iterator[None]:
        for name in (CALLS, FILES, REFUSED):
            (self._folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock(descriptor, wait=True)
            yield
        finally:
            os.close(descriptor)


def state() -> Path:
    """The folder of what waits of this user."""
    return user_folders.state() / "spool"


def addresses(folder: Path | None = None) -> list[str]:
    """The projects for which something waits, or was refused."""
    root = folder or state()
    found = [path.read_text() for path in sorted(root.glob(f"*/{ADDRESS}"))]
    return [address for address in found if len(Spool(address, folder)) or Spool(address, folder)._refused()]


def _models(call: Mapping[str, Any]) -> tuple[str, ...]:
    arguments = call.get("arguments", {})
    named = [arguments, *arguments.get("rows", ())]
    return tuple(str(one[key]) for one in named for key in ("id", "model") if key in one)
