"""Request bodies: their size, their encoding, and what becomes of bad ones (B37)."""

import gzip
import json
import socket

import pytest

URL = "/api/v1/selection"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"[" * 100_000, 400, "json.too_deep"),
        (b'{"models": [' + b"1" * 5000 + b"]}", 400, "json.number_too_large"),
        (b'{"models": [9223372036854775808]}', 400, "json.number_too_large"),
        (b'{"models": ["root"], "models": []}', 400, "json.duplicate_key"),
        (b'{"models": ["\\ud800"]}', 400, "json.bad_unicode"),
        ('{"models": ["root"]}'.encode("utf-16"), 400, "json.bad_unicode"),
        (b'\xef\xbb\xbf{"models": ["root"]}', 400, "json.bad_unicode"),
        (b'{"models": ["root"', 400, "json.invalid"),
        (b'{"models": [NaN]}', 422, "value.not_finite"),
        (b'{"models": [1e999]}', 422, "value.not_finite"),
        (b"", 422, "param.missing"),
        (b"null", 422, "param.type"),
        (b"[]", 422, "param.type"),
        (b'{"models": "root"}', 422, "param.type"),
        (b'{"models": [1]}', 422, "param.type"),
        (b'{"models": []}', 422, "param.range"),
        (b'{"model": ["root"]}', 422, "param.missing"),
        (b'{"models": ["root"], "color": 1}', 422, "param.unknown"),
    ],
)
def test_bad_bodies(client, body, status, code):
    answer = client.post(URL, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert client.get("/healthz").status_code == 200


def test_the_field_is_named(client):
    answer = client.post(URL, json={"models": ["root", 1]}).json()
    assert answer["title"] == "body.models.1 is not allowed."
    assert answer["detail"] == "Input should be a valid string; found 1."


def test_too_large_by_its_own_account(client, server):
    head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.token}\r\n"
    head += "Content-Type: application/json\r\n"
    for length in ("100000000", "10000001", "9" * 30):
        received = server.raw(f"{head}Content-Length: {length}\r\n\r\n".encode())
        assert received.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 ")), received


def test_too_large_when_it_comes_in_chunks(client):
    chunks = (b"[" + b" " * 1_000_000 for _ in range(100))
    answer = client.post(URL, content=chunks, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")


def test_a_large_body_within_the_limit_is_read(client):
    body = json.dumps({"models": ["root"]}).encode() + b" " * 9_000_000
    assert client.post(URL, content=body, headers=JSON).status_code == 200


def test_a_compressed_body_is_never_inflated(client):
    bomb = gzip.compress(b" " * 50_000_000)
    answer = client.post(URL, content=bomb, headers=JSON | {"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "body.encoding")


def test_a_body_that_never_comes_holds_nobody_up(server, client):
    head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.token}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(head.encode())
        assert client.get("/healthz").status_code == 200
