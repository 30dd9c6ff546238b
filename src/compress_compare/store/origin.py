"""Who writes, where and with what, kept beside what is written.

What is kept is on a list: the name of the user and of the machine, versions of packages that matter to models, the
commit, and the command without what a person would not show. There is no environment, no folder and no secret in it.
"""

from __future__ import annotations

import getpass
import json
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import fields
from functools import lru_cache
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any

import sqlalchemy as sa

from ..records import Origin
from . import schema

PACKAGES = {
    **{name: name for name in ("torch", "numpy", "torchvision", "transformers", "accelerate", "peft", "timm")},
    **{name: name for name in ("safetensors", "datasets", "onnx", "onnxruntime", "torchao", "bitsandbytes", "gguf")},
    **{"lm_eval": "lm_eval", "llmcompressor": "llmcompressor", "compress_compare": "compress-compare"},
}
"""Modules whose versions are kept if the program has imported them, and the package of each."""

OWN = "compress-compare"
_KEY = sa.select(schema.origins.c.key).where(schema.origins.c.content == sa.bindparam("content"))
_CONTENT = sa.select(schema.origins.c.content).where(schema.origins.c.key == sa.bindparam("key"))

GIT_S = 2.0
"""Seconds that git may take; a repository for which it needs longer is recorded without."""

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
OPTION = re.compile(r"(--?[A-Za-z][\w-]*)(=.*)?", re.DOTALL)
HIDDEN = "…"
MAX_ARGUMENTS = 64


_ACTING: ContextVar[Mapping[str, Any] | None] = ContextVar("acting", default=None)


@contextmanager
def acting(user: str, token: str, *, claimed: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Record what is written inside as done by somebody else than the user of this process.

    Args:
        user: who they are.
        token: the name of the token by which they are known; empty for the user of this process.
        claimed: what their program said of where it runs: the other fields of ``records.Origin``.
    """
    known = {field.name for field in fields(Origin)}
    said = {name: value for name, value in (claimed or {}).items() if name in known}
    mark = _ACTING.set({**said, "user": user, "token": token} if token or said else None)
    try:
        yield
    finally:
        _ACTING.reset(mark)


def here() -> Origin:
    """Where this process writes from."""
    return Origin(**_here())


def key_of_now(connection: sa.Connection) -> int:
    """The key of who writes now, and where from, recorded if it is new."""
    content = json.dumps({**_here(), **(_ACTING.get() or {})}, sort_keys=True, ensure_ascii=False)
    table = schema.origins
    known = connection.execute(_KEY, {"content": content}).scalar()
    if known is not None:
        return int(known)
    key = 1 + (connection.execute(sa.select(sa.func.max(table.c.key))).scalar() or 0)
    connection.execute(table.insert().values(key=key, content=content))
    return int(key)


def of_key(connection: sa.Connection, key: int | None) -> Origin | None:
    """What is recorded under a key; None for what was logged before origins were kept."""
    if key is None:
        return None
    content = connection.execute(_CONTENT, {"key": key}).scalar()
    return None if content is None else Origin(**json.loads(content))


def shown(arguments: Sequence[str]) -> str:
    """A command line with the name of the program, the names of options, and numbers; all else becomes ``…``.

    Of our own program the name of the command is kept, too.
    """
    if not arguments:
        return ""
    program = PurePath(arguments[0]).name or HIDDEN
    words = [program]
    for place, argument in enumerate(arguments[1 : MAX_ARGUMENTS + 1]):
        option = OPTION.fullmatch(argument)
        if option is not None:
            value = option[2]
            words.append(option[1] + ("" if value is None else f"={_value(value[1:])}"))
        else:
            own = program == OWN and place == 0 and argument.replace("-", "").isalpha()
            words.append(argument if own else _value(argument))
    return " ".join(words)


def _value(argument: str) -> str:
    return argument if NUMBER.fullmatch(argument) and len(argument) < 16 else HIDDEN


def _here() -> dict[str, Any]:
    imported = tuple(sorted(name for name in PACKAGES if name in sys.modules))
    try:
        folder = str(Path.cwd())
    except OSError:
        folder = ""
    commit, dirty = _git(folder)
    return {
        "user": _user(),
        "host": socket.gethostname(),
        "packages": {"python": platform.python_version(), **_versions(imported)},
        "commit": commit,
        "dirty": dirty,
        "command": shown(sys.argv),
    }


@lru_cache(maxsize=1)
def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


@lru_cache(maxsize=4)
def _versions(modules: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in modules:
        with suppress(metadata.PackageNotFoundError):
            found[PACKAGES[name]] = metadata.version(PACKAGES[name])
    return found


@lru_cache(maxsize=4)
def _git(folder: str) -> tuple[str | None, bool | None]:
    """The commit of the working folder and whether tracked files differ from it; None outside of a repository."""
    commit = _answer(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    if commit is None or not re.fullmatch(r"[0-9a-f]{40,64}", commit):
        return None, None
    changed = _answer(folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules")
    return commit, None if changed is None else bool(changed)


def _answer(folder: str, *arguments: str) -> str | None:
    """What git says. It runs no program that a repository names, and writes nothing."""
    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=folder or None, capture_output=True, text=True, timeout=GIT_S, check=False, errors="replace"
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
