"""Tensors stay as they are until their half of the memory is begun again."""

from __future__ import annotations

import torch

from compress_compare.on_disk.halves import Halves, room


def into(memory: Halves, values: torch.Tensor) -> torch.Tensor:
    place = memory.take(values.nbytes).view(values.dtype).view(values.shape)
    return place.copy_(values)


def test_tensors_stay_while_the_other_half_is_filled() -> None:
    memory = Halves(room(24) + room(3))
    first = into(memory, torch.arange(6, dtype=torch.float32).reshape(2, 3))
    second = into(memory, torch.tensor([1, 2, 3], dtype=torch.uint8))
    assert not memory.fits(1)
    memory.turn()
    assert memory.fits(memory.num_bytes)
    other = into(memory, torch.full((4,), 7.0, dtype=torch.bfloat16))
    assert (first.tolist(), second.tolist(), other.tolist()) == ([[0, 1, 2], [3, 4, 5]], [1, 2, 3], [7] * 4)
    memory.turn()
    assert into(memory, torch.zeros(2, 3)).data_ptr() == first.data_ptr()


def test_a_copy_may_be_changed() -> None:
    given = torch.ones(3)
    copy = into(Halves(1024), given)
    copy.mul_(2)
    assert (given.tolist(), copy.tolist()) == ([1, 1, 1], [2, 2, 2])


def test_tensors_stand_on_boundaries() -> None:
    assert [room(size) for size in (0, 1, 4096, 4097)] == [0, 4096, 4096, 8192]
