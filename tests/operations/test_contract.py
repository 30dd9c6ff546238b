"""The contract that every operation keeps on every kind of network. A new operation is in it by being registered."""

from __future__ import annotations

import copy
import functools
import inspect
import json
import random
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress_compare import operations
from compress_compare.errors import InvalidValue, UserError
from compress_compare.operations import BaseOperation
from compress_compare.operations.parts.data import cross_entropy
from compress_compare.schemes import scheme

from .networks import CASES, build

ALL = operations.available()
SHORT: dict[str, dict[str, Any]] = {"train": {"epochs": 2}, "dkm palettize": {"bits": 2, "small": 0}}
"""Parameters that make an operation quick to try; else its defaults are tried."""

WITH_DATA = [name for name in ALL if ALL[name].data_requirement != "none"]
KEEPING_SHAPES = [name for name in ALL if ALL[name].keeps_shapes]
COMPRESSING = [name for name in KEEPING_SHAPES if ALL[name].data_requirement != "finetune"]
WITH_TARGETS = [name for name in ALL if "targets" in ALL[name].json_schema()["properties"]]

every_operation = pytest.mark.parametrize("name", ALL)
every_case = pytest.mark.parametrize("case", CASES)


def make(name: str) -> BaseOperation:
    return ALL[name](**SHORT.get(name, {}))


def context(operation: BaseOperation, data: Any, case: str = "convolutional") -> dict[str, Any]:
    """What the operation declares that it needs."""
    given: dict[str, Any] = {} if operation.data_requirement == "none" else {"data": data}
    if operation.roles:
        given["references"] = {role: build(case)[0] for role in operation.roles}
    return given


def apply(name: str, case: str) -> tuple[nn.Module, nn.Module]:
    """A network and what the operation makes of it; skips where the operation says it does not apply."""
    result = applied(name, case)
    if isinstance(result, UserError):
        assert result.code == "operation.not_applicable"
        assert name in result.title
        pytest.skip(result.title)
    return result


@functools.cache
def applied(name: str, case: str) -> tuple[nn.Module, nn.Module] | UserError:
    """Made once: the tests that share it change nothing but modes."""
    model, data = build(case)
    operation = make(name)
    try:
        return model, operation(model, **context(operation, data, case))
    except UserError as error:
        return error


