"""What travels over HTTP about single instances: what to compare, and the tables of the answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Answer, Ask, Json, Number

Condition = Annotated[list[Any], Field(min_length=3, max_length=3)]
"""`[column, operator, value]`."""


class InstancesAsk(Ask):
    """Which instances: a column to sort by (`-` before it: descending), conditions that all hold, a page."""

    sort: str | None = None
    where: Annotated[list[Condition], Field(default_factory=list, max_length=50)]
    limit: Annotated[int, Field(ge=0, le=1000)] = 100
    offset: Annotated[int, Field(ge=0)] = 0


Part = Literal[
    "summary",
    "histograms",
    "groups",
    "changes",
    "pairs",
    "confusion",
    "calibration",
    "perplexity",
    "exemplars",
    "slices",
    "segmentation",
    "instances",
]
FIRST: tuple[Part, ...] = ("summary", "histograms")


class BehaviorsAsk(Ask):
    """What to compare, and which parts of the answer are wanted. Histograms follow the conditions on instances."""

    base: str
    models: Annotated[list[str], Field(min_length=1, max_length=200)]
    dataset: str
    metric: str | None = None
    """A per-instance metric; null for the one that fits the task."""
    by: Annotated[list[str], Field(default_factory=list, max_length=2)]
    parts: list[Part] = Field(default_factory=lambda: list(FIRST))
    instances: InstancesAsk = Field(default_factory=lambda: InstancesAsk.model_validate({}))
    confusion_of: str | None = None
    relative: bool = False
    """Whether histograms are of the values minus those of the base."""


class InstanceAsk(Ask):
    """One instance of a comparison."""

    base: str
    models: Annotated[list[str], Field(min_length=1, max_length=200)]
    dataset: str
    metric: str | None = None
    id: int | str


Rows = list[dict[str, Json]]
"""A table whose columns depend on what was logged, one object per row."""


class ChangeNumbers(Answer):
    """How a metric of a model differs from the base's over some instances; what is not known is null."""

    model: str
    metric: str
    count: int
    """Instances with a finite value of both."""
    compared: int
    """Instances that base and model both answered."""
    value: Number | None
    base_value: Number | None
    difference: Number | None
    ci_low: Number | None
    ci_high: Number | None
    interval: str
    """How that interval was made."""
    bootstrap_low: Number | None
    """The same by a paired bootstrap."""
    bootstrap_high: Number | None
    agreement: Number | None
    right_to_wrong: int | None
    wrong_to_right: int | None
    wrong_to_wrong: int | None
    mcnemar_p: Number | None


class SummaryRow(ChangeNumbers):
    """A model against the base over all instances."""

    mcnemar_p_adjusted: Number | None
    """By Holm over the models."""
    missing: int
    base_missing: int
    nonfinite: int


class GroupRow(ChangeNumbers):
    """A model against the base over the instances of a group, and how far that is from the average change."""

    group: Json
    first: str | None = None
    """The two conditions of a group of two columns, in words."""
    second: str | None = None
    excess: Number | None
    excess_p: Number | None
    hurt: bool | None
    """Worse than the average beyond chance; null where the metric has no direction."""


class HistogramRow(Answer):
    """The values of a model in bins of equal width from `low` to `high`."""

    model: str
    low: Number
    high: Number
    counts: list[int]
    nan: int
    positive_infinity: int
    negative_infinity: int
    missing: int


class PredictionChange(Answer):
    """How often a prediction of the base turned into another."""

    model: str
    base_prediction: Json
    prediction: Json
    count: int
    rate: float
    """Of the instances that both answered."""
    rate_of_base: float
    """Of those of which the base predicted the same."""


class PairRow(Answer):
    """Two models against each other by what they get right."""

    first: str
    second: str
    count: int
    first_value: float | None
    second_value: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    bootstrap_low: float | None
    bootstrap_high: float | None
    first_only: int
    second_only: int
    mcnemar_p: float
    mcnemar_p_adjusted: float
    tie: bool
    """Whether the difference may be chance."""


class ConfusionRow(Answer):
    """A cell of the confusion matrix, before and now."""

    label: Json
    prediction: Json
    base_count: int
    count: int
    change: int


class CalibrationRow(Answer):
    """Instances of one model by how sure it is."""

    model: str
    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


class PerplexityRow(Answer):
    """The perplexity over all tokens together."""

    model: str
    tokens: int
    perplexity: Number | None
    base_perplexity: Number | None
    ratio: Number | None
    ci_low: Number | None
    ci_high: Number | None


class ExemplarRow(Answer):
    """An instance on which at least half of the models disagree with the base."""

    id: int | str
    label: Json = None
    base_prediction: Json
    prediction: Json
    """The models' most frequent one; null where several are as frequent."""
    num_changed: int
    num_models: int
    share: float


