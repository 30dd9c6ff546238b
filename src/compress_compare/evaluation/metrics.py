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
PEAK_MEMORY = Metric(
    "Peak Memory",
    unit="B",
    format=".3s",
    higher_is_better=False,
    min=0,
    description="Bytes of weights, input and the operators' outputs in use at the worst moment of one forward pass.",
)
INTEGER_PRODUCTS = Metric(
    "Integer Products",
    format=".0%",
    min=0,
    max=1,
    description="Share of the matrix products and convolutions that PyTorch runs on integers; count is their number.",
)
ONNX_SIZE = Metric(
    "ONNX Size",
    unit="B",
    format=".3s",
    higher_is_better=False,
    min=0,
    description="Bytes of the model exported to ONNX, without notes about its source.",
)
ONNX_LATENCY = Metric(
    "Latency (ONNX Runtime)",
    unit="s",
    format=".3s",
    higher_is_better=False,
    min=0,
    description="Median wall-clock time of a forward pass of the exported model in ONNX Runtime on the processor.",
)
ONNX_LATENCY_IQR = Metric(
    "Latency IQR (ONNX Runtime)",
    unit="s",
    format=".3s",
    higher_is_better=False,
    min=0,
    description="Interquartile range of the same runs.",
)
ONNX_INTEGER_PRODUCTS = Metric(
    "Integer Products (ONNX Runtime)",
    format=".0%",
    min=0,
    max=1,
    description="Share of the matrix products and convolutions that ONNX Runtime runs on integers after optimization.",
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
    PEAK_MEMORY,
    INTEGER_PRODUCTS,
)
ONNX_METRICS = (ONNX_SIZE, ONNX_LATENCY, ONNX_LATENCY_IQR, ONNX_INTEGER_PRODUCTS)
"""Reported where ONNX Runtime is asked for and installed."""
