"""The device that work is done on, by its name: a processor, a graphics card, what the machine has. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ...errors import InvalidValue

AUTO = "auto"


def find_device(name: str | None) -> torch.device | None:
    """Return the device of a name: ``auto`` is the machine's accelerator or else its processor; none is ``None``.

    Raises:
        InvalidValue: ``device.unknown`` for a name that torch does not have or a device that this machine lacks.
    """
    if name is None:
        return None
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if name == AUTO:
        return accelerator or torch.device("cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = None
    count = torch.accelerator.device_count() if accelerator is not None else 0
    kinds = ["cpu", *([accelerator.type] if accelerator is not None else [])]
    if device is None or device.type not in kinds or (device.type != "cpu" and (device.index or 0) >= count):
        title = f"There is no device {name[:40]!r} on this machine."
        raise InvalidValue("device.unknown", title, hint=f"Use auto, or a device of {' or '.join(kinds)}.")
    return device


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the first tensor of a model; the processor for one without tensors."""
    return next((tensor.device for tensor in (*model.parameters(), *model.buffers())), torch.device("cpu"))


@contextmanager
def placed(model: nn.Module, name: str | None) -> Iterator[torch.device]:
    """Move a model to a device and give the device; afterwards the model is where it was.

    Args:
        model: on one device.
        name: ``auto``, the name of a device, or none for where the model is.

    Raises:
        InvalidValue: ``device.unknown``.
    """
    home = device_of(model)
    device = find_device(name) or home
    try:
        model.to(device)
        yield device
    finally:
        model.to(home)
