"""The base class of operations: a frozen, strict dataclass that turns a model into a new model.

An operation file holds one class, made with the ``operation`` decorator::

    @operation
    class MagnitudePrune(BaseOperation):
        "Set the smallest weights to zero."

        name: ClassVar[str] = "magnitude prune"
        main: ClassVar[tuple[str, ...]] = ("amount",)

        amount: Annotated[float, Field(ge=0, le=1)] = 0.5
        "Share of the weights to set to zero."

        def apply(self, model, context, /): ...

``MagnitudePrune(amount=0.5)(model)`` is then a new model, and the JSON schema of the class makes the form in the
page, the help of the command line and the entry in the documentation. Importing this module does not import torch.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar, cast, dataclass_transform

import pydantic
from pydantic import ConfigDict, Field, TypeAdapter

from .. import records
from ..errors import MissingExtra
from .refusal import refusal
from .types import Batches, Context, DataRequirement, Given, Loss, Progress

if TYPE_CHECKING:
    from torch import nn

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)
_ASIDE = ("data", "loss", "references", "progress", "finished", "device")
"""What an operation can be given besides the model."""
_T = TypeVar("_T", bound="BaseOperation")


class BaseOperation(ABC):
    """The base of all operations. Subclasses declare fields and implement ``apply``."""

    name: ClassVar[str]
    """As people read it, e.g. ``magnitude prune``; the function form has underscores."""
    main: ClassVar[tuple[str, ...]] = ()
    """The parameters that are always recorded; others are recorded when they differ from their default."""
    data_requirement: ClassVar[DataRequirement] = "none"
    """``calibration``: runs the model on data; ``finetune``: trains it on data."""
    roles: ClassVar[tuple[str, ...]] = ()
    """Other models that are needed, by role, e.g. ``("teacher",)``."""
    lowers: ClassVar[Literal["non-zero weights", "stored bits", "training loss", ""]] = ""
    """What becomes smaller when the operation does its work."""
    keeps_shapes: ClassVar[bool] = True
    """Whether every tensor of the state dict keeps its name and shape."""
    keeps_outputs: ClassVar[bool] = False
    """Whether the model computes the same afterwards, up to rounding. It is checked wherever there is an input."""

    @abstractmethod
    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Return the changed ``model``. It is a private copy: changing it in place is fine."""

    def by_weight(self) -> bool:
        """Whether what becomes of a weight depends on that weight alone, so that no whole model need be loaded."""
        return False

    def __call__(
        self,
        model: nn.Module,
        *,
        data: Batches | None = None,
        loss: Loss | None = None,
        references: Mapping[str, nn.Module] | None = None,
        progress: Progress | None = None,
    ) -> nn.Module:
        """Return a new model; ``model`` itself, its gradients, its modes and the global random state stay as they are.

        Args:
            model: any PyTorch module. Hooks are copied with it and see the batches that the copy is run on.
            data: batches of (inputs, targets) that can be gone through more than once. ``inputs`` is a tensor, a tuple
                of positional or a mapping of keyword arguments. Needed when ``data_requirement`` is not ``none``.
            loss: (outputs, targets) → scalar; default: cross entropy over the last dimension of ``outputs`` (for 4-d
                outputs, the second), or over ``outputs.logits``.
            references: further models by role; needed when the operation declares ``roles``.
            progress: called with the share done and a line of text; may raise to stop.

        Raises:
            InvalidValue: what is missing, or which weight, module or batch cannot be used, by name.
        """
        return self.given(model, Given(data, loss, references or {}, progress))

    def given(self, model: nn.Module, given: Given, /) -> nn.Module:
        """Return a new model, with all that can be given: also a device, and what an interrupted run has finished.

        Raises:
            InvalidValue: as when the operation is called; ``device.unknown``.
        """
        try:
            from .parts.application import run
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise MissingExtra("torch", purpose=f"The operation {self.name!r}", extra="torch") from error
        return run(self, model, given=given)

    @property
    def parameters(self) -> dict[str, records.JSON]:
        """Return all parameters, defaults included, as plain data."""
        return {item.name: records.check_parameter(getattr(self, item.name), item.name) for item in fields(self)}  # type: ignore[arg-type]

    def record(self) -> records.Operation:
        """Return the record of the operation: the main parameters, and those that differ from their default.

        A default never changes once released, so nothing is lost: ``from_record(op.record()) == op``.
        """
        defaults = {item.name: item.default for item in fields(self)}  # type: ignore[arg-type]
        kept = {
            key: value
            for key, value in self.parameters.items()
            if key in self.main or getattr(self, key) != defaults[key]
        }
        return records.Operation(self.name, **kept)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Make the operation with these parameters; the others have their default.

        Raises:
            InvalidValue: ``parameter.*``, naming the field, what is allowed and what was found.
        """
        return cls(**parameters)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON schema of the parameters: bounds, choices, defaults, and a description of each."""
        return {**TypeAdapter(cls).json_schema(), "title": cls.name}


@dataclass_transform(frozen_default=True, field_specifiers=(Field,))
def operation(cls: type[_T]) -> type[_T]:
    """Make a class an operation: a frozen, strict dataclass that raises ``InvalidValue`` for an invalid parameter."""
    made = cast("type[_T]", pydantic.dataclasses.dataclass(frozen=True, config=_STRICT)(cls))
    initialize = made.__init__

    @wraps(initialize)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        plain = [_plain(value) for value in args]
        try:
            initialize(self, *plain, **{key: _plain(value) for key, value in kwargs.items()})
        except pydantic.ValidationError as error:
            raise refusal(cls.name, error, schema=TypeAdapter(cls).json_schema()) from None

    made.__init__ = checked  # type: ignore[method-assign]
    return made


def function(cls: type[BaseOperation]) -> Callable[..., nn.Module]:
    """Make the function form of an operation: ``magnitude_prune(model, amount=0.5)``.

    Parameters may be given by position, in the order of the fields. What else can be given (``Given``), and the
    operation's roles (``teacher=``), are keywords.
    """

    def apply(model: nn.Module, *parameters: Any, **keywords: Any) -> nn.Module:
        given = {key: keywords.pop(key) for key in _ASIDE if key in keywords}
        roles = {role: keywords.pop(role) for role in cls.roles if role in keywords}
        if roles:
            given["references"] = {**given.get("references", {}), **roles}
        return cls(*parameters, **keywords).given(model, Given(**given))

    apply.__name__ = apply.__qualname__ = cls.name.replace(" ", "_")
    apply.__module__ = cls.__module__
    apply.__doc__ = _docstring(cls)
    apply.__signature__ = _signature(cls)  # type: ignore[attr-defined]
    return apply


def _signature(cls: type[BaseOperation]) -> inspect.Signature:
    kind = inspect.Parameter
    model = kind("model", kind.POSITIONAL_OR_KEYWORD)
    own = inspect.signature(cls).parameters.values()
    extra = [kind(name, kind.KEYWORD_ONLY, default=None) for name in ("data", "loss", *cls.roles, *_ASIDE[3:])]
    return inspect.Signature([model, *own, *extra])


def _docstring(cls: type[BaseOperation]) -> str:
    described = cls.json_schema().get("properties", {})
    lines = [f"    {name}: {schema.get('description', '')}" for name, schema in described.items()]
    return "\n".join([inspect.cleandoc(cls.__doc__ or ""), "", "Args:", "    model: stays as it is.", *lines])


def _plain(value: Any) -> Any:
    """A NumPy or torch scalar as the Python number it is."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value
