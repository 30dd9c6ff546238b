"""The reality check: what a compressed model claims, what was measured, and why the two differ.

A model is compared with its root, the uncompressed network. A measured number decides each cause, and the sentence of
the cause names that number. A quantity that was not measured decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

PRUNED = 0.1
"""Share of weights that must have become zero for a model to count as pruned."""
COARSER = 0.75
"""Share of the root's bits per weight below which a model counts as quantized."""
FEWER = 0.95
"""Share of the root's multiply-accumulates below which less work counts as claimed."""
SAME_TIME = 1.25
"""Two times within this factor are the same; medians of short runs differ as much from minute to minute."""
KEPT = 0.8
"""Share of a claimed factor that must be measured for the claim to hold."""
DOMINANT = 0.3
"""Share of the packed bytes from which an uncompressed tensor is named."""
RUNTIMES = ("PyTorch", "ONNX Runtime")
SMALL = 10_000_000
"""Multiply-accumulates below which calling operators can take as long as computing them."""


@dataclass(frozen=True)
class Timing:
    """A time: median and interquartile range in seconds, and what it was taken on."""

    median: float
    spread: float | None
    device: str | None


@dataclass(frozen=True)
class Run:
    """A model in one runtime: its time, and how many of its products are on integers; ``None`` is not measured."""

    timing: Timing | None = None
    integers: float | None = None
    products: int | None = None


@dataclass(frozen=True)
class Facts:
    """What is known about one model; ``None`` is not known.

    Args:
        sparsity: share of zeros among the weights, tensors with two and more dimensions.
        bits: of one weight as its scheme says or its numbers show, mean over all weights.
        file_bits: of one weight in the file, mean over all weights.
        pruned: whether the scheme says that zeros were made on purpose.
        stored: bytes of the checkpoint.
        gzip: bytes of the weights' file after gzip.
        packed: bytes that the scheme implies.
        dense: the largest tensor without a scheme, and its share of the packed bytes.
        embedding: whether that tensor is a table of embeddings, by its name.
        is_said: whether somebody said that the model is compressed; else its numbers alone show it.
        macs: multiply-accumulates of a forward pass.
        torch: the model in PyTorch.
        onnx: the model in ONNX Runtime.
    """

    sparsity: float | None = None
    bits: float | None = None
    file_bits: float | None = None
    pruned: bool = False
    stored: int | None = None
    gzip: int | None = None
    packed: int | None = None
    dense: tuple[str, float] | None = None
    embedding: bool = False
    is_said: bool = True
    macs: float | None = None
    torch: Run = Run()
    onnx: Run = Run()


Cause = Literal[
    "zeros_stored",
    "codes_stored_as_floats",
    "embedding_dominates",
    "dense_rest_dominates",
    "no_sparse_kernel",
    "dequantized_at_load",
    "dequantized_at_run",
    "operator_fell_back",
    "conversions_cost_more",
    "calls_dominate",
    "not_bound_by_products",
    "other_device",
    "claim_not_found",
    "part_missing",
]


@dataclass(frozen=True)
class Verdict:
    """Whether the measurements agree with the claim (``None``: there is nothing to judge by), and why not, in words."""

    agrees: bool | None
    causes: tuple[Cause, ...]
    reason: str


def verdict(model: Facts, root: Facts) -> Verdict:
    """Judge a model by its root; a root is its own."""
    claim = _Claim(model, root)
    if not claim.parts and all(known is None for known in (model.sparsity, model.bits, model.packed, model.macs)):
        return Verdict(None, (), "The claim is unknown: neither the weights nor numbers about them were logged.")
    if not claim.parts:
        return Verdict(None, (), "Nothing is claimed: the model has as many weights and bits as its root.")
    found = [*_size(claim), *_times(claim), *_fallback(claim)]
    causes = tuple(dict.fromkeys(cause for cause, _ in found))
    said = f"{'Claimed' if model.is_said else 'Found'}: {', '.join(claim.parts)}."
    if causes:
        return Verdict(False, causes, " ".join([said, *(sentence for _, sentence in found), *_faster(claim)]))
    measured = list(_measured(claim))
    if not measured:
        return Verdict(None, (), f"{said} Nothing was measured that could confirm it.")
    return Verdict(True, (), f"{said} Measured: {', '.join(measured)}.")


