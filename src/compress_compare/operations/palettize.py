"""Palettization: weights of a tensor share 2^bits values, found by k-means.

Han, Mao, Dally: Deep Compression. ICLR 2016, arXiv 1510.00149. Called weight clustering or codebook quantization
elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from .base import Context, Operation, Patterns, operation
from .scheme import TensorScheme, attach

if TYPE_CHECKING:
    from torch import Tensor, nn


@operation
class Palettize(Operation):
    """Replace every weight by the nearest of 2^bits values, chosen for each tensor by k-means."""

    name: ClassVar[str] = "palettize"
    main: ClassVar[tuple[str, ...]] = ("bits",)
    lowers: ClassVar[Literal["stored bits"]] = "stored bits"

    bits: Annotated[int, Field(ge=1, le=8)] = 4
    """Bits per weight: 2^bits values per tensor."""
    keep_zeros: bool = True
    """In a tensor that has weights of exactly zero, they stay zero: one of the 2^bits values is then 0."""
    group_size: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Consecutive output channels that share 2^bits values of their own; none: the whole tensor does."""
    targets: Patterns = ()
    """Modules to palettize: class names, dotted paths, or `re:`. Empty: all weights of two or more dimensions."""
    ignore: Patterns = ()
    """Modules to leave alone: class names, dotted paths, or `re:` patterns."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Replace the selected weights by their cluster's value and note the scheme."""
        import torch

        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        schemes = {}
        for done, weight in enumerate(weights):
            context.progress(done / len(weights), weight.name)
            values, axis = weight.parameter.data, weight.channel_axis if weight.parameter.ndim > 1 else 0
            parts = (
                torch.split(values, self.group_size or max(values.shape[axis], 1), axis) if values.ndim else (values,)
            )
            weight.parameter.data = torch.cat([self.clustered(part) for part in parts], axis) if values.ndim else values
            schemes[weight.name] = TensorScheme(
                kind="palettized",
                bits=self.bits,
                strategy="tensor" if self.group_size is None else "channel",
                group_size=self.group_size,
                codebook_size=2**self.bits,
                table_bits=8 * weight.parameter.element_size(),
                channel_axis=0 if self.group_size is None else axis,
            )
        attach(model, schemes)
        return model

    def clustered(self, values: Tensor) -> Tensor:
        """The weights with each replaced by its cluster's value; same shape and dtype."""
        import numpy as np
        import torch

        from .kmeans import kmeans_1d

        flat = values.detach().double().flatten().cpu().numpy()
        free = flat != 0 if self.keep_zeros else np.ones(len(flat), dtype=bool)
        count = 2**self.bits - int(not free.all())
        result = np.zeros_like(flat)
        if free.any():
            result[free] = kmeans_1d(flat[free], count)
        return torch.from_numpy(result).reshape(values.shape).to(values)
