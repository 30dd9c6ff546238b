"""Requests drawn from what the server says of itself, many of them: none is answered by a failure of ours.

Claim: no answer is a 5xx but 503 and 507 with a code, every refusal has its code and sentence, and the server's memory
is bounded. What is drawn and checked is in ``tests/server/test_schema_fuzz.py``. Run from the repository root:
``python benchmarks/fuzz_server.py [MINUTES] [SEED]`` (default: 10 minutes, seed 1). Ends with exit code 1 otherwise.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import compress_compare as cc
from tests.server import test_schema_fuzz
from tests.server.conftest import fill
from tests.server.test_killed import server_of

LIMIT_MB = 600


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        with cc.open(Path(folder) / "small") as project:
            fill(project)
        with server_of(Path(folder) / "small") as (process, client):
            end = time.monotonic() + 60 * minutes
            while time.monotonic() < end:
                method, path = draw.choice(test_schema_fuzz.OPERATIONS)
                request = test_schema_fuzz.drawn(method, path, draw)
                try:
                    answer = client.request(**request)
                    statuses[answer.status_code] += 1
                    test_schema_fuzz.check_answer(answer, path, method)
                except Exception as error:  # what fails is kept, and the next one is tried
                    wrong.append(f"{request!r:.2000}: {error!r:.500}")
                    print(wrong[-1], flush=True)
            status = Path(f"/proc/{process.pid}/status").read_text()
            memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1e3
    print(f"{statuses.total()} requests: " + ", ".join(f"{status}: {n}" for status, n in sorted(statuses.items())))
    print(f"{len(wrong)} wrong; the server took at most {memory:.0f} MB, {memory / LIMIT_MB:.2f} × limit")
    return int(bool(wrong) or memory > LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())
