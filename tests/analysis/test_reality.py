"""Each cause is decided by the numbers that its sentence names, and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compress_compare.analysis.reality import Facts, Run, Timing, bits, factor, seconds, size, times, verdict

CPU = "cpu (PyTorch 2.13.0, 1 thread, batch 1, warm-up 5, runs 50)"
ORT = "cpu (ONNX Runtime 1.32.0, 1 thread, batch 1, warm-up 5, runs 50)"


def run(milliseconds: float, integers: float = 0.0, device: str = CPU) -> Run:
    return Run(Timing(milliseconds / 1e3, milliseconds / 1e4, device), integers, 4)


ROOT = Facts(
    sparsity=0.0,
    bits=32,
    file_bits=32,
    stored=400_000,
    gzip=370_000,
    packed=400_000,
    macs=5e9,
    torch=run(10),
    onnx=run(4, device=ORT),
)
MASKED = replace(ROOT, sparsity=0.9, pruned=True, gzip=60_000, packed=52_500)
CODES = replace(ROOT, bits=4, packed=52_000, gzip=100_000)
INT8 = replace(
    ROOT, bits=8, file_bits=8, stored=101_000, packed=100_500, torch=run(30), onnx=run(1.5, integers=1.0, device=ORT)
)
NARROW = replace(ROOT, stored=110_000, packed=110_000, macs=1.25e9, torch=run(2.6), onnx=run(1.1, device=ORT))


@pytest.mark.parametrize(
    ("model", "causes"),
    [
        (ROOT, None),
        (MASKED, {"zeros_stored", "no_sparse_kernel"}),
        (CODES, {"codes_stored_as_floats", "dequantized_at_load"}),
        (INT8, {"dequantized_at_run"}),
        (replace(INT8, torch=run(3, integers=1.0)), set()),
        (replace(INT8, torch=Run(), onnx=run(1.5, 0.75, ORT)), {"operator_fell_back"}),
        (replace(INT8, torch=Run(), onnx=run(6, 1.0, ORT)), {"conversions_cost_more"}),
        (NARROW, set()),
        (replace(NARROW, torch=run(8)), {"not_bound_by_products"}),
        (replace(NARROW, torch=run(8), macs=50_000), {"calls_dominate"}),
        (replace(INT8, torch=Run(), dense=("embed.weight", 0.8), embedding=True), {"embedding_dominates"}),
        (replace(INT8, torch=Run(), dense=("head.weight", 0.8)), {"dense_rest_dominates"}),
        (replace(INT8, torch=Run(), dense=("head.weight", 0.3)), {"dense_rest_dominates"}),
        (replace(INT8, torch=run(3, integers=1.0), dense=("head.weight", 0.29)), set()),
        (replace(INT8, torch=run(3, 1.0, device="cuda")), {"other_device"}),
    ],
)
def test_causes(model: Facts, causes: set[str] | None) -> None:
    found = verdict(model, ROOT)
    assert set(found.causes) == (causes or set())
    assert found.agrees == (None if causes is None else not causes)


def test_the_sentences_name_the_numbers() -> None:
    reason = verdict(MASKED, ROOT).reason
    assert "90% of the weights are zero" in reason
    assert "the file takes 400 kB (as large as its root's), 60 kB gzipped, and would take 52.5 kB packed" in reason
    assert "in PyTorch and ONNX Runtime, so every zero is multiplied, 5 G multiply-accumulates" in reason
    assert "10 ms against 10 ms and 4 ms against 4 ms of its root" in reason
    assert "(0 of 4 on integers)" in verdict(CODES, ROOT).reason
    assert "fell back to floating point for 1 of 4" in verdict(replace(INT8, onnx=run(1, 0.75, ORT)), ROOT).reason
    assert "embed.weight was not compressed and takes 80% of the packed bytes" in (
        verdict(replace(INT8, dense=("embed.weight", 0.8), embedding=True), ROOT).reason
    )


def test_where_it_is_as_claimed_is_said_too() -> None:
    assert verdict(INT8, ROOT).reason.endswith("It is 2.7× faster in ONNX Runtime: 1.5 ms against 4 ms.")


def test_what_was_not_measured_decides_nothing() -> None:
    bare = Facts(sparsity=0.9, pruned=True)
    found = verdict(bare, Facts(sparsity=0.0))
    assert (found.agrees, found.causes) == (None, ())
    assert "Nothing was measured" in found.reason
    assert verdict(Facts(), Facts()).agrees is None


def test_without_weights_and_numbers_it_is_not_said_that_nothing_is_claimed() -> None:
    assert verdict(Facts(stored=100), Facts(stored=100)).reason.startswith("The claim is unknown")
    assert verdict(Facts(sparsity=0.0, bits=32), Facts(sparsity=0.0, bits=32)).reason.startswith("Nothing is claimed")


def test_zeros_that_a_grid_makes_by_itself_claim_nothing() -> None:
    coarse = replace(CODES, sparsity=0.8, torch=Run(), onnx=Run())
    assert "zero" not in verdict(coarse, ROOT).reason


def test_zeros_of_a_checkpoint_without_a_scheme_are_a_claim() -> None:
    assert "zeros_stored" in verdict(replace(MASKED, pruned=False), ROOT).causes


def test_numbers_are_written_as_people_write_them() -> None:
    assert [size(number) for number in (12, 17_900, 2.5e6, 3.1e9)] == ["12 B", "17.9 kB", "2.5 MB", "3.1 GB"]
    assert [seconds(number) for number in (2, 0.0123, 38e-6)] == ["2 s", "12.3 ms", "38 µs"]
    assert [bits(number) for number in (1, 4, 5.25)] == ["1 bit", "4 bits", "5.25 bits"]
    assert [times(number) for number in (1.02, 4, 0.5)] == ["as large as", "4× smaller than", "2× larger than"]


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_what_was_measured_is_said_of_each_runtime_that_has_both_times(runtime: str) -> None:
    model, root = (replace(one, torch=Run(), onnx=Run()) for one in (NARROW, ROOT))
    both = verdict(replace(model, **{runtime: run(1)}), replace(root, **{runtime: run(4)}))
    name = {"torch": "PyTorch", "onnx": "ONNX Runtime"}[runtime]
    assert f"1 ms against 4 ms in {name}" in both.reason
    alone = verdict(replace(model, **{runtime: run(1)}), root)
    assert "against" not in alone.reason


def test_weights_without_a_width_in_the_file_are_not_called_floats() -> None:
    assert "codes_stored_as_floats" not in verdict(replace(CODES, file_bits=None), ROOT).causes
    assert "codes_stored_as_floats" in verdict(replace(CODES, file_bits=6), ROOT).causes
    assert "codes_stored_as_floats" not in verdict(replace(CODES, file_bits=5.9), ROOT).causes
    assert "codes_stored_as_floats" not in verdict(replace(CODES, bits=0, file_bits=None), ROOT).causes


def test_how_wide_the_floats_are_that_hold_codes_is_said() -> None:
    for file_bits, said in ((32, "32-bit"), (16.04, "16-bit"), (6.5, "6.5-bit")):
        reason = verdict(replace(CODES, file_bits=file_bits), ROOT).reason
        assert f"Weights are still stored as {said} floats: the file takes 400 kB" in reason


@pytest.mark.parametrize(("before", "after", "is_pruned"), [(0.5, 0.55, False), (0.5, 0.625, True), (None, 0.1, True)])
def test_zeros_that_the_root_has_too_are_not_claimed(before: float | None, after: float, is_pruned: bool) -> None:
    found = verdict(Facts(sparsity=after, pruned=True), Facts(sparsity=before))
    assert ("of the weights are zero" in found.reason) is is_pruned
    assert ("Nothing is claimed" in found.reason) is not is_pruned


@pytest.mark.parametrize(
    ("model", "part"),
    [
        (Facts(bits=24), "24 bits for each weight"),
        (Facts(bits=24.1), None),
        (Facts(macs=94), "1.1× fewer multiply-accumulates"),
        (Facts(macs=95), "1.1× fewer multiply-accumulates"),
        (Facts(macs=96), None),
        (Facts(packed=80), "1.2× fewer bytes"),
        (Facts(packed=81), None),
        (Facts(packed=50, macs=50), "2× fewer multiply-accumulates"),
        (Facts(packed=25, bits=8), "8 bits for each weight"),
        (Facts(packed=0), None),
    ],
)
def test_from_where_on_something_is_claimed(model: Facts, part: str | None) -> None:
    reason = verdict(replace(model, is_said=False), Facts(bits=32, macs=100, packed=100)).reason
    assert reason.startswith("Nothing is claimed" if part is None else f"Found: {part}. Nothing was measured")


@pytest.mark.parametrize(("stored", "is_kept"), [(125, True), (126, False), (100, True)])
def test_a_file_must_keep_four_fifths_of_what_its_scheme_implies(stored: int, is_kept: bool) -> None:
    root = Facts(sparsity=0.0, stored=400, packed=400)
    found = verdict(Facts(sparsity=0.75, stored=stored, packed=100), root)
    assert found.causes == (() if is_kept else ("zeros_stored",)) and found.agrees is is_kept
    if is_kept:
        assert found.reason.endswith(f"Measured: a file of {stored} B ({400 / stored:.2g}× smaller than its root's).")


@pytest.mark.parametrize(
    ("milliseconds", "cause"), [(10, "no_sparse_kernel"), (8.01, "no_sparse_kernel"), (8, None), (7, None)]
)
def test_times_within_a_quarter_are_the_same(milliseconds: float, cause: str | None) -> None:
    model = Facts(sparsity=0.9, torch=run(milliseconds))
    found = verdict(model, Facts(sparsity=0.0, torch=run(10)))
    assert found.causes == (() if cause is None else (cause,))


@pytest.mark.parametrize(
    ("milliseconds", "macs", "cause"),
    [
        (31.25, 25e6, None),
        (31.3, 25e6, "not_bound_by_products"),
        (31.3, 10e6 + 1, "not_bound_by_products"),
        (40, 10e6, "not_bound_by_products"),
        (40, 10e6 - 1, "calls_dominate"),
    ],
)
def test_a_time_must_follow_four_fifths_of_the_work(milliseconds: float, macs: float, cause: str | None) -> None:
    root = Facts(macs=100e6, torch=run(100))
    found = verdict(Facts(macs=macs, torch=run(milliseconds)), root)
    assert found.causes == (() if cause is None else (cause,))


@pytest.mark.parametrize(("integers", "falls"), [(0.0, None), (0.25, 3), (0.75, 1), (1.0, None)])
def test_some_products_on_integers_and_some_not(integers: float, falls: int | None) -> None:
    found = verdict(replace(INT8, torch=Run(), onnx=run(1.5, integers, ORT)), ROOT)
    assert ("operator_fell_back" in found.causes) is (falls is not None)
    if falls is not None:
        assert f"fell back to floating point for {falls} of 4 products." in found.reason


def test_numbers_at_the_edges_of_their_units() -> None:
    assert [size(number) for number in (0, 999, 1000, 999_000, 1e6, 1e9)] == [
        *("0 B", "999 B", "1 kB", "999 kB", "1 MB", "1 GB")
    ]
    assert [seconds(number) for number in (1, 0.999, 1e-3, 0.999e-3)] == ["1 s", "999 ms", "1 ms", "999 µs"]
    assert [bits(number) for number in (0, None, 2)] == ["0 bits", "0 bits", "2 bits"]
    assert [times(number) for number in (1.05, 1.049, 1 / 1.049, 1 / 1.05)] == [
        *("1.1× smaller than", "as large as", "as large as", "1.1× larger than")
    ]
    assert [factor(*pair) for pair in ((6, 3), (0, 3), (6, 0), (None, 3), (6, None))] == [2, None, None, None, None]
