"""Archives: what comes out is what went in, the bytes are always the same, and nothing else than ours gets in."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

import compress_compare as cc
from compress_compare.errors import InvalidValue, StoreError
from compress_compare.store import archive as archives
from compress_compare.store import schema

from . import stored

pytestmark = pytest.mark.usefixtures("each_backend_of_module")


def make(path: Path) -> cc.Project:
    """A project with everything in it."""
    project = cc.open(path)
    project.define_metric("Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
    project.log_dataset("test", ids=[1, 2, 3], labels=["a", "b", "ä"], metadata={"light": ["x", "y", "z"]})
    weights = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3)}
    values = [cc.MetricValue(0.5, count=3), cc.MetricValue(math.nan, slice="a"), cc.MetricValue(-0.0, slice="b")]
    project.log_model("cnn", checkpoint=weights, metrics={"Accuracy": values}, tags=["x", "y"], note="hé\n\u2028")
    project.log_model(
        "cnn ½",
        base="cnn",
        operation=cc.Operation("prune", amount=0.5, names=["α"]),
        checkpoint={"a.weight": weights["a.weight"] * 0.5},
        metrics={"Accuracy": cc.MetricValue(math.inf, dataset="test", protocol={"few": 5}, standard_error=0.1)},
        references={"teacher": "cnn"},
        replicate="seed 3",
    )
    project.log_outputs("cnn", "test", ids=[1, 2, 3], predictions=["a", "b", "b"], metrics={"loss": [0.1, 0.2, 0.3]})
    project.log_task("cnn", "somewhere:task", options={"n": 3})
    return project


def everything(project: cc.Project) -> dict[str, list[tuple]]:
    with project._database.read() as connection:
        tables = [table for table in schema.metadata.sorted_tables if table.name != "revision"]
        return {
            table.name: [
                tuple(map(repr, row))
                for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))
                if not (table.name == "meta" and row.name in ("looked_for_garbage", "artifacts"))
            ]
            for table in tables
        }


@pytest.fixture(scope="module")
def packed(each_backend_of_module: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    with make(folder / "project") as project:
        project.pack(folder / "x.ccz")
    return folder / "x.ccz"


def test_what_comes_out_is_what_went_in(packed: Path, tmp_path: Path) -> None:
    with cc.open(packed.parent / "project") as project, cc.unpack(packed, tmp_path / "copy") as copy:
        assert everything(copy) == everything(project)
        assert copy.models() == project.models()
        assert copy.outputs("cnn", "test") == project.outputs("cnn", "test")
        assert (
            copy.load_checkpoint("cnn ½")["a.weight"].tolist() == project.load_checkpoint("cnn ½")["a.weight"].tolist()
        )
        assert copy.damage() == []
        assert sorted(path.name for path in tmp_path.iterdir()) == ["copy"]


def test_what_was_deleted_corrected_and_archived_comes_along(tmp_path: Path) -> None:
    with make(tmp_path / "project") as project:
        project.correct("cnn", {"Accuracy": cc.MetricValue(0.6, count=3)}, reason="a typo")
        project.archive("cnn ½")
        project.delete("cnn", descendants=True)
        project.pack(tmp_path / "x.ccz")
        kept = changed(tmp_path / "x.ccz", "records/deleted.jsonl", b"model.safetensors", b"../../x.safetensors")
        there = [path.name for path in tmp_path.iterdir() if path.is_dir()]
        refused(write(tmp_path / "y.ccz", kept), tmp_path, folders=there)
        with cc.unpack(tmp_path / "x.ccz", tmp_path / "copy") as copy:
            assert everything(copy) == everything(project)
            assert len(copy) == 0
            copy.restore_deleted("cnn")
            assert copy.model("cnn").metrics["Accuracy"][0].value == 0.6
            assert copy.load_checkpoint("cnn ½")["a.weight"][1][2] == 2.5
            assert copy.damage() == []


def test_the_bytes_are_always_the_same(packed: Path, tmp_path: Path) -> None:
    with cc.unpack(packed, tmp_path / "copy") as copy:
        size = copy.pack(tmp_path / "again.ccz")
        copy.purge()
        copy.pack(tmp_path / "later.ccz")
    assert size == packed.stat().st_size
    assert (tmp_path / "again.ccz").read_bytes() == packed.read_bytes()
    assert (tmp_path / "later.ccz").read_bytes() == packed.read_bytes()


def test_it_is_an_ordinary_zip(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        manifest = json.loads(archive.read("MANIFEST.json"))
        assert (manifest["rows"]["models"], manifest["objects"]) == (2, 4)
        assert "logs of jobs" in manifest["left_out"]
        (first, second) = map(json.loads, archive.read("records/models.jsonl").decode().splitlines())
        assert (first["id"], second["id"], second["replicate"]) == ("cnn", "cnn ½", "seed 3")


def test_a_damaged_project_is_not_packed(tmp_path: Path) -> None:
    with make(tmp_path / "project") as project:
        digest, *_ = stored.contents(project)
        stored.replace(project, digest, b"other")
        with pytest.raises(StoreError, match="changed since"):
            project.pack(tmp_path / "x.ccz")
    with cc.open(tmp_path / "empty") as empty, pytest.raises(InvalidValue, match="cannot be written"):
        empty.pack(tmp_path / "nowhere" / "x.ccz")
    assert not (tmp_path / "x.ccz").exists()


def members(packed: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(packed) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def write(path: Path, contents: dict[str, bytes], **more: int) -> Path:
    with zipfile.ZipFile(path, "w", more.get("compression", zipfile.ZIP_STORED)) as archive:
        for name, content in contents.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = more.get("attributes", 0o100600) << 16
            info.compress_type = more.get("compression", zipfile.ZIP_STORED)
            archive.writestr(info, content)
    return path


def changed(packed: Path, name: str, old: bytes, new: bytes) -> dict[str, bytes]:
    found = members(packed)
    assert old in found[name]
    return {**found, name: found[name].replace(old, new)}


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "objects/../../evil", "records/../x.jsonl", "extra", "C:\\x"])
def test_other_places_are_refused(packed: Path, tmp_path: Path, name: str) -> None:
    refused(write(tmp_path / "x.ccz", {**members(packed), name: b"x"}), tmp_path)


def refused(archive: Path, tmp_path: Path, code: str = "archive.refused", *, folders: Sequence[str] = ()) -> str:
    with pytest.raises(InvalidValue) as caught:
        cc.unpack(archive, tmp_path / "copy")
    assert caught.value.code == code
    assert not (tmp_path / "copy").exists()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == list(folders)
    return str(caught.value)


def test_links_and_compressed_files_are_refused(packed: Path, tmp_path: Path) -> None:
    assert "else than files" in refused(write(tmp_path / "x.ccz", members(packed), attributes=0o120777), tmp_path)
    bomb = {**members(packed), "records/jobs.jsonl": b"\n" * 10_000_000}
    assert "compressed" in refused(write(tmp_path / "x.ccz", bomb, compression=zipfile.ZIP_DEFLATED), tmp_path)


def test_damage_is_found(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.ccz").write_bytes(packed.read_bytes()[:-100])
    refused(tmp_path / "cut.ccz", tmp_path)
    (tmp_path / "other.ccz").write_text("not a zip")
    refused(tmp_path / "other.ccz", tmp_path)
    found = members(packed)
    objects = [name for name in found if name.startswith("objects/")]
    refused(write(tmp_path / "x.ccz", {**found, objects[0]: b"other"}), tmp_path)
    refused(write(tmp_path / "y.ccz", {name: found[name] for name in found if name != objects[0]}), tmp_path)
    refused(write(tmp_path / "z.ccz", {name: found[name] for name in found if name != "MANIFEST.json"}), tmp_path)


def test_records_are_checked(packed: Path, tmp_path: Path) -> None:
    digest = json.loads(members(packed)["records/files.jsonl"].decode().splitlines()[0])["sha256"].encode()
    for name, old, new in (
        ("records/files.jsonl", digest, b"../../../../etc/passwd"),
        ("records/files.jsonl", b'"model.safetensors"', b'"../../x"'),
        ("records/models.jsonl", b'"step":1', b'"step":"1"'),
        ("records/models.jsonl", b'"step":1', b'"step":1,"more":2'),
        ("records/models.jsonl", b'"base_key":1', b'"base_key":77'),
        ("records/models.jsonl", b'"id":"cnn"', b'"id":null'),
        ("records/models.jsonl", b"{", b"["),
    ):
        refused(write(tmp_path / "x.ccz", changed(packed, name, old, new)), tmp_path)
    refused(
        write(tmp_path / "x.ccz", changed(packed, "records/models.jsonl", b'"id":"cnn"', b'"id":"\\u202ecnn"')),
        tmp_path,
        "name.invalid",
    )


def test_another_version_says_so(packed: Path, tmp_path: Path) -> None:
    later = changed(packed, "MANIFEST.json", b'"version":1', b'"version":2')
    assert "another version" in refused(write(tmp_path / "x.ccz", later), tmp_path, "archive.version")


def test_nothing_is_overwritten(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine").write_text("x")
    with pytest.raises(InvalidValue, match="there already"):
        cc.unpack(packed, tmp_path / "copy")
    with pytest.raises(InvalidValue, match="no archive"):
        cc.unpack(tmp_path / "nothing.ccz", tmp_path / "other")
    (tmp_path / "empty").mkdir()
    with cc.unpack(packed, tmp_path / "empty") as copy:
        assert len(copy) == 2
    assert packed.suffix == archives.SUFFIX


def test_weights_that_variants_share_are_stored_once_after_unpacking_and_merging(
    each_backend_of_module: str, tmp_path: Path
) -> None:
    shared = np.random.default_rng(0).normal(size=(512, 1024)).astype(np.float32)  # 2 MiB
    with cc.open(tmp_path / "project") as project:
        project.log_model("root", checkpoint={"w": shared, "norm": np.zeros(8, np.float32)})
        for number in range(1, 6):
            weights = {"w": shared, "norm": np.full(8, number, np.float32)}
            base = "root" if number < 5 else "v4"
            project.log_model(f"v{number}", base=base, operation=cc.Operation("tune", n=number), checkpoint=weights)
        project.pack(tmp_path / "x.ccz")
        with cc.unpack(tmp_path / "x.ccz", tmp_path / "copy") as copy:
            copy.pack(tmp_path / "again.ccz")
        with cc.open(tmp_path / "merged") as merged:
            merged.merge(project.path)
        assert [merged.load_checkpoint(f"v{number}")["norm"][0] for number in range(1, 6)] == [1, 2, 3, 4, 5]
    assert (tmp_path / "again.ccz").read_bytes() == (tmp_path / "x.ccz").read_bytes()
    directories = ("copy",) if each_backend_of_module == "server" else ("project", "copy", "merged")
    for name in directories:
        size = sum(path.stat().st_size for path in (tmp_path / name / "objects").rglob("*") if path.is_file())
        assert shared.nbytes < size < 1.1 * shared.nbytes, name
