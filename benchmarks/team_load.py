"""Load on a server whose project is on PostgreSQL with its files in an object store, beside one in a directory.

    python -m benchmarks.team_load [seconds of each load]

The loads L1 to L4 and L11 of the reliability page, over HTTP with a token, all on loopback. Each line has requests per
second, the 50th and 99th percentile in milliseconds, what went wrong, the processor time of a request in the server and
its database, and the load of the machine. What was accepted is counted again in the project at the end. The first
line is of a server that does nothing: what this machine gives to this client at this moment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

import compress_compare as cc
from compress_compare.remote.connection import call, new_key
from compress_compare.remote.project import _row
from compress_compare.store.artifacts import Artifacts
from compress_compare.store.drafts import check_metrics
from compress_compare.store.storage import ProjectStorage
from compress_compare.store.writing import draft
from tests import servers
from tests.server.running import served

CLIENTS, FEW, MANY = 20, 4, 200
MODELS = 10_000
Request = Callable[[httpx.Client, int], httpx.Response]


def writing(method: str, arguments: Callable[[int], dict[str, object]]) -> Request:
    """A call that logs, as the Python API sends it, with a key of its own."""

    def send(client: httpx.Client, number: int) -> httpx.Response:
        said = call(method, arguments(number), table=None)
        return client.post("/api/v1/call/log", json=said, headers={"Idempotency-Key": new_key()})

    return send


def points(load: str, count: int) -> Request:
    """A batch of metrics of one model, another one each time."""
    return writing(
        "log_metrics",
        lambda number: {
            "id": f"model-{number % MODELS}",
            "values": check_metrics({f"{load} {number // MODELS} {k}": number + k / count for k in range(count)}),
        },
    )


def models(load: str) -> Request:
    """A model with an operation of ten parameters and a metric."""
    parameters = {f"p{k}": k / 10 for k in range(10)}
    row = {"base": "model-0", "operation": cc.Operation("prune", **parameters), "metrics": {"metric 0": 0.5}}
    with tempfile.TemporaryDirectory() as folder, Artifacts(ProjectStorage(Path(folder))).staging() as staging:
        made = _row(draft(staging, {"id": "new", **row}))
    return writing("log_received", lambda number: {"rows": [{**made, "id": f"{load} {number}"}]})


def listed(client: httpx.Client, number: int) -> httpx.Response:
    return client.get("/api/v1/models", params={"limit": 50, "offset": number * 50 % MODELS})


@dataclass
class Found:
    """What came back.

    Args:
        seconds: for which requests were sent.
        times: of each request, in seconds.
        codes: how often each status came; 0 for no answer at all.
        processor: seconds that the server and its database used meanwhile.
    """

    seconds: float
    times: list[float] = field(default_factory=list)
    codes: Counter[int] = field(default_factory=Counter)
    processor: float = 0.0

    @property
    def accepted(self) -> int:
        """How many requests were done."""
        return sum(count for code, count in self.codes.items() if 200 <= code < 300)

    def __str__(self) -> str:
        middle, late = np.percentile(self.times, [50, 99]) * 1000 if self.times else (0, 0)
        wrong = {code: count for code, count in self.codes.items() if not 200 <= code < 300}
        return (
            f"{self.accepted / self.seconds:.0f} requests/s, p50 {middle:.0f} ms, p99 {late:.0f} ms, refused "
            f"{wrong or 'none'}, {1000 * self.processor / max(1, len(self.times)):.1f} ms of processor time each; "
            f"load {os.getloadavg()[0]:.0f}"
        )


class Served:
    """A server that runs, and the processes that work for it.

    Args:
        address: of the server.
        headers: that open it.
        processes: their trees are looked at.
    """

    def __init__(self, address: str, headers: dict[str, str], processes: list[int]) -> None:
        self.address, self.headers, self._roots = address, headers, processes

    def processor(self) -> float:
        """Seconds of processor time that its processes have used."""
        total = 0.0
        for root in map(psutil.Process, self._roots):
            for one in [root, *root.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    times = one.cpu_times()
                    total += times.user + times.system
        return total

    def measure(self, request: Request, *, clients: int, seconds: float, rate: float | None = None) -> Found:
        """Ask from so many threads for so long; at a rate of requests per second, if one is given."""
        found = Found(seconds)
        numbers = iter(range(10**9))
        limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
        client = httpx.Client(base_url=self.address, headers=self.headers, timeout=60, limits=limits)
        before, begin = self.processor(), time.perf_counter()

        def ask() -> None:
            for number in numbers:
                if rate is not None:
                    time.sleep(max(0.0, begin + number / rate - time.perf_counter()))
                started = time.perf_counter()
                if started > begin + seconds:
                    return
                try:
                    code = request(client, number).status_code
                except httpx.TransportError:
                    code = 0
                found.times.append(time.perf_counter() - started)
                found.codes[code] += 1

        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        client.close()
        found.processor = self.processor() - before
        return found


BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def answer(request):
    return JSONResponse({"length": len(await request.body())})
app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", http="h11")
"""
"""What answers at once, and does nothing: no gate, no project, no disk."""


