"""Compression operations: functions on PyTorch modules, usable without a project.

``magnitude_prune(model, amount=0.5)`` is ``MagnitudePrune(amount=0.5)(model)``. Importing this package does not
import torch. The imports of an operation's class and of its function form are all that registers it.
"""

from .. import records
from ..schemes import channels as kept  # noqa: F401
from ..schemes import scheme as scheme
from . import registry
from .awq_quantize import AWQQuantize as AWQQuantize, awq_quantize as awq_quantize
from .base import BaseOperation as BaseOperation, function as function, operation as operation
from .calibrate import Calibrate as Calibrate, calibrate as calibrate
from .channel_prune import ChannelPrune as ChannelPrune, channel_prune as channel_prune
from .distill import Distill as Distill, distill as distill
from .dkm_palettize import DKMPalettize as DKMPalettize, dkm_palettize as dkm_palettize
from .finetune import Finetune as Finetune, finetune as finetune
from .gptq_quantize import GPTQQuantize as GPTQQuantize, gptq_quantize as gptq_quantize
from .gradient_prune import GradientPrune as GradientPrune, gradient_prune as gradient_prune
from .iterative_prune import IterativePrune as IterativePrune, iterative_prune as iterative_prune
from .low_rank import LowRank as LowRank, low_rank as low_rank
from .magnitude_prune import MagnitudePrune as MagnitudePrune, magnitude_prune as magnitude_prune
from .merge_batchnorm import MergeBatchnorm as MergeBatchnorm, merge_batchnorm as merge_batchnorm
from .movement_prune import MovementPrune as MovementPrune, movement_prune as movement_prune
from .nm_prune import NMPrune as NMPrune, nm_prune as nm_prune
from .palettize import Palettize as Palettize, palettize as palettize
from .pfa_prune import PFAPrune as PFAPrune, pfa_prune as pfa_prune
from .qat import QAT as QAT, qat as qat
from .quantize import Quantize as Quantize, quantize as quantize
from .quantize_dynamic import QuantizeDynamic as QuantizeDynamic, quantize_dynamic as quantize_dynamic
from .quantize_static import QuantizeStatic as QuantizeStatic, quantize_static as quantize_static
from .random_prune import RandomPrune as RandomPrune, random_prune as random_prune
from .restore import Restore as Restore, restore as restore
from .train import Train as Train, train as train
from .types import Context as Context

OPERATIONS: dict[str, type[BaseOperation]] = registry.imported(globals())
"""Every operation of this package by name. Other packages add theirs as entry points: see ``available``."""


def available() -> dict[str, type[BaseOperation]]:
    """Return name → class of every operation, those from entry points in ``compress_compare.operations`` included."""
    return registry.table(OPERATIONS)


def get(name: str) -> type[BaseOperation]:
    """Return the class of an operation by its name, with spaces or underscores.

    Raises:
        NotFound: ``operation.unknown``, with the nearest name.
    """
    return registry.lookup(name, available())


def from_record(record: records.Operation) -> BaseOperation:
    """Return the operation that a record describes, so that ``from_record(op.record()) == op``.

    Raises:
        NotFound: ``operation.unknown``.
        InvalidValue: ``parameter.*``.
    """
    return registry.from_record(record, available())
