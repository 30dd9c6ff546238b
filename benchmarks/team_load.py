"""Load on a server whose project is on PostgreSQL with its files in an object store, beside one in a directory.

    python -m benchmarks.team_load [seconds of each load]

The loads L1 to L4 and L11 of the reliability page, over HTTP with a token, all on loopback. Each line has requests per
second, the 50th and 99th percentile in milliseconds, what went wrong, and the load of the machine. What was accepted is
counted again in the project at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

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


@contextmanager
def serving(place: str) -> Iterator[tuple[str, dict[str, str]]]:
    """A server process; gives its address and the headers that open it."""
    with served(place, "--port", "0") as (_, line):
        address, _, token = line.strip().partition("/?token=")
        yield address, {"Authorization": f"Bearer {token}"}


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


def measured(server: tuple[str, dict[str, str]], request: Request, *, clients: int, seconds: float) -> str:
    """Ask from so many threads for so long; what came back, as a line."""
    address, headers = server
    times: list[float] = []
    codes: Counter[int] = Counter()
    until = time.perf_counter() + seconds
    numbers = iter(range(10**9))

    def ask() -> None:
        with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
            while time.perf_counter() < until:
                started = time.perf_counter()
                answer = request(client, next(numbers))
                times.append(time.perf_counter() - started)
                codes[answer.status_code] += 1

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    middle, late = np.percentile(times, [50, 99]) * 1000 if times else (0, 0)
    wrong = {code: count for code, count in codes.items() if code >= 300}
    accepted = len(times) - sum(wrong.values())
    return f"{accepted / seconds:.0f} requests/s, p50 {middle:.0f} ms, p99 {late:.0f} ms, refused {wrong or 'none'}"


def loads(place: str, seconds: float) -> None:
    """All loads on one server, then a count of what it has."""
    with serving(place) as server:
        for name, request, clients in (
            ("L1 list 50 of 10,000", listed, CLIENTS),
            ("L2 10 metrics", points("L2", 10), CLIENTS),
            ("L3 500 metrics", points("L3", 500), FEW),
            ("L4 a model", models("L4"), CLIENTS),
            ("L11 overload", points("L11", 10), MANY),
        ):
            line = measured(server, request, clients=clients, seconds=seconds)
            print(f"  {name}, {clients} clients: {line}; load {os.getloadavg()[0]:.0f}", flush=True)
        started = time.perf_counter()
        healthy = httpx.get(f"{server[0]}/healthz", timeout=60).status_code
        print(f"  after it, /healthz: {healthy} in {(time.perf_counter() - started) * 1000:.0f} ms", flush=True)


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
                print(f"{name}:", flush=True)
                loads(place, seconds)
                subprocess.run(["sync"], check=False)


if __name__ == "__main__":
    main()