class _Claim:
    """What the compression of a model promises against its root."""

    def __init__(self, model: Facts, root: Facts) -> None:
        self.model, self.root = model, root
        self.coarser = model.bits is not None and root.bits is not None and model.bits <= COARSER * root.bits
        has_zeros = model.sparsity is not None and model.sparsity >= (root.sparsity or 0) + PRUNED
        self.pruned = has_zeros and (model.pruned or not self.coarser)
        self.work = factor(root.macs, model.macs)
        self.fewer_macs = self.work is not None and self.work >= 1 / FEWER
        self.packed = factor(root.packed, model.packed)
        self.stored = factor(root.stored, model.stored)
        is_wide = model.file_bits is not None and model.file_bits >= 1.5 * (model.bits or 0)
        self.codes_as_floats = self.coarser and is_wide

    @property
    def parts(self) -> list[str]:
        """In words."""
        parts = []
        if self.pruned:
            parts.append(f"{self.model.sparsity:.0%} of the weights are zero")
        if self.coarser:
            parts.append(f"{bits(self.model.bits)} for each weight")
        if self.fewer_macs and self.work is not None:
            parts.append(f"{self.work:.2g}× fewer multiply-accumulates")
        elif not parts and self.packed is not None and self.packed >= 1 / KEPT:
            parts.append(f"{self.packed:.2g}× fewer bytes")
        return parts

    def run(self, runtime: str) -> tuple[Run, Run]:
        """The model and its root in a runtime."""
        if runtime == "PyTorch":
            return self.model.torch, self.root.torch
        return self.model.onnx, self.root.onnx


Found = Iterator[tuple[Cause, str]]


def _size(claim: _Claim) -> Found:
    model = claim.model
    if claim.packed is None or claim.stored is None or model.stored is None or model.packed is None:
        return
    if claim.packed * KEPT >= 1 and claim.stored < KEPT * claim.packed:
        file = f"the file takes {size(model.stored)} ({times(claim.stored)} its root's)"
        would = f"{size(model.packed)} packed"
        zipped = f", {size(model.gzip)} gzipped" if model.gzip is not None else ""
        if claim.codes_as_floats:
            floats = f"Weights are still stored as {model.file_bits:.3g}-bit floats"
            yield "codes_stored_as_floats", f"{floats}: {file}{zipped}, and would take {would}."
        elif claim.pruned:
            yield "zeros_stored", f"Zeros are stored like any other number: {file}{zipped}, and would take {would}."
    if model.dense is not None and model.dense[1] >= DOMINANT and (claim.pruned or claim.coarser):
        name, share = model.dense
        what = "The embedding" if model.embedding else "The tensor"
        cause: Cause = "embedding_dominates" if model.embedding else "dense_rest_dominates"
        yield cause, f"{what} {name} was not compressed and takes {share:.0%} of the packed bytes."


def _times(claim: _Claim) -> Found:
    """Why the time is not what the claim promises; runtimes with one cause share its sentence."""
    found: dict[tuple[Cause, str], list[tuple[str, str]]] = {}
    for runtime in RUNTIMES:
        run, root = claim.run(runtime)
        if run.timing is None or root.timing is None:
            continue
        why = _slow(claim, run, speed=_speed(run.timing, root.timing))
        if why is not None:
            took = f"{seconds(run.timing.median)} against {seconds(root.timing.median)}"
            found.setdefault(why, []).append((runtime, took))
    for (cause, sentence), where in found.items():
        said = sentence.format(" and ".join(runtime for runtime, _ in where))
        if cause == "other_device":
            yield cause, f"{said}."
        else:
            yield cause, f"{said}: {' and '.join(took for _, took in where)} of its root."


def _speed(run: Timing, root: Timing) -> float | None:
    return root.median / run.median if run.device == root.device else None


