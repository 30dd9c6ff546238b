"""Files in an object store: what is brought to this machine, what is kept there, and what a cut upload leaves."""

import hashlib
import os
import secrets

import numpy as np
import pytest
from safetensors.numpy import save_file

import compress_compare as cc
from compress_compare.errors import InvalidValue, StoreError
from compress_compare.store.bucket import BucketObjects
from compress_compare.store.cache import BLOCK, Cache
from tests.store.stored import change, sizes

MB = 1 << 20


@pytest.fixture
def project(team, tmp_path):
    with cc.open(f"{team}?project=b{abs(hash(str(tmp_path)))}", artifacts="s3://tests/bucket") as opened:
        yield opened


def cached(tmp_path):
    """The files of the cache, and the bytes that they take of the disk."""
    found = [one for one in (tmp_path / "cache of the user").rglob("*") if one.is_file()]
    return len(found), sum(one.stat().st_blocks * 512 for one in found)


def log_large(project, tmp_path, *, parts=16):
    tensors = {f"layer{i}.weight": np.full((MB // 4,), i + 1, "f4") for i in range(parts)}
    save_file(tensors, tmp_path / "large.safetensors")
    project.log_model("large", checkpoint=tmp_path / "large.safetensors")
    return tensors


def test_only_what_is_looked_at_is_brought(project, tmp_path):
    tensors = log_large(project, tmp_path)
    assert cached(tmp_path)[1] == 0
    (logged,) = project.checkpoints(["large"])
    weights = project.open_checkpoint(logged)
    assert set(weights.tensors) == set(tensors)
    assert cached(tmp_path)[1] <= BLOCK
    np.testing.assert_array_equal(weights.tensors["layer7.weight"].values.whole(), tensors["layer7.weight"])
    assert cached(tmp_path)[1] <= 3 * BLOCK
    for name, expected in tensors.items():
        np.testing.assert_array_equal(weights.tensors[name].values.whole(), expected)
    assert cached(tmp_path)[0] == 1


def test_layers_of_a_project_in_a_bucket_are_those_of_one_in_a_directory(project, tmp_path):
    tables = []
    with cc.open(tmp_path / "here") as here:
        for one in (project, here):
            rng = np.random.default_rng(0)
            weights = {f"l{i}.weight": rng.normal(size=(64, 300)).astype("f4") for i in range(5)}
            one.log_model("base", checkpoint=weights)
            pruned = {name: np.where(np.abs(each) < 0.5, 0, each) for name, each in weights.items()}
            one.log_model("child", base="base", operation=cc.Operation("prune"), checkpoint=pruned)
            layers = one.layers(base="base", models=["child"], what="weights")
            tables.append(layers.table.to_pandas())
    assert tables[0].equals(tables[1])
    assert len(tables[0]) > 5


def test_tables_are_read_by_columns(project, tmp_path):
    rng = np.random.default_rng(0)
    ids = np.arange(20_000)
    project.log_model("m")
    project.log_dataset("d", ids=ids, labels=ids % 10)
    project.log_outputs("m", "d", ids=ids, predictions=ids % 7, vectors={"v": rng.normal(size=(20_000, 100))})
    data, found = project.outputs_of(["m"], dataset="d")
    assert found["m"].read("prediction")["prediction"].to_pylist() == (ids % 7).tolist()
    assert data.read("label").num_rows == 20_000
    assert cached(tmp_path)[1] < max(sizes(project)) / 2
    assert found["m"].read("v").num_rows == 20_000


def test_a_file_that_has_come_whole_is_kept_for_the_next_process(project, tmp_path):
    tensors = log_large(project, tmp_path, parts=2)
    (logged,) = project.checkpoints(["large"])
    weights = project.open_checkpoint(logged)
    for name in tensors:
        weights.tensors[name].values.whole()
    project.close()
    del weights
    (digest,) = [file.sha256 for file in logged.checkpoint.files]
    path = tmp_path / "cache of the user" / "compress-compare" / "objects" / digest[:2] / digest
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    assert cached(tmp_path)[0] == 1


def test_a_changed_object_is_not_believed_when_all_of_it_is_read(project):
    project.log_model("m", checkpoint={"w": np.ones(1000, "f4")})
    (file,) = project.model("m").checkpoint.files
    change(project, file.sha256)
    for read in (lambda: project.load_checkpoint("m"), lambda: project.checkpoint_paths(project.model("m").checkpoint)):
        with pytest.raises(StoreError) as caught:
            read()
        assert caught.value.code == "artifact.hash_mismatch"
    assert len(project.damage()) == 1


def test_a_damaged_object_is_put_right_from_a_copy(project, tmp_path):
    project.log_model("m", checkpoint={"w": np.ones(1000, "f4")})
    project.backup(tmp_path / "copy")
    (file,) = project.model("m").checkpoint.files
    change(project, file.sha256)
    assert len(project.repair([tmp_path / "copy"])) == 1
    assert project.damage() == []


def test_nothing_stays_elsewhere_since_other_machines_could_not_read_it(project, tmp_path):
    save_file({"w": np.ones(9)}, tmp_path / "w.safetensors")
    with pytest.raises(InvalidValue) as caught:
        project.log_model("m", checkpoint=cc.Reference(tmp_path / "w.safetensors"))
    assert caught.value.code == "checkpoint.reference" and "m" not in project


def test_a_missing_object_is_named(project):
    project.log_model("m", checkpoint={"w": np.ones(10, "f4")})
    (file,) = project.model("m").checkpoint.files
    project._artifacts.delete(file.sha256)
    for read in (lambda: project.load_checkpoint("m"), lambda: project.open_checkpoint(project.checkpoints(["m"])[0])):
        with pytest.raises(StoreError) as caught:
            read()
        assert caught.value.code == "artifact.missing"


def test_what_is_there_is_not_sent_again_and_what_is_not_kept_is_garbage(project, monkeypatch):
    sent = []
    put = BucketObjects.put

    def noted(self, digest, staged, **more):
        new = put(self, digest, staged, **more)
        sent.append(new)
        return new

    monkeypatch.setattr(BucketObjects, "put", noted)
    for id in ("a", "b"):
        project.log_model(id, checkpoint={"w": np.ones(1000, "f4")})
    assert sent.count(True) == 1
    with pytest.raises(ZeroDivisionError), project.batch():
        project.log_model("c", checkpoint={"w": np.zeros(1000, "f4")})
        raise ZeroDivisionError
    assert project.garbage().count == 1  # it may be what another writer has named meanwhile, and goes with the garbage
    assert project.purge().count == 1
    assert len(sizes(project)) == 1


def test_the_cache_is_bounded_and_what_was_used_last_stays(tmp_path):
    content = {name * 64: os.urandom(3 * BLOCK + 7) for name in "abcdef"}
    named = {hashlib.sha256(one).hexdigest(): one for one in content.values()}

    def fetch(digest, start, stop):
        yield named[digest][start:stop]

    cache = Cache(tmp_path / "cache", fetch, limit=14 * BLOCK)
    digests = list(named)
    for place, digest in enumerate(digests):
        path = cache.part(digest, len(named[digest])).whole()
        os.utime(path, (place, place))
        if place:
            os.utime(cache.path(digests[0]), (100, 100))
    assert [one for one in digests if cache.path(one)] == [digests[0], *digests[-3:]]
    assert sum(one.stat().st_size for one in (tmp_path / "cache").rglob("*") if one.is_file()) <= 14 * BLOCK


def test_a_copy_that_was_kept_is_compared_by_whoever_must_know(tmp_path):
    content = os.urandom(3 * BLOCK + 7)
    digest = hashlib.sha256(content).hexdigest()
    cache = Cache(tmp_path / "cache", lambda _digest, start, stop: [content[start:stop]])
    cache.part(digest, len(content)).need(0, len(content))
    cache.close()
    path = cache.verified(digest)
    assert path is not None
    assert path.read_bytes() == content
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert cache.path(digest) == path
    assert cache.verified(digest) is None
    assert cache.path(digest) is None
    assert cache.part(digest, len(content)).whole().read_bytes() == content


def test_what_a_killed_process_has_left_in_the_cache_goes(tmp_path):
    folder = tmp_path / "cache" / "ab"
    folder.mkdir(parents=True)
    (folder / f"ab{'0' * 62}.1234.part").write_bytes(b"x" * BLOCK)
    cache = Cache(tmp_path / "cache", lambda _digest, start, stop: [b"y" * (stop - start)])
    part = cache.part("cd" + "0" * 62, 1)
    part.need(0, 1)
    assert [one.name for one in folder.iterdir()] == []
    with pytest.raises(StoreError):
        part.whole()


def test_a_file_that_is_read_from_end_to_end_is_brought_ahead_and_no_other(tmp_path):
    content = np.random.default_rng(0).bytes(9 << 20)
    asked: list[int] = []

    def fetch(_digest, start, stop):
        asked.extend(range(start >> 20, -(-stop >> 20)))
        for at in range(start, stop, 700_000):
            yield content[at : min(at + 700_000, stop)]

    def read(*places):
        asked.clear()
        name = hashlib.sha256(content).hexdigest()
        part = Cache(tmp_path / secrets.token_hex(4), fetch).part(name, len(content))
        for start, stop in places:
            part.need(start << 20, stop << 20)
        if part._ahead is not None:
            part._ahead.join()
        with part.open() as file:
            for start, stop in places:
                file.seek(start << 20)
                assert file.read((stop - start) << 20) == content[start << 20 : stop << 20]
        return sorted(asked)

    assert read((0, 2), (2, 4)) == [0, 1, 2, 3, 4, 5], "as much again as was asked for"
    assert read((0, 2), (4, 6), (8, 9)) == [0, 1, 4, 5, 8]
    assert read((0, 5), (5, 9)) == list(range(9))
