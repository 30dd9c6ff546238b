"""Headers that lie, each with its sentence; and what looks odd but is right."""

import json
import tracemalloc

import pytest

from compress_compare.errors import InvalidValue
from compress_compare.readers import safetensors
from compress_compare.readers.safetensors_header import read_header
from tests.counting import at_most

PAIR = {
    "w": {"dtype": "F32", "shape": [50], "data_offsets": [0, 200]},
    "x": {"dtype": "F32", "shape": [50], "data_offsets": [200, 400]},
}


def content(header, data=b"", *, length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(raw) if length is None else length).to_bytes(8, "little") + raw + data


def one(**changes):
    return {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}


FIELDS = b'{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
DUPLICATE = b'{"w":' + FIELDS + b',"w":' + FIELDS.replace(b"[0,4]", b"[4,8]") + b"}"

BAD = {
    "B1 no bytes": (b"", "model.empty_file", "(0 bytes)"),
    "B2 seven bytes": (b"1234567", "model.truncated", "7 bytes; a safetensors file needs at least 8"),
    "B3 header longer than file": (content(b"{}", length=5000), "model.truncated", "header says 5,000 bytes"),
    "B4 header of 2^63": (content(b"{}", length=1 << 63), "model.header_too_large", "found 9,223,372,036,854,775,808"),
    "B4 header just too large": (content(b"{}", length=100_000_001), "model.header_too_large", "limit is 100 MB"),
    "B5 git lfs pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345678\n",
        "model.git_lfs_pointer",
        "12,345,678 bytes is declared",
    ),
    "B6 html": (b"<!DOCTYPE html><html><body>404</body></html>", "model.not_a_model", "looks like an HTML page"),
    "B6 html after a line": (b"\n <HTML><head>", "model.not_a_model", "failed download"),
    "B6 xml": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>', "model.not_a_model", "an XML document"),
    "B7 broken json": (content(b'{"w": nope}'), "model.bad_header", "at byte 6"),
    "B7 broken json after wide letters": (content('{"ää": nope}'.encode()), "model.bad_header", "at byte 9"),
    "B7 leading spaces": (content(b"  " + json.dumps(one()).encode(), bytes(8)), "model.bad_header", "Byte 0"),
    "B8 not utf-8": (content(b'{"\xff\xfe": 1}'), "model.bad_header", "at byte 2"),
    "not an object": (content(b"[1, 2]"), "model.bad_header", "Byte 0"),
    "nested deeply": (content(b'{"a":' * 100_000), "model.bad_header", "nested too deeply"),
    "a long number": (content(b'{"w":' + b"9" * 5000 + b"}"), "model.bad_header", "JSON"),
    "NaN": (content(b'{"w": NaN}'), "model.bad_header", "NaN is not a JSON number"),
    "a field twice": (content(b'{"w":{"dtype":"F32","dtype":"F16"}}'), "model.bad_header", "'dtype' stands twice"),
    "metadata of a list": (content({"__metadata__": ["a"], **one()}, bytes(8)), "model.bad_header", "text to text"),
    "metadata of numbers": (content({"__metadata__": {"a": 1}, **one()}, bytes(8)), "model.bad_header", "text to text"),
    "field missing": (content({"w": {"dtype": "F32", "shape": [1]}}), "model.bad_header", "'w'"),
    "tensor is a list": (content({"w": [1]}), "model.bad_header", "'w'"),
    "B9 body cut": (content(PAIR, bytes(200)), "model.truncated", "Expected 400 bytes of tensor data, found 200"),
    "B10 bytes after": (content(PAIR, bytes(408)), "model.trailing_data", "8 bytes stand after the last tensor"),
    "B11 overlap": (
        content(PAIR | {"x": {"dtype": "F32", "shape": [50], "data_offsets": [100, 300]}}, bytes(300)),
        "model.bad_offsets",
        "Tensors 'w' and 'x' overlap",
    ),
    "B11 same place": (content({"w": PAIR["w"], "x": PAIR["w"]}, bytes(200)), "model.bad_offsets", "overlap"),
    "B11 hole": (
        content(PAIR | {"x": {"dtype": "F32", "shape": [50], "data_offsets": [204, 404]}}, bytes(404)),
        "model.bad_offsets",
        "4 bytes before tensor 'x'",
    ),
    "B11 hole at the start": (content(one(data_offsets=[8, 16]), bytes(16)), "model.bad_offsets", "8 bytes before"),
    "offsets backwards": (content(one(data_offsets=[8, 0]), bytes(8)), "model.bad_offsets", "start and an end"),
    "offsets negative": (content(one(data_offsets=[-8, 0]), bytes(8)), "model.bad_offsets", "start and an end"),
    "offsets of floats": (content(one(data_offsets=[0.0, 8.0]), bytes(8)), "model.bad_offsets", "start and an end"),
    "three offsets": (content(one(data_offsets=[0, 4, 8]), bytes(8)), "model.bad_offsets", "start and an end"),
    "B12 shape overflows": (content(one(shape=[1 << 62, 1 << 62]), bytes(8)), "model.bad_shape", "about 8.5e+37 bytes"),
    "B12 shape does not fit": (content(one(shape=[3]), bytes(8)), "model.bad_shape", "needs 12 bytes, has 8"),
    "B13 negative dimension": (content(one(shape=[-2]), bytes(8)), "model.bad_shape", "[-2]"),
    "dimension of true": (content(one(shape=[True]), bytes(8)), "model.bad_shape", "[True]"),
    "shape is text": (content(one(shape="2"), bytes(8)), "model.bad_shape", "list"),
    "B13 unknown dtype": (content(one(dtype="F7"), bytes(8)), "model.bad_dtype", "supported are BOOL, F4"),
    "dtype is a list": (content(one(dtype=["F32"]), bytes(8)), "model.bad_dtype", "supported"),
    "B14 duplicate": (content(DUPLICATE, bytes(8)), "model.duplicate_tensor", "'w' stands in the file twice"),
    "B15 long name": (content({"n" * 1_000_000: one()["w"]}, bytes(8)), "model.name_too_long", "has 1,000,000"),
    "B16 no tensors": (content({}), "model.no_tensors", "holds no tensor"),
    "only metadata": (content({"__metadata__": {"a": "b"}}), "model.no_tensors", "holds no tensor"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_gets_its_code_and_sentence(tmp_path, case):
    raw, code, sentence = BAD[case]
    path = tmp_path / "w.safetensors"
    path.write_bytes(raw)
    with pytest.raises(InvalidValue) as caught:
        safetensors.check(path)
    assert caught.value.code == code
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


def test_metadata_of_null_as_mlx_writes_it_is_none(tmp_path):
    (tmp_path / "m.safetensors").write_bytes(content({"__metadata__": None, **one()}, bytes(8)))
    with (tmp_path / "m.safetensors").open("rb") as file:
        header = read_header(file, "m.safetensors")
    assert (header.metadata, list(header.entries)) == ({}, ["w"])


def test_b17_too_many_tensors_are_refused_quickly_from_the_header(tmp_path):
    path = tmp_path / "w.safetensors"
    entries = (f'"t{i}":{{"dtype":"U8","shape":[1],"data_offsets":[{i},{i + 1}]}}' for i in range(200_000))
    path.write_bytes(content(("{" + ",".join(entries) + "}").encode(), bytes(200_000)))
    tracemalloc.start()
    with pytest.raises(InvalidValue, match=r"limit is 100,000; found 200,000") as caught, at_most(lines=1_000):
        safetensors.check(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "model.too_many_tensors"
    assert peak < 50e6


def test_b15_a_hostile_name_is_only_a_name(tmp_path):
    name = "../../etc/passwd\0\u202e<img onerror=alert(1)>"
    path = tmp_path / "w.safetensors"
    path.write_bytes(content({name: one()["w"]}, bytes(8)))
    assert list(safetensors.check(path).entries) == [name]
    path.write_bytes(content({name: one(shape=[3])["w"]}, bytes(8)))
    with pytest.raises(InvalidValue) as caught:
        safetensors.check(path)
    assert "\\u202e" in str(caught.value)
    assert str(caught.value).isprintable()


def test_b15_a_name_of_1024_bytes_is_accepted_one_more_is_not(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content({"ä" * 512: one()["w"]}, bytes(8)))
    assert safetensors.check(path)
    path.write_bytes(content({"ä" * 512 + "b": one()["w"]}, bytes(8)))
    with pytest.raises(InvalidValue, match=r"has 1,025"):
        safetensors.check(path)


def test_b16_empty_tensors_are_tensors(tmp_path):
    path = tmp_path / "w.safetensors"
    empty = {"dtype": "F32", "shape": [0, 1 << 40], "data_offsets": [0, 0]}
    path.write_bytes(content({"e": empty, **one(), "f": empty | {"data_offsets": [8, 8]}}, bytes(8)))
    weights = safetensors.read(path)
    assert weights.tensors["e"].shape == (0, 1 << 40)
    assert weights.tensors["e"].values.count == 0
    path.write_bytes(content({"e": empty}))
    assert safetensors.read(path).tensors["e"].values.numbers(0, 0).size == 0


def test_padding_after_the_header_is_fine(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content(json.dumps(one()).encode() + b"     ", bytes(8)))
    assert list(safetensors.check(path).entries) == ["w"]


@pytest.mark.parametrize(
    ("sizes", "dtype", "needed"),
    [
        ([5**14 * 10**5, 5**11], "F32", "119,209,289,550,781,250,000,000"),
        ([10**14, 10**13, 124], "U8", "124,000,000,000,000,000,000,000,000,000"),
        ([10**14, 10**13, 125], "U8", "about 1.3e+29"),
        ([10**14, 10**13, 130], "U8", "about 1.3e+29"),
    ],
)
def test_more_bytes_than_there_are_anywhere_are_written_short(tmp_path, sizes, dtype, needed):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content(one(dtype=dtype, shape=sizes), bytes(8)))
    with pytest.raises(InvalidValue) as caught:
        safetensors.check(path)
    assert caught.value.detail == f"Shape {sizes} of {dtype} needs {needed} bytes, has 8."


@pytest.mark.parametrize("count", [15, 16, 17, 40])
def test_of_a_long_list_the_first_sixteen_are_shown(tmp_path, count):
    path = tmp_path / "w.safetensors"
    for field, value in (("shape", -1), ("data_offsets", 7)):
        path.write_bytes(content(one(**{field: [value] * count}), bytes(8)))
        with pytest.raises(InvalidValue) as caught:
            safetensors.check(path)
        assert caught.value.detail == f"Found {[value] * min(count, 16)}."
    path.write_bytes(content(one(shape="x" * 100), bytes(8)))
    with pytest.raises(InvalidValue) as caught:
        safetensors.check(path)
    assert caught.value.detail == f"Found '{'x' * 79}."
