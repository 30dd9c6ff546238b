"""Journeys through the page of experiments: models are made from the page, and the work can be watched and stopped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

import compress_compare as cc
from tests.e2e.walking import link, walk_to
from tests.e2e.watching import Watched

TASK = "compress_compare.demos.digits:task"
MADE = 180_000
"""Milliseconds that a worker may take to load torch and make a model of the digits."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The untrained network of the digits with its task, and a model that nothing is known about."""
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    from compress_compare.demos.digits import task

    folder = tmp_path_factory.mktemp("e2e") / "experiments"
    made = task()
    with cc.open(folder) as project:
        for metric in made.metrics:
            project.define_metric(
                metric.name, format=metric.format, higher_is_better=metric.higher_is_better, primary=metric.primary
            )
        network = made.create()
        project.log_model("cnn", checkpoint=network, metrics=made.measure(network))
        project.log_dataset(made.data.name, **made.data.columns)
        project.log_task("cnn", TASK)
        project.log_model("imported")
    return folder


@pytest.fixture
def experiments(page: Page, address: str) -> Iterator[Page]:
    """The page of experiments with nothing selected. What the server refuses is expected here, nothing else is."""
    watched = Watched(page)
    page.goto(address)
    page.get_by_role("button", name="Experiments").click()
    yield page
    refused = re.compile(r"answer: .*/jobs/plan: 4|console: Failed to load resource")
    assert [problem for problem in watched.problems if not refused.match(problem)] == []


def go(page: Page, query: str) -> None:
    page.goto(f"{page.url.split('#')[0]}#/experiments?{query}")


def job(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name="Jobs").get_by_role("listitem").filter(has_text=title).first


def test_an_operation_from_the_form_arrives_on_the_map(experiments: Page) -> None:
    expect(experiments.get_by_text("No jobs yet")).to_be_visible()
    experiments.get_by_role("form").get_by_role("button", name="cnn", exact=True).click()
    amount = experiments.get_by_role("textbox", name="amount")
    amount.fill("1.6")
    expect(experiments.get_by_role("alert")).to_have_text("A number from 0 to 1.")
    run = experiments.get_by_role("button", name="Run", exact=True)
    expect(run).to_be_disabled()
    amount.fill("0.6")
    expect(experiments.get_by_label("Id of the new model")).to_have_attribute("placeholder", "cnn-magnitude-prune-0.6")
    experiments.reload()
    expect(amount).to_have_value("0.6")
    run.click()
    made = job(experiments, "magnitude prune amount=0.6")
    expect(made.get_by_role("progressbar")).to_be_visible()
    show = made.get_by_role("button", name="cnn-magnitude-prune-0.6")
    expect(show).to_be_visible(timeout=MADE)
    expect(experiments.get_by_text("Existing model")).to_be_visible()
    expect(run).to_be_disabled()
    show.click()
    expect(experiments).to_have_url(re.compile("#/overview.*sel=cnn-magnitude-prune-0.6"))
    experiments.goto(link(experiments, []))
    walk_to(experiments, "cnn-magnitude-prune-0.6")


def test_the_name_of_a_scheme_fills_in_what_it_stands_for(experiments: Page, project: Path) -> None:
    go(experiments, "sel=cnn&operation=quantize")
    form = experiments.get_by_role("form")
    form.get_by_text("more parameters").click()
    form.get_by_label("scheme", exact=True).select_option("W4A16_ASYM")
    bits = form.get_by_role("textbox", name="bits")
    expect(bits).to_have_value("4")
    expect(form.get_by_label("strategy", exact=True)).to_have_value("group")
    expect(form.get_by_role("textbox", name="group size")).to_have_value("128")
    expect(form.get_by_label("symmetric", exact=True)).not_to_be_checked()
    bits.fill("3")
    expect(experiments.get_by_role("alert")).to_contain_text(
        "bits must be 4 with the scheme W4A16_ASYM, which is bits=4,"
    )
    bits.fill("4")
    form.get_by_role("button", name="Run", exact=True).click()
    expect(job(experiments, "quantize").get_by_role("button", name="cnn-quantize-4")).to_be_visible(timeout=MADE)
    with cc.open(project, create=False) as opened:
        made = next(model for model in opened.models().to_pylist() if model["operation"] == "quantize")
    parameters = {"bits": 4, "group_size": 128, "strategy": "group", "symmetric": False}
    assert json.loads(made["parameters"]) == parameters
    form.get_by_label("scheme", exact=True).select_option("none")
    expect(bits).to_have_value("8")