class SliceRow(Answer):
    """Instances with one or two things in common that changed more or less than all, by more than chance."""

    model: str
    slice: str
    columns: list[str]
    values: list[str]
    count: int
    difference: Number
    excess: Number
    """The slice's change minus that of all instances."""
    p: Number
    p_adjusted: Number
    """Adjusted for all slices that were tried."""
    tried: int
    same_as: str | None
    """A slice of this model that changed more, with mostly the same instances: the two are one finding."""


class SegmentationRow(Answer):
    """The intersection over union of a model and class, over the pixels of all images that base and model have."""

    model: str
    class_: Annotated[str | None, Field(alias="class")]
    """Null for the mean over the classes."""
    num_pixels: int
    """Of the class in the labels."""
    iou: Number | None
    base_iou: Number | None
    difference: Number | None
    ci_low: Number | None
    ci_high: Number | None
    """By a paired bootstrap over the images."""
    lost: int
    """Pixels that only the base has right."""
    won: int


class ClassProbability(Answer):
    """The probability that a model gives a class."""

    model: str
    class_: Annotated[str, Field(alias="class")]
    probability: Number | None


class BehaviorsAnswer(Answer):
    """A base against models. A part that was not asked for, or cannot be without labels or classes, is null."""

    base: str
    models: list[str]
    metric: str
    higher_is_better: bool | None
    """The direction of the metric; null where it has none."""
    meaning: str
    """What the metric is, in one sentence."""
    metrics: list[str]
    columns: list[str]
    group_columns: list[str]
    num_instances: int
    summary: list[SummaryRow] | None
    histograms: list[HistogramRow] | None
    groups: list[GroupRow] | None
    changes: list[PredictionChange] | None
    pairs: list[PairRow] | None
    confusion: list[ConfusionRow] | None
    calibration: list[CalibrationRow] | None
    calibration_errors: dict[str, Number | None] | None
    """Expected calibration error by model."""
    perplexity: list[PerplexityRow] | None
    exemplars: list[ExemplarRow] | None
    slices: list[SliceRow] | None
    segmentation: list[SegmentationRow] | None
    """Null without masks."""
    instances: Rows | None
    total: int | None


class TokenNumbers(Answer):
    """One number per token, as a model gave them."""

    measure: str
    model: str
    values: list[Number | None]


class ObjectMask(Answer):
    """Which pixels of an image are those of an object."""

    height: int
    """Of a large mask, every `step`-th line and column are sent."""
    width: int
    step: int
    counts: list[int]
    """The lengths of runs outside and inside the object by turns, column by column, as COCO writes them."""


class BoxAnswer(Answer):
    """An object in an image, or what a model took for one."""

    class_: Annotated[str, Field(alias="class")]
    box: list[float]
    """Left, top, right and bottom, in pixels of the image."""
    score: float
    """1 where there is none."""
    right: bool
    """Of a box, whether it finds an object; of an object, whether the base finds it."""
    mask: ObjectMask | None = None
    """Null where masks are not compared, and beyond the 100 surest boxes with a score of at least 0.5."""


class ImageBoxes(Answer):
    """The boxes of one model in an image; of no model, the objects that are there."""

    model: str | None
    boxes: list[BoxAnswer]


class ImageMask(Answer):
    """The class of each pixel of an image, as one model gives it; of no model, the label."""

    model: str | None
    height: int
    """Of this mask; of a large one, every `step`-th line and column are sent."""
    width: int
    step: int
    classes: list[int]
    """Of each run of equal pixels, line by line; negative where a pixel counts for nothing."""
    lengths: list[int]
    """Of each run, in pixels."""


class MaskClass(Answer):
    """A class of pixels."""

    number: int
    name: str


class InstanceAnswer(Answer):
    """One instance and what base and models made of it."""

    row: dict[str, Json]
    """As in a list of instances."""
    text: str | None
    """The whole text that was logged, if any, up to a limit."""
    is_cut: bool
    """Whether the text is longer than that."""
    has_image: bool
    has_audio: bool
    tokens: list[str]
    """At most 2,000; empty without tokens."""
    token_numbers: list[TokenNumbers]
    boxes: list[ImageBoxes]
    """The objects first, then the boxes of base and models; empty where no boxes were logged."""
    masks: list[ImageMask]
    """The label first, then the masks of base and models; empty where no masks were logged."""
    mask_classes: list[MaskClass]
    """All that occur in the data, by number."""
    probabilities: list[ClassProbability]
    """`model, class, probability`: the same largest classes of every model; empty without probabilities."""


class Answered(Answer):
    """Which models have outputs on a dataset, or on equal data under another name."""

    dataset: str
    models: list[str]
