"""What is in the wheel and the sdist."""

from __future__ import annotations

import shutil
import sysconfig
import tarfile
import zipfile
from pathlib import Path

from tests.packaging.conftest import build_wheel
from tests.servers import lacking

STATIC = "compress_compare/server/static/"


LOOPS = "compress_compare/analysis/layers/_fused."


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_carries_the_page_and_nothing_that_does_not_belong(wheel: Path) -> None:
    inside = names(wheel)
    assert STATIC + "index.html" in inside
    assert any(name.startswith(STATIC + "assets/") and name.endswith(".js") for name in inside)
    assert {name.split("/")[0].split("-")[0] for name in inside} == {"compress_compare"}
    assert not [name for name in inside if name.endswith((".svelte", ".pyc", ".built-from", ".map"))]
    assert any(name.endswith("licenses/LICENSE") for name in inside)
    assert wheel.stat().st_size < 5_000_000


def test_a_wheel_with_compiled_loops_is_for_one_platform(wheel: Path) -> None:
    if shutil.which("cc") is None:
        lacking("There is no C compiler.")
    assert [name for name in names(wheel) if name.startswith(LOOPS)]
    *_, python, abi, platform = wheel.stem.split("-")
    assert (python, abi) == ("py3", "none")
    assert platform == sysconfig.get_platform().replace("-", "_").replace(".", "_")


def test_the_sdist_makes_the_same_wheel_without_node(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert (source / "ui" / "package-lock.json").is_file()
    assert (source / "ui" / "src" / "main.ts").is_file()
    assert not list(source.rglob("node_modules"))
    nowhere = {"PATH": str(tmp_path), "npm_config_registry": "http://127.0.0.1:9", "npm_config_fetch_retries": "0"}
    made = build_wheel(source, tmp_path / "wheel", **nowhere)
    # nor is there a compiler: the wheel is one for all platforms
    assert made.name.endswith("-py3-none-any.whl")
    assert names(made) == {name for name in names(wheel) if not name.startswith(LOOPS)}
