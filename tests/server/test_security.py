"""Each gate against the requests it is for, on a real socket; and each taken away, to see that these tests notice."""

import re

import pytest

from .running import running

ROUTES = [  # every route there is, with a method it answers to
    ("GET", "/api/v1/project"),
    ("GET", "/api/v1/models"),
    *((method, "/api/v1/model?id=root") for method in ("GET", "PATCH", "DELETE")),
    *(("POST", f"/api/v1/model/{what}?id=none") for what in ("restore", "rename", "base", "archive", "correct")),
    *[("GET", "/api/v1/history"), ("POST", "/api/v1/undo"), ("GET", "/api/v1/model/descendants?id=root")],
    *[("POST", "/api/v1/gate"), ("GET", "/api/v1/gate/rules"), ("POST", "/api/v1/gate/rules")],
    *(("POST", f"/api/v1/import{part}") for part in ("", "/files", "/preview")),
    *(("GET", f"/api/v1/{what}") for what in ("ship/formats", "import/sources", "models/find?where=Size")),
    *(("POST", f"/api/v1/{what}") for what in ("selection", "merge", "merge/preview", "purge")),
    ("GET", "/api/v1/frontier?x=Size&y=Accuracy"),
    ("GET", "/api/v1/effects"),
    *(("POST", f"/api/v1/behaviors{part}") for part in ("", "/instance")),
    ("GET", "/api/v1/model/coverage?parent=cnn&child=cnn"),
    ("POST", "/api/v1/reality"),
    *[("GET", "/api/v1/tasks"), ("POST", "/api/v1/tasks/trust")],
    ("GET", "/api/v1/behaviors/image?dataset=digits&id=1"),
    ("GET", "/api/v1/behaviors/audio?dataset=digits&id=1"),
    ("GET", "/api/v1/behaviors/export?ask={}&part=summary&format=csv"),
    ("GET", "/api/v1/behaviors/answered?dataset=digits"),
    ("POST", "/api/v1/layers"),
    ("POST", "/api/v1/layers/overlay"),
    ("POST", "/api/v1/layers/suspects"),
    *(("POST", f"/api/v1/layers/tensor{part}") for part in ("", "/channels", "/spectra", "/tile")),
    ("GET", "/api/v1/jobs"),
    *(("POST", f"/api/v1/jobs{part}") for part in ("", "/plan", "/plan/sizes", "/cancel")),
    *[("POST", "/api/v1/jobs/retry?id=none"), ("GET", "/api/v1/jobs/log?id=none"), ("GET", "/api/v1/operations")],
    ("GET", "/api/v1/events"),
    ("GET", "/api/v1/standard-errors"),
    ("PATCH", "/api/v1/metric?name=Accuracy"),
    *((method, "/api/v1/views") for method in ("GET", "POST")),
    *((method, "/api/v1/watches/{name}") for method in ("GET", "DELETE")),
    ("DELETE", "/api/v1/views?name=mine"),
    ("POST", "/api/v1/logout"),
    *[("GET", "/api/v1/sensitivity?model=root"), ("POST", "/api/v1/plans/export")],
    *[("GET", f"/api/v1/{name}") for name in ("archive", "audit", "greeting")],
    *[("POST", f"/api/v1/{name}") for name in ("call/read", "call/log", "objects/missing")],
    *((method, "/api/v1/objects/{sha256}") for method in ("GET", "PUT")),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/"),
    ("GET", "/index.html"),
    ("GET", "/assets/index-B1d3kQ9x.js"),
    ("GET", "/any/other/address"),
]
NOT_THERE = ["/docs", "/redoc", "/openapi.json", "/api", "/api/v1", "/api/v1/nothing", "/metrics", "/static/index.html"]
PUBLIC = ["/healthz", "/login", "/login.css", "/login.js"]
UNSAFE = [route for route in ROUTES if route[0] not in ("GET", "HEAD")]


def hosts(port: int) -> list[str]:
    """Hosts that lead to this server by another name, or that pretend to."""
    return [
        "evil.com",
        f"evil.com:{port}",
        f"127.0.0.1.evil.com:{port}",
        f"localhost.evil.com:{port}",
        f"0.0.0.0:{port}",
        f"127.1:{port}",
        f"2130706433:{port}",
        f"0x7f000001:{port}",
        f"localhost.:{port}",
        f"LOCALHOST:{port}",
        f"127.0.0.2:{port}",
        f"[::]:{port}",
        f"[::ffff:127.0.0.1]:{port}",
        "127.0.0.1",
        "127.0.0.1:80",
        f"127.0.0.1:{port + 1}",
        f"127.0.0.1:{port}@evil.com",
        f"user@127.0.0.1:{port}",
        f"127.0.0.1:0{port}",
        "",
    ]


