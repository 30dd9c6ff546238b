"""Quantities are read as people write them, and written as the page writes them."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.quantities.reading import quantity
from compress_compare.analysis.quantities.writing import fixed, plain, written, written_difference
from compress_compare.errors import InvalidValue
from compress_compare.evaluation import metrics
from compress_compare.records import Metric


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("4 kB", "B", 4000),
        ("4KiB", "B", 4096),
        ("300 KB", "B", 300_000),
        ("1.5 GB", "B", 1.5e9),
        ("4k", "B", 4000),
        ("512", "B", 512),
        (512, "B", 512),
        ("5 ms", "s", 0.005),
        ("38 µs", "s", 38e-6),
        ("38us", "s", 38e-6),
        ("2 min", "s", 120),
        ("2 %", "", 0.02),
        ("2%", "", 0.02),
        ("1.5 pp", "", 0.015),
        ("0.02", "", 0.02),
        ("-0.5", "", -0.5),
        ("−0.5", "", -0.5),
        ("1.2M", "", 1.2e6),
        ("115,840", "", 115_840),
        ("1e-3", "s", 0.001),
        (".5", "", 0.5),
        ("3 nat", "nat", 3),
    ],
)
def test_reads(text: str, unit: str, expected: float) -> None:
    assert quantity(text, unit=unit) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("4 kB", "s"), ("5 ms", "B"), ("2 %", "B"), ("four", ""), ("", ""), ("4 furlongs", ""), ("1 2", ""),
        (True, ""), (math.nan, ""), ("1e999", ""), (None, ""), ("__import__('os')", ""),
    ],
)  # fmt: skip
def test_refuses(text: object, unit: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        quantity(text, unit=unit)  # type: ignore[arg-type]
    assert caught.value.code == "value.quantity"


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        (metrics.TOP1_ACCURACY, 0.9163, "91.6%"),
        (metrics.PACKED_SIZE, 146_812.0, "147 kB"),
        (metrics.PACKED_SIZE, 999.0, "999 B"),
        (metrics.PACKED_SIZE, 999_600.0, "1 MB"),
        (metrics.PACKED_SIZE, 0.0, "0 B"),
        (metrics.PARAMETERS, 25_600_000.0, "25,600,000"),
        (metrics.MACS, 115_840.0, "116 k"),
        (metrics.LATENCY, 0.000381, "381 µs"),
        (metrics.LATENCY, 1.5, "1.5 s"),
        (metrics.NEGATIVE_LOG_LIKELIHOOD, 0.12345, "0.123 nat"),
        (Metric("F1", min=0, max=1), 0.91234, "91.2%"),
        (Metric("Energy", unit="J"), 1234.0, "1.23 kJ"),
        (Metric("BLEU"), 31.4159, "31.4"),
        (Metric("BLEU"), -31.4159, "−31.4"),
        (Metric("Ratio", format=".2~f"), 1.50, "1.5"),
        (Metric("Tiny"), 0.0000123, "1.23e-05"),
        (Metric("Signed", format="+.1f"), 2.0, "+2.0"),
        (Metric("Scientific", format=".2e"), 146_812.0, "1.47e+05"),
        (Metric("Share", format="p"), 1 / 3, "33.3333333333%"),
        (Metric("Share", format=".3p"), 1 / 3, "33.3%"),
        (Metric("Share", format="%"), 1 / 3, "33.333333%"),
        (Metric("Share", format=".0%"), 1 / 3, "33%"),
        (Metric("Share", format=".3~%"), 0.5, "50%"),
        (metrics.LATENCY, math.inf, "∞"),
        (metrics.TOP1_ACCURACY, None, "–"),
        (metrics.TOP1_ACCURACY, math.nan, "NaN"),
        (metrics.LATENCY, -math.inf, "−∞"),
    ],
)
def test_writes(metric: Metric, value: float | None, expected: str) -> None:
    assert written(value, metric) == expected


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        (metrics.TOP1_ACCURACY, -0.0204, "−2.0 pp"),
        (metrics.TOP1_ACCURACY, 0.0, "0.0 pp"),
        (metrics.PACKED_SIZE, 1500.0, "+1.5 kB"),
        (metrics.PACKED_SIZE, None, "–"),
    ],
)
def test_writes_differences(metric: Metric, value: float | None, expected: str) -> None:
    assert written_difference(value, metric) == expected


@pytest.mark.parametrize(
    ("value", "decimals", "trim", "expected"),
    [
        (-0.001, 2, False, "0.00"), (-0.001, 2, True, "0"), (-0.004, 2, False, "0.00"), (-0.0, 1, False, "0.0"),
        (-0.006, 2, False, "−0.01"), (-1, 0, False, "−1"), (-11, 0, False, "−11"), (-10, 0, True, "−10"),
        (-0.5, 3, True, "−0.5"), (-1234.5, 1, False, "−1,234.5"), (1234567.0, 0, True, "1,234,567"),
        (100.0, 2, True, "100"), (0.10, 2, True, "0.1"), (-9e-21, 30, False, f"−0.{19 * '0'}1"),
    ],
)  # fmt: skip
def test_what_rounds_to_zero_has_no_sign_and_trailing_zeros_go_where_asked(
    value: float, decimals: int, trim: bool, expected: str
) -> None:
    assert fixed(value, decimals, trim=trim) == expected


@given(st.decimals(-10_000, 10_000, places=4), st.integers(0, 4))
def test_fixed_decimals_are_those_of_exact_arithmetic(number: Decimal, decimals: int) -> None:
    rounded = Decimal(float(number)).quantize(Decimal(1).scaleb(-decimals))
    expected = f"{rounded:,f}".replace("-", "" if rounded == 0 else "−")
    assert fixed(float(number), decimals) == expected


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0.0001, "0.0001"), (0.00009999, "0.0001"), (0.0000999, "9.99e-05"), (0.00012345, "0.000123"),
        (0.9999, "1"), (12.345, "12.3"), (999.4, "999"), (1000.4, "1,000"), (123456.0, "123,456"),
        (1e15 - 1, "999,999,999,999,999"), (1e15, "1e+15"), (1.23456e20, "1.23e+20"),
    ],
)  # fmt: skip
def test_three_digits_of_a_number_of_any_size(size: float, expected: str, sign: int) -> None:
    assert plain(sign * size) == f"{'−' if sign < 0 else ''}{expected}"


@pytest.mark.parametrize(
    ("value", "format", "unit", "expected"),
    [
        (1_234_567.0, ",", "", "1,234,567"),
        (0.123456, ".3", "", "0.123"),
        (0.5, "+.2f", "", "+0.50"),
        (0.0, "+.2f", "", "0.00"),
        (-0.5, "+.2f", "", "−0.50"),
        (1e-12, "", "s", "0.001 ns"),
        (2.5e-9, "", "s", "2.5 ns"),
        (999_500.0, "", "B", "1 MB"),
        (999_499.0, "", "B", "999 kB"),
        (999.0, "", "B", "999 B"),
        (999_500_000.0, "", "B", "1 GB"),
    ],
)
def test_numbers_at_the_edges_of_formats_and_prefixes(value: float, format: str, unit: str, expected: str) -> None:
    assert written(value, Metric("m", format=format, unit=unit)) == expected
