"""Versions against floors."""

import platform
import sqlite3

import pytest

from compress_compare.cli import versions

PYTHON = ((3, 11, 13), (3, 12, 11), (3, 13, 4))


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ("3.11.7", False),
        ("3.11.13", True),
        ("3.12.10", False),
        ("3.12.11", True),
        ("3.13.4", True),
        ("3.14.0", True),
        ("3.14.0rc1", True),
        ("3.10.20", False),
    ],
)
def test_each_release_line_has_its_floor(version, safe):
    assert versions.is_safe(version, PYTHON) is safe


@pytest.mark.parametrize(
    ("version", "safe"), [("2.13.0+cpu", True), ("2.10.0", False), ("2.10.1", True), ("2.9", False)]
)
def test_local_versions_count_by_their_numbers(version, safe):
    assert versions.is_safe(version, ((2, 10, 1),)) is safe


def test_what_is_here_and_what_is_not():
    found = {one.name: one for one in versions.check()}
    assert found["Python"].found == platform.python_version()
    assert found["SQLite"].found == sqlite3.sqlite_version
    (missing,) = versions.check([versions.Floor("no-such-library", ((1,),), "it is old", "onnx")])
    assert (missing.status, missing.found) == ("missing", None)
    assert "compress-compare[onnx]" in missing.reason
    (old,) = versions.check([versions.Floor("pytest", ((999,),), "it is old")])
    assert (old.status, old.reason, old.needed) == ("warn", "it is old", "999")
