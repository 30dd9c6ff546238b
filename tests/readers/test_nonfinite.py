"""Checkpoints with NaN or infinity are taken in, and it is said."""

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.readers.nonfinite import NonfiniteWarning

save_file = pytest.importorskip("safetensors.numpy").save_file


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_b18_names_are_listed(tmp_path, dtype):
    tensors = {f"t{i:02}": np.ones(300_000, dtype) for i in range(5)}
    tensors["t03"][-1] = np.nan
    tensors["t01"][0] = -np.inf
    save_file(tensors, tmp_path / "w.safetensors")
    with cc.open(tmp_path / "p") as project:
        with pytest.warns(NonfiniteWarning, match="model.nonfinite: 2 of 5 tensors") as caught:
            project.log_model("m", checkpoint=tmp_path / "w.safetensors")
        assert str(caught[0].message).endswith("hold NaN or infinity: 't01', 't03'.")
        assert project.layers("m", ["m"]).table["num_nonfinite"][0].as_py() == 2


def test_finite_ones_say_nothing(tmp_path):
    save_file(
        {"a": np.ones(3, np.float32), "b": np.arange(5), "c": np.zeros(0, np.float16)}, tmp_path / "w.safetensors"
    )
    with cc.open(tmp_path / "p") as project:
        project.log_model("m", checkpoint=tmp_path / "w.safetensors")
