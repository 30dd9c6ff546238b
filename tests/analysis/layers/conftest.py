"""The statistics of weights hold in compiled loops and in NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compress_compare.analysis.layers import fused
from tests import servers

BOTH_WAYS = ("test_fused", "test_histogram", "test_norms", "test_statistics", "test_sums", "test_values")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2] in BOTH_WAYS:
        metafunc.parametrize("way", ["compiled", "numpy"], indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Which of the two a test is about; loops are used for small tensors, too."""
    chosen: str | None = getattr(request, "param", None)
    if chosen == "compiled" and fused.library() is None:
        servers.lacking("The loops are not compiled here: run `make loops`, which needs a C compiler.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused, "LEAST", 1)
        if chosen == "numpy":
            patch.setattr(fused, "library", lambda: None)
        yield chosen
