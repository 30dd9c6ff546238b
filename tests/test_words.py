"""The words of the project: no retired phrase comes back, the spelling is American, and nothing is misspelled."""

from __future__ import annotations

import importlib.util
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KINDS = {".py", ".ts", ".svelte", ".md", ".css", ".html", ".yaml", ".toml"}
GENERATED = {"ui/src/api/schema.gen.ts", "ui/src/api/vocabulary.gen.ts"}
PLACES = ("src", "ui/src", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")

RETIRED = (
    r"for all about it",
    r"no operation is best",
    r"They also differ in",
    r"goes with the above",
    r"Better \{metric",
    r"lost or won",
    r"nothing is better in both",
    r"on the average of all pairs",
    r"that differ in it alone",
    r"exact sign flips",
    r"it may be none",
    r"too few to be sure",
    r"Six more are one bit",
    r"times the median of this model",
    r"Nothing stands out",
    r"error as it arrives",
    r"that the layer makes",
    r"Mean size",
    r"Zeros filled",
    r"beyond its average",
    r"furthest from being right",
    r"as sure as right",
    r"predicts? otherwise than the base",
    r"than all instances by more than chance",
    r"most models leave the base",
    r"\banswered digits",
    r"as usual unless you change",
    r"It is not known how",
    r"what it prints is shown here",
    r"is not made again",
    r"[Ff]ine-tune with every weight an attention",
    r"rightly unchanged",
    r"all as the operation says",
    r"gzip makes it",
    r"labels of a codebook",
    r"(model was|models were) made from it",
    r"[\"'>`]Save the map",
    r"lost most in",
    r"left as it was and",
    r"to whom has the token",
    r"measured: they\.",
    r"this of models",
    r"is counted and no end",
    r"to what is no HTTP",
    r"[Ww]ho is to blame",
    r"±0\b(?!\.)",
)
"""Regular expressions of what is not said anymore."""

BRITISH = re.compile(
    r"colour|behaviour|neighbour|favour(?!ite_)|honour|labour(?!s_)|rigour|vapour|\bgrey|\b(un)?labelled|modelling|catalogue|"
    r"\bcentre|\bfibre|\bmetre|licence|defence|judgement|artefact|programme\b|\banaly[sz]e?d?\b(?<=yse)|\banalysed|"
    r"(normal|optim|organ|recogn|initial|serial|summar|visual|quant|minim|maxim|general|special|util|real|"
    r"equal|penal|factor|token|palett|binar|priorit|synchron|parallel|standard|regular)is(e|ed|es|ing|ation)\b",
    re.IGNORECASE,
)
KEPT = re.compile(r"LabelledData|aria-labelledby|cancelled")
"""Names that other programs and standards fix."""


def files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PLACES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    found = [ROOT / name for name in listed if Path(name).suffix in KINDS and name not in GENERATED]
    return [path for path in found if path.is_file()]


TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files()}


def places(pattern: re.Pattern[str]) -> list[str]:
    """``file:line: text`` of each match, but for the names that are kept."""
    found = []
    for name, text in TEXTS.items():
        for match in pattern.finditer(KEPT.sub(lambda kept: "_" * len(kept[0]), text)):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{name}:{line}: {match[0]}")
    return found


def test_the_files_are_there() -> None:
    assert {"docs/views.md", "ui/src/shell/tour.ts", "src/compress_compare/project.py"} <= set(TEXTS)


@pytest.mark.parametrize("phrase", RETIRED)
def test_no_retired_phrase_comes_back(phrase: str) -> None:
    over_lines = phrase.replace(" ", r"(?: |\s*\n[\s#*/]*)")
    assert places(re.compile(over_lines)) == []


def prose(name: str, text: str) -> str:
    """The comments and strings of Python code, since ``2 % n`` is a remainder; other files whole."""
    if not name.endswith(".py"):
        return text
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join(token.string for token in tokens if token.type in kinds)


def test_a_percent_sign_stands_at_its_number() -> None:
    spaced = re.compile(r"[0-9}](?: |&nbsp;|\u00a0|\$\{NBSP\})%")
    assert [name for name, text in TEXTS.items() if spaced.search(prose(name, text))] == []


def test_the_spelling_is_american() -> None:
    assert places(BRITISH) == []


@pytest.mark.parametrize(
    "word", ["colour", "Behaviour", "neighbouring", "normalised", "greyscale", "analysed", "centre"]
)
def test_british_spelling_would_be_found(word: str) -> None:
    assert BRITISH.search(word)


@pytest.mark.parametrize("word", ["color", "analysis", "analyses", "precise", "promise", "centered", "labels", "noise"])
def test_american_spelling_passes(word: str) -> None:
    assert not BRITISH.search(word)


@pytest.mark.skipif(importlib.util.find_spec("codespell_lib") is None, reason="make install brings codespell")
def test_nothing_is_misspelled() -> None:
    """Against the dictionaries that codespell carries; ``cancelled`` is a state of jobs, the others are identifiers."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "codespell_lib", "--builtin", "clear,en-GB_to_en-US"),
            *("--ignore-words-list", "cancelled,cancelling,checkin,thead,positionOf,labelledby,suh,writeable", *TEXTS),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
