from __future__ import annotations

import dataclasses
import inspect
from importlib.metadata import EntryPoint
from typing import ClassVar

import numpy as np
import pytest

from compress_compare import operations, plugins, records
from compress_compare.errors import NotFound, UserError
from compress_compare.operations import BaseOperation, MagnitudePrune, operation, registry


@operation
class Negate(BaseOperation):
    """Change the sign of everything."""

    name: ClassVar[str] = "negate"

    def apply(self, model, _context, /):  # type: ignore[no-untyped-def]
        for parameter in model.parameters():
            parameter.data.neg_()
        return model


def with_entry_points(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    ours = plugins.GROUPS["operation"]
    points = [EntryPoint(name="extra", value=value, group=ours) for value in values]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == ours else [])


def test_names_and_files_are_one() -> None:
    for name, cls in operations.OPERATIONS.items():
        assert cls.name == name
        assert cls.__module__ == f"compress_compare.operations.{name.replace(' ', '_')}"
        assert getattr(operations, cls.__name__) is cls
        assert callable(getattr(operations, name.replace(" ", "_")))


def test_two_classes_of_one_name_are_refused() -> None:
    @operation
    class Other(BaseOperation):
        """Has the name of another."""

        name: ClassVar[str] = "magnitude prune"

        def apply(self, model, _context, /):  # type: ignore[no-untyped-def]
            return model

    names = {"BaseOperation": BaseOperation, "MagnitudePrune": MagnitudePrune, "again": MagnitudePrune}
    assert registry.imported(names) == {"magnitude prune": MagnitudePrune}
    with pytest.raises(ValueError, match=r"magnitude_prune and .*test_registry both have the name 'magnitude prune'"):
        registry.imported({**names, "Other": Other})


def test_lookup_takes_spaces_or_underscores_and_suggests() -> None:
    assert operations.get("magnitude prune") is operations.get("magnitude_prune") is MagnitudePrune
    with pytest.raises(NotFound, match="Did you mean 'magnitude prune'"):
        operations.get("magnitud prune")
    with pytest.raises(NotFound, match="There are: awq quantize"):
        operations.from_record(records.Operation("zzz"))


def test_entry_points_join(monkeypatch: pytest.MonkeyPatch) -> None:
    with_entry_points(monkeypatch, f"{__name__}:Negate")
    assert operations.get("negate") is Negate
    assert operations.from_record(Negate().record()) == Negate()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module:Thing", "ModuleNotFoundError"),
        (f"{__name__}:with_entry_points", "is not an operation class"),
        ("compress_compare.operations:MagnitudePrune", "is taken"),
    ],
)
def test_broken_entry_points_are_reported(monkeypatch: pytest.MonkeyPatch, value: str, reason: str) -> None:
    with_entry_points(monkeypatch, value)
    with pytest.raises(UserError, match=reason) as caught:
        operations.available()
    assert caught.value.code == "operation.entry_point" and "'extra'" in caught.value.title


def test_record_has_the_main_parameters_and_what_differs() -> None:
    assert MagnitudePrune().record() == records.Operation("magnitude prune", amount=0.5)
    assert MagnitudePrune(0.7, "local", targets=["Linear"]).record().parameters == {
        "amount": 0.7,
        "scope": "local",
        "targets": ["Linear"],
    }


def test_numpy_numbers_are_numbers() -> None:
    assert MagnitudePrune(np.float32(0.5)) == MagnitudePrune(0.5)
    assert operations.Quantize(np.int64(4)) == operations.Quantize(4)


def test_operations_are_frozen_and_hashable() -> None:
    assert len({MagnitudePrune(0.5), MagnitudePrune(0.5), MagnitudePrune(0.6)}) == 2
    with pytest.raises(AttributeError):
        MagnitudePrune().amount = 0.1  # type: ignore[misc]


def test_replacing_a_parameter_checks_it_again() -> None:
    assert dataclasses.replace(MagnitudePrune(0.3), targets=("fc",)) == MagnitudePrune(0.3, targets=["fc"])
    with pytest.raises(UserError, match="amount must be a number from 0 to 1"):
        dataclasses.replace(MagnitudePrune(0.3), amount=3)


def test_function_form_has_a_signature_and_help() -> None:
    parameters = inspect.signature(operations.quantize).parameters
    assert list(parameters)[:3] == ["model", "bits", "symmetric"] and parameters["bits"].default == 8
    assert "bits: Bits per weight." in (operations.quantize.__doc__ or "")
