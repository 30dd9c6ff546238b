"""Power losses and failing disks, many times over: F7, F8 and F9 of the plan of faults.

Claim: whatever a power loss takes away that was not synced, all that was acknowledged is there, nothing is half done
and no file is damaged; and whichever write, sync or change of a name fails, the error says so, and the project holds
what it held. What is caused and checked is in ``tests/store/test_power_loss.py``. Needs a C compiler. Run from the
repository root: ``python benchmarks/disk.py [PROCESSES] [LOSSES]``: processes that change a project, and power losses
of each. Ends with an error if the claim is off.
"""

from __future__ import annotations

import errno
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.store.test_power_loss import check_failing_disk, check_power_losses

CHANGES = 80
FAILURES = (
    ("write", errno.ENOSPC, {"storage.full"}),
    ("name", errno.ENOSPC, {"storage.full"}),
    ("sync", errno.EIO, {"storage.sync_failed"}),
)


def main() -> None:
    """Cause them all and count."""
    processes, losses = (int(given) for given in [*sys.argv[1:], *("4", "50")[len(sys.argv) - 1 :]])
    for seed in range(processes):
        with tempfile.TemporaryDirectory() as folder:
            check_power_losses(Path(folder).resolve(), seed=seed, changes=CHANGES, losses=losses)
        print(f"F9 seed {seed}: {losses} power losses during {CHANGES} changes; all that was said was there")
    for kind, number, codes in FAILURES:
        with tempfile.TemporaryDirectory() as folder:
            times = check_failing_disk(Path(folder).resolve(), kind, number=number, codes=codes)
        print(f"F7, F8: {times} calls of the kind {kind!r} failed one by one; each was said: {', '.join(codes)}")


if __name__ == "__main__":
    main()