def origins(port: int) -> list[str]:
    return [
        "http://evil.com",
        "https://evil.com",
        "null",
        f"http://localhost:{port + 1}",
        "http://localhost",
        f"https://127.0.0.1:{port}",
        f"http://user@127.0.0.1:{port}",
        f"http://127.0.0.1:{port}.evil.com",
        f"http://trusted.127.0.0.1:{port}",
        f"HTTP://LOCALHOST:{port}",
        "",
    ]


class TestRoutes:
    def test_this_list_is_complete(self, server):
        declared = {
            (method, route.path)
            for route in server.app.router.routes
            for method in route.methods - {"HEAD"}
            if route.path not in PUBLIC and route.path != "/{path:path}"
        }
        assert declared == {(method, path.split("?")[0]) for method, path in ROUTES if path.startswith("/api/")}

    @pytest.mark.parametrize(("method", "path"), [*ROUTES, *(("GET", path) for path in NOT_THERE)])
    def test_without_the_token_nothing_is_reached(self, server, stranger, method, path):
        wrong = [
            {},
            {"Authorization": "Bearer"},
            {"Authorization": f"Bearer {server.token[:-1]}"},
            {"Authorization": f"Bearer {server.token}x"},
            {"Authorization": f"Basic {server.token}"},
            {"Authorization": server.token},
            {"Authorization": "Bearer \xff\xfe"},
            {"Cookie": f"compress_compare_{server.port}=wrong"},
            {"Cookie": f"compress_compare_{server.port}={server.token}"},
            {"Cookie": f"token={server.token}"},
        ]
        for headers in wrong:
            encoded = {name: value.encode("latin-1") for name, value in headers.items()}
            answer = stranger.request(method, path, headers=encoded)
            assert answer.status_code == 401, (headers, answer.text)
            assert answer.json()["code"] == "auth.required"
            assert "set-cookie" not in answer.headers

    def test_the_token_in_the_address_opens_no_api(self, server, stranger):
        assert stranger.get("/api/v1/models", params={"token": server.token}).status_code == 401
        assert stranger.post("/?token=" + server.token, json={}).status_code in (401, 405)

    @pytest.mark.parametrize("path", PUBLIC)
    def test_public_paths_answer_anyone_and_know_nothing(self, server, stranger, path):
        answer = stranger.get(path)
        assert answer.status_code == 200
        assert server.token not in answer.text
        assert "small" not in answer.text

    @pytest.mark.parametrize("path", ["/healthz/", "/healthz/../api/v1/models", "/login/", "//healthz", "/healthz;/x"])
    def test_almost_public_is_not_public(self, server, path):
        lines = (f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Connection: close")
        assert server.status(*lines) == 401

    def test_a_websocket_is_refused_before_it_opens(self, server):
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA")
        lines = ("GET /api/v1/events HTTP/1.1", f"Host: 127.0.0.1:{server.port}", *upgrade)
        assert server.status(*lines) == 401


class TestHost:
    def test_the_three_names_pass(self, server):
        for host in (f"127.0.0.1:{server.port}", f"localhost:{server.port}", f"[::1]:{server.port}"):
            assert server.status("GET /healthz HTTP/1.1", f"Host: {host}", "Connection: close") == 200

    def test_no_other_name_passes(self, server):
        for host in hosts(server.port):
            for path in ("/healthz", f"/?token={server.token}", "/api/v1/project"):
                received = server.raw(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                assert received.split(b" ", 2)[1] in (b"421", b"400"), (host, received[:200])
                assert server.token.encode() not in received
                assert b"set-cookie" not in received.lower()

    @pytest.mark.parametrize(
        "lines",
        [
            ("GET /healthz HTTP/1.1",),
            ("GET /healthz HTTP/1.0",),
            ("GET /healthz HTTP/1.1", "Host: 127.0.0.1:{port}", "Host: evil.com"),
            ("GET /healthz HTTP/1.1", "Host: 127.0.0.1:{port}", "Host: 127.0.0.1:{port}"),
            ("GET /healthz HTTP/1.1", "Host: evil.com", "X-Forwarded-Host: 127.0.0.1:{port}"),
            ("GET /healthz HTTP/1.1", "Host: evil.com", "Forwarded: host=127.0.0.1:{port}"),
            ("GET http://evil.com/healthz HTTP/1.1", "Host: 127.0.0.1:{port}"),
            ("GET http://127.0.0.1:{port}/healthz HTTP/1.1", "Host: evil.com"),
            ("GET healthz HTTP/1.1", "Host: 127.0.0.1:{port}"),
            ("GET /healthz HTTP/1.1", " Host: 127.0.0.1:{port}"),
        ],
    )
    def test_ambiguous_requests_do_not_pass(self, server, lines):
        assert server.status(*(line.format(port=server.port) for line in lines), "Connection: close") in (421, 400)


class TestOrigin:
    def test_other_origins_may_not_change_anything(self, server, client):
        for method, path in UNSAFE:
            for origin in origins(server.port):
                answer = client.request(method, path, json={}, headers={"Origin": origin})
                assert (answer.status_code, answer.json()["code"]) == (403, "origin.not_allowed"), origin

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "SAME-ORIGIN", "nonsense"])
    def test_other_sites_may_not_change_anything(self, client, site):
        for method, path in UNSAFE:
            assert client.request(method, path, json={}, headers={"Sec-Fetch-Site": site}).status_code == 403

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_other_sites_may_not_load_parts_of_the_api(self, client, site):
        for path in ("/api/v1/models", "/api/v1/events"):
            assert client.get(path, headers={"Sec-Fetch-Site": site}).status_code == 403

    def test_own_pages_and_programs_may(self, server, client):
        own = {"Origin": server.address, "Sec-Fetch-Site": "same-origin"}
        for headers in (own, {}, {"Origin": f"http://localhost:{server.port}"}):
            answer = client.post("/api/v1/selection", json={"models": ["root"]}, headers=headers)
            assert answer.status_code == 200

    @pytest.mark.parametrize(
        "content_type",
        [
            None,
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json;charset=utf-16",
            "text/json",
            "application/json, text/plain",
        ],
    )
    def test_only_json_is_taken(self, client, content_type):
        for method, path in UNSAFE:
            headers = {"Content-Type": content_type} if content_type else {}
            answer = client.request(method, path, content=b'{"models": ["root"]}', headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (415, "body.type")

    def test_a_method_cannot_be_smuggled_into_a_get(self, client, project):
        before = project.revision()
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            assert client.get("/api/v1/model?id=root&_method=PATCH", headers={name: "PATCH"}).status_code == 200
        assert project.revision() == before

    def test_no_get_changes_anything(self, client, project):
        before = project.revision()
        for method, path in ROUTES:
            if method == "GET" and "events" not in path:
                client.get(path)
        assert project.revision() == before

    @pytest.mark.parametrize("method", ["DELETE", "PUT", "TRACE", "CONNECT", "PROPFIND"])
    def test_other_methods_are_refused(self, server, client, method):
        headers = {"Content-Type": "application/json"}
        answer = client.request(method, "/api/v1/models", content=b"{}", headers=headers)
        assert answer.status_code in (405, 400)


class TestCors:
    def test_nobody_else_may_read(self, server, stranger, client):
        preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        for origin in origins(server.port):
            for caller in (stranger, client):
                answers = [
                    caller.options("/api/v1/selection", headers={"Origin": origin, **preflight}),
                    caller.get("/api/v1/models", headers={"Origin": origin}),
                    caller.get("/healthz", headers={"Origin": origin}),
                ]
                for answer in answers:
                    assert not [name for name in answer.headers if name.startswith("access-control-")]
                assert answers[0].status_code in (401, 405)


class TestToken:
    def test_first_load_trades_it_for_a_cookie(self, server, stranger):
        answer = stranger.get(f"/overview?x=Size&token={server.token}&selection=a%26b")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/overview?x=Size&selection=a%26b"
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"compress_compare_{server.port}=")
        assert re.search(r"; HttpOnly; Path=/; SameSite=strict$", cookie, re.IGNORECASE)
        assert server.token not in cookie
        assert stranger.get("/", headers={"Accept": "text/html"}).status_code == 200
        assert stranger.get("/api/v1/models").status_code == 200

    def test_it_leaves_the_address_also_when_already_in(self, server, stranger):
        stranger.get("/", params={"token": server.token})
        for token in (server.token, "that of an earlier start"):
            answer = stranger.get("/", params={"token": token})
            assert (answer.status_code, answer.headers["location"]) == (303, "/")

    def test_a_wrong_one_asks_again(self, stranger):
        answer = stranger.get("/overview?token=wrong&x=%3Cimg+src%3Dx%3E", headers={"Accept": "text/html"})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert "not this server&#x27;s token" in answer.text
        assert 'name="x" value="&lt;img src=x&gt;"' in answer.text
        assert "wrong" not in answer.text

    def test_a_page_without_it_asks_for_it(self, stranger):
        answer = stranger.get("/overview?x=Size", headers={"Accept": "text/html"})
        assert answer.status_code == 401
        assert '<input type="hidden" name="x" value="Size">' in answer.text
        assert "data-again" not in answer.text

    def test_a_visit_from_another_site_goes_on_from_here(self, server, stranger):
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        script = '<script src="/login.js" data-again></script>'
        for query in ("", "?token=wrong"):
            answer = stranger.get(f"/overview{query}", headers=headers)
            assert (answer.status_code, script in answer.text, "set-cookie" in answer.headers) == (401, True, False)
        answer = stranger.get(f"/?x=Size&token={server.token}", headers=headers)
        assert (answer.status_code, script in answer.text, "set-cookie" in answer.headers) == (200, True, True)
        again = headers | {"Sec-Fetch-Site": "same-origin"}
        assert stranger.get("/?x=Size&token=", headers=again).headers["location"] == "/?x=Size"
        stranger.cookies.clear()
        answer = stranger.get("/?x=Size&token=", headers=again)
        assert (answer.status_code, script in answer.text) == (401, False)
        assert '<p class="message" role="alert"></p>' in answer.text

    @pytest.mark.parametrize(
        "path",
        [
            "//evil.com",
            "/\\evil.com",
            "//evil.com/%2e%2e",
            "///evil.com",
            "/%5cevil.com",
            "/%2f%2fevil.com",
            "/%0d%0aSet-Cookie:x=1",
        ],
    )
    def test_the_redirect_stays_here(self, server, path):
        request = (
            f"GET {path}?token={server.token} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n"
        )
        received = server.raw(request.encode()).decode()
        location = re.search(r"^location: (.*?)\r$", received, re.MULTILINE)
        assert location is not None
        assert re.match(r"/(?![/\\])", location[1])
        assert "x=1" not in re.findall(r"^set-cookie: (.*)$", received, re.MULTILINE)[0]

    def test_signing_out_kills_the_cookie_but_not_the_token(self, server, stranger):
        stranger.get("/", params={"token": server.token})
        old = stranger.cookies[f"compress_compare_{server.port}"]
        answer = stranger.post("/api/v1/logout", json={})
        assert answer.status_code == 204
        stranger.cookies.clear()
        headers = {"Cookie": f"compress_compare_{server.port}={old}"}
        assert stranger.get("/api/v1/models", headers=headers).status_code == 401
        assert stranger.get("/", params={"token": server.token}).status_code == 303

    def test_a_restart_changes_everything(self, server, stranger, project):
        stranger.get("/", params={"token": server.token})
        with running(project) as other, other.client() as client:
            assert other.token != server.token
            cookie = stranger.cookies[f"compress_compare_{server.port}"]
            headers = {"Cookie": f"compress_compare_{other.port}={cookie}"}
            assert client.get("/api/v1/models", headers=headers).status_code == 401
            assert client.get("/api/v1/models", headers=server.bearer).status_code == 401

    def test_an_invitation_opens_once(self, server, stranger):
        keys = server.app.state.context.keys
        code = keys.invitation()
        assert stranger.get("/api/v1/models", headers={"Authorization": f"Bearer {code}"}).status_code == 401
        assert stranger.get("/", params={"token": code}).status_code == 303
        stranger.cookies.clear()
        assert stranger.get("/", params={"token": code}).status_code == 401

    def test_two_tokens_are_none(self, server, stranger):
        headers = [("Authorization", f"Bearer {server.token}")] * 2
        assert stranger.get("/api/v1/models", headers=headers).status_code == 401
        assert stranger.get(f"/?token={server.token}&token={server.token}").status_code == 401


