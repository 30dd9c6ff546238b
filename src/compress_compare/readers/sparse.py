"""Sparse tensors of a PyTorch file, believed only after their indices were checked, and made dense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue
from .safetensors_header import shown

if TYPE_CHECKING:
    from torch import Tensor

MAX_DENSE_BYTES = 1 << 32
ROWS = ("torch.sparse_csr", "torch.sparse_bsr")


def dense(name: str, tensor: Tensor) -> Tensor:
    """The tensor with every number written out; one that is dense comes back as it is.

    Args:
        name: for messages.
        tensor: of any layout.

    Raises:
        InvalidValue: ``model.invalid_sparse`` where its indices contradict its values or shape,
            ``model.expansion_limit`` where it would take more than 4 GB.
    """
    layout = str(tensor.layout)
    if layout == "torch.strided":
        return tensor
    if tensor.numel() * tensor.element_size() > MAX_DENSE_BYTES:
        raise InvalidValue(
            "model.expansion_limit",
            f"The sparse tensor {shown(name)} is too large to be written out.",
            detail=f"It would take {tensor.numel() * tensor.element_size():,} bytes; the limit is {MAX_DENSE_BYTES:,}.",
        )
    try:
        problem = _check_pairs(tensor) if layout == "torch.sparse_coo" else _check_compressed(tensor, layout)
    except (RuntimeError, IndexError) as error:
        problem = f"{error}".partition("\n")[0][:200]
    if problem:
        raise InvalidValue(
            "model.invalid_sparse",
            f"Tensor {shown(name)} is sparse, and its indices are false.",
            detail=f"{problem}.",
            hint="Save it again from a model that works, best as a safetensors file.",
        )
    return tensor.to_dense()


def _check_compressed(tensor: Tensor, layout: str) -> str:
    import torch

    rows = layout in ROWS
    compressed = tensor.crow_indices() if rows else tensor.ccol_indices()
    plain = tensor.col_indices() if rows else tensor.row_indices()
    stored, claimed = plain.shape[-1], int(compressed.max()) if compressed.numel() else 0
    if claimed > stored:
        return f"An index claims {claimed:,} of {stored:,} values"
    make: Any = torch.sparse_compressed_tensor
    make(compressed, plain, tensor.values(), tensor.shape, layout=tensor.layout, check_invariants=True)
    return ""


def _check_pairs(tensor: Tensor) -> str:
    import torch

    torch.sparse_coo_tensor(tensor._indices(), tensor._values(), tensor.shape, check_invariants=True)
    return ""
