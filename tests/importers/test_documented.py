"""The importer that docs/importers.md shows, run on such a folder."""

import json
import re
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

import compress_compare as cc
from compress_compare import importers

PAGE = Path(__file__).parents[2] / "docs" / "importers.md"


def test_the_documented_importer_reads_a_folder(tmp_path):
    (code,) = re.findall(r'^```python title="runs_importer.py"\n(.*?)^```$', PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names = {}
    exec(compile(code, "runs_importer.py", "exec"), names)
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "runs.json").write_text(json.dumps([{"name": "a", "accuracy": 0.5}]))
    save_file({"weight": np.ones((2, 2), np.float32)}, folder / "a.safetensors")
    read = names["IMPORTER"].read(importers.Place("folder", str(folder)))
    with cc.open(tmp_path / "p") as project:
        assert importers.write(read, project).num_models == 1
        assert project.model("a").metrics["accuracy"][0].value == 0.5
        assert project.load_checkpoint("a")["weight"].shape == (2, 2)
