"""What others send over HTTP: files in pieces, models whose files are there already, and calls done exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from .. import late
from ..errors import Conflict, InvalidValue, StoreError
from ..records import Checkpoint
from .changing import Changer
from .drafts import ModelDraft
from .together import Together
from .uploads import Upload, check_digest
from .writing import draft

if TYPE_CHECKING:
    from ..readers import checkpoint as readers
    from . import checkpoints, once, proposals
    from .once import Once
else:
    (readers,) = late.modules("compress_compare.readers", "checkpoint")
    checkpoints, once, proposals = late.modules(__package__, "checkpoints", "once", "proposals")


class Receiver(Changer):
    """Takes what others send to the project in ``directory``."""

    def missing_objects(self, digests: Sequence[str]) -> list[str]:
        """Return those of some files, by their SHA-256, that the project does not have."""
        return [digest for digest in dict.fromkeys(map(check_digest, digests)) if not self._has(digest)]

    def object_path(self, digest: str) -> Path:
        """Return where a file lies, by its SHA-256.

        Raises:
            StoreError: ``artifact.missing``.
        """
        return self._artifacts.path(check_digest(digest))

    def upload(self, digest: str) -> Upload:
        """Return the file of this SHA-256 that is on its way, to go on with it."""
        return Upload(self.storage, digest)

    def keep_upload(self, digest: str) -> None:
        """Put a file that has come in its place. Nothing names it yet; after a day without a name it is removed.

        Raises:
            InvalidValue: ``object.hash`` if its content is not what its name says; it has to be sent again.
        """
        upload = self.upload(digest)
        if not upload.is_whole():
            upload.forget()
            raise InvalidValue(
                "object.hash", "What came is not the file that was announced.", hint="Send it again from the beginning."
            )
        with self._artifacts.staging() as staging:
            staged = staging.put_file("content", upload.path)
            with self._database.write(counter="jobs"):
                self._publish(staging, [staged.sha256])
        upload.forget()

    def log_received(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Log models whose files are there already, in one transaction.

        Args:
            rows: the fields of ``drafts.ModelDraft``, and ``proposed`` for an operation that their folder claims.

        Returns:
            The number of models.

        Raises:
            Conflict: ``object.missing`` if a file has to be sent first.
            InvalidValue: as ``log_models``, and ``checkpoint.received`` for what cannot be a checkpoint.
        """
        with self._artifacts.staging() as staging:
            drafts = [self._received(row, draft(staging, _plain(row))) for row in rows]
            with self._database.write() as connection:
                self._insert(connection, drafts, staging)
        return len(drafts)

    def once_together(self, key: str, fingerprint: str, *, do: Callable[[], Any]) -> Any:
        """Do something exactly once, and return its answer; what other threads ask for meanwhile is in one transaction.

        Raises:
            Conflict: ``state.idempotency`` if another call had this key.
        """

        def work() -> Any:
            with self.once(key, fingerprint) as call:
                if call.is_new:
                    call.answer = do()
                return call.answer

        return self._together.do(work)

    @cached_property
    def _together(self) -> Together:
        return Together(self._database.write)

    @contextmanager
    def once(self, key: str, fingerprint: str) -> Iterator[Once]:
        """Do what is inside exactly once, however often it is asked for: all of it in one transaction with its answer.

        Raises:
            Conflict: ``state.idempotency`` if another call had this key.
        """
        with self._database.write() as connection:
            call = once.find(connection, key, fingerprint=fingerprint)
            yield call
            if call.is_new:
                once.keep(connection, key, fingerprint=fingerprint, answer=call.answer)

    def _received(self, row: Mapping[str, Any], checked: ModelDraft) -> ModelDraft:
        found = row.get("checkpoint")
        if found is not None:
            checked = replace(checked, checkpoint=self._checkpoint(found))
        return proposals.ProposedDraft(**vars(checked)) if row.get("proposed") else checked

    def _checkpoint(self, found: Any) -> Checkpoint:
        """A checkpoint that was sent, after a look at its files: nobody is believed."""
        formats = {*checkpoints.FORMATS.values(), "huggingface"}  # no code can be in any of them
        if not isinstance(found, Checkpoint) or found.format not in formats or not found.files:
            raise InvalidValue("checkpoint.received", "What was sent as a checkpoint is none.")
        for file in found.files:
            if not file.name or PurePosixPath(file.name).name != file.name or "\\" in file.name or "\0" in file.name:
                raise InvalidValue("checkpoint.received", "A file of a checkpoint has a name that is none.")
            if not self._has(check_digest(file.sha256)):
                raise Conflict("object.missing", "A file of the checkpoint is not here.", detail=file.sha256)
        paths = {file.name: self._artifacts.path(file.sha256) for file in found.files}
        readers.read(found.format, paths)
        return Checkpoint(
            found.format,
            tuple(replace(file, num_bytes=paths[file.name].stat().st_size) for file in found.files),
        )

    def _has(self, digest: str) -> bool:
        try:
            self._artifacts.path(digest)
        except StoreError:
            return False
        return True


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as ``log_model`` takes it, without its checkpoint."""
    fields = {name: value for name, value in row.items() if name not in ("checkpoint", "proposed")}
    roles: dict[str, list[str]] = {}
    for reference in fields.get("references") or ():
        roles.setdefault(reference.role, []).append(reference.model)
    return {**fields, "references": roles}
