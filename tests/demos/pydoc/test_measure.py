import math

import numpy as np
import pytest
import torch
from scipy.special import rel_entr
from torch import nn

from compress_compare.demos.pydoc import measure


def reading(seed):
    logits = np.random.default_rng(seed).normal(size=(5, 7, 11))
    logs = torch.from_numpy(logits).log_softmax(-1).numpy()
    return measure.Reading(logs, -logs[:, :, 3])


class Fixed(nn.Module):
    """The same logits after every piece."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, text):
        return self.logits.expand(*text.shape, -1)


def test_losses_are_those_of_the_pieces_that_stand_there():
    found = measure.read(Fixed([0.0, math.log(3)]), torch.tensor([[0, 1, 0], [1, 1, 1]]))
    assert found.losses == pytest.approx(-np.log([[0.75, 0.25], [0.75, 0.75]]), rel=1e-6)


def test_divergence_is_the_relative_entropy():
    base, model = reading(0), reading(1)
    expected = rel_entr(np.exp(base.log_probabilities), np.exp(model.log_probabilities)).sum(2)
    assert measure.divergence(base, model) == pytest.approx(expected)
    assert measure.divergence(base, base).max() == 0
    assert measure.agreement(base, base).all()


def test_bits_and_perplexity_of_a_fair_coin():
    losses = np.full((4, 8), math.log(2))
    bits = measure.bits_per_byte(losses, np.full(4, 16.0))
    assert (bits.value, bits.count, bits.standard_error) == (pytest.approx(0.5), 4, pytest.approx(0))
    assert measure.perplexity(losses).value == pytest.approx(2)


def test_the_standard_error_of_bits_per_byte_is_that_of_drawing_texts():
    random = np.random.default_rng(0)
    losses, sizes = random.gamma(2, size=(200, 8)), random.integers(10, 30, 200).astype(float)
    drawn = random.integers(0, 200, (4000, 200))
    values = losses.sum(1)[drawn].sum(1) / sizes[drawn].sum(1) / math.log(2)
    assert measure.bits_per_byte(losses, sizes).standard_error == pytest.approx(values.std(), rel=0.1)


def test_texts_without_a_value_are_left_out_of_a_mean():
    assert measure.mean_of(np.array([1.0, math.nan, 3.0])).value == 2
    assert math.isnan(measure.mean_of(np.array([math.nan])).value)


def test_known_words_and_repetition_by_hand():
    assert measure.known_words("The spam of statemant", frozenset({"the", "spam"})) == pytest.approx(2 / 3)
    assert math.isnan(measure.known_words("of )( x", frozenset()))
    assert measure.repetition("the list the list the list") == pytest.approx(3 / 5)
    assert measure.repetition("once") == 0
