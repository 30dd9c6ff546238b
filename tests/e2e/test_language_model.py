"""The steps of the case study of the language model, done on a smaller run of the same demo as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import compress_compare as cc
from tests.e2e.walking import expect_selected, here, link, model_map, walk_to
from tests.e2e.watching import Watched

PASSES = 25
"""Over the training data, a quarter of the demo's: with half of them texts do not yet tell models apart."""
PRUNED = ("lm-all10", "lm-all30", "lm-all50")
RESTORED = tuple(f"{id}-norms" for id in PRUNED)
OTHERS = ("lm-all30-queries", "lm-all30-half", "lm-all30-trained")
MODELS = ("lm", *PRUNED, *RESTORED, *OTHERS)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten of the models of the demo, after a shorter training."""
    from compress_compare.demos.pydoc import run_pydoc
    from compress_compare.demos.pydoc.experiments import experiments

    folder = tmp_path_factory.mktemp("e2e") / "pydoc"
    nodes = [node for node in experiments(passes=PASSES, repair_passes=1) if node.id in MODELS]
    assert len(nodes) == len(MODELS)
    run_pydoc(folder, nodes=nodes).close()
    return folder


@pytest.fixture(scope="module")
def measured(project: Path) -> dict[str, dict[str, Any]]:
    """Metrics of the models by id."""
    with cc.open(project, create=False) as opened:
        return {row["id"]: row for row in opened.models().to_pylist()}


@pytest.fixture
def demo(page: Page, address: str) -> Iterator[Page]:
    """The overview with nothing selected. The test fails on any error or policy violation."""
    watched = Watched(page)
    page.goto(address)
    expect(model_map(page)).to_be_visible()
    yield page
    assert watched.problems == []


def paleness(drawn: str) -> dict[tuple[float, float], float]:
    """Of a picture of the map: how light each node is, from 0 to 255, by where it is."""
    found = {}
    for path, *color in re.findall(r'd="([^"]*)" fill="rgb\((\d+), (\d+), (\d+)\)"', drawn):
        light = sum(share * int(part) for share, part in zip((0.2126, 0.7152, 0.0722), color, strict=True))
        for x, y, radius in re.findall(r"M([\d.]+),([\d.]+)a([\d.]+),", path):
            found[round(float(x) - float(radius)), round(float(y))] = light
    return found


def test_the_pale_branch(demo: Page, tmp_path: Path) -> None:
    demo.goto(link(demo, [], color="Top-1 Agreement", names="ids"))
    expect(demo.get_by_role("heading", name=re.compile("Top-1 Agreement falls most"))).to_be_visible()
    demo.get_by_role("button", name="Map menu").click()
    with demo.expect_download() as started:
        demo.get_by_role("menuitem", name="Export SVG").click()
    started.value.save_as(tmp_path / "map.svg")
    drawn = (tmp_path / "map.svg").read_text()
    light = paleness(drawn)
    assert len(light) == len(MODELS)
    columns = sorted({x for x, _ in light})
    root, *pruned = [light[place] for x in columns[:2] for place in sorted(light) if place[0] == x]
    assert [root, *pruned] == sorted([root, *pruned])  # from the top: 10, 30 and 50% of the weights
    assert pruned[-1] > 3 * root
    rows = {label: round(float(y) - 0.5) for y, label in re.findall(r' y="([\d.]+)"[^>]*>(lm-all\d+-norms)<', drawn)}
    for id, before in zip(RESTORED, pruned, strict=True):
        assert light[columns[-1], rows[id]] < before


def test_something_is_wrong(demo: Page, measured: dict[str, dict[str, Any]]) -> None:
    agreement = {id: row["Top-1 Agreement"] for id, row in measured.items()}
    assert agreement["lm"] == 1 > agreement["lm-all10"] > agreement["lm-all30"] > agreement["lm-all50"]
    assert agreement["lm-all50"] < 0.4
    demo.goto(link(demo, [], color="Top-1 Agreement"))
    expect(
        demo.get_by_role("heading", name=re.compile(r"Top-1 Agreement falls most at prune 0\.5.* against lm$"))
    ).to_be_visible()
    for id in (*PRUNED, *RESTORED):
        walk_to(demo, id)
        expect(demo.get_by_role("treeitem")).to_contain_text(f"Top-1 Agreement {agreement[id]:.1%}")
        expect(demo.get_by_role("treeitem")).to_contain_text(f"Bits per Byte {measured[id]['Bits per Byte']:.3f}")
    assert here(demo) == RESTORED[-1]


def test_what_it_writes(demo: Page, project: Path) -> None:
    chosen = ["lm", "lm-all50", "lm-all50-norms"]
    with cc.open(project, create=False) as opened:
        texts = {id: opened.outputs(id, "pydoc-prompts").to_pydict() for id in chosen}
        rows = opened.behaviors("lm", chosen[1:], "pydoc-prompts", metric="Known Words").summary.to_pylist()
    known = {id: np.array(columns["Known Words"], dtype=float) for id, columns in texts.items()}
    both = np.isfinite(known["lm"]) & np.isfinite(known["lm-all50"])
    fall = (known["lm-all50"] - known["lm"])[both]
    row = next(row for row in rows if row["model"] == "lm-all50")
    assert row["difference"] == pytest.approx(fall.mean()) and row["difference"] < 0
    demo.goto(link(demo, chosen))
    expect_selected(demo, chosen)
    demo.get_by_role("button", name="Behaviors").click()
    demo.locator("label", has_text="Metric").locator("select").select_option("Known Words")
    models = demo.get_by_role("region", name="Models", exact=True)
    said = models.get_by_role("row").filter(has=demo.get_by_title("lm-all50", exact=True))
    expect(said).to_contain_text(f"{-100 * fall.mean():.1f}")
    place = 0
    demo.get_by_role("searchbox", name="Search the examples").fill(str(texts["lm"]["id"][place]))
    demo.get_by_role("grid", name="Examples").get_by_role("row").nth(1).click()
    panel = demo.get_by_role("complementary", name="Example")
    for id in chosen:
        start = texts[id]["prediction"][place].split()[0]
        expect(panel).to_contain_text(start)


def test_who_is_to_blame(demo: Page, project: Path) -> None:
    with cc.open(project, create=False) as opened:
        scales = {id: opened.load_checkpoint(id) for id in ("lm", "lm-all10")}
    norms = [name for name, tensor in scales["lm"].items() if "norm" in name and name.endswith("weight")]
    zeros = {name: int((scales["lm-all10"][name] == 0).sum()) for name in norms}
    assert len(norms) == 9 and set(zeros.values()) == {6}
    demo.goto(link(demo, ["lm", "lm-all10"]))
    demo.get_by_role("button", name="Layers").click()
    suspects = demo.get_by_role("region", name="Suspects").get_by_role("button")
    expect(suspects.first).to_contain_text("6 of 64 values became zero")
    blamed = suspects.first.inner_text().split()[0]
    assert f"{blamed}.weight" in norms
    suspects.first.click()
    panel = demo.get_by_role("complementary", name="Layer")
    expect(panel.get_by_role("heading").first).to_have_text(blamed)


def test_the_repair(demo: Page, measured: dict[str, dict[str, Any]]) -> None:
    bits = {id: row["Bits per Byte"] for id, row in measured.items()}
    harm = bits["lm-all30"] - bits["lm"]
    assert bits["lm-all30-norms"] - bits["lm"] < 0.3 * harm
    assert abs(bits["lm-all30-queries"] - bits["lm-all30"]) < 0.1 * harm
    assert bits["lm-all30-norms"] < bits["lm-all30-trained"] < bits["lm-all30"]
    chosen = ["lm-all30", "lm-all30-norms", "lm-all30-queries", "lm-all30-half"]
    demo.goto(link(demo, chosen))
    expect_selected(demo, chosen)
    figure = demo.get_by_role("figure", name=re.compile("^Bits per Byte"))
    expect(figure).to_contain_text('["LayerNorm"] is best')
    for id, part in zip(chosen, ("without restore", "LayerNorm", "query", "blocks"), strict=True):
        bar = figure.get_by_role("button", name=re.compile(re.escape(part)))
        expect(bar).to_have_attribute("aria-label", re.compile(f": {bits[id]:.3f}\\sbit$"))


def leading(changes: list[float]) -> float:
    """What an effect leads with: the mean of its pairs, or their median where Pearson's skewness is over 1."""
    mean, median = float(np.mean(changes)), float(np.median(changes))
    return median if 3 * abs(mean - median) > np.std(changes, ddof=1) else mean


