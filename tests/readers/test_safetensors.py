"""Numbers read back against the reference writer, of every format."""

import json

import numpy as np
import pytest

from compress_compare.comparisons.layers.compare import compare
from compress_compare.readers import safetensors

torch = pytest.importorskip("torch")
save_file = pytest.importorskip("safetensors.torch").save_file

DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    "F8_E8M0": torch.float8_e8m0fnu,
}
NARROW = [name for name, dtype in DTYPES.items() if dtype.itemsize <= 2 and name != "BOOL"]


def read_back(tmp_path, tensor):
    """From a file that the library writes, or that is written by hand where it does not know the type yet."""
    try:
        save_file({"w": tensor}, tmp_path / "w.safetensors")
    except KeyError:
        (name,) = (name for name, dtype in DTYPES.items() if dtype == tensor.dtype)
        numbers = tensor.contiguous().view(torch.uint8).numpy().tobytes()
        told = {"w": {"dtype": name, "shape": list(tensor.shape), "data_offsets": [0, len(numbers)]}}
        header = json.dumps(told).encode()
        (tmp_path / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + numbers)
    return safetensors.read(tmp_path / "w.safetensors").tensors["w"]


@pytest.mark.parametrize("name", DTYPES)
def test_values_come_back(tmp_path, name):
    tensor = torch.tensor([[0, 1, 2], [4, 8, 1]]).to(DTYPES[name])
    stored = read_back(tmp_path, tensor)
    assert (stored.dtype, stored.shape) == (name, (2, 3))
    assert np.array_equal(stored.values.whole(), tensor.to(torch.float64).numpy())
    assert stored.num_bytes == stored.values.num_bytes == 6 * tensor.element_size()


@pytest.mark.parametrize("name", NARROW)
def test_every_code_of_a_narrow_format_is_the_number_that_torch_says(tmp_path, name):
    size = DTYPES[name].itemsize
    codes = torch.arange(256**size).to(torch.uint8 if size == 1 else torch.uint16)
    tensor = codes.view(DTYPES[name])
    stored = read_back(tmp_path, tensor)
    assert np.array_equal(stored.values.whole(), tensor.to(torch.float32).numpy(), equal_nan=True)


def test_pieces_are_the_whole(tmp_path):
    tensor = torch.randn(7, 11, dtype=torch.bfloat16)
    values = read_back(tmp_path, tensor).values
    pieces = [values.numbers(start, min(start + 13, 77)) for start in range(0, 77, 13)]
    assert np.array_equal(np.concatenate(pieces), tensor.float().numpy().reshape(-1))


def test_a_scalar_and_an_odd_boundary(tmp_path):
    save_file({"a": torch.tensor(3, dtype=torch.uint8), "b": torch.tensor(2.5)}, tmp_path / "w.safetensors")
    tensors = safetensors.read(tmp_path / "w.safetensors").tensors
    assert tensors["b"].values.whole() == 2.5
    assert tensors["a"].values.whole() == 3
    assert tensors["a"].shape == ()


def test_memory_can_be_given_back_and_comes_again(tmp_path):
    save_file({"w": torch.ones(100_000)}, tmp_path / "w.safetensors")
    weights = safetensors.read(tmp_path / "w.safetensors")
    assert weights.tensors["w"].values.whole().sum() == 100_000
    weights.forget()
    assert weights.tensors["w"].values.whole().sum() == 100_000


def test_names_come_in_the_order_that_the_header_keeps_else_with_numbers_as_numbers(tmp_path):
    import compress_compare as cc

    with cc.open(tmp_path / "p") as project:
        project.log_model("m", checkpoint={"z": torch.ones(1), "a": torch.ones(2), "m": torch.ones(3)})
        digest = project.model("m").checkpoint.files[0].sha256
    assert safetensors.read(tmp_path / "p" / "objects" / digest[:2] / digest).names() == ["z", "a", "m"]
    save_file({f"layer{i}.w": torch.ones(1) for i in (10, 9, 1)}, tmp_path / "w.safetensors")
    assert safetensors.read(tmp_path / "w.safetensors").names() == ["layer1.w", "layer9.w", "layer10.w"]


def test_sub_byte_and_complex_formats(tmp_path):
    from tests.readers.test_safetensors_header import content

    path = tmp_path / "w.safetensors"
    path.write_bytes(content({"w": {"dtype": "F4", "shape": [4], "data_offsets": [0, 2]}}, b"\x10\xf7"))
    assert safetensors.read(path).tensors["w"].values.whole().tolist() == [0.0, 0.5, 6.0, -6.0]
    path.write_bytes(content({"w": {"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)))
    assert safetensors.read(path).tensors["w"].values is None


@pytest.mark.parametrize("name", [name for name, dtype in DTYPES.items() if dtype.itemsize > 1])
@pytest.mark.parametrize("shift", [1, 2])
def test_numbers_on_no_boundary_are_compared_where_they_lie(tmp_path, name, shift):
    """Some writers do not fill up the header; a copy of such a file's numbers would not fit into memory."""
    first, second = (torch.randint(0, 9, (300, 7), generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    for file, tensor in (("a", first), ("b", second)):
        save_file({"w": tensor.to(DTYPES[name])}, tmp_path / file)
        content = (tmp_path / file).read_bytes()
        size = int.from_bytes(content[:8], "little")
        header = content[8 : 8 + size] + b" " * shift
        (tmp_path / f"{file}-moved").write_bytes(len(header).to_bytes(8, "little") + header + content[8 + size :])
    base, model, moved, moved_too = (safetensors.read(tmp_path / each) for each in ("a", "b", "a-moved", "b-moved"))
    values = moved.tensors["w"].values
    assert np.shares_memory(values.raw, moved.files[0].bytes)
    assert np.array_equal(values.whole(), first.numpy())
    found, expected = (
        compare(one, {"m": other}, what="weights", base_id="b").table.to_pylist()
        for one, other in ((moved, moved_too), (base, model))
    )
    assert found == expected
