"""The Ray engine: it starts a Ray task for each step, which runs the worker of the local engine on its node.

Checkpoints travel through the project and never through Ray, which carries the request, how it ended and the end of
its log. A node opens a project on a database server with the password and the keys that it has itself; the folder of
any other project must be the same on every node. A step whose node is lost is started again by Ray, twice at most; a
worker that fails by itself is not.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import InvalidValue, MissingExtra, UserError
from . import outcomes, processes
from .base import HEARTBEAT, LOG, RESULT, Limits, Outcome, Running, Work
from .heartbeats import process_in, status_in
from .local import LocalEngine, environment, read_result
from .node import moved, shared

RETRIES = 2
LOOK_S = 0.1
ASK_AGAIN_S = 3.0
"""After which a task that was to be cancelled and goes on is interrupted once more: an interrupt can get lost."""
HEAD_LOST_S = 15.0
"""Without an answer of the head, after which its cluster is given up."""
HEAD_LOOK_S = 2.0
RAY_PATIENCE_S = 120
"""After which Ray itself would end this process, without a word, for a head that is gone."""
STORE_BYTES = 200_000_000
"""Of a cluster that is started here: requests and outcomes are small."""
PREFIX = "ray:"
TAIL_BYTES = 200_000
AGAIN = "Run it again when there is a cluster, or with --engine local: what was made is kept."


@dataclass(frozen=True)
class Needs:
    """The resources that Ray reserves for each step.

    Args:
        cpus: cores.
        gpus: accelerators, or a share of one.
    """

    cpus: float = 1.0
    gpus: float = 0.0


@dataclass
class _Task:
    work: Work
    reference: Any
    cancelled: bool = False
    asked: float = 0.0
    shared: bool = False


class RayEngine:
    """Starts one Ray task for each piece of work.

    Args:
        workers: number of steps that run at once.
        limits: the limits of each worker.
        address: of a cluster, e.g. ``10.0.0.5:6379`` or ``auto``; by default a cluster on this machine alone.
        needs: the resources that each step asks for.

    Raises:
        MissingExtra: if Ray is not installed.
        UserError: ``engine.no_cluster`` if there is no cluster at the address, or it has another version of Ray.
        InvalidValue: ``engine.resources`` if no node has the resources that a step needs.
    """

    def __init__(
        self, workers: int = 2, limits: Limits | None = None, *, address: str | None = None, needs: Needs | None = None
    ) -> None:
        self.slots = workers
        self._limits = limits or Limits()
        self._ray, self._is_first = _connected(address, workers)
        self._running: dict[str, _Task] = {}
        self._head = _Head(self._ray.get_runtime_context().gcs_address)
        asked = needs or Needs()
        try:
            _check(self._ray, asked)
        except InvalidValue:
            self.close()
            raise
        self._run = self._ray.remote(
            num_cpus=asked.cpus, num_gpus=asked.gpus, max_retries=RETRIES, scheduling_strategy="SPREAD"
        )(_run)

    def submit(self, work: Work) -> str:
        """Hand it to Ray; the handle is the folder, where the worker says which process it is.

        Raises:
            UserError: ``engine.cluster_lost`` or ``engine.refused``.
        """
        if self._head.is_lost():
            raise UserError("engine.cluster_lost", self._head.title, hint=AGAIN)
        work.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in (RESULT, HEARTBEAT):
            (work.folder / name).unlink(missing_ok=True)
        shipped = replace(work, request=dict(work.request))
        try:
            reference = self._run.remote(shipped, self._limits, shared(work))
        except self._ray.exceptions.RayError as error:
            title = f"Ray did not take the step: {_one_line(error)}"
            raise UserError("engine.refused", title, hint="Look after the cluster, then retry the job.") from error
        self._running[work.id] = _Task(work, reference, shared=shared(work) is not None)
        return f"{PREFIX}{work.folder}"

    def poll(self, id: str) -> Running | Outcome:
        """Ask Ray whether it has ended, and the worker how far it is."""
        task = self._running[id]
        if self._head.is_lost():
            del self._running[id]
            return self._without_cluster(task)
        ended, _ = self._ray.wait([task.reference], timeout=0)
        if not ended:
            if task.cancelled and time.monotonic() - task.asked > self._limits.grace + ASK_AGAIN_S:
                self._interrupt(task)
            return status_in(task.work.folder, waiting="on the cluster" if task.shared else "waiting for a node")
        del self._running[id]
        return self._outcome(task)

    def cancel(self, id: str) -> None:
        """Interrupt the task, which asks its worker to end and makes it after the grace period."""
        task = self._running[id]
        if not task.cancelled and not self._head.is_lost():
            task.cancelled = True
            self._interrupt(task)

    def reap(self, handle: str) -> None:
        """Ray ends the tasks of a supervisor that is gone; what is left of one on this machine is killed."""
        if handle.startswith(PREFIX):
            processes.reap(process_in(Path(handle.removeprefix(PREFIX))))

    def close(self) -> None:
        """End all work and leave the cluster; one that was started here ends."""
        for id in self._running:
            self.cancel(id)
        deadline = time.monotonic() + self._limits.grace + LOOK_S * 20
        waiting = [task.reference for task in self._running.values()]
        if waiting and not self._head.is_lost():
            self._ray.wait(waiting, num_returns=len(waiting), timeout=max(0.0, deadline - time.monotonic()))
        self._running.clear()
        if self._is_first:
            self._ray.shutdown()

    def _interrupt(self, task: _Task) -> None:
        task.asked = time.monotonic()
        self._ray.cancel(task.reference, force=False)

    def _without_cluster(self, task: _Task) -> Outcome:
        """What has become of work whose cluster is gone: what it wrote counts, and nothing of it goes on here."""
        processes.reap(process_in(task.work.folder))
        result = read_result(task.work.folder)
        if result is not None and result.get("state") == "done":
            return Outcome("done", message=str(result.get("message", "")))
        return outcomes.failed("worker_lost(its cluster)", "engine.cluster_lost", title=self._head.title, hint=AGAIN)

    def _outcome(self, task: _Task) -> Outcome:
        errors = self._ray.exceptions
        try:
            done: _Done = self._ray.get(task.reference)
            outcome = done.outcome
        except errors.TaskCancelledError:
            return Outcome("cancelled", message="cancelled")
        except errors.OutOfMemoryError:
            return outcomes.short_of_memory(RETRIES + 1)
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.ObjectLostError):
            return outcomes.lost(f"its node, {RETRIES + 1} times")
        except errors.RayError as error:
            title = f"Ray could not run the step: {str(error).strip().splitlines()[-1][:200]}"
            hint = "Install this package, of the same version, on every node; the project's folder must be there too."
            return outcomes.failed("ray", "job.ray", title=title, hint=hint)
        if done.log:
            (task.work.folder / LOG).write_bytes(done.log)
        return Outcome("cancelled", message="cancelled") if task.cancelled and outcome.state == "failed" else outcome


@dataclass(frozen=True)
class _Done:
    """How a step ended on a node, and the end of its log where the folder that it lies in is the node's own."""

    outcome: Outcome
    log: bytes = b""


