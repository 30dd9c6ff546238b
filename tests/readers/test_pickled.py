"""Pickles as data: what is in them, and that nothing of it is made."""

import io
import os
import pickle
from collections import defaultdict
from dataclasses import dataclass

import pytest

from compress_compare.readers.pickled import Unmade, contents

PLAIN = [None, True, -3, 1 << 70, 2.5, "text", {1: ("a", [2])}, (), (1,), [[]], {"x": {"y": (1, 2, 3, 4)}}]


@dataclass
class Point:
    x: int
    y: object


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_data_is_what_it_was(protocol):
    assert contents(io.BytesIO(pickle.dumps(PLAIN, protocol))) == PLAIN
    shared = [1, 2]
    first, second = contents(io.BytesIO(pickle.dumps([shared, shared], protocol)))
    assert first is second


@pytest.mark.parametrize("protocol", [2, 4])
def test_of_an_object_there_is_its_name_and_its_state(protocol):
    found = contents(io.BytesIO(pickle.dumps(Point(3, Point(4, None)), protocol)))
    assert isinstance(found, Unmade)
    assert found.name.endswith("test_pickled.Point")
    assert (found.x, found.y.x) == (3, 4)
    with pytest.raises(AttributeError):
        _ = found.z


def test_a_dictionary_with_defaults_is_one_of_its_items():
    found = defaultdict(list, {"a": [1]})
    assert contents(io.BytesIO(pickle.dumps({"x": found}))) == {"x": {"a": [1]}}


class Command:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (os.system, (f"touch {self.canary}",))


def test_nothing_runs(tmp_path):
    found = contents(io.BytesIO(pickle.dumps({"a": Command(tmp_path / "canary")})))
    assert (found["a"].name, found["a"].given) == ("posix.system", (f"touch {tmp_path / 'canary'}",))
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04", b"\x80\x04.", b"\x80\x04t.", b"\x80\x04N", b"\x80\x04K\x01b.", b"ab"]
)
def test_what_is_no_pickle_is_an_error(content):
    with pytest.raises(ValueError):
        contents(io.BytesIO(content))


def test_cut_at_every_byte():
    whole = pickle.dumps(PLAIN, 4)
    for end in range(len(whole) - 1):
        with pytest.raises(ValueError):
            contents(io.BytesIO(whole[:end]))


def test_bytes_and_sets_have_opcodes_of_their_own_since_protocol_4():
    assert contents(io.BytesIO(pickle.dumps([b"bytes", {3}], 4))) == [b"bytes", {3}]


def test_what_stands_beside_a_pickle_is_named(tmp_path):
    class Outside(pickle.Pickler):
        def persistent_id(self, one):
            return ("place", 7) if isinstance(one, Command) else None

    file = io.BytesIO()
    Outside(file, 2).dump([Command("none"), 1])
    first, second = contents(io.BytesIO(file.getvalue()))
    assert (first.name, first.given, second) == ("outside", (("place", 7),), 1)
