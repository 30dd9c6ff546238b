"""What the page is told of the sensitivity of layers, and of plans."""

from __future__ import annotations

from ..comparisons import sensitivity
from ..errors import Conflict, InvalidValue, NotFound
from ..plans.recommend import Kind, Plan, planned
from ..store.store import Store
from .wire.base import number
from .wire.plans import PlanCurve, PlanExport, PlanFile, PlanPoint, SensitivityAnswer, SensitivityRow


def answer(store: Store, model: str, *, metric: str | None) -> SensitivityAnswer:
    """What is kept of a model, with the plans of every kind of budget; without rows if nothing is.

    Raises:
        NotFound: ``model.unknown``, ``metric.unknown``.
        InvalidValue: ``metric.no_direction``.
    """
    chosen, reason = "", ""
    try:
        found = sensitivity.kept(store, model, metric=metric)
        chosen = sensitivity.quality(store.metrics(), metric).name
    except InvalidValue as error:
        if error.code not in ("model.no_checkpoint", "sensitivity.metric"):
            raise
        found, reason = None, f"{error.title} {error.hint}".strip()
    if found is None:
        return SensitivityAnswer(model=model, metric=chosen, reason=reason, value=None, count=None, rows=[], curves=[])
    rows = found.table.to_pylist()
    return SensitivityAnswer(
        model=model,
        metric=found.metric.name,
        value=number(found.before),
        count=rows[0]["count"],
        rows=[
            SensitivityRow(
                layer=row["layer"],
                operation=row["operation"],
                parameters=sensitivity.parameters(row),
                value=number(row["value"]),
                change=number(row["change"]),
                ci_low=number(row["ci_low"]),
                ci_high=number(row["ci_high"]),
                weights=row["weights"],
                layer_bytes=row["layer_bytes"],
                layer_bytes_before=row["layer_bytes_before"],
            )
            for row in rows
        ],
        curves=[_curve(found, kind) for kind in found.kinds],
    )


def exported(store: Store, ask: PlanExport) -> PlanFile:
    """The plan of some rows as text.

    Raises:
        NotFound: ``sensitivity.none``.
        Conflict: ``plan.changed`` if there are other rows by now.
        InvalidValue: ``plan.rows``, ``export.*``.
    """
    found = sensitivity.kept(store, ask.model, metric=ask.metric)
    if found is None:
        hint = "Measure them on the page Plan."
        raise NotFound("sensitivity.none", f"The layers of {ask.model[:80]!r} were not measured yet.", hint=hint)
    if len(found.table) != ask.count:
        title = "More was measured meanwhile, so the plan is an old one."
        raise Conflict("plan.changed", title, hint="Look at the plan again.")
    plan = planned(
        found.table.to_pylist(), ask.chosen, kind="bytes", higher_is_better=bool(found.metric.higher_is_better)
    )
    text = sensitivity.written(plan, ask.toolkit, store=store, model=ask.model)
    return PlanFile(text=text, file=sensitivity.FILES[ask.toolkit])


def _curve(found: sensitivity.Sensitivity, kind: Kind) -> PlanCurve:
    return PlanCurve(kind=kind, points=[_point(found, plan) for plan in found.curve(kind)])


def _point(found: sensitivity.Sensitivity, plan: Plan) -> PlanPoint:
    value, low, high = found.predicted(plan)
    return PlanPoint(
        used=plan.used,
        size=plan.size,
        value=number(value),
        ci_low=number(low),
        ci_high=number(high),
        chosen=list(plan.rows),
    )
