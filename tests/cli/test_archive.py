"""``pack``, ``unpack`` and ``merge`` on the command line: two machines, one project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import UserError


def run(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_two_machines_one_project(tmp_path: Path) -> None:
    with cc.open(tmp_path / "desk") as project:
        project.log_model("root", note="")
    assert "Wrote" in run("pack", tmp_path / "desk", "-o", tmp_path / "x.ccz")
    assert "Unpacked 1 models" in run("unpack", tmp_path / "x.ccz", tmp_path / "cluster")
    for name in ("desk", "cluster"):
        with cc.open(tmp_path / name) as project:
            project.log_model(f"of {name}", base="root")
            project.set_note("root", f"seen at {name}")
    both = tmp_path / "desk", tmp_path / "cluster"
    assert "note root: 'seen at desk' here, 'seen at cluster' there" in run("merge", *both, "--dry-run")
    found = json.loads(run("merge", *both, "--dry-run", "--json"))["conflicts"]
    assert [each["conflict"] for each in found] == ["note root"]
    with pytest.raises(UserError) as caught:
        run("merge", *both)
    assert caught.value.code == "merge.conflict"
    with pytest.raises(UserError) as caught:
        run("merge", *both, "--take", "note root")
    assert caught.value.code == "merge.choice"
    text = run("merge", *both, "--take", "note root=both")
    assert "1 models added" in text
    assert "both: note root" in text
    assert run("merge", *both, "--on-conflict", "ours").splitlines()[0].startswith("ours: note root")
    with cc.open(tmp_path / "desk") as project:
        assert set(project.models()["id"].to_pylist()) == {"root", "of desk", "of cluster"}
        assert project.model("root").note == "seen at desk\n\nseen at cluster"
    assert json.loads(run("merge", tmp_path / "cluster", tmp_path / "desk", "--on-conflict", "theirs", "--json"))[
        "added"
    ]
