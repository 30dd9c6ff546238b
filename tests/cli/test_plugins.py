"""``plugins``: what other packages add, by kind, and what is wrong with it."""

import json
from importlib.metadata import EntryPoint

import pytest
from click.testing import CliRunner

from compress_compare import exporters, importers, plugins
from compress_compare.cli.main import cli

IMPORTER = importers.Importer(lambda place: importers.Imported(), "nothing")
EXPORTER = exporters.Exporter(lambda project: b"nothing", ".nothing", "nothing")


@pytest.fixture
def installed(monkeypatch):
    """Entry points that other packages declare."""
    points = [
        EntryPoint("reads", f"{__name__}:IMPORTER", plugins.GROUPS["importer"]),
        EntryPoint("writes", f"{__name__}:EXPORTER", plugins.GROUPS["exporter"]),
        EntryPoint("broken", "no_such_module:Thing", plugins.GROUPS["operation"]),
        EntryPoint("csv", f"{__name__}:EXPORTER", plugins.GROUPS["exporter"]),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: [one for one in points if one.group == group])


def told(*arguments):
    done = CliRunner().invoke(cli, ["plugins", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_each_is_listed_with_its_kind_and_what_is_wrong(installed):
    found = json.loads(told("--json"))["plugins"]
    assert [(one["kind"], one["name"]) for one in found] == [
        ("operation", "broken"),
        ("importer", "reads"),
        ("exporter", "csv"),
        ("exporter", "writes"),
    ]
    errors = {one["name"]: one["error"] for one in found}
    assert errors["reads"] is None and errors["writes"] is None
    assert "No module named 'no_such_module'" in errors["broken"] and errors["csv"] == "The name 'csv' is taken."
    assert told().splitlines()[0].split() == ["kind", "name", "package", "version", "error"]
    assert len(told().splitlines()) == 5


def test_nothing_installed_is_said(monkeypatch):
    monkeypatch.setattr(plugins, "entry_points", lambda group: [])
    assert told() == "No other package adds anything.\n"
    assert json.loads(told("--json")) == {"plugins": []}
