"""Six tasks of people who compress models, each begun on the page as its address opens it, with the clicks it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

import compress_compare as cc
from tests.e2e.conftest import measured
from tests.e2e.walking import expect_selected, model_map
from tests.e2e.watching import Watched

COUNT = 400
LABELS = np.arange(COUNT) % 5
HURT = np.flatnonzero((LABELS == 3) & (np.arange(COUNT) < 200))
"""What the model with the most zeros reads as 4."""
PRUNED = {"p50": (0.5, 0.972, 0.98), "p75": (0.75, 0.903, 0.975), "p90": (0.9, 0.9, 0.951)}
"""The share of zeros, and the accuracy before and after training again."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models pruned, each trained again, with weights of two layers and with answers; the last layer loses."""
    folder = tmp_path_factory.mktemp("e2e") / "tasks"
    random = np.random.default_rng(5)
    weights = {name: random.normal(size=(8, 8)).astype(np.float32) for name in ("first.weight", "last.weight")}
    with cc.open(folder) as project:
        project.define_metric("Top-1 Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
        project.define_metric("Model Size", unit="B", format=".3s", higher_is_better=False, primary=True, min=0)
        project.log_dataset("digits", ids=np.arange(COUNT), labels=LABELS)
        project.log_model("cnn", operation=cc.Operation("train"), metrics=measured(0.981, 400_000), checkpoint=weights)
        for id, (amount, accuracy, repaired) in PRUNED.items():
            size = round(400_000 * (1 - amount))
            zeroed = {**weights, "last.weight": weights["last.weight"] * (random.random((8, 8)) > amount)}
            prune = cc.Operation("magnitude prune", amount=amount)
            project.log_model(id, base="cnn", operation=prune, metrics=measured(accuracy, size), checkpoint=zeroed)
            train = cc.Operation("train", epochs=1)
            project.log_model(f"{id}-ft", base=id, operation=train, metrics=measured(repaired, size))
        for id in ("cnn", *PRUNED):
            said = LABELS.copy()
            said[HURT if id == "p90" else [0]] = 4
            project.log_outputs(id, "digits", ids=np.arange(COUNT), predictions=said)
    return folder


class Hand:
    """A person's hand on the page: whatever it presses or chooses is counted, and nothing else is done."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, part: Locator, *, adding: bool = False) -> None:
        part.click(modifiers=["Shift"] if adding else [])
        self.clicks += 1

    def press(self, name: str | re.Pattern[str], *, adding: bool = False) -> None:
        """Click the button of this name."""
        self.click(self.page.get_by_role("button", name=name, exact=True).first, adding=adding)


@pytest.fixture
def hand(page: Page, address: str) -> Iterator[Hand]:
    """The page as it opens. The test fails on any error, failed request or policy violation."""
    watched = Watched(page)
    page.goto(address)
    expect(model_map(page)).to_be_visible()
    yield Hand(page)
    assert watched.problems == []


def test_find_the_models_that_are_small_and_right(hand: Hand) -> None:
    hand.press(re.compile("^Frontier"))
    listed = hand.page.get_by_role("region", name="Model scatterplot").get_by_role("table")
    expect(listed.get_by_role("row").filter(has_text="95.1%")).to_contain_text("40")
    assert hand.clicks == 1


def test_say_what_a_parameter_does_to_accuracy_and_size(hand: Hand) -> None:
    hand.press("magnitude prune")
    expect_selected(hand.page, PRUNED)
    expect(hand.page.get_by_text("3 models differ in amount")).to_be_visible()
    assert hand.clicks == 1


def test_tell_which_operation_repairs_and_when(hand: Hand) -> None:
    hand.click(hand.page.get_by_role("tab", name="Effects"))
    effect = hand.page.locator("#details-panel")
    expect(effect).to_contain_text("helps most after magnitude prune 0.75")
    assert hand.clicks == 1


def test_find_the_class_that_compression_hits(hand: Hand) -> None:
    hand.press("Behaviors")
    hand.press(re.compile("^Compare cnn"))
    hand.press("Classes")
    expect(hand.page.get_by_text("prune 0.9 hits class 3 harder than the rest")).to_be_visible()
    assert hand.clicks == 3


def test_see_the_examples_that_were_lost(hand: Hand) -> None:
    hand.press("Behaviors")
    hand.press(re.compile("^Compare cnn"))
    hand.press(f"p90: right → wrong, {len(HURT)} examples")
    expect(hand.page.get_by_text(f"{len(HURT)} of {COUNT} examples")).to_be_visible()
    assert hand.clicks == 3


def test_name_the_layer_that_changed_most(hand: Hand) -> None:
    hand.press("Layers")
    hand.press(re.compile("^Compare cnn"))
    expect(hand.page.get_by_role("heading", name="last changed most in every model, against cnn")).to_be_visible()
    assert hand.clicks == 2
