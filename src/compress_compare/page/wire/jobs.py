"""What travels over HTTP about jobs and the operations that they run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Body
from pydantic import Field

from .base import Answer, Ask, Json


class JobError(Answer):
    """Why a job failed, in the words of a problem."""

    code: str
    title: str
    detail: str
    hint: str


class JobAnswer(Answer):
    """A piece of work. Progress runs from 0 to 1; a recipe has parts, whose `parent` it is."""

    id: str
    kind: str
    title: str
    state: Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
    progress: float
    message: str
    reason: str | None
    error: JobError | None
    parent: str | None
    model: str | None
    attempts: int
    created_at: str
    started_at: str | None
    finished_at: str | None


class JobsAnswer(Answer):
    """The jobs of this project, newest first."""

    jobs: list[JobAnswer]


class OperationAsk(Ask):
    """Apply an operation to a model. Its parameters are those of the operation's schema."""

    kind: Literal["operation"]
    model: str
    operation: str
    parameters: Annotated[dict[str, Any], Field(default_factory=dict)]
    references: Annotated[dict[str, str], Field(default_factory=dict)]
    id: str | None = None


class RecipeAsk(Ask):
    """Make the models of a recipe, given as YAML."""

    kind: Literal["recipe"]
    recipe: Annotated[str, Field(max_length=64_000)]


class SearchAsk(Ask):
    """Make those models of a recipe that an optimizer asks for, until their frontier stays as it is.

    `objectives` are metrics that are to be good; `budgets` are bounds that models must keep to, with or without a unit.
    At most `models` new ones are made; it ends when the frontier stayed as it is for `patience` of them.
    """

    kind: Literal["search"]
    recipe: Annotated[str, Field(max_length=64_000)]
    objectives: Annotated[list[str], Field(min_length=1, max_length=6)]
    budgets: Annotated[dict[str, str], Field(default_factory=dict, max_length=6)]
    models: Annotated[int, Field(ge=1, le=10_000)] = 40
    patience: Annotated[int, Field(ge=1, le=10_000)] = 12
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class MeasureAsk(Ask):
    """Measure what is not known yet of models of one root: bytes, work, memory, and time in each runtime."""

    kind: Literal["measure"]
    models: Annotated[list[str], Field(min_length=1, max_length=10_000)]


class EvaluateAsk(Ask):
    """Measure what the task of models of one root measures and they lack; what was measured before stays.

    With `metrics`, these alone; without, all of the task, and the outputs on its data.
    """

    kind: Literal["evaluate"]
    models: Annotated[list[str], Field(min_length=1, max_length=10_000)]
    metrics: Annotated[list[str], Field(default_factory=list, max_length=1_000)]


class ActivationsAsk(Ask):
    """Compare what the layers of models put out, on the first examples of their task's batches."""

    kind: Literal["activations"]
    base: str
    models: Annotated[list[str], Field(min_length=1, max_length=100)]
    examples: Annotated[int, Field(ge=1, le=100_000)] = 256


class SensitivityAsk(Ask):
    """Measure how much a metric changes when one layer of a model at a time is compressed.

    A level is an operation in one line: `quantize bits=8,4`. Without levels, weights are rounded to 8, 6, 5, 4, 3 and
    2 bits.
    """

    kind: Literal["sensitivity"]
    model: str
    levels: Annotated[list[str], Field(default_factory=list, max_length=40)]
    metric: str | None = None


class ShipAsk(Ask):
    """Write a model in a format into the project's own folder, prove it, and log it as a child of the model.

    `sample` is the number of examples that it is run on: 256 if null; with 0 the numbers alone are compared.
    """

    kind: Literal["ship"]
    model: str
    format: str
    sample: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


PlanAsk = Annotated[OperationAsk | RecipeAsk, Body(discriminator="kind")]
"""What makes models."""
JobAsk = Annotated[
    OperationAsk | RecipeAsk | SearchAsk | MeasureAsk | EvaluateAsk | ActivationsAsk | SensitivityAsk | ShipAsk,
    Body(discriminator="kind"),
]
"""What to run."""


class RecipeText(Ask):
    """A recipe as YAML."""

    recipe: Annotated[str, Field(max_length=64_000)]


class PlannedModel(Answer):
    """A model that would be made, or is there already (`done`). `alike` were made in the same way by one operation."""

    id: str
    base: str | None
    operation: str | None
    parameters: dict[str, Json]
    done: bool
    alike: list[str]


class PlanAnswer(Answer):
    """The models, each after its base."""

    models: list[PlannedModel]


class PlanSizes(Answer):
    """Id → predicted packed size in bytes; null where the operation does not say it."""

    sizes: dict[str, int | None]


class TaskAnswer(Answer):
    """What a project asks to run: a function, what it is called with, and where its module is looked for.

    It is the task of the models of `root`, and `allowed` says whether it may run on this machine.
    """

    path: str
    options: dict[str, Any]
    folders: list[str]
    root: str
    allowed: bool


class TasksAnswer(Answer):
    """All tasks of a project."""

    tasks: list[TaskAnswer]


class TaskAllow(Ask):
    """Let a task run on this machine: exactly as it was shown."""

    path: str
    options: dict[str, Any]
    folders: list[str]


class JobIds(Ask):
    """Some jobs."""

    ids: Annotated[list[str], Field(min_length=1, max_length=10_000)]


class JobLog(Answer):
    """The end of what a job printed, and how many bytes that was in all."""

    text: str
    num_bytes: int


class ShipFormat(Answer):
    """A format that models are shipped in, and the extra that it needs; empty for none."""

    name: str
    summary: str
    extra: str
    needs_network: bool


class ShipFormats(Answer):
    """All formats, and whether each model of the project can be run here: the roots whose task is known."""

    formats: list[ShipFormat]
    roots: list[str]


class OperationForm(Answer):
    """An operation that can be applied, with the JSON schema of its parameters, from which a form can be made."""

    name: str
    description: str
    data: Literal["none", "calibration", "finetune"]
    roles: list[str]
    main: list[str]
    lowers: Literal["non-zero weights", "stored bits", "training loss", ""]
    parameters: dict[str, Any]


class OperationForms(Answer):
    """All operations, and the roots whose models they can be applied to here."""

    operations: list[OperationForm]
    roots: list[str]
