"""Names of schemes, against what compressed-tensors 0.20 says they are."""

from __future__ import annotations

import dataclasses
import inspect

import pytest
import torch
from torch import nn

from compress_compare import operations
from compress_compare.errors import InvalidValue
from compress_compare.operations import QAT, AWQQuantize, BaseOperation, GPTQQuantize, Quantize, QuantizeDynamic
from compress_compare.recipes import reader
from compress_compare.recipes.sweep import sweep

WITH_PRESETS = [Quantize, GPTQQuantize, AWQQuantize, QAT]
NAMES = "W2A16, W3A16, W4A16, W5A16, W6A16, W7A16, W8A16, W4A16_ASYM"


@pytest.mark.parametrize("cls", WITH_PRESETS)
def test_a_name_is_what_it_stands_for(cls: type[BaseOperation]) -> None:
    for bits in range(2, 9):
        assert cls(scheme=f"W{bits}A16") == cls(bits=bits, symmetric=True, strategy="group", group_size=128)
    uneven = cls(scheme="W4A16_ASYM")
    assert uneven == cls(bits=4, symmetric=False, strategy="group", group_size=128)
    assert uneven.record().parameters.items() >= {"bits": 4, "symmetric": False, "group_size": 128}.items()
    assert "scheme" not in uneven.record().parameters and operations.from_record(uneven.record()) == uneven


@pytest.mark.parametrize("name", ["w4a16", " W4A16 ", "16a4w", "16A4W"])
def test_other_spellings(name: str) -> None:
    assert Quantize(scheme=name) == Quantize(scheme="W4A16")


def test_the_weights_are_those_of_the_parameters() -> None:
    torch.manual_seed(0)
    model = nn.Linear(300, 4)
    named, plain = (
        operations.quantize(model, scheme="W4A16"),
        operations.quantize(model, 4, strategy="group", group_size=128),
    )
    assert torch.equal(named.weight, plain.weight)
    assert operations.scheme.of(named) == operations.scheme.of(plain)
    assert "scheme" in inspect.signature(operations.quantize).parameters


def test_what_agrees_may_be_said_twice() -> None:
    assert Quantize(4, scheme="W4A16", group_size=128) == Quantize(scheme="W4A16")
    assert dataclasses.replace(Quantize(scheme="W4A16"), bits=3) == Quantize(scheme="W3A16")


@pytest.mark.parametrize("cls", WITH_PRESETS)
@pytest.mark.parametrize(
    ("given", "must"),
    [
        ({"bits": 8}, "bits must be 4"),
        ({"symmetric": False}, "symmetric must be True"),
        ({"strategy": "channel"}, "strategy must be 'group'"),
        ({"group_size": 64}, "group_size must be 128"),
    ],
)
def test_a_contradiction_says_what_the_scheme_is(cls: type[BaseOperation], given: dict[str, object], must: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        cls(scheme="W4A16", **given)
    meaning = "bits=4, symmetric=True, strategy='group', group_size=128"
    assert caught.value.title == f"{cls.name}: {must} with the scheme W4A16, which is {meaning}."


def test_a_contradiction_by_position() -> None:
    with pytest.raises(InvalidValue, match="bits must be 4"):
        Quantize(8, scheme="W4A16")


@pytest.mark.parametrize("cls", WITH_PRESETS)
@pytest.mark.parametrize("name", ["W4A17", "FP8", "", 4])
def test_an_unknown_name_lists_the_known(cls: type[BaseOperation], name: object) -> None:
    with pytest.raises(InvalidValue) as caught:
        cls(scheme=name)
    listed = ", ".join(repr(one) for one in NAMES.split(", "))
    assert str(caught.value.title) == f"{cls.name}: scheme must be one of {listed} or none."
    assert caught.value.detail == f"Found {name!r}."


@pytest.mark.parametrize("name", ["W8A8", "w8a8", "8a8w", "INT8"])
def test_rounding_activations_too_is_another_operation(name: str) -> None:
    assert QuantizeDynamic(scheme=name) == QuantizeDynamic()
    with pytest.raises(InvalidValue, match=f"one of {NAMES}; W8A8 .* is 'quantize dynamic'"):
        Quantize(scheme=name)
    with pytest.raises(InvalidValue, match="quantize dynamic: scheme must be 'W8A8' or none"):
        QuantizeDynamic(scheme="W4A16")


def test_a_misspelled_scheme_is_told_apart() -> None:
    with pytest.raises(InvalidValue) as caught:
        Quantize(schem="W4A16")  # type: ignore[call-arg]
    assert caught.value.hint == "Did you mean 'scheme'?"


def test_in_a_recipe() -> None:
    recipe = reader.loads("base: cnn\nsteps:\n  - quantize: {scheme: [W4A16, W8A16]}\n")
    made = [step.operation for step in recipe.steps]
    assert made == [Quantize(scheme="W4A16"), Quantize(scheme="W8A16")] == sweep(Quantize, scheme=["W4A16", "W8A16"])
    with pytest.raises(InvalidValue, match="bits must be 4 with the scheme W4A16") as caught:
        reader.loads("base: cnn\nsteps:\n  - quantize:\n      scheme: W4A16\n      bits: 8\n")
    assert "Line 5" in str(caught.value.detail)
