"""Which weights an operation works on: the patterns of ``targets`` and ``ignore``. Needs torch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils import parametrize

from ..errors import InvalidValue
from .parts.buffers import held
from .parts.kinds import reason
from .parts.rows import Layout, layout_of
from .types import unsuitable

_NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)


@dataclass(frozen=True)
class Weight:
    """A selected parameter: its first name in the model, the module that holds it and the attribute it is there."""

    name: str
    module: nn.Module
    attribute: str

    @property
    def parameter(self) -> nn.Parameter:
        """The tensor itself."""
        parameter = getattr(self.module, self.attribute)
        assert isinstance(parameter, nn.Parameter)  # noqa: S101
        return parameter

    @property
    def channel_axis(self) -> int:
        """The dimension that counts output channels."""
        return self.layout.axis

    @property
    def layout(self) -> Layout:
        """Where the tensor has its output channels and inputs."""
        return layout_of(self.module, self.parameter)


def is_norm(module: nn.Module) -> bool:
    """Whether a module normalizes: its scales and shifts are left alone unless asked for by name."""
    return isinstance(module, _NORMS) or type(module).__name__.endswith(("Norm", "Norm1d", "Norm2d", "Norm3d"))


def select(
    operation: str, model: nn.Module, *, targets: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> list[Weight]:
    """The weights to work on, each tensor once, in the order of ``model.named_parameters()``.

    Without ``targets``: every floating-point parameter of two or more dimensions outside norm layers, except those of
    the kinds in :mod:`.parts.kinds`, which must be named to be touched, and those that a weight is computed from, as
    by weight normalization. A pattern is

    - a class name (``Linear``) or an exact dotted path of a module (``layer1.0.conv1``): such weights in that module
      and below it; a norm layer named this way gives its scale;
    - an exact dotted path of a parameter (``fc.bias``): that parameter;
    - ``re:`` and a regular expression for the whole path: of modules if it matches any, else of parameters, so
      ``re:layer1\\..*`` takes the weights below ``layer1`` and ``re:.*\\.weight`` takes the scales of norms as well.

    ``ignore`` takes out whatever its patterns select, with everything below a module. Tied tensors are one: named
    under either path, selected or ignored as a whole.

    Args:
        operation: name for error messages.
        model: the model.
        targets: patterns; empty for the default.
        ignore: patterns.

    Raises:
        InvalidValue: ``targets.no_match`` naming the pattern, ``targets.empty`` when nothing is left,
            ``operation.not_applicable`` for a weight that is computed by a parametrization, where it is named or no
            other is left.
    """
    weights = _weights(model)
    left = set() if targets else set(spared(model))
    chosen = [weight for weight in weights if _is_plain(weight) and weight.name not in left]
    if not chosen and not targets:
        chosen = [weight for weight in weights if _is_plain(weight) and _undo(weight)]
    if targets:
        wanted = {id(w.parameter) for pattern in targets for w in _targeted(operation, model, pattern)}
        chosen = [weight for weight in weights if id(weight.parameter) in wanted]
    unwanted = {id(w.parameter) for pattern in ignore for w in _ignored(operation, model, pattern)}
    kept = [weight for weight in _once(chosen) if id(weight.parameter) not in unwanted]
    if not kept:
        raise _nothing_left(operation, model, targets, ignore)
    for weight in kept:
        _check_plain_storage(operation, weight)
    return kept


def spared(model: nn.Module) -> dict[str, str]:
    """Weights that are left alone unless ``targets`` names them: why, and what to do, by each of their names.

    Buffers that are called as weights are, which no operation takes, are among them.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    found: dict[int, str] = {}
    weights = [weight for weight in _weights(model) if _is_plain(weight)]
    for weight in weights:
        if undo := _undo(weight):
            found[id(weight.parameter)] = f"a weight is computed from it ({undo})"
        elif why := reason(weight.name, modules):
            found[id(weight.parameter)] = f"{why} (name it in targets to include it)"
    complexes = {
        name: "its numbers are complex, which no operation on weights takes"
        for name, parameter in model.named_parameters()
        if parameter.is_complex() and parameter.ndim > 1
    }
    return held(model) | complexes | {w.name: found[id(w.parameter)] for w in weights if id(w.parameter) in found}


def belongs(weight: Weight) -> str:
    """A sentence on what a weight is part of, for refusals."""
    return f"{weight.name!r} belongs to a {type(weight.module).__name__}."


