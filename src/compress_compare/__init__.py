"""Run, track and compare neural network compression experiments."""

from .project import Project, open
from .records import Metric, MetricValue, Operation

__all__ = ["Metric", "MetricValue", "Operation", "Project", "open"]
