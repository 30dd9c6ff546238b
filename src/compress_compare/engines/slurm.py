"""The SLURM engine: a job for each step, submitted through submitit, runs the worker of the local engine on its node.

The folder of the project must be the same on every node. What a job is to do and what has become of it are files there:
nothing that a node wrote is unpickled here.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InvalidValue, MissingExtra, UserError
from . import node, outcomes, processes
from .base import HEARTBEAT, RESULT, Limits, Outcome, Running, Work
from .heartbeats import process_in, status_in

PREFIX = "slurm:"
FOLDER = "submitit"
LOOK_S = 2.0
"""Between two questions to the cluster; the files of a job are looked at every time."""
ANSWER_S = 10.0
"""How long the cluster may take to answer one; after one that it did not answer, the next comes so much later."""
WAITING = "waiting for the cluster"
ENDED = frozenset(
    ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT")
)
"""States in which SLURM does nothing more for a job."""
FORGOTTEN = "FORGOTTEN"
"""The state of a job that SLURM no longer knows: it ended minutes ago."""
LATE_S = 20.0
"""How long files of a job that has ended may take to come from its node."""


@dataclass(frozen=True)
class JobNeeds:
    """What each step asks of the cluster.

    Args:
        cpus: cores.
        gpus: accelerators.
        minutes: after which the cluster ends it.
        partition: of the cluster; its own choice if not given.
    """

    cpus: int = 1
    gpus: int = 0
    minutes: int = 24 * 60
    partition: str | None = None


@dataclass
class _Submitted:
    work: Work
    job: Any
    cancelled: bool = False
    ended: float | None = None
    state: str = ""
    waits_for: str = ""


class SlurmEngine:
    """Submits one job for each piece of work.

    Args:
        workers: number of jobs that are submitted at once.
        limits: the limits of each worker.
        needs: what each step asks of the cluster.
        cluster: ``slurm``, or ``local`` for submitit's own processes on this machine, for tries.

    Raises:
        MissingExtra: if submitit is not installed.
        UserError: ``engine.no_cluster`` if SLURM is not there.
        InvalidValue: ``engine.resources`` for needs that no job can have.
    """

    def __init__(
        self, workers: int = 2, limits: Limits | None = None, *, needs: JobNeeds | None = None, cluster: str = "slurm"
    ) -> None:
        try:
            import submitit
        except ImportError as error:
            raise MissingExtra("submitit", purpose="The engine 'slurm'", extra="slurm") from error
        self.slots = workers
        self._limits = limits or Limits()
        self._needs = needs or JobNeeds()
        self._cluster = cluster
        self._submitit = submitit
        self._running: dict[str, _Submitted] = {}
        self._look_at = 0.0
        if min(self._needs.cpus, self._needs.minutes) < 1 or self._needs.gpus < 0:
            raise InvalidValue("engine.resources", "A job needs at least one core and one minute.")
        if cluster == "slurm" and submitit.SlurmExecutor.affinity() < 0:
            raise UserError(
                "engine.no_cluster",
                "There is no SLURM on this machine: srun is not found.",
                hint="Run it on a login node of the cluster, or with --engine local.",
            )

    def submit(self, work: Work) -> str:
        """Submit a job; the handle is its id and its folder.

        Raises:
            UserError: ``engine.refused`` if the cluster does not take it.
        """
        for name in (RESULT, HEARTBEAT):
            (work.folder / name).unlink(missing_ok=True)
        node.prepare(work, self._limits)
        command = [sys.executable, "-P", "-m", node.MODULE, str(work.folder)]
        try:
            executor = self._executor(work)
            job = executor.submit(self._submitit.helpers.CommandFunction(command, verbose=False, cwd=work.folder))
        except (OSError, RuntimeError, ValueError) as error:
            title = f"SLURM did not take the step: {' '.join(str(error).split())[:300]}"
            raise UserError("engine.refused", title, hint="Look after the cluster, then retry the job.") from error
        self._running[work.id] = _Submitted(work, job)
        return f"{PREFIX}{job.job_id}:{work.folder}"

    def poll(self, id: str) -> Running | Outcome:
        """Look whether its files say how it ended, and now and then whether the cluster still has it."""
        submitted = self._running[id]
        self._look()
        found = node.outcome_in(submitted.work.folder) or self._lost(submitted)
        if found is None or not self._is_over(submitted):
            return status_in(submitted.work.folder, waiting=f"{WAITING}{submitted.waits_for}")
        del self._running[id]
        if submitted.cancelled and found.state == "failed":
            return Outcome("cancelled", message="cancelled")
        return found

    def cancel(self, id: str) -> None:
        """Ask the node to end the worker; a job that has not begun leaves the queue."""
        submitted = self._running[id]
        if not submitted.cancelled:
            submitted.cancelled = True
            (submitted.work.folder / node.CANCEL).touch()
            if not process_in(submitted.work.folder) and self._cluster == "slurm":
                submitted.job.cancel(check=False)

    def reap(self, handle: str) -> None:
        """End the job that a dead supervisor left: at once if its worker is on this machine."""
        id, _, folder = handle.removeprefix(PREFIX).partition(":")
        if not handle.startswith(PREFIX) or not Path(folder).is_dir():
            return
        process = process_in(Path(folder))
        if processes.alive(process):
            processes.reap(process)
            return
        (Path(folder) / node.CANCEL).touch()
        if self._cluster == "slurm" and id.isdigit():
            self._submitit.SlurmJob(Path(folder) / FOLDER, id).cancel(check=False)

    def close(self) -> None:
        """End all jobs."""
        for id in self._running:
            self.cancel(id)
        deadline = time.monotonic() + self._limits.grace + LOOK_S
        while time.monotonic() < deadline and any(map(self._is_on, self._running.values())):
            time.sleep(node.LOOK_S)
            self._look()
        for one in self._running.values():
            if node.outcome_in(one.work.folder) is None:
                one.job.cancel(check=False)
        while not all(map(self._is_over, self._running.values())):
            time.sleep(node.LOOK_S)
        self._running.clear()

    def _is_on(self, submitted: _Submitted) -> bool:
        """Whether a job has neither said how it ended nor been ended by the cluster."""
        return node.outcome_in(submitted.work.folder) is None and submitted.ended is None

    def _is_over(self, submitted: _Submitted) -> bool:
        """Whether the process of a job on this machine has ended; SLURM looks after its own."""
        return self._cluster == "slurm" or bool(submitted.job.done())

    def _executor(self, work: Work) -> Any:
        executor = self._submitit.AutoExecutor(folder=work.folder / FOLDER, cluster=self._cluster)
        needs, memory = self._needs, self._limits.memory
        executor.update_parameters(
            name="compress-compare",
            timeout_min=needs.minutes,
            cpus_per_task=needs.cpus,
            **({"gpus_per_node": needs.gpus} if needs.gpus else {}),
            **({"mem_gb": max(1, round(1.2 * memory / 1e9))} if memory else {}),
            **({"slurm_partition": needs.partition} if needs.partition else {}),
        )
        return executor

    def _look(self) -> None:
        """Ask the cluster what has become of all jobs, unless it was asked just now."""
        if not self._running or time.monotonic() < self._look_at:
            return
        if self._cluster == "slurm":
            states = states_of(one.job.job_id for one in self._running.values())
        else:
            states = {one.job.job_id: (str(one.job.state), "") for one in self._running.values() if one.job.done()}
        now = time.monotonic()
        self._look_at = now + (ANSWER_S if states is None else LOOK_S)
        if states is None:
            return
        for one in self._running.values():
            one.state, reason = states.get(one.job.job_id, ("", ""))
            one.waits_for = f" ({reason})" if one.state == "PENDING" and reason not in ("", "None") else ""
            is_over = one.state in ENDED | {FORGOTTEN} or (self._cluster != "slurm" and one.state != "")
            one.ended = (one.ended or now) if is_over else None

    def _lost(self, submitted: _Submitted) -> Outcome | None:
        """A job that the cluster says has ended, and that has not said how."""
        if submitted.ended is None:
            return None
        never_began = submitted.cancelled and not process_in(submitted.work.folder)
        if time.monotonic() - submitted.ended < (LATE_S if self._cluster == "slurm" and not never_began else LOOK_S):
            return None
        return outcomes.ended_by_cluster(submitted.state)


def states_of(ids: Iterable[str]) -> Mapping[str, tuple[str, str]] | None:
    """The state of each job and the reason for it, in words of SLURM, which is asked for all at once.

    Its queue answers also where it keeps no accounts, which most small clusters do not. The result is ``None`` if it
    does not answer.
    """
    asked = list(ids)
    command = ["squeue", "--noheader", "--states=all", "--format=%i %T %r", f"--jobs={','.join(asked)}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode and "Invalid job id" not in done.stderr:
        return None
    lines = (line.split(maxsplit=2) for line in done.stdout.splitlines())
    known = {line[0]: (line[1], line[2] if len(line) > 2 else "") for line in lines if len(line) > 1}
    return {id: known.get(id, (FORGOTTEN, "")) for id in asked}
