from __future__ import annotations

from pathlib import Path

import pytest

from compress_compare.schemes.scheme import TensorScheme
from compress_compare.store.finished import FOLDER, finished_weights

torch = pytest.importorskip("torch")
SCHEME = TensorScheme(kind="quantized", bits=4, strategy="channel", note="rounded")


def test_a_weight_comes_back_as_it_was_until_the_work_is_done(tmp_path: Path) -> None:
    kept, values = finished_weights(tmp_path, work={"model": "a"}), torch.randn(3, 4, dtype=torch.bfloat16)
    assert kept.load("blocks.0.up.weight") is None
    kept.save("blocks.0.up.weight", values, stored=SCHEME)
    kept.save("blocks.0 finished", torch.zeros(0), stored=TensorScheme())
    again = finished_weights(tmp_path, work={"model": "a"})
    found = again.load("blocks.0.up.weight")
    assert found is not None and torch.equal(found[0], values) and found[0].dtype == values.dtype
    assert found[1] == SCHEME and again.load("blocks.0 finished") is not None
    assert finished_weights(tmp_path, work={"model": "b"}).load("blocks.0.up.weight") is None
    again.clear()
    assert again.load("blocks.0.up.weight") is None and not list((tmp_path / FOLDER).iterdir())


def test_a_torn_file_counts_as_nothing(tmp_path: Path) -> None:
    kept = finished_weights(tmp_path, work=1)
    kept.save("w", torch.ones(2), stored=SCHEME)
    next(kept.folder.iterdir()).write_bytes(b"torn")
    assert kept.load("w") is None
