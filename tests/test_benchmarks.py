"""The scripts of ``benchmarks/`` run by hand: what they use of the package, the tests and each other is there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "benchmarks"
SCRIPTS = sorted(FOLDER.rglob("*.py"))


def source_of(module: str) -> Path | None:
    """The file of a module of ours; ``None`` for any other."""
    for base in (FOLDER, ROOT, ROOT / "src"):
        for path in (base / f"{module.replace('.', '/')}.py", base / module.replace(".", "/") / "__init__.py"):
            if path.is_file():
                return path
    return None


def defined(path: Path) -> set[str]:
    """The names that a file has at its top, those of modules beside it too; all there is where it finds them late."""
    names = {one.stem for one in path.parent.iterdir()} if path.name == "__init__.py" else set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Dict) and "__getattr__" in names:
            names |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
    return names


def lost(path: Path) -> Iterator[str]:
    """What a script takes from files of ours that do not have it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules: dict[str, Path] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {one.asname or one.name: file for one in node.names if (file := source_of(one.name))}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            file = source_of(node.module)
            for one in node.names:
                inner = source_of(f"{node.module}.{one.name}")
                if inner is not None:
                    modules[one.asname or one.name] = inner
                elif file is not None and one.name not in defined(file):
                    yield f"{node.module}.{one.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            file = modules[node.value.id]
            if not node.attr.startswith("__") and node.attr not in defined(file):
                yield f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_all_that_a_script_takes_from_elsewhere_is_there(path: Path) -> None:
    assert sorted(set(lost(path))) == []


def test_what_is_lost_is_found(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import compress_compare as cc\nfrom peaks import Peak, peak_mb\nfrom tests.engines import test_ray\n"
        "cc.open\ncc.shrink\ntest_ray.NOTHING\n"
    )
    assert set(lost(script)) == {"cc.shrink", "peaks.peak_mb", "test_ray.NOTHING"}
