"""Small models of the architectures that people have, with random weights and nothing to download, for every operation.

Those of Hugging Face transformers are made from their configurations; the others are plain PyTorch, with the traits
that matter of the models they are named after.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from compress_compare import operations
from compress_compare.errors import UserError
from compress_compare.operations import BaseOperation
from compress_compare.operations.parts.data import forward, numbers_of

from . import zoo_networks as plain

Batch = tuple[Any, Tensor]
Made = tuple[nn.Module, Batch]

FAST = ("gpt2", "mixtral", "mamba", "efficientnet", "resnext", "unet", "lstm", "transformer encoder")
"""Kinds of every trait that made an operation fail, for every change."""
SHORT: dict[str, dict[str, Any]] = {
    "dkm palettize": {"bits": 2, "small": 0, "learning_rate": 1e-4},
    "iterative prune": {"steps": 2, "learning_rate": 1e-4},
    "pfa prune": {"rule": "energy", "share": 0.9},
    "palettize": {"bits": 2},
}
"""Parameters that make an operation quick to try; trainings go slowly, for random weights explode easily."""


@dataclass(frozen=True)
class Entry:
    """What became of one operation on one model.

    Args:
        model: its name.
        operation: its name.
        outcome: ``runs``, ``refused``, or what is wrong: ``broken``.
        why: the refusal, or what is wrong.
        change: relative change of the outputs, ‖after − before‖ / ‖before‖.
        seconds: what it took.
    """

    model: str
    operation: str
    outcome: str
    why: str = ""
    change: float = 0.0
    seconds: float = 0.0


def make(name: str, among: Mapping[str, Callable[[], Made]] | None = None) -> Made:
    """A model in evaluation mode and a batch, the same at every call; of the zoo unless others are given."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, batch = (among or ZOO)[name]()
        return stirred(model).eval(), batch


def tried(name: str, model_name: str, *, among: Mapping[str, Callable[[], Made]] | None = None) -> Entry:
    """Apply an operation with its defaults, or quick parameters, to a model, and hold the result to the law."""
    model, batch = make(model_name, among)
    operation = operations.get(name)(**parameters(name))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    wanted = outputs(model, batch[0])
    start = time.perf_counter()
    try:
        child = operation(model, **given(operation, model, batch))
    except UserError as error:
        return Entry(
            model_name, name, "refused", f"{error.title} {error.detail}".strip(), 0, time.perf_counter() - start
        )
    seconds = time.perf_counter() - start
    wrong = _wrong(model, child, before, batch)
    if wrong:
        return Entry(model_name, name, "broken", wrong, 0, seconds)
    found = outputs(child, batch[0])
    change = sum(float((one - other).double().norm()) for one, other in zip(wanted, found, strict=True))
    size = sum(float(one.double().norm()) for one in wanted)
    return Entry(model_name, name, "runs", "", change / max(size, 1e-12), seconds)


def outputs(model: nn.Module, inputs: Any) -> list[Tensor]:
    """The floating-point tensors that a model answers with."""
    with torch.no_grad():
        return [tensor.clone() for tensor in numbers_of(forward(model, inputs, operation="zoo"))]


def parameters(name: str) -> dict[str, Any]:
    fields = operations.get(name).json_schema().get("properties", {})
    slow = {"learning_rate": 1e-4} if "learning_rate" in fields else {}
    return slow | SHORT.get(name, {})


def given(operation: BaseOperation, model: nn.Module, batch: Batch) -> dict[str, Any]:
    batches = [batch] * (20 if operation.name == "pfa prune" else 2)  # PFA needs as many samples as units
    given: dict[str, Any] = {} if operation.data_requirement == "none" else {"data": batches}
    if operation.roles:
        given["references"] = {role: copy.deepcopy(model) for role in operation.roles}
    return given


def _wrong(model: nn.Module, child: nn.Module, before: dict[str, Tensor], batch: Batch) -> str:
    """What breaks the law, or nothing."""
    if any(not torch.equal(value, before[key]) for key, value in model.state_dict().items()):
        return "the source was changed"
    if any(module.training for module in model.modules()):
        return "the source was left in training mode"
    try:
        found, wanted = outputs(child, batch[0]), outputs(model, batch[0])
    except UserError as error:
        return f"cannot be run: {error}"
    if [one.shape for one in found] != [one.shape for one in wanted]:
        return "answers in another shape"
    if not all(bool(one.isfinite().all()) for one in found):
        return "answers with numbers that are not finite"
    try:
        copy.deepcopy(child).state_dict()
    except Exception as error:  # whatever it is, the result cannot be kept
        return f"cannot be copied: {type(error).__name__}: {error}"
    return ""


