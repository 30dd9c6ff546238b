"""The local engine: it runs each step in a new process with its own process group, and watches it from outside."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..store import address
from ..store.files import write_atomically
from . import outcomes, processes
from .base import HEARTBEAT, LOG, RESULT, STEP, Limits, Outcome, Running, Work
from .heartbeats import process_in
from .launching import Launcher, Started
from .log import LogWriter

KEPT = frozenset(
    {
        *("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV"),
        *("CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING"),
        *("CUDA_MODULE_LOADING", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "HF_HOME", "TORCH_HOME"),
    }
)
"""All that a worker sees of the environment, by name; tokens and keys are not among it."""
OF_TRACKERS = frozenset(
    {
        *("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_AUTH"),
        *("MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_CLIENT_CERT_PATH"),
        *("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_CONFIG_DIR", "NETRC"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    }
)
"""What clients of tracking servers read: only an import that asks one sees it, which runs nothing of the project."""
LOG_PATIENCE_S = 2.0
LOOK_S = 0.02
PREFIX = "local:"


@dataclass
class _Process:
    work: Work
    started: Started
    log: LogWriter
    beat: int = 0
    seen: float = field(default_factory=time.monotonic)
    peak: int = 0
    status: Running = Running(0.0, "starting")  # noqa: RUF009 - frozen
    cancelled: float | None = None
    killed: str | None = None


class LocalEngine:
    """Starts a worker process for each piece of work.

    Args:
        workers: number of workers that run at once.
        limits: the limits of each worker.
        forks: whether workers are forked from one process that has imported torch, where the system can do that.
    """

    def __init__(self, workers: int = 2, limits: Limits | None = None, *, forks: bool = True) -> None:
        self.slots = workers
        self._launcher = Launcher(forks=forks)
        self._limits = limits or Limits()
        self._running: dict[str, _Process] = {}

    def submit(self, work: Work) -> str:
        """Start a worker; the handle is its folder, where it says which process it is."""
        work.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in (RESULT, HEARTBEAT):
            (work.folder / name).unlink(missing_ok=True)
        request = {**work.request, "memory": self._limits.memory}
        write_atomically(work.folder / STEP, json.dumps(request).encode())
        started = Started(
            work.folder,
            cwd=folder_of(work.request.get("task"), work.folder),
            environment={
                **environment(os.environ, work.request.get("project")),
                **of_tracker(os.environ, work.request),
            },
        )
        log = LogWriter(started.stdout, work.folder / LOG, limit=self._limits.log)
        self._running[work.id] = _Process(work, started, log)
        self._launcher.start(started, environment=environment(os.environ))
        return f"{PREFIX}{work.folder}"

    def poll(self, id: str) -> Running | Outcome:
        """Look at a worker; end it if it takes too much memory, is silent for too long, or was cancelled."""
        process = self._running[id]
        self._launcher.look()
        code = process.started.poll()
        if code is None:
            self._watch(process)
            return process.status
        del self._running[id]
        self._clear(process)
        return self._outcome(process, code)

    def cancel(self, id: str) -> None:
        """SIGTERM to the worker's group now, SIGKILL after the grace period."""
        process = self._running[id]
        if process.cancelled is None:
            process.cancelled = time.monotonic()
            process.started.kill(signal.SIGTERM)

    def reap(self, handle: str) -> None:
        """Kill a worker that another supervisor has left; its folder says which process it is."""
        if handle.startswith(PREFIX):
            processes.reap(process_in(Path(handle.removeprefix(PREFIX))))

    def close(self) -> None:
        """Kill all workers."""
        for process in self._running.values():
            process.started.kill()
        deadline = time.monotonic() + processes.REAP_S
        while any(one.started.runs for one in self._running.values()) and time.monotonic() < deadline:
            self._launcher.look()
            time.sleep(LOOK_S)
        self._launcher.close()
        for process in self._running.values():
            self._clear(process)
        self._running.clear()

    def _watch(self, process: _Process) -> None:
        now, limits = time.monotonic(), self._limits
        self._read_heartbeat(process, now)
        pid = process.started.pid
        if pid is None:
            process.seen = now
        used = 0 if pid is None else processes.resident(pid)
        process.peak = max(process.peak, used)
        if limits.memory is not None and used > limits.memory:
            process.killed = process.killed or "memory"
        elif now - process.seen > limits.heartbeat:
            process.killed = process.killed or "silent"
        overdue = process.cancelled is not None and now - process.cancelled > limits.grace
        if process.killed or overdue:
            process.started.kill()

    def _read_heartbeat(self, process: _Process, now: float) -> None:
        path = process.work.folder / HEARTBEAT
        try:
            beat = path.stat().st_mtime_ns
            if beat == process.beat:
                return
            content = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return
        process.beat, process.seen = beat, now
        process.status = Running(float(content["progress"]), str(content["message"]))

    def _clear(self, process: _Process) -> None:
        """Leave nothing of the worker: no grandchild, no pipe."""
        process.started.kill()
        process.started.stdin.close()
        process.log.finish(LOG_PATIENCE_S)
        for name in (STEP, HEARTBEAT):
            (process.work.folder / name).unlink(missing_ok=True)

    def _outcome(self, process: _Process, code: int) -> Outcome:
        result = read_result(process.work.folder)
        if result is not None and result.get("state") == "done":
            return Outcome("done", message=str(result.get("message", "")))
        if process.cancelled is not None:
            return Outcome("cancelled", message="cancelled")
        if process.killed == "memory" or (result is not None and result.get("reason") == "out_of_memory"):
            peak = max(process.peak, int((result or {}).get("peak", 0)))
            return outcomes.out_of_memory(peak, self._limits.memory)
        if process.killed == "silent":
            return outcomes.lost(f"no heartbeat for {self._limits.heartbeat:g} s")
        if result is not None:
            return Outcome("failed", str(result.get("reason")), result.get("error"))
        if code < 0:
            return outcomes.lost(f"signal {-code}")
        if code == 0:
            title = "The worker ended without a result."
            hint = "Something in the task ends the process, e.g. sys.exit or os._exit; see the log."
            return outcomes.failed("no_result", "job.no_result", title=title, hint=hint)
        return outcomes.failed(
            f"exit_code({code})", "job.exit_code", title=f"The worker ended with exit code {code}.", hint="See the log."
        )


