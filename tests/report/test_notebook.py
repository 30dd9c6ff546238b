"""The page and the tables inside a notebook, in a real kernel."""

import html
import json
import os
from pathlib import Path

import numpy as np
import pytest

import compress_compare as cc
from compress_compare import errors
from compress_compare.page.built import STATIC

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


def test_pages_are_chosen_by_name(tmp_path):
    with cc.open(tmp_path / "layers") as project:
        project.log_model("cnn", checkpoint={"w": np.ones((3, 3), np.float32)})
        for id, factor in (("half", 0.5), ("third", 1 / 3)):
            project.log_model(id, base="cnn", checkpoint={"w": np.full((3, 3), factor, np.float32)})
        for page, models in (("models", ["half"]), ("layers", ["cnn", "half", "third"])):
            shown = html.unescape(project.show(models[-2:], page=page)._repr_html_())
            # the layers of models are shown against what they come from
            assert f'"kind":"page","page":"{page}","models":{json.dumps(models, separators=(",", ":"))}' in shown
        with pytest.raises(errors.InvalidValue, match="can show overview, models, layers"):
            project.show(page="plan")


def test_a_model_that_is_not_there_is_said(project):
    with pytest.raises(errors.NotFound, match="'nowhere'"):
        project.show(["nowhere"])


def test_tables_show_their_first_rows_as_text(project):
    shown = project.models()._repr_html_()
    assert "<td>&quot;&gt;&lt;b&gt;</td>" in shown
    assert '<td style="text-align: right">0.98</td>' in shown
    assert "more rows" not in shown
    project.log_models({"id": f"m{number}", "base": "cnn"} for number in range(30))
    assert "and 12 more rows" in project.models()._repr_html_()


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
    assert "0.75" in outputs["outputs"][0]
    assert all(not cell.get("outputs") for cell in nbformat.read(EXAMPLE, as_version=4).cells)
