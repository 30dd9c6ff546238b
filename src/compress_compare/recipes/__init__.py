"""Recipes: a task, a base and a tree of steps in which a list of values makes a model per value. They need no torch."""

from ..records import TaskPath
from .plan import KnownModel, Planned, RecipePlan, plan
from .reader import load, loads
from .recipe import ConfigError, Recipe, Step
from .sweep import sweep
from .task import Data, Task

__all__ = [
    "ConfigError",
    "Data",
    "KnownModel",
    "Planned",
    "Recipe",
    "RecipePlan",
    "Step",
    "Task",
    "TaskPath",
    "load",
    "loads",
    "plan",
    "sweep",
]
