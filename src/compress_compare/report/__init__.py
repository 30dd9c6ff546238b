"""One file that shows a project, or a comparison of models, without a server or a network."""

from .report import compared, report, shown

__all__ = ["compared", "report", "shown"]
