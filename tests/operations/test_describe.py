"""The documentation of an operation is what its class says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field

from compress_compare import operations
from compress_compare.operations import BaseOperation, operation
from compress_compare.operations.describe import Parameter, describe, markdown, paragraphs

ROOT = Path(__file__).parents[2]


@operation
class Shuffle(BaseOperation):
    """Exchange weights at random.

    It is here for a test, and follows
    a paper. Nobody, arXiv 2001.00001; see :mod:`compress_compare.schemes`, and ``torch``.
    """

    name: ClassVar[str] = "shuffle"
    main: ClassVar[tuple[str, ...]] = ("share", "kind")
    data_requirement: ClassVar[Literal["finetune"]] = "finetune"
    roles: ClassVar[tuple[str, ...]] = ("teacher", "judge")
    lowers: ClassVar[Literal["stored bits"]] = "stored bits"
    keeps_shapes: ClassVar[bool] = False

    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the weights."""
    kind: Literal["all", "some"] = "all"
    """Which of them."""
    places: tuple[str, ...] = ()
    """Where."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """At most so many."""

    def apply(self, model, _context, /):  # type: ignore[no-untyped-def]
        return model


def test_a_class_is_described_by_its_docstrings_fields_and_parameters() -> None:
    found = describe(Shuffle)
    assert (found.name, found.summary) == ("shuffle", "Exchange weights at random.")
    assert found.details == (
        "It is here for a test, and follows a paper. Nobody, arXiv 2001.00001; see `compress_compare.schemes`, "
        "and `torch`.",
    )
    assert found.facts == (
        "It trains on data.",
        "It needs another model as `teacher` and `judge`.",
        "What becomes smaller: stored bits.",
        "Tensors may get other names and shapes.",
        "Always recorded: `share`, `kind`.",
    )
    assert found.parameters == (
        Parameter("share", "a number from 0 to 1", "0.5", "Share of the weights."),
        Parameter("kind", "one of 'all', 'some'", "all", "Which of them."),
        Parameter("places", "a list of texts", "empty", "Where."),
        Parameter("limit", "a whole number at least 1 or none", "none", "At most so many."),
    )


def test_the_entry_links_papers_and_lists_the_parameters() -> None:
    lines = markdown(Shuffle).splitlines()
    assert lines[0] == "## shuffle"
    assert "[arXiv 2001.00001](https://arxiv.org/abs/2001.00001)" in markdown(Shuffle)
    assert "- `share`, a number from 0 to 1; default 0.5. Share of the weights." in lines
    assert max(map(len, lines)) <= 120


def test_an_operation_without_parameters_says_so() -> None:
    assert describe(operations.Calibrate).facts == ("It runs the model on data.", "It has no parameters.")
    assert describe(operations.Calibrate).parameters == ()


@pytest.mark.parametrize("text", ["One.", "One.\n\n    Two\n    lines.\n    "])
def test_paragraphs_are_one_line_each(text: str) -> None:
    assert paragraphs(text) == ["One.", "Two lines."][: text.count("\n\n") + 1]


@pytest.mark.parametrize("script", ["operation-docs", "measure-docs"])
def test_the_committed_documentation_is_what_the_definitions_say(script: str) -> None:
    command = [sys.executable, f"scripts/{script}", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_line_of_an_entry_names_a_paper_without_a_link() -> None:
    for cls in operations.OPERATIONS.values():
        text = markdown(cls)
        assert text.count("arXiv ") == text.count("[arXiv "), cls.name
