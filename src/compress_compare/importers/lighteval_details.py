"""What a model answered in a task of Lighteval: ``details/MODEL/DATE/details_TASK_DATE.parquet``, a row a document.

A document is known by what was asked and what could be answered, whatever order the tool has asked in. Rows are turned
into those of lm-evaluation-harness, so that choices, answers and what counts as right are understood in one way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .tables import parquet_leaves, parquet_rows

RESULTS, DETAILS = "results", "details"
COLUMNS = ("doc", "metric", "model_response")
_UNUSED = ("input", "input_tokens", "output_tokens", "logits", "unconditioned_logprobs", "reasonings")


def details_of(results: Path, *, root: Path, task: str) -> Path | None:
    """The file of answers beside a file of results, where it was kept.

    Args:
        results: ``ROOT/results/MODEL/results_DATE.json``.
        root: what was given to be read; nothing outside is looked at.
        task: as the results call it.
    """
    date = results.stem.removeprefix("results_")
    if "/" in task or "\0" in task:
        return None
    for parent in results.parents:
        if parent == root.parent or parent == parent.parent:
            break
        if parent.name == RESULTS and parent.parent.is_relative_to(root):
            folder = parent.parent / DETAILS / results.parent.relative_to(parent) / date
            path = folder / f"details_{task}_{date}.parquet"
            if path.is_file() and path.resolve() == root.resolve() / path.relative_to(root):
                return path
    return None


def rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Number and content of each document, as lm-evaluation-harness would have written it.

    Raises:
        InvalidValue: ``import.format``, ``import.too_large``.
    """
    parts = [leaf.split(".") for leaf in parquet_leaves(path)]
    wanted = [".".join(part) for part in parts if part[0] in COLUMNS and len(part) > 1 and part[1] not in _UNUSED]
    for number, row in enumerate(parquet_rows(path, wanted), 1):
        yield number, _sample(row, number)


def kind_of(row: Mapping[str, Any]) -> str:
    """What a document asks for, in the words of lm-evaluation-harness."""
    if "PERPLEXITY" in row["methods"]:
        return "loglikelihood_rolling"
    return "multiple_choice" if "LOGPROBS" in row["methods"] and row["doc"]["choices"] > 1 else "generate_until"


def _sample(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    document, response, metrics = ({**(row.get(name) or {})} for name in ("doc", "model_response", "metric"))
    query, choices = str(document.get("query") or ""), list(document.get("choices") or [])
    right = document.get("gold_index")
    gold = right[0] if isinstance(right, list) and right else right
    scored = {name: value for name, value in metrics.items() if isinstance(value, bool | int | float)}
    likelihoods = response.get("logprobs") or []
    texts = response.get("text_post_processed") or response.get("text") or []
    is_choice = "LOGPROBS" in (document.get("sampling_methods") or []) and len(choices) > 1
    return {
        "doc_id": document.get("id", number),
        "doc_hash": hashlib.sha256(json.dumps([query, choices]).encode()).hexdigest()[:16],
        "methods": list(document.get("sampling_methods") or []),
        "doc": {"query": query, "choices": len(choices)},
        "target": gold if is_choice else _choice(choices, gold),
        "filtered_resps": [[value] for value in likelihoods[: len(choices)]] if is_choice else list(texts[:1]),
        "resps": list((response.get("text") or [])[:1]),
        "metrics": list(scored),
        **{name: value for name, value in scored.items() if name not in _TAKEN},
    }


_TAKEN = {"doc_id", "doc_hash", "methods", "doc", "target", "filtered_resps", "resps", "metrics", "filter"}


def _choice(choices: list[Any], gold: Any) -> str:
    inside = isinstance(gold, int) and 0 <= gold < len(choices)
    return str(choices[gold]) if inside else ""
