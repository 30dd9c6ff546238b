"""How the checks of ``interop`` run other tools, each in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import compress_compare as cc


def tool(python: str, code: str, *arguments: str, **settings: str) -> str:
    """What a program prints in another environment, with these variables set."""
    source = str(Path(cc.__file__).parent.parent)
    alone = {"MLFLOW_DISABLE_TELEMETRY": "true", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    environment = {**os.environ, **alone, "PYTHONPATH": source, **settings}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", code, *arguments], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return done.stdout
