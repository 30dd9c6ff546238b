from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from compress_compare.operations.pfa.spectrum import (
    divergence,
    energy,
    inactive,
    kept_by_energy,
    kept_by_entropy,
    spectrum,
)


def falling(width: int) -> np.ndarray:
    return 0.9 ** np.arange(width)


@pytest.mark.parametrize(("width", "kept"), [(16, 16), (64, 50), (512, 267)])
def test_entropy_of_a_falling_spectrum(width: int, kept: int) -> None:
    assert kept_by_entropy(falling(width)) == kept


@pytest.mark.parametrize(("share", "kept"), [(0.8, 16), (0.9, 22), (0.95, 29), (0.99, 43)])
def test_energy_of_a_falling_spectrum(share: float, kept: int) -> None:
    assert kept_by_energy(falling(64), share) == kept


@pytest.mark.parametrize("width", [1, 2, 7, 64, 1000])
def test_a_flat_spectrum_keeps_all_and_rank_one_keeps_one(width: int) -> None:
    one = np.eye(width)[0]
    assert kept_by_entropy(np.ones(width)) == kept_by_energy(np.ones(width), 1.0) == width
    assert kept_by_entropy(one) == kept_by_energy(one, 0.99) == 1
    assert divergence(np.ones(width)) == pytest.approx(0, abs=1e-12)
    assert divergence(one) == pytest.approx(math.log(width))


@pytest.mark.parametrize("width", [1, 16])
def test_a_dead_layer_is_not_flat(width: int) -> None:
    dead = spectrum(np.zeros((width, width)))
    assert kept_by_entropy(dead) == kept_by_energy(dead, 0.9) == kept_by_energy(dead, 1.0) == 1
    assert inactive(np.zeros((width, width))).all()


def test_units_that_hardly_vary_are_inactive() -> None:
    assert inactive(np.diag([4.0, 4.1e-8, 3.9e-8, 0.0])).tolist() == [False, False, True, True]


@given(matrix=arrays(np.float64, (12, 5), elements=st.floats(-10, 10)), seed=st.integers(0, 999))
def test_rotation_changes_no_spectrum(matrix: np.ndarray, seed: int) -> None:
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(5, 5)))[0]
    covariance = np.cov(matrix.T)
    found, turned = spectrum(covariance), spectrum(rotation @ covariance @ rotation.T)
    np.testing.assert_allclose(turned, found, atol=1e-9 * max(found[0], 1))
    assert (found >= 0).all() and (np.diff(found) <= 0).all()
    assert found.sum() == pytest.approx(np.trace(covariance), rel=1e-9, abs=1e-12)


values = arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1e6))


@given(values=values, one=st.floats(0, 1), other=st.floats(0, 1))
def test_more_energy_never_keeps_fewer(values: np.ndarray, one: float, other: float) -> None:
    ordered, low, high = np.sort(values)[::-1], min(one, other), max(one, other)
    assert 1 <= kept_by_energy(ordered, low) <= kept_by_energy(ordered, high) <= len(ordered)


@given(values=values, share=st.floats(0.01, 1))
def test_what_is_kept_holds_the_share_and_one_less_does_not(values: np.ndarray, share: float) -> None:
    ordered = np.sort(values)[::-1]
    count = kept_by_energy(ordered, share)
    assert energy(ordered, count) >= share - 1e-8
    assert count == 1 or energy(ordered, count - 1) < share


@given(values=values)
def test_entropy_is_that_of_the_definition(values: np.ndarray) -> None:
    ordered = np.sort(values)[::-1]
    assert 1 <= kept_by_entropy(ordered) <= len(ordered)
    if ordered.sum() > 0 and len(ordered) > 1:
        shares = ordered / ordered.sum()
        entropy = -sum(share * math.log(share) for share in shares if share > 0)
        assert divergence(ordered) == pytest.approx(math.log(len(ordered)) - entropy, abs=1e-9)


def test_entropy_scales_with_neither_units_nor_scale() -> None:
    assert kept_by_entropy(falling(64) * 1e-12) == kept_by_entropy(falling(64)) == 50
