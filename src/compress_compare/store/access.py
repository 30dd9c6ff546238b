"""Who may read a project in a directory: its owner, and its group too where the mode of the directory says so."""

from __future__ import annotations

import os
import stat
from pathlib import Path

FOLDER = 0o2750
"""Of the folders of a project that its group may read: what is made in them has their group."""
FILE = 0o640
ON_A_SERVER = "Those may read it whom its server lets in."


def is_group_readable(directory: Path) -> bool:
    """Whether a directory was made for its group to read: read, enter, and pass the group on."""
    wanted = stat.S_ISGID | stat.S_IRGRP | stat.S_IXGRP
    try:
        return directory.stat().st_mode & wanted == wanted
    except OSError:
        return False


def let_group_read(path: Path) -> None:
    """Let its group read a file, or a folder and what is made in it."""
    path.chmod(FOLDER if path.is_dir() else FILE)


def described(directory: Path) -> str:
    """Who may read a project, and what to do if somebody else should, in a sentence."""
    if not is_group_readable(directory):
        return f"Its owner alone may read it. To let its group read it too: {command(directory)}"
    group = _group(directory.stat().st_gid)
    kept = [path for path in directory.rglob("*") if not path.is_symlink() and _is_closed(path, directory)]
    if not kept:
        return f"Its owner and the group {group} may read it; jobs and locks are the owner's."
    return f"The group {group} may not read {len(kept):,} of its files. To let it: {command(directory)}"


def command(directory: Path) -> str:
    """What lets the group of a project that is there read it."""
    return f"chmod -R g+rX '{directory}' && find '{directory}' -type d -exec chmod g+s {{}} +"


def _is_closed(path: Path, directory: Path) -> bool:
    first = path.relative_to(directory).parts[0]
    if first in ("jobs", "staging") or first.endswith(".lock"):
        return False
    return not path.stat().st_mode & stat.S_IRGRP


def _group(number: int) -> str:
    if os.name != "posix":
        return str(number)
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