def _nothing_left(operation: str, model: nn.Module, targets: tuple[str, ...], ignore: tuple[str, ...]) -> InvalidValue:
    if any(not (p.is_floating_point() or p.is_complex()) for p in model.parameters()):
        hint = f"Apply {operation} before the quantization that made them."
        return unsuitable(operation, "the weights of the model are stored as integers.", hint=hint)
    detail = f"targets={list(targets)}, ignore={list(ignore)}."
    hint = "Only weights of two or more dimensions outside norm layers are taken unless targets names others."
    for name, why in list({} if targets else spared(model).items())[:1]:
        detail += f" {name} is left alone: {why}."
    return InvalidValue("targets.empty", f"{operation}: no weight is left to work on.", detail=detail, hint=hint)


def _weights(model: nn.Module) -> list[Weight]:
    """Every floating-point parameter that has values under every one of its names, in order."""
    return [
        Weight(f"{path}.{attribute}" if path else attribute, module, attribute)
        for path, module in model.named_modules(remove_duplicate=False)
        for attribute, parameter in module.named_parameters(recurse=False)
        if parameter.is_floating_point() and parameter.numel()
    ]


def _once(weights: Iterable[Weight]) -> list[Weight]:
    first: dict[int, Weight] = {}
    for weight in weights:
        first.setdefault(id(weight.parameter), weight)
    return list(first.values())


def _is_plain(weight: Weight) -> bool:
    return weight.parameter.ndim >= 2 and not is_norm(weight.module)


def _targeted(operation: str, model: nn.Module, pattern: str) -> list[Weight]:
    found, modules = reached(operation, model, pattern=pattern)
    if not modules:
        return found
    exact = not pattern.startswith("re:")
    norms = [w for w in found if exact and is_norm(w.module) and w.module in modules and w.attribute == "weight"]
    return [weight for weight in found if _is_plain(weight)] + norms


def _ignored(operation: str, model: nn.Module, pattern: str) -> list[Weight]:
    return reached(operation, model, pattern=pattern)[0]


def reached(operation: str, model: nn.Module, *, pattern: str) -> tuple[list[Weight], list[nn.Module]]:
    """All parameters a pattern reaches, norms and biases too, and the modules it names; none when it names parameters.

    Raises:
        InvalidValue: ``targets.no_match``, ``targets.pattern``.
    """
    matches = _matcher(operation, pattern)
    modules = {
        path: module
        for path, module in model.named_modules(remove_duplicate=False)
        if matches(path) or type(module).__name__ == pattern
    }
    weights = _weights(model)
    if modules:
        below = {id(inner) for module in modules.values() for inner in module.modules()}
        return [weight for weight in weights if id(weight.module) in below], list(modules.values())
    named = [weight for weight in weights if matches(weight.name)]
    buffer = next((name for name, _ in model.named_buffers() if matches(name)), "")
    if buffer and not named:
        title = f"{operation}: {buffer!r} is a buffer, and operations change parameters."
        hint = "Leave it out of the patterns, or register it as a parameter."
        raise InvalidValue("targets.no_match", title, hint=hint)
    if not named:
        raise InvalidValue(
            "targets.no_match",
            f"{operation}: the pattern {pattern!r} matches no module and no weight of the model.",
            hint="A pattern is a class name (Linear), an exact dotted path (layer1.0.conv1), or re: and an expression.",
        )
    return named, []


def _matcher(operation: str, pattern: str) -> _Matcher:
    if not pattern.startswith("re:"):
        return _Matcher(re.compile(re.escape(pattern)))
    try:
        return _Matcher(re.compile(pattern[3:]))
    except re.error as error:
        raise InvalidValue(
            "targets.pattern", f"{operation}: {pattern!r} is not a regular expression.", detail=f"{error}."
        ) from error


@dataclass(frozen=True)
class _Matcher:
    expression: re.Pattern[str]

    def __call__(self, path: str) -> bool:
        return bool(path) and self.expression.fullmatch(path) is not None


def _check_plain_storage(operation: str, weight: Weight) -> None:
    undo = _undo(weight)
    if not undo and weight.attribute.endswith("_orig"):
        undo = "make it permanent with torch.nn.utils.prune.remove first"
    if undo:
        title = f"{operation}: the weight {weight.name!r} is computed from others."
        raise InvalidValue("operation.not_applicable", title, hint=f"{undo[0].upper()}{undo[1:]}.")


def _undo(weight: Weight) -> str:
    """What makes an ordinary weight of a parameter from which a normalization or parametrization computes one."""
    hooks = {type(hook).__name__ for hook in weight.module._forward_pre_hooks.values()}
    if parametrize.is_parametrized(weight.module) or ".parametrizations." in f".{weight.name}.":
        return "use torch.nn.utils.parametrize.remove_parametrizations first"
    if "SpectralNorm" in hooks and weight.attribute.endswith("_orig"):
        return "use torch.nn.utils.remove_spectral_norm first"
    if "WeightNorm" in hooks and weight.attribute.endswith(("_g", "_v")):
        return "use torch.nn.utils.remove_weight_norm first"
    return ""
