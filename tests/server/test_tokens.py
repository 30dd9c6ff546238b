"""Named tokens: made, found by their hash alone, ended by time or by hand, also under a running server."""

from __future__ import annotations

import datetime
import json
import stat

import pytest
from click.testing import CliRunner

from compress_compare.cli.main import cli
from compress_compare.errors import Conflict, InvalidValue, NotFound, StoreError
from compress_compare.server.app import Reach
from compress_compare.server.tokens import FILE, Tokens

from .running import running


@pytest.fixture
def tokens(tmp_path):
    return Tokens(tmp_path / "settings")


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_token_is_found_again_by_whoever_has_it(tokens, tmp_path):
    made = tokens.create("laptop", "log", user="Ada", expires="30d")
    found = tokens.find(made)
    assert (found.name, found.user, found.role) == ("laptop", "Ada", "log")
    lasts = datetime.datetime.fromisoformat(found.expires) - datetime.datetime.fromisoformat(found.created)
    assert lasts == datetime.timedelta(days=30)
    assert tokens.find(made + "x") is None
    assert tokens.find(found.sha256) is None
    assert len(made) >= 46


def test_the_file_has_no_token_in_it_and_is_private(tokens, tmp_path):
    made = tokens.create("laptop", "admin")
    path = tmp_path / "settings" / FILE
    assert made not in path.read_text() and made[4:] not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"name": "", "kind": "read"}, "name.invalid"),
        ({"name": "a", "kind": "root"}, "token.role"),
        ({"name": "a", "kind": "read", "expires": "soon"}, "token.expires"),
        ({"name": "a", "kind": "read", "expires": "0d"}, "token.expires"),
        ({"name": "a", "kind": "read", "expires": "-1d"}, "token.expires"),
    ],
)
def test_what_cannot_be_made(tokens, arguments, code):
    with pytest.raises(InvalidValue) as raised:
        tokens.create(**arguments)
    assert raised.value.code == code
    assert tokens.listed() == []


def test_a_name_is_free_again_once_its_token_has_ended(tokens):
    tokens.create("ci", "read")
    with pytest.raises(Conflict, match="is a token 'ci' already"):
        tokens.create("ci", "read")
    tokens.revoke("ci")
    with pytest.raises(NotFound):
        tokens.revoke("ci")
    tokens.create("ci", "run")
    assert [(one.role, one.revoked is None) for one in tokens.listed()] == [("read", False), ("run", True)]


def test_a_damaged_file_opens_nothing(tokens, tmp_path):
    made = tokens.create("ci", "read")
    (tmp_path / "settings" / FILE).write_text("{")
    with pytest.raises(StoreError, match="is damaged"):
        tokens.find(made)


def test_a_running_server_knows_at_once_of_new_and_revoked_ones(project, static, tokens):
    with running(project, static=static, reach=Reach(named=tokens)) as server, server.client() as client:
        made = tokens.create("ci", "read")
        assert client.get("/api/v1/project", headers=bearer(made)).status_code == 200
        assert client.get("/", params={"token": made}).status_code == 303
        assert client.get("/api/v1/project").status_code == 200
        tokens.revoke("ci")
        answer = client.get("/api/v1/project", headers=bearer(made))
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.revoked")
        assert "'ci' is revoked" in answer.json()["title"]
        assert client.get("/api/v1/project").json()["code"] == "auth.required"


def test_one_that_has_expired_is_told_so(project, static, tokens, tmp_path):
    made = tokens.create("ci", "read", expires="1h")
    path = tmp_path / "settings" / FILE
    content = json.loads(path.read_text())
    content["tokens"][0]["expires"] = "2020-01-01T00:00:00+00:00"
    path.write_text(json.dumps(content))
    with running(project, static=static, reach=Reach(named=tokens)) as server, server.client() as client:
        answer = client.get("/api/v1/project", headers=bearer(made)).json()
        assert (answer["code"], answer["detail"]) == ("auth.expired", "Since 2020-01-01 00:00 UTC.")
        page = client.get("/", params={"token": made}, headers={"Accept": "text/html"})
        assert page.status_code == 401 and "is expired" in page.text


def test_signing_out_ends_the_sessions_of_one_token_alone(project, static, tokens):
    first, second = tokens.create("one", "read"), tokens.create("two", "read")
    with (
        running(project, static=static, reach=Reach(named=tokens)) as server,
        server.client() as one,
        server.client() as two,
    ):
        for client, token in ((one, first), (two, second)):
            assert client.post("/login", json={"token": token}).status_code == 204
        assert one.post("/api/v1/logout", json={}).status_code == 204
        assert one.get("/api/v1/project").status_code == 401
        assert two.get("/api/v1/project").status_code == 200


def test_the_login_form_takes_a_token_in_a_body(project, static, tokens):
    made = tokens.create("one", "read")
    with running(project, static=static, reach=Reach(named=tokens)) as server, server.client() as client:
        wrong = client.post("/login", json={"token": "wrong"})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "auth.wrong")
        assert client.post("/login", data={"token": made}).status_code == 415
        evil = {"Origin": "http://evil.com"}
        assert client.post("/login", json={"token": made}, headers=evil).status_code == 403
        answer = client.post("/login", json={"token": made})
        assert answer.status_code == 204 and made not in answer.headers["set-cookie"]
        assert client.get("/api/v1/project").status_code == 200


class TestCommand:
    def run(self, *arguments):
        done = CliRunner().invoke(cli, ["token", *arguments])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    @pytest.fixture(autouse=True)
    def own_settings(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def test_it_makes_lists_and_revokes(self):
        assert "There are no tokens" in self.run("list")
        made = self.run("create", "ci", "--role", "log", "--expires", "30d").strip()
        assert Tokens().find(made).role == "log"
        listed = self.run("list")
        assert "ci" in listed and "valid" in listed and made not in listed
        assert "revoked" in self.run("revoke", "ci")
        (one,) = json.loads(self.run("list", "--json"))["tokens"]
        assert (one["name"], one["user"], one["role"], one["state"]) == ("ci", "ci", "log", "revoked")
        assert "sha256" not in one

    def test_a_wrong_role_is_refused(self):
        with pytest.raises(InvalidValue, match="There is no role 'boss'"):
            self.run("create", "ci", "--role", "boss")
