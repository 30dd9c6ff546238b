"""Sparse tensors of PyTorch files: right ones are written out, false ones are refused before they are followed."""

import warnings

import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.readers.sparse import dense

torch = pytest.importorskip("torch")

LAYOUTS = [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[sS]parse.*")
        yield


def matrix():
    whole = torch.zeros(4, 6)
    whole[0, 1], whole[2, 5], whole[3, 0] = 1, -2, 3
    return whole


def sparse(layout):
    blocks = (2, 2) if layout in (torch.sparse_bsr, torch.sparse_bsc) else None
    return matrix().to_sparse(layout=layout, blocksize=blocks)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_a_sparse_tensor_is_written_out(tmp_path, layout):
    torch.save({"w": sparse(layout)}, tmp_path / "w.pt")
    with cc.open(tmp_path / "p") as project:
        project.log_model("m", checkpoint=tmp_path / "w.pt")
        assert torch.equal(project.load_checkpoint("m")["w"], matrix())


def test_b27_an_index_that_claims_more_than_there_is(tmp_path):
    tensor = torch.tensor([[1.0, 0], [0, 0]]).to_sparse_csr()
    tensor.crow_indices()[-1] = 1 << 20
    torch.save({"w": tensor}, tmp_path / "w.pt")
    with cc.open(tmp_path / "p") as project, pytest.raises(InvalidValue) as caught:
        project.log_model("m", checkpoint=tmp_path / "w.pt")
    assert caught.value.code == "model.invalid_sparse"
    assert "An index claims 1,048,576 of 1 values" in str(caught.value)


@pytest.mark.parametrize("index", [99, -1])
def test_b27_an_index_outside_the_shape(index):
    tensor = sparse(torch.sparse_csr)
    tensor.col_indices()[0] = index
    with pytest.raises(InvalidValue) as caught:
        dense("w", tensor)
    assert caught.value.code == "model.invalid_sparse"
    pairs = sparse(torch.sparse_coo)
    pairs._indices()[0, 0] = index
    with pytest.raises(InvalidValue):
        dense("w", pairs)


def test_a_small_file_of_a_huge_tensor():
    tensor = torch.sparse_coo_tensor(torch.tensor([[0], [0]]), torch.ones(1), (1 << 20, 1 << 20))
    with pytest.raises(InvalidValue) as caught:
        dense("w", tensor)
    assert caught.value.code == "model.expansion_limit"
    assert caught.value.detail == "It would take 4,398,046,511,104 bytes; the limit is 4,294,967,296."


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_right_indices_of_every_layout_are_followed(layout):
    tensor, whole = sparse(layout), matrix()
    assert torch.equal(dense("w", tensor), whole)
    assert dense("w", whole) is whole
    assert torch.equal(dense("w", torch.zeros(4, 6).to_sparse()), torch.zeros(4, 6))


def test_a_tensor_may_take_just_what_is_allowed(monkeypatch):
    monkeypatch.setattr("compress_compare.readers.sparse.MAX_DENSE_BYTES", 4 * 6 * 4)
    assert torch.equal(dense("w", sparse(torch.sparse_coo)), matrix())
    monkeypatch.setattr("compress_compare.readers.sparse.MAX_DENSE_BYTES", 4 * 6 * 4 - 1)
    with pytest.raises(InvalidValue) as caught:
        dense("w", sparse(torch.sparse_coo))
    assert caught.value.detail == "It would take 96 bytes; the limit is 95."


def test_all_values_may_be_claimed_and_not_one_more():
    tensor = sparse(torch.sparse_csr)
    tensor.crow_indices()[-1] += 1
    with pytest.raises(InvalidValue) as caught:
        dense("w", tensor)
    assert caught.value.detail == "An index claims 4 of 3 values."
