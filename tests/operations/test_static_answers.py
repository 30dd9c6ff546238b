"""Static int8 of models that answer with dataclasses, and what it says of models that cannot become a graph."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import quantize_static
from compress_compare.operations.parts.answers import plain, restored, template

ROWS = torch.randn(4, 8, generator=torch.Generator().manual_seed(1))
DATA: list[tuple[Any, Any]] = [(ROWS, torch.tensor([0, 1, 2, 3]))]


class Task(Enum):
    CLASSES = 1


@dataclass(frozen=True)
class Inner:
    hidden: Tensor
    task: Task = Task.CLASSES


@dataclass
class Answer:
    logits: Tensor
    inner: tuple[Inner, ...]
    count: int = 0
    extra: Tensor | None = None
    calls: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.calls += 1


class Pair(NamedTuple):
    first: Any
    second: Any


class Records(nn.Module):
    """Answers with dataclasses inside of others, which no pytree knows."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.out = nn.Linear(8, 16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Answer:
        hidden = self.first(x)
        return Answer(self.out(hidden.relu()), (Inner(hidden),), 3)


def test_dataclasses_come_out_as_they_were() -> None:
    model = Records().eval()
    child = quantize_static(model, data=DATA)
    for each in (child, copy.deepcopy(child)):
        found = each(ROWS)
        assert type(found) is Answer and type(found.inner[0]) is Inner
        assert (found.count, found.extra, found.calls, found.inner[0].task) == (3, None, 1, Task.CLASSES)
        assert torch.allclose(found.logits, model(ROWS).logits, atol=0.05)
        assert not torch.equal(found.logits, model(ROWS).logits)
    assert child.get_parameter("out.weight").dtype == torch.int8
    assert not model._forward_hooks


def test_what_is_made_plain_is_restored() -> None:
    inner = Inner(ROWS)
    answer: Any = {"a": [inner, ROWS], "b": Pair(inner, None), "c": (1, "x")}
    flat = plain(answer)
    assert flat["a"][0] == {"hidden": ROWS, "task": None} and type(flat["b"]) is Pair
    again = restored(flat, template(answer))
    assert again["a"][0] == inner and again["a"][1] is ROWS and again["b"] == answer["b"] and again["c"] == (1, "x")
    assert template({"a": [ROWS], "b": Pair(ROWS, 1)}) is None


class Odd:
    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


class Objects(Records):
    def forward(self, x: Tensor) -> Any:
        return Odd(self.out(self.first(x)))


def test_other_objects_are_refused_with_what_to_answer_instead() -> None:
    with pytest.raises(InvalidValue, match=r"answers with a Odd, which torch.export does not know.*dataclasses"):
        quantize_static(Objects().eval(), data=DATA)


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x


def test_the_module_that_cannot_be_traced_is_named_and_no_graph_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.Sequential(Branching(), nn.ReLU()), nn.Linear(16, 5)).eval()
    with pytest.raises(InvalidValue, match=r"cannot turn the model into a graph. In the module '1.0': Guard"):
        quantize_static(model, data=DATA)
    assert "def forward" not in "".join(capfd.readouterr())


def test_the_module_that_refuses_a_batch_is_named() -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.Sequential(nn.ReLU(), nn.Linear(9, 5)))
    with pytest.raises(InvalidValue, match=r"cannot be run on a batch.*In the module '1.1': mat1 and mat2"):
        quantize_static(model, data=DATA)


class Keywords(nn.Module):
    """Takes what it does not name, and adds whole numbers, as models of transformers do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.first, self.out = nn.Embedding(20, 8), nn.Linear(8, 16), nn.Linear(16, 5)

    def forward(self, tokens: Tensor, **others: Tensor) -> Tensor:
        tokens = (tokens + tokens.cumsum(1) * others["mask"]).relu() % 20
        return self.out(self.first(self.table(tokens).mean(1)).relu())


def test_whole_numbers_and_arguments_without_a_name_are_no_obstacle() -> None:
    model = Keywords().eval()
    inputs = {"tokens": torch.arange(24).reshape(4, 6) % 20, "mask": torch.ones(4, 6, dtype=torch.long)}
    child = quantize_static(model, data=[(inputs, DATA[0][1])])
    shorter = {key: value[:3, :5] for key, value in inputs.items()}
    assert torch.allclose(child(**shorter), model(**shorter), atol=0.05)
    assert child.get_parameter("first.weight").dtype == torch.int8


class Mapped(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.vmap(lambda row: row.new_ones(8) + row * 2)(x)


def test_a_graph_that_could_not_be_run_is_refused_with_its_module() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Sequential(Mapped()), nn.Linear(8, 5)).eval()
    with pytest.raises(InvalidValue, match=r"In the module '1.0': torch.vmap is run, which a graph cannot do"):
        quantize_static(model, data=DATA)


class Fused(nn.Module):
    """One activation behind several sums, as in HRNet."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.act, self.branches = nn.ReLU(), nn.ModuleList([nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.act(x + branch(x)) for branch in self.branches], 1)


def test_an_activation_that_runs_on_several_branches_is_no_obstacle() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(Fused(), nn.Flatten(), nn.Linear(96, 5)).eval(), torch.randn(4, 3, 4, 4)
    child = quantize_static(model, data=[(x, DATA[0][1])])
    assert torch.allclose(child(x), model(x), atol=0.1)
    assert [child.get_parameter(f"0.branches.{i}.weight").dtype for i in range(2)] == [torch.int8, torch.int8]