def tensors(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert list(first) == list(second)
    for key, value in first.items():
        torch.testing.assert_close(value, second[key], rtol=0, atol=0, equal_nan=True, msg=key)


@every_operation
@every_case
def test_input_is_untouched(name: str, case: str) -> None:
    model, data = build(case)
    inputs, targets = data[0]
    cross_entropy(model(inputs), targets).backward()
    list(model.modules())[-1].eval()
    calls: list[int] = []
    model.register_forward_hook(lambda *_: calls.append(1))
    before, gradients = (
        tensors(model),
        {key: p.grad.clone() for key, p in model.named_parameters() if p.grad is not None},
    )
    modes = [module.training for module in model.modules()]
    attributes = set(vars(model))
    operation = make(name)
    torch.manual_seed(3), random.seed(3), np.random.seed(3)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    try:
        child = operation(model, **context(operation, data, case))
    except UserError as error:
        assert error.code == "operation.not_applicable"
    else:
        assert [child.get_submodule(key).training for key, _ in model.named_modules() if operation.keeps_shapes] == [
            mode for mode in modes if operation.keeps_shapes
        ]
        assert all(parameter.grad is None for parameter in child.parameters())
        assert not {id(p) for p in child.parameters()} & {id(p) for p in model.parameters()}
    assert_same(before, tensors(model))
    assert gradients and all(
        torch.equal(p.grad, gradients[key]) for key, p in model.named_parameters() if p.grad is not None
    )
    assert modes == [module.training for module in model.modules()]
    assert set(vars(model)) == attributes and len(model._forward_hooks) == 1
    assert torch.equal(states[0], torch.get_rng_state()) and states[1] == random.getstate()
    assert np.array_equal(states[2], np.random.get_state()[1])  # type: ignore[index]


@every_operation
@every_case
def test_deterministic_whatever_the_global_seed(name: str, case: str) -> None:
    first = apply(name, case)[1]
    model, data = build(case)
    torch.manual_seed(2)
    second = make(name)(model, **context(make(name), data, case))
    assert_same(tensors(first), tensors(second))
    assert scheme.of(first) == scheme.of(second)


@every_operation
@every_case
def test_state_dict_reloads(name: str, case: str) -> None:
    child = apply(name, case)[1].eval()
    empty = copy.deepcopy(child)
    with torch.no_grad():
        for value in empty.state_dict().values():
            value.zero_()
    empty.load_state_dict(child.state_dict(), strict=True)
    inputs = build(case)[1][0][0]
    torch.testing.assert_close(child(inputs), empty(inputs), rtol=0, atol=0)


@pytest.mark.parametrize("name", KEEPING_SHAPES)
@every_case
def test_shapes_names_and_ties_are_kept(name: str, case: str) -> None:
    model, child = apply(name, case)
    described = [(key, value.shape, value.dtype) for key, value in model.state_dict().items()]
    assert described == [(key, value.shape, value.dtype) for key, value in child.state_dict().items()]
    assert [key for key, _ in model.named_parameters()] == [key for key, _ in child.named_parameters()]
    assert [p.requires_grad for p in model.parameters()] == [p.requires_grad for p in child.parameters()]


@every_operation
@every_case
def test_output_has_the_same_shape_and_is_finite(name: str, case: str) -> None:
    model, child = apply(name, case)
    inputs = build(case)[1][0][0]
    output = child.eval()(inputs)
    assert output.shape == model.eval()(inputs).shape
    assert torch.isfinite(output).all()


@pytest.mark.parametrize("name", COMPRESSING)
@every_case
def test_norms_and_biases_are_left_alone(name: str, case: str) -> None:
    model, child = apply(name, case)
    after = dict(child.named_parameters())
    for key, parameter in model.named_parameters():
        assert parameter.ndim >= 2 or torch.equal(parameter, after[key]), key


@every_operation
@every_case
def test_lowers_what_it_says(name: str, case: str) -> None:
    model, child = apply(name, case)
    data = build(case)[1]
    lowers = ALL[name].lowers
    if lowers == "non-zero weights":
        assert nonzero(child) < nonzero(model)
    elif lowers == "stored bits":
        stored = scheme.of(child)
        assert stored and all((entry.bits or 32) < 32 for entry in stored.values())
    elif lowers == "training loss":
        assert mean_loss(child, data) < mean_loss(model, data)


def nonzero(model: nn.Module) -> int:
    return sum(int(parameter.count_nonzero()) for parameter in model.parameters())


def mean_loss(model: nn.Module, data: list[tuple[Tensor, Tensor]]) -> float:
    model.eval()
    return sum(cross_entropy(model(inputs), targets).item() for inputs, targets in data) / len(data)


@every_operation
@every_case
def test_scheme_names_tensors_of_the_state_dict(name: str, case: str) -> None:
    child = apply(name, case)[1]
    stored = scheme.of(child)
    assert set(stored) <= set(child.state_dict())
    assert scheme.from_json(json.loads(json.dumps(scheme.to_json(stored)))) == stored
    assert scheme.of(copy.deepcopy(child)) == stored


@every_operation
def test_parameters_round_trip(name: str) -> None:
    for operation in (ALL[name](), make(name), *(ALL[name](**{key: value}) for key, value in other_values(name))):
        record = operation.record()
        assert record.name == name
        assert operations.from_record(record) == operation
        assert ALL[name].from_parameters(json.loads(json.dumps(operation.parameters))) == operation


def other_values(name: str) -> list[tuple[str, Any]]:
    """A value other than the default for every field that can be varied by itself."""
    varied: list[tuple[str, Any]] = []
    for key, schema in ALL[name].json_schema().get("properties", {}).items():
        for value in candidates(schema):
            if value == schema.get("default"):
                continue
            try:
                ALL[name](**{key: value})
            except InvalidValue as error:
                assert error.code == "parameter.combination", error
                continue
            varied.append((key, value))
    return varied


def candidates(schema: dict[str, Any]) -> list[Any]:
    if "enum" in schema:
        return list(schema["enum"])
    if "anyOf" in schema:
        return [value for choice in schema["anyOf"] for value in candidates(choice)]
    if "const" in schema:
        return [schema["const"]]
    kind = schema.get("type")
    if kind == "boolean":
        return [True, False]
    if kind == "array":
        return [["Linear"]]
    return [schema[bound] for bound in ("minimum", "maximum") if bound in schema]


@every_operation
def test_unknown_parameter_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        ALL[name](**{"no such thing": 1})
    assert caught.value.code == "parameter.unknown"
    assert name in caught.value.title and "'no such thing'" in caught.value.title


@every_operation
def test_misspelled_parameter_names_the_nearest(name: str) -> None:
    for item in fields(ALL[name]):  # type: ignore[arg-type]
        with pytest.raises(InvalidValue, match=f"Did you mean {item.name!r}"):
            ALL[name](**{item.name + "x": 1})


@every_operation
def test_every_bound_violated_gives_one_sentence(name: str) -> None:
    for key, schema in ALL[name].json_schema().get("properties", {}).items():
        for wrong in violations(schema):
            with pytest.raises(InvalidValue) as caught:
                ALL[name](**{key: wrong})
            error = caught.value
            assert error.code.startswith("parameter."), error
            assert error.title.startswith(f"{name}: {key} must be ") and error.title.endswith(".")
            assert "\n" not in str(error) and len(str(error)) < 250
            assert repr(wrong).strip("[]")[:20] in error.detail


def violations(schema: dict[str, Any]) -> list[Any]:
    wrong: list[Any] = [{"a": 1}]
    for part in schema.get("anyOf", [schema]):
        number = part.get("type") in ("number", "integer")
        wrong += [part["minimum"] - 1] if "minimum" in part else []
        wrong += [part["maximum"] + 1] if "maximum" in part else []
        wrong += [part["exclusiveMinimum"]] if "exclusiveMinimum" in part else []
        wrong += [part["exclusiveMaximum"]] if "exclusiveMaximum" in part else []
        wrong += [float("nan"), float("inf"), "1", True] if number else []
        wrong += ["no such choice"] if {"enum", "const"} & set(part) else []
        wrong += ["Linear", [1]] if part.get("type") == "array" else []
        wrong += [2, "yes"] if part.get("type") == "boolean" else []
    return wrong


@every_operation
def test_every_field_is_described_and_bounded(name: str) -> None:
    described = ALL[name].json_schema()
    assert described["title"] == name and described["description"]
    assert described.get("additionalProperties") is False
    for key, schema in described.get("properties", {}).items():
        assert schema.get("description", "").endswith("."), key
        assert "default" in schema, key
        if schema.get("type") in ("integer", "number"):
            assert {"minimum", "exclusiveMinimum"} & set(schema) and {"maximum", "exclusiveMaximum"} & set(schema), key
    json.dumps(described)


@pytest.mark.parametrize("name", WITH_DATA)
def test_missing_empty_or_single_use_data_is_refused(name: str) -> None:
    operation = make(name)
    model, data = build("convolutional")
    for wrong, code in [(None, "data.missing"), ([], "data.empty"), (iter(data), "data.once"), ([1], "data.batch")]:
        with pytest.raises(InvalidValue) as caught:
            operation(model, **{**context(operation, data), "data": wrong})
        assert caught.value.code == code and name in caught.value.title


@pytest.mark.parametrize("name", WITH_DATA)
def test_batches_of_the_wrong_shape_are_refused(name: str) -> None:
    operation = make(name)
    model, data = build("convolutional")
    with pytest.raises(InvalidValue, match=f"{name}: the model cannot be run on a batch") as caught:
        operation(model, **{**context(operation, data), "data": [(torch.zeros(2, 3), torch.zeros(2).long())]})
    assert caught.value.code == "data.forward"


@every_operation
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(name: str, value: float) -> None:
    model, data = build("residual")
    with torch.no_grad():
        model.get_parameter("conv.weight")[0, 0, 0, 0] = value
    operation = make(name)
    with pytest.raises(InvalidValue, match=r"'conv\.weight' is not finite") as caught:
        operation(model, **context(operation, data))
    assert caught.value.code == "weights.not_finite"


@pytest.mark.parametrize("name", WITH_TARGETS)
def test_a_pattern_that_matches_nothing_is_refused(name: str) -> None:
    model, data = build("convolutional")
    for field in {"targets", "ignore"} & set(ALL[name].__dataclass_fields__):
        operation = ALL[name](**{**SHORT.get(name, {}), field: ["Conv3d"]})
        with pytest.raises(InvalidValue, match="'Conv3d' matches no module") as caught:
            operation(model, **context(operation, data))
        assert caught.value.code == "targets.no_match"


@every_operation
def test_something_that_is_no_module_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        make(name)({"weight": torch.ones(2, 2)})  # type: ignore[arg-type]
    assert caught.value.code == "model.type"


@every_operation
def test_function_form(name: str) -> None:
    function = getattr(operations, name.replace(" ", "_"), None) or operations.function(ALL[name])
    model, data = build("convolutional")
    operation = make(name)
    given = context(operation, data)
    assert_same(tensors(function(model, **operation.parameters, **given)), tensors(operation(model, **given)))
    assert function.__name__ == name.replace(" ", "_") and inspect.getdoc(ALL[name]) in function.__doc__


@every_operation
def test_works_without_gradients_enabled(name: str) -> None:
    model, data = build("convolutional")
    operation = make(name)
    with torch.no_grad():
        child = operation(model, **context(operation, data))
    with torch.inference_mode():
        other = operation(model, **context(operation, data))
    assert_same(tensors(child), tensors(other))
