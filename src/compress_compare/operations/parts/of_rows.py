"""What stands in place of a batch norm that became part of a linear layer. Needs torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class OfRows(nn.Identity):
    """Passes [N, features] on, and nothing else.

    Of [N, rows, features] a batch norm takes the rows for features, which a linear layer cannot do. Where an operation
    saw data, its check of the outputs tells; this stands where it saw none.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The same.

        Raises:
            AssertionError: for more than two dimensions, in a form that torch.fx can trace.
        """
        torch._assert(  # type: ignore[no-untyped-call]
            input.ndim == 2,
            "A batch norm was merged for inputs of two dimensions. Merge it with data: they show what it is given.",
        )
        return input
