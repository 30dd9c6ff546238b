"""Calls of the Python API over HTTP."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import Answer, Ask


class RemoteCall(Ask):
    """A call of the Python API: the name of a method, and its arguments as `remote.codec` writes them.

    ``origin`` is what the caller's program says of where it runs, ``table`` the SHA-256 of a table that was sent.
    """

    method: str = Field(max_length=100)
    arguments: dict[str, Any] = Field(default_factory=dict)
    origin: dict[str, Any] = Field(default_factory=dict)
    table: str | None = None


class CallResult(Answer):
    """What a call returned, as `remote.codec` writes it."""

    result: Any


class Digests(Ask):
    """Files by their SHA-256."""

    sha256: list[str] = Field(max_length=10_000)


class Missing(Answer):
    """Those files that have to be sent, and how much of each is there already, in bytes."""

    missing: dict[str, int]


class Uploaded(Answer):
    """How much of a file is there, and whether that is all of it."""

    num_bytes: int
    done: bool


class Greeting(Answer):
    """What a client asks a server first: the version of each side's protocol that it speaks, and who calls."""

    protocol: int
    oldest: int
    version: str
    name: str
    user: str
    role: str
