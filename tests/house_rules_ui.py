"""The house rules of the page as functions: which of its source files imports which, and what may not be.

The imports are found in the text of `.ts` and `.svelte` files: static, for types only, re-exported and dynamic ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

# From the bottom up; a file imports only from rows above its own in this table, or from its own folder.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("format", "styles"),
    ("api",),
    ("state",),
    ("charts", "widgets"),
    ("export",),
    ("views",),
    ("shell",),
    ("App.svelte", "report", "projects"),
    ("main.ts",),
    ("testing",),
)

_COMMENT = re.compile(r"/\*.*?\*/|<!--.*?-->|(?m:^\s*//.*$)", re.DOTALL)
_IMPORT = re.compile(r"""\b(?:from|import)\s*\(?\s*["']((?:@|\.{1,2})/[^"'\n]+)["']""")
_ENDINGS = ("", ".ts", ".svelte", ".svelte.ts", "/index.ts")


def imports(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Which of the files imports which others of them.

    Args:
        sources: the text of each file by its path below `ui/src`, with slashes.
    """
    found: dict[str, set[str]] = {}
    for name, text in sources.items():
        targets = (_resolve(name, word) for word in _IMPORT.findall(_COMMENT.sub("", text)))
        found[name] = {file for target in targets for end in _ENDINGS if (file := target + end) in sources}
    return found


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of files that reach each other by imports, each sorted; a file that imports itself is one."""
    reach = {name: _reachable(graph, name) for name in graph}
    groups = {
        tuple(sorted(other for other in reach[name] if name in reach[other])) for name in graph if name in reach[name]
    }
    return [list(group) for group in sorted(groups)]


def neighbors(graph: Mapping[str, set[str]]) -> Iterator[str]:
    """Imports from one folder of `views/` to another."""
    for name, targets in sorted(graph.items()):
        for target in sorted(targets):
            ours, theirs = _view_of(name), _view_of(target)
            if ours and theirs and ours != theirs:
                yield f"{name} imports {target}, of another view"


def upward(graph: Mapping[str, set[str]]) -> Iterator[str]:
    """Imports of what does not stand below; what helps the tests may be imported by them alone."""
    for name, targets in sorted(graph.items()):
        if name.endswith(".test.ts"):
            continue
        for target in sorted(targets):
            ours, theirs = name.split("/")[0], target.split("/")[0]
            if ours != theirs and _rank(theirs) >= _rank(ours):
                yield f"{name} imports {target}, which is not below {ours}"


def repeated_styles(sources: Mapping[str, str]) -> Iterator[str]:
    """Rules of two and more declarations that stand word for word in the `<style>` of more than one component.

    What they have in common belongs into a component of its own or into `styles/`.
    """
    places: dict[str, list[str]] = {}
    for name, text in sorted(sources.items()):
        for rule in sorted(set(_style_rules(text))):
            places.setdefault(rule, []).append(name)
    for rule, names in places.items():
        if len(names) > 1 and rule.count(";") > 1:
            yield f"{rule} stands in {', '.join(names)}"


def pixels(text: str) -> Iterator[str]:
    """Lengths in pixels among the styles of a component or of a stylesheet: sizes come from the tokens."""
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL) if "<style>" in text or "</" in text else [text]
    for style in styles:
        for found in re.findall(
            r"[\w-]+:[^;{}]*?\b[\d.]+px\b[^;{}]*", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
        ):
            yield f"a size outside the tokens: {' '.join(found.split())}"


def tested_share(sources: Mapping[str, str]) -> float:
    """Lines of tests, and of what only tests import, for each line of the page's own files."""
    lines = {True: 0, False: 0}
    for name, text in sources.items():
        lines[name.endswith(".test.ts") or name.startswith("testing/")] += text.count("\n")
    return lines[True] / max(1, lines[False])


def _style_rules(text: str) -> Iterator[str]:
    """`selector { declarations }` with single spaces, the same however it was broken into lines."""
    for style in re.findall(r"<style>(.*?)</style>", text, re.DOTALL):
        for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)):
            yield f"{' '.join(selector.split())} {{ {' '.join(body.split())} }}"


def _rank(folder: str) -> int:
    return next(rank for rank, layer in enumerate(LAYERS) if folder in layer)


def _resolve(name: str, word: str) -> str:
    """The path below `ui/src`, perhaps without its ending, that an import in the file `name` means."""
    parts = [] if word.startswith("@/") else list(PurePosixPath(name).parent.parts)
    for part in PurePosixPath(word.removeprefix("@/")).parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += graph.get(name, ())
    return seen


def _view_of(name: str) -> str | None:
    parts = PurePosixPath(name).parts
    return parts[1] if len(parts) > 2 and parts[0] == "views" else None
