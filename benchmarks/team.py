"""A project on PostgreSQL with its files in an object store, both on loopback, held against one in a directory.

Run: .venv/bin/python benchmarks/team.py [layers|writers|kills|server-kills] [times]
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import compress_compare as cc
from compress_compare.server.tokens import Tokens
from tests import servers
from tests.server.running import TOOL

FILES = "s3://benchmarks/team"
MB = 400

LAYERS = """
import re, sys, time, compress_compare as cc
from pathlib import Path
started = time.perf_counter()
with cc.open(sys.argv[1], create=False) as project:
    rows = project.layers(base="base", models=["child"], what="weights").table.num_rows
seconds = time.perf_counter() - started
peak = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])  # without what was before exec
print(seconds, peak // 1024, time.process_time(), rows)
"""

BARE = """
import sys, time, obstore
from obstore.store import S3Store
store = S3Store(sys.argv[1].split("/")[2], prefix=sys.argv[1].split("/", 3)[3], client_options={"allow_http": True})
sizes = {one["path"]: one["size"] for page in obstore.list(store) for one in page if one["size"] > 1 << 20}
started, begun = time.perf_counter(), time.process_time()
for path, size in sizes.items():
    for start in range(0, size, 16 << 20):
        range_ = (start, min(start + (16 << 20), size))
        for piece in obstore.get(store, path, options={"range": range_}).stream(min_chunk_size=1 << 20):
            pass
print(time.perf_counter() - started, time.process_time() - begun, sum(sizes.values()))
"""

WRITER = """
import sys, threading, time, compress_compare as cc
place, client, threads, each = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
waits = []
with cc.open(place, create=False) as project:
    project._database.wait = 60
    def log(worker):
        for number in range(each):
            started = time.perf_counter()
            project.log_model(f"{client}-{worker}-{number}", base="root",
                              operation=cc.Operation("prune", amount=number), metrics={"Accuracy": number / 1000})
            waits.append(time.perf_counter() - started)
    workers = [threading.Thread(target=log, args=(n,)) for n in range(threads)]
    for one in workers: one.start()
    for one in workers: one.join()
print(len(waits), max(waits))
"""

ONE_BY_ONE = """
import sys, time, compress_compare as cc
from compress_compare.errors import StoreError
with cc.open(sys.argv[1], create=False) as project:
    for number in range(1_000_000):
        while True:
            try:
                project.log_model(f"{sys.argv[2]}-{number}", metrics={"Accuracy": 0.5})
                break
            except StoreError as error:
                if error.code not in ("store.lost", "store.unreachable"):
                    raise
                time.sleep(0.05)
        print(f"{sys.argv[2]}-{number}", flush=True)
"""

OVER_HTTP = """
import sys, threading, warnings, zlib, numpy as np, compress_compare as cc
from pathlib import Path
address, client, threads, stop = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
warnings.simplefilter("ignore")
with cc.open(address) as project:
    def log(worker):
        number = 0
        while not stop.exists():
            name = f"{client}-{worker}-{number}"
            operation = cc.Operation("prune", amount=number)
            weights = {"w": np.full(1000, zlib.crc32(name.encode()), "u4")}
            project.log_model(name, base="root", operation=operation, metrics={"Accuracy": 0.5}, checkpoint=weights)
            sys.stdout.write(name + "\\n")
            sys.stdout.flush()
            number += 1
    workers = [threading.Thread(target=log, args=(n,)) for n in range(threads)]
    for one in workers: one.start()
    for one in workers: one.join()
    sys.stderr.write(f"client {client}: {project.sync()} calls waited to the end\\n")
"""


def main() -> None:
    asked = sys.argv[1] if len(sys.argv) > 1 else "all"
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(XDG_STATE_HOME=f"{folder}/state", XDG_CACHE_HOME=f"{folder}/cache")
        os.environ.update(PGPASSWORD=servers.PASSWORD, OMP_NUM_THREADS="1")
        with servers.postgres(durable=True) as database:
            if asked in ("all", "layers"):
                with servers.object_store() as environment:
                    os.environ.update(environment)
                    layers(database, Path(folder))
            if asked in ("all", "writers"):
                writers(database, Path(folder))
            if asked in ("all", "kills"):
                kills(database, Path(folder), times)
            if asked in ("all", "server-kills"):
                with servers.object_store() as environment:
                    os.environ.update(environment)
                    server_kills(database, Path(folder), times)


def layers(database: servers.Postgres, folder: Path) -> None:
    """Compare two checkpoints of 400 MB: here, and from the bucket with nothing in the cache."""
    places = {"directory": str(folder / "here"), "bucket": f"{database.url}?project=layers"}
    for name, place in places.items():
        started = time.perf_counter()
        log_two(place, FILES if name == "bucket" else None)
        print(f"log 2 × {MB} MB, {name}: {time.perf_counter() - started:.1f} s", flush=True)
    found: dict[str, list[list[float]]] = {name: [] for name in places}
    bare: list[list[float]] = []
    for _ in range(5):
        found["directory"].append([*map(float, output(LAYERS, places["directory"]).split()), 0.0])
        before = of_the_store()
        bare.append([*map(float, output(BARE, FILES).split()), of_the_store() - before])
        # right before the run: memory that a virtual machine has given back to its host in between comes back slowly
        subprocess.run(["rm", "-rf", f"{folder}/cache"], check=True)
        before = of_the_store()
        found["bucket"].append([*map(float, output(LAYERS, places["bucket"]).split()), of_the_store() - before])
    again = float(output(LAYERS, places["bucket"]).split()[0])
    (here, memory, own, _, _), (there, memory_there, own_there, _, server) = (
        [statistics.median(column) for column in zip(*found[name], strict=True)] for name in places
    )
    seconds, reading, _, answering = (statistics.median(column) for column in zip(*bare, strict=True))
    print(f"layers of 2 × {MB} MB: here {here:.1f} s, {memory:.0f} MiB, processor {own:.1f} s")
    print(
        f"from the bucket {there:.1f} s, {memory_there:.0f} MiB, processor {own_there:.1f} s and {server:.1f} s of "
        f"the store; the same bytes alone {seconds:.1f} s, processor {reading:.1f} s and {answering:.1f} s of the store"
    )
    ratios = [there[0] / here[0] for here, there in zip(*found.values(), strict=True)]
    print(
        f"ratio {there / here:.2f} (limit 2; of each round {', '.join(f'{each:.2f}' for each in ratios)}); "
        f"with the files in the cache {again / here:.2f}; load {load()}",
        flush=True,
    )


def log_two(place: str, artifacts: str | None) -> None:
    """Log a model of random weights, and one that was pruned."""
    rng = np.random.default_rng(0)
    weights = {f"layer{i}.weight": rng.standard_normal((2000, MB * 5), "f4") for i in range(25)}
    with cc.open(place, artifacts=artifacts) as project:
        project.log_model("base", checkpoint=weights)
        for name, each in weights.items():
            weights[name] = np.where(np.abs(each) < 0.5, np.float32(0), each)
        project.log_model("child", base="base", operation=cc.Operation("prune"), checkpoint=weights)


def of_the_store() -> float:
    """Processor time of the object store up to now, in seconds."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = process.read_text().partition("(")[2].rpartition(")")
            ticks += sum(map(int, rest.split()[11:13])) if name == "weed" else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def writers(database: servers.Postgres, folder: Path) -> None:
    """32 writers on 4 clients."""
    for name, place in (("SQLite", str(folder / "sqlite")), ("PostgreSQL", f"{database.url}?project=writers")):
        with cc.open(place, artifacts=folder / "files" if name == "PostgreSQL" else None) as project:
            project.log_model("root", metrics={"Accuracy": 1.0})
        started = time.perf_counter()
        clients = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, place, str(client), "8", "25"], stdout=subprocess.PIPE, text=True
            )
            for client in range(4)
        ]
        answers = [client.communicate()[0].split() for client in clients]
        seconds = time.perf_counter() - started
        sent = sum(int(count) for count, _ in answers)
        with cc.open(place) as project:
            print(
                f"{name}: 32 writers on 4 clients sent {sent} models, {len(project) - 1} are there; "
                f"{sent / seconds:.0f} models/s; longest wait {max(float(wait) for _, wait in answers):.1f} s; "
                f"load {load()}",
                flush=True,
            )
            assert sent == len(project) - 1 == 800


