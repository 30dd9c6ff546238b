"""The project as one file, to be downloaded: made once for all who ask meanwhile, and removed after the last."""

from __future__ import annotations

import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from ..project import Project
from ..store.archive import SUFFIX


@dataclass
class Archive:
    """The project at one revision, and how many are reading its file."""

    revision: int
    path: Path
    readers: int = 0


class Archives:
    """Gives archives of a project.

    Args:
        project: is packed.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._all: list[Archive] = []

    def open(self) -> Archive:
        """Give the project as it is now; whoever asks must `release` it.

        Raises:
            InvalidValue: ``output.not_written``.
            StoreError: ``artifact.*``.
        """
        with self._making:
            revision = self._project.revision()
            with self._lock:
                found = next((one for one in self._all if one.revision == revision), None)
                if found is not None:
                    found.readers += 1
                    return found
            folder = Path(tempfile.mkdtemp(prefix="compress-compare-"))
            made = Archive(revision, folder / f"project{SUFFIX}", readers=1)
            try:
                self._project.pack(made.path)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            with self._lock:
                self._all.append(made)
            return made

    def release(self, archive: Archive) -> None:
        """Say that it was read."""
        with self._lock:
            archive.readers -= 1
            if archive.readers == 0:
                self._remove(archive)

    def close(self) -> None:
        """Remove everything."""
        with self._lock:
            for archive in list(self._all):
                self._remove(archive)

    def _remove(self, archive: Archive) -> None:
        shutil.rmtree(archive.path.parent, ignore_errors=True)
        self._all = [one for one in self._all if one is not archive]
