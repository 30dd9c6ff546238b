"""What a caller gives by mistake is refused in one sentence, and what is as good is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue, NotFound, UserError
from compress_compare.project import Project

IDS = [1, 2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = cc.open(tmp_path / "p")
    project.log_model("a", operation=cc.Operation("train"))
    project.log_dataset("d", ids=IDS, labels=["x", "y"])
    return project


MISTAKES: dict[str, Callable[[Project], object]] = {
    "The unit of metric 'm' must be text.": lambda p: p.define_metric("m", unit=3),
    "The format of metric 'm' must be text.": lambda p: p.define_metric("m", format=3),
    "The higher_is_better of metric 'm' must be true or false.": lambda p: p.define_metric("m", higher_is_better="no"),
    "The primary of metric 'm' must be true or false.": lambda p: p.define_metric("m", primary="no"),
    "The min of metric 'm' must be a number.": lambda p: p.define_metric("m", min="0"),
    "A metric value must be a number.": lambda p: p.log_metrics("a", {"m": 1j}),
    "Metrics must be a mapping.": lambda p: p.log_model("b", base="a", operation=cc.Operation("x"), metrics=3),
    "References must be a mapping.": lambda p: p.log_model(
        "b", base="a", operation=cc.Operation("x"), references=["a"]
    ),
    "The models of role 'teacher' must be a list.": lambda p: p.log_model(
        "b", base="a", operation=cc.Operation("x"), references={"teacher": 3}
    ),
    "Tags must be a list.": lambda p: p.set_tags("a", 3),
    "Tags must be strings.": lambda p: p.set_tags("a", ["x", 3]),
    "The ids must be a list.": lambda p: p.log_dataset("e", ids="abc"),
    "The labels must be a list.": lambda p: p.log_dataset("e", ids=IDS, labels="xy"),
    "The images must be a list.": lambda p: p.log_dataset("e", ids=IDS, images=3),
    "Image 0 cannot be read from its file.": lambda p: p.log_dataset("e", ids=IDS, images=["no.png", "no.png"]),
    "The sounds must be a list.": lambda p: p.log_dataset("e", ids=IDS, audio=3),
    "Sound 0 has a rate of 0 samples a second; it is at least 1.": lambda p: p.log_dataset(
        "e", ids=IDS, audio=[(np.zeros(3), 0)] * 2
    ),
    "The texts must be a list.": lambda p: p.log_dataset("e", ids=IDS, texts="xy"),
    "The metadata 'm' must be a list.": lambda p: p.log_dataset("e", ids=IDS, metadata={"m": 3}),
    "The predictions must be a list.": lambda p: p.log_outputs("a", "d", ids=IDS, predictions=3),
    "The numbers per token 't' must be a list.": lambda p: p.log_outputs("a", "d", ids=IDS, tokens={"t": 3}),
    "Models must be a list.": lambda p: p.selection(3),
    "Models must be strings.": lambda p: p.selection(["a", 3]),
    "A project is opened by its path.": lambda p: cc.open(3),
    "The task 'os.system' cannot be used.": lambda p: p.log_task("a", "os.system"),
}


@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_mistake_is_named_and_nothing_is_logged(project: Project, sentence: str) -> None:
    before = project.revision()
    with pytest.raises(InvalidValue) as refused:
        MISTAKES[sentence](project)
    assert refused.value.title == sentence
    assert project.revision() == before


@pytest.mark.parametrize(
    "ask",
    [
        lambda p: p.model(3),
        lambda p: p.log_metrics(3, {}),
        lambda p: p.frontier(3, None),
        lambda p: p.effects(3),
        lambda p: p.behaviors(3, "a", "d"),
        lambda p: p.layers("a", "b" * 300),
    ],
)
def test_a_name_of_another_type_is_one_that_is_not_there(project: Project, ask: Callable[[Project], object]) -> None:
    with pytest.raises((NotFound, UserError), match="There is no"):
        ask(project)


def test_what_is_as_good_is_taken(project: Project) -> None:
    metric = project.define_metric("m", unit=None, format=None, higher_is_better=np.True_, min=np.float32(0), max=1)
    assert (metric.unit, metric.format, metric.higher_is_better, metric.min, metric.max) == ("", "", True, 0.0, 1.0)
    model = project.log_model("b", base="a", operation=cc.Operation("x"), tags="one tag", note=None)
    assert model.tags == ("one tag",)
    assert list(project.selection("a").rows) == ["a"]
    assert project.log_dataset("e", ids=iter(IDS), labels=(label for label in "xy")).num_instances == 2
