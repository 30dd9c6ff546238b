"""The training loop. Needs torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from ..targets import is_norm, reached
from ..types import unsuitable
from .data import batches, loss_of

if TYPE_CHECKING:
    from ..types import Batches, Context, Patterns


class Training(Protocol):
    """What the loop reads of an operation that trains."""

    @property
    def name(self) -> str:
        """As people read it."""

    @property
    def epochs(self) -> int:
        """How often the data is gone through."""

    @property
    def learning_rate(self) -> float:
        """Of the first step."""

    @property
    def momentum(self) -> float:
        """Of the optimizer; of Adam, the first of its two."""

    @property
    def weight_decay(self) -> float:
        """Of weights of two and more dimensions outside norms."""

    @property
    def optimizer(self) -> str:
        """``sgd`` or ``adam``."""

    @property
    def schedule(self) -> str:
        """``constant`` or ``cosine``."""

    @property
    def keep_zeros(self) -> bool:
        """Whether weights that are zero stay zero."""


def fit(model: nn.Module, settings: Training, *, context: Context) -> nn.Module:
    """Train ``model`` in place and return it, with no gradients left on it.

    Args:
        model: what to train; only parameters that require gradients change.
        settings: the optimizer and its schedule.
        context: data, loss and progress.

    Raises:
        InvalidValue: ``operation.not_applicable`` when nothing is trainable, ``train.diverged`` when the loss is no
            longer finite, ``data.forward`` when the model cannot be run on a batch.
    """
    optimizer = _optimizer(settings, model)
    zeros = list(_zeros(model)) if settings.keep_zeros else []
    steps = settings.epochs * _length(context.data)
    model.train()
    step = 0
    with _dense_gradients(model):
        for epoch in range(settings.epochs):
            for batch in batches(model, context.data):
                for group in optimizer.param_groups:
                    group["lr"] = settings.learning_rate * _decline(settings.schedule, step / steps)
                loss = loss_of(model, batch, loss=context.loss, operation=settings.name)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                for parameter, mask in zeros:
                    parameter.data.masked_fill_(mask, 0)
                step += 1
                context.progress(step / steps, f"epoch {epoch + 1} of {settings.epochs}, loss {loss.item():.4g}")
    optimizer.zero_grad()
    return model


@contextmanager
def _dense_gradients(model: nn.Module) -> Iterator[None]:
    """Let embeddings that give sparse gradients give dense ones: few computations and optimizers take sparse ones."""
    sparse = [each for each in model.modules() if isinstance(each, nn.Embedding | nn.EmbeddingBag) and each.sparse]
    for each in sparse:
        each.sparse = False
    try:
        yield
    finally:
        for each in sparse:
            each.sparse = True


@contextmanager
def training_only(operation: str, model: nn.Module, *, targets: Patterns) -> Iterator[None]:
    """Let only parameters that patterns reach require gradients, norms and biases included; no patterns: as they are.

    Raises:
        InvalidValue: ``targets.no_match`` naming the pattern.
    """
    wanted = {id(w.parameter) for pattern in targets for w in reached(operation, model, pattern=pattern)[0]}
    held = [p for p in model.parameters() if targets and p.requires_grad and id(p) not in wanted]
    for parameter in held:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in held:
            parameter.requires_grad_(True)


def _decline(schedule: str, share: float) -> float:
    return 1.0 if schedule == "constant" else (1 + math.cos(math.pi * min(share, 1))) / 2


def _optimizer(settings: Training, model: nn.Module) -> torch.optim.Optimizer:
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        hint = "Call model.requires_grad_(True) first, or on the part to train."
        raise unsuitable(settings.name, "no parameter of the model requires gradients.", hint=hint)
    plain = {id(parameter) for parameter, _ in _weights(model)}
    groups = [
        {"params": [p for p in trainable if id(p) in plain], "weight_decay": settings.weight_decay},
        {"params": [p for p in trainable if id(p) not in plain], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if settings.optimizer == "adam":
        return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(settings.momentum, 0.999))
    nesterov = settings.momentum > 0
    return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum, nesterov=nesterov)


def _weights(model: nn.Module) -> Iterator[tuple[nn.Parameter, nn.Module]]:
    """Parameters of two or more dimensions outside norm layers."""
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            if parameter.ndim >= 2 and not is_norm(module):
                yield parameter, module


def _zeros(model: nn.Module) -> Iterator[tuple[nn.Parameter, Tensor]]:
    """Weights with the mask of their zeros. A tensor of nothing but zeros is one that has not been trained yet."""
    for parameter, _ in _weights(model):
        mask = parameter.detach() == 0
        if bool(mask.any()) and not bool(mask.all()):
            yield parameter, mask


def _length(data: Batches) -> int:
    try:
        return len(data)  # type: ignore[arg-type]
    except TypeError:
        with torch.random.fork_rng(devices=[]):
            return sum(1 for _ in data)
