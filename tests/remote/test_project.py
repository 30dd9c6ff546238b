"""A project on a server is used like one here."""

from __future__ import annotations

import warnings

import httpx
import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import Conflict, InvalidValue, NotFound, UserError
from compress_compare.remote.connection import Connection
from compress_compare.store.uploads import Upload
from tests.readers import test_openvino


def weights(seed=0):
    return {"a": np.random.default_rng(seed).normal(size=(64, 32)).astype(np.float32), "b": np.ones(3, np.float32)}


def fill(project):
    """The same in any project."""
    project.define_metric("Accuracy", higher_is_better=True, primary=True, min=0, max=1)
    project.log_model(
        "root", operation=cc.Operation("train"), metrics={"Accuracy": 0.9}, checkpoint=weights(), tags=["x"]
    )
    half = {name: value * (value > 0) for name, value in weights().items()}
    project.log_model(
        "half",
        base="root",
        operation=cc.Operation("magnitude prune", amount=0.5),
        metrics={"Accuracy": cc.MetricValue(0.8, count=4, standard_error=0.1)},
        checkpoint=half,
        references={"teacher": "root"},
        note="A note.",
    )
    images = [np.full((4, 4), i * 60, np.uint8) for i in range(4)]
    project.log_dataset(
        "digits", ids=[1, 2, 3, 4], labels=["a", "b", "a", "b"], images=images, metadata={"hard": [1, 0, 1, 0]}
    )
    for id, shift in (("root", 0.0), ("half", 0.4)):
        probabilities = np.array([[0.9 - shift, 0.1 + shift]] * 4)
        project.log_outputs(
            id,
            "digits",
            ids=[4, 3, 2, 1],
            predictions=["b", "a", "b", "a"] if id == "root" else ["a", "a", "b", "b"],
            vectors={"probabilities": probabilities},
            metrics={"difficulty": [1, 2, 3, 4]},
            classes=["a", "b"],
        )


@pytest.fixture
def local(tmp_path):
    with cc.open(tmp_path / "local") as opened:
        fill(opened)
        yield opened


def test_what_was_logged_is_there_as_if_it_had_been_logged_here(remote, local):
    fill(remote)
    for found, expected in (
        (remote.models(), local.models()),
        (remote.overview(), local.overview()),
        (remote.standard_errors(), local.standard_errors()),
        (remote.instances("digits"), local.instances("digits")),
        (remote.outputs("half", "digits"), local.outputs("half", "digits")),
    ):
        assert found.arrow.schema.equals(expected.arrow.schema, check_metadata=True)
        assert found == expected
    assert remote.datasets() == local.datasets()
    assert remote.metrics() == local.metrics()
    for id in ("root", "half"):
        one, other = remote.model(id), local.model(id)
        for name in (
            "base",
            "operation",
            "step",
            "references",
            "metrics",
            "tags",
            "note",
            "checkpoint",
            "lineage",
            "datasets",
        ):
            assert getattr(one, name) == getattr(other, name), name
    for name, tensor in local.load_checkpoint("half").items():
        assert np.array_equal(np.asarray(remote.load_checkpoint("half")[name]), np.asarray(tensor))


def test_files_of_other_tools_are_sent(remote, tmp_path):
    np.savez(tmp_path / "arrays.npz", **weights())
    constants = [("self.l.weight", "f32", (2, 2), np.ones(4, "<f4").tobytes())]
    openvino = test_openvino.write(tmp_path, constants, name="converted")
    for id, path, format in (("n", tmp_path / "arrays.npz", "numpy"), ("o", openvino, "openvino")):
        remote.log_model(id, checkpoint=path)
        assert remote.model(id).checkpoint.format == format
        assert remote.layers(id, [id], "storage").table.num_rows > 0


def test_every_analysis_gives_the_same(remote, local):
    fill(remote)
    assert remote.selection(["root", "half"]) == local.selection(["root", "half"])
    assert remote.effects() == local.effects()
    assert remote.frontier("Accuracy", "Accuracy") == local.frontier("Accuracy", "Accuracy")
    assert remote.find("Accuracy > 0.85") == local.find("Accuracy > 0.85")
    for project in (remote, local):
        found = project.behaviors("root", "half", "digits")
        assert found.summary["right_to_wrong"].to_pylist() == [0, 2] or found.summary["right_to_wrong"].to_pylist() == [
            2
        ]
    assert remote.layers("root", ["half"], "sparsity").table == local.layers("root", ["half"], "sparsity").table
    assert remote.coverage("root", "half") == local.coverage("root", "half")


