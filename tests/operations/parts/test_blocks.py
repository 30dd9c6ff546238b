"""Calibration block by block: the same as doing it by hand, and no more passes for a deeper model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from compress_compare.operations import awq_quantize, gptq_quantize, quantize
from compress_compare.operations.parts.blocks import first_use, stages
from compress_compare.operations.targets import select
from compress_compare.operations.types import Context
from compress_compare.schemes.scheme import TensorScheme, of

NONE = torch.zeros(1, dtype=torch.long)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.calls = nn.Linear(8, 8, bias=False), 0

    def forward(self, x: Tensor, *, scale: float) -> tuple[Tensor, None]:
        self.calls += 1
        return x + scale * torch.tanh(self.up(x)), None


class Deep(nn.Module):
    def __init__(self, depth: int, *, broken: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last, self.broken = nn.Linear(8, 8, bias=False), nn.Linear(8, 4, bias=False), broken
        self.blocks = nn.ModuleList(Block() for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for number, block in enumerate(self.blocks):
            x = block(x + 0 if self.broken else x, scale=0.5 + number)[0]
        return self.last(x)


def data(count: int = 2) -> list[tuple[Tensor, Tensor]]:
    torch.manual_seed(1)
    mixing = torch.randn(8, 8)
    return [(torch.randn(20, 8) @ mixing, NONE) for _ in range(count)]


def alone(layer: nn.Linear, inputs: list[Tensor]) -> Tensor:
    return gptq_quantize(layer, 3, data=[(x, NONE) for x in inputs]).weight.detach()


@torch.no_grad()
@pytest.mark.parametrize("broken", [False, True])
def test_each_block_is_rounded_behind_those_already_rounded(broken: bool) -> None:
    model = Deep(3, broken=broken)
    child = gptq_quantize(model, 3, data=data())
    hidden = [x for x, _ in data()]
    first = alone(model.first, hidden)
    torch.testing.assert_close(child.first.weight, first, rtol=1e-4, atol=1e-5)
    hidden = [x @ first.T for x in hidden]
    for number, (block, rounded) in enumerate(zip(model.blocks, child.blocks, strict=True)):
        wanted = alone(block.up, hidden)
        torch.testing.assert_close(rounded.up.weight, wanted, rtol=1e-4, atol=1e-5)
        hidden = [x + (0.5 + number) * torch.tanh(x @ wanted.T) for x in hidden]
    torch.testing.assert_close(child.last.weight, alone(model.last, hidden), rtol=1e-4, atol=1e-5)


def test_a_block_runs_as_often_however_many_there_are() -> None:
    calls = {depth: {block.calls for block in gptq_quantize(Deep(depth), 3, data=data(4)).blocks} for depth in (3, 12)}
    assert calls[3] == calls[12]


class Counted(nn.Linear):
    """Counts how often it runs."""

    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x)


def test_how_blocks_are_called_is_seen_at_the_first_where_all_are_called_alike() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = Counted(8, 8, bias=False)

        def forward(self, x: Tensor, scale: Tensor) -> Tensor:
            return torch.tanh(self.layer(x)) * scale

    class Called(nn.Module):
        """Blocks that get the same scale, or each one of its own."""

        def __init__(self, alike: bool) -> None:
            super().__init__()
            self.blocks, self.alike = nn.ModuleList(Block() for _ in range(3)), alike

        def forward(self, x: Tensor) -> Tensor:
            shared = x.new_full((), 2.0)
            for number, block in enumerate(self.blocks):
                x = block(x, shared if self.alike else x.new_full((), 2.0 + number))
            return x

    for alike in (True, False):
        torch.manual_seed(0)
        first, *others = (block.layer.calls for block in gptq_quantize(Called(alike), 3, data=data(5)).blocks)
        assert {first - other for other in others} == ({4} if alike else {0})


def test_batches_of_other_shapes_may_call_blocks_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    class Windowed(nn.Module):
        """Blocks that get a window of their own where there are more vectors than four."""

        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList(Window() for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            whole = torch.ones(())
            for number, block in enumerate(self.blocks):
                x = block(x, whole if x.shape[0] <= 4 else torch.linspace(-3, 5, 8).roll(3 * number))
            return x

    class Window(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 8, bias=False)

        def forward(self, x: Tensor, scale: Tensor) -> Tensor:
            return torch.tanh(self.layer(x)) * scale

    torch.manual_seed(0)
    model = Windowed()
    batches = [(torch.randn(count, 8), NONE) for count in (4, 40, 4, 40)]
    found = gptq_quantize(model, 3, data=batches).state_dict()
    monkeypatch.setattr("compress_compare.operations.parts.blocks._Call.is_like", lambda *_: False)
    for name, values in gptq_quantize(model, 3, data=batches).state_dict().items():
        assert torch.equal(found[name], values)


class Gated(nn.Module):
    """Two layers with the same input, and one behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up, self.down = (nn.Linear(8, 8, bias=False) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(torch.relu(self.gate(x)) * self.up(x))


@torch.no_grad()
def test_within_a_block_layers_see_the_block_as_it_was() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(Gated(), Gated())
    child = gptq_quantize(model, 3, data=data())
    hidden = [x for x, _ in data()]
    for block, rounded in zip(model, child, strict=True):
        inner = [torch.relu(block.gate(x)) * block.up(x) for x in hidden]
        gate, up, down = alone(block.gate, hidden), alone(block.up, hidden), alone(block.down, inner)
        for found, wanted in ((rounded.gate, gate), (rounded.up, up), (rounded.down, down)):
            torch.testing.assert_close(found.weight, wanted, rtol=1e-4, atol=1e-5)
        hidden = [x + (torch.relu(x @ gate.T) * (x @ up.T)) @ down.T for x in hidden]


def test_moments_are_let_go_block_by_block() -> None:
    model = Deep(4)
    context = Context(data=data(), loss=lambda *_: torch.zeros(()), references={}, progress=lambda *_: None)
    weights = select("test", model)
    use = first_use(model, weights, context=context, name="test")
    parts = [part for part, _ in stages(model, weights, order=use.multiplied, context=context, name="test")]
    assert parts == ["first.weight", *(f"blocks.{number}" for number in range(4)), "last.weight"]


def test_decoders_are_read_without_a_cache() -> None:
    transformers = pytest.importorskip("transformers")
    from ..zoo import make

    del transformers
    model, (inputs, targets) = make("gpt2")
    said: list[str] = []
    given: dict[str, Any] = {"data": [(inputs, targets)], "progress": lambda _, text: said.append(text)}
    child = gptq_quantize(model, 4, **given)
    assert any(text.startswith("transformer.h.1: ") for text in said)
    assert child.config.use_cache and model.config.use_cache


@torch.no_grad()
def test_what_is_looked_up_is_rounded_before_what_reads_it() -> None:
    torch.manual_seed(0)
    model, tokens = nn.Sequential(nn.Embedding(30, 8), nn.Linear(8, 8, bias=False)), torch.arange(30)[None]
    child = gptq_quantize(model, 2, data=[(tokens, tokens)])
    table = quantize(model, 2, targets=["0"])[0].weight
    assert torch.equal(child[0].weight, table)
    layer = gptq_quantize(model[1], 2, data=[(table[tokens], NONE)])
    torch.testing.assert_close(child[1].weight, layer.weight, rtol=1e-4, atol=1e-5)


class Kept:
    """Finished weights, in memory."""

    def __init__(self) -> None:
        self.there: dict[str, tuple[Tensor, TensorScheme]] = {}

    def load(self, name: str) -> tuple[Tensor, TensorScheme] | None:
        return self.there.get(name)

    def save(self, name: str, values: Tensor, *, stored: TensorScheme) -> None:
        self.there[name] = (values.clone(), stored)


class Killed(Exception):
    pass


def test_an_interrupted_run_goes_on_with_the_block_at_which_it_was() -> None:
    whole, kept, again = gptq_quantize(Deep(4), 3, data=data()), Kept(), list[str]()

    def stop(_share: float, text: str) -> None:
        if text.startswith("blocks.2"):
            raise Killed

    with pytest.raises(Killed):
        gptq_quantize(Deep(4), 3, data=data(), progress=stop, finished=kept)
    assert [name for name in kept.there if name.endswith("finished")] == ["blocks.0 finished", "blocks.1 finished"]
    child = gptq_quantize(Deep(4), 3, data=data(), progress=lambda _, text: again.append(text), finished=kept)
    assert "blocks.1: finished before the interruption" in again and "blocks.1: blocks.1.up.weight" not in again
    assert "blocks.2: blocks.2.up.weight" in again
    assert child.blocks[1].calls < whole.blocks[1].calls
    assert of(child) == of(whole)
    for name, values in whole.state_dict().items():
        assert torch.equal(values, child.state_dict()[name]), name


class Tied(nn.Module):
    """Two blocks with one weight."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.blocks[1].up.weight = self.blocks[0].up.weight

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, scale=1.0)[0]
        return x


@pytest.mark.parametrize("operation", [gptq_quantize, awq_quantize])
def test_a_weight_of_two_blocks_is_rounded_once_by_the_inputs_of_both(operation: Any) -> None:
    model = Tied()
    child = operation(model, 3, data=data())
    inputs = list[Tensor]()
    for block in model.blocks:
        block.up.register_forward_hook(lambda _module, given, _output: inputs.append(given[0]))
    for x, _ in data():
        model(x)
    layer = nn.Linear(8, 8, bias=False)
    layer.weight = nn.Parameter(model.blocks[0].up.weight.detach().clone())
    wanted = operation(layer, 3, data=[(x.detach(), NONE) for x in inputs])
    torch.testing.assert_close(child.blocks[0].up.weight, wanted.weight, rtol=1e-4, atol=1e-5)
    assert child.blocks[0].up.weight is child.blocks[1].up.weight


def test_scales_are_chosen_block_by_block_for_the_inputs_of_the_model_as_it_is() -> None:
    said = list[str]()
    child = awq_quantize(Deep(3), 3, data=data(), progress=lambda _, text: said.append(text))
    assert [text.split(":")[0] for text in said if ":" in text] == ["outside of blocks"] * 2 + [
        f"blocks.{number}" for number in range(3)
    ]
    model = Deep(3)
    hidden = [model.first(x).detach() for x, _ in data()]
    for number, (block, rounded) in enumerate(zip(model.blocks, child.blocks, strict=True)):
        wanted = awq_quantize(block.up, 3, data=[(x, NONE) for x in hidden]).weight
        torch.testing.assert_close(rounded.up.weight, wanted, rtol=1e-4, atol=1e-5)
        hidden = [block(x, scale=0.5 + number)[0].detach() for x in hidden]
    assert {block.calls for block in awq_quantize(Deep(9), 3, data=data()).blocks} == {child.blocks[0].calls}
