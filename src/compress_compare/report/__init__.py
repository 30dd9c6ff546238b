"""One file that shows a project, or a comparison of models, without a server or a network."""

from .report import compared, overview, report

__all__ = ["compared", "overview", "report"]
