"""Small changes of source text: what may be changed, and the text after it."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path("src/compress_compare")

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One change of a file: the position of a node in the walk of its tree, which change of it, and its line."""

    path: Path
    index: int
    change: int
    line: int

    def text(self) -> str:
        """The whole file after the change."""
        tree = parsed(self.path)
        mutate(next(node for place, node in enumerate(ast.walk(tree)) if place == self.index), self.change)
        return ast.unparse(tree)

    def difference(self) -> dict[str, str]:
        """Where it is, and the lines before and after it: the name of a change, whatever else moves in its file."""
        lines = difflib.ndiff(plain(self.path).splitlines(), self.text().splitlines())
        gone = [(line[:1], line[2:].strip()) for line in lines if line[:1] in "+-"]
        return {
            "path": self.path.relative_to(PACKAGE).as_posix(),
            "inside": inside(parsed(self.path), self.index),
            "before": " ".join(line for sign, line in gone if sign == "-"),
            "after": " ".join(line for sign, line in gone if sign == "+"),
        }


def parsed(path: Path) -> ast.Module:
    """The tree of a file of ours, with the lines that it has when it is written without comments, as mutants are."""
    return ast.parse(plain(path))


@cache
def plain(path: Path) -> str:
    """A file of ours without comments, laid out as mutants are."""
    return ast.unparse(ast.parse((ROOT / path).read_text(encoding="utf-8")))


def plain_lines(path: Path) -> dict[int, int]:
    """For each line of a file where an expression or statement begins, its line in `plain`."""
    as_it_is = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found: dict[int, int] = {}
    for node, other in zip(ast.walk(as_it_is), ast.walk(parsed(path)), strict=True):
        if isinstance(node, ast.stmt | ast.expr) and isinstance(other, ast.stmt | ast.expr):
            found.setdefault(node.lineno, other.lineno)
    return found


def mutants(path: Path) -> Iterator[Mutant]:
    """Every small change of a file."""
    tree = parsed(path)
    skipped = left_alone(tree)
    for index, node in enumerate(ast.walk(tree)):
        if id(node) not in skipped:
            yield from (Mutant(path, index, change, getattr(node, "lineno", 0)) for change in range(changes(node)))


def inside(tree: ast.Module, index: int) -> str:
    """The functions and classes around a node of the walk, dotted."""
    target = next(node for place, node in enumerate(ast.walk(tree)) if place == index)
    around = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    holders = [node for node in ast.walk(tree) if isinstance(node, around) and target in ast.walk(node)]
    return ".".join(node.name for node in holders)


def left_alone(tree: ast.Module) -> set[int]:
    """What says nothing at run time: annotations, decorators, imports for types, formats of texts.

    So does how far below zero a size is for `reshape`: NumPy takes every negative one for what is to be worked out.
    """
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.arg | ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            parts = [node.returns, *node.decorator_list]
        elif isinstance(node, ast.ClassDef):
            parts = [*node.decorator_list]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            parts = [node]
        elif isinstance(node, ast.FormattedValue):
            parts = [node.format_spec]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reshape":
            sizes = (each for argument in node.args for each in ast.walk(argument) if isinstance(each, ast.UnaryOp))
            parts = [size.operand for size in sizes if isinstance(size.op, ast.USub)]
        for part in parts:
            found |= {id(each) for each in ast.walk(part)} if part is not None else set()
    return found


def changes(node: ast.AST) -> int:
    """How many ways there are to change one node."""
    if isinstance(node, ast.Compare):
        return sum(type(op) in SWAPS for op in node.ops)
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        return int(type(node.op) in SWAPS)
    if isinstance(node, ast.UnaryOp):
        return int(isinstance(node.op, ast.Not | ast.USub))
    if isinstance(node, ast.Constant):
        return int(isinstance(node.value, bool | int | float))
    if isinstance(node, ast.Call):
        return int(isinstance(node.func, ast.Name) and node.func.id in CALLS)
    return int(isinstance(node, ast.If | ast.IfExp | ast.While))


def mutate(node: ast.AST, change: int) -> None:
    """Make one of the changes of a node, in place."""
    if isinstance(node, ast.Compare):
        place = [index for index, op in enumerate(node.ops) if type(op) in SWAPS][change]
        node.ops[place] = SWAPS[type(node.ops[place])]()  # type: ignore[call-overload]
    elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        node.op = SWAPS[type(node.op)]()  # type: ignore[assignment]
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else node.op
        if isinstance(node.op, ast.Not):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant):
        value = node.value
        node.value = not value if isinstance(value, bool) else value + 1  # type: ignore[operator]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        node.func.id = CALLS[node.func.id]
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        node.test = ast.UnaryOp(ast.Not(), node.test)
