"""``compress-compare plan``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click

from .. import project as projects
from ..analysis.quantities.reading import quantity
from ..analysis.quantities.writing import prefixed, written, written_difference
from ..comparisons import sensitivity as comparisons
from ..engines import run as runs
from ..engines.local import LocalEngine
from ..errors import InvalidValue, NotFound
from ..plans.recommend import Budget, Plan
from ..recipes import loads
from .output import cell, echo_json, echo_table, json_option, stdout_to_stderr
from .progress import StepProgress
from .sensitivity import level, metric_option
from .trust import asking, trust_option

_UNITS = re.compile(r"(.*?)\s*(bits?(?:/weight)?|([kMGT]?)MACs?)\s*$")


@click.command()
@click.argument("project")
@click.argument("model")
@click.option("--budget", required=True, help='What the plan may need: "300 kB", "4.5 bits", "2 MMACs" or "5 ms".')
@metric_option
@click.option(
    "--to", "toolkit", type=click.Choice([comparisons.OWN, *comparisons.TOOLKITS]), help="Write the plan for this tool."
)
@click.option("--output", help="The file to write to; stdout if not given.")
@click.option("--run", "run_it", is_flag=True, help="Make the planned model in the project, and measure it.")
@trust_option
@json_option
def plan(project: str, model: str, **options: Any) -> None:
    """Choose a level for each layer of MODEL of PROJECT, so that a budget is met and the least is lost."""
    budget = read_budget(options["budget"])
    with projects.open(project, create=False) as opened:
        known = comparisons.kept(opened, model, metric=options["metric"])
        if known is None:
            hint = f"Measure them first: compress-compare sensitivity {project} {model}"
            raise NotFound("sensitivity.none", f"The layers of {model[:80]!r} were not measured yet.", hint=hint)
        found = known.plan(budget)
        toolkit = options["toolkit"]
        text = None if toolkit is None else comparisons.written(found, toolkit, store=opened, model=model)
        made = _run(opened, found, model=model, trust=options["trust"]) if options["run_it"] else None
    if text is not None:
        _write(text, options["output"])
        return
    if options["as_json"]:
        echo_json({**document(known, found), "made": made})
        return
    _show(known, found, budget)
    if made is not None:
        click.echo(f"Made: {', '.join(cell(id) for id in made)}.")


def read_budget(text: str) -> Budget:
    """``300 kB``, ``4.5 bits``, ``2 MMACs`` or ``5 ms`` as a budget.

    Raises:
        InvalidValue: ``plan.budget``.
    """
    units = _UNITS.fullmatch(text)
    if units and units[2].startswith("bit"):
        return Budget("bits_per_weight", quantity(units[1], unit=""))
    if units:
        return Budget("macs", quantity(f"{units[1]}{units[3] or ''}", unit=""))
    try:
        return Budget("latency" if re.search(r"[A-Za-zµμ]", text) and _is_time(text) else "bytes", _number(text))
    except InvalidValue as error:
        hint = "Write it as 300 kB, 4.5 bits, 2 MMACs or 5 ms."
        raise InvalidValue("plan.budget", f"{text[:40]!r} is not a budget.", detail=error.detail, hint=hint) from None


def document(known: comparisons.Sensitivity, found: Plan) -> dict[str, Any]:
    """A plan as JSON data."""
    rows = known.table.to_pylist()
    return {
        "model": known.model,
        "metric": known.metric.name,
        "value": known.before,
        "predicted_change": found.change,
        "predicted_value": known.predicted(found)[0],
        "ci_low": known.predicted(found)[1],
        "ci_high": known.predicted(found)[2],
        "predicted_packed_size": found.size,
        "used": found.used,
        "layers": [
            {
                "layer": rows[place]["layer"],
                "operation": rows[place]["operation"],
                "parameters": comparisons.parameters(rows[place]),
                "change": rows[place]["change"],
            }
            for place in found.rows
        ],
        "untouched": list(found.untouched),
    }


def _is_time(text: str) -> bool:
    return bool(re.search(r"(?<![A-Za-z])(m|µ|μ|u|n)?s\s*$", text))


def _number(text: str) -> float:
    return quantity(text, unit="s" if _is_time(text) else "B")


def _run(opened: projects.Project, found: Plan, *, model: str, trust: bool) -> list[str]:
    """Make the model of a plan; ids of what is new."""
    wanted = loads(comparisons.written(found, "recipe", store=opened, model=model))

    def done() -> runs.RunReport:
        with StepProgress(sys.stderr) as progress:
            return runs.run_recipe(opened.path, wanted, engine=LocalEngine(1), progress=progress)

    with stdout_to_stderr():
        report = asking(opened.path, done, trust=trust)
    for job in report.failed:
        click.echo(f"{cell(job.model)}: {cell(job.reason)}: {cell(job.message)}", err=True)
    if report.failed:
        sys.exit(1)
    return list(report.made)


def _write(text: str, output: str | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        said = f"{output[:200]!r} cannot be written: {error.strerror}."
        raise InvalidValue("output.not_written", said, hint="Choose another place.") from error


def _show(known: comparisons.Sensitivity, found: Plan, budget: Budget) -> None:
    rows = known.table.to_pylist()
    chosen = [rows[place] for place in found.rows]
    echo_table(
        ["layer", "level", "measured change"],
        [[row["layer"], level(row), written_difference(row["change"], known.metric)] for row in chosen]
        + [[layer, "as it is", ""] for layer in found.untouched],
        numbers=["measured change"],
    )
    unit = {"bytes": "B", "bits_per_weight": "bits per weight", "macs": "MACs", "latency": "s"}[budget.kind]
    value, low, high = known.predicted(found)
    interval = ""
    if low is not None and high is not None:
        interval = f" ({written(low, known.metric)} to {written(high, known.metric)})"
    click.echo(f"Predicted: {known.metric.name} {written(value, known.metric)}{interval}, {prefixed(found.size, 'B')}.")
    used = f"{found.used:.3g} {unit}" if budget.kind == "bits_per_weight" else prefixed(found.used, unit)
    click.echo(f"Budget used: {used}. The losses of layers were added up; measure the model to be sure: --run.")