def kills(database: servers.Postgres, folder: Path, times: int) -> None:
    """kill -9 of all of PostgreSQL at random moments, and of the writer in every tenth case.

    A writer does the same again when the connection is lost, as its error says.
    """
    place = f"{database.url}?project=kills"
    acknowledged: set[str] = set()
    with cc.open(place, artifacts=folder / "files") as project:
        writer = begin(place, 0)
        for attempt in range(1, times + 1):
            assert writer.stdout is not None
            acknowledged.add(writer.stdout.readline().strip())
            time.sleep(random.uniform(0, 0.3))
            if attempt % 10:
                database.kill()
                database.start()
            else:
                writer.kill()
                acknowledged |= set(writer.communicate()[0].split())
                there = set(project.models()["id"].to_pylist())
                assert acknowledged <= there, sorted(acknowledged - there)
                print(f"after {attempt} kills: {len(acknowledged)} acknowledged, {len(there)} there", flush=True)
                writer = begin(place, attempt)
        writer.kill()
        acknowledged |= set(writer.communicate()[0].split())
        there = set(project.models()["id"].to_pylist())
        assert acknowledged <= there, sorted(acknowledged - there)
        assert project.damage() == []
    cut = len(there - acknowledged)
    print(
        f"{times} × kill -9: {len(acknowledged)} acknowledged, none lost; {cut} stored without an answer; load {load()}"
    )


