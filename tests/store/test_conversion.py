"""PyTorch files, good and hostile: what comes of each, and that no code in any of them runs.

A worker reads them before any store is asked, so only what a store is then given runs on both back ends.
"""

import argparse
import collections
import functools
import json
import os
import pickle
import subprocess
import sys
import types
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import safetensors.numpy

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.readers.torch_scan import scan
from compress_compare.store import conversion, converter, forker
from compress_compare.store.conversion import LeftOutWarning
from tests.counting import at_most

torch = pytest.importorskip("torch")


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


class Command:
    """Asks to run a command when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (os.system, (f"touch {self.canary}",))


def saved(path, value, **options):
    torch.save(value, path, **options)
    return path


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def content(path):
    return path.read_bytes()


def written(path, raw):
    path.write_bytes(raw)
    return path


def small(path):
    return content(saved(path, {"w": torch.ones(300)}))


BAD = {
    "B21 a command": (lambda p: saved(p, {"w": Command(p.parent / "canary")}), "model.unsafe_pickle", "posix.system"),
    "B21 an old file with a command": (
        lambda p: saved(p, {"w": Command(p.parent / "canary")}, _use_new_zipfile_serialization=False),
        "model.unsafe_pickle",
        "posix.system",
    ),
    "B21 a bare pickle": (
        lambda p: written(p, pickle.dumps({"w": Command(p.parent / "canary")}, 4)),
        "model.unsafe_pickle",
        "posix.system",
    ),
    "B22 a module": (lambda p: saved(p, torch.nn.Linear(2, 2)), "model.contains_code", "class 'torch.nn.Linear'"),
    "B22 a program": (
        lambda p: archive(p, {"m/code/__torch__.py": "x", "m/data.pkl": pickle.dumps({})}),
        "model.contains_code",
        "TorchScript",
    ),
    "two networks": (
        lambda p: saved(p, {"G": {"w": torch.ones(2)}, "D": {"w": torch.ones(3)}}),
        "model.several_networks",
        "They are 'G', 'D'.",
    ),
    "B24 text": (lambda p: written(p, b"hello world"), "model.not_a_checkpoint", "starts with b'hello wo'"),
    "B24 a page": (lambda p: written(p, b"<html><body>404"), "model.not_a_model", "HTML page"),
    "B25 nothing": (lambda p: written(p, b""), "model.empty_file", "(0 bytes)"),
    "B26 cut": (lambda p: written(p, small(p)[:-300]), "model.truncated", "cut off"),
    "B26 cut old": (
        lambda p: written(p, content(saved(p, {"w": torch.ones(2)}, _use_new_zipfile_serialization=False))[:150]),
        "model.truncated",
        "cut off",
    ),
    "B26 no data.pkl": (lambda p: archive(p, {"a.txt": "x"}), "model.not_a_checkpoint", "without data.pkl"),
    "B28 inflates": (
        lambda p: archive(p, {"m/data.pkl": b"N." + bytes(20_000_000)}, zipfile.ZIP_DEFLATED),
        "model.expansion_limit",
        "100:1",
    ),
    "B28 a long text": (
        lambda p: archive(p, {"m/data.pkl": b"\x80\x04\x8d" + (2 << 30).to_bytes(8, "little") + b"x."}),
        "model.truncated",
        "ends early",
    ),
    "B28 steps": (
        lambda p: written(p, b"\x80\x02" + b"N0" * 3_000_000 + b"N."),
        "model.expansion_limit",
        "more than 5,000,000 steps",
    ),
    "a list": (lambda p: saved(p, [torch.ones(2)]), "model.not_a_checkpoint", "holds list"),
    "no tensors": (lambda p: saved(p, {}), "model.no_tensors", "no tensor"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_gets_its_sentence_and_leaves_nothing(tmp_path, project, case):
    make, code, sentence = BAD[case]
    path = make(tmp_path / "w.pt")
    with pytest.raises(InvalidValue) as caught:
        project.log_model("m", checkpoint=path)
    error = caught.value
    assert error.code == code
    assert sentence in str(error)
    assert "weights_only" not in str(error)
    assert not (tmp_path / "canary").exists()
    assert len(project) == 0
    assert not any((project.path / "staging").iterdir())


class Recorder:
    """Leaves a file behind when it is made: what must not happen."""

    def __init__(self, canary):
        self.canary = canary

    def __setstate__(self, state):
        state["canary"].write_text("made")


class Settings(dict):
    """A dictionary with attributes, as libraries of settings have them."""


class Names(list):
    """A list of its own class."""


def settings():
    found = Settings(lr=1)
    found.frozen = True
    return found


STATE = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2)}
WHOLE = {
    "B23 arguments": lambda p: {"state_dict": STATE, "args": argparse.Namespace(lr=1)},
    "B23 a numpy scalar": lambda p: {"state_dict": STATE, "best": np.float64(1)},
    "B23 a set": lambda p: {**STATE, "names": {1, 2}},
    "a counter": lambda p: {"state_dict": STATE, "milestones": collections.Counter([1, 2])},
    "a default dictionary": lambda p: {"state_dict": STATE, "log": collections.defaultdict(list, a=[1])},
    "a path": lambda p: {"state_dict": STATE, "hyper_parameters": {"root": Path("data")}},
    "a partial function": lambda p: {"model": STATE, "optimizer": functools.partial(torch.optim.Adam, lr=1e-3)},
    "a class that acts": lambda p: {"model": STATE, "callback": Recorder(p.parent / "canary")},
    "a default dictionary of numbers": lambda p: {"model": STATE, "seen": collections.defaultdict(int, a=3)},
    "types": lambda p: {"model": STATE, "types": [int, float, range(3), ..., ValueError("x")]},
    "settings": lambda p: {"model": STATE, "settings": settings()},
    "a list of its own class": lambda p: {"model": STATE, "names": Names(["a"]), "last": collections.deque([1])},
    "a state of its own class": lambda p: Settings(STATE),
    "a name space": lambda p: {"model": STATE, "settings": types.SimpleNamespace(lr=1)},
    "another key": lambda p: {"epoch": 1, "ema_state_dict": STATE},
    "a number beside": lambda p: {**STATE, "version": 3},
}


@pytest.mark.filterwarnings("ignore::compress_compare.store.conversion.LeftOutWarning")
@pytest.mark.parametrize("case", WHOLE)
def test_the_weights_are_taken_and_nothing_is_run(tmp_path, project, case):
    project.log_model("m", checkpoint=saved(tmp_path / "w.pt", WHOLE[case](tmp_path / "w.pt")))
    found = project.load_checkpoint("m")
    assert sorted(found) == ["b", "w"]
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)
    assert not (tmp_path / "canary").exists()


@pytest.mark.usefixtures("each_backend")
def test_what_was_left_out_is_listed(tmp_path, project):
    content = {"state_dict": {**STATE, "version": 3}, "args": argparse.Namespace(lr=1)}
    with pytest.warns(LeftOutWarning, match=r"left out were args: argparse.Namespace; state_dict.version: int\.$"):
        project.log_model("m", checkpoint=saved(tmp_path / "w.pt", content))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_quantized_tensors_keep_their_codes(tmp_path, project):
    torch.manual_seed(0)
    dynamic = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(torch.nn.Linear(8, 4)), dtype=torch.qint8)
    project.log_model("m", checkpoint=saved(tmp_path / "w.pt", dynamic.state_dict()))
    row = next(row for row in project.layers("m", ["m"], "storage").table.to_pylist() if row["parameter"] == "weight")
    assert (row["bits"], row["dtype"]) == (8, "int8")
    values = project.tensor("m", "m", name="0.weight")._values.whole()
    assert np.allclose(values, dynamic[0].weight().dequantize().numpy(), atol=1e-7)


def test_b28_objects_that_refer_to_each_other_are_looked_at_once(tmp_path, project):
    nested = [1]
    for _ in range(60):
        nested = [nested, nested]
    project.log_model("m", checkpoint=saved(tmp_path / "w.pt", {"state_dict": {"w": torch.ones(2)}, "n": nested}))


def test_the_scan_is_short_and_needs_no_torch(tmp_path):
    path = saved(tmp_path / "w.pt", {"w": Command(tmp_path / "canary")})
    with pytest.raises(InvalidValue), at_most(lines=1_000):
        scan(path, "w.pt")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("key", ["state_dict", "model", None])
def test_good_files(tmp_path, project, zipped, key):
    state = collections.OrderedDict(
        a=torch.arange(6.0).reshape(2, 3), b=torch.ones(4, dtype=torch.bfloat16), c=torch.tensor(3)
    )
    state["tied"] = state["a"]
    whole = {key: state, "epoch": 3, "lr": [0.1, None, "x", (True,)]} if key else state
    project.log_model("m", checkpoint=saved(tmp_path / "w.pt", whole, _use_new_zipfile_serialization=zipped))
    loaded = project.load_checkpoint("m")
    assert sorted(loaded) == ["a", "b", "c", "tied"]
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())
    assert loaded["tied"] is loaded["a"]
    assert project.model("m").checkpoint.format == "safetensors"


def test_parameters_and_every_type_of_number(tmp_path, project):
    types = (torch.float16, torch.float64, torch.int8, torch.uint8, torch.int32, torch.bool, torch.float8_e4m3fn)
    state = {str(dtype): torch.ones(3).to(dtype) for dtype in types} | {"p": torch.nn.Parameter(torch.ones(2))}
    project.log_model("m", checkpoint=saved(tmp_path / "w.pth", state))
    loaded = project.load_checkpoint("m")
    assert {name: tensor.dtype for name, tensor in loaded.items()} == {n: t.dtype for n, t in state.items()}


def workers():
    alive = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    return [one for one in alive if converter.TORCH in " ".join(one.cmdline())]


def converted(tmp_path, value):
    conversion.convert(saved(tmp_path / "w.pt", {"w": torch.tensor([value])}), tmp_path / "x.safetensors")
    return safetensors.numpy.load_file(tmp_path / "x.safetensors")["w"].tolist()


def test_the_worker_has_no_secrets_and_is_kept_for_the_next_file(tmp_path, monkeypatch):
    converter.SPARE.end()
    monkeypatch.setenv("A_TOKEN", "secret")
    assert converted(tmp_path, 1.5) == [1.5]
    (kept,) = workers()
    assert "A_TOKEN" not in kept.environ()
    assert kept.children() == []
    assert converted(tmp_path, 2.5) == [2.5]
    assert workers() == [kept]
    kept.kill()
    kept.wait()
    assert converted(tmp_path, 3.5) == [3.5]
    with ThreadPoolExecutor(2) as pool:
        folders = [tmp_path / name for name in "ab"]
        for folder in folders:
            folder.mkdir()
        assert list(pool.map(converted, folders, (4.5, 5.5))) == [[4.5], [5.5]]
    converter.SPARE.end()
    assert workers() == []


@pytest.mark.parametrize("forks", [True, False])
def test_a_worker_that_takes_too_long_is_ended(tmp_path, monkeypatch, forks):
    converter.SPARE.end()
    monkeypatch.setattr(converter, "CAN_FORK", forks)
    with monkeypatch.context() as short, pytest.raises(InvalidValue, match="ended without a result") as caught:
        short.setattr(conversion, "TIMEOUT_S", 0)
        converted(tmp_path, 1.5)
    assert (caught.value.code, caught.value.detail) == ("model.conversion_failed", "It was given 0 s.")
    assert workers() == []
    assert converted(tmp_path, 2.5) == [2.5]


def test_one_that_cannot_fork_is_done_without(tmp_path, monkeypatch):
    converter.SPARE.end()
    monkeypatch.setattr(converter, "SPARE", forker.Spare("compress_compare.engines"))
    assert converted(tmp_path, 1.5) == [1.5]


def test_numbers_that_are_not_finite_are_said(tmp_path, project):
    with pytest.warns(UserWarning, match=r"model\.nonfinite"):
        project.log_model("m", checkpoint=saved(tmp_path / "w.pt", {"w": torch.tensor([1.0, float("nan")])}))


@pytest.mark.usefixtures("each_backend")
def test_from_end_to_end(tmp_path, project):
    base = {"l.weight": torch.randn(4, 5)}
    project.log_model("base", checkpoint=saved(tmp_path / "a.pt", base))
    zeroed = {"l.weight": base["l.weight"].clone()}
    zeroed["l.weight"][0] = 0
    project.log_model("z", base="base", operation=cc.Operation("zero"), checkpoint=saved(tmp_path / "b.pt", zeroed))
    rows = project.layers("base", ["z"], "sparsity").table.to_pylist()
    assert {row["zero_model_only"] for row in rows} == {5}


def test_a_worker_that_holds_too_much_ends_with_the_reason_even_where_the_system_has_no_limit():
    code = (
        "import os, psutil, threading\n"
        "from compress_compare.store.worker import end_above\n"
        "limit = psutil.Process().memory_info().rss + 100_000_000\n"
        "threading.Thread(target=end_above, args=(limit, 'a.pt'), kwargs={'room': 4}, daemon=True).start()\n"
        "within = b'x' * 20_000_000\n"
        "print('within', flush=True)\n"
        "held = b'x' * 300_000_000\n"
        "threading.Event().wait(120)\n"
        "print('not ended')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("within\n"), done.stderr
    answer = json.loads(done.stdout.removeprefix("within\n"))
    assert answer["code"] == "model.expansion_limit" and "'a.pt'" in answer["title"]


CANDIDATES = {"state_dict": {"w": torch.ones(2), "b": torch.zeros(2)}, "state_dict_ema": {"w": torch.full((2,), 3.0)}}


def test_several_networks_are_said_and_one_is_chosen(tmp_path, project):
    path = saved(tmp_path / "w.pt", {**CANDIDATES, "epoch": 3})
    with pytest.warns(LeftOutWarning, match="state_dict_ema: another network, which key='state_dict_ema' takes"):
        project.log_model("plain", checkpoint=path)
    with pytest.warns(LeftOutWarning, match="state_dict: another network"):
        project.log_model("ema", checkpoint=path, key="state_dict_ema")
    assert torch.equal(project.load_checkpoint("plain")["w"], torch.ones(2))
    assert torch.equal(project.load_checkpoint("ema")["w"], torch.full((2,), 3.0))
    gan = saved(tmp_path / "gan.pt", {"G": CANDIDATES["state_dict"], "D": CANDIDATES["state_dict_ema"]})
    with pytest.warns(LeftOutWarning, match="G: another network"):
        project.log_model("d", checkpoint=gan, key="D")
    assert torch.equal(project.load_checkpoint("d")["w"], torch.full((2,), 3.0))


def test_a_key_that_is_not_there_or_has_no_place_is_refused(tmp_path, project):
    path = saved(tmp_path / "w.pt", CANDIDATES)
    with pytest.raises(InvalidValue, match=r"no network under the key 'ema'") as caught:
        project.log_model("m", checkpoint=path, key="ema")
    assert (caught.value.code, caught.value.detail) == (
        "model.key", "There are networks under 'state_dict', 'state_dict_ema'."
    )  # fmt: skip
    for source in (CANDIDATES["state_dict"], saved(tmp_path / "w.safetensors.pt", STATE)):
        with pytest.raises(InvalidValue) as caught:
            project.log_model("m", checkpoint=source, key="ema")
        assert caught.value.code in ("checkpoint.key", "model.key")