def _run(work: Work, limits: Limits, location: str | None = None) -> _Done:
    """On a node: do one piece of work, of a project that is here or at the address of a database server."""
    if location is None:
        return _Done(_watched(work, limits))
    here = moved(work, location)
    outcome = _watched(here, limits)
    try:
        log = (here.folder / LOG).read_bytes()[-TAIL_BYTES:]
    except OSError:
        log = b""
    shutil.rmtree(here.folder, ignore_errors=True)
    return _Done(outcome, log)


def _watched(work: Work, limits: Limits) -> Outcome:
    """What the local engine does with one piece of work. An interrupt is the wish to cancel."""
    engine = LocalEngine(1, limits, forks=False)
    engine.submit(work)
    try:
        while True:
            try:
                status = engine.poll(work.id)
                if isinstance(status, Outcome):
                    return status
                time.sleep(LOOK_S)
            except KeyboardInterrupt:
                engine.cancel(work.id)
    finally:
        engine.close()


def _connected(address: str | None, workers: int) -> tuple[Any, bool]:
    """Ray, and whether this process was not connected before: it has one connection at most."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(RAY_PATIENCE_S))
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("ray", purpose="The engine 'ray'", extra="ray") from error
    if ray.is_initialized():
        return ray, False
    own: dict[str, Any] = (
        {} if address else {"num_cpus": workers, "include_dashboard": False, "object_store_memory": STORE_BYTES}
    )
    paths = environment(os.environ)["PYTHONPATH"]
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {"PYTHONPATH": paths}},
            **own,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        ray.shutdown()
        raise UserError(
            "engine.no_cluster",
            f"There is no Ray cluster at {address!r} that this can join." if address else "Ray does not start here.",
            detail=_one_line(error),
            hint="Check the address, and that Ray has the same version and token there; or run it with --engine local.",
        ) from error
    return ray, True


class _Head:
    """Whether the head of a cluster still answers at ``address``, ``host:port``."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._looked = time.monotonic()
        self._silent_since: float | None = None
        self._lost = False
        self.title = f"The Ray cluster is lost: its head at {address} has not answered for {HEAD_LOST_S:g} s."

    def is_lost(self) -> bool:
        """Look now and then; a cluster that was given up stays so."""
        now = time.monotonic()
        if not self._lost and now - self._looked > HEAD_LOOK_S:
            self._looked = now
            if self._answers():
                self._silent_since = None
            else:
                self._silent_since = self._silent_since or now
                self._lost = now - self._silent_since > HEAD_LOST_S
        return self._lost

    def _answers(self) -> bool:
        try:
            socket.create_connection(self._address, timeout=1.0).close()
        except OSError:
            return False
        return True


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


def _check(ray: Any, needs: Needs) -> None:
    """Work that no node can take would wait for ever."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for name, wanted in (("CPU", needs.cpus), ("GPU", needs.gpus)):
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if wanted > most:
            raise InvalidValue(
                "engine.resources",
                f"A step needs {wanted:g} {name}, and no node of the cluster has more than {most:g}.",
                hint=f"Ask for less with --{name.lower()}s, or add a node.",
            )