def foreign_host(server, client) -> int:
    return client.get("/api/v1/models", headers={"Host": "evil.com"}).status_code


def foreign_origin(server, client) -> int:
    return client.post(
        "/api/v1/selection", json={"models": ["root"]}, headers={"Origin": "http://evil.com"}
    ).status_code


def no_token(server, client) -> int:
    return client.get("/", headers={"Authorization": ""}).status_code


def form_body(server, client) -> int:
    content_type = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return client.post("/api/v1/selection", content=b'{"models": ["root"]}', headers=content_type).status_code


@pytest.mark.parametrize(
    ("gate", "attack", "refusal"),
    [
        ("HostGate", foreign_host, 421),
        ("OriginGate", foreign_origin, 403),
        ("TokenGate", no_token, 401),
        ("Bodies", form_body, 415),
    ],
)
def test_without_its_gate_an_attack_gets_through(project, static, gate, attack, refusal):
    """Each attack is stopped by its gate alone: with the gate it is refused, without it, it succeeds."""
    for without in (None, gate):
        with running(project, static=static, without=without) as server, server.client(headers=server.bearer) as client:
            assert attack(server, client) == (200 if without else refusal)


def test_without_the_header_middleware_the_check_raises(project, static):
    with running(project, static=static, without="SecurityHeaders") as server, server.client() as client:
        assert "content-security-policy" not in client.get("/healthz").headers
