"""Connections that do not finish what they began, and a process that can open no more of them."""

import asyncio
import errno
import logging
import socket

import pytest

from compress_compare.server.serving import Protocol, _Quiet


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(Protocol, "patience", 0.3)


HEAD = b"POST /api/v1/selection HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"


@pytest.mark.parametrize("sent", [b"", b"POST /api", HEAD, HEAD + b"Content-Length: 10\r\n\r\n{", b"\r\n"])
def test_a_half_sent_request_is_ended(server, impatient, sent):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(sent.replace(b"%d", str(server.port).encode()))
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
        assert b"HTTP/1.1 200" not in received
    with server.client(headers=server.bearer) as client:
        assert client.get("/api/v1/models").status_code == 200


def test_no_more_files_is_told_once_a_minute(caplog):
    told = _Quiet()
    loop = asyncio.new_event_loop()
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            told(loop, {"message": "m", "exception": OSError(errno.EMFILE, "Too many open files")})
    loop.close()
    assert [record.getMessage() for record in caplog.records] == [
        "no more connections can be opened by this process: Too many open files"
    ]
