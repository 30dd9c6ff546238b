"""Rules are read strictly, and an error names its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from compress_compare.comparisons.gate import rules
from compress_compare.errors import NotFound
from compress_compare.recipes.recipe import ConfigError

ALL = """
confidence: 0.9
rules:
  - {metric: Top-1 Accuracy, max_drop: 0.02, min: 0.9}
  - {metric: Packed Size, max: 4 kB}
  - {right_to_wrong: {max_rate: 0.03, dataset: test}}
  - {classes: {max_drop: 0.05}}
  - {slices: {max_drop: 5 %, by: [light, slant]}, name: no kind of light suffers}
  - {size: {max: 300 KiB, kind: stored}}
  - {bits: {max: 4.5}}
  - {latency: {max_ratio: 0.8, runtime: onnx}}
  - {coverage: complete}
  - {coverage: {min: 0.9}}
  - {reality: agrees}
"""


def test_every_kind() -> None:
    found = rules.loads(ALL)
    assert found.confidence == 0.9
    assert [(rule.kind, rule.bound, rule.limit, rule.place.line) for rule in found.rules] == [
        ("metric", "max_drop", 0.02, 4),
        ("metric", "min", 0.9, 4),
        ("metric", "max", "4 kB", 5),
        ("right_to_wrong", "max_rate", 0.03, 6),
        ("classes", "max_drop", 0.05, 7),
        ("slices", "max_drop", "5 %", 8),
        ("size", "max", "300 KiB", 9),
        ("bits", "max", 4.5, 10),
        ("latency", "max_ratio", 0.8, 11),
        ("coverage", "min", 1.0, 12),
        ("coverage", "min", 0.9, 13),
        ("reality", "agrees", 1.0, 14),
    ]
    assert found.rules[5].text == "no kind of light suffers"
    assert found.rules[6].text == "size: max 300 KiB (kind stored)"
    assert found.rules[5].options["by"] == ("light", "slant")


def test_rules_from_python() -> None:
    given = rules.given([{"metric": "Loss", "max_drop": 0.1}, {"coverage": "complete"}])
    assert [(rule.kind, rule.subject) for rule in given.rules] == [("metric", "Loss"), ("coverage", "")]
    assert rules.given(given) is given
    assert rules.given({"rules": [{"bits": {"max": 4}}], "confidence": 0.99}).confidence == 0.99
    with pytest.raises(ConfigError, match=r"In the file of rules, rules\[0\].metrc"):
        rules.given([{"metrc": "Loss", "max": 1}])


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("rules:\n  - {metric: A, max_dorp: 0.02}", 2, "Did you mean 'max_drop'?"),
        ("rules:\n  - {clases: {max_drop: 0.02}}", 2, "Did you mean 'classes'?"),
        ("rules:\n\n  - {metric: A}", 3, "The rule has no bound."),
        ("rules:\n  - metric: A\n    max: [1]", 3, "must be a number"),
        ("rules:\n  - metric: A\n    max: true", 3, "must be a number"),
        ("rules:\n  - {metric: 3, max: 1}", 2, "must be a text"),
        ("rules:\n  - {metric: A, max: 1, coverage: complete}", 2, "exactly one thing"),
        ("rules:\n  - {name: nothing}", 2, "exactly one thing"),
        ("rules:\n  - coverage: whole", 2, "coverage: complete"),
        ("rules:\n  - reality: {min: 1}", 2, "reality: agrees"),
        ("rules:\n  - {size: {max: 1, kind: zip}}", 2, "There is no kind 'zip'"),
        ("rules:\n  - {slices: {max_drop: 0.1}}", 2, "by what the slices are made"),
        ("rules:\n  - {slices: {max_drop: 0.1, by: [a, b, c]}}", 2, "one column or two"),
        ("rules:\n  - {metric: A, max: 1, exact: 1}", 2, "true or false"),
        ("rules:\n  - coverage", 2, "A rule is a mapping"),
        ("rules: []", 1, "There is no rule"),
        ("confidence: 0.9", 1, "There is no rule"),
        ("- {coverage: complete}", 1, "mapping with the key rules"),
        ("rules:\n  - {coverage: complete}\nconfidence: 95", 3, "from 0.5 to below 1"),
        ("rules:\n  - {coverage: complete}\nrules:\n  - {coverage: complete}", 3, "stands here twice"),
        ("rules:\n  - {coverage: complete", 2, "not valid YAML"),
        ("rules:\n  - !!python/object:os.system {}", 2, "texts, numbers, lists and mappings only"),
        ("", None, "empty"),
    ],
)
def test_errors_name_the_line(text: str, line: int | None, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rules.loads(text)
    assert caught.value.place.line == line
    assert said in str(caught.value)
    assert "recipe" not in str(caught.value)


def test_files_that_are_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file of rules"):
        rules.given(tmp_path / "gate.yaml")
    (tmp_path / "gate.yaml").write_bytes(b"rules: \xff")
    with pytest.raises(Exception, match="not UTF-8"):
        rules.given(str(tmp_path / "gate.yaml"))
