"""YAML within bounds: how deep, how long and how much it may be, and what becomes of tags."""

import pytest

from compress_compare.readers import plain_yaml
from compress_compare.readers.plain_yaml import NotPlainError


@pytest.mark.parametrize(("opening", "closing"), [("{a: ", "}"), ("[", "]")])
def test_a_document_may_be_nested_64_deep(opening, closing):
    value = plain_yaml.loads(opening * 64 + "1" + closing * 64)
    for _ in range(64):
        value = value["a"] if opening[0] == "{" else value[0]
    assert value == 1
    with pytest.raises(NotPlainError, match="nested more than 64 deep"):
        plain_yaml.loads(opening * 65 + "1" + closing * 65)


def test_keys_may_be_as_deep_as_values():
    text = "{a: " * 62 + "{[b]: 1}" + "}" * 62
    assert "{'a': {\"['b']\": 1}}" in str(plain_yaml.loads(text))
    with pytest.raises(NotPlainError, match="deep"):
        plain_yaml.loads("{a: " * 63 + "{[b]: 1}" + "}" * 63)


def test_every_alias_counts_with_all_that_it_stands_for(monkeypatch):
    monkeypatch.setattr(plain_yaml, "MAX_VALUES", 10)
    # a mapping with two keys and, twice, a list of two numbers
    assert plain_yaml.loads("{a: &x [1, 2], b: *x}") == {"a": [1, 2], "b": [1, 2]}
    assert plain_yaml.loads("[1, 2, 3, 4, 5, 6, 7, 8, 9]") == list(range(1, 10))
    for text in ("{a: &x [1, 2], b: *x, c: 3}", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"):
        with pytest.raises(NotPlainError, match="more than 10 values"):
            plain_yaml.loads(text)


def test_the_number_of_characters_is_limited(monkeypatch):
    monkeypatch.setattr(plain_yaml, "MAX_CHARACTERS", 1_000)
    assert plain_yaml.loads("a" * 1_000) == "a" * 1_000
    with pytest.raises(NotPlainError, match=r"1,001 characters; the limit is 1,000\."):
        plain_yaml.loads("a" * 1_001)


def test_tags_are_read_as_what_stands_below_them():
    start = "!!python/object/apply:enum.Kind"
    assert plain_yaml.loads(f"{start} [fast]") == "fast"
    assert plain_yaml.loads(f"{start} [a, b]") == ["a", "b"]
    assert plain_yaml.loads(f"{start} []") == []
    assert plain_yaml.loads("!other [fast]") == ["fast"]
    assert plain_yaml.loads("!other 3") == "3"
    assert plain_yaml.loads("{1: 2.5, true: null, x: 2020-01-01}") == {"1": 2.5, "True": None, "x": "2020-01-01"}
    assert plain_yaml.loads("") is None


def test_what_is_no_yaml_says_in_which_line():
    with pytest.raises(NotPlainError, match=r"^Line 3: "):
        plain_yaml.loads("a: 1\nb: 2\n  c: [\n")
