"""The build hook: when it builds, when it steps aside, and what it says when it cannot."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.servers import lacking

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def hook() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A source tree with a page of one script."""
    ui = tmp_path / "ui"
    (ui / "src").mkdir(parents=True)
    for name, text in {
        "index.html": "<!doctype html>",
        "package.json": '{"name": "page", "version": "1.0.0", "scripts": {"build": "node build.js"}}',
        "package-lock.json": '{"name": "page", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {}}}',
        "build.js": (
            "const fs = require('fs');"
            "fs.mkdirSync('../src/compress_compare/server/static', {recursive: true});"
            "fs.copyFileSync('index.html', '../src/compress_compare/server/static/index.html');"
            "fs.writeFileSync('../node-env', String(process.env.NODE_ENV));"
        ),
        "src/main.ts": "export {};",
    }.items():
        (ui / name).write_text(text)
    return tmp_path


def test_the_fingerprint_changes_with_sources_only(hook: ModuleType, root: Path) -> None:
    ui = root / "ui"
    before = hook.fingerprint(ui)
    (ui / "node_modules").mkdir()
    (ui / "node_modules" / "x.js").write_text("1")
    (ui / "notes.txt").write_text("not a source")
    assert hook.fingerprint(ui) == before
    (ui / "src" / "main.ts").write_text("export { };")
    changed = hook.fingerprint(ui)
    assert changed != before
    (ui / "src" / "main.ts").rename(ui / "src" / "other.ts")
    assert hook.fingerprint(ui) not in (before, changed)


def test_it_builds_once_and_again_after_a_change(hook: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_ENV", "production")
    assert not hook.is_built(root)
    hook.build(root)
    assert hook.is_built(root)
    assert (root / hook.STATIC / "index.html").read_text() == "<!doctype html>"
    assert (root / "node-env").read_text() == "undefined"
    (root / "ui" / "index.html").write_text("<!doctype html><title>new</title>")
    assert not hook.is_built(root)
    hook.build(root)
    assert "new" in (root / hook.STATIC / "index.html").read_text()


def test_a_failed_build_is_not_taken_for_a_built_page(hook: ModuleType, root: Path) -> None:
    hook.build(root)
    (root / "ui" / "build.js").write_text("process.exit(3)")
    (root / "ui" / "index.html").write_text("changed")
    with pytest.raises(hook.BuildError, match="Building the page failed"):
        hook.build(root)
    assert not hook.is_built(root)


def test_without_node_it_says_what_to_do(hook: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(hook.BuildError) as caught:
        hook.build(root)
    assert "Node is needed" in str(caught.value)
    assert "python hatch_build.py" in str(caught.value)
    assert "COMPRESS_COMPARE_SKIP_UI=1" in str(caught.value)


def test_without_sources_it_says_what_to_do(hook: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(hook.BuildError, match=r"sources of the page \(ui/\) are missing"):
        hook.build(tmp_path)


class Application:
    """What hatchling hands to a hook, as far as the hook uses it."""

    def abort(self, message: str) -> None:
        raise SystemExit(message)


def a_hook(hook: ModuleType, root: Path) -> object:
    return hook.UiBuildHook(str(root), {}, None, None, str(root), "wheel", Application())


def test_node_is_asked_for_only_when_there_is_something_to_build(
    hook: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert a_hook(hook, root).dependencies() == [hook.NODE]
    monkeypatch.setenv(hook.SKIP, "1")
    assert a_hook(hook, root).dependencies() == []
    monkeypatch.delenv(hook.SKIP)
    hook.build(root)
    assert a_hook(hook, root).dependencies() == []


def test_editable_installs_and_the_switch_build_nothing(
    hook: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_hook(hook, root).initialize("editable", {})
    assert not hook.is_built(root)
    monkeypatch.setenv(hook.SKIP, "1")
    a_hook(hook, root).initialize("standard", {})
    assert not hook.is_built(root)
    monkeypatch.delenv(hook.SKIP)
    a_hook(hook, root).initialize("standard", {})
    assert hook.is_built(root)


def test_a_build_that_cannot_be_done_ends_with_one_message(hook: ModuleType, root: Path) -> None:
    (root / "ui" / "package-lock.json").unlink()
    with pytest.raises(SystemExit, match="sources of the page"):
        a_hook(hook, root).initialize("standard", {})


@pytest.fixture
def loops(hook: ModuleType, root: Path) -> Path:
    """A source with the loops of a package."""
    source: Path = root / hook.LOOPS
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text("int cc_version(void) { return 1; }\n")
    return source


def test_loops_are_compiled_once_and_again_after_a_change(hook: ModuleType, root: Path, loops: Path) -> None:
    if shutil.which("cc") is None:
        lacking("There is no C compiler.")
    library = hook.compiled(root)
    assert library.parent == loops.parent
    library.write_text("kept")
    assert hook.compiled(root).read_text() == "kept"
    loops.write_text("int cc_version(void) { return 2; }\n")
    assert hook.compiled(root).read_bytes() != b"kept"


def test_no_old_library_is_left_where_loops_are_not_compiled(
    hook: ModuleType, root: Path, loops: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "/bin/false")
    loops.with_name("_fused.so").write_text("old")
    assert hook.compiled(root) is None
    assert [path.name for path in loops.parent.iterdir()] == [loops.name]
    monkeypatch.setenv(hook.SKIP, "1")
    tags: dict[str, object] = {}
    a_hook(hook, root).initialize("standard", tags)
    assert tags == {}
