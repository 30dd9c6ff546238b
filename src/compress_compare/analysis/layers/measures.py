"""What the rows of the modes hold."""

from __future__ import annotations

import pyarrow as pa

SPARSITY = pa.schema(
    [
        ("num_zeros", pa.int64()),
        ("zero_both", pa.int64()),
        ("zero_model_only", pa.int64()),
        ("zero_base_only", pa.int64()),
    ]
)
WEIGHTS = pa.schema(
    [
        ("mean_abs", pa.float64()),
        ("mean_abs_change", pa.float64()),
        ("relative_error", pa.float64()),
        ("sqnr_db", pa.float64()),
        ("cosine", pa.float64()),
        ("num_distinct", pa.int64()),
        ("entropy_bits", pa.float64()),
        ("num_nonfinite", pa.int64()),
        ("histogram", pa.list_(pa.int64())),
        ("histogram_low", pa.float64()),
        ("histogram_high", pa.float64()),
        ("change_bands", pa.list_(pa.int64())),
        ("mean", pa.float64()),
        ("standard_deviation", pa.float64()),
        ("min", pa.float64()),
        ("max", pa.float64()),
        ("num_compared", pa.int64()),
        ("num_channels", pa.int64()),
        ("num_dead_channels", pa.int64()),
        ("channel_norm_min", pa.float64()),
        ("channel_norm_max", pa.float64()),
        ("channel_norm_change", pa.float64()),
        ("most_changed_channel", pa.int64()),
        *SPARSITY,
    ]
)
STORAGE = pa.schema(
    [
        ("dtype", pa.string()),
        ("bits", pa.int32()),
        ("scheme", pa.string()),
        ("group_size", pa.int32()),
        ("bytes", pa.int64()),
        ("file_bytes", pa.int64()),
        ("bits_per_parameter", pa.float64()),
        ("num_scales", pa.int64()),
        ("scale_min", pa.float64()),
        ("scale_max", pa.float64()),
        ("code_min", pa.float64()),
        ("code_max", pa.float64()),
        ("zero_point_min", pa.float64()),
        ("zero_point_max", pa.float64()),
    ]
)
