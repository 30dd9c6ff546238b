"""Where base and operation are taken from: what the tool knows, what the user says, what the names suggest."""

import pytest

import compress_compare as cc
from compress_compare import importers
from compress_compare.errors import InvalidValue
from compress_compare.importers.rules import relate
from compress_compare.importers.runs import TrackedRun, flat, imported_from


def run(name, tags=None, **config):
    facts = {**flat(config, "config"), **{f"tag:{key}": value for key, value in (tags or {}).items()}}
    return TrackedRun(key=f"key-{name}", name=name, facts=facts)


def related(*runs, **rules):
    imported = imported_from(runs)
    relate(imported, importers.Rules(**rules))
    found = {model["id"]: (model["base"], model["operation"]) for model in imported.models}
    return found, imported.notices


def test_base_and_operation_are_found_by_their_usual_names_and_parameters_vary():
    found, notices = related(
        run("a", operation="train", seed=0), run("b", base="a", operation="quantize", bits=8, seed=0)
    )
    assert found == {"a": (None, cc.Operation("train")), "b": ("a", cc.Operation("quantize", bits=8))}
    assert "The base is taken from config.base in 1 of 2 models." in notices
    assert "Equal in all models, and therefore no parameter of an operation: config.seed." in notices


def test_a_nested_configuration_gives_dotted_parameters():
    found, _ = related(run("a", operation="x"), run("b", base="a", operation="y", compression={"amount": 0.5}))
    assert found["b"][1] == cc.Operation("y", **{"compression.amount": 0.5})


@pytest.mark.parametrize("said", ["tag:from", "from"])
def test_the_user_says_where_the_base_stands(said):
    found, notices = related(run("a"), run("b", {"from": "key-a"}, base="nowhere"), base_from=said)
    assert found["b"][0] == "a"
    assert f"The base is taken from {said} in 1 of 2 models." in notices


@pytest.mark.parametrize("said", ["config.how", "how"])
def test_the_user_says_where_the_operation_stands(said):
    found, _ = related(run("a", how="none", bits=32), run("b", how="round", bits=4), operation_from=said)
    assert found["b"][1] == cc.Operation("round", bits=4)
    assert found["a"][1] is None


def test_a_pattern_takes_base_operation_and_parameters_from_the_name():
    pattern = r"^(?P<base>.+)-(?P<operation>[a-z]+)(?P<bits>\d+)$"
    found, _ = related(run("net"), run("net-w4"), run("net-w4-w2"), base_pattern=pattern)
    assert found["net-w4"] == ("net", cc.Operation("w", bits=4))
    assert found["net-w4-w2"] == ("net-w4", cc.Operation("w", bits=2))
    assert related(run("net"), run("net-w4"), base_pattern="^(.+)-w4$")[0]["net-w4"] == ("net", None)


def test_a_pattern_is_proposed_from_names_that_are_built_of_others():
    _, notices = related(run("net"), run("net-w4"), run("other"))
    (told,) = [notice for notice in notices if "--base-pattern" in notice]
    pattern = told.partition("'")[2].rpartition("'")[0]
    assert related(run("net"), run("net-w4"), base_pattern=pattern)[0]["net-w4"][0] == "net"


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"base_from": "tag:nope"}, "No model has 'tag:nope'"),
        ({"operation_from": "nope"}, "No model has 'nope'"),
        ({"base_pattern": "("}, "not a regular expression"),
        ({"base_pattern": "abc"}, "does not say which part is the base"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(rules, told):
    with pytest.raises(InvalidValue, match=told) as caught:
        related(run("a", bits=1), **rules)
    assert caught.value.code == "import.rule"


def test_runs_of_one_name_are_kept_apart_and_the_first_keeps_it():
    first, second = TrackedRun("0123456789", "net"), TrackedRun("abcdefghij", "net")
    assert [model["id"] for model in imported_from([first, second]).models] == ["net", "net (abcdefgh)"]
    assert [model["id"] for model in imported_from([first]).models] == ["net"]


def test_names_become_ids_that_a_project_takes(tmp_path):
    names = ["a\nb", "e\u0301", " padded ", "x" * 400, ""]
    with cc.open(tmp_path / "p") as project:
        importers.write(imported_from([TrackedRun(str(i), name) for i, name in enumerate(names)]), project)
        assert project.models()["id"].to_pylist() == ["a b", "é", "padded", "x" * 256, "unnamed"]
