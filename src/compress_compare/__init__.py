"""Run, track and compare neural network compression experiments."""

from typing import TYPE_CHECKING

from . import late

if TYPE_CHECKING:
    from .analysis.behaviors.tokens import kl_per_token
    from .project import Project, open, unpack
    from .records import Metric, MetricValue, Operation
    from .schemes.declared import Scheme
    from .store.elsewhere import Reference

__all__ = ["Metric", "MetricValue", "Operation", "Project", "Reference", "Scheme", "kl_per_token", "open", "unpack"]

__getattr__, __dir__ = late.names(
    __name__,
    {
        "Metric": "records",
        "MetricValue": "records",
        "Operation": "records",
        "Project": "project",
        "Reference": "store.elsewhere",
        "Scheme": "schemes.declared",
        "kl_per_token": "analysis.behaviors.tokens",
        "open": "project",
        "engines": "engines",
        "errors": "errors",
        "evaluation": "evaluation",
        "operations": "operations",
        "plans": "plans",
        "recipes": "recipes",
        "unpack": "project",
    },
)
