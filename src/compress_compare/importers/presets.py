"""Tables of tools that are known by their columns: a preset says what each column is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .tables import ReadTable


@dataclass(frozen=True)
class Preset:
    """A kind of table.

    Args:
        name: of the tool and its table.
        columns: that show that it is one.
        mapping: as plain data, from the table.
    """

    name: str
    columns: frozenset[str]
    mapping: Callable[[ReadTable], dict[str, Any]]


def find(table: ReadTable) -> Preset | None:
    """The preset whose columns the table has, if any."""
    return next((one for one in PRESETS if one.columns <= set(table.columns)), None)


def _present(table: ReadTable, metrics: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: said for name, said in metrics.items() if name in table.columns}


_SHARE = {"unit": "%", "higher_is_better": True}
_LOSS = {"unit": "%", "higher_is_better": False}
_MILLIONS = {"name": "number of parameters", "scale": 1_000_000, "higher_is_better": False, "setting": False}


def _timm_results(table: ReadTable) -> dict[str, Any]:
    metrics = {"top1": _SHARE, "top1_err": _LOSS, "top5": _SHARE, "top5_err": _LOSS, "param_count": _MILLIONS}
    protocol = [name for name in ("img_size",) if name in table.columns]
    return {"id": ["model"], "metrics": _present(table, metrics), "protocol": protocol}


def _timm_benchmark(table: ReadTable) -> dict[str, Any]:
    """The file is named like ``benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv``; the image size is a setting."""
    metrics: dict[str, dict[str, Any]] = {
        "infer_samples_per_sec": {"unit": "images/s", "higher_is_better": True},
        "infer_step_time": {"unit": "ms", "higher_is_better": False},
        "train_samples_per_sec": {"unit": "images/s", "higher_is_better": True},
        "train_step_time": {"unit": "ms", "higher_is_better": False},
        "infer_gmacs": {"name": "macs", "scale": 1_000_000_000, "higher_is_better": False},
        "infer_macts": {"name": "activations", "scale": 1_000_000, "higher_is_better": False},
        "param_count": _MILLIONS,
    }
    protocol = [name for name in ("infer_img_size", "infer_batch_size", "train_img_size") if name in table.columns]
    found = re.match(r"benchmark-(?:infer|train)-(.+)\.csv", table.name)
    mapping = {"id": ["model"], "metrics": _present(table, metrics), "protocol": protocol}
    return {**mapping, **({"device_name": found[1].replace("-", " ")} if found else {})}


def _ultralytics(table: ReadTable) -> dict[str, Any]:
    metrics: dict[str, dict[str, Any]] = {}
    for name in table.columns:
        if name.startswith("metrics/"):
            metrics[name] = {"higher_is_better": True}
        elif name.startswith("val/"):
            metrics[name] = {"higher_is_better": False}
    best = next((name for name in table.columns if name.startswith("metrics/mAP50-95")), "")
    return {"metrics": metrics, "best": best}


def _shrinkbench(table: ReadTable) -> dict[str, Any]:
    metrics: dict[str, dict[str, Any]] = {
        "post_acc1": {"higher_is_better": True},
        "post_acc5": {"higher_is_better": True},
        "size": {"higher_is_better": False},
        "size_nz": {"higher_is_better": False},
        "flops": {"higher_is_better": False},
        "flops_nz": {"higher_is_better": False},
        "real_compression": {"higher_is_better": True},
        "speedup": {"higher_is_better": True},
    }
    id = [name for name in ("dataset", "model", "strategy", "compression", "seed") if name in table.columns]
    parameters = [name for name in ("compression", "seed") if name in table.columns]
    mapping = {"id": id, "base": "model", "operation": "strategy", "parameters": parameters, "dataset": "dataset"}
    return {**mapping, "metrics": _present(table, metrics)}


def _brevitas(table: ReadTable) -> dict[str, Any]:
    accuracy = next(name for name in ("quant_acc", "top1", "quant_top1") if name in table.columns)
    skipped = {"model_name", accuracy, "fp_acc", "float_acc", "top5"}
    parameters = [name for name in table.columns if name not in skipped]
    metrics = {accuracy: _SHARE, "top5": _SHARE}
    id = ["model_name", *[name for name in parameters if len({str(cell) for cell in table.cells(name)}) > 1]]
    return {"id": id, "base": "model_name", "parameters": parameters, "metrics": _present(table, metrics)}


def _wandb(table: ReadTable) -> dict[str, Any]:
    """What W&B's page exports: a row per run, with configuration and summary side by side. Where entries of the
    configuration are marked by ``config.``, as our exporter does, all others are numbers."""
    from . import metric_names

    lower = {name.lower(): name for name in table.columns}
    skipped = {"Name", "State", "ID", "User", "Created", "Runtime", "Sweep", "Notes", "Tags", "GPU Type", "Hostname"}
    metrics, parameters = {}, []
    base, operation = (_first(lower, f"config.{name}", name) for name in ("base", "operation"))
    operation = operation or _first(lower, "config.method", "method")
    marked = any(name.startswith("config.") for name in table.columns)
    for name in table.columns:
        if name in skipped or name in (base, operation) or name.startswith("_"):
            continue
        guess, _ = metric_names.described(name)
        setting = name.startswith("config.") if marked else guess.higher_is_better is None
        if not setting:
            said = {"unit": guess.unit, "higher_is_better": guess.higher_is_better}
            metrics[name] = {key: value for key, value in said.items() if value is not None}
        elif operation:
            parameters.append(name)
    mapping: dict[str, Any] = {"id": ["Name"], "state": "State", "metrics": metrics, "parameters": parameters}
    notes = {"note": "Notes"} if "Notes" in table.columns else {}
    tags = {"tags": ["Tags"]} if "Tags" in table.columns else {}
    return {**mapping, "base": base, "operation": operation, **notes, **tags}


def _first(names: Mapping[str, str], *wanted: str) -> str:
    return next((names[name] for name in wanted if name in names), "")


PRESETS: tuple[Preset, ...] = (
    Preset("timm's results", frozenset({"model", "top1", "top1_err", "param_count"}), _timm_results),
    Preset("timm's benchmarks", frozenset({"model", "infer_samples_per_sec"}), _timm_benchmark),
    Preset("Ultralytics' results.csv", frozenset({"epoch", "train/box_loss"}), _ultralytics),
    Preset("ShrinkBench's results", frozenset({"model", "strategy", "compression", "post_acc1"}), _shrinkbench),
    Preset("Brevitas' results", frozenset({"model_name", "quant_acc"}), _brevitas),
    Preset("an export of W&B", frozenset({"Name", "State", "Created"}), _wandb),
)
