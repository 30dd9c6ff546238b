"""Errors as people and programs meet them (B36, B38, B40, S8, S19)."""

import json
import logging
import math
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.responses import StreamingResponse

import compress_compare as cc
from compress_compare.errors import UserError
from compress_compare.server import problems
from compress_compare.server.router import needs

from .running import running

FIELDS = {"status", "code", "title", "detail", "hint", "trace_id"}


def check(answer, status: int, code: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == FIELDS
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code), body
    assert body["title"].isprintable()
    assert body["title"].endswith(".")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("models?limit=-1", 422, "param.range"),
        ("models?limit=0", 422, "param.range"),
        ("models?limit=1001", 422, "param.range"),
        ("models?limit=1000000000000000000", 422, "param.range"),
        ("models?limit=100000000000000000000", 422, "param.range"),
        ("models?limit=" + "9" * 5000, 422, "param.range"),
        ("models?limit=1.5", 422, "param.type"),
        ("models?limit=ten", 422, "param.type"),
        ("models?limit=NaN", 422, "param.type"),
        ("models?limit=", 422, "param.type"),
        ("models?offset=-1", 422, "param.range"),
        ("models?offset=10000000000000000000", 422, "param.range"),
        ("model", 422, "param.missing"),
        ("model?id=unknown", 404, "model.unknown"),
        ("model?id=", 404, "model.unknown"),
        ("frontier?x=Size", 422, "param.missing"),
        ("frontier?x=Size&y=unknown", 404, "metric.unknown"),
        ("nothing", 404, "route.unknown"),
        ("models/", 404, "route.unknown"),
    ],
)
def test_wrong_parameters(client, path, status, code):
    check(client.get(f"/api/v1/{path}"), status, code)


def test_the_limits_are_inclusive(client):
    for limit in (1, 1000):
        assert client.get("/api/v1/models", params={"limit": limit}).status_code == 200
    assert client.get("/api/v1/models", params={"offset": 2**53}).json()["models"] == []


def test_wrong_method(client):
    check(client.request("DELETE", "/api/v1/models"), 405, "route.method")
    check(client.put("/api/v1/models", json={}), 405, "route.method")


NAMES = {
    "empty": "",
    "long": "x" * 257,
    "megabyte": "x" * 1_000_000,
    "nul": "a\0b",
    "newline": "a\nb",
    "escape": "\x1b[31mred",
    "right to left": "a\u202eb",
    "dot": ".",
    "dots": "..",
    "device": "CON",
    "formula": "=1+1",
    "emoji": "\N{GRINNING FACE}",
    "not composed": "e\u0301",
    "markup": "<img src=x onerror=alert(1)>",
    "sql": "' OR 1=1; --",
    "template": "{0.__class__}",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_is_answered(client, name):
    answers = [
        client.post("/api/v1/selection", json={"models": [name]}),
        client.patch("/api/v1/model", params={"id": name[:1000]}, json={"note": "x"}),
        client.get("/api/v1/model", params={"id": name[:1000]}),
    ]
    for answer in answers:
        assert answer.status_code in (404, 422)
        assert answer.json()["code"] in ("model.unknown", "name.invalid")
        assert len(answer.content) < 2000


@pytest.mark.parametrize(
    "name", [NAMES[key] for key in ("empty", "long", "nul", "newline", "escape", "right to left", "not composed")]
)
def test_bad_tags_are_refused_with_the_character(client, project, name):
    before = project.revision()
    check(client.patch("/api/v1/model?id=root", json={"tags": [name]}), 422, "name.invalid")
    assert project.revision() == before
    assert project.model("root").tags == ()


@pytest.mark.parametrize(
    "name", [NAMES[key] for key in ("dots", "device", "formula", "emoji", "markup", "sql", "template")]
)
def test_odd_names_are_kept_exactly(tmp_path, name):
    with cc.open(tmp_path / "odd") as project:
        project.define_metric(name)
        project.log_model(name, operation=cc.Operation(name, **{name: name}), metrics={name: 1}, tags=[name], note=name)
        with running(project) as server, server.client(headers=server.bearer) as client:
            model = client.get("/api/v1/model", params={"id": name}).json()
            row = client.get("/api/v1/models").json()["models"][0]
            summary = client.get("/api/v1/project").json()
    assert (model["id"], model["operation"], model["parameters"], model["tags"], model["note"]) == (
        name,
        name,
        {name: name},
        [name],
        name,
    )
    assert (row["id"], row["metrics"]) == (name, {name: 1.0})
    assert summary["metrics"][0]["name"] == name


def test_numbers_that_json_lacks(tmp_path):
    values = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "tiny": 5e-324, "zero": -0.0, "missing": None}
    said = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "tiny": 5e-324, "zero": -0.0}

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    with cc.open(tmp_path / "numbers") as project:
        for name in values:
            project.define_metric(name)
        project.log_model("a", metrics=values)
        with running(project) as server, server.client(headers=server.bearer) as client:
            row = json.loads(client.get("/api/v1/models").text, parse_constant=refuse)["models"][0]
            model = json.loads(client.get("/api/v1/model?id=a").text, parse_constant=refuse)
    assert {name: value for name, value in row["metrics"].items() if value is not None} == said
    assert {metric["name"]: metric["value"] for metric in model["metrics"]} == said


