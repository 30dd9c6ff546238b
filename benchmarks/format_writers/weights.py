"""Weights as libraries of PyTorch, NumPy and llama.cpp pack them, each in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from format_writers.written import COLUMNS, NAME, ROWS, Case, Written, base, linear, network, stored

from compress_compare.store.conversion import convert


def hqq(folder: Path, bits: int, axis: int) -> Written:
    """HQQ, encoded as transformers saves it."""
    import torch
    from hqq.core.quantize import BaseQuantizeConfig, HQQLinear

    config = BaseQuantizeConfig(nbits=bits, group_size=64, axis=axis)
    layer = HQQLinear(linear(), config, compute_dtype=torch.float32, device="cpu")
    layer.encoded_state_dict = True
    state = {f"l.{name}": value for name, value in layer.state_dict().items() if value is not None}
    return Written(stored(folder, state), {NAME: layer.dequantize().detach().numpy()}, 1e-6)


def quanto(folder: Path, kind: str) -> Written:
    """optimum-quanto, frozen."""
    from optimum import quanto as library

    net = network()
    library.quantize(net, weights=getattr(library, kind))
    library.freeze(net)
    return Written(
        stored(folder, net.state_dict()), {NAME: net["l"].weight.dequantize().detach().float().numpy()}, 1e-6
    )


def bitsandbytes(folder: Path, kind: str, nested: bool) -> Written:
    """bitsandbytes, as transformers saves it."""
    import torch
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    packed, state = quantize_4bit(torch.from_numpy(base()), blocksize=64, quant_type=kind, compress_statistics=nested)
    parts = {f"{NAME}.{name}": value for name, value in state.as_dict(packed=True).items()}
    return Written(stored(folder, {NAME: packed, **parts}), {NAME: dequantize_4bit(packed, state).numpy()}, 1e-6)


def int8(folder: Path) -> Written:
    """bitsandbytes' LLM.int8, as transformers saves it."""
    import torch
    from bitsandbytes.functional import int8_vectorwise_dequant, int8_vectorwise_quant

    codes, peaks, _ = int8_vectorwise_quant(torch.from_numpy(base()).half())
    parts = {NAME: codes, "l.SCB": peaks, "l.weight_format": torch.tensor(0, dtype=torch.uint8)}
    again = int8_vectorwise_dequant(codes, peaks).float()
    return Written(stored(folder, parts), {NAME: again.numpy()}, 1e-6)


def torchao(folder: Path, kind: str) -> Written:
    """torchao, flattened into safetensors."""
    from torchao import quantization as library
    from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict

    net = network("bfloat16")
    library.quantize_(net, getattr(library, kind)())
    state, _ = flatten_tensor_state_dict(net.state_dict())
    return Written(stored(folder, state), {NAME: net["l"].weight.dequantize().float().numpy()}, 0.01)


def tiles(folder: Path) -> Written:
    """torchao's four-bit weights in the order of the CPU's kernel, whose product with the identity has the numbers."""
    import torch
    from torchao.prototype.quantization.int4 import PrototypeInt4WeightOnlyConfig
    from torchao.quantization import quantize_

    from compress_compare.store.plain import plain

    net = network("bfloat16")
    quantize_(net, PrototypeInt4WeightOnlyConfig(group_size=32))
    with torch.no_grad():
        used = net["l"](torch.eye(COLUMNS, dtype=torch.bfloat16)).T.float().numpy()
    return Written(stored(folder, plain(net.state_dict())), {NAME: used}, 0.01)


def distributed(folder: Path) -> Written:
    """torch.distributed.checkpoint, written by two processes that each hold half of the rows, with an optimizer."""
    import torch.multiprocessing as processes

    processes.spawn(_rank, args=(str(folder),), nprocs=2)
    convert(folder / "ck", folder / "model.safetensors")
    return Written(folder / "model.safetensors", {NAME: base()})