def stirred(model: nn.Module) -> nn.Module:
    """The model with batch norms that are not the identity, as after training."""
    random = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine and module.running_mean is not None:
            for value, low, high in (
                (module.weight, 0.5, 1.5),
                (module.bias, -0.3, 0.3),
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 2.0),
            ):
                value.data.copy_(torch.rand(value.shape, generator=random) * (high - low) + low)
    return model


_COMMON: dict[str, Any] = {"vocab_size": 96}
_ENDS: dict[str, Any] = {"bos_token_id": 1, "eos_token_id": 2}
_WIDE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
_SEQUENCES: dict[str, Any] = {"d_model": 32, "decoder_start_token_id": 1, "pad_token_id": 0, "eos_token_id": 2}


def hugging_face(kind: str, config: str, *, side: int = 32, **settings: Any) -> Callable[[], Made]:
    """A model of transformers from its configuration, for images of a side if it takes images."""

    def build() -> Made:
        import transformers

        made = getattr(transformers, config)(**settings)
        model = getattr(transformers, kind)(made)
        ids = torch.randint(3, 90, (4, 12))
        if "pixel" in model.main_input_name:
            return model, ({"pixel_values": torch.randn(4, 3, side, side)}, torch.tensor([0, 1, 2, 3]))
        if model.main_input_name == "input_values":
            return model, ({"input_values": torch.randn(4, 1200)}, torch.tensor([0, 1, 2, 3]))
        if model.main_input_name == "input_features":
            features = {"input_features": torch.randn(4, 16, 40), "decoder_input_ids": ids[:, :6]}
            return model, (features, ids[:, :6])
        if made.is_encoder_decoder:
            return model, ({"input_ids": ids, "decoder_input_ids": ids[:, :6]}, ids[:, :6])
        if kind.endswith("SequenceClassification"):
            return model, ({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, torch.tensor([0, 1, 2, 3]))
        return model, ({"input_ids": ids}, ids)

    return build


ZOO: dict[str, Callable[[], Made]] = {
    "gpt2": hugging_face(
        "GPT2LMHeadModel", "GPT2Config", n_embd=32, n_layer=2, n_head=4, n_positions=32, **_COMMON, **_ENDS
    ),
    "llama": hugging_face(
        "LlamaForCausalLM", "LlamaConfig", num_key_value_heads=2, tie_word_embeddings=True, **_WIDE, **_COMMON, **_ENDS
    ),
    "mixtral": hugging_face(
        "MixtralForCausalLM",
        "MixtralConfig",
        **(_WIDE | _COMMON | _ENDS | {"num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2}),
    ),
    "qwen moe": hugging_face(
        "Qwen2MoeForCausalLM",
        "Qwen2MoeConfig",
        **(_WIDE | _COMMON | _ENDS),
        **{"num_key_value_heads": 2, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32},
        **{"shared_expert_intermediate_size": 32, "decoder_sparse_step": 1},
    ),
    "bert": hugging_face("BertForSequenceClassification", "BertConfig", num_labels=5, **_WIDE, **_COMMON),
    "t5": hugging_face(
        "T5ForConditionalGeneration", "T5Config", d_ff=64, d_kv=8, num_layers=2, num_heads=4, **_SEQUENCES, **_COMMON
    ),
    "vit": hugging_face("ViTForImageClassification", "ViTConfig", image_size=32, patch_size=8, num_labels=5, **_WIDE),
    "whisper": hugging_face(
        "WhisperForConditionalGeneration",
        "WhisperConfig",
        **{"encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4},
        **{"encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "num_mel_bins": 16, "max_source_positions": 20},
        **{"max_target_positions": 32, "bos_token_id": 1, "suppress_tokens": None, "begin_suppress_tokens": None},
        **(_SEQUENCES | _COMMON),
    ),
    "mamba": hugging_face(
        "MambaForCausalLM",
        "MambaConfig",
        **{"hidden_size": 32, "state_size": 8, "num_hidden_layers": 2, "conv_kernel": 4, "expand": 2},
        **(_COMMON | _ENDS),
    ),
    "wav2vec2": hugging_face(
        "Wav2Vec2ForSequenceClassification",
        "Wav2Vec2Config",
        **{"conv_dim": (16, 16, 16), "conv_kernel": (10, 3, 3), "conv_stride": (5, 2, 2), "num_feat_extract_layers": 3},
        **{"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4, "classifier_proj_size": 16},
        **{"mask_time_prob": 0.0, "num_labels": 5},
        **_WIDE,
    ),
    **plain.MODELS,
}
"""Name → how a model and a batch of (inputs, targets) are made."""
