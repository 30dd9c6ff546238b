"""The names of Meta's own Llama code, which Mistral's ``consolidated`` files have too, beside those of transformers.

Meta keeps the rows of queries and keys as llama.cpp does, in each head the first and second half interleaved. Source:
transformers, ``convert_llama_weights_to_hf.py`` and ``convert_mistral_weights_to_hf.py``.
"""

from __future__ import annotations

import re

from .weights import Weights

RULE = "meta"
PARTS = {
    "tok_embeddings": "embed_tokens", "attention": "self_attn", "wq": "q_proj", "wk": "k_proj", "wv": "v_proj",
    "wo": "o_proj", "feed_forward": "mlp", "w1": "gate_proj", "w2": "down_proj", "w3": "up_proj",
    "attention_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "output": "lm_head",
}  # fmt: skip
"""Parts of names, and what transformers calls them."""

MARK = re.compile(r"(^|\.)layers\.\d+\.attention\.wq\.weight$")


def is_meta(weights: Weights) -> bool:
    """Whether the names are Meta's, and so is the order of rows."""
    return any(MARK.search(name) for name in weights.tensors)


def plain(name: str) -> str:
    """A name with the parts that transformers has."""
    return ".".join(PARTS.get(part, part) for part in name.split("."))
