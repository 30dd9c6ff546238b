"""Folders of torch.distributed.checkpoint: what is read of them, and that nothing in them runs."""

import os
import pickle
import shutil

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.store import dcp
from compress_compare.store.conversion import LeftOutWarning

torch = pytest.importorskip("torch")
checkpointing = pytest.importorskip("torch.distributed.checkpoint")


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


def saved(path, content):
    with pytest.warns(UserWarning, match="single process"):
        checkpointing.save(content, checkpoint_id=path)
    return path


def sharded(path, parts, size, last=None):
    """A folder in which a tensor lies in pieces, as several ranks write it: starts of each, and its rows.

    ``last`` is what the last file holds instead.
    """
    from torch.distributed.checkpoint import metadata as said
    from torch.distributed.checkpoint.filesystem import _StorageInfo

    path.mkdir()
    chunks, places = [], {}
    for rank, (start, rows) in enumerate(parts):
        torch.save(rows, path / f"__{rank}_0.distcp")
        if last is not None and rank == len(parts) - 1:
            (path / f"__{rank}_0.distcp").write_bytes(last)
        chunks.append(said.ChunkStorageMetadata(torch.Size(start), rows.shape))
        length = (path / f"__{rank}_0.distcp").stat().st_size
        index = said.MetadataIndex("w", torch.Size(start), rank)
        places[index] = _StorageInfo(f"__{rank}_0.distcp", 0, length)
    properties = said.TensorProperties(dtype=parts[0][1].dtype)
    whole = said.TensorStorageMetadata(properties, torch.Size(size), chunks)
    content = said.Metadata({"w": whole}, storage_data=places)
    (path / ".metadata").write_bytes(pickle.dumps(content))
    return path


def test_a_network_beside_its_optimizer_is_read_under_its_own_names(project, tmp_path):
    weight = torch.arange(6.0).reshape(2, 3)
    folder = saved(
        tmp_path / "step-3",
        {"model": {"l.weight": weight.bfloat16(), "l.bias": weight[0]}, "optim": {"state": {"a": weight}}, "n": 3},
    )
    with pytest.warns(LeftOutWarning, match="n: no tensor"):
        project.log_model("m", checkpoint=folder)
    found = project.load_checkpoint("m")
    assert set(found) == {"l.weight", "l.bias"}
    assert found["l.weight"].dtype == torch.bfloat16
    assert found["l.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_of_several_networks_one_is_chosen(project, tmp_path):
    folder = saved(tmp_path / "gan", {"G": {"w": torch.ones(2)}, "D": {"w": torch.zeros(2)}})
    with pytest.raises(InvalidValue) as caught:
        project.log_model("m", checkpoint=folder)
    assert caught.value.code == "model.several_networks"
    with pytest.warns(LeftOutWarning, match="G: another network"):
        project.log_model("m", checkpoint=folder, key="D")
    assert project.load_checkpoint("m")["w"].tolist() == [0, 0]


@pytest.mark.usefixtures("each_backend")
def test_pieces_of_several_ranks_are_put_together(project, tmp_path):
    whole = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32))
    parts = [((0, 0), whole[:3, :2]), ((0, 2), whole[:3, 2:]), ((3, 0), whole[3:].clone())]
    folder = sharded(tmp_path / "ck", [(start, part.contiguous()) for start, part in parts], (5, 4))
    project.log_model("m", checkpoint=folder)
    assert torch.equal(project.load_checkpoint("m")["w"], whole)


class Command:
    """Asks to run a command when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (os.system, (f"touch {self.canary}",))


def broken(name, tmp_path):
    rows = torch.ones(2, 3)
    folder = sharded(tmp_path / "ck", [((0, 0), rows), ((2, 0), rows)], (4, 3))
    piece = folder / "__1_0.distcp"
    if name == "a rank is missing":
        piece.unlink()
    elif name == "a file is cut off":
        piece.write_bytes(piece.read_bytes()[:-40])
    elif name == "a piece that runs a command":
        shutil.rmtree(folder)
        command = pickle.dumps(Command(tmp_path / "canary"), 4)
        folder = sharded(tmp_path / "ck", [((0, 0), rows), ((2, 0), rows)], (4, 3), command)
    elif name == "metadata that runs a command":
        (folder / ".metadata").write_bytes(pickle.dumps(Command(tmp_path / "canary"), 4))
    elif name == "metadata of another kind":
        (folder / ".metadata").write_bytes(pickle.dumps({"a": 1}, 4))
    elif name == "a link":
        piece.unlink()
        piece.symlink_to("/etc/hostname")
    elif name == "far more than there is":
        shutil.rmtree(folder)
        folder = sharded(tmp_path / "ck", [((0, 0), rows)], (1 << 40, 3))
    elif name == "half of it":
        shutil.rmtree(folder)
        folder = sharded(tmp_path / "ck", [((0, 0), torch.ones(200, 3))], (210, 3))
    return folder


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a rank is missing", "model.shard_missing"),
        ("a file is cut off", "model.truncated"),
        ("a piece that runs a command", "model.unsafe_pickle"),
        ("metadata that runs a command", "model.unsafe_pickle"),
        ("metadata of another kind", "model.truncated"),
        ("a link", "path.outside_folder"),
        ("far more than there is", "model.truncated"),
        ("half of it", "model.truncated"),
    ],
)
def test_bad_folders_are_refused_and_nothing_runs(name, code, tmp_path):
    folder = broken(name, tmp_path)
    with pytest.raises(InvalidValue) as caught:
        dcp.check(folder)
        pieces = dcp.DistributedFolder(folder, "ck")
        pieces.filled(pieces.content)
    assert caught.value.code == code
    assert not (tmp_path / "canary").exists()
