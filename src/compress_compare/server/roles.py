"""What a caller may do: four roles, each of which includes those before it."""

from __future__ import annotations

from typing import Literal, get_args

from ..errors import InvalidValue

Role = Literal["read", "log", "run", "admin"]

MAY: dict[Role, str] = {
    "read": "Reads everything in a project, and compares its models.",
    "log": "Logs models, files, datasets, outputs and metrics; changes notes, tags, views and what was logged.",
    "run": "Starts, cancels and repeats jobs, which run code on the machine of the server.",
    "admin": "Decides which code a job may run, gives space back, and sees who did what.",
}
"""What each role may do beside what those before it may. Every route declares the role that it needs."""


def role(text: str) -> Role:
    """The role of this name.

    Raises:
        InvalidValue: ``token.role``.
    """
    if text not in MAY:
        raise InvalidValue("token.role", f"There is no role {text[:40]!r}.", hint=f"Choose one of {', '.join(MAY)}.")
    return text


def includes(has: Role, needed: Role) -> bool:
    """Whether one role may do what another may."""
    order = get_args(Role)
    return bool(order.index(has) >= order.index(needed))
