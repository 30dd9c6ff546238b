"""What the layers of a model see when it is run on data: second moments and magnitudes of their inputs. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..targets import Weight
from ..types import Context
from .data import forward, unpadded
from .operands import Operand, Products
from .patches import by_rows, patches
from .rows import Layout

Rows = tuple[int, int]
"""First row and the one after the last, of the matrix that a layout makes of a weight."""


@dataclass
class InputMoments:
    """Sums over all input vectors that were multiplied by some rows of a weight; of a convolution, over all patches.

    Args:
        second: Σ x·xᵀ, [inputs, inputs], where inputs is the number of weights of one output.
        absolute: Σ |x|, [inputs].
        count: number of vectors.
    """

    second: Tensor
    absolute: Tensor
    count: int = 0

    def add(self, vectors: Tensor) -> None:
        """Take in vectors [n, inputs]."""
        for x in by_rows(vectors):
            wide = x.to(self.second.dtype)
            self.second.addmm_(wide.T, wide)
            self.absolute += wide.abs().sum(0)
            self.count += len(wide)

    def __add__(self, other: InputMoments) -> InputMoments:
        return InputMoments(self.second + other.second, self.absolute + other.absolute, self.count + other.count)


@dataclass
class Inputs:
    """What one weight was multiplied by.

    Args:
        layout: where the weight has its outputs and inputs, as seen in use.
        spans: moments by the rows that were multiplied together, such as those of one expert. Weights that always see
            the same inputs share one object.
    """

    layout: Layout
    spans: dict[Rows, InputMoments] = field(default_factory=dict)

    def parts(self, num_rows: int) -> Iterator[tuple[int, int, InputMoments | None]]:
        """All rows in runs that saw the same inputs: first, one after the last, and what they saw, if anything."""
        cuts = sorted({0, num_rows, *(bound for rows in self.spans for bound in rows)})
        for start, end in pairwise(cuts):
            found = [moments for (low, high), moments in self.spans.items() if low <= start and end <= high]
            yield start, end, sum(found[1:], start=found[0]) if found else None

    def together(self) -> InputMoments:
        """The moments of all rows, for those who need one scale per input."""
        found = list(self.spans.values())
        return sum(found[1:], start=found[0])


def layer_inputs(model: nn.Module, weights: Sequence[Weight], *, context: Context, name: str) -> dict[str, Inputs]:
    """What each weight is multiplied by, in the order of first use, over all data in evaluation mode.

    Seen are matrix products and convolutions, transposed ones too, in whatever module or function they are: fused
    experts, packed projections of attention, recurrences. Absent are weights that are in none, and those that an
    embedding looks up as well: what suits them as an output layer does not suit them as a table. Padded places that
    ``attention_mask`` names are left out.

    Args:
        model: put into evaluation mode.
        weights: the weights to follow.
        context: data and progress.
        name: of the operation, for error messages.
    """
    model.eval()

    def run() -> None:
        for number, (inputs, _) in enumerate(unpadded(model, context.data)):
            forward(model, inputs, operation=name)
            context.progress(0.0, f"batch {number + 1}")

    return watched(run, model, weights=weights)


def watched(run: Callable[[], object], module: nn.Module, *, weights: Sequence[Weight]) -> dict[str, Inputs]:
    """What each weight is multiplied by while ``run`` runs ``module`` on data, once or twice; see `layer_inputs`.

    Args:
        run: runs the module on all data.
        module: what is run.
        weights: to follow.
    """
    for share in (True, False):
        watcher = _Watcher(weights, share=share)
        with torch.no_grad(), plain_kernels(module), watcher:
            run()
        if watcher.agreed():
            break
    return {name: found for name, found in watcher.found.items() if name not in watcher.tables}


@contextmanager
def plain_kernels(model: nn.Module) -> Iterator[None]:
    """Inside, attention and recurrences are run product by product, so that each can be seen."""
    mkldnn: Any = torch.backends.mkldnn
    fast, onednn = torch.backends.mha.get_fastpath_enabled(), mkldnn.enabled
    torch.backends.mha.set_fastpath_enabled(False)
    mkldnn.enabled = onednn and not any(isinstance(module, nn.RNNBase) for module in model.modules())
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        mkldnn.enabled = onednn


@dataclass
class _Sum:
    """InputMoments, and which inputs went into them."""

    moments: InputMoments
    history: list[int] = field(default_factory=list)


class _Watcher(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every product that a weight takes part in, whatever code asks for it."""

    def __init__(self, weights: Sequence[Weight], *, share: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products, self.share = Products(weights), share
        self.found: dict[str, Inputs] = {}
        self.tables: set[str] = set()
        self._sums: dict[tuple[str, Rows], _Sum] = {}
        self._taken: dict[tuple[str, Rows], int] = {}
        self._last: tuple[Any, Tensor, _Sum | None] | None = None
        self._tokens, self._broken = 0, False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        packet = getattr(func, "overloadpacket", func)
        if packet is torch.ops.aten.embedding:
            self.tables |= self.products.names(args[0])
        elif packet is torch.ops.aten.convolution:
            for operand in self.products.convolution(args):
                self._add(operand, patches(args, operand))
        else:
            for operand in self.products.of(packet, args=args, kwargs=kwargs or {}):
                self._add(operand, operand.vectors)
        return func(*args, **(kwargs or {}))

    def agreed(self) -> bool:
        """Whether weights that seemed to share their inputs did so to the end."""
        return not self._broken and all(len(self._sums[key].history) == n for key, n in self._taken.items())

    def _add(self, operand: Operand, vectors: Tensor) -> None:
        inputs = self.found.setdefault(operand.name, Inputs(operand.layout))
        if inputs.layout != operand.layout or not vectors.numel():
            return
        token, known = self._token(operand, vectors)
        key = (operand.name, operand.rows)
        if key not in self._sums:
            self._taken[key] = 0
            fresh = known is None or not self.share or known.history != [token]
            size = vectors.shape[-1]
            wide = torch.promote_types(vectors.dtype, torch.float32)
            zeros = vectors.new_zeros(size, size, dtype=wide), vectors.new_zeros(size, dtype=torch.float64)
            self._sums[key] = _Sum(InputMoments(*zeros)) if fresh or known is None else known
            inputs.spans[operand.rows] = self._sums[key].moments
        each = self._sums[key]
        if self._taken[key] == len(each.history):
            each.moments.add(vectors)
            each.history.append(token)
        elif each.history[self._taken[key]] != token:
            self._broken = True
        self._taken[key] += 1
        self._last = (self._key(operand, vectors), operand.source, each)

    def _token(self, operand: Operand, vectors: Tensor) -> tuple[int, _Sum | None]:
        """A number for these inputs, and the sums that they went into last, if they did."""
        key = self._key(operand, vectors)
        if self._last is not None and self._last[0] == key:
            return self._tokens, self._last[2]
        self._tokens += 1
        return self._tokens, None

    @staticmethod
    def _key(operand: Operand, vectors: Tensor) -> Any:
        x = operand.source
        return (x.data_ptr(), x._version, tuple(vectors.shape), vectors.stride(), operand.part)
