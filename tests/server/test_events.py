"""Live updates: what other processes write shows up, and streams end when they should."""

import json
import socket
import subprocess
import sys
import threading

import pytest

import compress_compare as cc

from .running import running, wait_until

WRITER = """
import sys
import compress_compare as cc
with cc.open(sys.argv[1]) as project:
    for name in sys.argv[2:]:
        project.log_model(name)
"""


@pytest.fixture
def live(each_backend, tmp_path):
    with cc.open(tmp_path / "live") as project:
        project.log_model("first")
        with running(project) as server:
            server.project = project
            yield server


def messages(response):
    """The events of a stream as they come: (name, data)."""
    name, data = "", ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data = line[6:]
        elif not line and data:
            yield name, json.loads(data)
            name, data = "", ""


def feed(server):
    return server.app.state.context.feed


def test_tells_the_state_at_once(live):
    with live.client(headers=live.bearer) as client, client.stream("GET", "/api/v1/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        name, data = next(messages(response))
    assert (name, data) == ("revision", {"revision": live.project.revision(), "models": 1})


def test_what_another_process_logs_arrives(live):
    with live.client(headers=live.bearer) as client, client.stream("GET", "/api/v1/events") as response:
        events = messages(response)
        next(events)
        subprocess.run([sys.executable, "-c", WRITER, str(live.project.path), "second", "third"], check=True)
        data = next(data for _, data in events if data["models"] == 3)
    assert data["revision"] == live.project.revision()


def test_all_readers_share_one_poller(live):
    at_once, most = [], 0
    original = live.project.revision

    def look():
        nonlocal most
        at_once.append(1)
        most = max(most, len(at_once))
        looks.append(1)
        try:
            return original()
        finally:
            at_once.pop()

    looks: list[int] = []
    live.project.revision = look
    with live.client(headers=live.bearer) as client:
        responses = [client.stream("GET", "/api/v1/events") for _ in range(10)]
        opened = [response.__enter__() for response in responses]
        readers = [messages(response) for response in opened]
        assert {next(reader)[0] for reader in readers} == {"revision"}
        poller = feed(live)._poller
        assert wait_until(lambda: len(looks) >= 4)
        assert feed(live)._poller is poller
        for response in responses:
            response.__exit__(None, None, None)
    assert wait_until(lambda: feed(live).num_streams == 0)
    assert wait_until(poller.done)
    assert most == 1 and feed(live)._poller is None


def test_a_client_that_leaves_is_let_go(live):
    for _ in range(3):
        with live.client(headers=live.bearer) as client, client.stream("GET", "/api/v1/events") as response:
            events = messages(response)
            next(events)
            assert feed(live).num_streams == 1
        assert wait_until(lambda: feed(live).num_streams == 0)


def test_a_quiet_stream_shows_that_it_is_alive(live):
    feed(live)._heartbeat = 0.1
    with live.client(headers=live.bearer) as client, client.stream("GET", "/api/v1/events") as response:
        lines = response.iter_lines()
        assert any(line == ": alive" for line, _ in zip(lines, range(20), strict=False))


def test_the_number_of_streams_is_bounded(live):
    feed(live)._max_streams = 2
    with live.client(headers=live.bearer) as client:
        first, second = (client.stream("GET", "/api/v1/events") for _ in range(2))
        with first as one, second as two:
            readers = [messages(one), messages(two)]
            assert {next(reader)[0] for reader in readers} == {"revision"}
            refused = client.get("/api/v1/events")
            assert (refused.status_code, refused.json()["code"]) == (503, "events.too_many")
            assert refused.headers["retry-after"] == "1"
        assert wait_until(lambda: feed(live).num_streams == 0)
        with client.stream("GET", "/api/v1/events") as again:
            assert next(messages(again))[0] == "revision"


def test_signing_out_ends_the_streams(live):
    with live.client(headers=live.bearer) as client, client.stream("GET", "/api/v1/events") as response:
        events = messages(response)
        next(events)
        client.post("/api/v1/logout", json={})
        assert list(events) == []


def test_a_reader_that_stalls_costs_nothing(live):
    """It reads nothing while a thousand changes happen: the others are served, and what waits for it stays small."""
    request = (
        f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{live.port}\r\nAuthorization: Bearer {live.token}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", live.port)) as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        stalled.sendall(request.encode())
        assert wait_until(lambda: feed(live).num_streams == 1)
        with live.client(headers=live.bearer) as client, client.stream("GET", "/api/v1/events") as response:
            events = messages(response)
            next(events)
            live.project.log_models([{"id": f"m{i}"} for i in range(1000)])
            assert next(events)[1]["models"] == 1001


def test_the_server_stops_although_streams_are_open(tmp_path):
    with cc.open(tmp_path / "stopping") as project:
        ended = threading.Event()
        begun = threading.Event()

        def read(server):
            with server.client(headers=server.bearer) as client, client.stream("GET", "/api/v1/events") as response:
                for line in response.iter_lines():
                    if line:
                        begun.set()
            ended.set()

        with running(project) as server:
            threading.Thread(target=read, args=(server,), daemon=True).start()
            assert begun.wait(60)
        assert ended.wait(60)
