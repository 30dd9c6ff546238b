"""Ships a model: written in a format, read back, run, held against the model, and logged as its child."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..comparisons.gate.check import gate
from ..comparisons.gate.report import GateReport
from ..errors import Conflict, InvalidValue, MissingExtra, StorageError, UserError
from ..evaluation.metrics import LATENCY, LATENCY_IQR
from ..recipes.rebuild import SHIP
from ..records import Metric, MetricValue, Operation
from ..store.storage import FULL, NOT_WRITABLE
from ..store.store import Store
from . import card, manifest, proof
from .base import Format, Source, Written
from .proof import Proof
from .registry import choose
from .source import gather, recorded_task

if TYPE_CHECKING:
    from ..recipes.task import Task

SAMPLE = 256
RESULTS = ".eval_results/compress-compare.yaml"
"""Where the Hub looks for the results of a model."""
SHIPPED_SIZE = Metric(
    "Shipped Size", unit="B", format=".3s", higher_is_better=False, min=0,
    description="Bytes of the files with the weights that were shipped, as their runtime loads them.",
)  # fmt: skip
AGREEMENT = Metric(
    "Agreement", format=".1%", higher_is_better=True, min=0, max=1,
    description="Share of predictions that are the same as those of the model that was shipped.",
)  # fmt: skip


@dataclass(frozen=True)
class How:
    """How a model is shipped.

    Args:
        format: one of ``shipping.FORMATS``, or of another package.
        sample: on how many examples it is run, 256 if not given; 0 compares the numbers alone, and runs nothing that
            the project names unless the format cannot do without.
        task: how to build and run the model; that of the project if not given.
        rules: of a release, as ``project.gate`` takes them; their verdict stands in the card.
    """

    format: str = "packed"
    sample: int | None = None
    task: Task | None = None
    rules: object = None


@dataclass(frozen=True)
class Shipped:
    """A model that was shipped and proved.

    Args:
        directory: with the files.
        model: id of the model.
        format: name of the format.
        files: bytes of each file by its name.
        num_bytes: of the weights, without card and list.
        claimed_bytes: what the scheme of the model implies; ``None`` where that is not known.
        proof: what was found when it was read back.
        notes: what was not packed as its scheme says, and why.
        latency: seconds of one example; ``None`` where it was not run.
        child: id of the model that was logged for it; ``None`` where the project takes none.
    """

    directory: Path
    model: str
    format: str
    files: Mapping[str, int]
    num_bytes: int
    claimed_bytes: int | None
    proof: Proof
    notes: Sequence[str]
    latency: MetricValue | None
    child: str | None

    def summary(self) -> list[str]:
        """Its size, its proof and where it lies, in short phrases."""
        claimed = "" if self.claimed_bytes is None else f" ({self.claimed_bytes:,} claimed)"
        said = [f"{self.num_bytes:,} bytes{claimed}"]
        proof = self.proof
        if proof.agreement is None:
            said.append(f"the numbers of {proof.tensors:,} tensors were compared, and nothing was run")
        else:
            said.append(f"{proof.agreement:.2%} of {proof.predictions:,} predictions agree on {proof.on}")
        if self.latency is not None:
            said.append(f"{self.latency.value * 1e3:.3g} ms on {self.latency.device}")
        said += [f"not packed: {note}" for note in self.notes]
        said.append(f"in {self.directory}")
        return said

    def as_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        latency = self.latency and {"seconds": self.latency.value, "device": self.latency.device}
        return {
            "directory": str(self.directory),
            "model": self.model,
            "format": self.format,
            "files": dict(self.files),
            "num_bytes": self.num_bytes,
            "claimed_bytes": self.claimed_bytes,
            "proof": self.proof.as_json(),
            "notes": list(self.notes),
            "latency": latency,
            "child": self.child,
        }


def ship(
    store: Store,
    id: str,
    *,
    directory: str | Path,
    how: How,
) -> Shipped:
    """Write a model in a format, prove it, and log it as a child of the model.

    Args:
        store: the project.
        id: of the model.
        directory: for the files; it must not exist, or be empty.
        how: format, sample and task.

    Raises:
        NotFound: ``model.unknown``.
        InvalidValue: ``ship.*``, ``model.*``, ``config.*``.
        Conflict: ``ship.directory`` for one with files in it.
        Untrusted: ``task.untrusted``.
        MissingExtra: what the format needs is not installed.
    """
    chosen, target, task = choose(how.format), Path(directory), how.task
    count = _checked(how.sample)
    model = store.model(id)
    verdict = None if how.rules is None else gate(store, id, rules=how.rules)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict("ship.directory", f"{target.name!a} is there already.", hint="Name a new or empty directory.")
    if task is None and (count or chosen.needs_network):
        task = recorded_task(store, model)
    source = gather(store, model, format=chosen, task=task)
    refusal = chosen.refusal(source)
    if refusal is not None:
        raise refusal
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise _not_written(target, error) from error
    try:
        found = _proved(chosen, source, scratch, task=task, sample=count)
        shipped = _described(store, chosen, source, scratch, found=replace(found, gate=verdict))
        child = None if store.storage.read_only else _log(store, chosen, source, scratch, found=found)
        if target.exists():
            target.rmdir()
        scratch.chmod(0o755)
        scratch.rename(target)
    except BaseException as error:
        shutil.rmtree(scratch, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in (*FULL, *NOT_WRITABLE):
            raise _not_written(target, error) from error
        raise
    return Shipped(**{**shipped, "directory": target, "child": child})


def _not_written(target: Path, error: OSError) -> UserError:
    if error.errno in FULL:
        return StorageError(
            "storage.full",
            f"There is no room for the files of the model beside {str(target)[:200]!r}.",
            detail=f"Free are {shutil.disk_usage(target.parent).free:,} bytes.",
            hint="Free some space, or name a directory on another disk. The project is as it was.",
        )
    said = f"{str(target)[:200]!r} cannot be written: {error.strerror}."
    return InvalidValue("ship.directory", said, hint="Name a directory where you may write.")


@dataclass(frozen=True)
class _Found:
    """What a shipped model was found to be: proof, what the format said, bytes, times, answers to the task's data."""

    proof: Proof
    written: Written
    num_bytes: int
    times: tuple[MetricValue, MetricValue] | None
    answers: Mapping[str, Any] | None
    numbers: Mapping[str, Any]
    task: Task | None
    gate: GateReport | None = None


