"""The records of a project: operations, metrics, models, datasets, checkpoints, jobs. All are immutable and valid."""

from .change import Change, Origin
from .metric import Kind, Metric, MetricValue
from .model import BESIDE_WEIGHTS, Checkpoint, Dataset, LineageStep, LoggedCheckpoint, Model, Reference, StoredFile
from .names import JSON, MAX_NAME, check_name, check_parameter
from .operation import Operation
from .work import Job, JobState, TaskPath, unusable_task

__all__ = [
    "BESIDE_WEIGHTS",
    "JSON",
    "MAX_NAME",
    "Change",
    "Checkpoint",
    "Dataset",
    "Job",
    "JobState",
    "Kind",
    "LineageStep",
    "LoggedCheckpoint",
    "Metric",
    "MetricValue",
    "Model",
    "Operation",
    "Origin",
    "Reference",
    "StoredFile",
    "TaskPath",
    "check_name",
    "check_parameter",
    "unusable_task",
]
