"""DKM: weights are clustered while they are trained, so that the task loss moves weights and centroids together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ..schemes.scheme import TensorScheme, attach
from .base import BaseOperation, function, operation
from .types import Context, DataRequirement, Patterns, Seed

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .dkm.attention import CentroidAttention
    from .dkm.modules import Palette, SmallPalette
    from .targets import Weight


@operation
class DKMPalettize(BaseOperation):
    """DKM: learn 2^bits shared values during fine-tuning.

    The loss of the task moves weights and centroids together. There is no regularizer, and no parameter of the
    method itself is trained. It keeps much more of the accuracy than `palettize` at 3 and 2 bits.

    Centroids start from exact k-means (from k-means++ for vectors) and then from where the last step left them. The
    temperature unit `spacing` is √dim · 4σ / 2^(bits/dim), the width of one of 2^(bits/dim) levels that divide ±2σ
    (squared for the distance `squared`), so that one value suits any tensor: at the default of 0.04 the largest
    attention of a weight is 0.97 on average for normally distributed weights and 2 bits. The gradient `jfb` is that
    of arXiv 2312.07759. Weights of 16 bits are clustered by their distinct values, which is exact (arXiv
    2309.00964).

    `compress_compare.operations.dkm.packing.pack(model)` gives tables in 16 bits and labels packed into bytes,
    ready for a safetensors file, and `unpack` gives back the same weights, bit by bit.

    Cho, Alizadeh-Vahid, Adya, Rastegari: DKM, differentiable k-means clustering layer for neural network
    compression. ICLR 2022, arXiv 2108.12659.
    """

    name: ClassVar[str] = "dkm palettize"
    main: ClassVar[tuple[str, ...]] = ("bits", "dim", "epochs")
    data_requirement: ClassVar[DataRequirement] = "finetune"
    lowers: ClassVar[Literal["stored bits"]] = "stored bits"

    bits: Annotated[int, Field(ge=1, le=8)] = 4
    """Bits per label: 2^bits centroids per tensor."""
    dim: Annotated[int, Field(ge=1, le=16)] = 1
    """Weights per label: that many consecutive output channels share one, so that a weight takes bits/dim bits."""
    temperature: Annotated[float, Field(gt=0, le=1_000_000)] = 0.04
    """How soft the assignment is; toward 0 it is ordinary k-means."""
    temperature_unit: Literal["spacing", "absolute"] = "spacing"
    """Measure the temperature by the spacing √dim · 4σ / 2^(bits/dim) of the tensor's clusters, or as it is."""
    distance: Literal["squared", "euclidean"] = "squared"
    """Distance of a vector from a centroid; with `squared`, the temperature counts squared spacings."""
    max_iter: Annotated[int, Field(ge=1, le=100)] = 5
    """Updates of the centroids in every training step, at most."""
    tolerance: Annotated[float, Field(ge=0, le=1)] = 1e-4
    """Stop updating when no centroid moves further than this many spacings."""
    gradient: Literal["unrolled", "jfb"] = "unrolled"
    """Through all updates of a step, or through its last alone, which takes memory for none of them."""
    chunk: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    """Vectors treated at a time, their attention computed again for the gradient; 0: all (unrolled), 65,536 (jfb)."""
    keep_zeros: bool = True
    """In a tensor with weights (for dim above 1, vectors) of exactly zero they stay zero, by a centroid fixed there."""
    small: Annotated[int, Field(ge=0, le=1_000_000_000)] = 10_000
    """A tensor with fewer weights than this is trained as it is and has 8-bit scalar clusters afterwards."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Passes over the data."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.01
    """Step size, at its highest."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """Stochastic gradient descent with Nesterov momentum, or Adam with decoupled weight decay."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of sgd, or the first decay rate of adam."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Decay of weights of two or more dimensions; norms and biases never decay."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Learning rate over time: falling to zero along half a cosine, or constant."""
    seed: Seed = 0
    """Seed of the k-means++ start, of dropout and of a data loader that shuffles."""
    targets: Patterns = ()
    """Modules to palettize: class names, dotted paths, or `re:`. Empty: all weights of two or more dimensions."""
    ignore: Patterns = ()
    """Modules to leave alone: class names, dotted paths, or `re:` patterns."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Train all parameters, the selected weights through their clusters, and snap these at the end.

        Norms and biases are trained and stay as wide as they are; weights left over by ``dim`` stay dense.
        """
        import torch

        from .parts.fit import fit
        from .parts.substituted import Substituted
        from .targets import select

        weights = select(self.name, model, targets=self.targets, ignore=self.ignore)
        generator = torch.Generator().manual_seed(self.seed)
        palettes = {weight.name: self.palette(weight, generator) for weight in weights}
        fit(Substituted(model, palettes), self, context=context)
        for weight in weights:
            weight.parameter.data = palettes[weight.name].snapped(weight.parameter)
        attach(model, {weight.name: self.scheme(weight) for weight in weights})
        return model

    def palette(self, weight: Weight, generator: torch.Generator) -> Palette | SmallPalette:
        """The clusters that a weight starts with."""
        from .dkm.modules import ClusterPlan, Palette, SmallPalette

        if weight.parameter.numel() < self.small:
            return SmallPalette(ClusterPlan(8, 1, weight.channel_axis, self.keep_zeros))
        plan = ClusterPlan(self.bits, self.dim, weight.channel_axis, self.keep_zeros)
        return Palette(weight.parameter, plan, attention=self.attention(weight), generator=generator)

    def attention(self, weight: Weight) -> CentroidAttention:
        """The method with the temperature in units of the tensor's spacing."""
        from .dkm.attention import CentroidAttention
        from .dkm.modules import spacing

        temperature = self.temperature
        if self.temperature_unit == "absolute":
            unit = spacing(weight.parameter, bits=self.bits, dim=self.dim) or 1.0
            temperature /= unit**2 if self.distance == "squared" else unit
        return CentroidAttention(temperature, self.distance, self.max_iter, self.tolerance, self.gradient, self.chunk)

    def scheme(self, weight: Weight) -> TensorScheme:
        """How a snapped weight is stored."""
        from .clustering.vectors import split
        from .dkm.modules import table_bits

        small = weight.parameter.numel() < self.small
        bits, dim = (8, 1) if small else (self.bits, self.dim)
        vectors, _ = split(weight.parameter.data, dim=dim, axis=weight.channel_axis)
        return TensorScheme(
            kind="palettized",
            bits=bits,
            codebook_size=2**bits,
            dim=dim,
            table_bits=table_bits(vectors),
            channel_axis=weight.channel_axis,
        )


dkm_palettize = function(DKMPalettize)
