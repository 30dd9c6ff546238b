"""Engines run the steps of experiments; a supervisor feeds them from the queue of a project. They import no torch."""

from .base import Engine, Limits, Outcome, Running, Work
from .local import LocalEngine
from .queue import Queue
from .supervisor import Supervisor

__all__ = ["Engine", "Limits", "LocalEngine", "Outcome", "Queue", "Running", "Supervisor", "Work"]
