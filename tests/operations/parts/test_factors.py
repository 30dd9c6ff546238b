"""Thinner matrices against NumPy's singular value decomposition, and what cannot be balanced."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from compress_compare.operations.parts import factors


@pytest.fixture(params=[1 << 20, 5])
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix at once, and row by row."""
    monkeypatch.setattr(factors, "_PART", request.param)


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("shape", [(40, 9), (9, 40), (12, 12)])
@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 1e-6), (torch.bfloat16, 2e-2)])
def test_the_product_is_the_nearest_of_its_rank(shape: tuple[int, int], dtype: torch.dtype, near: float) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    exact = matrix.double().numpy()
    u, s, vt = np.linalg.svd(exact, full_matrices=False)
    seen = []
    found = factors.factors(matrix, lambda singular: seen.append(singular) or 3)
    assert found is not None
    down, up = found
    assert (down.dtype, up.dtype, down.shape, up.shape) == (dtype, dtype, (3, shape[1]), (shape[0], 3))
    np.testing.assert_allclose(seen[0].numpy(), s, rtol=1e-9)
    np.testing.assert_allclose(up.double() @ down.double(), (u[:, :3] * s[:3]) @ vt[:3], atol=near * s[0])
    np.testing.assert_allclose(down.double().norm(dim=1), np.sqrt(s[:3]), rtol=max(near, 1e-6))
    np.testing.assert_allclose(up.double().norm(dim=0), np.sqrt(s[:3]), rtol=max(near, 1e-6))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_singular_values_of_zero_divide_nothing(dtype: torch.dtype) -> None:
    matrix = torch.zeros(20, 10, dtype=dtype)
    matrix[:, 0] = torch.arange(20)
    found = factors.factors(matrix, lambda _: 4)
    assert found is not None
    down, up = found
    assert torch.isfinite(down).all()
    assert torch.isfinite(up).all()
    torch.testing.assert_close(up @ down, matrix)
    nothing = factors.factors(torch.zeros(20, 10, dtype=dtype), lambda _: 2)
    assert nothing is not None
    assert not (nothing[1] @ nothing[0]).any()


def test_what_is_no_smaller_is_left() -> None:
    matrix = torch.ones(6, 6)
    assert factors.factors(matrix, lambda _: 3) is None
    assert factors.factors(matrix, lambda _: 2) is not None
    assert factors.factors(torch.ones(6, 0), lambda _: 0) is None