def bare(seconds: float) -> None:
    """The same client against a server that does nothing: what this machine gives at this moment."""
    port = servers.free_ports(1)[0]
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)])
    try:
        address = f"http://127.0.0.1:{port}"
        while not servers.answers(address):
            time.sleep(0.05)
        found = Served(address, {}, [process.pid]).measure(points("L2", 10), clients=CLIENTS, seconds=seconds)
        print(f"a server that does nothing, {CLIENTS} clients: {found}", flush=True)
    finally:
        process.kill()
        process.wait()


def loads(server: Served, seconds: float) -> dict[str, int]:
    """Put all loads on one server; gives how many points and models it said that it had stored."""
    accepted: dict[str, int] = {}
    rate = 0.0
    for name, what, request, clients in (
        ("L1", "list 50 of 10,000", listed, CLIENTS),
        ("L2", "10 metrics", points("L2", 10), CLIENTS),
        ("L3", "500 metrics", points("L3", 500), FEW),
        ("L4", "a model", models("L4"), CLIENTS),
        ("L11", "3 times as much as L2", points("L11", 10), MANY),
        ("after", "10 metrics, a second later", points("after", 10), 1),
    ):
        time.sleep(1)
        found = server.measure(request, clients=clients, seconds=seconds, rate=rate if name == "L11" else None)
        accepted[name] = found.accepted
        if name == "L2":
            rate = 3 * found.accepted / seconds
        print(f"  {name} {what}, {clients} clients: {found}", flush=True)
    return accepted


def counted(place: str) -> dict[str, int]:
    """How many requests of each kind have left something in a project."""
    with cc.open(place, create=False) as project:
        table = project.models()
        ids = table["id"].to_pylist()
        there = {"L4": sum(one.startswith("L4 ") for one in ids)}
        for name, each in (("L2", 10), ("L3", 500), ("L11", 10), ("after", 10)):
            columns = [column for column in table.column_names if column.startswith(f"{name} ")]
            there[name] = sum(len(table) - table[column].null_count for column in columns) // each
    return there


def fill(place: str, files: str | None) -> None:
    with cc.open(place, artifacts=files) as project:
        rows = [{"id": f"model-{k}", "metrics": {"metric 0": k / MODELS}} for k in range(MODELS)]
        project.log_models(rows)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(XDG_STATE_HOME=f"{folder}/state", XDG_CACHE_HOME=f"{folder}/cache")
        os.environ.update(PGPASSWORD=servers.PASSWORD, OMP_NUM_THREADS="1")
        with servers.postgres(durable=True) as database, servers.object_store() as environment:
            os.environ.update(environment)
            for name, place, files in (
                ("directory", f"{folder}/sqlite", None),
                ("PostgreSQL and S3", f"{database.url}?project=load", "s3://benchmarks/load"),
            ):
                fill(place, files)
                bare(seconds)
                print(f"{name}:", flush=True)
                with served(place, "--port", "0") as (process, line):
                    address, _, token = line.strip().partition("/?token=")
                    roots = [process.pid, *([database.process.pid] if files and database.process else [])]
                    accepted = loads(Served(address, {"Authorization": f"Bearer {token}"}, roots), seconds)
                there = counted(place)
                print(f"  accepted {accepted}, stored {there}", flush=True)
                assert all(there[kind] == accepted[kind] for kind in there), "what was accepted is not what is stored"


if __name__ == "__main__":
    main()
