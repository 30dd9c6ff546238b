"""The definitions of the metrics that `evaluate` reports. Needs no torch, so that a server can read them."""

from __future__ import annotations

from ..records import Metric

TOP1_ACCURACY = Metric(
    "Top-1 Accuracy",
    format=".1%",
    higher_is_better=True,
    primary=True,
    min=0,
    max=1,
    description="Share of instances whose most probable class is the label; also per class.",
)
NEGATIVE_LOG_LIKELIHOOD = Metric(
    "Negative Log-Likelihood",
    unit="nat",
    format=".3f",
    higher_is_better=False,
    min=0,
    description="Mean of −log(probability of the label).",
)
MODEL_SIZE = Metric(
    "Model Size",
    unit="B",
    format=".3s",
    higher_is_better=False,
    min=0,
    description="Bytes of the weights as a safetensors file without metadata, every value in its stored type.",
)
GZIP_SIZE = Metric(
    "Gzip Size",
    unit="B",
    format=".3s",
    higher_is_better=False,
    min=0,
    description="Bytes of that safetensors file after gzip, level 6.",
)
PACKED_SIZE = Metric(
    "Packed Size",
    unit="B",
    format=".3s",
    higher_is_better=False,
    primary=True,
    min=0,
    description="Bytes that the compression scheme implies: codes at their bit width, scales, codebooks and masks.",
)
PARAMETERS = Metric(
    "Parameters",
    format=",d",
    higher_is_better=False,
    min=0,
    description="Number of trainable values; tied ones count once.",
)
NONZERO_PARAMETERS = Metric(
    "Non-zero Parameters",
    format=",d",
    higher_is_better=False,
    min=0,
    description="Parameters that are not exactly zero.",
)
SPARSITY = Metric(
    "Sparsity",
    format=".1%",
    higher_is_better=True,
    primary=True,
    min=0,
    max=1,
    description="Share of parameters that are exactly zero.",
)
WEIGHT_SPARSITY = Metric(
    "Weight Sparsity",
    format=".1%",
    higher_is_better=True,
    min=0,
    max=1,
    description="Share of exact zeros among the weights of two and more dimensions, which pruning works on.",
)
MACS = Metric(
    "MACs",
    format=".3s",
    higher_is_better=False,
    min=0,
    description="Dense multiply-accumulates of one forward pass at the stated input shape; zeros are not skipped.",
)
LATENCY = Metric(
    "Latency",
    unit="s",
    format=".3s",
    higher_is_better=False,
    primary=True,
    min=0,
    description="Median wall-clock time of a forward pass on the stated device; count is the number of runs.",
)
LATENCY_IQR = Metric(
    "Latency IQR",
    unit="s",
    format=".3s",
    higher_is_better=False,
    min=0,
    description="Interquartile range of the same runs.",
)

METRICS = (
    TOP1_ACCURACY,
    NEGATIVE_LOG_LIKELIHOOD,
    MODEL_SIZE,
    GZIP_SIZE,
    PACKED_SIZE,
    PARAMETERS,
    NONZERO_PARAMETERS,
    SPARSITY,
    WEIGHT_SPARSITY,
    MACS,
    LATENCY,
    LATENCY_IQR,
)
