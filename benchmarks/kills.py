"""kill -9 of ``compress-compare run`` at ten random moments of the recipe of 60 models, each time run again.

Claim: nothing is lost, nothing that was made is made again, no job is left running, no worker lives on, and in the end
the project has the ids, checkpoints and numbers of a run that nothing disturbed. Run from the repository root:
``python benchmarks/kills.py [FOLDER]``; what nothing disturbed is made once per folder. Ends with exit code 1 when a
part of the claim is off.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import compress_compare as cc
from compress_compare.engines import Queue
from compress_compare.engines.processes import alive
from compress_compare.records import Job
from compress_compare.store.jobs import JobEntry
from compress_compare.store.location import DATABASE

SEED, KILLS, EARLIEST_S, LATEST_S = 5, 10, 2.0, 35.0
TOOL = (sys.executable, "-c", "from compress_compare.cli import main; main()")
WORKER_GONE_S = 10.0


@dataclass(frozen=True)
class Seen:
    """A project between two runs: each model with its base, operation, checkpoint and time, and the jobs."""

    models: dict[str, object]
    jobs: dict[str, Job]


def run(recipe: Path, project: Path) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [*TOOL, "run", recipe.name, "--project", str(project), "--json"]
    return subprocess.run(command, cwd=recipe.parent, capture_output=True, text=True, check=False)


def kill(recipe: Path, project: Path, *, after_s: float) -> None:
    """The command, killed after a while, or to its end if that comes first; then its workers have to be gone."""
    command = [*TOOL, "run", recipe.name, "--project", str(project), "--json"]
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=recipe.parent, stdout=nothing, stderr=nothing)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.wait()
    handles = [job.handle for job in _unfinished(project) if job.handle]
    deadline = time.monotonic() + WORKER_GONE_S
    while any(alive(handle) for handle in handles):
        if time.monotonic() > deadline:
            raise SystemExit(f"workers of a killed run live on: {handles}")
        time.sleep(0.05)


def see(project: Path) -> Seen:
    """What is there now."""
    if not (project / DATABASE).exists():
        return Seen({}, {})
    with cc.open(project) as opened:
        models = [opened.model(id) for id in opened.models()["id"].to_pylist()]
        made = {m.id: (m.base, m.operation, m.checkpoint, m.created_at, m.metrics) for m in models}
        return Seen(made, {job.id: job for job in opened.jobs()})


def wrong(before: Seen, after: Seen) -> list[str]:
    """What one run broke of what the one before it had left."""
    found = [f"{id} was lost or changed" for id, model in before.models.items() if after.models.get(id) != model]
    new = [job for id, job in after.jobs.items() if id not in before.jobs]
    found += [f"{job.model} was run again" for job in new if job.model in before.models]
    if new:  # it got as far as recording what the killed run had left
        left = [id for id in before.jobs if after.jobs[id].state in ("queued", "running")]
        found += [f"the job {id} of a killed run is {after.jobs[id].state}" for id in left]
    return found


def disturbed(recipe: Path, project: Path, moments: Sequence[float]) -> list[str]:
    """Run it, kill it at each of the moments, run it to its end; returns everything that was wrong."""
    found, before = list[str](), see(project)
    for number, moment in enumerate(moments, start=1):
        kill(recipe, project, after_s=moment)
        after = see(project)
        found += wrong(before, after)
        running = sum(job.state == "running" and job.kind == "operation" for job in after.jobs.values())
        print(f"kill {number} after {moment:4.1f} s: {running} steps running, {len(after.models)} models made")
        before = after
    done = run(recipe, project)
    if done.returncode:
        return [*found, f"the last run ended with {done.returncode}: {done.stderr[-300:]}"]
    after = see(project)
    found += wrong(before, after)
    made = [job.model for job in after.jobs.values() if job.kind == "operation" and job.state == "done"]
    found += [f"{id} was made twice" for id in sorted({id for id in made if made.count(id) > 1})]
    found += [f"the job {job.id} is {job.state}" for job in after.jobs.values() if job.state not in OVER]
    if run(recipe, project).returncode or see(project).models != after.models:
        found.append("one more run changed something")
    return [*found, *damage(project)]


OVER = ("done", "interrupted")


def damage(project: Path) -> list[str]:
    """What is wrong with the database, and which files of it are missing or not what they were."""
    connection = sqlite3.connect(project / DATABASE)
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    connection.close()
    with cc.open(project) as opened:
        return [*found, *opened.damage()]


def _unfinished(project: Path) -> list[JobEntry]:
    if not (project / DATABASE).exists():
        return []
    queue = Queue(project)
    try:
        return [entry for entry in queue.unfinished(mine=False) if entry.state == "running"]
    finally:
        queue.close()


def main() -> int:
    from recipe import MODELS, RECIPE, content

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        recipe = folder / "digits.yaml"
        recipe.write_text(RECIPE)
        start = time.perf_counter()
        plain = run(recipe, folder / "plain")
        print(f"undisturbed: {time.perf_counter() - start:.0f} s, exit code {plain.returncode}", flush=True)
        draw = random.Random(SEED)
        moments = [draw.uniform(EARLIEST_S, LATEST_S) for _ in range(KILLS)]
        found = disturbed(recipe, folder / "killed", moments)
        same = content(folder / "killed") == content(folder / "plain")
        models = len(see(folder / "killed").models)
        jobs = [job for job in see(folder / "killed").jobs.values() if job.kind == "operation"]
    print(f"{models} models ({MODELS} wanted), equal to those of the undisturbed run: {'yes' if same else 'no'}")
    cut = sum(job.state == "interrupted" for job in jobs)
    print(f"{len(jobs)} jobs of steps, {cut} of them interrupted while they waited or ran; wrong: {found or 'nothing'}")
    return 0 if same and models == MODELS and not found else 1


if __name__ == "__main__":
    sys.exit(main())
