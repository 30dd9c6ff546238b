"""The documentation is complete, its links resolve and its runnable snippets run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import click
import pytest

from compress_compare.cli.main import COMMANDS
from compress_compare.cli.main import command as command_of
from compress_compare.operations import OPERATIONS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    texts = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose))
    return {text.strip().replace(" ", "-") for text in texts}


def broken_links(page: Path) -> list[str]:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.findall(prose):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


def runnable(page: Path) -> list[str]:
    """The snippets marked ``python run``."""
    fences = FENCE.findall(page.read_text(encoding="utf-8"))
    return [code for language, info, code in fences if language == "python" and info.split() == ["run"]]


def set_up_commands(readme: str) -> list[str]:
    lines = [line for language, _, code in FENCE.findall(readme) if language == "sh" for line in code.splitlines()]
    return [line.split("#")[0].strip() for line in lines]


def test_the_readme_has_two_set_up_commands_and_fits_a_screen() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set_up_commands(readme) == ["make demo", "make test"]
    assert len(readme.splitlines()) <= 60


@pytest.mark.parametrize("document", PAGES, ids=name_of)
def test_links_resolve(document: Path) -> None:
    assert broken_links(document) == []


@pytest.mark.parametrize("document", [page for page in PAGES if runnable(page)], ids=name_of)
def test_snippets_run(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        # A reader's script leaves its project open until it ends.
        warnings.simplefilter("ignore", ResourceWarning)
        for code in runnable(document):
            exec(compile(code, name_of(document), "exec"), names)
        if close := getattr(names.get("project"), "close", None):
            close()


def test_every_command_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        command = command_of(name)
        assert f"## {name}" in text, f"docs/cli.md has no section for {name}"
        section = text.split(f"## {name}\n")[1].split("\n## ")[0]
        for parameter in command.params:
            for option in (
                parameter.opts if isinstance(parameter, click.Option) else [str(parameter.human_readable_name)]
            ):
                assert option in section, f"docs/cli.md, {name}: {option} is missing"


def test_the_documentation_names_no_command_that_is_not_there() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^## ([a-z-]+)$", text, re.MULTILINE))
    assert sections == set(COMMANDS)
    for page in PAGES:
        used = re.findall(
            r"^(?:\.venv/bin/)?compress-compare ([a-z][a-z-]*)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert set(used) <= set(COMMANDS), name_of(page)


def test_every_operation_is_in_the_documentation() -> None:
    headings = [
        heading.strip("`") for heading in HEADING.findall((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
    ]
    assert set(OPERATIONS) <= set(headings)


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A heading, here\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#a-heading-here) [c](gone.md) [d](there.md#gone) [e](https://example.org)"
    )
    assert broken_links(page) == ["gone.md", "there.md#gone"]


def test_the_site_builds_without_a_warning_and_without_a_network(tmp_path: Path) -> None:
    """A proxy that does not answer stands for the missing network."""
    no_network = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | no_network, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    page = (tmp_path / "site" / "api" / "project.html").read_text(encoding="utf-8")
    assert 'id="compress_compare.Project.log_model"' in page
    assert "https://fonts" not in page
