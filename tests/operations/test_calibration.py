"""What calibration sees, on modules that hide their products; expected values are those of plain linear layers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from compress_compare.operations import (
    awq_quantize,
    distill,
    finetune,
    gptq_quantize,
    gradient_prune,
    magnitude_prune,
    quantize,
)
from compress_compare.schemes import scheme

NONE = torch.zeros(1, dtype=torch.long)


def linear(values: Tensor) -> nn.Linear:
    layer = nn.Linear(values.shape[1], values.shape[0], bias=False)
    layer.weight.data = values.detach().clone()
    return layer


def correlated(*shape: int) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(*shape) @ torch.randn(shape[-1], shape[-1])


class Experts(nn.Module):
    """The choice is the first input: samples go to one of three experts of four, whose weights are one parameter."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.kind, self.stack = kind, nn.Parameter(torch.randn(4, 6, 8))

    def chosen(self, x: Tensor) -> Tensor:
        return (x[:, 0].argsort().argsort() * 3 // len(x)).clamp(max=2)

    def forward(self, x: Tensor) -> Tensor:
        choice = self.chosen(x)
        order = choice.argsort(stable=True)
        counts = torch.bincount(choice, minlength=4)
        if self.kind == "grouped":
            ends = counts.cumsum(0).to(torch.int32)
            return torch._grouped_mm(x[order], self.stack.transpose(1, 2), offs=ends)
        if self.kind == "batched":  # as many samples for each of the three that are used
            return torch.bmm(x[order].reshape(3, -1, 8), self.stack[:3].transpose(1, 2)).flatten(0, 1)
        return torch.cat([F.linear(x[choice == expert], self.stack[expert]) for expert in range(4)])


@pytest.mark.parametrize("kind", ["loop", "batched", "grouped"])
@pytest.mark.parametrize("operation", [gptq_quantize, awq_quantize])
def test_each_expert_sees_its_own_inputs(kind: str, operation: Any) -> None:
    model, x = Experts(kind), correlated(48, 8)
    said: list[str] = []
    child = operation(model, 3, data=[(x, NONE)], progress=lambda _, text: said.append(text))
    choice = model.chosen(x)
    for expert in range(3):
        wanted = operation(linear(model.stack[expert]), 3, data=[(x[choice == expert], NONE)])
        torch.testing.assert_close(child.stack[expert].detach(), wanted.weight.detach(), rtol=1e-4, atol=1e-5)
    assert torch.equal(child.stack[3], quantize(linear(model.stack[3]), 3).weight)  # no sample goes there
    assert "1 of 4 parts rounded to nearest" in scheme.of(child)["stack"].note
    assert any("stack" in text and "nearest" in text for text in said)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("operation", [gptq_quantize, awq_quantize])
def test_packed_projections_of_attention_are_seen(batch_first: bool, operation: Any) -> None:
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=batch_first).eval()
    x = correlated(5, 7, 8)
    child = operation(attention, 3, data=[((x, x, x), NONE)])
    wanted = operation(linear(attention.in_proj_weight), 3, data=[(x, NONE)])
    torch.testing.assert_close(child.in_proj_weight, wanted.weight, rtol=1e-4, atol=1e-5)
    assert all(not entry.note for entry in scheme.of(child).values())


def test_the_fast_path_of_a_transformer_hides_nothing() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu").eval()
    child = gptq_quantize(nn.TransformerEncoder(layer, 1), 3, data=[(correlated(4, 5, 8), NONE)])
    assert len(scheme.of(child)) == 4 and not any(entry.note for entry in scheme.of(child).values())
    assert torch.backends.mha.get_fastpath_enabled()


def test_recurrences_are_seen() -> None:
    torch.manual_seed(0)
    model, x = nn.LSTM(6, 4), correlated(9, 3, 6)
    child = gptq_quantize(model, 3, data=[(x, NONE)])
    wanted = gptq_quantize(linear(model.weight_ih_l0), 3, data=[(x, NONE)])
    torch.testing.assert_close(child.weight_ih_l0, wanted.weight, rtol=1e-4, atol=1e-5)
    assert not any(entry.note for entry in scheme.of(child).values())


