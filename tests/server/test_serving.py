"""The command: one line, one port on loopback, one server per project, clear refusals, a prompt end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import compress_compare as cc
from compress_compare.errors import UserError
from compress_compare.server import serving

from .running import TOOL, served, wait_until


@pytest.fixture
def directory(tmp_path):
    with cc.open(tmp_path / "project") as project:
        project.log_model("only")
    return tmp_path / "project"


def listening(pid: int) -> list[tuple[str, int]]:
    """The local addresses on which a process accepts connections, from the kernel's own tables."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = str(descriptor.readlink()) if descriptor.is_symlink() else ""
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                found.append((address, int(port, 16)))
    return found


def test_prints_one_line_and_listens_on_loopback_alone(directory):
    with served(directory, "--port", "0") as (process, line):
        port, token = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43,})\n", line).groups()
        assert listening(process.pid) == [("0100007F", int(port))]
        command_line = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
        assert token not in command_line
        headers = {"Authorization": f"Bearer {token}"}
        models = httpx.get(f"http://127.0.0.1:{port}/api/v1/models", headers=headers).json()
        assert models["total"] == 1
        httpx.get(line.strip())
        httpx.get(f"http://127.0.0.1:{port}/api/v1/models?secret=x")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, output, errors) == (0, "", "")


def test_no_token_on_disk(directory):
    with served(directory, "--port", "0") as (_, line):
        token = line.strip().rpartition("=")[2]
        for path in directory.rglob("*"):
            assert not path.is_file() or token.encode() not in path.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stops_at_once_with_an_open_stream(directory, number):
    with served(directory, "--port", "0") as (process, line):
        address, token = re.fullmatch(r"(http://[\d.:]+)/\?token=(.*)\n", line).groups()
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.stream("GET", f"{address}/api/v1/events", headers=headers) as response:
            lines = response.iter_lines()
            next(lines)
            process.send_signal(number)
            assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_a_second_server_is_told_who_has_the_project(directory):
    with served(directory, "--port", "0") as (first, line):
        second = subprocess.run(
            [*TOOL, "serve", str(directory), "--no-browser"], capture_output=True, text=True, timeout=60
        )
        assert (second.returncode, second.stdout) == (2, "")
        assert second.stderr.startswith(
            f"server.running: The project 'project' is already served by process {first.pid}."
        )
        assert httpx.get(line.split("?")[0] + "healthz").status_code == 200


def test_what_a_killed_server_leaves_behind_does_not_matter(directory):
    with served(directory, "--port", "0") as (process, _):
        process.kill()
        process.wait()
    assert json.loads((directory / "server.lock").read_text())["pid"] == process.pid
    (directory / "server.lock").write_text(json.dumps({"pid": os.getpid(), "started": 0}))  # a recycled process id
    with served(directory, "--port", "0") as (_, line):
        assert line.startswith("http://")


def test_the_lock_file_is_private(directory):
    before = os.umask(0)
    try:
        with served(directory, "--port", "0"):
            assert (directory / "server.lock").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_busy_port_is_refused_when_asked_for_and_passed_over_when_not(directory):
    with serving.listen(0) as taken:
        port = taken.getsockname()[1]
        command = [*TOOL, "serve", str(directory), "--no-browser", "--port", str(port)]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        f"port.in_use: Port {port} is in use.",
        "Choose another with --port, or --port 0 for any free one.",
    ]


def test_the_default_port_gives_way(monkeypatch):
    with serving.listen(0) as taken:
        monkeypatch.setattr(serving, "PORT", taken.getsockname()[1])
        with serving.listen(None) as found:
            assert found.getsockname()[0] == "127.0.0.1"
            assert found.getsockname()[1] != taken.getsockname()[1]
        monkeypatch.setattr(serving, "PORTS_TRIED", 1)
        with pytest.raises(UserError) as caught:
            serving.listen(None)
    assert caught.value.code == "port.in_use"


def test_there_is_no_way_to_listen_to_the_world(directory):
    command = [*TOOL, "serve", str(directory), "--no-browser", "--host", "0.0.0.0"]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 2


def test_no_project_no_server(tmp_path):
    refused = subprocess.run([*TOOL, "serve", str(tmp_path / "none")], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert refused.stderr.startswith("project.unknown: ")
    assert not (tmp_path / "none").exists()


def test_the_browser_gets_an_invitation_and_not_the_token(directory, tmp_path):
    """What is handed to another program's command line opens one page once."""
    note = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {note}.part && mv {note}.part {note}\n')
    browser.chmod(0o700)
    command = [*TOOL, "serve", str(directory), "--port", "0"]
    environment = os.environ | {"BROWSER": str(browser)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        token = process.stdout.readline().strip().rpartition("=")[2]
        assert wait_until(note.exists)
        address = note.read_text().strip()
        assert token not in address
        assert [httpx.get(address).status_code for _ in range(2)] == [303, 401]
        process.terminate()


def test_starts_small_without_torch(directory):
    with served(directory, "--port", "0") as (process, line):
        assert line
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        resident = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())[1]
    assert "torch" not in maps
    assert int(resident) / 1000 < 200


def test_imports_no_heavy_library():
    heavy = {"torch", "onnx", "ray", "sklearn", "pandas", "scipy"}
    code = "import sys, compress_compare.server.serving; sys.stdout.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert heavy.isdisjoint(done.stdout.split())


def test_slow_connections_hold_nobody_up(directory):
    with served(directory, "--port", "0") as (_, line):
        address = line.split("?")[0]
        port = int(re.search(r":(\d+)/", address)[1])
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(500)]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x")
        with httpx.Client(timeout=60) as client:
            for _ in range(50):
                assert client.get(f"{address}healthz").status_code == 200
        for connection in slow:
            connection.close()
