"""What a PyTorch file would import, found out without loading it; files that torch and pickle write."""

import collections
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.readers import torch_scan

PLAIN = ["collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch.FloatStorage"]


def saved(path, what, **options):
    torch.save(what, path, **options)
    return path


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def code_of(path):
    with pytest.raises(InvalidValue) as caught:
        torch_scan.scan(path, "w.pt")
    return caught.value.code


@pytest.mark.parametrize("new", [True, False])
def test_a_state_needs_what_puts_tensors_together(tmp_path, new):
    state = collections.OrderedDict(a=torch.zeros(2), b=torch.ones(3))
    found = torch_scan.scan(saved(tmp_path / "w.pt", state, _use_new_zipfile_serialization=new), "w.pt")
    assert sorted(found) == sorted(PLAIN)
    assert all(torch_scan.is_allowed(each) for each in found)


@pytest.mark.parametrize("new", [True, False])
def test_a_whole_module_is_refused(tmp_path, new):
    path = saved(tmp_path / "w.pt", nn.Sequential(nn.Linear(2, 2)), _use_new_zipfile_serialization=new)
    assert code_of(path) == "model.contains_code"


class Runs:
    def __reduce__(self):
        return print, ("hello",)


class Unknown:
    pass


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_would_run_is_refused_at_every_place_of_a_row_of_pickles(tmp_path, protocol):
    for place in range(torch_scan.LEGACY_PICKLES):
        parts = [pickle.dumps({"k": 1}, protocol)] * torch_scan.LEGACY_PICKLES
        parts[place] = pickle.dumps(Runs(), protocol)
        (tmp_path / "w.pt").write_bytes(b"".join(parts))
        assert code_of(tmp_path / "w.pt") == "model.unsafe_pickle"
    (tmp_path / "w.pt").write_bytes(b"".join([*parts[:-1], pickle.dumps({}, protocol), pickle.dumps(Runs(), protocol)]))
    assert list(torch_scan.scan(tmp_path / "w.pt", "w.pt")) == []


def test_a_class_that_is_neither_known_nor_dangerous_is_named(tmp_path):
    (tmp_path / "w.pt").write_bytes(pickle.dumps([Unknown(), Unknown(), bytearray(b"x")], 4))
    assert list(torch_scan.scan(tmp_path / "w.pt", "w.pt")) == [f"{Unknown.__module__}.Unknown", "builtins.bytearray"]


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("collections.OrderedDict", True),
        ("torch.float32", True),
        ("torch.HalfStorage", True),
        ("torch.float8_e4m3fn", True),
        ("torch.hub", False),
        ("numpy.float32", False),
        ("os.system", False),
    ],
)
def test_names_that_put_tensors_together(name, allowed):
    assert torch_scan.is_allowed(name) is allowed


def test_archives_with_another_number_of_pickles_are_no_checkpoints(tmp_path):
    one = pickle.dumps({}, 2)
    assert code_of(archive(tmp_path / "none", {"m/data": one})) == "model.not_a_checkpoint"
    assert code_of(archive(tmp_path / "two", {"m/data.pkl": one, "n/data.pkl": one})) == "model.not_a_checkpoint"
    assert list(torch_scan.scan(archive(tmp_path / "one", {"m/data.pkl": one}), "w.pt")) == []
    assert code_of(archive(tmp_path / "code", {"m/data.pkl": one, "m/code/x.py": b""})) == "model.contains_code"


def test_archives_that_grow_are_refused(tmp_path):
    one = pickle.dumps({}, 2)
    assert code_of(archive(tmp_path / "bomb", {"m/data.pkl": one, "m/0": bytes(1_000_000)})) == "model.expansion_limit"
    assert list(torch_scan.scan(archive(tmp_path / "small", {"m/data.pkl": one, "m/0": bytes(1024)}), "w.pt")) == []
    random = np.random.default_rng(0).bytes(200_000)
    assert list(torch_scan.scan(archive(tmp_path / "plain", {"m/data.pkl": one, "m/0": random}), "w.pt")) == []
    assert code_of(archive(tmp_path / "more", {"m/data.pkl": one, "m/0": bytes(200_000)})) == "model.expansion_limit"


def test_damaged_files(tmp_path):
    whole = saved(tmp_path / "w.pt", {"a": torch.zeros(9)}).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    assert code_of(tmp_path / "cut") == "model.truncated"
    (tmp_path / "ends").write_bytes(pickle.dumps({"a": "long enough"}, 2)[:-4])
    assert code_of(tmp_path / "ends") == "model.truncated"
    (tmp_path / "other").write_bytes(b"not a checkpoint at all")
    assert code_of(tmp_path / "other") == "model.not_a_checkpoint"
    for protocol in (1, 6):
        (tmp_path / "protocol").write_bytes(struct.pack("BB", 0x80, protocol) + b"N.")
        assert code_of(tmp_path / "protocol") == "model.not_a_checkpoint"


