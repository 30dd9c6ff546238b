from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from compress_compare.evaluation.evaluators.speech import Speech

SAID = ["the cat sat on the mat", "hello world", "yes"]
HEARD = ["the cat sat on mat", "hello there world", "no"]


class Listener(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def test_the_word_error_rate_is_that_of_jiwer() -> None:
    jiwer = pytest.importorskip("jiwer")
    batches = [torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0]])]
    speech = Speech(batches, SAID, lambda model, x: [HEARD[int(number)] for number in model(x)[:, 0]])
    answers = speech.answer(Listener())
    assert answers["texts"] == HEARD and answers["metrics"]["word errors"] == [1, 1, 1]
    measured = speech.measure(Listener())["Word Error Rate"]
    assert measured.value == pytest.approx(jiwer.wer(SAID, HEARD)) == pytest.approx(3 / 9) and measured.count == 9