TRAVERSALS = [
    "../canary.txt",
    "..%2fcanary.txt",
    "%2e%2e/canary.txt",
    "%2e%2e%2fcanary.txt",
    "%252e%252e%252fcanary.txt",
    "..%252fcanary.txt",
    "..\\canary.txt",
    "..%5ccanary.txt",
    "..%255ccanary.txt",
    "..;/canary.txt",
    "..;a=b/canary.txt",
    "assets/../../canary.txt",
    "assets/..%2f..%2fcanary.txt",
    "assets/%2e%2e/%2e%2e/canary.txt",
    "./../canary.txt",
    "....//canary.txt",
    "..%00/canary.txt",
    "../canary.txt%00.js",
    "../canary.txt%00",
    "%c0%ae%c0%ae/canary.txt",
    "..%c0%afcanary.txt",
    "%e0%80%ae%e0%80%ae/canary.txt",
    "\uff0e\uff0e/canary.txt",
    "..\uff0fcanary.txt",
    "..%u2215canary.txt",
    "/canary.txt",
    "//canary.txt",
    "../static-sibling/canary.txt",
    "..%2fstatic-sibling%2fcanary.txt",
    "link.txt",
    "link.txt/",
    "/etc/passwd",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "file:%2f%2f%2fetc/passwd",
    "../../../../../../../../etc/passwd",
    "..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "\\\\localhost\\c$\\canary.txt",
    "C:\\canary.txt",
    "~/.ssh/id_rsa",
    "%7e/.ssh/id_rsa",
    "assets/",
    "assets",
    ".",
    "%2e",
    "assets/index-B1d3kQ9x.js/../../../canary.txt",
    "assets/index-B1d3kQ9x.js%2f..%2f..%2f..%2fcanary.txt",
    "server.lock",
    "compress-compare.db",
    "../compress-compare.db",
    "login.html",
    "pages/login.html",
    "..%2fpages%2flogin.html",
    "app.py",
    "..%2fapp.py",
    "proc/self/environ",
    "../../../../../proc/self/environ",
    "%2e%2e%5c%2e%2e%5ccanary.txt",
    "..%5c..%2fcanary.txt",
]


@pytest.mark.parametrize("payload", TRAVERSALS)
def test_no_path_from_outside_reaches_the_file_system(server, client, payload):
    """In the path of a request, raw on the wire, and in every field that takes a name."""
    for prefix in ("/", "/assets/", "/api/v1/", "/api/v1/models/"):
        request = f"GET {prefix}{payload} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        request += f"Authorization: Bearer {server.token}\r\nSec-Fetch-Mode: no-cors\r\nConnection: close\r\n\r\n"
        received = server.raw(request.encode())
        assert received.split(b" ", 2)[1] in (b"400", b"404"), (prefix, received[:200])
        assert not leaks(received)
    answers = [
        client.get("/api/v1/model", params={"id": payload}),
        client.get("/api/v1/frontier", params={"x": payload, "y": payload}),
        client.post("/api/v1/selection", json={"models": [payload]}),
        client.patch("/api/v1/model", params={"id": payload}, json={"tags": ["x"]}),
        client.get(
            "/", headers={"X-Original-URL": quoted(payload), "X-Rewrite-URL": quoted(payload), "Range": "bytes=0-"}
        ),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 404, 200]
    assert not any(leaks(answer.content) for answer in answers)


def leaks(content: bytes) -> bool:
    return b"CANARY" in content or b"root:x:" in content or b"SQLite format" in content


def quoted(text: str) -> bytes:
    return text.encode("utf-8")


class TestUnexpected:
    """A failure of ours tells the client nothing, and the log no secrets."""

    @pytest.fixture
    def failing(self, project, monkeypatch):
        monkeypatch.setenv("API_SECRET", "environment-secret")

        def change(app):
            token, session = app.state.context.keys.token, app.state.context.keys.session

            @needs("read")
            async def fail():
                raise RuntimeError(f"{token} {session} {Path.home()}/private\r\n\x1b[31mforged line")

            @needs("read")
            async def fail_late():
                async def chunks():
                    yield b"begun"
                    raise RuntimeError("late")

                return StreamingResponse(chunks())

            app.router.routes.insert(0, APIRoute("/api/v1/fail", fail))
            app.router.routes.insert(0, APIRoute("/api/v1/late", fail_late))

        with running(project, change=change) as server:
            yield server

    def test_the_client_learns_a_number(self, failing, caplog):
        with failing.client(headers=failing.bearer) as client:
            answer = client.get("/api/v1/fail", headers={"Cookie": "a=cookie-secret"})
        check(answer, 500, "server.internal")
        trace = answer.json()["trace_id"]
        session = failing.app.state.context.keys.session
        secrets = [failing.token, session, str(Path.home()), "environment-secret", "cookie-secret"]
        for text in (answer.text, caplog.text):
            assert not [secret for secret in secrets if secret in text]
        assert "Traceback" not in answer.text
        assert "RuntimeError" not in answer.text
        assert f"(trace {trace}): RuntimeError" in caplog.text
        assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
        assert "\x1b" not in caplog.text
        assert "\r" not in caplog.text

    def test_a_response_that_has_begun_just_ends(self, failing, caplog):
        with failing.client(headers=failing.bearer) as client, pytest.raises(httpx.RemoteProtocolError):
            client.get("/api/v1/late")
        with failing.client() as client:
            assert client.get("/healthz").status_code == 200


def test_control_characters_do_not_get_through():
    answer = problems.problem(UserError("a.b", "Red \x1b[31m.", detail="a\u202eb\r\n", hint="ok"))
    assert json.loads(answer.body)["title"] == "Red \ufffd[31m."
    assert json.loads(answer.body)["detail"] == "a\ufffdb\ufffd\ufffd"


def test_not_even_http(server):
    for nonsense in (
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET\r\n\r\n",
        b"A" * 70_000 + b"\r\n\r\n",
    ):
        received = server.raw(nonsense)
        assert received.startswith(b"HTTP/1.1 400 ")
        head, _, body = received.partition(b"\r\n\r\n")
        assert json.loads(body)["code"] == "request.malformed"
        assert b"content-security-policy: default-src 'none'" in head
        assert b"cache-control: no-store" in head
