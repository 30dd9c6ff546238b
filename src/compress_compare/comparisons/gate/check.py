"""Judging a model by rules, one after the other. What cannot be decided is never passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...analysis.gate import estimates
from ...analysis.gate.verdicts import GateEstimate, GateOutcome, overall
from ...analysis.quantities.reading import quantity
from ...analysis.quantities.writing import written
from ...errors import InvalidValue, NotFound
from ...evaluation import metrics
from ...recipes.recipe import ConfigError
from ...records import Metric, MetricValue
from ...store.store import Store
from .evidence import COUNTED, GateEvidence, NotEnoughError
from .held import SHARE, HeldRule, drop, numbered, times
from .parts import of_coverage, of_groups
from .report import GateCheck, GateReport
from .rules import GateRule, GateRules, given, loads

BITS = Metric("bits", format=".3~f", unit="bits", min=0)
SIZES = {"packed": "packed_bytes", "stored": "stored_bytes", "gzip": "gzip_bytes", "onnx": "onnx_bytes"}


def gate(store: Store, model: str, *, base: str | None = None, rules: object = None) -> GateReport:
    """See ``Project.gate``."""
    found: GateRules = _kept(store) if rules is None else given(rules)
    chosen = store.model(model)
    against = store.model(base if base is not None else chosen.lineage[0].model)
    if against.id == chosen.id:
        said = (
            "A model is not compared with itself." if base else "The model is a root, so it has no base to fall from."
        )
        raise InvalidValue("gate.base", said, hint="Name the base that it must not fall behind: --base MODEL.")
    evidence = GateEvidence(store, against, chosen)
    limits = [_limit(evidence, rule) for rule in found.rules]
    held = [HeldRule(rule, limit, found.confidence) for rule, limit in zip(found.rules, limits, strict=True)]
    checks = [_judge(evidence, each) for each in held]
    return GateReport(chosen.id, against.id, tuple(checks), overall(check.outcome for check in checks))


def _kept(store: Store) -> GateRules:
    text = store.gate_rules()
    if text is None:
        hint = "Name a file of rules, or keep some: project.keep_gate_rules(text), or compress-compare gate --keep."
        raise NotFound("gate.no_rules", "The project keeps no rules for a gate.", hint=hint)
    return loads(text)


def _subject(evidence: GateEvidence, rule: GateRule) -> Metric:
    """The metric that a rule's bound is written in."""
    if rule.kind == "metric":
        return evidence.metric(rule.subject)
    if rule.kind == "latency":
        return metrics.ONNX_LATENCY if rule.options.get("runtime") == "onnx" else metrics.LATENCY
    if rule.kind in ("size", "bits"):
        return metrics.PACKED_SIZE if rule.kind == "size" else BITS
    return SHARE


def _limit(evidence: GateEvidence, rule: GateRule) -> float:
    """The bound as a number in its unit; read for all rules before any is judged.

    Raises:
        ConfigError: ``metric.unknown``, ``metric.direction_unknown``, ``value.quantity`` or ``config.value``.
    """
    try:
        metric = _subject(evidence, rule)
        if rule.bound == "max_drop" and rule.kind == "metric" and metric.higher_is_better is None:
            hint = f"Define it: project.define_metric({metric.name!r}, higher_is_better=…), or use max or min."
            said = f"Metric {metric.name!r} does not say which direction is better."
            raise ConfigError("metric.direction_unknown", said, place=rule.place, hint=hint)
        found = quantity(rule.limit, unit="" if rule.bound == "max_ratio" else metric.unit)
    except ConfigError:
        raise
    except (NotFound, InvalidValue) as error:
        raise ConfigError(error.code, error.title, place=rule.place, detail=error.detail, hint=error.hint) from error
    if found < 0 and rule.bound in ("max_drop", "max_rate", "max_ratio"):
        raise ConfigError("config.value", f"The bound {rule.bound} must not be negative.", place=rule.place)
    _check_possible(rule, metric, limit=found)
    return found


def _check_possible(rule: GateRule, metric: Metric, *, limit: float) -> None:
    """Refuse a bound beyond what a number can be: ``max_drop: 2`` of a fraction, meant as 2%, would pass everything."""
    is_of_others = rule.kind in ("classes", "slices") and rule.options.get("instances", "correct") != "correct"
    if rule.bound == "max_ratio" or rule.kind == "reality" or is_of_others:
        return
    low, high = metric.min, metric.max
    if rule.bound == "max_drop":
        low, high = 0.0, high - low if low is not None and high is not None else None
    if (low is None or limit >= low) and (high is None or limit <= high):
        return
    name = repr(metric.name) if rule.kind == "metric" else rule.kind
    most = "A drop" if rule.bound == "max_drop" else "It"
    said = (
        f"at least {low:g}" if high is None else f"at most {high:g}" if low is None else f"between {low:g} and {high:g}"
    )
    meant = limit / 100 if high == 1 and 1 < limit <= 100 else None
    raise ConfigError(
        "config.value",
        f"The bound {rule.bound} of {name} is {limit:g}, which decides nothing.",
        place=rule.place,
        detail=f"{most} is {said}.",
        hint=f"Did you mean {meant:.15g}?" if meant else "",
    )


