"""The faults of workers, supervisors, servers and clusters that the tests cause once or twice, many times over.

Claim: each ends in the state and with the reason that its test demands, every time; what can be drawn is drawn, such as
the moment of a kill. Run from the repository root: ``python benchmarks/faults.py [SHARE OF THE COUNTS] [START OF A
NAME]``, e.g. ``0.1 F2``; about half an hour in all. What is caused and checked is in ``tests/engines`` and
``tests/server``; the runner of a recipe has ``benchmarks/kills.py``. Those of a cluster need Ray and the right to make
a network namespace, F17 a C compiler; F13 lasts CROWD_S seconds, ten minutes if that is not set. Ends with exit code 1
when one of them did not.
"""

from __future__ import annotations

import math
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import compress_compare as cc
from compress_compare.engines import Limits, LocalEngine
from tests.engines import test_contract, test_ray, test_ray_faults, test_supervisor
from tests.remote import test_bad_network
from tests.server import test_killed
from tests.store import test_clocks, test_many_processes

SEED = 5
CROWD_S = float(os.environ.get("CROWD_S", "600"))
Case = Callable[[Path, random.Random], None]


@contextmanager
def engines() -> Iterator[Callable[..., LocalEngine]]:
    """Makes local engines, and ends them."""
    made: list[LocalEngine] = []

    def make(limits: Limits | None = None) -> LocalEngine:
        made.append(LocalEngine(2, limits or Limits(grace=0.5, heartbeat=20)))
        return made[-1]

    try:
        yield make
    finally:
        for engine in made:
            engine.close()


def of_engine(test: Callable[..., None], **drawn: Callable[[random.Random], Any]) -> Case:
    """A test of the contract of engines, some of its arguments drawn at random."""

    def run(folder: Path, draw: random.Random) -> None:
        with engines() as make:
            test(make, folder, **{name: value(draw) for name, value in drawn.items()})

    return run


def of_supervisor(folder: Path, draw: random.Random) -> None:  # noqa: ARG001
    """Two kills of a supervisor."""
    with cc.open(folder / "project") as project:
        test_supervisor.test_f3_a_killed_supervisor_leaves_no_job_running_and_no_worker(project)


def of_server(folder: Path, draw: random.Random) -> None:
    """Four kills of a server."""
    directory = test_killed.prepared(folder)
    test_killed.killed_again_and_again(directory, [draw.uniform(0, 6) for _ in range(4)])


def of_cluster(fault: str) -> Case:
    """One of the faults of a cluster, or a node that is killed in a recipe."""

    def run(folder: Path, draw: random.Random) -> None:  # noqa: ARG001
        if fault == "node":
            test_ray.test_a_recipe_goes_on_when_a_node_is_killed(folder)
        else:
            test_ray_faults.test_f19_a_fault_of_the_cluster_is_said_and_nothing_is_lost(folder, fault)

    return run


def of_crowd(folder: Path, draw: random.Random) -> None:  # noqa: ARG001
    """32 writers, 20 readers and checkpoints without end, for ten minutes."""
    crowd = test_many_processes.Crowd(writers=32, readers=20, seconds=CROWD_S)
    logged, longest = test_many_processes.check_crowd(folder, crowd)
    print(f"  {logged} models, all there; the longest wait of a writer was {longest:.1f} s", flush=True)


def of_clock(folder: Path, draw: random.Random) -> None:
    """One jump of the clock."""
    before, after = draw.choice(test_clocks.JUMPS)
    test_clocks.check_jump(folder / "jump", test_clocks.build(folder), before=before, after=after)


def of_network(trouble: str) -> Case:
    """One kind of trouble of a network."""

    def run(folder: Path, draw: random.Random) -> None:
        os.environ |= {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("CACHE", "STATE")}
        test_bad_network.check_bad_network(folder, test_bad_network.TROUBLES[trouble], seed=draw.randrange(1000))

    return run


CASES: dict[str, tuple[int, Case]] = {
    "F2 kill -9 of a worker": (
        100,
        of_engine(
            test_contract.test_f2_a_killed_worker_is_known_at_once_and_the_next_one_starts,
            delay=lambda draw: draw.uniform(0, 1.5),
        ),
    ),
    "F3 kill -9 of a supervisor, twice": (13, of_supervisor),
    "F3 kill -9 of the server, four times": (6, of_server),
    "F14 a worker over its memory": (20, of_engine(test_contract.test_f14_a_worker_over_its_memory)),
    "F15 a worker that is stopped": (
        7,
        of_engine(test_contract.test_f15_a_stopped_worker_is_killed_after_its_heartbeat_limit),
    ),
    "F15 one that ignores SIGTERM": (7, of_engine(test_contract.test_f15_a_worker_that_ignores_the_polite_signal)),
    "F15 one that leaves a grandchild": (6, of_engine(test_contract.test_f15_no_grandchild_is_left_behind)),
    "F16 each way to fail": (
        50,
        of_engine(
            test_contract.test_f16_each_way_to_fail_has_its_reason,
            trouble=lambda draw: draw.choice(list(test_contract.REASONS)),
        ),
    ),
    "F16 output without end": (10, of_engine(test_contract.test_f16_output_without_end_is_capped_and_marked)),
    "F13 32 writers, 20 readers, checkpoints": (3, of_crowd),
    "F17 a clock that jumps": (30, of_clock),
    **{f"F18 a network: {trouble}": (10, of_network(trouble)) for trouble in test_bad_network.TROUBLES},
    **{f"F19 of a cluster: {fault}": (5, of_cluster(fault)) for fault in ("node", *test_ray_faults.FAULTS)},
}


def repeated(case: Case, times: int) -> int:
    """How often it did not end as it must."""
    failed = 0
    for number in range(times):
        with tempfile.TemporaryDirectory() as folder:
            try:
                case(Path(folder), random.Random(SEED + number))
            except Exception:  # what fails is counted, and the next one is tried
                traceback.print_exc()
                failed += 1
    return failed


def main() -> int:
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    failures = 0
    for name, (count, case) in CASES.items():
        if not name.startswith(wanted):
            continue
        times = math.ceil(count * share)
        start = time.perf_counter()
        failed = repeated(case, times)
        failures += failed
        print(
            f"{name:40s}{times - failed:4d} of {times:3d} as they must   {time.perf_counter() - start:5.0f} s",
            flush=True,
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
