"""Which tensors of a checkpoint are weights, and which are counters, masks, tables of positions or ranges.

A tensor that is no weight is listed where storage is asked for, and is in no sum over weights.
"""

from __future__ import annotations

import re

import numpy as np

from .weights import StoredTensor

BUFFERS = re.compile(
    r"""(^|\.)(
        running_mean | running_var | num_batches_tracked | position_ids | token_type_ids | inv_freq | masked_bias
      | cos_cached | sin_cached | relative_position_index | relative_coords_table | attn_mask | causal_mask
      | attention_mask | rope_freqs(\.weight)? | rope\.freqs | rotary_emb\.freqs
      | _?(in|out)put_scale | [kvq]_scale | input_global_scale | _?amax | \w*_quantizer\._\w+ | _extra_state
      | (\w*activation_post_process\w*|\w*fake_quant\w*|\w*observer\w*)\..*
    )$""",
    re.VERBOSE,
)
"""Names of tensors that are no parameters, for files that do not say which are."""

CAUSAL = re.compile(r"(^|\.)(bias|mask|tril|triu)$")
INTEGERS = ("BOOL", "I16", "U16", "I32", "U32", "I64", "U64", "C64", "string")
CODES = ("I8", "U8")
NARROW = (*CODES, "F4", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ")
"""Formats whose numbers without a scale may be codes of something else."""


def is_weight(name: str, stored: StoredTensor) -> bool:
    """Whether a tensor is part of what a network learned, by its name, its format and its shape."""
    if stored.unread or stored.packing is not None:
        return True
    if BUFFERS.search(name) or stored.dtype in INTEGERS:
        return False
    if stored.dtype in CODES and (len(stored.shape) < 2 or _is_mask(name, stored)):
        return False
    return not (_is_mask(name, stored) or _is_endless(stored))


def _is_mask(name: str, stored: StoredTensor) -> bool:
    """A square table under a name of masks, with nothing beside its last two dimensions: what GPT-2 keeps."""
    shape = stored.shape
    is_square = len(shape) >= 3 and shape[-1] == shape[-2] and all(size == 1 for size in shape[:-2])
    return is_square and CAUSAL.search(name) is not None


def _is_endless(stored: StoredTensor) -> bool:
    """A constant that is not finite, such as the −∞ of a mask."""
    values = stored.values
    if values is None or values.count != 1:
        return False
    return not bool(np.isfinite(values.numbers(0, 1)).all())
