"""What the rows of the modes hold, and the measures: the single numbers that are read off a layer.

A measure is spelled here only. The command line, the files, Model Explorer and the documentation read it here; the page
reads what `page.vocabulary` writes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

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

Loss = Literal["decibels", "error", "cosine", "alignment", "some", "any"]
"""How a measure tells what was lost: 40 dB, or an error of 1%, is nothing to speak of, and 0 dB, an error of 100%, is
everything; ``some`` and ``any`` are counts of things that hurt somewhat or wholly from the first on."""


@dataclass(frozen=True)
class LayerMeasure:
    """One number of a layer, for sorting, for profiles along the depth, and beside each picture.

    Args:
        id: what a caller types; unlike within a mode.
        name: what people read.
        meaning: one sentence.
        column: of the table of ``project.layers`` that holds it; by default the one called ``id``.
        share_of: makes it a share: of the layer's own ``num_parameters``, or of the same column of the whole ``model``.
        unit: ``B``, ``dB``, ``bits``, or empty.
        format: how numbers are written, in d3-format's language; empty for three significant digits.
        higher_is_better: the direction; ``None`` where there is none.
        low: the smallest possible value; ``None`` where there is none.
        high: the largest possible value; ``None`` where there is none.
        log: whether a profile has a logarithmic axis.
        compares: whether it compares with the base; of the base itself it says nothing.
        loss: how it tells what was lost; ``None`` where it does not.
        counts: whether it is how many or how much there is of something: the most, not the highest.
    """

    id: str
    name: str
    meaning: str
    column: str = ""
    share_of: Literal["num_parameters", "model"] | None = None
    unit: str = ""
    format: str = ""
    higher_is_better: bool | None = None
    low: float | None = 0
    high: float | None = None
    log: bool = False
    compares: bool = False
    loss: Loss | None = None
    counts: bool = False

    @property
    def read_from(self) -> str:
        """The column that holds it."""
        return self.column or self.id


def _zeros(id: str, name: str, column: str, *, meaning: str) -> LayerMeasure:
    return LayerMeasure(
        id,
        name,
        meaning,
        column,
        share_of="num_parameters",
        format=".1%",
        high=1,
        compares=column != "num_zeros",
        counts=True,
    )


def _error(id: str, name: str, *, meaning: str, loss: Loss | None = "error") -> LayerMeasure:
    return LayerMeasure(id, name, meaning, format=".3~p", higher_is_better=False, log=True, compares=True, loss=loss)


def _decibels(id: str, name: str, *, meaning: str) -> LayerMeasure:
    return LayerMeasure(
        id,
        name,
        meaning,
        unit="dB",
        format=".1f",
        higher_is_better=True,
        low=None,
        compares=True,
        loss="decibels",
    )


def _cosine(meaning: str) -> LayerMeasure:
    return LayerMeasure(
        "cosine",
        "Cosine",
        meaning,
        format=".4f",
        higher_is_better=True,
        low=-1,
        high=1,
        compares=True,
        loss="cosine",
    )


def _nonfinite(of: str) -> LayerMeasure:
    meaning = f"Number of {of} that are NaN or infinite. There should be none."
    return LayerMeasure(
        "num_nonfinite", "NaN or Inf", meaning, format=",d", higher_is_better=False, loss="any", counts=True
    )


MEASURES: dict[str, tuple[LayerMeasure, ...]] = {
    "sparsity": (
        _zeros("zeros", "Zeros", "num_zeros", meaning="Share of the weights that are zero."),
        _zeros(
            "new_zeros",
            "New zeros",
            "zero_model_only",
            meaning="Share of the weights that are zero here and not in the base.",
        ),
        _zeros(
            "filled_zeros",
            "Zeros undone",
            "zero_base_only",
            meaning="Share of the weights that are zero in the base and not here.",
        ),
        _zeros("kept_zeros", "Zeros kept", "zero_both", meaning="Share of the weights that are zero in both."),
    ),
    "weights": (
        _decibels(
            "sqnr_db",
            "SQNR",
            meaning="Signal-to-quantization-noise ratio: energy of the base's weights over that of the change. "
            "+6 dB is worth about one bit.",
        ),
        _error("relative_error", "Relative error", meaning="Norm of the change over the norm of the base's weights."),
        LayerMeasure(
            "mean_abs_change",
            "Mean change",
            "Mean absolute change of a weight.",
            higher_is_better=False,
            compares=True,
        ),
        _cosine("Cosine of the angle between the weights and the base's: 1 is the same direction."),
        LayerMeasure(
            "entropy_bits",
            "Entropy",
            "Bits per weight that an ideal code of the values needs.",
            unit="bits",
            format=".2f",
        ),
        LayerMeasure(
            "num_distinct",
            "Distinct values",
            "Number of different values of the weights; for a module, the sum over its tensors.",
            format=",d",
            log=True,
            counts=True,
        ),
        _error(
            "channel_norm_change",
            "Channel change",
            meaning="Largest relative change of the norm of an output channel.",
            loss=None,
        ),
        LayerMeasure(
            "num_dead_channels",
            "Dead channels",
            "Output channels that are all zeros here and were not in the base.",
            format=",d",
            higher_is_better=False,
            compares=True,
            loss="some",
            counts=True,
        ),
        LayerMeasure("mean_abs", "Mean magnitude", "Mean absolute value of a weight."),
        _nonfinite("weights"),
    ),
    "storage": (
        LayerMeasure(
            "bytes",
            "Bytes",
            "Packed size, as the scheme implies: values or labels, bit map, scales and codebooks.",
            unit="B",
            format=".3s",
            counts=True,
        ),
        LayerMeasure(
            "share",
            "Share of the model",
            "Share of the model's packed bytes.",
            "bytes",
            share_of="model",
            format=".1%",
            high=1,
        ),
        LayerMeasure(
            "bits_per_parameter",
            "Bits per weight",
            "Packed bits, scales and codebooks included, over the number of weights.",
            format=".2f",
        ),
        LayerMeasure("file_bytes", "File bytes", "Size in the checkpoint file.", unit="B", format=".3s", counts=True),
    ),
    "activations": (
        _error(
            "local_relative_error",
            "Error added here",
            meaning="Error added here: change of the output, given the base's inputs, over the norm of the base's "
            "output.",
        ),
        _error(
            "relative_error",
            "Error so far",
            meaning="Error so far, with that of all layers before: change of the output over the norm of the base's "
            "output.",
        ),
        LayerMeasure(
            "repair",
            "Error taken away",
            "Share of the change of the network's output that goes away when this layer alone is the base's.",
            format=".1%",
            low=None,
            compares=True,
        ),
        _decibels(
            "sqnr_db",
            "SQNR",
            meaning="Energy of the base's outputs over that of their change, with that of all layers before.",
        ),
        _decibels(
            "local_sqnr_db",
            "SQNR added here",
            meaning="Energy of the base's outputs over that of the change that is added here, given the base's inputs.",
        ),
        _cosine("Cosine of the angle between the outputs and the base's."),
        LayerMeasure(
            "cka",
            "CKA",
            "Linear centered kernel alignment: 1 where the outputs distinguish examples as the base's do, even if "
            "channels were removed.",
            format=".4f",
            higher_is_better=True,
            high=1,
            compares=True,
            loss="alignment",
        ),
        LayerMeasure("mean_abs", "Mean magnitude", "Mean absolute value of the outputs."),
        LayerMeasure(
            "clipped",
            "Clipped",
            "Share of the outputs that equal the minimum or the maximum of all, zeros aside.",
            format=".1%",
            high=1,
        ),
        _nonfinite("outputs"),
    ),
}
"""By mode, in the order in which they are offered; the first is the default."""


def columns(mode: str) -> list[str]:
    """The columns that the measures of a mode are read from, each once, in the order of the measures."""
    return list(dict.fromkeys(measure.read_from for measure in MEASURES[mode]))


def read(table: pa.Table, measure: LayerMeasure) -> pa.ChunkedArray:
    """A measure of every row of a table of ``project.layers`` that holds one model, as float64.

    A share of nothing is null.
    """
    values = pc.cast(table[measure.read_from], pa.float64())
    if measure.share_of is None:
        return values
    if measure.share_of == "model":
        whole = pc.and_(pc.equal(table["module"], ""), pc.is_null(table["parameter"]))
        total = pc.sum(pc.if_else(whole, values, None))
    else:
        total = pc.cast(table["num_parameters"], pa.float64())
    return pc.divide(values, pc.if_else(pc.equal(total, 0), None, total))