def _slow(claim: _Claim, run: Run, *, speed: float | None) -> tuple[Cause, str] | None:
    """A cause and its sentence, with a place for the runtime; ``None`` where the time is as claimed."""
    if speed is None:
        return (
            "other_device",
            "Its time in {} was measured differently from that of its root, so the two are not compared",
        )
    if claim.fewer_macs and claim.work is not None and not claim.coarser:
        return _slow_for_its_work(claim) if speed < KEPT * claim.work else None
    if speed >= SAME_TIME:
        return None
    if claim.coarser:
        return _coarse_and_slow(claim, run)
    if claim.pruned:
        macs = f", {count(claim.model.macs)} multiply-accumulates as in its root" if claim.model.macs else ""
        return "no_sparse_kernel", f"No sparse kernel runs in {{}}, so every zero is multiplied{macs}"
    return None


def _coarse_and_slow(claim: _Claim, run: Run) -> tuple[Cause, str]:
    products = f" ({round((run.integers or 0) * run.products)} of {run.products} on integers)" if run.products else ""
    if claim.codes_as_floats:
        sentence = f"Once loaded, the weights are floating point, and so are all products{products} in {{}}"
        return "dequantized_at_load", sentence
    if run.integers:
        return (
            "conversions_cost_more",
            f"Converting to integers and back costs more in {{}} than the products{products} save",
        )
    return "dequantized_at_run", f"Weights are converted to floating point before every product{products} in {{}}"


def _slow_for_its_work(claim: _Claim) -> tuple[Cause, str]:
    if claim.model.macs is not None and claim.model.macs < SMALL:
        few = f"At {count(claim.model.macs)} multiply-accumulates"
        return (
            "calls_dominate",
            f"{few} calling the operators takes much of the time in {{}}, however little they compute",
        )
    return "not_bound_by_products", "The time does not follow the multiply-accumulates in {}"


def _fallback(claim: _Claim) -> Found:
    """Products that ought to be on integers, of a model that has some of them there."""
    run = claim.model.onnx
    if run.integers is not None and run.products and 0 < run.integers < 1:
        left = run.products - round(run.integers * run.products)
        yield (
            "operator_fell_back",
            f"ONNX Runtime fell back to floating point for {left} of {run.products} products.",
        )


def _faster(claim: _Claim) -> Iterator[str]:
    """Where the time is as claimed, of a model that is not so elsewhere."""
    for runtime in RUNTIMES:
        run, root = claim.run(runtime)
        if run.timing is None or root.timing is None:
            continue
        speed = _speed(run.timing, root.timing)
        if speed is not None and speed >= SAME_TIME and _slow(claim, run, speed=speed) is None:
            took = f"{seconds(run.timing.median)} against {seconds(root.timing.median)}"
            yield f"It is {speed:.2g}× faster in {runtime}: {took}."


def _measured(claim: _Claim) -> Iterator[str]:
    if claim.stored is not None:
        yield f"a file of {size(claim.model.stored or 0)} ({times(claim.stored)} its root's)"
    for runtime in RUNTIMES:
        run, root = claim.run(runtime)
        if run.timing is not None and root.timing is not None:
            yield f"{seconds(run.timing.median)} against {seconds(root.timing.median)} in {runtime}"


def factor(before: float | None, after: float | None) -> float | None:
    """How many times smaller ``after`` is; ``None`` where one is not known or zero."""
    return before / after if before and after else None


def times(smaller: float) -> str:
    """``as large as``, ``3.9× smaller than`` or ``1.2× larger than``, for a factor."""
    if 1 / 1.05 < smaller < 1.05:
        return "as large as"
    return f"{smaller:.2g}× smaller than" if smaller > 1 else f"{1 / smaller:.2g}× larger than"


def bits(number: float | None) -> str:
    """``4 bits`` or ``1 bit``."""
    return f"{number or 0:.3g} bit{'' if number == 1 else 's'}"


def size(num_bytes: float) -> str:
    """``17.9 kB``, with decimal prefixes."""
    return _scaled(num_bytes, (" GB", " MB", " kB", " B"))


def count(number: float) -> str:
    """``192 k``."""
    return _scaled(number, (" G", " M", " k", ""))


def seconds(value: float) -> str:
    """``0.142 ms``, ``1.2 s`` or ``38 µs``."""
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if value * scale >= 1:
            return f"{value * scale:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def _scaled(value: float, units: tuple[str, str, str, str]) -> str:
    for scale, unit in zip((1e9, 1e6, 1e3), units, strict=False):
        if value >= scale:
            return f"{value / scale:.3g}{unit}"
    return f"{value:.3g}{units[3]}"
