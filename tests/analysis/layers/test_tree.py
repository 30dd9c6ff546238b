"""Rows in the order of execution, and modules as the sum of what is in them."""

from itertools import pairwise

import pytest

from compress_compare.analysis.layers import tree


def test_a_name_is_a_module_and_a_parameter():
    assert tree.split("layer1.0.conv.weight") == ("layer1.0.conv", "weight")
    assert tree.split("weight") == ("", "weight")
    assert tree.path("a.b.c") == ["", "a", "a.b", "a.b.c"]
    assert tree.path("") == [""]


@pytest.mark.parametrize("name", ["", ".", "..", ".w", "..w", "a..w", "a.", "../../etc/passwd.w", "a.b.", ".a.b.w"])
def test_b15_dots_anywhere_make_a_tree(name):
    module, _ = tree.split(name)
    path = tree.path(module)
    assert path[0] == ""
    assert len(set(path)) == len(path) == tree.depth(module) + 1
    rows = tree.rows([name, "w"])
    assert [row for row, parameter in rows if parameter is None] == path
    assert tree.split(name) in rows
    for outer, inner in pairwise(path):
        assert inner.rpartition(".")[0] == outer


def test_rows_keep_the_order_and_put_a_module_before_what_is_in_it():
    assert tree.rows(["z.w", "a.1.w", "a.1.b", "z.inner.w", "a.0.w", "top"]) == [
        ("", None),
        ("z", None),
        ("z", "w"),
        ("z.inner", None),
        ("z.inner", "w"),
        ("a", None),
        ("a.1", None),
        ("a.1", "w"),
        ("a.1", "b"),
        ("a.0", None),
        ("a.0", "w"),
        ("", "top"),
    ]


def test_modules_are_sums():
    names = ["a.x.w", "a.x.b", "a.y.w", "b.w"]
    leaves = {tree.split(name): 10**place for place, name in enumerate(names)}
    merged = tree.merge(leaves, tree.rows(names))
    assert {module: total for (module, parameter), total in merged.items() if parameter is None} == {
        "": 1111,
        "a": 111,
        "a.x": 11,
        "a.y": 100,
        "b": 1000,
    }


def test_a_module_without_statistics_has_none():
    assert ("b", None) not in tree.merge({("a", "w"): 1}, tree.rows(["a.w", "b.w"]))


def test_a_very_deep_tree():
    name = ".".join("m" * 5000)
    assert tree.merge({tree.split(name): 1}, tree.rows([name]))["", None] == 1
