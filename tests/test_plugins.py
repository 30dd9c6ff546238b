"""What other packages add: found without importing it, and refused by the name of its package."""

from importlib.metadata import EntryPoint

import pytest

from compress_compare import plugins
from compress_compare.errors import UserError


@pytest.fixture
def points(monkeypatch):
    """Puts entry points (name, value) in the place of those that are installed."""

    def put(*pairs):
        group = plugins.GROUPS["importer"]
        found = [EntryPoint(name, value, group) for name, value in pairs]
        monkeypatch.setattr(plugins, "entry_points", lambda group: [one for one in found if one.group == group])

    return put


def load(plugin):
    """Takes functions of the standard library."""
    found = plugin.load()
    if not callable(found):
        raise plugin.broken(f"{plugin.value} cannot be called.")
    return plugin.name, found


def test_finding_imports_nothing_and_sorts_by_name(points):
    points(("b", "no_such_module:x"), ("a", "math:sqrt"))
    assert [(one.name, one.value, one.package) for one in plugins.installed("importer")] == [
        ("a", "math:sqrt", ""),
        ("b", "no_such_module:x", ""),
    ]
    assert plugins.installed("exporter") == []


def test_what_can_be_loaded_joins_what_is_built_in(points):
    points(("root", "math:sqrt"))
    added = plugins.added("importer", {"size": len}, load=load)
    table = plugins.joined({"size": len}, added)
    assert list(table) == ["size", "root"] and table["root"](9.0) == 3.0


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ([("x", "no_such_module:x")], "ModuleNotFoundError: No module named 'no_such_module'"),
        ([("x", "math:no_such_name")], "AttributeError"),
        ([("x", "math:pi")], "math:pi cannot be called."),
        ([("size", "math:sqrt")], "The name 'size' is taken."),
        ([("x", "math:sqrt"), ("x", "math:sin")], "The name 'x' is taken."),
    ],
)
def test_what_cannot_be_used_is_said_and_the_rest_is_found(points, pairs, reason):
    points(*pairs, ("good", "math:cos"))
    added = plugins.added("importer", {"size": len}, load=load)
    assert "good" in [one.name for one in added if one.error is None]
    (error,) = [one.error for one in added if one.error is not None]
    assert error.code == "importer.entry_point" and reason in error.detail
    assert f"The importer {pairs[-1][0]!r} of an installed package" in error.title
    with pytest.raises(UserError) as caught:
        plugins.joined({"size": len}, added)
    assert caught.value is error


def test_an_installed_package_is_named_with_its_version():
    named = plugins.Plugin("operation", "x", "a:b", "some-package", "1.2")
    assert plugins.origin(named) == "some-package 1.2"
    assert plugins.origin(plugins.Plugin("operation", "x", "a:b", "", "")) == "an installed package"
