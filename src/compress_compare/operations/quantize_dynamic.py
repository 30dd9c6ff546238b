"""Dynamic int8: weights in 8 bits, and activations in 8 bits with a scale that every input vector sets anew."""

from __future__ import annotations

from dataclasses import InitVar
from typing import TYPE_CHECKING, ClassVar, Literal

from ..schemes.scheme import TensorScheme, attach
from .base import BaseOperation, function, operation
from .parts.presets import ActivationScheme
from .types import Context, Patterns, unsuitable

if TYPE_CHECKING:
    from torch import nn


@operation
class QuantizeDynamic(BaseOperation):
    """Run linear layers on 8-bit weights and 8-bit activations; no data is needed.

    Weights become int8 tensors under their old names, with one scale per output beside them (`fc.weight`,
    `fc.weight_scale`); code that reads the attribute `weight` gets the values these stand for. Products are sums of
    integers. Linear layers with a tied weight stay in floating point.

    Each input vector has a scale of its own, which is why no data is needed.

    The weight and activation scheme "W8A8, dynamic per token" of compressed-tensors; Dettmers, Lewis, Belkada,
    Zettlemoyer: LLM.int8(). NeurIPS 2022, arXiv 2208.07339, section 2.1 (vector-wise quantization).
    """

    name: ClassVar[str] = "quantize dynamic"
    lowers: ClassVar[Literal["stored bits"]] = "stored bits"
    keeps_shapes: ClassVar[bool] = False

    scheme: InitVar[ActivationScheme] = None
    """The name of what this is in llm-compressor, `W8A8`; changes nothing."""
    targets: Patterns = ()
    """Modules to quantize: class names, dotted paths, or `re:`. Empty: all linear layers."""
    ignore: Patterns = ()
    """Modules to leave in floating point: class names, dotted paths, or `re:` patterns."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Replace the selected linear layers.

        Raises:
            InvalidValue: ``operation.not_applicable`` for a weight named by targets that belongs to no linear layer of
                its own, or when there is no linear layer.
        """
        from collections import Counter

        from .parts.dynamic import DynamicLinear
        from .parts.factors import is_linear, replace_modules
        from .parts.reached import left_alone
        from .targets import belongs, select

        holders = Counter(id(p) for module in model.modules() for p in module.parameters(recurse=False))
        new: dict[int, nn.Module] = {}
        left: dict[str, str] = {}
        for weight in select(self.name, model, targets=self.targets, ignore=self.ignore):
            layer = weight.module
            if is_linear(layer) and weight.attribute == "weight" and holders[id(weight.parameter)] == 1:
                new[id(layer)] = DynamicLinear(layer)
            elif self.targets:
                title = f"{weight.name!r} is not the weight of a linear layer of its own."
                raise unsuitable(self.name, title, hint="Leave it out with ignore, or use quantize.")
            else:
                left[weight.name] = "is not the weight of a linear layer of its own"
        if not new:
            hint = "Use quantize static for convolutions, or quantize."
            raise unsuitable(self.name, "the model has no linear layer.", detail=belongs(weight), hint=hint)
        left_alone(context, left)
        model = replace_modules(model, new)
        scheme = TensorScheme(kind="quantized", bits=8, strategy="channel", table_bits=0)
        attach(model, {f"{path}.weight".lstrip("."): scheme for path, m in model.named_modules() if m in new.values()})
        return model


quantize_dynamic = function(QuantizeDynamic)
