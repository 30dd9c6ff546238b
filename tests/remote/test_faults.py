"""What a bad network does: nothing is done twice, nothing is lost, and what cannot be sent waits."""

from __future__ import annotations

import json

import httpx
import numpy as np
import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import Conflict, InvalidValue, StorageError, StoreError, UserError
from compress_compare.remote.connection import Connection, Unreachable, call, new_key
from compress_compare.remote.project import OfflineWarning, RemoteProject
from compress_compare.remote.spool import Spool, addresses
from compress_compare.server.projects import InDatabase
from tests import servers
from tests.server.running import running

WEIGHTS = {"w": np.arange(5000, dtype=np.float32)}


class Network:
    """Between a client and the server: breaks what it is told to break."""

    def __init__(self, connection: Connection) -> None:
        self.down = False
        self.lose_answers = 0
        self.broken = 0
        self.last = ""
        self.requests: list[tuple[str, str]] = []
        self._inner = connection._client._transport
        connection._client._transport = self
        connection.patience = 3.0

    def handle_request(self, request):
        self.requests.append((request.method, request.url.path.rpartition("/api/v1/")[2]))
        if self.down:
            raise httpx.ConnectError("nobody there", request=request)
        if self.broken:
            self.broken -= 1
            return httpx.Response(503, text="proxy", request=request)
        answer = self._inner.handle_request(request)
        self.down = request.url.path.endswith(self.last) if self.last else False
        if self.lose_answers and request.method != "GET":
            self.lose_answers -= 1
            answer.read()
            raise httpx.ReadError("reset", request=request)
        return answer

    def close(self):
        self._inner.close()


@pytest.fixture
def network(remote):
    remote._patience = 3.0
    return Network(remote._connection)


def test_a_lost_answer_does_nothing_twice(remote, network):
    remote.log_model("root", operation=cc.Operation("train"))
    for change in (
        lambda: remote.set_note("root", "x"),
        lambda: remote.log_model("other", checkpoint=WEIGHTS),
        lambda: remote.log_metrics("root", {"Loss": 0.5}),
        lambda: remote.correct("root", {"Loss": 0.4}),
        lambda: remote.rename("root", "first"),
        lambda: remote.delete("first"),
    ):
        network.lose_answers = 1
        change()
        assert network.lose_answers == 0
    assert [one.action for one in remote.history()] == ["delete", "rename", "correct", "note"]
    assert remote.models()["id"].to_pylist() == ["other"]


def test_a_proxy_without_its_server_is_tried_again(remote, network):
    network.broken = 2
    remote.log_model("root")
    assert "root" in remote


def test_the_same_key_with_another_call_is_refused(remote):
    key = new_key()
    remote.log_model("root")
    first = remote._connection.write(call("set_note", {"id": "root", "text": "x"}), key)
    assert remote._connection.write(call("set_note", {"id": "root", "text": "x"}), key) == first
    assert len(remote.history("root")) == 1
    with pytest.raises(Conflict) as raised:
        remote._connection.write(call("set_note", {"id": "root", "text": "y"}), key)
    assert raised.value.code == "state.idempotency"
    assert remote.model("root").note == "x"


def test_a_refused_call_may_be_made_again_with_its_key(remote):
    key = new_key()
    said = call("set_note", {"id": "later", "text": "x"})
    with pytest.raises(UserError):
        remote._connection.write(said, key)
    remote.log_model("later")
    remote._connection.write(said, key)
    assert remote.model("later").note == "x"


@pytest.mark.parametrize(
    ("method", "code"),
    [("close", "remote.old_server"), ("purge", "remote.old_server"), ("_insert", "remote.old_server")],
)
def test_only_the_calls_of_the_table_can_be_made(remote, method, code):
    for connection_call in (
        lambda: remote._connection.read(method),
        lambda: remote._connection.write(call(method, {}), new_key()),
    ):
        with pytest.raises(UserError) as raised:
            connection_call()
        assert raised.value.code == code


