"""Run, track and compare neural network compression experiments."""

from .analysis.behaviors.tokens import kl_per_token
from .project import Project, open
from .records import Metric, MetricValue, Operation
from .schemes.declared import Scheme

__all__ = ["Metric", "MetricValue", "Operation", "Project", "Scheme", "kl_per_token", "open"]
