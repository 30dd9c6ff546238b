"""Palettization: weights of a tensor share 2^bits values, or 2^bits vectors, found by k-means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from ..schemes.scheme import TensorScheme, attach
from .base import BaseOperation, function, operation
from .types import Context, Patterns, Seed

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from .targets import Weight


@operation
class Palettize(BaseOperation):
    """Replace every weight, or vector of weights, by the nearest of 2^bits, chosen for each tensor by k-means.

    For up to 4 bits, and for up to 2,048 distinct weights, no clustering has a smaller squared error. With more
    bits, larger tensors start from the best clustering of 2,048 bins, unless `exact` is set. With `cluster_dim`
    above 1 the table holds vectors, found by k-means++, and weights left over stay dense.

    Han, Mao, Dally: Deep Compression. ICLR 2016, arXiv 1510.00149; of vectors, Gong et al.: Compressing deep
    convolutional networks using vector quantization. 2014, arXiv 1412.6115. Called weight clustering or codebook
    quantization elsewhere, and groups are called "per grouped channel".
    """

    name: ClassVar[str] = "palettize"
    main: ClassVar[tuple[str, ...]] = ("bits",)
    lowers: ClassVar[Literal["stored bits"]] = "stored bits"

    bits: Annotated[int, Field(ge=1, le=8)] = 4
    """Bits per label: 2^bits values per tensor."""
    keep_zeros: bool = True
    """In a tensor with weights (for cluster_dim above 1, vectors) of exactly zero they stay zero: one value is 0."""
    group_size: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Consecutive output channels that share 2^bits values of their own; none: the whole tensor does."""
    cluster_dim: Annotated[int, Field(ge=1, le=16)] = 1
    """Weights per label: that many consecutive output channels share one, so a weight takes bits/cluster_dim bits."""
    exact: bool = False
    """Find the values of very least error with 5 to 8 bits too, in minutes for large tensors; to 4 bits it is done."""
    seed: Seed = 0
    """Seed of the k-means++ start, which only vectors need."""
    targets: Patterns = ()
    """Modules to palettize: class names, dotted paths, or `re:`. Empty: all weights of two or more dimensions."""
    ignore: Patterns = ()
    """Modules to leave alone: class names, dotted paths, or `re:` patterns."""

    @model_validator(mode="after")
    def _whole_vectors_in_a_group(self) -> Palettize:
        if self.group_size is not None and self.group_size % self.cluster_dim:
            raise ValueError("group_size must be a multiple of cluster_dim.")
        return self

    def by_weight(self) -> bool:
        """Yes."""
        return True

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Replace the selected weights by their cluster's value and note the scheme; left-over weights stay dense."""
        import torch

        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        generator = torch.default_generator  # which is seeded with the operation's seed
        schemes = {}
        for done, weight in enumerate(weights):
            context.progress(done / len(weights), weight.name)
            weight.parameter.data = self._in_groups(weight, generator)
            schemes[weight.name] = TensorScheme(
                kind="palettized",
                bits=self.bits,
                strategy="tensor" if self.group_size is None else "channel",
                group_size=self.group_size,
                codebook_size=2**self.bits,
                dim=self.cluster_dim,
                table_bits=8 * weight.parameter.element_size(),
                channel_axis=_axis(weight) if self.group_size is not None or self.cluster_dim > 1 else 0,
                groups=weight.layout.groups if self.group_size is not None else 1,
            )
        attach(model, schemes)
        return model

    def _in_groups(self, weight: Weight, generator: torch.Generator) -> Tensor:
        import torch

        values, axis = weight.parameter.detach(), _axis(weight)
        if self.group_size is None:
            return self.clustered(values, axis=axis, generator=generator)
        runs = []
        for run in values.chunk(weight.layout.groups):
            parts = torch.split(run, self.group_size, axis) if values.ndim else (run,)
            runs.append([self.clustered(part, axis=axis, generator=generator) for part in parts])
        return torch.cat([torch.cat(run, axis) for run in runs]) if values.ndim else runs[0][0]

    def clustered(self, values: Tensor, *, axis: int, generator: torch.Generator) -> Tensor:
        """The weights of one group with each vector replaced by its cluster's; same shape and dtype."""
        from .clustering.vectors import clustered, join, split

        vectors, rest = split(values, dim=self.cluster_dim, axis=axis)
        shared = clustered(
            vectors, 2**self.bits, keep_zeros=self.keep_zeros, generator=generator, exact=self.exact or None
        )
        return join(shared, rest, shape=tuple(values.shape), axis=axis)


palettize = function(Palettize)


def _axis(weight: Weight) -> int:
    return weight.channel_axis if weight.parameter.ndim > 1 else 0
