"""The house rules about imports: which part of the package may use which, and that no files import each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set

from tests.house_rules import nodes

NAME = "compress_compare"

# From the bottom up; a module imports only from rows above its own in this table, or from its own package.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "late"),
    ("checks", "progress", "columns", "table", "schemes", "plugins"),
    ("records",),
    ("analysis", "operations"),
    ("readers", "evaluation"),
    ("store", "plans", "recipes", "on_disk"),
    ("comparisons", "importers", "exporters", "callbacks"),
    ("shipping", "model_explorer"),
    ("page", "engines"),
    ("report",),
    ("project",),
    ("__init__",),
    ("remote",),
    ("server", "demos"),
    ("cli",),
)
MAX_LOOSE_MODULES = 8


def upward_imports(tree: ast.Module, module: str) -> Iterator[str]:
    """Rule 3: ``module`` is dotted and below the package, e.g. ``store.models``."""
    own = module.split(".")[0]
    for target in imported_siblings(tree, module):
        if target != own and _rank(target) >= _rank(own):
            yield f"imports {target}, which is not below {own}"


def imported_siblings(tree: ast.Module, module: str) -> set[str]:
    """The top-level parts of our own package that ``module`` imports, wherever in the file it does."""
    found: set[str] = set()
    parents = module.split(".")
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = [*parents[: len(parents) - node.level], *(node.module or "").split(".")]
            base = ".".join(part for part in package if part)
            names = [f"{NAME}.{base}.{alias.name}".replace("..", ".") for alias in node.names]
        else:
            continue
        inside = [name.split(".") for name in names if name.split(".")[0] == NAME]
        found |= {parts[1] if len(parts) > 1 and _known(parts[1]) else "__init__" for parts in inside}
    return found


def imported_modules(tree: ast.Module, module: str, *, known: Set[str], is_package: bool = False) -> set[str]:
    """The modules of our own package that one imports: lazily, for types alone, or at once.

    Args:
        tree: the module's source.
        module: dotted, below the package; empty for the package itself.
        known: all modules, dotted, below the package.
        is_package: whether it is an ``__init__.py``.
    """
    parents = [part for part in module.split(".") if part]
    package = parents if is_package else parents[:-1]
    found: set[str] = set()
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            dotted = [alias.name.split(".") for alias in node.names]
            found |= {".".join(parts[1:]) for parts in dotted if parts[0] == NAME}
        elif isinstance(node, ast.ImportFrom):
            source = (node.module or "").split(".") if node.module else []
            if node.level:
                source = [*package[: len(package) - node.level + 1], *source]
            elif source[:1] == [NAME]:
                source = source[1:]
            else:
                continue
            for alias in node.names:
                inner = ".".join([*source, alias.name])
                found.add(inner if inner in known else ".".join(source))
    return (found & known) - {module}


def imported_scripts(tree: ast.Module, *, known: Set[str]) -> set[str]:
    """The scripts of a folder that one of them imports, by their dotted names below it: ``larger.steps``."""
    found: set[str] = set()
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found & known


def circles(imports: Mapping[str, Set[str]]) -> list[list[str]]:
    """The groups of two and more files that import each other, directly or through others; each group sorted."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_files: list[str] = []
    found: list[list[str]] = []

    def visit(file: str) -> None:
        index[file] = lowest[file] = len(index)
        open_files.append(file)
        for other in sorted(imports.get(file, ())):
            if other not in index:
                visit(other)
                lowest[file] = min(lowest[file], lowest[other])
            elif other in open_files:
                lowest[file] = min(lowest[file], index[other])
        if lowest[file] == index[file]:
            group = open_files[open_files.index(file) :]
            del open_files[open_files.index(file) :]
            if len(group) > 1:
                found.append(sorted(group))

    for file in imports:
        if file not in index:
            visit(file)
    return found


def _known(name: str) -> bool:
    return any(name in layer for layer in LAYERS)


def _rank(name: str) -> int:
    return next((rank for rank, layer in enumerate(LAYERS) if name in layer), 0)
