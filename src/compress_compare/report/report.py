"""The file: the page's own program, the answers that it would ask the server for, and what a report adds."""

from __future__ import annotations

import base64
import datetime
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from ..comparisons.ask import columns
from ..comparisons.frontier import frontier
from ..errors import InvalidValue, UserError
from ..page.built import STATIC
from ..store.store import Store
from . import sections
from .answers import activations, kept, layers, sensitivities
from .claims import claims

MOST_MODELS = 30
"""Models in one report: more rows than a person compares."""


def report(project: Store, models: Sequence[str] = (), *, base: str | None = None, now: datetime.date) -> str:
    """A report about models: where they come from, what they trade, what differs, and what changed inside.

    Args:
        project: whose models.
        models: ids; the Pareto frontier of the first quality against the first cost if none are given.
        base: what the others are compared with; the root of the first model if not given.
        now: the day it is made, printed in its head.

    Returns:
        A whole HTML file that loads nothing.

    Raises:
        NotFound: ``model.unknown``.
        InvalidValue: ``report.no_models``, ``report.too_many``, ``report.unbuilt``.
    """
    ids = list(dict.fromkeys(models)) or _interesting(project)
    if not ids:
        raise InvalidValue("report.no_models", "The project has no models.", hint="Log one with project.log_model().")
    if len(ids) > MOST_MODELS:
        title = f"A report compares at most {MOST_MODELS} models, and {len(ids)} are named."
        raise InvalidValue("report.too_many", title, hint="Name fewer with --models.")
    root = base or project.model(ids[0]).lineage[0].model
    project.model(root)
    compared = [root, *(id for id in ids if id != root)]
    claimed, told = claims(project, compared)
    document = {
        "kind": "report",
        "models": compared,
        "base": root,
        "day": now.isoformat(),
        "version": version("compress-compare"),
        "claims": claimed,
        "behaviors": sections.behaviors(project, base=root, ids=compared),
        "layers": sections.layers(project, base=root, ids=compared),
    }
    return _file(f"{project.name}: compression report", document, kept(project, compared) | told)


def shown(project: Store, models: Sequence[str] = (), *, page: str = "overview") -> str:
    """A page with these models selected, in one HTML file that loads nothing.

    Args:
        project: whose.
        models: ids. Where models are compared, what all of them come from is added if it is not among them;
            of a model alone, its parent.
        page: one of `notebook.PAGES`.
    """
    lineages = [[step.model for step in project.model(id).lineage] for id in models]
    ids = list(dict.fromkeys(models))
    if page in ("behaviors", "candidates", "damage", "layers") and ids:
        if len(ids) == 1 and page != "layers":
            lineages = [lineages[0][:-1]]
        common = [together[0] for together in zip(*lineages, strict=False) if len(set(together)) == 1]
        ids = list(dict.fromkeys([*common[-1:], *ids]))
    found, own = dict[str, Any](), dict[str, list[str]]()
    if page in ("damage", "layers") and ids:
        found = layers(project, ids)
    if page == "damage":
        damage = activations(project, ids) if ids else {}
        own = {"above": ["matrix"]} | ({"mode": ["activations"]} if damage else {})
        found |= damage
    if page == "plan":
        found = sensitivities(project, ids)
    document = {
        "kind": "page",
        "page": page,
        "models": ids,
        "base": ids[0] if ids else None,
        "own": own,
        "behaviors": sections.behaviors(project, base=ids[0], ids=ids) if page == "behaviors" and ids else [],
        "jobs": sections.jobs(project) if page == "experiments" else [],
    }
    return _file(project.name, document, kept(project, ids) | found)


def compared(project: Store, ids: Sequence[str], *, said: Mapping[str, Sequence[str]], now: datetime.date) -> str:
    """The page of layers on models, in one HTML file that loads nothing.

    Args:
        project: whose models.
        ids: the base, then what is compared with it.
        said: sentences about each model but the base.
        now: the day it is made.
    """
    document = {
        "kind": "layers",
        "models": list(ids),
        "base": ids[0],
        "day": now.isoformat(),
        "version": version("compress-compare"),
        "said": [{"model": model, "sentences": list(sentences)} for model, sentences in said.items()],
    }
    return _file(project.name, document, kept(project, ids) | layers(project, ids))


def _interesting(project: Store) -> list[str]:
    """The frontier of the first metric that should be high and the first that should be low; else the first models."""
    metrics = sorted(columns(project).metrics.items(), key=lambda each: not each[1].primary)
    high = next((name for name, metric in metrics if metric.higher_is_better is True), None)
    low = next((name for name, metric in metrics if metric.higher_is_better is False), None)
    best = frontier(project, low, y=high)["id"].to_pylist() if high and low else []
    return (best or project.models()["id"].to_pylist())[: MOST_MODELS - 1]


def _file(title: str, document: dict[str, Any], answers: dict[str, Any]) -> str:
    script, style = (_built(name) for name in ("report.js", "report.css"))
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<meta charset="utf-8" />',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}" />',
            '<meta name="viewport" content="width=device-width, initial-scale=1" />',
            '<meta name="color-scheme" content="light dark" />',
            f"<title>{html.escape(title)}</title>",
            f"<style>{style}</style>",
            '<div id="app"></div>',
            f'<script type="application/json" id="document">{_data(document)}</script>',
            f'<script type="application/json" id="answers">{_data(answers)}</script>',
            f'<script type="module">{script}</script>',
            "</html>",
            "",
        ]
    )


def _built(name: str) -> str:
    path = STATIC / "report" / name
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(
            "report.unbuilt", "The page is not built, and a report is made of it.", hint="Run: make ui"
        ) from error
    # Inside an element of HTML, these would end it or hide what follows; in a program they stand only inside strings.
    return text.replace("</script", r"<\/script").replace("</style", r"<\/style").replace("<!--", r"<\!--")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _data(value: Any) -> str:
    """JSON in which nothing can be taken for markup."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", r"\u003c").replace("\u2028", r"\u2028").replace("\u2029", r"\u2029")
