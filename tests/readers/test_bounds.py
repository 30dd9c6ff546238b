"""Headers that are small on disk and large in memory or time are told by their size, before work is done on them."""

import json
import struct

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.readers import protobuf, safetensors

WEIGHT = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def written(path, header):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 8)
    return path


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"w": {**WEIGHT, "shape": [9] * 1_000_000}}, "model.bad_shape"),
        ({"w": {**WEIGHT, "shape": [1] * 32 + [2]}}, "model.bad_shape"),
        ({"w": {**WEIGHT, "data_offsets": [0] * 1_000_000}}, "model.bad_offsets"),
        ({"w": WEIGHT, "__metadata__": {str(i): "" for i in range(10_001)}}, "model.bad_header"),
        (b'{"w": [' + b"[]," * 3_000_000 + b"[]]}", "model.bad_header"),
        (b'{"w": [' + b"{}," * 3_000_000 + b"{}]}", "model.bad_header"),
        (b'{"w": [' + b"1," * 3_000_000 + b"1]}", "model.bad_header"),
        (b'{"w": [' + b'"",' * 3_000_000 + b'""]}', "model.bad_header"),
    ],
)
def test_a_header_that_holds_more_than_its_tensors_need_is_refused(tmp_path, header, code):
    with pytest.raises(InvalidValue) as caught:
        safetensors.check(written(tmp_path / "w.safetensors", header))
    assert caught.value.code == code
    assert len(str(caught.value)) < 600


def test_32_dimensions_and_10_000_notes_are_read(tmp_path):
    notes = {str(i): "x" for i in range(10_000)}
    path = written(tmp_path / "w.safetensors", {"w": {**WEIGHT, "shape": [1] * 31 + [2]}, "__metadata__": notes})
    header = safetensors.check(path)
    assert header.entries["w"].shape == (1,) * 31 + (2,)
    assert len(header.metadata) == 10_000


def test_many_tensors_with_what_we_note_of_each_are_read(tmp_path):
    names = [f"layers.{i}.weight" for i in range(20_000)]
    noted = {name: {"axis": 0, "scheme": ["a", "b", {"bits": [4, 4]}]} for name in names}
    entries = {name: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for name in names}
    header = {**entries, "w": WEIGHT, "__metadata__": {"compress_compare": json.dumps({"scheme": noted})}}
    assert len(safetensors.check(written(tmp_path / "w.safetensors", header)).entries) == 20_001


def test_a_list_of_numbers_is_measured_before_it_is_read():
    packed = np.ones(1_000_000, np.uint8)
    with pytest.raises(protobuf.WireError, match="at most 32 numbers"):
        protobuf.integers(packed, most=32)
    assert protobuf.integers(packed[:32], most=32) == [1] * 32
    with pytest.raises(protobuf.WireError, match="more than 1,000,000 fields"):
        list(protobuf.Message(np.tile(np.array([8, 1], np.uint8), 1_000_001)).fields())


@pytest.mark.parametrize("what", ["images", "audio"])
def test_data_is_read_from_regular_files_alone(tmp_path, what):
    with cc.open(tmp_path / "project") as project:
        for place in ("/dev/zero", str(tmp_path)):
            with pytest.raises(InvalidValue) as caught:
                project.log_dataset("d", ids=[1], **{what: [place]})
            assert caught.value.code == "input.not_regular_file"
        (tmp_path / "large").touch()
        with (tmp_path / "large").open("wb") as file:
            file.truncate((256 << 20) + 1)
        with pytest.raises(InvalidValue) as caught:
            project.log_dataset("d", ids=[1], **{what: [tmp_path / "large"]})
        assert caught.value.code == "data.too_large"
        assert project.datasets() == []


@pytest.mark.parametrize("side", [10_001, 20_000])
def test_a_picture_is_measured_by_its_header(tmp_path, side):
    def chunk(kind, content):
        import zlib

        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    size = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with cc.open(tmp_path / "project") as project, pytest.raises(InvalidValue) as caught:
        project.log_dataset("d", ids=[1], images=[picture])
    assert caught.value.code == "data.too_large"
    assert "100,000,000" in caught.value.detail
