"""Bytes by the accounting of the packed size."""

import pytest

from compress_compare.analysis.layers.storage import Storage, packed_bytes

torch = pytest.importorskip("torch")


def schemes():
    from compress_compare.schemes.scheme import TensorScheme

    return [
        TensorScheme(),
        TensorScheme(pruned=True),
        TensorScheme(kind="quantized", bits=4, strategy="group", group_size=32),
        TensorScheme(kind="quantized", bits=3, strategy="channel", symmetric=False, pruned=True),
        TensorScheme(kind="palettized", bits=2, codebook_size=4, dim=1, strategy="channel"),
        TensorScheme(kind="palettized", bits=4, codebook_size=16, dim=4, pruned=True),
    ]


@pytest.mark.parametrize("index", range(6))
def test_as_the_metric_packed_size_counts_them(index):
    from compress_compare.evaluation import size

    scheme = schemes()[index]
    weight = torch.randn(6, 100)
    weight[weight.abs() < 1] = 0
    found = packed_bytes(scheme, (6, 100), element_bits=32, nonzero=int(weight.count_nonzero()))
    assert found == size.packed_bytes(weight, scheme)


def test_a_module_says_what_its_tensors_share():
    first = Storage(10, "float32", 4, "quantized", 32, 5, 40)
    assert first + first == Storage(20, "float32", 4, "quantized", 32, 10, 80)
    mixed = first + Storage(2, "float32", 32, "dense", None, 8, 8)
    assert mixed == Storage(12, "float32", None, None, None, 13, 48)
    assert mixed.columns()["bits_per_parameter"] == pytest.approx(8 * 13 / 12)
