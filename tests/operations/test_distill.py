from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import Distill, distill
from compress_compare.operations.parts.data import cross_entropy

from .networks import build


@pytest.mark.parametrize("shape", [(5, 4), (3, 6, 4)])
def test_the_loss_is_that_of_the_paper(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    student, teacher = torch.randn(shape), torch.randn(shape)
    labels = torch.randint(0, 4, shape[:-1])
    found = Distill(temperature=3, alpha=0.7).loss(cross_entropy)(student, (labels, teacher))
    ours, theirs = (log_softmax(t.double().numpy().reshape(-1, 4) / 3, axis=1) for t in (student, teacher))
    divergence = (np.exp(theirs) * (theirs - ours)).sum(1).mean()
    hard = -log_softmax(student.double().numpy().reshape(-1, 4), axis=1)[range(labels.numel()), labels.flatten()].mean()
    assert found.item() == pytest.approx(0.7 * 9 * divergence + 0.3 * hard, rel=1e-5)


def test_the_student_comes_nearer_to_its_teacher() -> None:
    model, data = build("one layer")
    torch.manual_seed(5)
    teacher = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.5), nn.Linear(16, 4)).train()
    before = [p.clone() for p in teacher.parameters()]
    child = distill(model, epochs=100, alpha=1.0, learning_rate=0.1, data=data, teacher=teacher)
    teaching = nn.Sequential(teacher[0], teacher[2])

    def agreement(student: nn.Module) -> float:
        pairs = [(student(x).argmax(1), teaching(x).argmax(1)) for x, _ in data]
        return float(torch.cat([a == b for a, b in pairs]).float().mean())

    assert agreement(child) > 0.9 > agreement(model)
    assert teacher.training and all(torch.equal(a, b) for a, b in zip(before, teacher.parameters(), strict=True))


def test_without_the_teacher_it_is_finetuning() -> None:
    from compress_compare.operations import finetune

    model, data = build("convolutional")
    teacher = build("convolutional")[0]
    plain, taught = finetune(model, data=data), distill(model, alpha=0.0, data=data, teacher=teacher)
    for first, second in zip(plain.parameters(), taught.parameters(), strict=True):
        torch.testing.assert_close(first, second)


def test_a_teacher_is_needed_and_has_to_fit() -> None:
    model, data = build("one layer")
    with pytest.raises(InvalidValue, match="teacher") as caught:
        distill(model, data=data)
    assert caught.value.code == "reference.missing"
    with pytest.raises(InvalidValue, match="cannot be computed") as caught:
        distill(model, data=data, teacher=nn.Linear(8, 7))
    assert "teacher answers [8, 7], the model [8, 4]" in caught.value.detail
    with pytest.raises(InvalidValue, match="distill: the model cannot be run"):
        distill(model, data=data, teacher=nn.Linear(3, 4))