class Product(nn.Module):
    """A weight [inputs, outputs] that is multiplied without a layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.w = nn.Parameter(torch.randn(8, 5))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.w


@pytest.mark.parametrize("operation", [gptq_quantize, awq_quantize])
def test_output_channels_are_those_of_the_product(operation: Any) -> None:
    model, x = Product(), correlated(40, 8)
    child = operation(model, 3, data=[(x, NONE)])
    wanted = operation(linear(model.w.t()), 3, data=[(x, NONE)])
    torch.testing.assert_close(child.w.t(), wanted.weight, rtol=1e-4, atol=1e-5)
    assert scheme.of(child)["w"].channel_axis == 1


def test_transposed_convolutions_err_less_than_rounding_to_nearest() -> None:
    torch.manual_seed(0)
    layer, x = nn.ConvTranspose1d(4, 6, 4, stride=2, groups=2), torch.randn(6, 4, 20).cumsum(2)
    with torch.no_grad():
        errors = [
            float((child(x) - layer(x)).square().mean())
            for child in (gptq_quantize(layer, 3, data=[(x, x)], damping=1e-4), quantize(layer, 3))
        ]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("settings", [{}, {"symmetric": False}, {"by_activation": True}, {"bits": 8}])
def test_pruned_weights_stay_zero(settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(16, 8)
    pruned = magnitude_prune(layer, amount=0.6)
    child = gptq_quantize(pruned, data=[(correlated(50, 16), torch.zeros(50).long())], **settings)
    assert not child.weight[pruned.weight == 0].any() and child.weight.any()
    assert scheme.of(child)["weight"].pruned


class Reader(nn.Module):
    """A bag of layers over tokens: what each token gives does not depend on the others."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.up, self.down = nn.Embedding(20, 8), nn.Linear(8, 12), nn.Linear(12, 4)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        return self.down(torch.relu(self.up(self.table(input_ids))))


@pytest.mark.parametrize("operation", [gptq_quantize, awq_quantize])
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_changes_nothing(operation: Any, side: str) -> None:
    torch.manual_seed(2)
    texts = [torch.randint(1, 20, (length,)) for length in (3, 7, 5, 7)]
    padded, mask = torch.zeros(4, 7, dtype=torch.long), torch.zeros(4, 7, dtype=torch.long)
    for row, text in enumerate(texts):
        where = slice(0, len(text)) if side == "right" else slice(7 - len(text), 7)
        padded[row, where], mask[row, where] = text, 1
    together = [({"input_ids": padded, "attention_mask": mask}, padded)]
    apart = [({"input_ids": text[None]}, text[None]) for text in sorted(texts, key=len)]
    one, two = (operation(Reader(), 3, data=data) for data in (together, apart))
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, two.state_dict()[name], rtol=1e-5, atol=1e-6)


def texts() -> tuple[list[tuple[Any, Tensor]], list[tuple[Any, Tensor]]]:
    """The same tokens as padded rows with a mask, and as one row without."""
    torch.manual_seed(2)
    lengths = (3, 7, 5)
    tokens = [torch.randint(1, 20, (length,)) for length in lengths]
    padded, mask = torch.zeros(3, 7, dtype=torch.long), torch.zeros(3, 7, dtype=torch.long)
    for row, text in enumerate(tokens):
        padded[row, : len(text)], mask[row, : len(text)] = text, 1
    one = torch.cat(tokens)[None]
    return [({"input_ids": padded, "attention_mask": mask}, padded % 4)], [({"input_ids": one}, one % 4)]


@pytest.mark.parametrize("operation", [finetune, distill, gradient_prune])
def test_padding_teaches_nothing(operation: Any) -> None:
    teacher = Reader()
    with torch.no_grad():
        teacher.down.weight.mul_(3)
    more = {"teacher": teacher} if operation is distill else {}
    one, two = (operation(Reader(), data=data, **more) for data in texts())
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, two.state_dict()[name], rtol=1e-4, atol=1e-6)
    assert not torch.equal(one.up.weight, Reader().up.weight)
