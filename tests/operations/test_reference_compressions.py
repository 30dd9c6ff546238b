"""The defaults reproduce published figures; the script in benchmarks/ prints them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


@pytest.mark.filterwarnings("ignore:unclosed file.*tok512:ResourceWarning")  # the data's own reader leaves it open
@pytest.mark.parametrize("network", ["resnet20", "resnet8", "stories260K"])
def test_defaults_give_the_reference_figures(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not DATA.is_dir():
        pytest.skip("the reference data is not beside the repository")
    script = ROOT / "benchmarks" / "reference_compressions.py"
    monkeypatch.syspath_prepend(script.parent)  # it reads the networks with a module beside it
    specification = importlib.util.spec_from_file_location("reference_compressions", script)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "reference_compressions", module)
    specification.loader.exec_module(module)
    results = module.compress(network, DATA)
    assert len(results) >= 6
    assert [result for result in results if result.off] == []
