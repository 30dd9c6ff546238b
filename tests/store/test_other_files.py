"""Weights of Keras and Core ML, which a worker converts; ``benchmarks/formats.py`` compares with their tools."""

import importlib.util

import h5py
import numpy as np
import pytest

import compress_compare as cc
from compress_compare.comparisons.files import opened
from compress_compare.errors import InvalidValue, MissingExtra

RNG = np.random.default_rng(6)
KERNEL, BIAS = RNG.normal(size=(6, 4)).astype(np.float32), np.ones(4, np.float32)


def write(path, layers):
    """As Keras does: the variables of each layer in order."""
    with h5py.File(path, "w") as file:
        for name, variables in layers.items():
            for at, array in enumerate(variables):
                file[f"layers/{name}/vars/{at}"] = array
    return path


def read(path, scratch):
    found, _ = opened(path, scratch)
    return found.tensors


@pytest.fixture
def scratch(tmp_path):
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def test_floats_and_codes_of_keras_are_the_numbers_in_use(tmp_path, scratch):
    codes, scale = RNG.integers(-127, 128, (6, 4)).astype(np.int8), RNG.uniform(9, 99, 4).astype(np.float32)
    square = RNG.integers(-127, 128, (4, 4)).astype(np.int8)
    layers = {"dense": [KERNEL, BIAS], "dense_1": [codes, BIAS, scale], "dense_2": [square, scale]}
    found = read(write(tmp_path / "m.weights.h5", layers), scratch)
    np.testing.assert_array_equal(found["layers.dense.0"].values.whole(), KERNEL)
    quantized = found["layers.dense_1.0"]
    np.testing.assert_array_equal(quantized.values.whole(), codes.astype(np.float32) / scale)
    assert (quantized.dtype, quantized.packing.bits, quantized.num_bytes) == ("int8", 8, 24 + 16)
    assert "layers.dense_1.2" not in found and "layers.dense_1.1" in found
    # which side of a square matrix the scale belongs to, the file does not say
    assert found["layers.dense_2.0"].values is None and found["layers.dense_2.0"].unread == "Keras, int8 or int4"


@pytest.mark.usefixtures("each_backend")
def test_a_project_takes_them(tmp_path):
    write(tmp_path / "a.weights.h5", {"dense": [KERNEL, BIAS]})
    write(tmp_path / "b.weights.h5", {"dense": [0 * KERNEL, BIAS]})
    with cc.open(tmp_path / "p") as project:
        project.log_model("a", checkpoint=tmp_path / "a.weights.h5")
        project.log_model("b", base="a", operation=cc.Operation("empty"), checkpoint=tmp_path / "b.weights.h5")
        rows = project.layers("a", ["b"], "sparsity").table.to_pylist()
    assert [row["zero_model_only"] for row in rows if row["parameter"] == "0"] == [24]


def refused(path, scratch):
    with pytest.raises(InvalidValue) as caught:
        opened(path, scratch)
    assert len(str(caught.value)) < 600
    return caught.value.code


def test_what_leads_out_of_a_file_is_not_followed(tmp_path, scratch):
    secret = write(tmp_path / "secret.h5", {"dense": [KERNEL]})
    path = tmp_path / "m.weights.h5"
    for link in (h5py.ExternalLink(str(secret), "/layers"), h5py.SoftLink("/elsewhere")):
        with h5py.File(path, "w") as file:
            file["layers"] = link
        assert refused(path, scratch) == "model.unsupported_unsafe_format"
    with h5py.File(path, "w") as file:
        file.create_dataset("w", (4,), "f4", external=[(str(secret), 0, 16)])
    assert refused(path, scratch) == "model.unsupported_unsafe_format"
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((6, 4), "f4")
        layout[:] = h5py.VirtualSource(str(secret), "layers/dense/vars/0", (6, 4))
        file.create_virtual_dataset("w", layout)
    assert refused(path, scratch) == "model.unsupported_unsafe_format"
    with h5py.File(path, "w") as file:
        file["a/b"] = KERNEL
        file["a/a"] = file["a"]
    assert refused(path, scratch) == "model.unsupported_unsafe_format"


def test_bombs_and_files_that_are_cut_or_something_else(tmp_path, scratch):
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("w", (1 << 40,), "f4")
    assert refused(path, scratch) == "model.expansion_limit"
    write(path, {"dense": [KERNEL, BIAS]})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert refused(path, scratch) == "model.not_a_checkpoint"
    path.write_bytes(content[:600] + bytes(255 - one for one in content[600:900]) + content[900:])
    assert refused(path, scratch) in ("model.not_a_checkpoint", "model.no_tensors")
    path.write_bytes(b"hello world, this is text")
    assert refused(path, scratch) == "model.not_a_checkpoint"
    path.write_bytes(b"")
    assert refused(path, scratch) == "model.empty_file"
    (tmp_path / "model.h5").write_bytes(content)
    assert refused(tmp_path / "model.h5", scratch) == "model.unsupported_format"


def test_packages_of_core_ml_hold_files_of_their_own(tmp_path, scratch):
    package = tmp_path / "m.mlpackage"
    package.mkdir()
    assert refused(package, scratch) == "model.not_a_checkpoint"
    inside = package / "Data" / "com.apple.CoreML"
    inside.mkdir(parents=True)
    (tmp_path / "elsewhere").write_bytes(b"x")
    (inside / "model.mlmodel").symlink_to(tmp_path / "elsewhere")
    assert refused(package, scratch) == "path.outside_folder"
    (inside / "model.mlmodel").unlink()
    (inside / "model.mlmodel").write_bytes(b"no model")
    if importlib.util.find_spec("coremltools") is None:
        with pytest.raises(MissingExtra, match="coremltools, which is not installed"):
            opened(package, scratch)
    else:
        assert refused(package, scratch) in ("model.not_a_checkpoint", "model.unsupported_format")
