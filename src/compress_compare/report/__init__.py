"""One file that shows a project, or a comparison of models, without a server or a network."""

from .report import overview, report

__all__ = ["overview", "report"]
