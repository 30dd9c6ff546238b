"""The rules about the page's files can fail, and find no fault where there is none."""

from __future__ import annotations

import pytest

from tests import house_rules_ui as rules

FILES = {
    "state/a.ts": "",
    "state/b.svelte.ts": "",
    "state/c/index.ts": "",
    "views/one/A.svelte": "",
    "views/two/b.ts": "",
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('import { x } from "./a";', {"state/a.ts"}),
        ('import type { X } from "@/state/a";', {"state/a.ts"}),
        ('import {\n  x,\n  type Y,\n} from "./b.svelte";', {"state/b.svelte.ts"}),
        ('import "./c";', {"state/c/index.ts"}),
        ('export * from "../state/a";', {"state/a.ts"}),
        ('const load = () => import("@/views/one/A.svelte");', {"views/one/A.svelte"}),
        ("import a from './a'; import b from '@/views/two/b.ts'", {"state/a.ts", "views/two/b.ts"}),
        ('type T = import("./a").T;', {"state/a.ts"}),
        ('// import { x } from "./a";', set()),
        ('/* import "./a" */', set()),
        ('import { x } from "svelte";', set()),
        ('import data from "./a.json";', set()),
    ],
)
def test_imports(text: str, found: set[str]) -> None:
    assert rules.imports({**FILES, "state/me.ts": text})["state/me.ts"] == found


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        ({"a": {"b"}, "b": {"a"}}, [["a", "b"]]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, [["a", "b", "c"]]),
        ({"a": {"a"}}, [["a"]]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d", "a"}, "d": {"c"}}, [["a", "b"], ["c", "d"]]),
        ({"a": {"b", "c"}, "b": {"c"}, "c": set()}, []),
    ],
)
def test_circles(graph: dict[str, set[str]], found: list[list[str]]) -> None:
    assert rules.circles(graph) == found


@pytest.mark.parametrize(
    ("name", "target", "broken"),
    [
        ("views/layers/Grid.svelte", "views/behaviors/window.ts", True),
        ("views/overview/map/a.ts", "views/layers/tensor/b.ts", True),
        ("views/overview/map/a.ts", "views/overview/details/b.ts", False),
        ("views/registry.ts", "views/layers/Layers.svelte", False),
        ("views/layers/Grid.svelte", "widgets/window.ts", False),
        ("report/Report.svelte", "views/overview/Overview.svelte", False),
    ],
)
def test_neighbors(name: str, target: str, broken: bool) -> None:
    assert bool(list(rules.neighbors({name: {target}, target: set()}))) is broken


@pytest.mark.parametrize(
    ("name", "target", "broken"),
    [
        ("api/client.ts", "state/table.ts", True),
        ("charts/a.ts", "widgets/b.ts", True),
        ("widgets/a.ts", "views/layers/b.ts", True),
        ("views/layers/a.ts", "shell/b.ts", True),
        ("views/layers/a.ts", "testing/app.ts", True),
        ("views/layers/a.test.ts", "testing/app.ts", False),
        ("state/table.ts", "api/client.ts", False),
        ("views/layers/a.ts", "widgets/b.ts", False),
        ("state/a.ts", "state/b.ts", False),
    ],
)
def test_upward(name: str, target: str, broken: bool) -> None:
    assert bool(list(rules.upward({name: {target}, target: set()}))) is broken


@pytest.mark.parametrize(
    ("other", "broken"),
    [
        ("<style>p { margin: 0;\n color: red; }</style>", True),
        ("<style>/* why */ p {\n  margin: 0; color: red; }</style>", True),
        ("<style>b { margin: 0; color: red; }</style>", False),
        ("<style>p { margin: 0; }</style>", False),
        ("<p>p { margin: 0; color: red; }</p>", False),
    ],
)
def test_repeated_styles(other: str, broken: bool) -> None:
    ours = "<p></p><style>p { margin: 0; color: red; } i { margin: 0; }</style>"
    assert bool(list(rules.repeated_styles({"A.svelte": ours, "B.svelte": other}))) is broken
    assert not list(rules.repeated_styles({"A.svelte": ours + ours}))


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("p { margin: 0 4px; }", True),
        ("<p></p><style>p { width: calc(100% - 12.5px); }</style>", True),
        ("@media print { p { border-top: 1px solid } }", True),
        ("p { margin: 0 var(--space-1); /* 4px */ }", False),
        ("<p style:width='4px'></p><style>p { width: 4ch; }</style>", False),
        ("<p>width: 4px;</p>", False),
    ],
)
def test_pixels(text: str, broken: bool) -> None:
    assert bool(list(rules.pixels(text))) is broken


def test_tested_share() -> None:
    sources = {"a.ts": "x\n" * 10, "B.svelte": "x\n" * 10, "a.test.ts": "x\n" * 3, "testing/app.ts": "x\n" * 2}
    assert rules.tested_share(sources) == 0.25
