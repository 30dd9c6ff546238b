"""Further architectures, each small and with random weights, for ``benchmarks/zoo.py --wider``.

Those of transformers are made from their configurations, those of timm and torchvision only where these are installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from . import traits
from .zoo import Made, hugging_face

LABELS = torch.tensor([0, 1, 2, 3])
WORDS: dict[str, Any] = {"vocab_size": 96, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
WIDE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
SHORT: dict[str, Any] = {**WORDS, **WIDE, "max_position_embeddings": 32}
PAIRS: dict[str, Any] = {
    **{"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "max_position_embeddings": 32},
    **{"encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64},
    **{"decoder_start_token_id": 1, **WORDS},
}
STAGES: dict[str, Any] = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "num_labels": 5}
SMALL: dict[str, Any] = {**WORDS, "d_model": 32, "n_head": 4, "d_inner": 64, "num_labels": 5}
PATCHES: dict[str, Any] = {**WIDE, "image_size": 32, "patch_size": 8, "num_labels": 5}
SPEECH: dict[str, Any] = {
    **{"conv_dim": (16, 16), "conv_kernel": (10, 3), "conv_stride": (5, 2), "num_feat_extract_layers": 2},
    **{"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4, "classifier_proj_size": 16},
    **{"mask_time_prob": 0.0, "num_labels": 5, "vocab_size": 96, **WIDE},
}

ENCODERS = {
    "albert": ("Albert", {"embedding_size": 16}),
    "electra": ("Electra", {"embedding_size": 16}),
    "distilbert": ("DistilBert", {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 4}),
    "deberta v2": ("DebertaV2", {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}),
    "roberta": ("Roberta", {}),
    "fnet": ("FNet", {}),
    "convbert": ("ConvBert", {"embedding_size": 32}),
    "squeezebert": ("SqueezeBert", {"embedding_size": 32}),
    "mobilebert": ("MobileBert", {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16}),
    "nystromformer": ("Nystromformer", {"num_landmarks": 4, "segment_means_seq_len": 12}),
}
DECODERS = {
    "gpt neox": ("GPTNeoX", {}),
    "gpt neo": ("GPTNeo", {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]}),
    "gptj": ("GPTJ", {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4, "n_positions": 32}),
    "opt": ("OPT", {"ffn_dim": 64, "word_embed_proj_dim": 32}),
    "bloom": ("Bloom", {"n_layer": 2, "n_head": 4}),
    "falcon": ("Falcon", {}),
    "mpt": ("Mpt", {"d_model": 32, "n_layers": 2, "n_heads": 4, "expansion_ratio": 2, "max_seq_len": 32}),
    "phi": ("Phi", {"partial_rotary_factor": 0.5}),
    "phi3": ("Phi3", {}),
    "gemma2": ("Gemma2", {"num_key_value_heads": 2, "head_dim": 8}),
    "qwen3": ("Qwen3", {"num_key_value_heads": 2, "head_dim": 8}),
    "stablelm": ("StableLm", {"num_key_value_heads": 2}),
    "rwkv": ("Rwkv", {"attention_hidden_size": 32}),
}
VISION = {
    "levit": ("Levit", {"image_size": 64, "hidden_sizes": [16, 24, 32], "num_attention_heads": [2, 2, 2]}, 64),
    "swin": ("Swin", {"image_size": 32, "patch_size": 2, "embed_dim": 8, "depths": [1, 1], "window_size": 4}, 32),
    "beit": ("Beit", PATCHES, 32),
    "dinov2": ("Dinov2", PATCHES, 32),
    "convnext v2": ("ConvNextV2", STAGES, 32),
    "resnet": ("ResNet", {"embedding_size": 8, "layer_type": "basic", **STAGES}, 32),
    "mobilenet v2": ("MobileNetV2", {"image_size": 32, "depth_multiplier": 0.25, "num_labels": 5}, 32),
    "mobilevit": ("MobileViT", {"image_size": 32, "hidden_sizes": [16, 24, 32], "num_labels": 5}, 32),
    "segformer": ("Segformer", {"hidden_sizes": [8, 16, 16, 32], "depths": [1, 1, 1, 1], "num_labels": 5}, 32),
    "poolformer": ("PoolFormer", STAGES, 32),
    "focalnet": ("FocalNet", {"image_size": 32, "embed_dim": 8, "depths": [1, 1], "num_labels": 5}, 32),
    "bit": ("Bit", {"embedding_size": 32, "num_groups": 8, **STAGES}, 32),
}
MORE_OF_IT: dict[str, dict[str, Any]] = {
    "levit": {"key_dim": [8, 8, 8], "depths": [1, 1, 1], "num_labels": 5, "drop_path_rate": 0},
    "swin": {"num_heads": [2, 2], "num_labels": 5},
    "mobilevit": {"neck_hidden_sizes": [8, 8, 16, 16, 24, 24, 32], "num_attention_heads": 2},
    "segformer": {"num_attention_heads": [1, 1, 2, 2], "decoder_hidden_size": 16},
    "bit": {"hidden_sizes": [32, 32, 64, 64]},
}
"""What takes more than a line."""


def _answers_with(kind: str, side: int = 32) -> Callable[[], Made]:
    """A model of torchvision or timm, ``package:name``, with images of a side."""
    package, name = kind.split(":")

    def build() -> Made:
        make = importlib.import_module(package).create_model if package == "timm" else _torchvision
        fixed = {"img_size": side} if "patch" in name else {}
        return make(name, pretrained=False, num_classes=5, **fixed), (torch.randn(2, 3, side, side), LABELS[:2])

    return build


def _torchvision(name: str, *, pretrained: bool, num_classes: int) -> nn.Module:
    assert not pretrained
    models = importlib.import_module("torchvision.models")
    made: nn.Module = models.get_model(name, weights=None, weights_backbone=None, num_classes=num_classes)
    return made


def _encodec() -> Made:
    import transformers

    config = transformers.EncodecConfig(
        num_filters=4,
        hidden_size=16,
        codebook_dim=16,
        codebook_size=16,
        num_residual_layers=1,
        upsampling_ratios=[2, 2],
    )
    return transformers.EncodecModel(config), ({"input_values": torch.randn(4, 1, 64)}, LABELS)


def _of(kind: Callable[[], nn.Module], *shape: int) -> Callable[[], Made]:
    return lambda: (kind(), (torch.randn(4, *shape), LABELS))


def _lookup() -> Made:
    return traits.Lookup(), (torch.arange(24).reshape(4, 6), LABELS)


INSTALLED: dict[str, tuple[str, int]] = {
    "hrnet_w18_small": ("timm:hrnet_w18_small", 32),
    "mobilevitv2_050": ("timm:mobilevitv2_050", 64),
    "nfnet": ("timm:test_nfnet", 64),
    "eva02_tiny": ("timm:eva02_tiny_patch14_224", 56),
    "mnasnet_small": ("timm:mnasnet_small", 32),
    "tf_mobilenetv3_small_minimal_100": ("timm:tf_mobilenetv3_small_minimal_100", 32),
    "deeplabv3": ("torchvision:deeplabv3_mobilenet_v3_large", 64),
}

WIDER: dict[str, Callable[[], Made]] = {
    **{
        name: hugging_face(f"{kind}ForSequenceClassification", f"{kind}Config", **{**SHORT, "num_labels": 5, **own})
        for name, (kind, own) in ENCODERS.items()
    },
    **{
        name: hugging_face(f"{kind}ForCausalLM", f"{kind}Config", **{**SHORT, **own})
        for name, (kind, own) in DECODERS.items()
    },
    **{
        name: hugging_face(
            f"{kind}ForImageClassification", f"{kind}Config", side=side, **{**own, **MORE_OF_IT.get(name, {})}
        )
        for name, (kind, own, side) in VISION.items()
    },
    "xlnet": hugging_face("XLNetForSequenceClassification", "XLNetConfig", n_layer=2, **SMALL),
    "funnel": hugging_face("FunnelForSequenceClassification", "FunnelConfig", block_sizes=[1, 1], d_head=8, **SMALL),
    "bart": hugging_face("BartForConditionalGeneration", "BartConfig", **PAIRS),
    "pegasus": hugging_face("PegasusForConditionalGeneration", "PegasusConfig", **PAIRS),
    "m2m100": hugging_face("M2M100ForConditionalGeneration", "M2M100Config", **PAIRS),
    "hubert": hugging_face("HubertForSequenceClassification", "HubertConfig", **SPEECH),
    "encodec": _encodec,
    "listed": _of(traits.Listed, 3, 4, 4),
    "remembers": _of(traits.Remembers, 8),
    "lookup": _lookup,
    "answers": _of(lambda: traits.Answers("logits"), 8),
    "experts": lambda: (traits.Experts(), (torch.randn(4, 8), LABELS[:, None].expand(4, 4))),
    "auxiliary": _of(traits.Auxiliary, 3, 8, 8),
    "products": _of(traits.Products, 8),
    "spectral norm": lambda: (traits.normalized(), (torch.randn(4, 3, 8, 8), LABELS[:, None, None].expand(4, 4, 4))),
    **{name: _answers_with(*made) for name, made in INSTALLED.items() if find_spec(made[0].split(":")[0])},
}
"""Name → how a model and a batch of (inputs, targets) are made."""