def read_result(folder: Path) -> dict[str, Any] | None:
    """What a worker wrote before it ended, if it got that far."""
    try:
        found: dict[str, Any] = json.loads((folder / RESULT).read_bytes())
    except (OSError, ValueError):
        return None
    return found


def folder_of(task: Mapping[str, Any] | None, default: Path) -> Path:
    """Where the user was when naming the task, since it may read files from there."""
    folders = [Path(folder) for folder in (task or {}).get("folders", ())]
    return next((folder for folder in reversed(folders) if folder.is_dir()), default)


def of_tracker(own: Mapping[str, str], request: Mapping[str, Any]) -> dict[str, str]:
    """What an import from a server needs beside the environment of any worker."""
    asks = request.get("kind") == "import" and any("://" in str(path) for path in request.get("paths", ()))
    return {name: value for name, value in own.items() if name in OF_TRACKERS} if asks else {}


def environment(own: Mapping[str, str], project: str | None = None) -> dict[str, str]:
    """Only what a worker needs: tokens and keys in the environment stay here.

    Args:
        own: the environment of this process.
        project: its directory; one on a database server cannot be opened without the user's keys.
    """
    kept = {name: value for name, value in own.items() if name in KEPT}
    paths = [str(Path(path).resolve()) for path in own.get("PYTHONPATH", "").split(os.pathsep) if path]
    source = Path(__file__).parents[2]
    if source.name not in ("site-packages", "dist-packages"):
        paths.append(str(source))
    kept["PYTHONPATH"] = os.pathsep.join(paths)
    kept |= address.environment(Path(project), own) if project else {}
    return {**kept, "PYTHONUNBUFFERED": "1", **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")}
