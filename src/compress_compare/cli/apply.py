"""``compress-compare apply``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from .. import on_disk, operations
from ..errors import InvalidValue
from .output import cell, echo_json, json_option, stdout_to_stderr

MAX_LISTED = 10


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="OPERATION")
@click.argument("parameters", nargs=-1, type=click.UNPROCESSED, metavar="PARAMETERS")
@click.option(
    "--checkpoint",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder of safetensors files.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The new folder; default: beside it, named after the operation."
)
@click.option("--plan", "only_plan", is_flag=True, help="List what would be changed and what is left alone, and exit.")
@json_option
def apply(
    name: str, parameters: tuple[str, ...], checkpoint: Path, *, out: Path | None, only_plan: bool, as_json: bool
) -> None:
    """Apply OPERATION to a checkpoint folder, tensor by tensor, without loading it whole.

    Parameters of the operation follow as --bits 4 or --group-size 32; give --targets or --ignore once for each pattern.
    `compress-compare operations OPERATION` explains them.
    """
    kind = operations.get(name.replace("-", " "))
    operation = kind.from_parameters(_parameters(parameters, kind.json_schema().get("properties", {})))
    with stdout_to_stderr():
        if only_plan:
            planned = on_disk.plan(operation, checkpoint)
        else:
            target = out or checkpoint.resolve().parent / f"{checkpoint.resolve().name}-{kind.name.replace(' ', '-')}"
            done = on_disk.apply(operation, checkpoint, out=target, progress=_said)
            planned = done.plan
    document: dict[str, Any] = {
        "weights": list(planned.weights),
        "left_alone": dict(planned.spared),
        "unknown": list(planned.unknown),
    }
    lines = _of_plan(planned, "would change" if only_plan else "changed")
    if not only_plan:
        document |= {
            "folder": str(done.folder),
            "refused": dict(done.refused),
            "not_copied": list(done.not_copied),
            "num_bytes": done.num_bytes,
        }
        lines = [f"Written to {done.folder}: {done.num_bytes:,} bytes of tensors.", *lines, *_of_result(done)]
    if as_json:
        echo_json(document)
        return
    for line in lines:
        click.echo(line)


def _parameters(given: Sequence[str], known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """``--group-size 32`` or ``--group-size=32`` as the parameter group_size; lists one entry at a time."""
    found: dict[str, Any] = {}
    words = [part for word in given for part in (word.split("=", 1) if word.startswith("--") else [word])]
    if len(words) % 2 or any(not word.startswith("--") for word in words[::2]):
        odd = next((word for word in words[::2] if not word.startswith("--")), words[-1])
        title = f"{odd!a:.100} is no parameter with a value."
        raise InvalidValue("parameter.option", title, hint="Write --NAME VALUE, for example: --bits 4")
    for word, text in zip(words[::2], words[1::2], strict=True):
        name = word.removeprefix("--").replace("-", "_")
        if known.get(name, {}).get("type") == "array":
            found.setdefault(name, []).append(text)
        else:
            found[name] = _value(text)
    return found


def _value(text: str) -> Any:
    """A number, true, false or null as such; everything else as text."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return found if isinstance(found, bool | int | float | None) else text


def _said(share: float, text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{share:4.0%} {text[:90]}", err=True, nl=False)


def _of_plan(planned: on_disk.FolderPlan, verb: str) -> list[str]:
    lines = [f"{len(planned.weights)} weights {verb}."]
    lines += [f"Left alone: {line}" for line in _by_reason(planned.spared)]
    if planned.unknown:
        lines.append(f"Left alone: {_listed(planned.unknown)}: it is not known what they belong to.")
    return lines


def _of_result(done: on_disk.Applied) -> list[str]:
    lines = [f"Not changed: {line}" for line in _by_reason(done.refused)]
    if done.not_copied:
        lines.append(f"Not copied: {_listed(done.not_copied)}.")
    return lines


def _by_reason(reasons: Mapping[str, str]) -> list[str]:
    grouped: dict[str, list[str]] = {}
    for name, why in reasons.items():
        grouped.setdefault(why, []).append(name)
    return [f"{_listed(names)}: {why.rstrip('.')}." for why, names in grouped.items()]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(cell(name) for name in names[:MAX_LISTED]) + more
