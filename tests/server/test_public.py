"""A server that others reach: by a public address behind a proxy, and by what an authenticating proxy says of them."""

from __future__ import annotations

import pytest

from compress_compare.errors import InvalidValue
from compress_compare.server.app import Reach
from compress_compare.server.identity import read_proxy
from compress_compare.server.places import origins, public_url
from compress_compare.server.serving import ServerOptions
from compress_compare.server.tokens import Tokens

from .running import running

PUBLIC = "https://models.example.org"
HOST = "models.example.org"
SECRET = "a-secret-of-the-proxy-alone"


@pytest.mark.parametrize(
    ("text", "host", "origin"),
    [
        ("https://models.example.org", "models.example.org", "https://models.example.org"),
        ("https://models.example.org/", "models.example.org", "https://models.example.org"),
        ("https://Models.Example.org:443", "models.example.org", "https://models.example.org"),
        ("https://models.example.org:8443", "models.example.org:8443", "https://models.example.org:8443"),
        ("http://localhost:9000", "localhost:9000", "http://localhost:9000"),
        ("http://[::1]:9000", "[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_a_public_address_is_a_host_and_its_origin(text, host, origin):
    assert origins(8787, [public_url(text)])[host] == {origin}


@pytest.mark.parametrize(
    "text",
    [
        *("models.example.org", "ftp://models.example.org", "https://", "https://user@models.example.org", ""),
        *("https://models.example.org/app", "https://models.example.org/?x=1", "https://models.example.org/#x"),
        *("http://models.example.org", "http://10.0.0.1:8787", "https://models.example.org:port"),
    ],
)
def test_what_cannot_be_one(text):
    with pytest.raises(InvalidValue) as raised:
        public_url(text)
    assert raised.value.code == "url.public"


def test_listening_beyond_this_machine_needs_a_public_address():
    with pytest.raises(InvalidValue) as raised:
        ServerOptions(host="0.0.0.0").reach()
    assert raised.value.code == "host.not_public"


@pytest.fixture(scope="module")
def public(project, static, tmp_path_factory):
    tokens = Tokens(tmp_path_factory.mktemp("tokens"))
    with running(project, static=static, reach=Reach([public_url(PUBLIC)], tokens)) as server:
        yield server, tokens.create("ada", "log")


class TestGates:
    def test_the_public_host_is_answered_and_no_other(self, public):
        server, token = public
        headers = {"Authorization": f"Bearer {token}"}
        with server.client(headers=headers) as client:
            for host, status in (
                (HOST, 200),
                (f"127.0.0.1:{server.port}", 200),
                (f"{HOST}:443", 421),
                (f"{HOST}:{server.port}", 421),
                (f"{HOST}.evil.com", 421),
                (f"evil.{HOST}", 421),
                ("evil.com", 421),
            ):
                answer = client.get("/api/v1/project", headers={"Host": host})
                assert answer.status_code == status, host
            forwarded = {"Host": "evil.com", "X-Forwarded-Host": HOST, "X-Forwarded-Proto": "https"}
            assert client.get("/api/v1/project", headers=forwarded).status_code == 421

    def test_only_its_own_page_may_change_something(self, public):
        server, token = public
        with server.client(headers={"Authorization": f"Bearer {token}"}) as client:
            for host, origin, status in (
                (HOST, PUBLIC, 200),
                (HOST, "http://models.example.org", 403),
                (HOST, "https://evil.com", 403),
                (HOST, "null", 403),
                (HOST, server.address, 403),
                (f"127.0.0.1:{server.port}", PUBLIC, 403),
                (f"127.0.0.1:{server.port}", server.address, 200),
            ):
                headers = {"Host": host, "Origin": origin}
                answer = client.patch("/api/v1/model?id=root", json={"note": "x"}, headers=headers)
                assert answer.status_code == status, (host, origin)
            headers = {"Host": HOST, "Sec-Fetch-Site": "same-site"}
            assert client.patch("/api/v1/model?id=root", json={"note": "x"}, headers=headers).status_code == 403

    def test_its_cookie_is_never_sent_without_tls(self, public):
        server, token = public
        with server.client() as client:
            answer = client.post("/login", json={"token": token}, headers={"Host": HOST})
            assert "; Secure" in answer.headers["set-cookie"]
            answer = client.post("/login", json={"token": token})
            assert "Secure" not in answer.headers["set-cookie"]


def identity_file(folder, **changes):
    path = folder / "identity.yaml"
    content = {
        "header": "X-Remote-User",
        "secret_header": "X-Proxy-Secret",
        "secret": SECRET,
        "from": "[127.0.0.1]",
        "roles": "{ada: admin, ben: log}",
        "otherwise": "read",
    }
    content |= changes
    path.write_text("".join(f"{key}: {value}\n" for key, value in content.items() if value is not None))
    path.chmod(0o600)
    return path


class TestProxy:
    @pytest.fixture
    def make(self, project, static, tmp_path):
        def start(**changes):
            return running(project, static=static, reach=Reach(proxy=read_proxy(identity_file(tmp_path, **changes))))

        return start

    def told(self, user, secret=SECRET):
        return {"X-Remote-User": user, "X-Proxy-Secret": secret}

    def test_it_says_who_calls_and_that_is_recorded(self, make, project):
        with make() as server, server.client() as client:
            url = "/api/v1/model?id=root"
            assert client.patch(url, json={"note": "By Ben."}, headers=self.told("ben")).status_code == 200
            origin = project.history("root")[0].origin
            assert (origin.user, origin.token) == ("ben", "proxy")
            refused = client.patch(url, json={"note": "By Eve."}, headers=self.told("eve"))
            assert (refused.status_code, refused.json()["code"]) == (403, "auth.role")
            body = {"path": "a.b:c", "options": {}, "folders": []}
            for user, status in (("ben", 403), ("ada", 200)):
                answer = client.post("/api/v1/tasks/trust", json=body, headers=self.told(user))
                assert (answer.status_code == 403) == (status == 403), answer.text

    def test_nobody_else_can_say_it(self, make, server):
        with make() as server, server.client() as client:
            for headers in (
                self.told("ada", "wrong"),
                {"X-Remote-User": "ada"},
                {"X-Proxy-Secret": SECRET},
                [*self.told("ada").items(), ("X-Remote-User", "ben")],
                [*self.told("ada").items(), ("X-Proxy-Secret", SECRET)],
                {**self.told("ada", "wrong"), **server.bearer},
            ):
                answer = client.get("/api/v1/project", headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (401, "auth.proxy"), headers
            assert client.get("/api/v1/project").json()["code"] == "auth.required"

    def test_it_must_come_from_a_listed_address(self, make):
        with make(**{"from": "[10.0.0.0/8, '::1']"}) as server, server.client() as client:
            assert client.get("/api/v1/project", headers=self.told("ada")).json()["code"] == "auth.proxy"

    def test_unknown_users_are_refused_if_they_have_no_role(self, make):
        with make(otherwise=None) as server, server.client() as client:
            assert client.get("/api/v1/project", headers=self.told("eve")).json()["code"] == "auth.unknown_user"
            assert client.get("/api/v1/project", headers=self.told("ben")).status_code == 200

    def test_without_a_configured_proxy_its_headers_mean_nothing(self, server):
        with server.client() as client:
            assert client.get("/api/v1/project", headers=self.told("ada")).json()["code"] == "auth.required"

    def test_another_site_cannot_use_what_the_proxy_adds(self, make):
        with make() as server, server.client(headers=self.told("ada")) as client:
            evil = {"Origin": "https://evil.com"}
            assert client.patch("/api/v1/model?id=root", json={"note": "x"}, headers=evil).status_code == 403

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"secret": "short"}, "config.identity"),
            ({"secret": None}, "config.identity"),
            ({"header": None}, "config.identity"),
            ({"from": "[nowhere]"}, "config.identity"),
            ({"from": "127.0.0.1"}, "config.identity"),
            ({"from": "[]"}, "config.identity"),
            ({"otherwise": "boss"}, "token.role"),
            ({"roles": "[ada]"}, "config.identity"),
            ({"secrets": "x"}, "config.identity"),
        ],
    )
    def test_a_file_that_is_wrong_is_refused(self, tmp_path, changes, code):
        with pytest.raises(InvalidValue) as raised:
            read_proxy(identity_file(tmp_path, **changes))
        assert raised.value.code == code

    def test_a_file_that_others_may_read_is_refused(self, tmp_path):
        path = identity_file(tmp_path)
        path.chmod(0o644)
        with pytest.raises(InvalidValue) as raised:
            read_proxy(path)
        assert raised.value.code == "config.private"