def test_masks_are_sent(remote, local):
    label = np.array([[0, 1, 255], [1, 1, 0]])
    for project in (remote, local):
        if project is remote:
            fill(project)
        project.log_dataset("street", ids=[1, 2], masks=[label, None], void=255, metadata={"night": [True, False]})
        for id, mask in (("root", label % 2), ("half", 0 * label)):
            project.log_outputs(id, "street", ids=[1], masks=[mask], classes=["road", "car"])
    given, wanted = (project.behaviors("root", "half", "street", metric="mean_iou") for project in (remote, local))
    assert given.summary == wanted.summary and given.segmentation == wanted.segmentation
    assert [one.tolist() for one in given.masks(1).values()] == [one.tolist() for one in wanted.masks(1).values()]
    assert given.masks(1)[""].tolist() == [[0, 1, -100], [1, 1, 0]]
    with pytest.raises(InvalidValue, match="another size"):
        remote.log_model("third")
        remote.log_outputs("third", "street", ids=[1], masks=[label.T % 2])


def test_boxes_and_their_masks_are_sent(remote, local):
    mask = np.array([[True, False], [True, True]])
    dog = {"class": "dog", "box": [0, 0, 2, 2]}
    for project in (remote, local):
        if project is remote:
            fill(project)
        project.log_dataset("dogs", ids=[1, 2], boxes=[[dog], None], object_masks=[[mask], None])
        for id, seen in (("root", mask), ("half", ~mask)):
            project.log_outputs(id, "dogs", ids=[1], predictions=[[{**dog, "score": 0.75, "mask": seen}]])
    given, wanted = (project.behaviors("root", "half", "dogs", metric="detection_f1") for project in (remote, local))
    assert given.detection == wanted.detection and given.boxes(1) == wanted.boxes(1)
    assert given.boxes(1)["half"][0]["mask"] == {"size": [2, 2], "counts": [2, 1, 1]}
    with pytest.raises(InvalidValue, match="another size"):
        remote.log_model("fourth")
        remote.log_outputs("fourth", "dogs", ids=[1], boxes=[[dog]], object_masks=[[mask[:1]]])


def test_changes_are_made_and_taken_back(remote):
    fill(remote)
    remote.set_note("half", "Other.")
    remote.set_tags("half", ["new"])
    remote.correct("half", {"Accuracy": 0.7}, reason="A typo.")
    remote.rename("half", "p50")
    assert [change.action for change in remote.history("p50")][:2] == ["rename", "correct"]
    remote.undo()
    assert remote.model("half").tags == ("new",)
    remote.delete("half")
    assert remote.deleted() == ["half"]
    remote.restore_deleted("half")
    remote.archive("half")
    assert remote.archived() == ["half"]
    remote.unarchive("half")
    remote.set_base("half", None, cc.Operation("train", epochs=2))
    assert remote.model("half").base is None
    remote.save_view("mine", "#/overview")
    assert remote.views() == {"mine": "#/overview"}
    remote.delete_view("mine")
    assert "half" in remote and "nothing" not in remote and len(remote) == 2


def test_errors_are_those_of_a_local_project(remote):
    fill(remote)
    for raising, kind, code in (
        (lambda: remote.model("nothing"), NotFound, "model.unknown"),
        (lambda: remote.log_model("x", base="nothing", operation=cc.Operation("a")), NotFound, "model.unknown_base"),
        (lambda: remote.log_model("half", base="root", operation=cc.Operation("other")), Conflict, "model.conflict"),
        (lambda: remote.log_model(""), InvalidValue, "name.invalid"),
        (lambda: remote.log_model("y", metrics={"Accuracy": 2.0}), InvalidValue, "metric.range"),
        (lambda: remote.log_outputs("root", "digits", ids=[99], predictions=["a"]), InvalidValue, "data.unknown_ids"),
        (lambda: remote.define_metric("x", nonsense=1), InvalidValue, "metric.definition"),
        (lambda: remote.set_note("nothing", "x"), NotFound, "model.unknown"),
    ):
        with pytest.raises(kind) as raised:
            raising()
        assert raised.value.code == code


def test_what_the_server_has_is_not_sent_again(remote, monkeypatch):
    sent = []
    original = Connection._send

    def send(self, *given, **place):
        sent.append(place)
        return original(self, *given, **place)

    monkeypatch.setattr(Connection, "_send", send)
    remote.log_model("root", operation=cc.Operation("train"), checkpoint=weights())
    assert len(sent) == 1
    remote.log_model("twin", operation=cc.Operation("train", seed=2), checkpoint=weights())
    remote.log_model("root", operation=cc.Operation("train"), checkpoint=weights())
    assert len(sent) == 1


def test_a_file_goes_in_pieces_and_on_where_it_stopped(remote, hub_folder, monkeypatch):
    monkeypatch.setattr(remote._connection, "_piece", 1000)
    appended = []
    original = Upload.append

    def append(self, content, *, offset):
        appended.append((offset, len(content)))
        if len(appended) == 3:
            original(self, content[:500], offset=offset)
            raise OSError(28, "no space")
        return original(self, content, offset=offset)

    monkeypatch.setattr(Upload, "append", append)
    with pytest.raises(UserError):
        remote.log_model("root", checkpoint=weights())
    assert "root" not in remote
    monkeypatch.setattr(remote._connection, "_piece", 4000)
    remote.log_model("root", checkpoint=weights())
    assert appended[3][0] == 2500
    assert not list(hub_folder.rglob("staging/upload-*"))


