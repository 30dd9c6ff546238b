"""Who did something, and what was changed after it was logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .names import JSON


@dataclass(frozen=True)
class Origin:
    """Who logged something, where and with what.

    Args:
        user: name of the account.
        host: name of the machine.
        packages: versions, of Python and of the imported packages that matter to models.
        commit: of the working folder's git repository; ``None`` outside of one.
        dirty: whether tracked files differed from it.
        command: the program with the names of its options and its numbers; other values are left out.
        token: name of the token that was used over HTTP; empty for what was done without one.
    """

    user: str
    host: str
    packages: Mapping[str, str] = field(default_factory=dict, hash=False)
    commit: str | None = None
    dirty: bool | None = None
    command: str = ""
    token: str = ""


@dataclass(frozen=True)
class Change:
    """One change of what had been logged.

    Args:
        number: of the change; they count up.
        at: when, UTC, ISO 8601.
        action: ``delete``, ``restore``, ``purge``, ``rename``, ``set base``, ``archive``, ``unarchive``, ``correct``,
            ``note``, ``tags``, ``complete outputs``, ``correct outputs``, ``new dataset version`` or ``undo``.
        models: the ids of the models that it is about, as they were called before it.
        old: what was there, by name; what was not there is null.
        new: what is there instead.
        reason: why, in the words of who did it.
        undoable: whether ``undo`` can take it back.
        undone_by: the number of the change that took it back.
        origin: who changed it, where and with what.
    """

    number: int
    at: str
    action: str
    models: tuple[str, ...]
    old: Mapping[str, JSON] = field(default_factory=dict, hash=False)
    new: Mapping[str, JSON] = field(default_factory=dict, hash=False)
    reason: str = ""
    undoable: bool = False
    undone_by: int | None = None
    origin: Origin | None = None
