"""Run, track and compare neural network compression experiments."""

from .analysis.behaviors.tokens import kl_per_token
from .project import Project, open
from .records import Metric, MetricValue, Operation

__all__ = ["Metric", "MetricValue", "Operation", "Project", "kl_per_token", "open"]