def _proved(format: Format, source: Source, folder: Path, *, task: Task | None, sample: int) -> _Found:
    written = format.write(source, folder)
    written = replace(written, notes=[*written.notes, *source.notes])
    num_bytes = manifest.num_bytes(folder) - _beside(source, folder)
    said = format.origin(folder)
    if said != source.origin:
        raise InvalidValue("ship.not_proved", "What the file says about its origin is not what was written into it.")
    numbers = format.read(folder, source)
    found = proof.numbers(format, source, found=numbers, written=written)
    if not sample or source.network is None:
        return _Found(found, written, num_bytes, None, None, numbers, task)
    own = format.runner(folder, source)
    run, runtime = own if own is not None else (proof.loaded(source, found=numbers, written=written), _torch())
    if run is None:
        return _Found(found, written, num_bytes, None, None, numbers, task)
    comparison, on, answers = proof.answers(source, run, task=task, sample=sample)
    found = comparison.of(found, runtime=runtime, on=on)
    proof.check(format, found)
    times = proof.latency(source, run, runtime=runtime)
    return _Found(found, written, num_bytes, times, answers, numbers, task)


def _described(store: Store, format: Format, source: Source, folder: Path, *, found: _Found) -> dict[str, Any]:
    """Write card and list, and say what is there."""
    from .sizes import claimed

    claim = claimed(source)
    times, notes = found.times and found.times[0], found.written.notes
    shown = card.Shown(found.proof, found.num_bytes, claim, times, notes, found.gate)
    (folder / "README.md").write_text(card.written(store, source, format=format, shown=shown))
    results = card.results(store.model(source.id))
    if results:
        (folder / RESULTS).parent.mkdir(exist_ok=True)
        (folder / RESULTS).write_text(yaml.safe_dump(results, sort_keys=False, allow_unicode=True))
    verdict = {} if found.gate is None else {"gate": found.gate.as_dict()}
    manifest.write(folder, origin=source.origin, proof=found.proof.as_json(), more=verdict)
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return {
        "directory": folder,
        "model": source.id,
        "format": format.name,
        "files": dict(sorted(files.items())),
        "num_bytes": found.num_bytes,
        "claimed_bytes": claim,
        "proof": found.proof,
        "notes": tuple(found.written.notes),
        "latency": found.times and found.times[0],
        "child": None,
    }