def test_arguments_that_a_call_does_not_take_are_refused(remote):
    for arguments in ({"nome": 1}, {}, {"id": "x", "text": "y", "more": 1}):
        with pytest.raises(InvalidValue) as raised:
            remote._connection.write(call("set_note", arguments), new_key())
        assert raised.value.code == "remote.arguments"


class TestOffline:
    def test_what_cannot_be_sent_waits_and_comes_in_order(self, remote, network):
        remote.log_model("root", operation=cc.Operation("train"))
        network.down = True
        with pytest.warns(OfflineWarning, match="compress-compare sync"):
            made = remote.log_model(
                "half", base="root", operation=cc.Operation("prune"), metrics={"Loss": 1.0}, checkpoint=WEIGHTS
            )
        assert (made.id, made.base, made.metrics["Loss"][0].value) == ("half", "root", 1.0)
        with pytest.warns(OfflineWarning):
            remote.log_dataset("data", ids=[1, 2], labels=[0, 1])
        with pytest.warns(OfflineWarning):
            remote.log_outputs("half", "data", ids=[2, 1], predictions=[1, 1])
        with pytest.warns(OfflineWarning):
            remote.set_note("half", "Off-line.")
        network.down = False
        assert remote.models()["id"].to_pylist() == ["root"]
        assert remote.sync() == 4
        assert remote.sync() == 0
        assert remote.model("half").note == "Off-line."
        assert remote.outputs("half", "data")["prediction"].to_pylist() == [1, 1]
        assert np.array_equal(np.asarray(remote.load_checkpoint("half")["w"]), WEIGHTS["w"])

    def test_the_next_call_sends_what_waits_first(self, remote, network):
        network.down = True
        with pytest.warns(OfflineWarning):
            remote.log_model("root")
        network.down = False
        remote.set_note("root", "x")
        assert remote.model("root").note == "x"

    def test_what_was_done_is_no_error_when_the_server_goes_before_it_can_say_more(self, remote, network):
        network.last = "call/log"
        assert remote.log_model("root", metrics={"Loss": 1.0}).metrics["Loss"][0].value == 1.0
        network.down, network.last = False, ""
        assert remote.sync() == 0 and remote.model("root").metrics["Loss"][0].value == 1.0

    def test_calls_wait_while_the_database_of_the_server_is_away(self, object_store, monkeypatch, tmp_path):
        for name, value in {**object_store, "PGPASSWORD": servers.PASSWORD}.items():
            monkeypatch.setenv(name, value)
        with (
            servers.postgres(durable=True) as database,
            running(InDatabase(database.url, artifacts="s3://tests/away"), static=tmp_path) as server,
            cc.open(f"{server.address}/p/net", token=server.token) as project,
        ):
            project.log_model("root")
            project._connection.patience = project._patience = 1.0
            database.kill()
            with pytest.warns(OfflineWarning, match="waits here"):
                project.log_model("half", base="root", operation=cc.Operation("prune"), checkpoint=WEIGHTS)
            with pytest.raises(StoreError, match="cannot be reached"):
                project.models()
            database.start()
            project._connection.patience = 60.0
            assert project.sync() == 1
            assert project.models()["id"].to_pylist() == ["root", "half"] and project.damage() == []

    def test_nothing_is_done_twice_when_sending_stops_half_way(self, remote, network):
        remote.log_model("root")
        network.down = True
        for text in ("a", "b", "c"):
            with pytest.warns(OfflineWarning):
                remote.set_note("root", text)
        network.down, network.lose_answers = False, 1
        remote._connection.patience = 0.0
        with pytest.raises(Unreachable):
            remote.sync()
        remote.sync()
        assert [change.new["note"] for change in remote.history("root")] == ["c", "b", "a"]

    def test_a_project_opens_while_its_server_is_away(self, tmp_path, monkeypatch):
        monkeypatch.setitem(Connection.__init__.__kwdefaults__, "patience", 1.0)
        with pytest.warns(OfflineWarning, match="cannot be reached"):
            project = cc.open("http://127.0.0.1:9/p/away", token="x")
        with project, pytest.warns(OfflineWarning):
            project.log_model("root", checkpoint=WEIGHTS)
        assert addresses() == ["http://127.0.0.1:9/p/away"]

    def test_it_is_bounded_and_says_when_it_is_full(self, remote, network, tmp_path):
        network.down = True
        small = RemoteProject(remote._connection, Spool(remote._connection.address, tmp_path / "spool", limit=30_000))
        with pytest.warns(OfflineWarning):
            small.log_model("one", checkpoint=WEIGHTS)
        with pytest.raises(StorageError) as raised:
            small.log_model("two", checkpoint={"w": WEIGHTS["w"] + 1})
        assert raised.value.code == "spool.full" and "30,000 may" in raised.value.detail
        with pytest.warns(OfflineWarning):
            small.log_model("same file", checkpoint=WEIGHTS)

    def test_what_the_server_refuses_is_kept_aside_and_named(self, remote, network):
        remote.log_model("root", operation=cc.Operation("train"))
        network.down = True
        for said in ({"operation": cc.Operation("other")}, {"operation": cc.Operation("train"), "note": "y"}):
            with pytest.warns(OfflineWarning):
                remote.log_model("root", **said)
        network.down = False
        with pytest.raises(UserError) as raised:
            remote.sync()
        assert raised.value.code == "remote.refused" and "log_received" in raised.value.detail
        assert remote.model("root").note == "y"
        assert remote.sync() == 0

    def test_what_is_refused_when_the_next_call_sends_it_is_said_and_that_call_is_done(self, remote, network):
        remote.log_model("root", operation=cc.Operation("train"))
        network.down = True
        with pytest.warns(OfflineWarning):
            remote.log_model("root", operation=cc.Operation("other"))
        network.down = False
        with pytest.warns(OfflineWarning, match="refused what was logged off-line: log_received"):
            remote.set_note("root", "x")
        assert remote.model("root").note == "x"

    def test_refused_calls_are_listed_and_sent_again_or_dropped(self, remote, network, hub, address, monkeypatch):
        def run(*options):
            done = CliRunner().invoke(cli, ["sync", *options, "--json"])
            return json.loads(done.stdout)["projects"]

        monkeypatch.setenv("COMPRESS_COMPARE_TOKEN", hub.token)
        remote.log_model("root", operation=cc.Operation("train"))
        for number in range(2):  # the second is not taken for the first
            network.down = True
            with pytest.warns(OfflineWarning):
                remote.log_model("other", base=f"missing {number}", operation=cc.Operation("prune"), checkpoint=WEIGHTS)
            network.down = False
            assert len(run()[0]["refused"]) == 1
        (found,) = run("--refused")
        assert [(one["number"], one["method"], one["about"]) for one in found["refused"]] == [
            (1, "log_received", ["other"]),
            (2, "log_received", ["other"]),
        ]
        assert "missing 1" in found["refused"][1]["reason"]
        told = CliRunner().invoke(cli, ["sync", "--refused"]).output
        assert f"{address}: log_received other: " in told
        assert "2 calls were refused before" in CliRunner().invoke(cli, ["sync"]).output
        remote.log_model("missing 1", base="root", operation=cc.Operation("finetune"))
        (again,) = run("--retry")
        assert (again["sent"], len(again["refused"])) == (1, 1)
        assert remote.model("other").base == "missing 1"
        assert run("--drop") == [{"address": address, "dropped": 1}]
        assert run("--refused") == [] and "No call was refused" in CliRunner().invoke(cli, ["sync", "--refused"]).output
        assert not list(remote._spool._folder.glob("*/*"))

    def test_a_damaged_call_is_named_and_the_others_stay(self, remote, network, tmp_path):
        network.down = True
        with pytest.warns(OfflineWarning):
            remote.log_model("root")
        (path,) = (tmp_path / "state").rglob("calls/*.json")
        content = path.read_bytes()
        network.down = False
        for damaged in (content[:-1], content.replace(b"root", b"boot"), b""):
            path.write_bytes(damaged)
            with pytest.raises(StoreError) as raised:
                remote.sync()
            assert raised.value.code == "spool.record_corrupt"
        path.write_bytes(content)
        assert remote.sync() == 1

    def test_the_command_sends_all_that_waits(self, remote, network, hub, address, monkeypatch):
        remote.log_model("root")
        network.down = True
        with pytest.warns(OfflineWarning):
            remote.set_note("root", "x")
        assert "remote.token" in str(getattr(CliRunner().invoke(cli, ["sync"]).exception, "code", ""))
        monkeypatch.setenv("COMPRESS_COMPARE_TOKEN", hub.token)
        done = CliRunner().invoke(cli, ["sync", "--json"])
        assert json.loads(done.output) == {"projects": [{"address": address, "sent": 1, "refused": [], "left": 0}]}
        assert "Nothing waits" in CliRunner().invoke(cli, ["sync"]).output


