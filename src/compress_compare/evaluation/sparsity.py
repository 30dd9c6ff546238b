"""Counts the parameters of a model and those that are exactly zero."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor, nn

from ..records import MetricValue


def parameters(model: nn.Module) -> MetricValue:
    """Return the number of parameters; tied ones count once."""
    return MetricValue(_size(model.parameters()))


def nonzero_parameters(model: nn.Module) -> MetricValue:
    """Return the number of parameters that are not exactly zero; NaN is not zero."""
    return MetricValue(_nonzero(model.parameters()))


def sparsity(model: nn.Module) -> MetricValue:
    """Return the share of exact zeros among all parameters; NaN for a model without parameters."""
    return _sparsity(list(model.parameters()))


def weight_sparsity(model: nn.Module) -> MetricValue:
    """Return the share of exact zeros among the parameters of two or more dimensions; NaN without any."""
    return _sparsity([tensor for tensor in model.parameters() if tensor.ndim > 1])


def _sparsity(tensors: list[nn.Parameter]) -> MetricValue:
    size = _size(tensors)
    return MetricValue(1 - _nonzero(tensors) / size if size else math.nan, count=size)


def _size(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)


def _nonzero(tensors: Iterable[Tensor]) -> int:
    return sum(int(tensor.count_nonzero()) for tensor in tensors)
