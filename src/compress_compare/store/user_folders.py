"""Where this tool keeps what belongs to the user of a machine: by the XDG rules, and by those of Windows there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAME = "compress-compare"


def settings() -> Path:
    """The folder of what the user chose and allowed."""
    return _folder("XDG_CONFIG_HOME", ".config", windows="APPDATA", usual="AppData/Roaming")


def state() -> Path:
    """The folder of what must last, but belongs to this machine."""
    return _folder("XDG_STATE_HOME", ".local/state", windows="LOCALAPPDATA", usual="AppData/Local")


def cache() -> Path:
    """The folder of copies that can be made again."""
    return _folder("XDG_CACHE_HOME", ".cache", windows="LOCALAPPDATA", usual="AppData/Local")


def _folder(variable: str, home: str, *, windows: str, usual: str) -> Path:
    if sys.platform == "win32":
        variable, home = windows, usual
    given = os.environ.get(variable, "")
    base = Path(given) if Path(given).is_absolute() else Path.home() / home
    return base.resolve() / NAME