class TestHostileClients:
    """Nobody is believed: not that a file is what its name says, not that it is a checkpoint."""

    def put(self, remote, content, digest, **place):
        params = {"offset": 0, "total": len(content), **place}
        headers = {"Content-Type": "application/octet-stream"}
        return remote._connection.request("PUT", f"objects/{digest}", params=params, content=content, headers=headers)

    def test_a_file_that_is_not_what_its_name_says_is_not_kept(self, remote):
        with pytest.raises(InvalidValue) as raised:
            self.put(remote, b"something", "0" * 64)
        assert raised.value.code == "object.hash"
        assert remote._connection.missing(["0" * 64]) == {"0" * 64: 0}

    @pytest.mark.parametrize("digest", ["..", "0" * 63, "0" * 65, "%2e%2e%2fx", "A" * 64])
    def test_only_hashes_name_files(self, remote, digest):
        for ask in (
            lambda: self.put(remote, b"x", digest),
            lambda: remote._connection.request("GET", f"objects/{digest}"),
        ):
            with pytest.raises(UserError):
                ask()

    def test_pieces_beyond_the_end_are_refused(self, remote):
        with pytest.raises(UserError) as raised:
            self.put(remote, b"something", "0" * 64, total=3)
        assert raised.value.code == "object.too_long"
        with pytest.raises(Conflict) as late:
            self.put(remote, b"something", "0" * 64, offset=5, total=14)
        assert late.value.code == "object.offset"

    @pytest.mark.parametrize("format", ["safetensors", "pickle", "torch", "onnx", "gguf"])
    def test_a_file_that_is_no_checkpoint_is_refused(self, remote, format):
        import hashlib

        from compress_compare.records import Checkpoint, StoredFile

        content = b"\x80\x04cposix\nsystem\n"
        digest = hashlib.sha256(content).hexdigest()
        assert self.put(remote, content, digest).json()["done"]
        said = Checkpoint(format, (StoredFile(f"model.{format}", digest, len(content)),))
        with pytest.raises(InvalidValue):
            remote._connection.write(call("log_received", {"rows": [{"id": "x", "checkpoint": said}]}), new_key())
        assert "x" not in remote

    def test_a_table_that_is_none_is_refused(self, remote):
        import hashlib

        content = b"PAR1 nothing PAR1"
        digest = hashlib.sha256(content).hexdigest()
        self.put(remote, content, digest)
        with pytest.raises(InvalidValue) as raised:
            remote._connection.write(call("log_dataset", {"name": "x"}, table=digest), new_key())
        assert raised.value.code == "data.not_parquet"
