"""The exceptions a user can meet. Each carries a stable code, a sentence, where it happened and what to do next.

The command line prints these four fields (exit code 2); the server sends them as ``application/problem+json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class UserError(Exception):
    """The user's input is wrong; nothing was changed.

    Args:
        code: stable dotted name, e.g. ``model.empty_file``.
        title: one sentence that says what is wrong.
        detail: which file, key or value; what was expected and what was found.
        hint: what to do next.
    """

    status = 400

    def __init__(self, code: str, title: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(" ".join(part for part in (title, detail, hint) if part))
        self.code = code
        self.title = title
        self.detail = detail
        self.hint = hint


class InvalidValue(UserError):
    """A value is out of range, of the wrong type or not allowed here."""

    status = 422


class NotFound(UserError):
    """The named thing does not exist."""

    status = 404


class Conflict(UserError):
    """The request contradicts what is already recorded."""

    status = 409


class TooLarge(UserError):
    """The input exceeds a stated limit."""

    status = 413


class StoreError(UserError):
    """The project on disk cannot be used as it is: corrupt, of a newer version, or in use."""

    status = 503


class StorageError(StoreError):
    """The place where the project lies takes no more: full, or failing. The command line ends with exit code 3."""

    status = 507


class Untrusted(UserError):
    """What a project asks to run on this machine was not allowed by its user.

    Args:
        task: what would run: ``path``, ``options`` and ``folders``.
    """

    status = 403

    def __init__(self, code: str, title: str, *, detail: str, hint: str, task: Mapping[str, Any]) -> None:
        super().__init__(code, title, detail=detail, hint=hint)
        self.task = task


class MissingExtra(UserError):
    """An optional library is needed for this and is not installed."""

    status = 501

    def __init__(self, library: str, *, purpose: str, extra: str) -> None:
        super().__init__(
            "extra.missing",
            f"{purpose} needs {library}, which is not installed.",
            hint=f"Install it with: pip install 'compress-compare[{extra}]'",
        )
