"""A project over HTTP: its metrics, operations, datasets and saved views."""

from __future__ import annotations

from .base import Answer, Ask


class MetricAnswer(Answer):
    """The definition of a metric."""

    name: str
    unit: str
    format: str
    higher_is_better: bool | None
    primary: bool
    min: float | None
    max: float | None
    description: str


class RevisionNews(Answer):
    """The data of an event named `revision`: the project has changed."""

    revision: int
    models: int


class JobsNews(Answer):
    """The data of an event named `jobs`: a job has changed."""

    revision: int


class OperationUse(Answer):
    """An operation in this project: the parameters it was given and how many models it made."""

    name: str
    parameters: list[str]
    count: int


class DatasetAnswer(Answer):
    """A dataset that models were evaluated on."""

    name: str
    fingerprint: str
    num_instances: int
    columns: list[str]


class ProjectAnswer(Answer):
    """What a project holds, without its models, whether it can be changed here, and what the caller may do.

    ``user`` and ``role`` are empty where nobody calls: in a report.
    """

    name: str
    version: str
    read_only: bool
    revision: int
    num_models: int
    metrics: list[MetricAnswer]
    operations: list[OperationUse]
    datasets: list[DatasetAnswer]
    tags: list[str]
    user: str = ""
    role: str = ""


class MetricChange(Ask):
    """Which direction of a metric is better; null says that neither is."""

    higher_is_better: bool | None


class View(Answer):
    """A named view of the page: what follows the page's own address, with the `#`."""

    name: str
    address: str


class Views(Answer):
    """The saved views of this project by name."""

    views: list[View]


class ViewSave(Ask):
    """A view to keep; one of this name is replaced."""

    name: str
    address: str