def test_what_helps_in_general(demo: Page, measured: dict[str, dict[str, Any]]) -> None:
    bits = {id: row["Bits per Byte"] for id, row in measured.items()}
    norms = leading([bits[f"{id}-norms"] - bits[id] for id in PRUNED])
    restored = [*PRUNED, "lm-all30", "lm-all30"]
    parts = [*RESTORED, "lm-all30-queries", "lm-all30-half"]
    overall = leading([bits[after] - bits[before] for before, after in zip(restored, parts, strict=True)])
    trained = bits["lm-all30-trained"] - bits["lm-all30"]
    assert norms < trained < 0
    demo.goto(link(demo, [], tab="effects", effect="Bits per Byte"))
    details = demo.get_by_role("region", name="Details", exact=True)
    restore = details.get_by_role("button", name="restore lowers Bits per Byte")
    finetune = details.get_by_role("button", name="finetune lowers Bits per Byte")
    expect(restore).to_contain_text("5 pairs")
    expect(finetune).to_contain_text("only one pair")
    restore.click()
    said = details.get_by_role("listitem").filter(has_text=re.compile(r'^\s*targets=\["LayerNorm"\]'))
    for row, change in ((restore, overall), (finetune, trained), (said, norms)):
        found = re.search(r"lowers Bits per Byte by ([\d.]+)", row.inner_text())
        assert found is not None and float(found[1]) == pytest.approx(-change, abs=0.0006)
