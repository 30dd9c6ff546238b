"""The group of commands: what it lists is what the commands say, and it starts without what a command needs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from compress_compare.cli.main import COMMANDS, cli, command

HEAVY = ("numpy", "pyarrow", "sqlalchemy", "torch", "fastapi", "pydantic", "compress_compare.project")


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


def test_the_public_names_are_found_and_no_others() -> None:
    import compress_compare as cc

    assert all(hasattr(cc, name) for name in cc.__all__)
    assert cc.operations.OPERATIONS
    with pytest.raises(AttributeError, match="no attribute 'shrink'"):
        _ = cc.shrink
