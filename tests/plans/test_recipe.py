"""A plan as a recipe, read back by the reader that runs them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import BaseOperation, Calibrate, Distill, Quantize
from compress_compare.plans import recipe
from compress_compare.plans.recommend import Budget, recommend
from compress_compare.plans.sensitivity import Study, sensitivity
from compress_compare.recipes import reader

NAMES = ("a", 'x": {y}  # \n"\\', "re:.*\\.weight", "true", "1")


def chain(text: str) -> list[BaseOperation]:
    """The operations of a recipe whose steps follow each other."""
    found, steps = [], reader.loads(text).steps
    while steps:
        assert len(steps) == 1
        found.append(steps[0].operation)
        steps = steps[0].then
    return found


def test_it_reads_as_the_same_operations() -> None:
    plan = [Quantize(scheme="W4A16", targets=NAMES), Calibrate(), Quantize(8, symmetric=False, ignore=("b",))]
    text = recipe.text(plan, base="cnn: 1", id="mixed")
    assert chain(text) == plan
    assert reader.loads(text).base == "cnn: 1"
    assert text.count("id: mixed") == 1
    assert chain(recipe.text(plan[:1], base="cnn")) == plan[:1]


def test_a_recommended_plan_comes_back() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    inputs = torch.randn(20, 8)
    with torch.no_grad():
        answers = model(inputs)
    study = Study(lambda child: float((child(inputs) - answers).square().mean()))
    table = sensitivity(model, [Quantize(8), Quantize(4), Quantize(2)], study=study)
    plan = recommend(table, Budget("bits_per_weight", 7), higher_is_better=False)
    expected = model
    for operation in plan.operations:
        expected = operation(expected)
    read = model
    for operation in chain(recipe.text(plan.operations, base="base")):
        read = operation(read)
    assert all(torch.equal(one, other) for one, other in zip(expected.parameters(), read.parameters(), strict=True))


@pytest.mark.parametrize(("plan", "code"), [([], "export.empty"), ([Distill()], "export.unsupported")])
def test_what_makes_no_recipe(plan: list[BaseOperation], code: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        recipe.text(plan, base="cnn")
    assert caught.value.code == code
