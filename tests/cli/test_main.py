"""The group of commands: what it lists is what the commands say, and it starts without what a command needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import COMMANDS, cli, command

HEAVY = ("numpy", "pyarrow", "sqlalchemy", "torch", "fastapi", "pydantic", "compress_compare.project")
NOT_FOR_LISTING = (
    *("pandas", "torch", "fastapi", "pydantic", "yaml", "PIL", "safetensors", "psutil", "pyarrow.parquet"),
    *("compress_compare.readers.checkpoint", "compress_compare.store.checkpoints", "compress_compare.store.instances"),
    *("compress_compare.report", "compress_compare.engines"),
)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_the_command_says(name: str) -> None:
    found = command(name)
    assert found.name == name
    assert found.get_short_help_str(limit=1000) == COMMANDS[name][1]


def test_an_unknown_command_is_named() -> None:
    done = CliRunner().invoke(cli, ["shrink"])
    assert done.exit_code == 2
    assert "No such command 'shrink'" in done.output


def imported(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_nothing_heavy() -> None:
    found = imported("from compress_compare.cli.main import cli\ncli(['--help'], standalone_mode=False)")
    assert "click" in found
    assert not found & set(HEAVY)


def test_the_package_imports_nothing_heavy_until_a_name_is_used() -> None:
    assert not imported("import compress_compare") & set(HEAVY)
    assert "compress_compare.project" in imported("import compress_compare\ncompress_compare.open")


def test_listing_imports_what_it_needs_and_little_more(tmp_path: Path) -> None:
    """Numbers of modules, because seconds depend on the machine: `ls` imported 156 of ours and 620 others before."""
    project = cc.open(tmp_path / "p")
    project.log_model("a", operation=cc.Operation("train"), metrics={"acc": 0.9}, tags=["kept"])
    project.close()
    found = imported(
        "from compress_compare.cli.main import cli\n"
        f"cli(['ls', {str(project.path)!r}, '--where', 'acc > 0.5', '--sort', 'acc'], standalone_mode=False)"
    )
    assert {"sqlalchemy", "pyarrow", "compress_compare.project"} <= found
    assert found.isdisjoint(NOT_FOR_LISTING), found.intersection(NOT_FOR_LISTING)
    ours = {name for name in found if name.startswith("compress_compare")}
    assert len(ours) <= 95, sorted(ours)


def test_a_late_module_is_imported_when_it_is_used() -> None:
    code = "from compress_compare import late\n(found,) = late.modules('importlib', 'resources')"
    assert "importlib.resources" not in imported(code)
    assert "importlib.resources" in imported(f"{code}\nfound.files")


def test_the_public_names_are_found_and_no_others() -> None:
    import compress_compare as cc

    assert all(hasattr(cc, name) for name in cc.__all__)
    assert cc.operations.OPERATIONS
    with pytest.raises(AttributeError, match="no attribute 'shrink'"):
        _ = cc.shrink
