"""Distillation: a model learns from the probabilities that a teacher gives, besides the labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..errors import InvalidValue
from .base import BaseOperation, function, operation
from .types import Context, DataRequirement, Loss, Seed

if TYPE_CHECKING:
    from torch import Tensor, nn


@operation
class Distill(BaseOperation):
    """Train a model to answer as the reference model `teacher` does; weights that were pruned stay zero.

    The loss is alpha · temperature² · KL(teacher ‖ model) + (1 − alpha) · the loss on the labels.

    Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network. 2015, arXiv 1503.02531.
    """

    name: ClassVar[str] = "distill"
    main: ClassVar[tuple[str, ...]] = ("epochs", "temperature", "alpha")
    data_requirement: ClassVar[DataRequirement] = "finetune"
    roles: ClassVar[tuple[str, ...]] = ("teacher",)
    lowers: ClassVar[Literal["training loss"]] = "training loss"

    epochs: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Passes over the data."""
    temperature: Annotated[float, Field(gt=0, le=1000)] = 4.0
    """Both models' logits are divided by it, so that unlikely classes count too."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Weight of the teacher's answers; the rest is that of the loss on the labels."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.01
    """Step size, at its highest."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """Stochastic gradient descent with Nesterov momentum, or Adam with decoupled weight decay."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of sgd, or the first decay rate of adam."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Decay of weights of two or more dimensions; norms and biases never decay."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Learning rate over time: falling to zero along half a cosine, or constant."""
    keep_zeros: bool = True
    """Weights of two or more dimensions that are exactly zero stay zero, so that pruning lasts."""
    seed: Seed = 0
    """Seed of everything random in the model and in a shuffling data loader."""

    def apply(self, model: nn.Module, context: Context, /) -> nn.Module:
        """Train on alpha · temperature² · KL(teacher‖model) + (1 − alpha) · loss; the teacher is in evaluation mode.

        Raises:
            InvalidValue: ``data.forward`` when the teacher cannot be run on a batch or answers in another shape.
        """
        import copy

        from .parts.fit import fit

        teacher = copy.deepcopy(context.references["teacher"]).eval()
        taught = _Taught(teacher, context, self.name)
        return fit(model, self, context=replace(context, data=taught, loss=self.loss(context.loss)))

    def loss(self, hard: Loss) -> Loss:
        """(outputs, (targets, the teacher's logits)) → the loss of Hinton et al., with ``hard`` for the targets.

        Places whose target is −100 count in neither part.
        """

        def loss(outputs: Any, targets: tuple[Any, Tensor]) -> Tensor:
            from torch.nn import functional as F

            from .parts.data import IGNORED, logits_of

            labels, wanted = targets
            logits = logits_of(outputs)
            if logits.shape != wanted.shape:
                raise ValueError(f"the teacher answers {list(wanted.shape)}, the model {list(logits.shape)}")
            axis = 1 if logits.ndim == 4 else -1
            ours = F.log_softmax(logits / self.temperature, axis)
            theirs = F.log_softmax(wanted / self.temperature, axis)
            each = F.kl_div(ours, theirs, log_target=True, reduction="none").sum(axis)
            counted = labels != IGNORED if getattr(labels, "shape", None) == each.shape else None
            divergence = each.mean() if counted is None else each[counted].mean()
            return self.alpha * self.temperature**2 * divergence + (1 - self.alpha) * hard(outputs, labels)

        return loss


distill = function(Distill)


@dataclass(frozen=True)
class _Taught:
    """Batches with the teacher's logits beside their targets; each batch is drawn once and answered as it is drawn."""

    teacher: nn.Module
    context: Context
    operation: str

    def __iter__(self) -> Iterator[tuple[Any, tuple[Any, Tensor]]]:
        import torch

        from .parts.data import batches, cross_entropy, forward, without_padding

        for inputs, targets in batches(self.teacher, self.context.data):
            if self.context.loss is cross_entropy:
                targets = without_padding(inputs, targets)
            with torch.no_grad():
                outputs = forward(self.teacher, inputs, operation=self.operation)
            yield inputs, (targets, self.logits(outputs))

    def logits(self, outputs: Any) -> Tensor:
        """The logits in what the teacher answers.

        Raises:
            InvalidValue: ``data.forward`` when there are none.
        """
        from .parts.data import logits_of

        try:
            return logits_of(outputs)
        except TypeError as error:
            title = f"{self.operation}: the teacher gives nothing to learn from."
            raise InvalidValue("data.forward", title, detail=f"{error}.") from error

    def __len__(self) -> int:
        return len(self.context.data)  # type: ignore[arg-type]
