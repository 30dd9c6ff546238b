from __future__ import annotations

import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import distill, gptq_quantize, quantize
from compress_compare.operations.parts.devices import device_of, find_device

DATA = [(torch.randn(8, 6, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3)]


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def test_the_device_is_the_accelerator_or_else_the_processor() -> None:
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    assert find_device("auto") == (accelerator or torch.device("cpu"))
    assert find_device("cpu") == torch.device("cpu") and find_device(None) is None
    assert device_of(nn.ReLU()) == torch.device("cpu") and device_of(nn.Linear(1, 1, device="meta")).type == "meta"


@pytest.mark.parametrize("name", ["nowhere", "cuda:99", "meta", ""])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match="no device") as error:
        quantize(network(), 4, device=name)
    assert error.value.code == "device.unknown" and "auto" in error.value.hint


def test_operations_work_on_a_device_and_give_the_model_back() -> None:
    model, teacher = network(), network()
    child = gptq_quantize(model, 4, data=DATA, device="auto")
    torch.testing.assert_close(child[0].weight, gptq_quantize(model, 4, data=DATA)[0].weight, rtol=1e-3, atol=1e-4)
    assert device_of(child) == device_of(model)
    learned = distill(model, teacher=teacher, data=DATA, epochs=1, device="auto")
    assert device_of(learned) == device_of(teacher) == torch.device("cpu")