def server_kills(database: servers.Postgres, folder: Path, times: int) -> None:
    """32 writers on 4 clients log weights over HTTP into a bucket; kill -9 of the server or of PostgreSQL at random.

    Whoever gets no answer asks again, as the client does by itself; what it could not send waits, and is sent next time
    or at the end.
    """
    os.environ.update(XDG_CONFIG_HOME=f"{folder}/config")
    token = Tokens().create("writers", "log")
    with cc.open(f"{database.url}?project=http", artifacts=FILES) as project:
        project.log_model("root", metrics={"Accuracy": 1.0})
    port, stop = servers.free_ports(1)[0], folder / "stop"
    command = [*TOOL, "serve", "--projects", database.url, "--port", str(port), "--no-browser"]
    command += ["--artifacts", FILES]
    server = serve(command, port)
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", OVER_HTTP, f"http://127.0.0.1:{port}/p/http", str(number), "8", str(stop)],
            stdout=(folder / f"acknowledged {number}").open("w"),
            env={**os.environ, "COMPRESS_COMPARE_TOKEN": token},
        )
        for number in range(4)
    ]
    counts = {"server": 0, "PostgreSQL": 0}
    for attempt in range(1, times + 1):
        known = said(folder)
        while said(folder) == known:
            assert all(client.poll() is None for client in clients), "a writer gave up"
            time.sleep(0.01)
        time.sleep(random.uniform(0, 1))
        name = random.choice(list(counts))
        counts[name] += 1
        if name == "server":
            server.kill()
            server.wait()
            server = serve(command, port)
        else:
            database.kill()
            database.start()
        if attempt % 10 == 0:
            print(f"after {attempt} kills; load {load()}", flush=True)
    stop.touch()
    assert [client.wait(120) for client in clients] == [0] * 4
    server.kill()
    server.wait()
    acknowledged = {line for number in range(4) for line in (folder / f"acknowledged {number}").read_text().split()}
    with cc.open(f"{database.url}?project=http") as project:
        there = set(project.models()["id"].to_pylist())
        assert acknowledged <= there, sorted(acknowledged - there)
        assert project.damage() == []
        for name in acknowledged:
            (value,) = set(project.load_checkpoint(name)["w"].tolist())
            assert value == zlib.crc32(name.encode()), name
    print(
        f"{counts} × kill -9 under 32 writers over HTTP: {len(acknowledged)} acknowledged, none lost, weights as sent; "
        f"{len(there - acknowledged) - 1} stored without an answer; load {load()}"
    )


def said(folder: Path) -> int:
    """Bytes of all that was acknowledged."""
    return sum((folder / f"acknowledged {number}").stat().st_size for number in range(4))


def serve(command: list[str], port: int) -> subprocess.Popen[bytes]:
    """A server that answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not servers.answers(f"http://127.0.0.1:{port}/healthz"):
        assert process.poll() is None, "the server has ended"
        time.sleep(0.05)
    return process


def begin(place: str, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ONE_BY_ONE, place, str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def output(program: str, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True
    ).stdout


def load() -> str:
    return f"{os.getloadavg()[0]:.0f}"


if __name__ == "__main__":
    main()
