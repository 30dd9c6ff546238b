"""Every example runs from a command line and prints what it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
EXPECTED = {
    "track_experiments": ["What differs: amount, train 2", "Worth keeping: cnn-p90-retrained"],
    "compress_a_model": ["mlp-p75", "mlp-w4", "Zeros in the first layer: "],
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs(example: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "error::DeprecationWarning:compress_compare",
        str(example),
        str(tmp_path / "project"),
    ]
    environment = {"PYTHONPATH": str(ROOT / "src"), "PATH": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for words in EXPECTED[example.stem]:
        assert words in done.stdout
    assert len(example.read_text(encoding="utf-8").splitlines()) < 100


def test_every_example_is_checked() -> None:
    assert {path.stem for path in EXAMPLES} == set(EXPECTED)
