"""Every operation on every model of the zoo; writes the table of ``docs/zoo.md``.

Usage: ``python -m benchmarks.zoo`` from the top of the repository; takes some minutes. Arguments: names of models, to
run only these and to print instead of writing. ``--wider`` takes the further architectures of
``tests/operations/zoo_wider.py`` instead, those of timm and torchvision where they are installed, stops what takes
more than 20 seconds of processor time, and prints how many operations run on each, what is broken, and which refusals
name nothing.
"""

from __future__ import annotations

import re
import resource
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from compress_compare import operations
from tests.operations.zoo import ZOO, Entry, Made, tried

PAGE = Path(__file__).parents[1] / "docs" / "zoo.md"
HEAD = """# The zoo

Every operation with its defaults on small models of the architectures that people have, with random weights
(`tests/operations/zoo.py`). Written by `python -m benchmarks.zoo`; `make test` runs a part of it, and
`python -m benchmarks.zoo --wider` runs further architectures and prints what became of them.

"""
MARKS = {"runs": "✓", "refused": "–", "broken": "✗"}


LIMIT = 20
"""Seconds of processor time that an operation may take on a model of the wider zoo."""
ABSENT = ("the model has no batch norm", "the model has no batch-norm layer", "there are no logits")
"""Refusals about what no module of a model is, or about its answer."""


class _TooLong(BaseException):
    """An operation took longer than it may."""


def main(models: Sequence[str]) -> None:
    """Run all, or the models that are named."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if "--wider" in models:
        wider([name for name in models if name != "--wider"])
        return
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


def wider(models: Sequence[str]) -> None:
    """Run all further architectures, or those that are named, and print what became of them."""
    from tests.operations.zoo_wider import WIDER

    signal.signal(signal.SIGPROF, _stop)
    found = []
    for model in models or WIDER:
        for name in operations.OPERATIONS:
            found.append(_within_limit(name, model, among=WIDER))
            entry = found[-1]
            sys.stdout.write(f"{model}, {name}: {entry.outcome}, {entry.seconds:.1f} s, {entry.why}\n")
        sys.stdout.write(f"{model}: {_counted([entry for entry in found if entry.model == model])}\n")
        sys.stdout.flush()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(f"\n{len({entry.model for entry in found})} models: {_counted(found)}; {peak:.1f} GB at most\n")
    nameless = [entry for entry in found if entry.outcome == "refused" and not _names(entry, WIDER[entry.model])]
    for title, entries in (
        ("broken", [entry for entry in found if entry.outcome == "broken"]),
        (f"more than {LIMIT} s", [entry for entry in found if entry.outcome == "stopped"]),
        ("refused without a name", nameless),
    ):
        sys.stdout.write(f"\n{title}: {len(entries)}\n")
        for entry in entries:
            sys.stdout.write(f"- {entry.model}, {entry.operation}: {entry.why}\n")


def _within_limit(name: str, model: str, *, among: Mapping[str, Callable[[], Made]]) -> Entry:
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        return tried(name, model, among=among)
    except _TooLong:
        return Entry(model, name, "stopped", seconds=LIMIT)
    except Exception as error:  # an exception that is no refusal is what is looked for
        return Entry(model, name, "broken", f"{type(error).__name__}: {error}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _stop(*_: object) -> None:
    raise _TooLong


def _counted(found: Sequence[Entry]) -> str:
    counts = Counter(entry.outcome for entry in found)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("runs", "refused", "broken", "stopped"))


def _names(entry: Entry, build: Callable[[], Made]) -> bool:
    """Whether a refusal names a module or tensor of the model, or says that there is none of a kind."""
    if any(words in entry.why for words in ABSENT):
        return True
    model = build()[0]
    named = {name for name, _ in model.named_modules()} | set(model.state_dict()) | {type(model).__name__}
    said = set(re.findall(r"[\w.]*\w", entry.why))
    return bool(said & {name for name in named if name and not name.isdigit()}) or any(
        re.search(rf"'{name}'|\b{name}(:|, )", entry.why) for name in named if name.isdigit()
    )


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
