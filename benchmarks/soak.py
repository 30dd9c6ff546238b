"""A server under steady load for a long time: lists, effects, selections, models over HTTP, and a backup each minute.

Claim: after a start of a fifth of the time, memory grows by less than 1 MB in an hour or 5 MB in all, open files and
threads stay as they are, SQLite's log stays below 64 MB, no answer is a 5xx, and every model that was acknowledged is
there, in the last backup too up to its moment. Run from the repository root: ``python benchmarks/soak.py [MINUTES]``
(default: 60). Ends with exit code 1 if the claim is off.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

import compress_compare as cc
from tests.server.conftest import fill
from tests.server.test_killed import server_of

EVERY_S, BACKUP_S = 2.0, 60.0
GROWTH_MB_PER_HOUR, GROWTH_MB, WAL_MB = 1.0, 5.0, 64
ASKS = (
    ("GET", "/api/v1/models?limit=50", None),
    ("GET", "/api/v1/effects?metric=Accuracy&pairs=20", None),
    ("GET", "/api/v1/frontier?x=Size&y=Accuracy", None),
    ("POST", "/api/v1/selection", {"models": ["root", "pruned 0.5", "pruned 0.9"]}),
    ("GET", "/api/v1/model?id=root", None),
)


@dataclass
class Seen:
    """What happened so far."""

    statuses: Counter[int] = field(default_factory=Counter)
    logged: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def read(client, seen: Seen, ended: threading.Event, seed: int) -> None:
    draw = random.Random(seed)
    while not ended.wait(0.05):
        method, path, body = draw.choice(ASKS)
        seen.statuses[client.request(method, path, json=body).status_code] += 1


def write(address: str, token: str, seen: Seen, ended: threading.Event) -> None:
    with cc.open(address, token=token) as project:
        number = 0
        while not ended.wait(0.2):
            prune = cc.Operation("prune", number=number)
            try:
                project.log_model(f"m{number}", base="root", operation=prune, metrics={"Accuracy": number / 1e7})
                seen.logged.append(f"m{number}")
            except Exception as error:  # what fails is counted, and the load goes on
                seen.errors.append(repr(error))
            number += 1


def watch(path: Path, pid: int, seconds: float, seen: Seen) -> tuple[np.ndarray, int]:
    """Time, MB, files, threads and MB of the log, again and again; and what the last backup must hold."""
    process, start, backed = psutil.Process(pid), time.monotonic(), 0
    samples, due = [], BACKUP_S / 2
    while (now := time.monotonic() - start) < seconds:
        wal = path / "compress-compare.db-wal"
        size = wal.stat().st_size / 1e6 if wal.exists() else 0.0
        samples.append((now, process.memory_info().rss / 1e6, process.num_fds(), process.num_threads(), size))
        if now >= due:
            due += BACKUP_S
            backed = len(seen.logged)
            with cc.open(path, read_only=True) as project:
                project.backup(path.parent / f"backup-{backed}")
        time.sleep(EVERY_S)
    return np.array(samples), backed


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    seen, ended = Seen(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small"
        with cc.open(path) as project:
            fill(project)
        with server_of(path) as (process, client):
            address = str(client.base_url).rstrip("/")
            token = client.headers["authorization"].removeprefix("Bearer ")
            threads = [threading.Thread(target=read, args=(client, seen, ended, seed)) for seed in range(3)]
            threads.append(threading.Thread(target=write, args=(address, token, seen, ended)))
            for thread in threads:
                thread.start()
            try:
                samples, backed = watch(path, process.pid, 60 * minutes, seen)
            finally:
                ended.set()
                for thread in threads:
                    thread.join()
        with cc.open(path) as project:
            lost = set(seen.logged) - set(project.models()["id"].to_pylist())
            damage = project.damage()
        with cc.open(path.parent / f"backup-{backed}") as copy:
            lost |= set(seen.logged[:backed]) - set(copy.models()["id"].to_pylist())
            damage += copy.damage()
    return told(samples, seen, lost=len(lost), damage=len(damage))


def told(samples: np.ndarray, seen: Seen, *, lost: int, damage: int) -> int:
    """Print the figures; 1 if the claim is off."""
    steady = samples[samples[:, 0] >= samples[-1, 0] / 5]
    slope = np.polyfit(steady[:, 0] / 3600, steady[:, 1], 1)[0]
    grown = steady[-5:, 1].mean() - steady[:5, 1].mean()
    failures = sum(count for status, count in seen.statuses.items() if status >= 500) + len(seen.errors)
    files, threads = np.ptp(steady[:, 2]), np.ptp(steady[:, 3])
    print(f"{seen.statuses.total()} requests, {len(seen.logged)} models logged over HTTP, {failures} failures")
    print(f"memory {steady[:, 1].mean():.0f} MB, {slope:+.1f} MB in an hour, {grown:+.1f} MB in all")
    print(
        f"open files {steady[:, 2].min():.0f} to {steady[:, 2].max():.0f}, threads {steady[:, 3].min():.0f} to", end=" "
    )
    print(f"{steady[:, 3].max():.0f}; log at most {samples[:, 4].max():.1f} MB; {lost} lost, {damage} damaged")
    for error in seen.errors[:5]:
        print(error)
    off = slope > GROWTH_MB_PER_HOUR and grown > GROWTH_MB
    return int(
        off or failures > 0 or lost > 0 or damage > 0 or samples[:, 4].max() > WAL_MB or max(files, threads) > 10
    )


if __name__ == "__main__":
    sys.exit(main())
