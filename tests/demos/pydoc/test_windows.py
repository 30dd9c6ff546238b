import torch

from compress_compare.demos.pydoc.windows import Windows


def test_targets_are_what_follows():
    data = Windows(torch.arange(50), length=8, windows=4, batches=3)
    torch.manual_seed(0)
    first = list(data)
    assert len(first) == len(data) == 3
    for pieces, after in first:
        assert pieces.shape == (4, 8)
        assert torch.equal(after, pieces + 1)
    assert int(max(after.max() for _, after in first)) <= 49
    torch.manual_seed(0)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, data, strict=True))
