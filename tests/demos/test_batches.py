import torch

from compress_compare.demos.batches import ShuffledBatches


def test_every_pass_has_every_instance_once_in_its_own_order():
    inputs = torch.arange(10.0)
    data = ShuffledBatches(inputs, inputs * 2, batch_size=4)
    torch.manual_seed(0)
    first, second = list(data), list(data)
    assert len(data) == 3
    assert [len(batch) for batch, _ in first] == [4, 4, 2]
    assert all(torch.equal(targets, 2 * batch) for batch, targets in first)
    orders = [torch.cat([batch for batch, _ in one]) for one in (first, second)]
    assert all(torch.equal(order.sort().values, inputs) for order in orders)
    assert not torch.equal(*orders)
    torch.manual_seed(0)
    assert torch.equal(torch.cat([batch for batch, _ in data]), orders[0])
