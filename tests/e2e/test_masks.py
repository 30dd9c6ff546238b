"""Masks as the page shows them: every pixel in the color of its class, IoU by class, and masks of objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

import compress_compare as cc
from tests.e2e.serving import TOOL, serving
from tests.e2e.watching import Watched

LABEL = np.array([[0, 0, 1, 1], [0, 0, 1, 255]])
BASE = np.array([[0, 0, 1, 1], [0, 1, 1, 1]])
SMALL = np.array([[0, 0, 1, 0], [0, 0, 1, 0]])
ORANGE, SKY = [230, 159, 0, 255], [86, 180, 233, 255]
COLORS = """canvas => {
  const { width, height } = canvas;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return Array.from({ length: width * height }, (_, at) => [...data.slice(4 * at, 4 * at + 4)]);
}"""


def test_each_pixel_has_the_color_of_its_class(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    with cc.open(folder) as project:
        project.log_model("base")
        project.log_model("small", base="base", operation=cc.Operation("quantize", bits=4))
        images = [np.full((8, 16), 120, np.uint8)]
        project.log_dataset("street", ids=["a"], masks=[LABEL], void=255, images=images)
        for model, mask in (("base", BASE), ("small", SMALL)):
            project.log_outputs(model, "street", ids=["a"], masks=[mask], classes=["road", "car"])
    watched = Watched(page)
    with serving(TOOL, folder, PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        page.goto(f"{printed}#/behaviors?sel=base&sel=small&id=a")
        panel = page.get_by_role("complementary", name="Example")
        differences = "only the base is right 14.3%, only the model is right 14.3%, same class 71.4%"
        expect(panel.get_by_role("img", name=differences)).to_be_visible()
        panel.get_by_role("button", name="Label", exact=True).click()
        expect(panel.get_by_role("img", name="Label: road 57.1%, car 42.9%")).to_be_visible()
        wanted = [[0, 0, 0, 0] if at == 255 else (ORANGE, SKY)[at] for at in LABEL.ravel()]
        assert panel.locator("canvas").evaluate(COLORS) == wanted
        panel.get_by_role("button", name="Model", exact=True).click()
        expect(panel.get_by_role("img", name="road 75.0%, car 25.0%")).to_be_visible()
        assert panel.locator("canvas").evaluate(COLORS) == [(ORANGE, SKY)[at] for at in SMALL.ravel()]
        drawn, image = panel.locator("canvas").bounding_box(), panel.locator("img").bounding_box()
        assert drawn == image and drawn is not None and abs(drawn["width"] / drawn["height"] - 2) < 0.02
        page.mouse.move(drawn["x"] + 0.9 * drawn["width"], drawn["y"] + 0.2 * drawn["height"])
        expect(panel.get_by_text("label car, base car, model road")).to_be_visible()
        page.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Classes", exact=True).click()
        table = page.get_by_role("region", name="Table of IoU by class")
        # Road: the base has 3 of 4 pixels right and adds none, the model all 4 of the 5 that it gives.
        expect(table.get_by_role("row", name="road")).to_contain_text("75.0%80.0%")
        # Car: 3 of 4 pixels for the base, 2 of 3 for the model, which has lost one and regained none.
        expect(table.get_by_role("row", name="car")).to_contain_text("75.0%66.7%")
        assert table.get_by_role("rowheader").all_text_contents() == ["mean of classes", "car", "road"]
        assert watched.problems == []


def test_masks_of_objects_are_drawn_over_the_image(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    mask = np.zeros((8, 16), bool)
    mask[2:6, 4:8] = True
    dog = {"class": "dog", "box": [4, 2, 8, 6]}
    with cc.open(folder) as project:
        project.log_model("base")
        project.log_model("small", base="base", operation=cc.Operation("quantize", bits=4))
        images = [np.full((8, 16), 120, np.uint8)]
        project.log_dataset("dogs", ids=["a"], boxes=[[dog]], object_masks=[[mask]], images=images)
        for model, found in (("base", mask), ("small", np.roll(mask, 3, 1))):
            project.log_outputs(model, "dogs", ids=["a"], boxes=[[dog]], object_masks=[[found]])
    watched = Watched(page)
    with serving(TOOL, folder, PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        page.goto(f"{printed}#/behaviors?sel=base&sel=small&id=a")
        panel = page.get_by_role("complementary", name="Example")
        # The boxes are the same; the mask of the small model is beside the object.
        expect(panel.get_by_role("img", name="base: 1 found")).to_be_visible()
        small = panel.get_by_role("img", name="quantize 4 bits: 0 found, 1 that is none")
        image = panel.locator("img").last.bounding_box()
        fill = small.locator("path.fill").bounding_box()
        assert image is not None and fill is not None
        # Columns 7 to 11 of 16, rows 2 to 6 of 8.
        for place, side, share, size in (("x", "width", 7 / 16, 4 / 16), ("y", "height", 2 / 8, 4 / 8)):
            assert abs((fill[place] - image[place]) / image[side] - share) < 0.02
            assert abs(fill[side] / image[side] - size) < 0.02
        panel.get_by_role("button", name="Outlined").click()
        expect(small.locator("path.fill")).to_have_count(0)
        expect(small.locator("path.outline")).to_have_count(1)
        panel.get_by_role("button", name="Boxes", exact=True).click()
        expect(small.locator("rect")).to_have_count(0)
        assert watched.problems == []
