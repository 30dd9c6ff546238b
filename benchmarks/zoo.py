"""Every operation on every model of the zoo; writes the table of ``docs/zoo.md``.

Usage: ``python -m benchmarks.zoo`` from the top of the repository; takes some minutes. Arguments: names of models, to
run only these and to print instead of writing.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from compress_compare import operations
from tests.operations.zoo import ZOO, Entry, tried

PAGE = Path(__file__).parents[1] / "docs" / "zoo.md"
HEAD = """# The zoo

Every operation with its defaults on small models of the architectures that people have, with random weights
(`tests/operations/zoo.py`). Written by `python -m benchmarks.zoo`; `make test` runs a part of it.

"""
MARKS = {"runs": "✓", "refused": "–", "broken": "✗"}


def main(models: Sequence[str]) -> None:
    """Run all, or the models that are named."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    found = []
    for model in models or ZOO:
        for name in operations.OPERATIONS:
            found.append(tried(name, model))
            entry = found[-1]
            said = f"{entry.change:.3g}" if entry.outcome == "runs" else entry.why
            sys.stdout.write(f"{model}, {name}: {entry.outcome}, {entry.seconds:.1f} s, {said}\n")
            sys.stdout.flush()
    if not models:
        PAGE.write_text(page(found), encoding="utf-8")


def page(found: Sequence[Entry]) -> str:
    """The page: how many, the table, and why what is refused is."""
    count = {outcome: sum(entry.outcome == outcome for entry in found) for outcome in MARKS}
    names = list(dict.fromkeys(entry.operation for entry in found))
    by_place = {(entry.model, entry.operation): entry for entry in found}
    lines = [
        f"{count['runs']} of {len(found)} combinations run, {count['refused']} are refused and {count['broken']} break "
        "the law.",
        "",
        "✓ it runs, with the relative change of the outputs. – it is refused; the reason is below. ✗ it is broken.",
        "",
        "| model | " + " | ".join(names) + " |",
        "|---|" + "---|" * len(names),
    ]
    for model in dict.fromkeys(entry.model for entry in found):
        cells = [_cell(by_place[model, name]) for name in names]
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
    lines += ["", "## What is refused, and why", ""]
    reasons: dict[str, list[str]] = {}
    for entry in found:
        if entry.outcome != "runs":
            reasons.setdefault(_short(entry.why), []).append(entry.model)
    lines += [f"- {why} ({', '.join(dict.fromkeys(models))})" for why, models in sorted(reasons.items())]
    return HEAD + "\n".join(lines) + "\n"


def _cell(entry: Entry) -> str:
    return f"✓ {entry.change:.2g}" if entry.outcome == "runs" else MARKS[entry.outcome]


def _short(why: str) -> str:
    """The sentence that says what, without the names of layers that follow."""
    return why.split(". ")[0].rstrip(".").replace("|", "\\|")[:200]


if __name__ == "__main__":
    main(sys.argv[1:])