def test_a_job_is_cancelled_and_retried(experiments: Page) -> None:
    go(experiments, "sel=cnn&operation=train&set=" + '["epochs","5000"]')
    experiments.get_by_role("button", name="Run", exact=True).click()
    running = job(experiments, "train epochs=5000")
    expect(running.get_by_role("progressbar")).to_be_visible(timeout=MADE)
    expect(experiments.get_by_role("banner").get_by_role("button", name="1 job")).to_be_visible()
    running.get_by_role("button", name="Log of").click()
    expect(running.get_by_text("It has printed nothing yet.")).to_be_visible()
    for _ in range(2):
        running.get_by_role("button", name="Cancel").click()
        expect(running.get_by_text("cancelled")).to_be_visible(timeout=MADE)
        running.get_by_role("button", name="Retry").click()
        expect(running.get_by_role("progressbar")).to_be_visible(timeout=MADE)
    running.get_by_role("button", name="Cancel").click()
    expect(running.get_by_text("cancelled")).to_be_visible(timeout=MADE)
    expect(experiments.get_by_role("banner").get_by_role("button", name="1 job")).to_be_hidden()


def test_a_recipe_is_corrected_planned_and_run(experiments: Page) -> None:
    go(experiments, "sel=cnn&do=recipe")
    text = experiments.get_by_role("textbox", name="Recipe")
    plan = experiments.get_by_role("main").get_by_role("button", name="Plan", exact=True)
    text.fill("base: cnn\nsteps:\n  - quantize: {bits: [8, 4]}\n    then:\n      - calibrat\n")
    plan.click()
    alert = experiments.get_by_role("alert")
    expect(alert).to_contain_text("There is no operation 'calibrat' here.")
    expect(alert).to_contain_text("Line 5")
    expect(text).to_have_attribute("aria-invalid", "true")
    text.fill("base: cnn\nsteps:\n  - quantize: {bits: [8, 4]}\n")
    plan.click()
    expect(experiments.get_by_role("heading", name="2 of 3 models will be made")).to_be_visible()
    rows = experiments.get_by_role("region", name="Planned models").get_by_role("row")
    expect(rows.nth(3)).to_contain_text(re.compile(r"cnn-quantize-4.*\d\skB.*to do"), timeout=MADE)
    experiments.get_by_role("button", name="Run 2").click()
    recipe = job(experiments, "3 models from cnn")
    expect(recipe.get_by_text("2 of 2 models")).to_be_visible(timeout=2 * MADE)
    plan.click()
    expect(experiments.get_by_role("heading", name="All 3 models exist: nothing to run")).to_be_visible()


def test_says_what_is_missing(experiments: Page) -> None:
    go(experiments, "sel=imported")
    expect(experiments.get_by_text("No task is attached to imported: new models cannot be evaluated.")).to_be_visible()
    expect(experiments.get_by_text("compress-compare run recipe.yaml --project experiments")).to_be_visible()
    go(experiments, "sel=cnn&sel=imported&operation=quantize&set=" + '["strategy","group"]')
    expect(experiments.get_by_text("imported has no task and is left out.")).to_be_visible()
    expect(experiments.get_by_role("alert")).to_contain_text("strategy 'group' needs a group_size")
    go(experiments, "sel=cnn&operation=quantize")
    name = experiments.get_by_label("Id of the new model")
    name.fill("x" * 300)
    expect(experiments.get_by_text("model id")).to_be_visible()
    name.fill("mine")
    expect(experiments.get_by_role("button", name="Run", exact=True)).to_be_enabled()
    go(experiments, "sel=cnn&operation=nothing")
    expect(experiments.get_by_text("There is no operation “nothing”.")).to_be_visible()


def test_two_tabs_show_the_same_work(experiments: Page, address: str) -> None:
    other = experiments.context.new_page()
    watched = Watched(other)
    other.goto(address)
    other.get_by_role("button", name="Experiments").click()
    go(experiments, "sel=cnn&operation=train&set=" + '["epochs","4000"]')
    experiments.get_by_role("button", name="Run", exact=True).click()
    seen = job(other, "train epochs=4000")
    expect(seen.get_by_role("progressbar")).to_be_visible(timeout=MADE)
    seen.get_by_role("button", name="Cancel").click()
    expect(job(experiments, "train epochs=4000").get_by_text("cancelled")).to_be_visible(timeout=MADE)
    go(experiments, "sel=cnn&operation=magnitude+prune&set=" + '["amount","0.3"]')
    other.goto(link(other, []))
    experiments.get_by_role("button", name="Run", exact=True).click()
    expect(job(experiments, "magnitude prune amount=0.3").get_by_role("button", name="→")).to_be_visible(timeout=MADE)
    walk_to(other, "cnn-magnitude-prune-0.3")
    assert watched.problems == []
    other.close()


def test_work_goes_on_without_a_browser(browser: Browser, address: str) -> None:
    def opened() -> tuple[BrowserContext, Page]:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Experiments").click()
        return context, page

    context, page = opened()
    go(page, "sel=cnn&operation=magnitude+prune&set=" + '["amount","0.4"]')
    page.get_by_role("button", name="Run", exact=True).click()
    expect(job(page, "magnitude prune amount=0.4").get_by_text(re.compile("queued|running"))).to_be_visible()
    context.close()
    context, page = opened()
    expect(job(page, "magnitude prune amount=0.4").get_by_role("button", name="→")).to_be_visible(timeout=MADE)
    page.goto(link(page, []))
    walk_to(page, "cnn-magnitude-prune-0.4")
    context.close()
