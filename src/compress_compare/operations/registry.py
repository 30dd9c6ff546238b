"""Finding operations by name: the built-in table, and what other packages add through entry points."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from .. import records
from ..errors import NotFound, UserError
from .base import Operation

if TYPE_CHECKING:
    from torch import nn

GROUP = "compress_compare.operations"


def table(builtin: Mapping[str, type[Operation]]) -> dict[str, type[Operation]]:
    """Name → class of all operations: the built-in ones and those of entry points in ``compress_compare.operations``.

    Raises:
        UserError: ``operation.entry_point`` naming the package whose operation cannot be loaded or takes a taken name.
    """
    found = dict(builtin)
    for point in entry_points(group=GROUP):
        cls = _load(point)
        if cls.name in found:
            raise _broken(point, f"The name {cls.name!r} is taken by {found[cls.name].__module__}.")
        found[cls.name] = cls
    return found


def lookup(name: str, known: Mapping[str, type[Operation]]) -> type[Operation]:
    """The class of an operation by its name, with spaces or underscores.

    Raises:
        NotFound: ``operation.unknown``, with the nearest name.
    """
    spaced = name.replace("_", " ")
    if spaced in known:
        return known[spaced]
    near = difflib.get_close_matches(spaced, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise NotFound("operation.unknown", f"There is no operation {name!r}.", hint=hint)


def from_record(record: records.Operation, known: Mapping[str, type[Operation]]) -> Operation:
    """The operation that a record describes, so that ``from_record(op.record()) == op``.

    Raises:
        NotFound: ``operation.unknown``.
        InvalidValue: ``parameter.*``.
    """
    return lookup(record.name, known).from_parameters(record.parameters)


def function(cls: type[Operation]) -> Callable[..., nn.Module]:
    """The function form: ``function(MagnitudePrune)(model, amount=0.5)`` is ``MagnitudePrune(amount=0.5)(model)``.

    Parameters may be given by position, in the order of the fields. ``data``, ``loss``, ``references``, ``progress``
    and the operation's roles (``teacher=``) are keywords.
    """

    def apply(model: nn.Module, *parameters: Any, **keywords: Any) -> nn.Module:
        given = {key: keywords.pop(key) for key in ("data", "loss", "references", "progress") if key in keywords}
        roles = {role: keywords.pop(role) for role in cls.roles if role in keywords}
        if roles:
            given["references"] = {**given.get("references", {}), **roles}
        return cls(*parameters, **keywords)(model, **given)

    apply.__name__ = apply.__qualname__ = cls.name.replace(" ", "_")
    apply.__module__ = cls.__module__
    apply.__doc__ = _docstring(cls)
    apply.__signature__ = _signature(cls)  # type: ignore[attr-defined]
    return apply


def _signature(cls: type[Operation]) -> inspect.Signature:
    kind = inspect.Parameter
    model = kind("model", kind.POSITIONAL_OR_KEYWORD)
    own = inspect.signature(cls).parameters.values()
    extra = [kind(name, kind.KEYWORD_ONLY, default=None) for name in ("data", "loss", *cls.roles, "progress")]
    return inspect.Signature([model, *own, *extra])


def _docstring(cls: type[Operation]) -> str:
    described = cls.json_schema().get("properties", {})
    lines = [f"    {name}: {schema.get('description', '')}" for name, schema in described.items()]
    return "\n".join([inspect.cleandoc(cls.__doc__ or ""), "", "Args:", "    model: stays as it is.", *lines])


def _load(point: EntryPoint) -> type[Operation]:
    try:
        loaded = point.load()
    except Exception as error:
        raise _broken(point, f"{type(error).__name__}: {error}") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Operation) and hasattr(loaded, "name")):
        raise _broken(point, f"{point.value} is not an operation class.")
    return loaded


def _broken(point: EntryPoint, reason: str) -> UserError:
    package = point.dist.name if point.dist else "an installed package"
    return UserError(
        "operation.entry_point",
        f"The operation {point.name!r} of {package} cannot be loaded.",
        detail=reason[:300],
        hint="Repair or uninstall that package.",
    )