def test_a_reader_may_read_and_no_more(remote, address, tokens):
    fill(remote)
    token = tokens.create(f"reader {address}", "read")
    with cc.open(address, token=token) as reader:
        assert len(reader) == 2
        with pytest.raises(UserError) as raised:
            reader.set_note("root", "x")
        assert raised.value.code == "auth.role" and "'log'; you have 'read'" in raised.value.title
        with pytest.raises(UserError, match="needs the role"):
            reader.log_model("mine", checkpoint=weights(5))


def test_tokens_that_are_not_valid_are_told_so(hub, address, tokens):
    with pytest.raises(UserError) as raised:
        cc.open(address, token="cct_wrong")
    assert raised.value.code == "auth.required"
    ended = tokens.create(f"ended {address}", "admin")
    tokens.revoke(f"ended {address}")
    with pytest.raises(UserError) as raised:
        cc.open(address, token=ended)
    assert raised.value.code == "auth.revoked"
    with pytest.raises(InvalidValue) as missing:
        cc.open(address)
    assert missing.value.code == "remote.token"


def test_who_logged_it_is_kept(address, hub, tokens, monkeypatch):
    monkeypatch.setenv("COMPRESS_COMPARE_TOKEN", tokens.create(f"laptop {address}", "log", user="Ada"))
    with cc.open(address) as project:
        project.log_model("root", operation=cc.Operation("train"))
        project.set_note("root", "x")
        for origin in (project.model("root").origin, project.history("root")[0].origin):
            assert (origin.user, origin.token) == ("Ada", f"laptop {address}")
            assert origin.packages["numpy"] == np.__version__


def test_a_project_is_made_if_it_may_be(hub, tokens):
    with pytest.raises(NotFound):
        cc.open(f"{hub.address}/p/not-there", token=hub.token, create=False)
    reader = tokens.create("maker", "read")
    with pytest.raises(UserError) as raised:
        cc.open(f"{hub.address}/p/not-there", token=reader)
    assert raised.value.code == "auth.role"
    cc.open(f"{hub.address}/p/not-there", token=hub.token).close()
    cc.open(f"{hub.address}/p/not-there", token=reader, create=False).close()


def test_read_only_writes_nothing(hub, remote, address):
    with cc.open(address, token=hub.token, read_only=True) as opened, pytest.raises(UserError) as raised:
        opened.log_model("x")
    assert raised.value.code == "store.read_only"


def test_what_works_only_there_is_refused_by_name(remote, tmp_path):
    for call in (lambda: remote.batch(), lambda: remote.merge(tmp_path)):
        with pytest.raises(UserError) as raised:
            call()
        assert raised.value.code == "remote.not_here"


def test_a_project_is_packed_over_the_network(hub, remote, address, tmp_path):
    fill(remote)
    size = remote.pack(tmp_path / "here.ccz")
    assert size == (tmp_path / "here.ccz").stat().st_size
    with cc.open(address, token=hub.token) as again:
        again.pack(tmp_path / "again.ccz")
    assert (tmp_path / "again.ccz").read_bytes() == (tmp_path / "here.ccz").read_bytes()
    with cc.unpack(tmp_path / "here.ccz", tmp_path / "copy") as copy:
        assert copy.models().to_pylist() == remote.models().to_pylist()
        assert {name: array.tolist() for name, array in copy.load_checkpoint("root").items()} == {
            name: array.tolist() for name, array in weights().items()
        }
    with pytest.raises(InvalidValue) as raised:
        remote.pack(tmp_path / "no-such-folder" / "x.ccz")
    assert raised.value.code == "output.not_written"
    assert sorted(path.name for path in tmp_path.glob("*.ccz*")) == ["again.ccz", "here.ccz"]
    assert not list(tmp_path.glob(".*ccz*"))


@pytest.mark.parametrize("text", ["https://", "https://host/p/x?y=1", "http://host/p/x#z"])
def test_what_is_no_address(text):
    with pytest.raises(InvalidValue) as raised:
        cc.open(text, token="x")
    assert raised.value.code == "remote.address"


@pytest.mark.parametrize(
    ("said", "code"),
    [({"protocol": 0, "oldest": 0}, "remote.old_server"), ({"protocol": 9, "oldest": 9}, "remote.old_client")],
)
def test_a_server_of_another_time_is_told_so(remote, monkeypatch, said, code):
    greeting = remote._connection.greet()
    answer = httpx.Response(200, json={**greeting, **said})
    monkeypatch.setattr(remote._connection, "request", lambda *_: answer)
    with pytest.raises(UserError) as raised:
        remote._connection.greet()
    assert raised.value.code == code


def test_a_call_that_the_server_does_not_know_is_told_so(remote):
    with pytest.raises(UserError) as raised:
        remote._connection.read("method_of_the_future")
    assert raised.value.code == "remote.old_server"


def test_nothing_warns_while_the_server_is_there(remote):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fill(remote)
