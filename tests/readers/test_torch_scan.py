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
