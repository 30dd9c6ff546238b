"""What travels over HTTP about what models claim and what they cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Answer, Ask, Number


class RealityAsk(Ask):
    """Some models by id."""

    models: Annotated[list[str], Field(min_length=1, max_length=100)]


class RealityRow(Answer):
    """One model against its root; what is not known is null. Ratios are root ÷ model: above 1 is smaller or faster."""

    model: str
    root: str
    sparsity: Number | None
    bits: Number | None
    stored_bytes: int | None
    gzip_bytes: int | None
    packed_bytes: int | None
    macs: Number | None
    peak_memory_bytes: int | None
    latency_s: Number | None
    latency_iqr_s: Number | None
    latency_device: str | None
    onnx_bytes: int | None
    onnx_latency_s: Number | None
    onnx_latency_iqr_s: Number | None
    onnx_latency_device: str | None
    integer_products: Number | None
    onnx_integer_products: Number | None
    stored_ratio: Number | None
    packed_ratio: Number | None
    macs_ratio: Number | None
    latency_ratio: Number | None
    onnx_latency_ratio: Number | None
    claim: str
    """What was said against what its numbers show, with which ``reason`` begins; empty where nothing was said."""
    agrees: bool | None
    causes: list[str]
    reason: str
    missing: list[str]
    measurable: bool
    """Whether the task of its root is known, so that what is missing can be measured."""


class RealityAnswer(Answer):
    """A row for each model."""

    models: list[RealityRow]
