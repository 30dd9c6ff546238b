"""A journey through the layers of models, as a person takes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

import compress_compare as cc
from compress_compare.operations import quantize
from tests.e2e.serving import TOOL, serving
from tests.e2e.watching import Watched


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Two blocks and a head; a child with a silenced norm, one quantized, and one without weights."""
    folder = tmp_path_factory.mktemp("layers") / "layers"
    torch.manual_seed(5)
    block = torch.nn.Sequential
    base = block(*(block(torch.nn.Linear(16, 16), torch.nn.LayerNorm(16)) for _ in range(2)), torch.nn.Linear(16, 4))
    silenced = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    silenced["1.1.weight"][:6] = 0
    with cc.open(folder) as project:
        project.log_model("base", operation=cc.Operation("train", epochs=1), checkpoint=base)
        prune = cc.Operation("magnitude prune", amount=0.1)
        project.log_model("silenced", base="base", operation=prune, checkpoint=silenced)
        project.log_model(
            "int4", base="base", operation=cc.Operation("quantize", bits=4), checkpoint=quantize(base, bits=4)
        )
        project.log_model("unlogged", base="base", operation=cc.Operation("quantize", bits=3))
    with serving(TOOL, folder, PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        yield printed


@pytest.fixture
def layers(page: Page, address: str) -> Iterator[Page]:
    """The page of layers with nothing selected. The test fails on any error, failed request or policy violation."""
    watched = Watched(page)
    page.goto(f"{address}#/layers")
    expect(page.get_by_role("heading", name="Select models to see their layers")).to_be_visible()
    yield page
    assert watched.problems == []


def test_from_nothing_to_the_layer_that_is_to_blame(layers: Page) -> None:
    layers.get_by_role("button", name="Compare base with").click()
    tree = layers.get_by_role("treegrid", name="Layers")
    expect(tree.get_by_role("columnheader")).to_contain_text(
        ["Module", "Weights", "base", "prune 0.1", "quantize 4 bits"]
    )

    suspect = layers.get_by_role("region", name="Suspects").get_by_role("button").first
    expect(suspect).to_contain_text("1.1")
    expect(suspect).to_contain_text("6 of 16 values became zero")
    suspect.click()
    panel = layers.get_by_role("complementary", name="Layer")
    expect(panel.get_by_role("row", name="New zeros")).to_contain_text("18.8%")  # 6 of 16 scales and 16 biases
    expect(tree.get_by_role("row", selected=True)).to_contain_text("1")

    layers.reload()
    expect(panel.get_by_role("heading", level=2)).to_have_text("1.1")
    layers.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_modes_filters_and_the_keyboard(layers: Page) -> None:
    layers.get_by_role("button", name="Compare base with").click()
    tree = layers.get_by_role("treegrid", name="Layers")
    expect(tree.get_by_role("row")).to_have_count(1 + 8)  # the whole, two blocks of two layers, the head, the headings
    tree.focus()
    for key in ("Home", "ArrowDown", "ArrowLeft"):
        tree.press(key)
    expect(tree.get_by_role("row")).to_have_count(1 + 6)
    tree.press("ArrowRight")
    expect(tree.get_by_role("row")).to_have_count(1 + 8)

    layers.get_by_role("button", name="Flat").click()
    layers.get_by_role("searchbox", name="Filter").fill("1.1")
    expect(tree.get_by_role("row")).to_have_count(1 + 1)
    layers.get_by_role("button", name=".*").click()
    layers.get_by_role("searchbox", name="Filter").fill(r"^\d\.0$")
    expect(tree.get_by_role("row")).to_have_count(1 + 2)

    layers.get_by_role("button", name="Storage").click()
    expect(tree.get_by_role("row").last).to_contain_text("mixed")
    with layers.expect_download() as download:
        layers.get_by_role("button", name="Export the layers").click()
        layers.get_by_role("menuitem", name="Export CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("layer,model,num_parameters,bits")
    assert len(lines) == 1 + 2 * 3

    layers.go_back()
    expect(layers.get_by_role("button", name="Weights", pressed=True)).to_be_visible()
    with layers.expect_download() as download:
        layers.get_by_role("button", name="Export the layers").click()
        layers.get_by_role("menuitem", name="Export SQNR of silenced for Model Explorer").click()
    overlay = json.loads(Path(download.value.path()).read_text())
    assert overlay["results"]["1.1.weight"] == overlay["results"]["p_1_1_weight"]


def test_a_model_alone_and_one_without_weights(layers: Page) -> None:
    home = layers.url.split("#")[0]
    layers.goto(f"{home}#/layers?sel=int4&mode=sparsity")
    expect(layers.get_by_role("heading", name="Most zeros")).to_be_visible()
    layers.get_by_role("button", name="Compare with its parent base").click()
    expect(layers.get_by_role("treegrid").get_by_role("columnheader")).to_have_count(4)
    layers.goto(f"{home}#/layers?sel=unlogged")
    expect(layers.get_by_role("heading", name="without a checkpoint")).to_be_visible()


def test_activations_without_a_task_are_refused_with_the_way_out(page: Page, address: str) -> None:
    page.goto(f"{address}#/layers?sel=base&sel=int4&mode=activations")
    page.get_by_role("button", name="Run 1 model against the base").click()
    expect(page.get_by_role("alert")).to_contain_text("No task is attached to 'base': new models cannot be evaluated.")
    expect(page.get_by_text("project.layers(")).to_be_visible()


def test_activations_that_were_not_compared_yet_are_no_error(page: Page, address: str) -> None:
    watched = Watched(page)
    page.goto(f"{address}#/layers?sel=base&sel=int4&mode=activations")
    expect(page.get_by_role("region", name="Compare activations")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert watched.problems == []


def test_activations_are_compared_by_a_job(page: Page, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    from compress_compare.demos.digits import task

    made = task()
    network = made.create()
    with cc.open(tmp_path / "digits") as project:
        project.log_model("cnn", checkpoint=network)
        project.log_model(
            "int2", base="cnn", operation=cc.Operation("quantize", bits=2), checkpoint=quantize(network, bits=2)
        )
        project.log_task("cnn", "compress_compare.demos.digits:task")
    with serving(TOOL, tmp_path / "digits", PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        page.goto(f"{printed}#/layers?sel=cnn&sel=int2&mode=activations")
        page.get_by_role("spinbutton", name="Examples").fill("32")
        page.get_by_role("button", name="Run 1 model against the base").click()
        tree = page.get_by_role("treegrid", name="Layers")
        expect(tree).to_be_visible(timeout=90_000)
        expect(tree.get_by_role("row").nth(2)).to_contain_text("%")
        page.get_by_role("combobox", name="Measure").select_option("Error so far")
        page.reload()
        expect(tree.get_by_role("row").nth(2)).to_contain_text("%")
        tree.get_by_role("row").nth(2).click()
        panel = page.get_by_role("complementary", name="Layer")
        expect(panel.get_by_role("row", name="Error added here")).to_contain_text("%")
        expect(panel.get_by_role("row", name="Worst channels")).to_contain_text("%)")
        expect(panel.get_by_role("heading", name="Activations, and how much they changed")).to_be_visible()
        expect(panel.get_by_role("img", name="Histogram of the activations in int2")).to_be_visible()
        expect(panel.get_by_role("img", name="Relative change of the activations")).to_have_count(1)


def test_what_takes_long_says_how_far_it_is_and_can_be_cancelled(page: Page, tmp_path: Path) -> None:
    small = {f"blocks.{k}.weight": np.full((2, 2), k, np.float32) for k in range(12_000)}
    with cc.open(tmp_path / "deep") as project:
        project.log_model("base", checkpoint=small)
        for other in range(3):
            halved = {name: values / (2 + other) for name, values in small.items()}
            project.log_model(f"m{other}", base="base", operation=cc.Operation("x", k=other), checkpoint=halved)
    with serving(TOOL, tmp_path / "deep", PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        page.goto(f"{printed}#/layers?sel=base&sel=m0&sel=m1&sel=m2")
        expect(page.get_by_role("progressbar")).to_be_visible()
        expect(page.get_by_role("status").filter(has_text="…")).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        cancelled = page.get_by_role("alert")
        expect(cancelled).to_contain_text(
            "The comparison was cancelled.", timeout=180_000
        )  # at its next look, on a busy machine
        expect(page.get_by_role("progressbar")).to_be_hidden()
        page.get_by_role("button", name="Compare again").click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        expect(page.get_by_role("treegrid", name="Layers")).to_be_visible(timeout=180_000)
        expect(page.get_by_role("alert")).to_be_hidden()


def test_a_look_into_a_tensor(layers: Page) -> None:
    layers.get_by_role("button", name="Compare base with").click()
    layers.get_by_role("region", name="Suspects").get_by_role("button").first.click()
    panel = layers.get_by_role("complementary", name="Layer")
    panel.get_by_role("group", name="Look into a tensor").get_by_role("button", name="weight").click()
    tensor = layers.get_by_role("region", name="Tensor")
    expect(tensor.get_by_role("heading", name="1.1.weight")).to_be_visible()
    expect(tensor.get_by_role("heading", name="Codebook of")).to_contain_text("Codebook of 2 values")
    expect(tensor.get_by_text("A vector has no spectrum")).to_be_visible()

    # six scales of ones became zero: those channels changed by all of their norm
    rows = tensor.get_by_role("table", name="Output channels").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("100%")
    expect(rows.nth(6)).to_contain_text("100%")
    expect(rows.nth(7)).not_to_contain_text("100%")

    tensor.get_by_role("button", name="Change").first.click()
    heat_map = tensor.get_by_role("application", name="Heat map of 1.1.weight, 16 channels by 1 columns")
    heat_map.focus()
    for _ in range(16):
        heat_map.press("ArrowUp")
    expect(tensor.get_by_role("status")).to_have_text("[0]; change \u22121; here 0; in the base 1")
    layers.reload()
    expect(tensor.get_by_role("button", name="Change", pressed=True)).to_be_visible()
    layers.keyboard.press("Escape")
    expect(tensor).to_be_hidden()
    expect(panel).to_be_visible()


def test_zoom_and_spectra_of_a_matrix(layers: Page) -> None:
    home = layers.url.split("#")[0]
    layers.goto(f"{home}#/layers?sel=base&sel=int4&tensor=0.0.weight&of=int4")
    tensor = layers.get_by_role("region", name="Tensor")
    spectrum = tensor.get_by_role("img", name="Singular values, largest first")
    expect(spectrum).to_have_accessible_name(re.compile(r"base \d+ of 16, int4 \d+ of 16 hold 99%"))
    heat_map = tensor.get_by_role("application", name="Heat map of 0.0.weight, 16 channels by 16 columns")
    heat_map.press("+")
    expect(tensor.get_by_role("button", name="Reset zoom")).to_be_visible()
    expect(layers).to_have_url(re.compile("frame="))
    box = heat_map.bounding_box()
    assert box is not None
    layers.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(tensor.get_by_text("[8, 8]")).to_be_visible()
    heat_map.press("0")
    expect(tensor.get_by_role("button", name="Reset zoom")).to_be_hidden()
    tensor.get_by_role("button", name="Mask").click()
    expect(tensor.get_by_text("not zero").first).to_be_visible()
    expect(tensor.get_by_role("button", name="compare activations")).to_be_visible()


def test_a_tensor_that_is_not_there_is_said(page: Page, address: str) -> None:
    page.goto(f"{address}#/layers?sel=base&sel=int4&tensor=0.9.weight")
    expect(page.get_by_role("alert")).to_contain_text("These models have no tensor '0.9.weight'.")


def test_a_tensor_without_a_counterpart_is_aligned_by_hand(page: Page, tmp_path: Path) -> None:
    base = {"stem.weight": np.eye(3, dtype=np.float32), "fc.kernel": np.ones((2, 2), np.float32)}
    other = {"stem.weight": base["stem.weight"], "head.matrix": np.full((2, 2), 3, np.float32)}
    with cc.open(tmp_path / "other") as project:
        project.log_model("base", checkpoint=base)
        project.log_model("other", base="base", operation=cc.Operation("rename"), checkpoint=other)
    with serving(TOOL, tmp_path / "other", PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        page.goto(f'{printed}#/layers?sel=base&sel=other&layer=["fc","kernel"]')
        panel = page.get_by_role("complementary", name="Layer")
        panel.get_by_role("combobox", name="Compare with").select_option("head.matrix")
        expect(panel.get_by_text("Its counterpart in this model is head.matrix, chosen by hand.")).to_be_visible()
        expect(panel.get_by_role("row", name="Mean change")).to_contain_text("2")
        page.reload()
        expect(panel.get_by_role("button", name="Undo the choice")).to_be_visible()
        panel.get_by_role("button", name="kernel").click()
        tensor = page.get_by_role("region", name="Tensor")
        expect(tensor.get_by_role("table", name="Output channels").get_by_role("row").nth(1)).to_contain_text("200%")
