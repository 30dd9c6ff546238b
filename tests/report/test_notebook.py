"""The page and the tables inside a notebook, in a real kernel."""

import html
import json
import os
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import compress_compare as cc
from compress_compare import errors
from compress_compare.page.built import STATIC
from compress_compare.report.notebook import PAGES
from compress_compare.table import Table

pytestmark = pytest.mark.skipif(not (STATIC / "report").is_dir(), reason="the page is not built: make ui")
EXAMPLE = Path(__file__).parents[2] / "examples" / "notebook.ipynb"


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        opened.log_model("cnn", metrics={"Accuracy": 0.98})
        opened.log_model('"><b>', base="cnn", metrics={"Accuracy": 0.9})
        yield opened


def test_a_page_is_a_frame_that_carries_all_it_shows(project):
    shown = project.show(["cnn"], height=500)._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert shown.count("<") == 2
    assert 'sandbox="allow-scripts allow-downloads"' in shown
    assert "height: 500px" in shown
    assert '"models":["cnn"]' in html.unescape(shown)


def document(shown):
    """What a page of a notebook says of itself."""
    text = html.unescape(shown._repr_html_())
    return json.loads(re.search(r'id="document">(.*?)</script>', text)[1])


def answers(shown):
    return json.loads(re.search(r'id="answers">(.*?)</script>', html.unescape(shown._repr_html_()))[1])


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    with cc.open(tmp_path_factory.mktemp("notebook") / "project") as project:
        project.log_model("cnn", checkpoint={"w": np.ones((3, 3), np.float32)}, metrics={"Accuracy": 0.9})
        project.log_dataset("test", ids=[1, 2], labels=[0, 1])
        for id, factor in (("half", 0.5), ("third", 1 / 3)):
            project.log_model(id, base="cnn", checkpoint={"w": np.full((3, 3), factor, np.float32)})
        for id, said in (("cnn", [0, 1]), ("half", [0, 0]), ("third", [0, 1])):
            project.log_outputs(id, "test", ids=[1, 2], predictions=said)
        yield project


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_shown_by_its_name(compared, page):
    shown = document(compared.show(["half", "third"], page=page))
    assert (shown["kind"], shown["page"]) == ("page", page)
    # what models come from is added where they are compared
    compares = page in ("behaviors", "candidates", "damage", "layers")
    assert shown["models"] == (["cnn", "half", "third"] if compares else ["half", "third"])
    assert document(compared.show(page=page))["models"] == []


def test_pages_carry_what_they_would_ask_for(compared):
    (behaviors,) = document(compared.show(["half"], page="behaviors"))["behaviors"]
    assert [row["right_to_wrong"] for row in behaviors["summary"]] == [1]
    assert "GET sensitivity cnn" in answers(compared.show(page="plan"))
    kept = answers(compared.show(["half"], page="damage"))
    assert 'POST layers weights "cnn" ["cnn","half"]' in kept
    assert not any("activations" in asked for asked in kept)
    assert document(compared.show(["half"], page="damage"))["own"] == {"above": ["matrix"]}


def test_a_page_that_is_not_there_is_one_sentence(project):
    with pytest.raises(errors.InvalidValue, match=rf"no page 'maps' to show; there are {', '.join(PAGES)}\."):
        project.show(page="maps")


def test_a_model_that_is_not_there_is_said(project):
    with pytest.raises(errors.NotFound, match="'nowhere'"):
        project.show(["nowhere"])


def test_tables_show_their_first_rows_as_text(project):
    shown = project.models()._repr_html_()
    assert "<td>&quot;&gt;&lt;b&gt;</td>" in shown
    # a metric in its own format, other numbers with the same decimals, and a bar up to the largest of a column
    assert re.findall(r"to right, #7c9cc6 (\d+)%[^>]*>([^<]*)<", shown) == [
        ("0", "0"),
        ("100", "0.98"),
        ("100", "1"),
        ("92", "0.9"),
    ]
    assert "more rows" not in shown
    project.log_models({"id": f"m{number}", "base": "cnn"} for number in range(30))
    assert "and 12 more rows" in project.models()._repr_html_()


def test_numbers_are_in_the_format_of_their_metric(project):
    project.define_metric("Top-1", format=".1%", higher_is_better=True, min=0, max=1)
    project.define_metric("Size", unit="B", higher_is_better=False, min=0)
    prune = cc.Operation("prune", amount=0.5)
    project.log_model("p", base="cnn", operation=prune, metrics={"Top-1": 0.985, "Size": 12_345})
    project.log_metrics("cnn", {"Top-1": 0.99, "Size": 24_000})
    for table in (project.models(), project.overview(), project.find("Size < 20 kB"), project.best("Top-1")):
        shown = table._repr_html_()
        assert ">98.5%<" in shown
        assert ">12.3 kB<" in shown
    assert ">\u22120.50 pp<" in project.effects()._repr_html_()


def test_tables_show_eight_columns_those_that_say_something():
    table = Table(pa.table({name: [1, 2] if name in "aj" else [0, 0] for name in "abcdefghij"} | {"k": ["x", None]}))
    shown = table._repr_html_()
    assert re.findall("<th>(.)</th>", shown) == list("abcdefjk")
    assert "and 3 more columns" in shown


@pytest.mark.filterwarnings("ignore")
def test_the_example_runs_in_a_kernel(tmp_path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(cc.__file__).parent.parent), str(tmp_path)]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(EXAMPLE, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = {
        cell.id: [one.get("data", {}).get("text/html", "") for one in cell.outputs] for cell in notebook.cells[1:]
    }
    assert outputs["show"][0].startswith("<iframe srcdoc=")
    assert "p0.9-ft" in outputs["frame"][0]
    assert "magnitude prune" in outputs["effects"][0]
    # A quarter of the instances is of class 3 and lost.
    assert "75.0%" in outputs["outputs"][0]
    assert all(not cell.get("outputs") for cell in nbformat.read(EXAMPLE, as_version=4).cells)
