"""F17: a clock that jumps changes no order, no lock and no token, and nothing takes less than no time."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or sys.platform != "linux", reason="needs a C compiler on Linux"
)
CLOCK = Path(__file__).parent / "clock"
ROOT = CLOCK.parent.parent.parent
DAY, HOUR = 86_400, 3_600


def seconds_to(year: int) -> int:
    """From now to the middle of a year."""
    return int(datetime.datetime(year, 7, 1, tzinfo=datetime.UTC).timestamp() - time.time())


JUMPS = [(0, DAY), (0, -DAY), (0, -HOUR), (0, HOUR), (seconds_to(1970), seconds_to(1970)), (0, seconds_to(2040))]
"""Seconds that the clock is off, before and after."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("clock"))


def build(folder: Path) -> Path:
    """Compile ``clock.c``; returns the shared library."""
    path = folder / "clock.so"
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(path), str(CLOCK / "clock.c")]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.mark.parametrize(
    ("before", "after"), JUMPS, ids=["a day on", "a day back", "an hour back", "an hour on", "1970", "2040"]
)
def test_f17_a_clock_that_jumps(tmp_path: Path, library: Path, before: int, after: int) -> None:
    check_jump(tmp_path, library, before=before, after=after)


def check_jump(folder: Path, library: Path, *, before: int, after: int) -> None:
    """Let the clock jump while a new project below a folder is used."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, str(CLOCK / "jumps.py"), str(folder), str(before), str(after)],
        env=os.environ | {"LD_PRELOAD": str(library), "PYTHONPATH": path, "TZ": "Europe/Berlin"},
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert found["year"] == (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=before)).year
    assert found["models"] == ["m0", "m1", "m2", "m3"]
    assert found["history"] == ["note 3", "note 2", "note 1", "note 0"]
    assert found["started"] <= found["finished"]
    assert found["passed"] > 0
    assert found["held"]
    assert found["token"] == "lasting"
    assert found["damage"] == []
    assert found["weights"] == [0, 1, 2, 3]