def _log(store: Store, format: Format, source: Source, folder: Path, *, found: _Found) -> str:
    """Log what was shipped as a child of the model, with its own answers where it was run on the project's data."""
    metrics: dict[str, MetricValue] = {SHIPPED_SIZE.name: MetricValue(found.num_bytes)}
    if found.proof.agreement is not None:
        metrics[AGREEMENT.name] = MetricValue(found.proof.agreement, count=found.proof.predictions)
    if found.times is not None:
        metrics |= {LATENCY.name: found.times[0], LATENCY_IQR.name: found.times[1]}
    operation = Operation(SHIP, format=format.name)
    names = {name: found.written.tensors.get(name, name) for name in source.logical.names()}
    numbers = {name: found.numbers[other] for name, other in names.items() if other in found.numbers}
    checkpoint = format.checkpoint(folder) or numbers
    task, proof_ = found.task, found.proof
    with store.batch():
        known = {metric.name for metric in store.metrics()}
        for metric in (SHIPPED_SIZE, AGREEMENT, LATENCY, LATENCY_IQR):
            if metric.name in metrics and metric.name not in known:
                store.define_metric(**asdict(metric))
        id = _free(store, f"{source.id} ({format.name})")
        store.log_model(id, base=source.id, operation=operation, metrics=metrics, checkpoint=checkpoint)
        if found.answers is not None and task is not None and task.data is not None:
            ids = task.data.columns["ids"]
            known_data = {dataset.name for dataset in store.datasets()}
            if len(ids) >= proof_.examples and task.data.name in known_data:
                store.log_outputs(id, task.data.name, **_first(found.answers, ids, proof_.examples))
    return id


def _first(answers: Mapping[str, Any], ids: Any, count: int) -> dict[str, Any]:
    """The answers to the first examples, which are those that the shipped model was run on."""
    cut: dict[str, Any] = {"ids": ids[:count]}
    for key, value in answers.items():
        if key in ("predictions", "texts", "boxes", "masks", "object_masks") and value is not None:
            cut[key] = value[:count]
        elif key in ("vectors", "metrics", "tokens") and value is not None:
            cut[key] = {name: each[:count] for name, each in value.items()}
        else:
            cut[key] = value
    return cut


def _free(store: Store, id: str) -> str:
    place, found = 1, id[:250]
    while found in store:
        place += 1
        found = f"{id[:245]} {place}"
    return found


def _beside(source: Source, folder: Path) -> int:
    """Bytes of the files that hold no weights: tokenizer, configuration."""
    names = {name for name in source.files if not name.endswith(".safetensors")} | {"config.json"}
    return sum((folder / name).stat().st_size for name in names if (folder / name).exists())


def _checked(sample: int | None) -> int:
    if sample is None:
        return SAMPLE
    if type(sample) is not int or not 0 <= sample <= 1_000_000:
        raise InvalidValue("ship.sample", "The sample is a number of examples from 0 to 1,000,000.")
    return sample


def _torch() -> str:
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("torch", purpose="Running a shipped model", extra="torch") from error
    return f"PyTorch {torch.__version__.partition('+')[0]}"
