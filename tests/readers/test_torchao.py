"""Four-bit weights of torchao, by hand and from the tool itself."""

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.readers.layouts import unpacked
from compress_compare.readers.mapped import Mapped
from compress_compare.readers.weights import StoredTensor, Weights

ROWS, COLUMNS, SIZE = 6, 64, 16


def tensor(array):
    kind = {"int8": "I8", "uint8": "U8", "float32": "F32"}[array.dtype.name]
    raw = np.frombuffer(array.tobytes(), np.uint8)
    return StoredTensor(kind, array.shape, array.nbytes, Mapped.of(raw, kind, shape=array.shape))


def parts(kind=np.int8):
    random = np.random.default_rng(0)
    codes = random.integers(-8, 8, (ROWS, COLUMNS))
    scale, zero = (random.normal(size=(COLUMNS // SIZE, ROWS)).astype(np.float32) for _ in range(2))
    packed = ((codes[:, 1::2] & 15) << 4 | codes[:, 0::2] & 15).astype(np.uint8).view(kind)
    numbers = codes.astype(np.float32) * np.repeat(scale.T, SIZE, 1) + np.repeat(zero.T, SIZE, 1)
    return {"l._weight_qdata": packed, "l._weight_scale": scale, "l._weight_zero_point": zero}, numbers


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_two_codes_in_a_byte(kind):
    arrays, numbers = parts(kind)
    found = unpacked(Weights({name: tensor(array) for name, array in arrays.items()})).tensors
    assert set(found) == {"l.weight"}
    assert np.array_equal(found["l.weight"].values.whole(), numbers)
    assert (found["l.weight"].packing.bits, found["l.weight"].packing.group_size) == (4, SIZE)
    assert found["l.weight"].num_bytes == sum(array.nbytes for array in arrays.values())


SCALE, ZERO = "l._weight_scale", "l._weight_zero_point"
ODD = {
    "a factor of the inputs": {"l._weight_act_pre_scale": np.ones(COLUMNS, np.float32)},
    "groups of unequal size": {name: np.ones((3, ROWS), np.float32) for name in (SCALE, ZERO)},
    "scales of other rows": {name: np.ones((4, ROWS - 1), np.float32) for name in (SCALE, ZERO)},
    "no group": {name: np.ones((0, ROWS), np.float32) for name in (SCALE, ZERO)},
    "scales of integers": {SCALE: np.ones((4, ROWS), np.int8)},
    "zero points of integers": {ZERO: np.ones((4, ROWS), np.int8)},
    "more zero points than scales": {ZERO: np.ones((8, ROWS), np.float32)},
    "tables of three dimensions": {name: np.ones((4, ROWS, 1), np.float32) for name in (SCALE, ZERO)},
    "codes of three dimensions": {"l._weight_qdata": np.zeros((ROWS, COLUMNS // 2, 1), np.int8)},
}


@pytest.mark.parametrize("change", ODD)
def test_what_is_not_understood_has_no_numbers(change):
    arrays = parts()[0] | ODD[change]
    found = unpacked(Weights({name: tensor(array) for name, array in arrays.items()})).tensors
    assert found["l.weight"].values is None
    assert found["l.weight"].unread == "torchao"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["module", "state dict"])
def test_tiles_of_the_kernel_are_put_in_order(tmp_path, form):
    torch = pytest.importorskip("torch")
    int4 = pytest.importorskip("torchao.prototype.quantization.int4")
    from torchao.quantization import quantize_

    torch.manual_seed(0)
    base = torch.nn.Sequential(torch.nn.Linear(128, 64, bias=False)).bfloat16()
    plain = base[0].weight.detach().float().numpy()
    quantize_(base, int4.PrototypeInt4WeightOnlyConfig(group_size=32))
    with torch.no_grad():
        used = base(torch.eye(128, dtype=torch.bfloat16)).T.float().numpy()
    with cc.open(tmp_path / "p") as project:
        project.log_model("base", checkpoint={"0.weight": plain})
        project.log_model("w4", base="base", checkpoint=base if form == "module" else base.state_dict())
        (row,) = [one for one in project.layers("base", ["w4"], "storage").table.to_pylist() if one["parameter"]]
        found = [one for one in project.layers("base", ["w4"]).table.to_pylist() if one["parameter"]]
    right = 10 * np.log10((plain**2).sum() / ((plain - used) ** 2).sum())
    assert found[0]["sqnr_db"] == pytest.approx(right, abs=0.05)
    # 4 bits of a code, and a scale and a zero point of 16 bits for 32 of them
    assert (row["bits"], row["group_size"], row["file_bytes"]) == (4, 32, 64 * 128 // 2 + 2 * 4 * 64 * 2)


@pytest.mark.parametrize("name", ["l.weight_qdata", "l._weight_data"])
def test_other_names_are_other_tensors(name):
    arrays = parts()[0]
    arrays[name] = arrays.pop("l._weight_qdata")
    found = unpacked(Weights({name: tensor(array) for name, array in arrays.items()})).tensors
    assert "l.weight" not in found or found["l.weight"].values is None
