"""What the name of a metric says about it: its unit, and whether higher or lower is better.

A tool that states them is believed instead; a name that says nothing leaves both open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..records import Metric
from .base import Imported

_LOWER = (
    *("loss", "error", "err", "errors", "perplexity", "ppl", "latency", "mse", "rmse", "mae", "wer", "cer", "ter"),
    *("kld", "kl", "divergence", "nll", "runtime", "duration", "time", "size", "bytes", "memory", "flops", "macs"),
    *("gmacs", "params", "parameters", "drop", "degradation", "energy", "fid", "ece", "brier", "bpb", "macts"),
    *("gflops", "mb", "gb", "kb", "mib", "gib", "cost", "regret"),
)
_HIGHER = (
    *("accuracy", "acc", "f1", "map", "auc", "auroc", "precision", "recall", "bleu", "chrf", "meteor", "iou", "miou"),
    *("rouge", "rouge1", "rouge2", "rougel", "top1", "top5", "em", "mcc", "psnr", "ssim", "sqnr", "snr", "throughput"),
    *("fps", "spearman", "pearson", "kappa", "dice", "ndcg", "mrr", "reward", "speedup", "sharpe", "map50", "r2"),
)
_HIGHER_PHRASES = (
    *(
        "exact match",
        "per sec",
        "per second",
        "pass at 1",
        "tokens s",
        "top 1",
        "top 5",
        "higher is better",
        "samples s",
    ),
    *("samples s", "same top", "val score", "compression ratio", "win rate", "bert score"),
)
_SETTINGS = {
    "lr",
    "rate",
    "epoch",
    "epochs",
    "step",
    "steps",
    "seed",
    "norm",
    "momentum",
    "decay",
    "batch",
    "timestamp",
}
_UNITS = {
    **dict.fromkeys(("ms", "msec", "milliseconds", "millis"), "ms"),
    **dict.fromkeys(("us", "usec", "microseconds"), "µs"),
    **dict.fromkeys(("ns", "nanoseconds"), "ns"),
    **dict.fromkeys(("s", "sec", "secs", "seconds", "runtime"), "s"),
    **dict.fromkeys(("bytes", "nbytes"), "B"),
    **{"kb": "kB", "mb": "MB", "gb": "GB", "kib": "KiB", "mib": "MiB", "gib": "GiB"},
    **dict.fromkeys(("percent", "pct", "percentage"), "%"),
    **{"fps": "1/s", "joules": "J", "watts": "W", "hz": "Hz", "db": "dB"},
}
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+|%")


def words(name: str) -> list[str]:
    """The words of a name in small letters: ``val_top1``, ``valTop1`` and ``val/top1`` alike."""
    return [word.lower() for word in _WORD.findall(name)]


def described(name: str, values: Iterable[float] = ()) -> tuple[Metric, str]:
    """The definition that a name suggests, and why in a sentence.

    Args:
        name: of the metric.
        values: that it takes, which say whether an accuracy is a fraction.
    """
    found = words(name)
    direction, because = _direction(found)
    unit = _unit(found)
    shares = direction is True and not unit and all(0 <= value <= 1 for value in values)
    reason = because + (f"; the unit {unit} is in its name" if unit else "")
    return Metric(name, unit=unit, format=".2%" if shares and values else "", higher_is_better=direction), reason


def add(imported: Imported, name: str, *, values: Iterable[float] = ()) -> None:
    """Define a metric of an import by its name, unless it has been defined."""
    if name not in {metric.name for metric in imported.metrics}:
        metric, imported.reasons[name] = described(name, values)
        imported.metrics.append(metric)


def _direction(found: list[str]) -> tuple[bool | None, str]:
    phrase = " ".join(found)
    for one in _HIGHER_PHRASES:
        if f" {one} " in f" {phrase} ":
            return True, f"higher is better, as its name says {one!r}"
    if "bits per" in phrase:
        return False, "lower is better, as its name says 'bits per'"
    for word in reversed(found):
        if word in _SETTINGS:
            return None, f"no direction, as {word!r} is a setting"
        if word in _LOWER:
            return False, f"lower is better, as its name says {word!r}"
        if word in _HIGHER:
            return True, f"higher is better, as its name says {word!r}"
    return None, "no direction, as its name says none"


def _unit(found: list[str]) -> str:
    if "per" in found:
        at = found.index("per")
        if found[at + 1 : at + 2] and found[at + 1] in ("s", "sec", "second"):
            return f"{found[at - 1]}/s" if at and found[at - 1] in ("samples", "tokens", "images", "steps") else "1/s"
        return ""
    return _UNITS.get(found[-1], "") if found else ""
