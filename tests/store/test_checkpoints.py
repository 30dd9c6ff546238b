"""Weights in, weights out: modules, state dicts, paths."""

import json

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import Conflict, InvalidValue, StoreError
from tests.store.stored import change, sizes

pytestmark = pytest.mark.usefixtures("each_backend")

torch = pytest.importorskip("torch")
save_file = pytest.importorskip("safetensors.torch").save_file


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


def roundtrip(project, checkpoint):
    project.log_model("m", checkpoint=checkpoint)
    return project.load_checkpoint("m")


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.contiguous(), b.contiguous())


def test_a_module_comes_back_with_buffers(project):
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    loaded = roundtrip(project, module)
    assert set(loaded) == set(module.state_dict())
    assert all(same(loaded[name], tensor) for name, tensor in module.state_dict().items())
    module.load_state_dict(loaded, strict=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int8, torch.bool])
def test_every_dtype_comes_back(project, dtype):
    tensor = torch.tensor([[0, 1, 2], [3, 4, 5]]).to(dtype)
    assert same(roundtrip(project, {"w": tensor})["w"], tensor)


def test_tied_weights_are_stored_once_and_come_back_tied(project):
    module = torch.nn.Module()
    module.embedding = torch.nn.Embedding(100, 32)
    module.head = torch.nn.Linear(32, 100, bias=False)
    module.head.weight = module.embedding.weight
    loaded = roundtrip(project, module)
    assert loaded["head.weight"] is loaded["embedding.weight"]
    assert project.model("m").checkpoint.num_bytes < 2 * 100 * 32 * 4


def test_views_of_one_memory_come_back_as_they_were(project):
    whole = torch.arange(12.0).reshape(3, 4)
    state = {"whole": whole, "row": whole[1], "transposed": whole.T, "strided": whole[:, ::2], "scalar": whole[0, 0]}
    loaded = roundtrip(project, state)
    assert all(same(loaded[name], tensor) for name, tensor in state.items())


def test_numpy_state_dicts_work(project):
    loaded = roundtrip(project, {"w": np.arange(6, dtype=np.float32).reshape(2, 3).T})
    assert np.array_equal(np.asarray(loaded["w"]), np.arange(6, dtype=np.float32).reshape(2, 3).T)


def test_a_safetensors_file_is_kept_byte_for_byte(project, tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"w": torch.ones(3)}, path)
    project.log_model("m", checkpoint=path)
    checkpoint = project.model("m").checkpoint
    assert (checkpoint.format, checkpoint.num_bytes) == ("safetensors", path.stat().st_size)
    assert project._artifacts.path(checkpoint.files[0].sha256).read_bytes() == path.read_bytes()
    project.log_model("m", checkpoint=str(path))


def test_a_plain_torch_file_is_converted(project, tmp_path):
    torch.save({"state_dict": {"w": torch.ones(3)}}, tmp_path / "w.pt")
    assert same(roundtrip(project, tmp_path / "w.pt")["w"], torch.ones(3))


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_torch_file_with_code_is_refused_and_not_run(project, tmp_path, capsys):
    torch.save({"w": Evil()}, tmp_path / "w.pt")
    with pytest.raises(InvalidValue) as caught:
        project.log_model("m", checkpoint=tmp_path / "w.pt")
    assert caught.value.code == "model.unsafe_pickle"
    assert "weights_only" not in str(caught.value)
    assert capsys.readouterr().out == ""


def test_a_hugging_face_folder_is_kept(project, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    save_file({"w": torch.ones(3)}, folder / "model.safetensors")
    (folder / "config.json").write_text("{}")
    (folder / "notes.pdf").write_bytes(b"not ours")
    loaded = roundtrip(project, folder)
    assert same(loaded["w"], torch.ones(3))
    assert [file.name for file in project.model("m").checkpoint.files] == ["config.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("w.safetensors", b"", "model.empty_file"),
        ("w.safetensors", b"1234567", "model.truncated"),
        ("w.safetensors", (5000).to_bytes(8, "little") + b"{}", "model.truncated"),
        ("w.keras", b"x", "model.unsupported_unsafe_format"),
        ("w.xyz", b"x", "model.unsupported_format"),
    ],
)
def test_bad_files_get_one_sentence_and_leave_nothing(project, tmp_path, name, content, code):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidValue) as caught:
        project.log_model("m", checkpoint=tmp_path / name)
    assert caught.value.code == code
    assert name in str(caught.value)
    assert len(project) == 0
    assert list((project.path / "staging").iterdir()) == []


