"""Files of an object store that are brought before they are needed: each block once, in few calls, if wanted."""

import hashlib
import threading

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import StoreError
from compress_compare.store.bucket import BucketObjects
from compress_compare.store.cache import BATCH, BLOCK, STREAMED, Cache

COUNT = 3 * STREAMED + 5
LAST = COUNT * BLOCK - 7


class Source:
    """A file of as many blocks, each filled with its number, and what was asked of it, in blocks."""

    def __init__(self, tmp_path):
        self.asked: list[tuple[int, int]] = []
        self.lock = threading.Lock()
        self.before = lambda block: None
        self.part = Cache(tmp_path / "cache", self.fetch).part("ab" * 32, LAST)

    def fetch(self, _digest, start, stop):
        with self.lock:
            self.asked.append((start // BLOCK, -(-stop // BLOCK)))
        for at in range(start, stop, BLOCK):
            self.before(at // BLOCK)
            yield bytes([at // BLOCK]) * (min(at + BLOCK, stop) - at)

    def blocks(self):
        return sorted(block for first, after in self.asked for block in range(first, after))

    def read(self, block):
        with self.part.open() as file:
            file.seek(block * BLOCK)
            return set(file.read(BLOCK))


@pytest.fixture
def source(tmp_path):
    return Source(tmp_path)


def test_a_file_is_streamed_in_its_order_and_in_few_calls(source):
    source.part.need(70 * BLOCK, 72 * BLOCK)
    source.part.stream([(100 * BLOCK, LAST), (5, 90 * BLOCK)], is_wanted=lambda: True)
    expected = [(0, 64), (64, 70), (72, 90), (100, 164), (164, COUNT)]
    assert source.asked == [(70, 72), *expected]
    assert [source.read(block) for block in (0, 69, 71, 99, 100, COUNT - 1)] == [
        *({0}, {69}, {71}, {0}, {100}, {COUNT - 1})
    ]


def test_what_is_on_its_way_is_waited_for_and_anything_else_is_brought_at_once(source):
    has_begun, may_go_on = threading.Event(), threading.Event()

    def before(block):
        if block == 2:
            has_begun.set()
            assert may_go_on.wait(60)

    source.before = before
    streaming = threading.Thread(target=source.part.stream, args=([(0, LAST)],), kwargs={"is_wanted": lambda: True})
    streaming.start()
    assert has_begun.wait(60)
    source.part.need(0, 2 * BLOCK)
    source.part.need(150 * BLOCK, 151 * BLOCK)
    assert source.read(1) == {1} and source.read(150) == {150}, "both are here while the third one is on its way"
    waiting = threading.Thread(target=source.part.need, args=(0, 40 * BLOCK))
    waiting.start()
    may_go_on.set()
    waiting.join(60)
    assert source.read(39) == {39}
    streaming.join(60)
    assert source.blocks() == list(range(COUNT)), "each once"
    assert source.part.is_complete


def test_many_who_need_the_same_bring_it_once(source):
    together = threading.Barrier(8)

    def need(at):
        together.wait(60)
        for start in range(at, at + 60, 3):
            source.part.need(start * BLOCK, (start + 4) * BLOCK)

    threads = [threading.Thread(target=need, args=(at,)) for at in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert source.blocks() == list(range(max(source.blocks()) + 1))
    assert all(after - first <= BATCH for first, after in source.asked)


def test_a_stream_ends_when_nobody_wants_it_and_leaves_what_has_come(source):
    wanted = iter([True] * 10 + [False] * 9)
    source.part.stream([(0, LAST)], is_wanted=lambda: next(wanted))
    assert source.asked == [(0, STREAMED)]
    source.before = lambda block: None
    source.part.need(0, 20 * BLOCK)
    first = source.asked[1][0]
    assert 8 <= first <= 10, "blocks that had come are not brought again"
    assert source.read(19) == {19}


def test_who_waits_for_what_fails_to_come_asks_again_and_is_told(source):
    has_begun, may_go_on = threading.Event(), threading.Event()

    def before(block):
        if block == 3:
            has_begun.set()
            assert may_go_on.wait(60)
            raise StoreError("objects.unreachable", "The object store does not answer.")

    source.before = before
    told = []

    def stream():
        with pytest.raises(StoreError):
            source.part.stream([(0, LAST)], is_wanted=lambda: True)

    def need():
        with pytest.raises(StoreError) as caught:
            source.part.need(0, 5 * BLOCK)
        told.append(caught.value.code)

    threads = [threading.Thread(target=one) for one in (stream, need)]
    threads[0].start()
    assert has_begun.wait(60)
    threads[1].start()
    may_go_on.set()
    for one in threads:
        one.join(60)
    assert told == ["objects.unreachable"]
    source.before = lambda block: None
    source.part.need(0, 5 * BLOCK)
    assert [source.read(block) for block in range(5)] == [{0}, {1}, {2}, {3}, {4}]


@pytest.mark.parametrize("what", ["weights", "sparsity"])
def test_comparing_layers_brings_every_byte_once_and_says_the_same(team, tmp_path, monkeypatch, what):
    asked: list[tuple[str, int, int]] = []
    pieces = BucketObjects._pieces

    def noted(self, digest, start, stop):
        asked.append((digest, start, stop))
        return pieces(self, digest, start, stop)

    monkeypatch.setattr(BucketObjects, "_pieces", noted)
    rng = np.random.default_rng(0)
    weights = {f"layer{i}.weight": rng.standard_normal((500, 100 * (i + 1)), "f4") for i in range(9)}
    pruned = {name: np.where(np.abs(each) < 0.5, np.float32(0), each) for name, each in weights.items()}
    tables = []
    bucket = f"{team}?project=s{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:20]}"
    for place, artifacts in ((bucket, "s3://tests/streams"), (tmp_path / "here", None)):
        with cc.open(place, artifacts=artifacts) as project:
            project.log_model("base", checkpoint=weights)
            project.log_model("child", base="base", operation=cc.Operation("prune"), checkpoint=pruned)
            asked.clear() if artifacts else None
            tables.append(project.layers(base="base", models=["child"], what=what).table.to_pandas())
            files = [project.model(id).checkpoint.files[0] for id in ("base", "child")]
    assert tables[0].equals(tables[1]) and len(tables[0]) >= 9
    for file in files:
        spans = sorted((start, stop) for digest, start, stop in asked if digest == file.sha256)
        assert [start for start, _ in spans] == [0, *(stop for _, stop in spans[:-1])], "without a gap, and none twice"
        assert spans[-1][1] == file.num_bytes
