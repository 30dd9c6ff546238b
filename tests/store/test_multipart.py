"""Large uploads that were cut off are gone on with, nothing of them counts, and what nobody goes on with is removed."""

import hashlib
import importlib.util
import os
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.store import garbage, multipart
from compress_compare.store.bucket import BucketObjects
from compress_compare.store.multipart import PART
from tests import servers
from tests.remote import bad_network
from tests.store.stored import sizes

SIZE = 64 << 20
MB = 1 << 20

LOG = """
import sys, numpy as np, compress_compare as cc
with cc.open(sys.argv[1]) as project:
    weights = np.random.default_rng(0).integers(0, 2**32, size=(16, 1 << 20), dtype="u4")
    project.log_model("large", checkpoint={"w": weights})
"""

PUT = """
import sys
from pathlib import Path
from compress_compare.store.bucket import BucketObjects
print(BucketObjects(sys.argv[1], Path(sys.argv[2])).put(sys.argv[3], Path(sys.argv[4])))
"""


@pytest.fixture(autouse=True)
def library():
    if importlib.util.find_spec("botocore") is None:
        servers.lacking("Without botocore, uploads do not go on: pip install botocore")


@pytest.fixture
def project(team, tmp_path):
    with cc.open(f"{team}?project=m{abs(hash(str(tmp_path)))}", artifacts="s3://tests/multipart") as opened:
        yield opened


@pytest.fixture
def objects(object_store, monkeypatch, tmp_path):
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    return BucketObjects(f"s3://tests/{tmp_path.name}", tmp_path / "cache")


def staged(tmp_path, *, num_bytes=SIZE, seed=0):
    content = np.random.default_rng(seed).bytes(num_bytes)
    path = tmp_path / f"staged {seed}"
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest(), path


