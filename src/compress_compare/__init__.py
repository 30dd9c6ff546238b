"""Run, track and compare neural network compression experiments."""

from .records import Metric, MetricValue, Operation

__all__ = ["Metric", "MetricValue", "Operation"]
