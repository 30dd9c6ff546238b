"""``operations``: what is installed, and each in words."""

import json

import pytest
from click.testing import CliRunner

from compress_compare.cli.main import cli
from compress_compare.errors import NotFound
from compress_compare.operations import OPERATIONS, MagnitudePrune


def told(*arguments):
    done = CliRunner().invoke(cli, ["operations", *arguments])
    if done.exception is not None:
        raise done.exception
    return done.output


def test_all_are_listed_with_what_they_need_and_lower():
    lines = told().splitlines()
    assert lines[0].split() == ["operation", "data", "lowers", "from", "what", "it", "does"]
    assert {line.split("  ")[0] for line in lines[1:]} >= set(OPERATIONS)
    (line,) = [line for line in lines if line.startswith("calibrate ")]
    assert line.split()[:4] == ["calibrate", "calibration", "–", "compress-compare"]


def test_one_is_explained_with_every_parameter():
    text = told("magnitude_prune")
    assert text.startswith("magnitude prune\n\nSet the weights of smallest magnitude to zero, without retraining.\n")
    assert "arXiv" in text and "It needs no data." in text and "It comes with compress-compare." in text
    for name in MagnitudePrune.json_schema()["properties"]:
        assert f"\n  {name}: " in text
    assert "\n  amount: a number from 0 to 1; default 0.5\n" in text


def test_as_json_with_the_schema_that_makes_the_form():
    (one,) = json.loads(told("distill", "--json"))["operations"]
    assert (one["data"], one["roles"], one["lowers"]) == ("finetune", ["teacher"], "training loss")
    assert (one["keeps_shapes"], one["package"]) == (True, "compress-compare")
    assert one["schema"]["properties"]["alpha"]["maximum"] == 1
    assert [parameter["name"] for parameter in one["parameters"]] == list(one["schema"]["properties"])


def test_an_unknown_one_is_refused_with_the_nearest():
    with pytest.raises(NotFound, match="Did you mean 'quantize'"):
        told("quantise")
