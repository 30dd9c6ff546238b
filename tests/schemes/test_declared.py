"""A scheme that is said is a claim, and is held against the numbers."""

import numpy as np
import pytest
from safetensors.numpy import save_file

import compress_compare as cc
from compress_compare.errors import Conflict, InvalidValue
from compress_compare.readers import checkpoint
from compress_compare.schemes.declared import FILE

RNG = np.random.default_rng(0)


def rounded(weight, size, levels):
    groups = weight.reshape(-1, size)
    step = np.abs(groups).max(1, keepdims=True) / levels
    return (np.round(groups / step) * step).reshape(weight.shape).astype(np.float32)


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "p") as opened:
        yield opened


BASE = {name: RNG.normal(size=(64, 128)).astype(np.float32) for name in ("a.proj.weight", "b.proj.weight")}
FOUR = cc.Scheme(bits=4, group_size=32, symmetric=True)


@pytest.mark.parametrize(("done", "said"), [(2, "2 of 2"), (1, "1 of 2"), (0, "0 of 2")])
def test_the_numbers_are_held_against_what_was_said(project, done, said):
    model = {name: rounded(weight, 32, 7) if at < done else weight for at, (name, weight) in enumerate(BASE.items())}
    project.log_model("base", checkpoint=BASE)
    project.log_model("m", base="base", checkpoint=model, scheme={"re:.*proj.weight": FOUR})
    (row,) = project.reality(["m"]).to_pylist()
    assert row["reason"].startswith(f"4 bits claimed: {said} layers quantized.")
    assert ("claim_not_found" in row["causes"]) == (done == 0)
    stored = next(row for row in project.layers("base", ["m"], "storage").table.to_pylist() if row["parameter"])
    # 4 bits for each weight and a scale of 32 bits for each 32 of them
    assert (stored["bits"], stored["group_size"], stored["bytes"]) == (4, 32, 64 * 128 // 2 + 64 * 4 * 4)


@pytest.mark.parametrize(
    "write", [lambda path: save_file(BASE, path), lambda path: np.savez(path, **BASE)], ids=["m.safetensors", "m.npz"]
)
def test_the_same_of_a_file(project, tmp_path, write, request):
    path = tmp_path / request.node.callspec.id
    write(path)
    project.log_model("base", checkpoint=BASE)
    for _ in range(2):  # the same again changes nothing
        made = project.log_model("m", base="base", checkpoint=path, scheme={"a.proj": FOUR})
    assert made.checkpoint.num_bytes == path.stat().st_size
    (row,) = project.reality(["m"]).to_pylist()
    assert row["reason"].startswith("4 bits claimed: 0 of 2 layers quantized.")
    rows = project.layers("base", ["m"], "storage").table.to_pylist()
    bits = {row["module"]: (row["bits"], row["bytes"], row["file_bytes"]) for row in rows if row["parameter"]}
    assert bits == {"a.proj": (4, 64 * 128 // 2 + 64 * 4 * 4, 64 * 128 * 4), "b.proj": (32, 64 * 128 * 4, 64 * 128 * 4)}
    with pytest.raises(Conflict):
        project.log_model("m", base="base", checkpoint=path, scheme={"a.proj": cc.Scheme(bits=8)})
    with pytest.raises(InvalidValue, match="names no tensor"):
        project.log_model("n", checkpoint=path, scheme={"c": FOUR})


@pytest.mark.parametrize("pattern", ["a.proj.weight", "a.proj", "a", "re:a\\..*"])
def test_patterns_name_tensors_and_modules(project, pattern):
    project.log_model("m", checkpoint=BASE, scheme={pattern: FOUR})
    rows = project.layers("m", ["m"], "storage").table.to_pylist()
    assert {row["module"]: row["bits"] for row in rows if row["parameter"]} == {"a.proj": 4, "b.proj": 32}


@pytest.mark.parametrize(
    ("scheme", "code"),
    [
        ({"c": FOUR}, "scheme.pattern"),
        ({"re:(": FOUR}, "scheme.pattern"),
        ({"a": 4}, "scheme.type"),
        (4, "scheme.type"),
    ],
)
def test_what_cannot_be_meant_is_refused(project, scheme, code):
    with pytest.raises(InvalidValue) as caught:
        project.log_model("m", checkpoint=BASE, scheme=scheme)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("given", "code"), [({"bits": 0}, "scheme.bits"), ({"bits": 4, "group_size": 0}, "scheme.group_size")]
)
def test_numbers_out_of_range_are_refused(given, code):
    with pytest.raises(InvalidValue) as caught:
        cc.Scheme(**given)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"4",
        b"[" * 100_000,
        b'{"a.proj.weight": 4}',
        b'{"a.proj.weight": {"kind": "quantized", "bits": "4"}}',
        b'{"a.proj.weight": {"kind": "quantized", "bits": true}}',
        b'{"a.proj.weight": {"kind": "quantized", "bits": 4, "strategy": "group", "group_size": 0}}',
        b'{"a.proj.weight": {"kind": "quantized", "bits": 1e400}}',
        b'{"a.proj.weight": {"kind": "cut"}}',
        b'{"a.proj.weight": {"cut": 4}}',
        b'{"a.proj.weight": {"kind": ["quantized"]}}',
    ],
)
def test_such_a_file_of_anyone_is_refused_in_words(tmp_path, content):
    save_file(BASE, tmp_path / "model.safetensors")
    (tmp_path / FILE).write_bytes(content)
    paths = {path.name: path for path in tmp_path.iterdir()}
    with pytest.raises(InvalidValue) as caught:
        checkpoint.read("huggingface", paths)
    assert caught.value.code == "model.bad_header"


@pytest.mark.parametrize("said", ['{"scheme": 4}', '{"scheme": {"a.proj.weight": {"bits": -1}}}'])
def test_nor_is_what_the_header_of_a_file_says_believed(project, tmp_path, said):
    save_file(BASE, tmp_path / "m.safetensors", metadata={"compress_compare": said})
    project.log_model("base", checkpoint=BASE)
    project.log_model("m", base="base", checkpoint=tmp_path / "m.safetensors")
    with pytest.raises(InvalidValue) as caught:
        project.layers("base", ["m"], "storage")
    assert caught.value.code == "model.bad_header"
    assert project.layers("base", ["m"], "weights").table.num_rows > 0
