"""Sizes are predicted by a process of its own: what it finds, and what it fails at, come back."""

import pytest

import compress_compare as cc
from compress_compare.engines import forecast
from compress_compare.errors import UserError
from compress_compare.recipes import Recipe, TaskPath

from .conftest import HERE


def recipe(path):
    return Recipe(TaskPath(path, {}, (HERE,)), "net")


def test_the_size_of_the_network_of_a_task(tmp_path):
    cc.open(tmp_path / "p").close()
    # 4·8 + 8 + 8·2 + 2 float32 weights, and what the format adds
    assert forecast.sizes(tmp_path / "p", recipe("line_task:task"))["net"] >= 4 * 58


def test_a_task_that_does_not_import_is_said(tmp_path):
    cc.open(tmp_path / "p").close()
    with pytest.raises(UserError) as caught:
        forecast.sizes(tmp_path / "p", recipe("no_such_module:task"))
    assert caught.value.code == "config.task"


def test_a_process_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    cc.open(tmp_path / "p").close()
    monkeypatch.setattr(forecast, "LIMIT_S", 0.05)
    with pytest.raises(UserError) as caught:
        forecast.sizes(tmp_path / "p", recipe("line_task:task"))
    assert (caught.value.code, caught.value.detail) == ("plan.no_sizes", "TimeoutExpired")
