"""Restoring: chosen modules get the tensors of an earlier model back, which finds the layer that did the harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .base import BaseOperation, function, operation
from .types import Context, Patterns, unsuitable

if TYPE_CHECKING:
    from torch import nn


@operation
class Restore(BaseOperation):
    """Give modules back the weights and statistics that they have in the reference model `original`.

    Restore one group of layers after the other to find the one that did the harm. What the tensors are stored as
    comes back too. Unlike other operations, this one treats norms and biases like everything else.

    Zhang, Bengio, Singer: Are All Layers Created Equal? JMLR 2022, arXiv 1902.01996, where layers are set back to
    earlier values one at a time.
    """

    name: ClassVar[str] = "restore"
    main: ClassVar[tuple[str, ...]] = ("targets",)
    roles: ClassVar[tuple[str, ...]] = ("original",)

    targets: Patterns = ()
    """Modules or parameters to restore: class names, dotted paths, or `re:` patterns. Empty: all of them."""
    ignore: Patterns = ()
    """Modules or parameters to leave as they are: class names, dotted paths, or `re:` patterns."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Copy every chosen parameter and buffer, norms and biases included, and say again what it is stored as.

        Raises:
            InvalidValue: ``operation.not_applicable`` naming a tensor that the original lacks or has in another shape.
        """
        import torch

        from ..schemes import scheme

        original = context.references["original"]
        state, found = original.state_dict(), model.state_dict(keep_vars=True)
        chosen = self._chosen(model)
        schemes = scheme.of(original)
        with torch.no_grad():
            for name in chosen:
                if name not in state:
                    hint = "Give the original that the model was made from, or leave it out with ignore."
                    raise unsuitable(self.name, f"the original has no tensor {name!r}.", hint=hint)
                if state[name].shape != found[name].shape:
                    detail = f"It has {list(found[name].shape)} here and {list(state[name].shape)} in the original."
                    hint = "What was cut or replaced cannot be restored; leave it out with ignore."
                    raise unsuitable(self.name, f"the tensor {name!r} has another shape.", detail=detail, hint=hint)
                found[name].copy_(state[name])
        scheme.attach(model, {name: schemes[name] for name in chosen if name in schemes})
        return model

    def _chosen(self, model: nn.Module) -> list[str]:
        """Names in the state dict of what is to be restored."""
        state = model.state_dict(keep_vars=True)
        wanted = self._reached(model, self.targets) if self.targets else {id(tensor) for tensor in state.values()}
        kept = wanted - self._reached(model, self.ignore)
        chosen = [name for name, tensor in state.items() if id(tensor) in kept]
        if not chosen:
            detail, hint = f"targets={list(self.targets)}, ignore={list(self.ignore)}.", "Ignore fewer."
            raise unsuitable(self.name, "no tensor is left to restore.", detail=detail, hint=hint)
        return chosen

    def _reached(self, model: nn.Module, patterns: Patterns) -> set[int]:
        from .targets import reached

        tensors: set[int] = set()
        for pattern in patterns:
            weights, modules = reached(self.name, model, pattern=pattern)
            tensors |= {id(weight.parameter) for weight in weights}
            tensors |= {id(buffer) for module in modules for buffer in module.buffers()}
        return tensors


restore = function(Restore)
