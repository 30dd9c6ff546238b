"""What shipped files say of themselves, in files that hold other things too, or were cut."""

from __future__ import annotations

import html
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from compress_compare.readers.origin import is_whole, origin

STEPS = [
    {"model": "root", "operation": None, "parameters": {}},
    {"model": "m", "operation": "p", "parameters": {"a": 1}},
]
SAID = {"schema": 1, "project": "digits", "model": "m", "lineage": STEPS}
TEXT = json.dumps({"origin": SAID}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.onnx", b"\x08\x07junk" + TEXT + b"\x12more"),
        ("model.pte", b'{"origin":"http://elsewhere"}\0' * 3 + TEXT + b"\0\0"),
        ("model.xml", b'<net><v value="' + html.escape(TEXT.decode()).encode() + b'"/></net>'),
    ],
)
def test_the_object_is_found_in_any_file(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert origin(tmp_path / name) == origin(tmp_path) == SAID and is_whole(SAID)


def test_in_the_header_of_safetensors(tmp_path: Path) -> None:
    save_file({"w": np.ones(2)}, tmp_path / "w.safetensors", {"compress_compare": TEXT.decode()})
    assert origin(tmp_path / "w.safetensors") == SAID


def test_other_files_say_nothing(tmp_path: Path) -> None:
    for content in (
        b"",
        TEXT[:-10],
        b'{"origin":' * 2000,
        b'{"origin":[1]}',
        b'{"origin":{"model":"m"}}',
        b"PK\x03\x04",
    ):
        (tmp_path / "file").write_bytes(content)
        assert origin(tmp_path / "file") == {}
    (tmp_path / "w.safetensors").write_bytes(b"no header")
    assert origin(tmp_path / "w.safetensors") == {}


@pytest.mark.parametrize(
    "change", [{"schema": 2}, {"project": None}, {"lineage": "x"}, {"lineage": [1]}, {"lineage": [{"model": "m"}]}]
)
def test_an_origin_of_another_form_is_not_taken(change: dict[str, object]) -> None:
    assert not is_whole(SAID | change)