def _judge(evidence: GateEvidence, held: HeldRule) -> GateCheck:
    judges: Mapping[str, Callable[[GateEvidence, HeldRule], GateCheck]] = {
        "metric": _of_metric,
        "latency": _of_metric,
        "size": _of_costs,
        "bits": _of_costs,
        "right_to_wrong": _of_flips,
        "classes": of_groups,
        "slices": of_groups,
        "coverage": of_coverage,
        "reality": _of_reality,
    }
    try:
        return judges[held.rule.kind](evidence, held)
    except NotEnoughError as error:
        return GateCheck(held.rule, "undecided", held.limit, reason=str(error))


def _of_metric(evidence: GateEvidence, held: HeldRule) -> GateCheck:
    rule, confidence = held.rule, held.confidence
    metric = _subject(evidence, rule)
    is_exact = bool(rule.options.get("exact")) or metric.name in COUNTED or metric.unit in ("B", "bit", "bits")
    if rule.bound in ("max", "min"):
        value = evidence.value(metric, rule)
        found = estimates.exact(value.value) if is_exact else estimates.stated(value, metric, confidence=confidence)
        if found is None and not {"slice", "device"} & set(rule.options):
            pair = evidence.pair_of(metric, rule)
            found = None if pair is None else estimates.sampled(pair, confidence=confidence)
        return numbered(held, _known(found, metric), write=lambda number: written(number, metric))
    if rule.bound == "max_ratio":
        base, model = evidence.values(metric, rule)
        found = _exact_ratio(base, model) if is_exact else estimates.stated_ratio(base, model, confidence=confidence)
        return numbered(held, _known(found, metric), write=times)
    pair = None if is_exact or {"slice", "device"} & set(rule.options) else evidence.pair_of(metric, rule)
    if pair is not None:
        change: GateEstimate | None = estimates.paired_change(pair, confidence=confidence)
    else:
        base, model = evidence.values(metric, rule)
        change = (
            estimates.exact(model.value - base.value)
            if is_exact
            else estimates.stated_change(base, model, metric=metric, confidence=confidence)
        )
    known = _known(change, metric)
    fallen = estimates.negated(known) if metric.higher_is_better else known
    return numbered(held, fallen, write=lambda number: drop(number, metric))


def _exact_ratio(base: MetricValue, model: MetricValue) -> GateEstimate:
    if base.value <= 0:
        raise NotEnoughError("The base's value is not positive, so there is no ratio.")
    return estimates.exact(model.value / base.value)


def _of_costs(evidence: GateEvidence, held: HeldRule) -> GateCheck:
    """Bits and sizes: counted, from the weights and what was measured."""
    rule = held.rule
    column = "bits" if rule.kind == "bits" else SIZES[rule.options.get("kind", "packed")]
    metric = _subject(evidence, rule)
    before, after = evidence.costs_of(column)
    if rule.bound != "max_ratio":
        return numbered(held, estimates.exact(after), write=lambda number: written(number, metric))
    if not before:
        raise NotEnoughError(f"{column} of {evidence.base.id!r} is not known.")
    return numbered(held, estimates.exact(after / before), write=times)


def _of_flips(evidence: GateEvidence, held: HeldRule) -> GateCheck:
    """Right → wrong, of the instances with a label that both answered."""
    _, pair = evidence.pair_on("correct", held.rule)
    if pair.changes is None or pair.changes.labels is None:
        raise NotEnoughError("The predictions are no classes with labels, so none went from right to wrong.")
    count = int(pair.compared.sum())
    found = estimates.rate(int((pair.changes.flips == 1).sum()), count, confidence=held.confidence)
    return numbered(held, found, write=lambda number: written(number, SHARE))


def _of_reality(evidence: GateEvidence, held: HeldRule) -> GateCheck:
    """Whether what was measured agrees with the claim."""
    row = evidence.costs[1]
    outcome: GateOutcome = "undecided" if row["agrees"] is None else "pass" if row["agrees"] else "fail"
    return GateCheck(held.rule, outcome, held.limit, shown=", ".join(row["causes"]), reason=row["reason"])


def _known(found: GateEstimate | None, metric: Metric) -> GateEstimate:
    if found is None:
        raise NotEnoughError(
            f"{metric.name!r} has no interval: log its count or standard error, or outputs, or add exact: true."
        )
    return found
