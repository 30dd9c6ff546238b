"""Compression operations: functions on PyTorch modules, usable without a project.

``magnitude_prune(model, amount=0.5)`` is ``MagnitudePrune(amount=0.5)(model)``. Importing this package does not
import torch.
"""

from .. import records
from ..schemes import channels as kept
from ..schemes import scheme
from . import registry
from .awq_quantize import AWQQuantize
from .base import Operation, operation
from .calibrate import Calibrate
from .channel_prune import ChannelPrune
from .distill import Distill
from .dkm_palettize import DKMPalettize
from .finetune import Finetune
from .gptq_quantize import GPTQQuantize
from .gradient_prune import GradientPrune
from .iterative_prune import IterativePrune
from .low_rank import LowRank
from .magnitude_prune import MagnitudePrune
from .merge_batchnorm import MergeBatchnorm
from .movement_prune import MovementPrune
from .nm_prune import NMPrune
from .palettize import Palettize
from .pfa_prune import PFAPrune
from .qat import QAT
from .quantize import Quantize
from .quantize_dynamic import QuantizeDynamic
from .quantize_static import QuantizeStatic
from .random_prune import RandomPrune
from .restore import Restore
from .train import Train
from .types import Context

OPERATIONS: dict[str, type[Operation]] = {
    "train": Train,
    "finetune": Finetune,
    "calibrate": Calibrate,
    "magnitude prune": MagnitudePrune,
    "gradient prune": GradientPrune,
    "random prune": RandomPrune,
    "quantize": Quantize,
    "quantize static": QuantizeStatic,
    "palettize": Palettize,
    "dkm palettize": DKMPalettize,
    "pfa prune": PFAPrune,
    "restore": Restore,
    "nm prune": NMPrune,
    "low rank": LowRank,
    "merge batchnorm": MergeBatchnorm,
    "distill": Distill,
    "channel prune": ChannelPrune,
    "gptq quantize": GPTQQuantize,
    "qat": QAT,
    "movement prune": MovementPrune,
    "iterative prune": IterativePrune,
    "quantize dynamic": QuantizeDynamic,
    "awq quantize": AWQQuantize,
}
"""Every operation of this package by name. Other packages add theirs as entry points: see :func:`available`."""

train = registry.function(Train)
finetune = registry.function(Finetune)
calibrate = registry.function(Calibrate)
magnitude_prune = registry.function(MagnitudePrune)
gradient_prune = registry.function(GradientPrune)
random_prune = registry.function(RandomPrune)
quantize = registry.function(Quantize)
quantize_static = registry.function(QuantizeStatic)
palettize = registry.function(Palettize)
dkm_palettize = registry.function(DKMPalettize)
pfa_prune = registry.function(PFAPrune)
restore = registry.function(Restore)
nm_prune = registry.function(NMPrune)
low_rank = registry.function(LowRank)
merge_batchnorm = registry.function(MergeBatchnorm)
distill = registry.function(Distill)
channel_prune = registry.function(ChannelPrune)
gptq_quantize = registry.function(GPTQQuantize)
qat = registry.function(QAT)
movement_prune = registry.function(MovementPrune)
iterative_prune = registry.function(IterativePrune)
quantize_dynamic = registry.function(QuantizeDynamic)
awq_quantize = registry.function(AWQQuantize)


def available() -> dict[str, type[Operation]]:
    """Name → class of every operation, built in or from entry points in the group ``compress_compare.operations``."""
    return registry.table(OPERATIONS)


def get(name: str) -> type[Operation]:
    """The class of an operation by its name, with spaces or underscores; see :func:`registry.lookup`."""
    return registry.lookup(name, available())


def from_record(record: records.Operation) -> Operation:
    """The operation that a record describes; see :func:`registry.from_record`."""
    return registry.from_record(record, available())


__all__ = [
    "OPERATIONS",
    "QAT",
    "AWQQuantize",
    "Calibrate",
    "ChannelPrune",
    "Context",
    "DKMPalettize",
    "Distill",
    "Finetune",
    "GPTQQuantize",
    "GradientPrune",
    "IterativePrune",
    "LowRank",
    "MagnitudePrune",
    "MergeBatchnorm",
    "MovementPrune",
    "NMPrune",
    "Operation",
    "PFAPrune",
    "Palettize",
    "Quantize",
    "QuantizeDynamic",
    "QuantizeStatic",
    "RandomPrune",
    "Restore",
    "Train",
    "available",
    "awq_quantize",
    "calibrate",
    "channel_prune",
    "distill",
    "dkm_palettize",
    "finetune",
    "from_record",
    "get",
    "gptq_quantize",
    "gradient_prune",
    "iterative_prune",
    "kept",
    "low_rank",
    "magnitude_prune",
    "merge_batchnorm",
    "movement_prune",
    "nm_prune",
    "operation",
    "palettize",
    "pfa_prune",
    "qat",
    "quantize",
    "quantize_dynamic",
    "quantize_static",
    "random_prune",
    "restore",
    "scheme",
    "train",
]
