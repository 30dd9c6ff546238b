"""Folders of Hugging Face models as the field's quantizers save them: a Llama with one layer and random weights."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from format_writers.written import COLUMNS, NAME, ROWS, Case, Written, base, linear, stored

INNER = "model.layers.0.mlp.gate_proj"
WEIGHT = f"{INNER}.weight"
Writer = Callable[..., Written]


def llama() -> Any:
    """The model, whose gate has the weight."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": COLUMNS, "intermediate_size": ROWS, "num_hidden_layers": 1, "num_attention_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(**sizes, num_key_value_heads=4, vocab_size=128, max_position_embeddings=128))
    model.get_submodule(INNER).weight.data.copy_(torch.from_numpy(base()))
    return model.eval()


def saved(folder: Path) -> str:
    """The model in a folder, with a tokenizer."""
    llama().save_pretrained(folder / "float")
    _tokenizer().save_pretrained(folder / "float")
    return str(folder / "float")


def numbers(weight: Any) -> dict[str, np.ndarray]:
    """A tensor of PyTorch as the numbers of the weight."""
    return {WEIGHT: weight.detach().float().cpu().numpy()}


def llm_compressor(folder: Path, scheme: str) -> Written:
    """llm-compressor, whose folder transformers and compressed-tensors decompress again."""
    from llmcompressor import oneshot
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from transformers import AutoModelForCausalLM, CompressedTensorsConfig

    recipe = QuantizationModifier(targets="Linear", scheme=scheme, ignore=["lm_head"])
    model = AutoModelForCausalLM.from_pretrained(saved(folder), dtype="bfloat16")
    oneshot(model=model, recipe=recipe)
    model.save_pretrained(folder / "m", save_compressed=True)
    how = CompressedTensorsConfig(run_compressed=False)
    again = AutoModelForCausalLM.from_pretrained(folder / "m", quantization_config=how)
    return Written(folder / "m", numbers(again.get_submodule(INNER).weight), 0.005, WEIGHT)


def sparse(folder: Path, form: str) -> Written:
    """compressed-tensors up to 0.10, which packs zeros: any of them, or two of each four."""
    import torch
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.config import CompressionFormat, SparsityCompressionConfig

    dense = torch.from_numpy(base())
    small = dense.abs().reshape(-1, 4).argsort(1)[:, :2]
    dense = dense.reshape(-1, 4).scatter(1, small, 0.0).reshape(ROWS, COLUMNS)
    config = SparsityCompressionConfig.load_from_registry(CompressionFormat(form).value)
    packer = BaseCompressor.load_from_registry(form, config=config)
    parts = packer.compress({WEIGHT: dense})
    (folder / "m").mkdir()
    (folder / "m" / "config.json").write_text(
        json.dumps({"model_type": "llama", "quantization_config": {"sparsity_config": {"format": form}}})
    )
    path = stored(folder / "m", parts)
    again = dict(packer.decompress(str(path.parent)))
    return Written(folder / "m", numbers(again[WEIGHT]), 0.0, WEIGHT)


def model_optimizer(folder: Path, config: str, kind: str) -> Written:
    """Model Optimizer's export for Hugging Face, which its own tensors take apart again.

    What its quantizer makes of a weight in training can differ by a step: it divides in bfloat16, the export does not.
    """
    import modelopt.torch.quantization as library
    import torch
    from modelopt.torch.export import export_hf_checkpoint
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(saved(folder), dtype=torch.bfloat16)
    tokens = torch.randint(0, 128, (2, 64))
    library.quantize(model, getattr(library, config), lambda net: net(tokens))
    export_hf_checkpoint(model, export_dir=folder / "m")
    with safe_open(folder / "m" / "model.safetensors", "pt") as file:
        codes, scale = file.get_tensor(WEIGHT), file.get_tensor(f"{WEIGHT}_scale")
    tensors = importlib.import_module("modelopt.torch.quantization.qtensor")
    shape, dtype = torch.Size((ROWS, COLUMNS)), torch.float32
    if kind == "int4":
        halves = codes.T.reshape(COLUMNS, ROWS // 2, 1) >> torch.tensor([0, 4]) & 15
        whole = (halves.reshape(COLUMNS, ROWS).T.to(torch.int8) ^ 8) - 8
        again = whole.float() * scale.float().repeat_interleave(COLUMNS // scale.shape[-1], 1)
    else:
        sizes = {-1: 128, -2: 128} if kind == "blocks" else None
        scale = scale.reshape(1, 2) if kind == "blocks" else scale.reshape(-1, 1) if scale.numel() > 1 else scale
        made = tensors.INT8QTensor if kind == "int8" else tensors.FP8QTensor
        again = made(shape, dtype, codes).dequantize(dtype, scale=scale, block_sizes=sizes)
    return Written(folder / "m", numbers(again), 1e-6, WEIGHT)


def model_optimizer_nvfp4(folder: Path) -> Written:
    """Its tensor of NVFP4, under the names of its export, which needs an accelerator to quantize a whole model."""
    import torch
    from modelopt.torch.quantization.qtensor import NVFP4QTensor

    packed, scales, overall = NVFP4QTensor.quantize(torch.from_numpy(base()), 16, try_tensorrt=False)
    (folder / "m").mkdir()
    parts = {WEIGHT: packed._quantized_data, f"{WEIGHT}_scale": scales, f"{WEIGHT}_scale_2": overall}
    stored(folder / "m", parts)
    again = packed.dequantize(torch.float32, scale=scales, double_scale=overall, block_sizes={-1: 16})
    return Written(folder / "m", numbers(again), 1e-6, WEIGHT)


def gptq_model(folder: Path, **options: Any) -> Written:
    """GPTQModel; its own kernel for PyTorch unpacks the weight."""
    import torch
    from gptqmodel import BACKEND, GPTQModel, QuantizeConfig

    model = GPTQModel.load(saved(folder), QuantizeConfig(group_size=32, device="cpu", **options))
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(3, 128, (64,), generator=generator) for _ in range(64)]
    model.quantize([{"input_ids": row, "attention_mask": torch.ones_like(row)} for row in rows], batch_size=1)
    model.save(str(folder / "m"))
    again = GPTQModel.load(str(folder / "m"), backend=BACKEND.TORCH, device="cpu", dtype=torch.float16)
    module = again.model.get_submodule(INNER)
    if hasattr(module, "dequantize_weight"):
        return Written(folder / "m", numbers(module.dequantize_weight().T), 0.005, WEIGHT)
    with torch.no_grad():
        product = module(torch.eye(COLUMNS, dtype=torch.float16)).T
    return Written(folder / "m", numbers(product), 0.005, WEIGHT)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"w{i}": i for i in range(3, 128)}}
    inner = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **special)