def _rank(rank: int, folder: str) -> None:
    import torch
    import torch.distributed as dist
    import torch.distributed.checkpoint as dcp
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    half = distribute_tensor(torch.from_numpy(base()), mesh, [Shard(0)])
    state = {"model": {NAME: half}, "optim": {"state": {NAME: torch.ones(3)}}, "step": 7}
    dcp.save(state, checkpoint_id=f"{folder}/ck")
    dist.destroy_process_group()


def ggml(folder: Path, kind: str) -> Written:
    """llama.cpp's block formats, quantized or made of random blocks by the gguf package."""
    import gguf

    format = gguf.GGMLQuantizationType[kind]
    try:
        content = gguf.quants.quantize(base(), format)
    except NotImplementedError:
        size, num_bytes = gguf.GGML_QUANT_SIZES[format]
        content = np.random.default_rng(1).integers(0, 60, (ROWS, COLUMNS // size * num_bytes), dtype=np.uint8)
    writer = gguf.GGUFWriter(folder / "m.gguf", "llama")
    writer.add_tensor(NAME, content, raw_dtype=format)
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
    return Written(folder / "m.gguf", {NAME: gguf.quants.dequantize(content, format)})


def peft(folder: Path, **options: Any) -> Written:
    """A LoRA adapter alone beside its base."""
    import torch
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(network(), LoraConfig(r=4, lora_alpha=8, target_modules=["l"], **options))
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder / "adapter")
    merged = model.merge_and_unload()
    return Written(folder / "adapter", {NAME: merged["l"].weight.detach().numpy()}, 1e-6)


def numpy_(folder: Path, kind: str) -> Written:
    """NumPy, with or without compression, one array or several."""
    if kind == "npy":
        np.save(folder / "l.weight.npy", base())
        return Written(folder / "l.weight.npy", {NAME: base()})
    save = np.savez_compressed if kind == "npz, compressed" else np.savez
    save(folder / "m.npz", **{NAME: base()})
    return Written(folder / "m.npz", {NAME: base()})


CASES: dict[str, Case] = {
    **{
        f"HQQ {bits} bits, axis {axis}": ("hqq", "hqq", lambda f, b=bits, a=axis: hqq(f, b, a))
        for bits in (8, 4, 3, 2, 1)
        for axis in (1, 0)
    },
    **{
        f"quanto {kind}": ("optimum.quanto", "optimum-quanto", lambda f, k=kind: quanto(f, k))
        for kind in ("qint8", "qint4", "qint2", "qfloat8")
    },
    **{
        f"{kind.upper()}{', nested' if nested else ''}": (
            "bitsandbytes", "bitsandbytes", lambda f, k=kind, n=nested: bitsandbytes(f, k, n)
        )
        for kind in ("nf4", "fp4")
        for nested in (False, True)
    },
    "LLM.int8": ("bitsandbytes", "bitsandbytes", int8),
    **{
        f"torchao {kind}": ("torchao", "torchao", lambda f, k=kind: torchao(f, k))
        for kind in ("Int8WeightOnlyConfig", "Float8WeightOnlyConfig")
    },
    "torchao int4 in tiles, groups of 32": ("torchao", "torchao", tiles),
    "torch.distributed.checkpoint": ("torch", "torch", distributed),
    **{
        f"GGUF {kind}": ("gguf", "gguf", lambda f, k=kind: ggml(f, k))
        for kind in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS",
                     "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_S", "IQ1_M", "TQ1_0", "TQ2_0", "MXFP4")
    },
    **{
        f"NumPy {kind}": ("numpy", "numpy", lambda f, k=kind: numpy_(f, k))
        for kind in ("npy", "npz", "npz, compressed")
    },
    "LoRA": ("peft", "peft", lambda f: peft(f)),
    "rsLoRA": ("peft", "peft", lambda f: peft(f, use_rslora=True)),
    "DoRA": ("peft", "peft", lambda f: peft(f, use_dora=True)),
}  # fmt: skip
