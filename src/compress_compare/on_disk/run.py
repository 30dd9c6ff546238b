"""Applies an operation to a checkpoint folder, one module after the other. Needs torch."""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InvalidValue
from ..operations.base import BaseOperation
from ..operations.magnitude_prune import MagnitudePrune
from ..operations.parts.application import Follower
from ..operations.parts.data import cross_entropy
from ..operations.parts.fitness import check_parameter
from ..operations.parts.masking import Below, limit
from ..operations.parts.pieces import Changed, Piece, applying, changed, zeroed
from ..operations.types import Context, Progress
from ..readers import folder as folders
from ..readers import safetensors
from ..schemes import scheme
from .halves import Halves, room
from .planning import FolderPlan, Prepared, prepared
from .source import SourceFolder, metadata
from .target import TargetFile

RECORD = "compress_compare.json"
"""The file in the new folder that says what was done."""
AHEAD = 2
"""Modules that are read or changed at most, while one is waited for."""
LARGE = 1 << 26
"""Bytes after which what was read is given back."""


@dataclass(frozen=True)
class Applied:
    """What was done.

    Args:
        folder: where the new checkpoint is.
        plan: which tensors were changed, and which were not.
        refused: names of tensors that the operation left as they are, with the reason.
        not_copied: files of the old folder that the new one lacks.
        num_bytes: of all tensors.
    """

    folder: Path
    plan: FolderPlan
    refused: Mapping[str, str]
    not_copied: tuple[str, ...]
    num_bytes: int


def plan(operation: BaseOperation, folder: str | Path, *, model: nn.Module | None = None) -> FolderPlan:
    """What :func:`apply` would change, from the headers of the files alone."""
    return prepared(operation, SourceFolder(Path(folder)), model=model).plan