def through(network):
    return {**os.environ, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{network.port}"}


def port():
    return int(urlsplit(os.environ["AWS_ENDPOINT_URL"]).port or 0)


def killed_at(command, network, num_bytes):
    """Start a program, and kill it when it has sent so much."""
    process = subprocess.Popen([sys.executable, "-c", *command], env=through(network))
    while network.sent < num_bytes:
        assert process.poll() is None, "it has ended before"
        time.sleep(0.002)
    process.kill()
    process.wait()


def test_a_killed_upload_leaves_nothing_that_counts_and_goes_on_where_it_was(project):
    with bad_network.between(port(), rate=8 * MB) as network:
        killed_at([LOG, project.shown_place], network, 3 * SIZE // 4)
    assert len(project) == 0
    assert project.damage() == [] and sizes(project) == []
    assert project.garbage().count <= 1, "the folder that the file came through; the upload may be gone on with"
    (begun,) = project._artifacts.unfinished()
    assert begun.num_bytes >= PART and begun.num_bytes % PART == 0, "at most four parts were under way"
    with bad_network.between(port()) as network:
        done = subprocess.run([sys.executable, "-c", LOG, project.shown_place], env=through(network), check=False)
    assert done.returncode == 0
    missing = sizes(project)[0] - begun.num_bytes
    assert missing <= network.sent <= missing + MB
    assert list(project._artifacts.unfinished()) == []
    (file,) = project.model("large").checkpoint.files
    assert hashlib.sha256(project._artifacts.path(file.sha256).read_bytes()).hexdigest() == file.sha256
    expected = np.random.default_rng(0).integers(0, 2**32, size=(16, 1 << 20), dtype="u4")
    np.testing.assert_array_equal(project.load_checkpoint("large")["w"], expected)


def test_a_part_that_differs_is_sent_again(objects, tmp_path):
    digest, path = staged(tmp_path, num_bytes=5 * PART + 1)
    content = path.read_bytes()
    client = multipart._client(multipart._library())
    where = {"Bucket": "tests", "Key": f"{tmp_path.name}/objects/{digest[:2]}/{digest}"}
    where["UploadId"] = client.create_multipart_upload(**where)["UploadId"]
    wrong = bytes([content[PART] ^ 1]) + content[PART + 1 : 2 * PART]
    there = {1: content[:PART], 2: wrong, 3: content[2 * PART : 3 * PART - 1], 4: content[3 * PART : 4 * PART], 9: b"x"}
    for number, part in there.items():
        client.upload_part(**where, PartNumber=number, Body=part)
    client.close()
    before = os.environ["AWS_ENDPOINT_URL"]
    with bad_network.between(port()) as network:
        os.environ["AWS_ENDPOINT_URL"] = through(network)["AWS_ENDPOINT_URL"]
        assert objects.put(digest, path)
        os.environ["AWS_ENDPOINT_URL"] = before
    assert 3 * PART < network.sent < 3 * PART + MB, "the second, the third, the fifth, and the last one, of one byte"
    objects.check(digest)
    assert list(objects.unfinished()) == []


def test_clients_that_send_the_same_at_once_all_end_well(objects, tmp_path):
    digest, path = staged(tmp_path)
    command = [sys.executable, "-c", PUT, objects.url, str(tmp_path / "cache"), digest, str(path)]
    with bad_network.between(port(), rate=30 * MB) as network:
        clients = [subprocess.Popen(command, env=through(network), stdout=subprocess.PIPE) for _ in range(3)]
        assert [client.communicate()[0].strip() in (b"True", b"False") for client in clients] == [True] * 3
        assert [client.returncode for client in clients] == [0] * 3
    objects.check(digest)
    assert [one.num_bytes for one in objects.listed()] == [SIZE]


def test_an_upload_that_was_ended_meanwhile_begins_anew(objects, tmp_path, monkeypatch):
    digest, path = staged(tmp_path)
    with bad_network.between(port(), rate=8 * MB) as network:
        killed_at([PUT, objects.url, str(tmp_path / "cache"), digest, str(path)], network, 2 * SIZE // 3)
    begun = threading.Event()
    find = multipart._begun

    def found(client, where):
        answer = find(client, where)
        if not begun.is_set():
            begun.set()
            for one in list(objects.unfinished()):
                objects.abandon(one.name)
        return answer

    monkeypatch.setattr(multipart, "_begun", found)
    assert objects.put(digest, path)
    assert begun.is_set()
    objects.check(digest)
    assert list(objects.unfinished()) == []


def test_what_nobody_goes_on_with_is_garbage_after_a_day(project, monkeypatch, tmp_path):
    objects = project._artifacts.results
    digest, path = staged(tmp_path)
    with bad_network.between(port(), rate=8 * MB) as network:
        killed_at([PUT, objects.url, str(tmp_path / "cache"), digest, str(path)], network, 3 * PART)
    (begun,) = project._artifacts.unfinished()
    assert 0 <= begun.age < garbage.KEPT_S
    assert project.garbage().count == project.purge().count == 0
    assert len(list(project._artifacts.unfinished())) == 1
    monkeypatch.setattr(garbage, "KEPT_S", begun.age)
    assert project.garbage().num_bytes == begun.num_bytes
    removed = project.purge()
    assert (removed.count, removed.num_bytes) == (1, begun.num_bytes)
    assert list(project._artifacts.unfinished()) == []


def test_without_the_library_an_upload_is_sent_as_a_whole(objects, tmp_path, monkeypatch):
    digest, path = staged(tmp_path, num_bytes=multipart.LARGE)
    with monkeypatch.context() as changed:
        changed.setitem(sys.modules, "botocore", None)
        changed.setitem(sys.modules, "botocore.session", None)
        assert objects.put(digest, path)
        assert list(objects.unfinished()) == []
    objects.check(digest)


def test_parts_are_as_many_as_s3_takes():
    assert multipart._part_size(1) == multipart._part_size(10_000 * PART) == PART
    for num_bytes in (10_000 * PART + 1, 5 << 40):
        assert -(-num_bytes // multipart._part_size(num_bytes)) <= 10_000