@pytest.mark.parametrize(
    ("checkpoint", "code"),
    [
        ({}, "model.no_tensors"),
        ({"w": 3}, "checkpoint.not_a_tensor"),
        (7, "checkpoint.type"),
        ({"w": np.ones(3, complex)}, "checkpoint.number_type"),
        ({"w": np.array(["text"])}, "checkpoint.number_type"),
        ({"v": torch.ones(3), "w": torch.ones((), dtype=torch.complex128)}, "checkpoint.number_type"),
    ],
)
def test_what_is_no_checkpoint_is_said(project, checkpoint, code):
    with pytest.raises(InvalidValue) as caught:
        project.log_model("m", checkpoint=checkpoint)
    assert caught.value.code == code


def test_a_link_out_of_a_folder_is_refused(project, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.json").write_text("canary")
    save_file({"w": torch.ones(3)}, folder / "model.safetensors")
    (folder / "config.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(InvalidValue, match="leaves its folder"):
        project.log_model("m", checkpoint=folder)


def test_equal_weights_are_stored_once(project):
    for id in ("a", "b"):
        project.log_model(id, checkpoint={"w": torch.ones(1000), "v": torch.zeros(3)})
    assert len(sizes(project)) == 1


def test_a_changed_object_is_noticed(project):
    project.log_model("m", checkpoint={"w": torch.ones(1000)})
    change(project, project.model("m").checkpoint.files[0].sha256)
    with pytest.raises(StoreError, match="has changed since it was logged") as caught:
        project.load_checkpoint("m")
    assert caught.value.code == "artifact.hash_mismatch"


def test_the_header_of_a_quantized_module_says_its_scheme(project):
    from compress_compare.schemes.scheme import TensorScheme, attach
    from compress_compare.store.checkpoints import header

    module = torch.nn.Linear(3, 2)
    attach(module, {"weight": TensorScheme(kind="quantized", bits=4)})
    project.log_model("m", checkpoint=module)
    digest = project.model("m").checkpoint.files[0].sha256
    stored = header(project._artifacts.opened(digest))
    assert stored["scheme"]["weight"]["bits"] == 4
    with pytest.raises(Conflict):
        project.log_model("m", checkpoint=torch.nn.Linear(3, 2))


def test_the_header_says_which_channels_a_module_has_kept(project):
    from compress_compare.schemes import channels
    from compress_compare.store.checkpoints import header

    module = torch.nn.Linear(3, 2)
    channels.attach(module, {"weight": {0: [1, 4], 1: [0, 2, 3]}})
    project.log_model("m", checkpoint=module)
    digest = project.model("m").checkpoint.files[0].sha256
    stored = header(project._artifacts.opened(digest))
    assert channels.from_json(stored["kept"]) == channels.of(module)


KINDS = ["module", "state", "file", "reference"]


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_weights_are_the_same_from_wherever_they_are_logged(each_backend, project, tmp_path, first, second):
    if each_backend == "server" and "reference" in (first, second):
        pytest.skip("weights that stay where they are need a directory")

    def given(kind, value, place):
        module = torch.nn.BatchNorm1d(3)
        module.weight.data[:] = value
        if kind in ("module", "state"):
            return module if kind == "module" else module.state_dict()
        path = tmp_path / place / f"{kind} {value}.safetensors"
        path.parent.mkdir(exist_ok=True)
        save_file(module.state_dict(), path, metadata={"format": "pt"})
        return path if kind == "file" else cc.Reference(path)

    project.log_model("m", checkpoint=given(first, 1, "first"))
    before = project.model("m").checkpoint
    project.log_model("m", checkpoint=given(second, 1, "second"))
    assert project.model("m").checkpoint == before
    with pytest.raises(Conflict):
        project.log_model("m", checkpoint=given(second, 2, "second"))


def test_the_same_tensors_in_other_bytes_are_the_same_checkpoint(project, tmp_path):
    def written(name, order):
        header = {"__metadata__": dict.fromkeys(order, "x"), "w": {"dtype": "F32", "shape": [2]}}
        header["w"]["data_offsets"] = [0, 8]
        text = json.dumps(header).encode()
        path = tmp_path / name
        path.write_bytes(len(text).to_bytes(8, "little") + text + np.arange(2, dtype="f4").tobytes())
        return path

    first, second = written("a.safetensors", ["x", "y"]), written("b.safetensors", ["y", "x"])
    assert first.read_bytes() != second.read_bytes()
    renamed = tmp_path / "again" / "a.safetensors"
    renamed.parent.mkdir()
    renamed.write_bytes(second.read_bytes())
    project.log_model("m", checkpoint=first)
    before = project.model("m").checkpoint
    project.log_model("m", checkpoint=renamed)
    assert project.model("m").checkpoint == before
    assert len(sizes(project)) - project.garbage().count == 1
    changed = bytearray(second.read_bytes())
    changed[-4] ^= 1
    renamed.write_bytes(changed)
    with pytest.raises(Conflict):
        project.log_model("m", checkpoint=renamed)