def auto_round(folder: Path, form: str) -> Written:
    """AutoRound without tuning, exported in its own form; the model is loaded again and asked."""
    import torch
    from auto_round import AutoRound
    from transformers import AutoModelForCausalLM

    library = AutoRound(saved(folder), scheme="W4A16", iters=0, group_size=32, disable_opt_rtn=True)
    library.quantize_and_save(str(folder / "m"), format=form)
    place = next(path.parent for path in (folder / "m").rglob("config.json"))
    again = AutoModelForCausalLM.from_pretrained(place, torch_dtype=torch.float32)
    module = again.get_submodule(INNER)
    with torch.no_grad():
        product = module(torch.eye(COLUMNS)).T
    return Written(place, numbers(product), 0.005, WEIGHT)


def mlx(folder: Path, **how: Any) -> Written:
    """MLX, with the configuration that mlx-lm writes beside it."""
    import mlx.core as library

    weight = library.array(base())
    packed, *parts = library.quantize(weight, **how)
    names = ("scales", "biases")
    found = {f"l.{name}": part for name, part in zip(names, parts, strict=False) if part is not None}
    (folder / "m").mkdir()
    library.save_safetensors(str(folder / "m" / "model.safetensors"), {NAME: packed, **found})
    (folder / "m" / "config.json").write_text(json.dumps({"model_type": "llama", "quantization": how}))
    again = library.dequantize(packed, *parts, **how, dtype=library.float32)
    return Written(folder / "m", {NAME: np.array(again)}, 1e-6)


def transformers_fp8(folder: Path) -> Written:
    """Blocks of 128 × 128 with ``weight_scale_inv``, by the operation with which transformers quantizes as it loads."""
    import torch
    from transformers import FineGrainedFP8Config
    from transformers.integrations.finegrained_fp8 import Fp8Dequantize, Fp8Quantize

    class Quantizer:
        quantization_config = FineGrainedFP8Config(weight_block_size=(128, 128))

    found = Fp8Quantize(Quantizer()).convert({NAME: torch.from_numpy(base())})
    config = {"quant_method": "fp8", "weight_block_size": [128, 128], "fmt": "e4m3"}
    (folder / "m").mkdir()
    (folder / "m" / "config.json").write_text(json.dumps({"model_type": "llama", "quantization_config": config}))
    stored(folder / "m", found)
    again = Fp8Dequantize(Quantizer())._dequantize_one(found[NAME], found["l.weight_scale_inv"], torch.float32)
    return Written(folder / "m", {NAME: again.numpy()}, 1e-6)


