"""Mutants of functions in one session of pytest: all is collected once, and each fork gets another code object."""

from __future__ import annotations

import ast
import gc
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from mutants import ROOT, Mutant, parsed

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Loop:
    """A plug-in of pytest that does something with the collected tests instead of running them."""

    def __init__(self, work: Callable[[Sequence[pytest.Item]], None]) -> None:
        self._work = work
        self.failed = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do it."""
        if session.testsfailed:
            raise SystemExit("Some files of tests cannot be imported.")
        self._work(session.items)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of a test that failed."""
        self.failed = self.failed or report.failed

    def run(self, items: Sequence[pytest.Item], *, stop: bool) -> list[str]:
        """Run tests in this order, to the end or until one fails; returns what failed."""
        failed = []
        for item, following in zip(items, [*items[1:], None], strict=True):
            self.failed = False
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                failed.append(item.nodeid)
                if stop:
                    break
        return failed


def forked(work: Callable[[], int]) -> int:
    """Do something in a process of its own without a word; returns its id. Its exit status is what was returned."""
    if pid := os.fork():
        return pid
    code = 70
    try:
        os.setpgid(0, 0)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        code = work()
    finally:
        os._exit(code)


def holder(mutant: Mutant) -> str | None:
    """The outermost function or method in whose body a change is, dotted; ``None`` for what runs at import."""
    tree = parsed(mutant.path)
    target = next(node for place, node in enumerate(ast.walk(tree)) if place == mutant.index)
    for name, function in functions(tree):
        if any(target is each for part in function.body for each in ast.walk(part)):
            return name
    return None


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions of a module and the methods of its classes, none of them inside another."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, DEFINITIONS):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        elif not isinstance(node, ast.expr):
            yield from functions(node, prefix)


class Living:
    """The functions of some files that exist in this process."""

    def __init__(self, paths: Sequence[Path]) -> None:
        files = {str(ROOT / path) for path in paths}
        self._found: Mapping[tuple[str, str], list[Any]] = defaultdict(list)
        for each in gc.get_objects():
            if type(each) is FunctionType and each.__code__.co_filename in files:
                self._found[each.__code__.co_filename, each.__code__.co_qualname].append(each)
        gc.freeze()  # what is here now is not looked at again in each fork

    def swap(self, mutant: Mutant, name: str) -> bool:
        """Give a function the code that it has in a mutant; whether there is exactly one such function."""
        old = self._found.get((str(ROOT / mutant.path), name), [])
        new = [
            code for code in codes(compile(mutant.text(), str(ROOT / mutant.path), "exec")) if code.co_qualname == name
        ]
        if len({each.__code__ for each in old}) != 1 or len(new) != 1:
            return False
        for each in old:
            each.__code__ = new[0]
        return True


def codes(code: CodeType) -> Iterator[CodeType]:
    """The code objects of a module, and those inside them."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from codes(constant)