def test_the_number_of_steps_is_limited(tmp_path, monkeypatch):
    buffer = io.BytesIO()
    pickle.Pickler(buffer, 2).dump(None)  # PROTO, NONE, STOP
    (tmp_path / "w.pt").write_bytes(buffer.getvalue())
    monkeypatch.setattr(torch_scan, "MAX_OPCODES", 3)
    assert list(torch_scan.scan(tmp_path / "w.pt", "w.pt")) == []
    monkeypatch.setattr(torch_scan, "MAX_OPCODES", 2)
    assert code_of(tmp_path / "w.pt") == "model.expansion_limit"


def test_the_size_of_the_pickle_in_an_archive_is_limited(tmp_path, monkeypatch):
    one = pickle.dumps({"a": "b"}, 2)
    path = archive(tmp_path / "w.pt", {"m/data": b"other", "m/data.pkl": one})
    monkeypatch.setattr(torch_scan, "MAX_PICKLE", len(one))
    assert list(torch_scan.scan(path, "w.pt")) == []
    monkeypatch.setattr(torch_scan, "MAX_PICKLE", len(one) - 1)
    with pytest.raises(InvalidValue) as caught:
        torch_scan.scan(path, "w.pt")
    assert caught.value.code == "model.expansion_limit"
    assert caught.value.detail == f"Its pickle has {len(one)} bytes; the limit is {len(one) - 1}."


def test_how_much_a_member_would_grow_is_said(tmp_path):
    path = archive(tmp_path / "w.pt", {"m/data.pkl": pickle.dumps({}, 2), "m/0": bytes(1_000_000)})
    with zipfile.ZipFile(path) as made:
        ratio = 1_000_000 / made.getinfo("m/0").compress_size
    with pytest.raises(InvalidValue) as caught:
        torch_scan.scan(path, "w.pt")
    assert caught.value.detail == f"'m/0' would grow {ratio:,.0f}:1; the limit is 100:1."
    assert (torch_scan.MAX_PICKLE, torch_scan.MAX_OPCODES, torch_scan.LEGACY_PICKLES) == (64_000_000, 5_000_000, 5)


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("os.system", True), ("builtins.eval", True), ("builtins.set", False), ("__builtin__.long", False),
        ("torch.hub.load", True), ("torch.hubs.load", False), ("types.FunctionType", True), ("os", False),
        ("types.SimpleNamespace", False), ("os.path.join", True), ("mine.os.system", False), ("osx.system", False),
    ],
)  # fmt: skip
def test_names_that_run_something(tmp_path, name, runs):
    module, _, last = name.rpartition(".")
    (tmp_path / "w.pt").write_bytes(b"\x80\x02c" + f"{module}\n{last}\n".encode() + b".")
    if runs:
        assert code_of(tmp_path / "w.pt") == "model.unsafe_pickle"
    else:
        assert list(torch_scan.scan(tmp_path / "w.pt", "w.pt")) == [name if module else f".{last}"]


@pytest.mark.parametrize(
    ("names", "needed"),
    [
        (["torch.nn.modules.linear Linear"], "torch.nn.Linear"),
        (["mine Net", "torch.nn.modules.linear Linear"], "mine.Net"),
        (["torch.nn.modules.linear Linear", "mine Net"], "torch.nn.Linear"),
        (["collections OrderedDict", "torch.nn.modules.conv Conv2d"], "torch.nn.Conv2d"),
    ],
)
def test_the_class_that_a_module_needs_is_named(tmp_path, names, needed):
    steps = b"".join(b"c" + name.replace(" ", "\n").encode() + b"\n" for name in names)
    (tmp_path / "w.pt").write_bytes(b"\x80\x02" + steps + b".")
    with pytest.raises(InvalidValue) as caught:
        torch_scan.scan(tmp_path / "w.pt", "w.pt")
    assert (caught.value.code, caught.value.detail) == ("model.contains_code", f"It needs the class {needed!r}.")


def test_an_openvino_model_is_named_by_its_graph(tmp_path):
    (tmp_path / "w").write_bytes(b"no checkpoint")
    for name, is_said in (("m.bin", True), ("M.BIN", True), ("m.pt", False)):
        with pytest.raises(InvalidValue) as caught:
            torch_scan.scan(tmp_path / "w", name)
        assert ("OpenVINO" in caught.value.hint) is is_said
        assert caught.value.detail == "It starts with b'no check'."


@pytest.mark.parametrize("rest", [pickle.dumps(Runs(), 2), b"no pickle", b"\x80\x02"])
def test_what_stands_behind_the_pickle_of_an_archive_is_never_loaded_and_not_looked_at(tmp_path, rest):
    first = pickle.dumps(collections.OrderedDict(a=1), 2)
    path = archive(tmp_path / "w.pt", {"m/data.pkl": first + rest})
    assert list(torch_scan.scan(path, "w.pt")) == ["collections.OrderedDict"]
    assert code_of(archive(tmp_path / "first.pt", {"m/data.pkl": pickle.dumps(Runs(), 2) + first})) == (
        "model.unsafe_pickle"
    )
