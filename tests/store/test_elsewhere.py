"""Weights that stay where they are: no copy, and whoever needs them learns when they are gone or changed."""

import json
import os
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

import compress_compare as cc
from compress_compare.errors import InvalidValue, StoreError

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


def weights(path, seed=0, **extra):
    save_file({"w": np.random.default_rng(seed).random((256, 256)), **extra}, path)
    return path


def size(project):
    return sum(one.stat().st_size for one in files(project))


def files(project):
    return [one for one in (project.working_folder / "objects").rglob("*") if one.is_file()]


def test_the_weights_are_read_from_where_they_are(project, tmp_path):
    path = weights(tmp_path / "w.safetensors")
    project.log_model("m", checkpoint=cc.Reference(path))
    assert size(project) < 1000 < path.stat().st_size
    found = np.asarray(project.load_checkpoint("m")["w"])
    assert np.array_equal(found, np.random.default_rng(0).random((256, 256)))
    assert project.model("m").checkpoint.num_bytes == path.stat().st_size
    weights(tmp_path / "q.safetensors", seed=1)
    project.log_model("q", base="m", operation=cc.Operation("noise"), checkpoint=tmp_path / "q.safetensors")
    assert project.layers(base="m", models=["q"], what="weights").table.num_rows
    assert project.damage() == []


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_it_is_said_when_a_file_is_gone_or_changed(tmp_path, what):
    path = weights(tmp_path / "w.safetensors")
    with cc.open(tmp_path / "project") as project:
        project.log_model("m", checkpoint=cc.Reference(str(path)))
        project.load_checkpoint("m")
    if what == "gone":
        path.unlink()
    else:
        status = path.stat()
        weights(path, seed=1)  # of the same length, and as old as before
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with cc.open(tmp_path / "project") as project:
        for read in (
            lambda: project.load_checkpoint("m"),
            lambda: project.open_checkpoint(project.checkpoints(["m"])[0]),
        ):
            with pytest.raises(StoreError) as error:
                read()
            assert error.value.code == f"artifact.reference_{what}"
            assert str(path) in error.value.detail
        (sentence,) = project.damage()
        assert sentence.startswith("w.safetensors of m: Weights that were left") and str(path) in sentence


def test_a_file_that_moved_is_logged_from_its_new_place_or_repaired(project, tmp_path):
    path = weights(tmp_path / "w.safetensors")
    project.log_model("m", checkpoint=cc.Reference(path))
    moved = tmp_path / "other" / "w.safetensors"
    moved.parent.mkdir()
    shutil.move(path, moved)
    assert len(project.damage()) == 1
    project.log_model("m", checkpoint=cc.Reference(moved))
    assert project.damage() == [] and size(project) < 1000
    shutil.move(moved, path)
    project.repair([path])
    path.unlink()
    assert project.damage() == []
    assert size(project) > 256 * 256 * 8


def test_a_copy_takes_the_place_of_a_reference(project, tmp_path):
    path = weights(tmp_path / "w.safetensors")
    project.log_model("m", checkpoint=cc.Reference(path))
    project.log_model("n", checkpoint=path)
    path.unlink()
    assert project.damage() == [] and project.load_checkpoint("m")["w"].shape == (256, 256)


def test_nothing_is_ever_removed_from_outside(project, each_database, tmp_path):
    path = weights(tmp_path / "w.safetensors")
    project.log_model("m", checkpoint=cc.Reference(path))
    with pytest.raises(ZeroDivisionError), project.batch():
        project.log_model("n", checkpoint=cc.Reference(weights(tmp_path / "n.safetensors", seed=2)))
        1 / 0  # noqa: B018
    # where writers do not wait for each other, another one may have named the second note meanwhile
    assert len(files(project)) == 1 + (each_database == "PostgreSQL")
    project.delete("m")
    project.purge()
    assert size(project) == 0
    assert path.exists() and (tmp_path / "n.safetensors").exists()


def test_archives_backups_and_merges_hold_a_copy(project, tmp_path):
    path = weights(tmp_path / "w.safetensors")
    project.log_model("m", checkpoint=cc.Reference(path))
    project.pack(tmp_path / "x.ccz")
    project.backup(tmp_path / "backup")
    with cc.open(tmp_path / "merged") as merged:
        merged.merge(project.path)
    path.unlink()
    cc.unpack(tmp_path / "x.ccz", tmp_path / "unpacked").close()
    for name in ("backup", "merged", "unpacked"):
        with cc.open(tmp_path / name) as copy:
            assert copy.damage() == []
            assert copy.load_checkpoint("m")["w"].shape == (256, 256)


def test_small_files_of_a_folder_are_copied(project, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    weights(folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    project.log_model("m", checkpoint=cc.Reference(folder))
    names = sorted(one.suffix for one in files(project))
    assert names == ["", ".at"]


def test_what_is_converted_cannot_stay(project, tmp_path):
    (tmp_path / "w.pt").write_bytes(b"PK")
    with pytest.raises(InvalidValue) as error:
        project.log_model("m", checkpoint=cc.Reference(tmp_path / "w.pt"))
    assert error.value.code == "checkpoint.reference"
    with pytest.raises(InvalidValue) as error:
        project.log_model("m", checkpoint=cc.Reference(tmp_path / "none.safetensors"))
    assert error.value.code == "input.not_found"


def test_a_strange_note_leads_nowhere(project, tmp_path):
    """A project of somebody else names a device, a file with other content, or nothing that can be read."""
    path = weights(tmp_path / "w.safetensors")
    project.log_model("m", checkpoint=cc.Reference(path))
    (note,) = files(project)
    for content in ('{"path": "/dev/zero"}', '{"path": "/etc/hostname"}', '{"path": "w"}', "[]", "\xff", '{"path": 1}'):
        note.write_text(content)
        with pytest.raises(StoreError) as error:
            project.load_checkpoint("m")
        assert error.value.code in ("artifact.reference_gone", "artifact.reference_changed", "artifact.missing")