def apply(
    operation: BaseOperation,
    folder: str | Path,
    *,
    out: str | Path,
    model: nn.Module | None = None,
    progress: Progress | None = None,
) -> Applied:
    """Apply an operation to a folder of safetensors files and write a new folder of the same layout.

    No more than one module is in memory. The result has the bytes that the operation gives on the loaded model. The
    configuration, the tokenizer and all other files that hold no weights are copied.

    Args:
        operation: one that needs no data and treats each weight by itself, such as ``Quantize(bits=4)``; magnitude
            pruning may compare all weights, too.
        folder: a folder as transformers saves it, of one file or of shards.
        out: the new folder, which must not exist.
        model: the module that the folder was saved from, with or without values (on the meta device); without one, the
            configuration says what the tensors are, if transformers is installed, or else their names do.
        progress: called with the share done and a line of text; may raise to stop, and then nothing is left behind.

    Raises:
        InvalidValue: ``operation.not_applicable``, ``checkpoint.*``, ``model.*``, ``targets.*`` or
            ``weights.not_finite``.
    """
    source, target = SourceFolder(Path(folder)), Path(out)
    ready = prepared(operation, source, model=model)
    if target.exists():
        title = f"{str(target)!a} is there already."
        raise InvalidValue("checkpoint.out_exists", title, hint="Name a folder that does not exist yet.")
    staging = target.parent / f".{target.name}.partial"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        with _one_thread(operation), ExitStack() as opened:
            run = _Run(operation, source, ready, Follower(progress), _files(source, staging, opened))
            run.weights()
            run.rest()
            run.close()
        if source.sharded:
            _write_index(staging, run.files)
        left = source.copy_others(staging)
        (staging / RECORD).write_text(json.dumps(_record(operation, source), indent=2) + "\n")
        staging.rename(target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    size = sum(file.num_bytes for file in run.files.values())
    return Applied(target, ready.plan, run.refused, left, size)


@dataclass
class _Run:
    """One pass over a folder."""

    operation: BaseOperation
    source: SourceFolder
    prepared: Prepared
    progress: Follower
    files: Mapping[str, TargetFile]
    schemes: dict[str, dict[str, scheme.TensorScheme]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    _read: int = 0
    _begun: deque[tuple[Piece, int, Future[Changed]]] = field(default_factory=deque)
    """What is being worked on, in the order of the model, each with the number of the half that it stands in."""
    _ends: dict[int, dict[str, int]] = field(default_factory=dict)
    """Up to where each file must be written before a half, by its number, is filled anew."""

    def __post_init__(self) -> None:
        self.schemes = {name: {} for name in self.files}
        entries = (entry for shard in self.source.shards for entry in shard.header.entries.values())
        largest = max((entry.num_bytes for entry in entries), default=0)
        self.memory = Halves(max(LARGE, room(largest)))
        self.known = scheme.from_json(self.source.notes.get("scheme", {}))

    def weights(self) -> None:
        """Change what the operation changes, module by module, and write it in the order of the model."""
        below = self._limit() if isinstance(self.operation, MagnitudePrune) else None
        pieces = self.prepared.pieces
        with (
            applying(self.operation, self.prepared.skeleton.model, raised=self.progress.raised),
            ThreadPoolExecutor(1) as reader,
            ThreadPoolExecutor(1) as worker,
        ):
            for number, piece in enumerate(pieces):
                self.progress(0.9 * number / len(pieces), ", ".join(piece.weights))
                reading = reader.submit(self._read_in, self._places(piece))
                changing = worker.submit(self._changed, piece, reading, below=below)
                self._begun.append((piece, self.memory.number, changing))
                while len(self._begun) > AHEAD:
                    self._finish()
            while self._begun:
                self._finish()

    def _finish(self) -> None:
        """Hand the oldest of what is being worked on to the files."""
        piece, half, changing = self._begun.popleft()
        made = changing.result()
        self._write(piece, made)
        self._ends[half] = {name: file.num_bytes for name, file in self.files.items()}

    def rest(self) -> None:
        """Copy all other tensors."""
        self.progress(0.9, "tensors that stay")
        for shard in self.source.shards:
            for name, entry in shard.header.entries.items():
                if name not in self.done:
                    self.files[shard.name].add_bytes(name, entry.dtype, shape=entry.shape, content=shard.content(entry))
                    if name in self.known:
                        self.schemes[shard.name][name] = self.known[name]
                    self._forget(entry.num_bytes)
        self._forget()

    def close(self) -> None:
        """Write the headers."""
        steps = [*self.source.notes.get("steps", ()), _plain(self.operation)]
        for shard in self.source.shards:
            noted = {"scheme": scheme.to_json(self.schemes[shard.name]), "steps": steps}
            text = json.dumps({key: value for key, value in noted.items() if value})
            self.files[shard.name].close({**metadata(shard), safetensors.HEADER_KEY: text})
        self.progress(1.0, "done")

    def _limit(self) -> Callable[[Tensor], Below]:
        """What goes of each tensor: by the magnitudes of all, or by its own."""
        assert isinstance(self.operation, MagnitudePrune)  # noqa: S101
        amount = self.operation.amount
        if self.operation.scope == "local":
            return lambda values: limit(amount, lambda: iter([values]))
        names = [name for piece in self.prepared.pieces for name in piece.weights]

        def all_of_them() -> Iterator[Tensor]:
            for name in names:
                yield self._mapped(name)
                self._forget()

        below = limit(amount, all_of_them)
        return lambda _values: below

    def _changed(
        self, piece: Piece, reading: Future[dict[str, Tensor]], *, below: Callable[[Tensor], Below] | None
    ) -> Changed:
        tensors = reading.result()
        noted = {name: self.known[each] for name in tensors for each in self._files(name) if each in self.known}
        if below is None:
            context = Context((), cross_entropy, {}, self._say)
            return changed(self.operation, piece, tensors=tensors, context=context, known=noted)
        schemes: dict[str, scheme.TensorScheme] = {}
        for name, values in tensors.items():
            check_parameter(self.operation.name, name, parameter=nn.Parameter(values, requires_grad=False))
            schemes |= zeroed(below(values), name, values=values, known=noted)
        return Changed(tensors, (), schemes)

    def _write(self, piece: Piece, made: Changed) -> None:
        if made.refused:
            self.refused |= {self._files(name)[0]: made.refused for name in piece.weights}
        home = self.source.of[self._files(piece.weights[0])[0]].name
        schemes = made.schemes or {}
        for name, values in made.tensors.items():
            names = self._files(name) if name in self.prepared.names else (f"{self.prepared.skeleton.prefix}{name}",)
            for each in names:
                shard = self.source.of[each].name if each in self.source.of else home
                self.files[shard].add(each, values)
                if name in schemes:
                    self.schemes[shard][names[0]] = schemes[name]
                self.done.add(each)
        self.done |= {each for name in made.gone for each in self._files(name)}

    def _files(self, name: str) -> tuple[str, ...]:
        return self.prepared.names[name]

    def _num_bytes(self, name: str) -> int:
        first = self._files(name)[0]
        return self.source.of[first].header.entries[first].num_bytes

    def _mapped(self, name: str) -> Tensor:
        """The values in the file, not to be changed."""
        first = self._files(name)[0]
        return self.source.of[first].tensor(first)

    def _read_in(self, places: Mapping[str, Tensor]) -> dict[str, Tensor]:
        firsts = {name: self._files(name)[0] for name in places}
        return {name: self.source.of[first].read(first, places[name]) for name, first in firsts.items()}

    def _places(self, piece: Piece) -> dict[str, Tensor]:
        """Memory for the values of a piece, until its half is filled anew."""
        sizes = {name: self._num_bytes(name) for name in (*piece.weights, *piece.beside)}
        needed = sum(map(room, sizes.values()))
        if needed > self.memory.num_bytes:
            return {name: torch.empty(size, dtype=torch.uint8) for name, size in sizes.items()}
        if not self.memory.fits(needed):
            while self._begun and self._begun[0][1] < self.memory.number:
                self._finish()
            for name, end in self._ends.pop(self.memory.number - 1, {}).items():
                self.files[name].wait(end)
            self.memory.turn()
        return {name: self.memory.take(size) for name, size in sizes.items()}

    def _forget(self, num_bytes: int = LARGE) -> None:
        """Give back what was read, once it is much."""
        self._read += num_bytes
        if self._read >= LARGE:
            self._read = 0
            for shard in self.source.shards:
                shard.forget()

    def _say(self, _share: float, text: str) -> None:
        """What an operation says about one weight."""
        self.progress(0.0, text)


@contextmanager
def _one_thread(operation: BaseOperation) -> Iterator[None]:
    """Inside, torch uses one thread: on parts of a tensor, waiting for others costs more than they do.

    Not where the work is one large decomposition.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if operation.keeps_shapes else threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _files(source: SourceFolder, folder: Path, opened: ExitStack) -> dict[str, TargetFile]:
    return {
        shard.name: opened.enter_context(TargetFile(folder / shard.name, list(shard.header.entries)))
        for shard in source.shards
    }


def _write_index(folder: Path, files: Mapping[str, TargetFile]) -> None:
    where = {name: shard for shard, file in files.items() for name in file.entries}
    total = sum(file.num_bytes for file in files.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(where.items()))}
    (folder / folders.INDEX).write_text(json.dumps(index, indent=2) + "\n")


def _record(operation: BaseOperation, source: SourceFolder) -> dict[str, Any]:
    return {"from": source.path.resolve().name, "steps": [*source.notes.get("steps", ()), _plain(operation)]}


def _plain(operation: BaseOperation) -> dict[str, Any]:
    record = operation.record()
    return {"operation": record.name, "parameters": dict(record.parameters)}