def transformers_mxfp4(folder: Path) -> Written:
    """gpt-oss: blocks and scales of the experts, of random bytes; transformers unpacks them in bfloat16."""
    import torch
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    random = torch.Generator().manual_seed(0)
    blocks = torch.randint(0, 256, (1, ROWS, COLUMNS // 32, 16), dtype=torch.uint8, generator=random)
    scales = torch.randint(118, 124, (1, ROWS, COLUMNS // 32), dtype=torch.uint8, generator=random)
    name = "model.layers.0.mlp.experts.gate_up_proj"
    (folder / "m").mkdir()
    (folder / "m" / "config.json").write_text(
        json.dumps({"model_type": "gpt_oss", "quantization_config": {"quant_method": "mxfp4"}})
    )
    stored(folder / "m", {f"{name}_blocks": blocks, f"{name}_scales": scales})
    again = convert_moe_packed_tensors(blocks, scales).float().numpy()
    return Written(folder / "m", {name: again}, name=name, start=np.zeros_like(again))


def torch_ao(folder: Path, kind: str) -> Written:
    """``torch.ao.quantization``: dynamic, or static with observers that have seen a batch."""
    import torch
    from torch.ao import quantization as library

    net: Any = torch.nn.Sequential()
    net.add_module("l", linear())
    if kind == "dynamic":
        net = library.quantize_dynamic(net, {torch.nn.Linear}, dtype=torch.qint8)
    else:
        net = torch.nn.Sequential(library.QuantStub(), linear(), library.DeQuantStub()).eval()
        net.qconfig = library.get_default_qconfig(kind)
        library.prepare(net, inplace=True)(torch.randn(8, COLUMNS))
        library.convert(net, inplace=True)
    torch.save(net.state_dict(), folder / "m.pt")
    module = net.l if kind == "dynamic" else net[1]
    name = NAME if kind == "dynamic" else "1.weight"
    return Written(folder / "m.pt", {name: module.weight().dequantize().numpy()}, 1e-6, name)


def _each(
    package: str, module: str, write: Callable[..., Written], names: dict[str, dict[str, Any]]
) -> dict[str, Case]:
    return {
        name: (module, package, lambda folder, options=options: write(folder, **options))
        for name, options in names.items()
    }


CASES: dict[str, Case] = {
    **_each(
        "llmcompressor", "llmcompressor", llm_compressor,
        {
            f"compressed-tensors {scheme}": {"scheme": scheme}
            for scheme in ("W8A16", "W4A16", "W4A16_ASYM", "INT8", "FP8_DYNAMIC", "FP8_BLOCK", "NVFP4A16", "MXFP4A16",
                           "MXFP8A16")
        },
    ),
    **_each(
        "compressed-tensors", "compressed_tensors", sparse,
        {f"compressed-tensors {form}": {"form": form} for form in ("sparse-bitmask", "sparse-24-bitmask")},
    ),
    **_each(
        "nvidia-modelopt", "modelopt", model_optimizer,
        {
            f"ModelOpt {kind}": {"config": config, "kind": kind.split(" ")[0]}
            for kind, config in (
                ("fp8", "FP8_DEFAULT_CFG"), ("fp8 per channel", "FP8_PER_CHANNEL_PER_TOKEN_CFG"),
                ("blocks of 128 × 128, fp8", "FP8_2D_BLOCKWISE_WEIGHT_ONLY_CFG"), ("int8", "INT8_WEIGHT_ONLY_CFG"),
                ("int4", "INT4_BLOCKWISE_WEIGHT_ONLY_CFG")
            )
        },
    ),
    **_each("nvidia-modelopt", "modelopt", model_optimizer_nvfp4, {"ModelOpt NVFP4": {}}),
    **_each(
        "gptqmodel", "gptqmodel", gptq_model,
        {
            f"GPTQModel {form}, {bits} bits{', order of activations' if order else ''}{'' if same else ', asymmetric'}":
                {"bits": bits, "desc_act": order, "sym": same, "format": form}
            for form, bits, order, same in (
                ("gptq", 4, False, True), ("gptq", 4, True, True), ("gptq", 8, False, True), ("gptq", 3, False, True),
                ("gptq", 2, False, True), ("gptq_v2", 4, False, False), ("gptq_v2", 4, False, True)
            )
        }
        | {"GPTQModel AWQ, 4 bits": {"bits": 4, "quant_method": "awq", "format": "gemm"}},
    ),
    **_each(
        "auto-round", "auto_round", auto_round,
        {"AutoRound": {"form": "auto_round"}},
    ),
    **_each(
        "mlx", "mlx", mlx,
        {
            f"MLX, {bits} bits, groups of {size}": {"group_size": size, "bits": bits, "mode": "affine"}
            for bits, size in ((8, 64), (6, 64), (5, 64), (4, 64), (4, 32), (3, 64), (2, 128))
        }
        | {
            f"MLX {mode}": {"group_size": size, "bits": bits, "mode": mode}
            for mode, bits, size in (("mxfp4", 4, 32), ("mxfp8", 8, 32), ("nvfp4", 4, 16))
        },
    ),
    **_each("transformers", "transformers", transformers_fp8, {"FP8, blocks of 128 × 128 (weight_scale_inv)": {}}),
    **_each("transformers", "transformers", transformers_mxfp4, {"MXFP4 of gpt-oss (blocks and scales)": {}}),
    **_each(
        "torch", "torch", torch_ao,
        {f"torch.ao {kind}": {"kind": kind} for kind in ("dynamic", "x86", "qnnpack")},
    ),
}  # fmt: skip
