"""Which tests reach a module, and which of them run one of its lines."""

from __future__ import annotations

import ast
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from mutants import PACKAGE, ROOT, plain_lines

sys.path.insert(0, str(ROOT))

from tests.house_imports import imported_modules

LEFT_OUT = ("tests/e2e", "tests/engines", "tests/packaging", "tests/demos", "tests/server", "tests/cli", "tests/test_")
IMPORT = ""
"""Stands for what runs outside of any test: what a module does when it is imported."""


class Nearest:
    """Which files of tests reach a module, those with the fewest imports between first."""

    def __init__(self, count: int) -> None:
        self._count = count
        files = {name(path): path for path in (ROOT / PACKAGE).rglob("*.py")}
        self._imports = {
            module: imported_modules(
                ast.parse(path.read_text()), module, known=files.keys(), is_package=path.name == "__init__.py"
            )
            for module, path in files.items()
        }
        self._tests = {}
        for path in sorted((ROOT / "tests").rglob("test_*.py")):
            place = path.relative_to(ROOT)
            if not place.as_posix().startswith(LEFT_OUT):
                self._tests[place] = imported_modules(ast.parse(path.read_text()), "-", known=files.keys())

    def of(self, path: Path) -> list[Path]:
        """The tests of a module of the package."""
        module = name(ROOT / path)
        away = {test: self._distance(imported, module) for test, imported in self._tests.items()}
        mirror = Path("tests") / path.relative_to(PACKAGE).with_name(f"test_{path.name}")

        def order(test: Path) -> tuple[bool, int, bool, Path]:
            return test != mirror, away[test] or 0, test.parent != mirror.parent, test

        return sorted((test for test in away if away[test] is not None), key=order)[: self._count]

    def importing(self, path: Path) -> set[str]:
        """The files of tests that import a module themselves, and may look at nothing of it but its constants."""
        module = name(ROOT / path)
        return {test.as_posix() for test, imported in self._tests.items() if module in imported}

    def _distance(self, imported: set[str], module: str) -> int | None:
        seen, waiting = set(imported), deque((each, 0) for each in sorted(imported))
        while waiting:
            here, steps = waiting.popleft()
            if here == module:
                return steps
            fresh = self._imports.get(here, set()) - seen
            seen |= fresh
            waiting.extend((each, steps + 1) for each in sorted(fresh))
        return None


def name(path: Path) -> str:
    """A module's dotted name below the package."""
    parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


class Tracer:
    """A plug-in of pytest that notes which tests run which lines of some files, and how long each test takes.

    What a fixture runs counts for all tests of its file, since those that come later may find it made. What a function
    keeps of its answers is forgotten before each test, since it runs its lines for the first test alone.
    """

    def __init__(self, root: Path, paths: list[Path]) -> None:
        self._paths = {str(root / path): path.as_posix() for path in paths}
        self._now = IMPORT
        self.seen: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """What runs now counts for the file."""
        self._forget()
        return (yield from self._during(item.nodeid.split("::")[0]))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """What runs now counts for the test."""
        return (yield from self._during(item.nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what a test takes."""
        self.seconds[report.nodeid] += report.duration

    def start(self) -> None:
        """Look at all that runs in tests from here on, in each thread."""
        threading.settrace(self._called)

    def notes(self, failed: list[str]) -> dict[str, Any]:
        """What was seen, without the tests that failed; lines as in `plain`."""
        lines = {path: plain_lines(Path(path)) for path in self._paths.values()}
        seen = [
            [path, lines[path][line], sorted(found - {*failed})]
            for (path, line), found in self.seen.items()
            if line in lines[path]
        ]
        seconds = {test: taken for test, taken in self.seconds.items() if test not in failed}
        return {"seconds": seconds, "seen": seen, "failed": failed}

    def _forget(self) -> None:
        """Empty the caches of the functions of the files."""
        for module in [each for each in list(sys.modules.values()) if getattr(each, "__file__", None) in self._paths]:
            for value in list(vars(module).values()):
                if callable(clear := getattr(value, "cache_clear", None)):
                    clear()

    def _during(self, what: str) -> Generator[None, Any, Any]:
        self._now = what
        sys.settrace(self._called)  # hypothesis looks at lines too, and stops all looking where it ends
        try:
            return (yield)
        finally:
            self._now = IMPORT

    def _called(self, frame: FrameType, _event: str, _argument: object) -> Any:
        path = self._paths.get(frame.f_code.co_filename)
        if path is None:
            return None

        def lines(frame: FrameType, event: str, _argument: object) -> Any:
            if event == "line":
                self.seen[path, frame.f_lineno].add(self._now)
            return lines

        return lines


class Chosen:
    """A plug-in of pytest that keeps some tests, the fastest files first, and notices files that cannot be imported."""

    def __init__(self, tests: dict[str, float] | None) -> None:
        self._tests = tests
        self.failed = False

    def pytest_collectreport(self, report: Any) -> None:
        """Take note of a file that could not be collected."""
        self.failed = self.failed or report.failed

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the chosen ones."""
        if self._tests is not None:
            kept = [item for item in items if item.nodeid in self._tests]
            files: dict[Path, float] = defaultdict(float)
            for item in kept:
                files[item.path] += self._tests[item.nodeid]
            items[:] = sorted(kept, key=lambda item: files[item.path])
