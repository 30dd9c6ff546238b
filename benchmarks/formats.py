"""Checkpoints that the field's own tools write, read here and compared with the numbers those tools give.

    python benchmarks/formats.py [NAME …]

Each case runs if its tool is installed (an environment of its own for each is best) and prints a row of the table in
``docs/formats.md``: the format, the tool, whether every number is the tool's, bits, bytes, and by which rule the weight
was paired with the base. A number may differ by the rounding of the tool's own arithmetic, as the last column says.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from compress_compare.comparisons.files import opened
from compress_compare.readers.pair import ModelPair
from compress_compare.store.conversion import convert

ROWS, COLUMNS = 128, 256
NAME = "l.weight"
KERNEL = "layers.dense.0"


@dataclass(frozen=True)
class Written:
    """What a tool wrote: the file or folder, the numbers it gives for a weight, and the tolerance of its arithmetic."""

    path: Path
    numbers: Mapping[str, np.ndarray]
    tolerance: float = 0.0
    name: str = NAME


def base() -> np.ndarray:
    """The weight before it was packed."""
    return np.random.default_rng(0).normal(0, 0.02, (ROWS, COLUMNS)).astype(np.float32)


def linear(dtype: str = "float32") -> Any:
    """The same in a layer of PyTorch."""
    import torch

    layer = torch.nn.Linear(COLUMNS, ROWS, bias=False, dtype=getattr(torch, dtype))
    layer.weight.data.copy_(torch.from_numpy(base()))
    return layer


def network(dtype: str = "float32") -> Any:
    """A network of the one layer, named l."""
    import torch

    return torch.nn.ModuleDict({"l": linear(dtype)})


def stored(folder: Path, state: Mapping[str, Any]) -> Path:
    """A safetensors file of torch tensors."""
    from safetensors.torch import save_file as save

    save({name: tensor.contiguous() for name, tensor in state.items()}, folder / "model.safetensors")
    return folder / "model.safetensors"


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


def integers(folder: Path, per_channel: bool) -> Written:
    """ONNX Runtime's integer operators: a Gemm whose weight has codes of 8 bits, and its bias of 32."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime import quantization

    bias = np.random.default_rng(1).normal(0, 0.1, ROWS).astype(np.float32)
    node = helper.make_node("Gemm", ["x", NAME, "l.bias"], ["y"], transB=1)
    sizes = {"x": [1, COLUMNS], "y": [1, ROWS]}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in sizes.items()]
    tensors = [numpy_helper.from_array(base(), NAME), numpy_helper.from_array(bias, "l.bias")]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], tensors)
    versions = {"opset_imports": [helper.make_opsetid("", 17)], "ir_version": 9}
    onnx.save(helper.make_model(graph, **versions), folder / "float.onnx")
    given = iter([{"x": np.random.default_rng(2).normal(size=(1, COLUMNS)).astype(np.float32)}])

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> Any:
            return next(given, None)

    quantization.quantize_static(
        folder / "float.onnx", folder / "m.onnx", Reader(), quant_format=quantization.QuantFormat.QOperator,
        per_channel=per_channel, weight_type=quantization.QuantType.QInt8,
    )  # fmt: skip
    known = {one.name: numpy_helper.to_array(one) for one in onnx.load(folder / "m.onnx").graph.initializer}
    scale = known[f"{NAME}_scale"].reshape(-1, 1)
    return Written(folder / "m.onnx", {NAME: known[f"{NAME}_quantized"].astype(np.float32) * scale})


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


def keras_(folder: Path, kind: str) -> Written:
    """Keras, whose kernel stands the other way round than PyTorch's weight."""
    import keras as library

    layer = library.layers.Dense(ROWS)
    net = library.Sequential([library.Input((COLUMNS,)), layer])
    layer.set_weights([base().T, np.ones(ROWS, np.float32)])
    if kind:
        net.quantize(kind)
    net.save_weights(folder / "m.weights.h5")
    kernel = layer._kernel.value.detach().numpy().astype(np.float32)
    if kind:
        kernel = kernel / layer.kernel_scale.value.detach().numpy()
    return Written(folder / "m.weights.h5", {KERNEL: kernel}, 1e-6, KERNEL)


def openvino(folder: Path, mode: str, **options: Any) -> Written:
    """OpenVINO with weights that NNCF compressed; the numbers are what the runtime makes of them, in float16."""
    import nncf
    import openvino as library
    from openvino import opset13 as op

    x = op.parameter([1, COLUMNS], np.float32, name="x")
    weight = op.constant(base())
    weight.set_friendly_name(f"self.{NAME}")
    product = op.matmul(x, weight, transpose_a=False, transpose_b=True)
    model = library.Model([product], [x], "m")
    if mode:
        model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode[mode], **options)
    library.save_model(model, folder / "m.xml", compress_to_fp16=not mode)
    read = library.Core().read_model(folder / "m.xml")
    (used,) = [one.input_value(1) for one in read.get_ordered_ops() if one.get_type_name() == "MatMul"]
    alone = library.Model([op.result(op.convert(used, "f32"))], [], "weight")
    found = library.Core().compile_model(alone, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([])
    return Written(folder / "m.xml", {NAME: found[0]}, 1e-3)


def coreml(folder: Path, kind: str) -> Written:
    """Core ML, compressed by coremltools and taken apart by it."""
    import coremltools as library
    import torch
    from coremltools.optimize import coreml as optimize

    net = network()
    net.forward = lambda x: torch.relu(net["l"](x))
    traced = torch.jit.trace(net.eval(), torch.zeros(1, COLUMNS))
    model = library.convert(
        traced,
        inputs=[library.TensorType("x", (1, COLUMNS))],
        minimum_deployment_target=library.target.iOS18,
        compute_precision=library.precision.FLOAT32,
    )
    linear_of, palette_of = optimize.OpLinearQuantizerConfig, optimize.OpPalettizerConfig
    configs = {
        "int8": lambda: linear_of(mode="linear_symmetric", weight_threshold=0),
        "int4": lambda: linear_of("linear_symmetric", "int4", "per_block", block_size=32, weight_threshold=0),
        "palette 4": lambda: palette_of(mode="uniform", nbits=4, weight_threshold=0),
        "sparse": lambda: optimize.OpMagnitudePrunerConfig(target_sparsity=0.5, weight_threshold=0),
    }
    compress = {"palette 4": optimize.palettize_weights, "sparse": optimize.prune_weights}
    if kind:
        config = optimize.OptimizationConfig(configs[kind]())
        model = compress.get(kind, optimize.linear_quantize_weights)(model, config)
    model.save(str(folder / "m.mlpackage"))
    whole = optimize.decompress_weights(model) if kind else model
    (found,) = [one.val for one in optimize.get_weights_metadata(whole, weight_threshold=1000).values()]
    return Written(folder / "m.mlpackage", {NAME: np.asarray(found).reshape(ROWS, COLUMNS)})


CASES: dict[str, tuple[str, str, Callable[[Path], Written]]] = {
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
    **{
        f"torchao {kind}": ("torchao", "torchao", lambda f, k=kind: torchao(f, k))
        for kind in ("Int8WeightOnlyConfig", "Float8WeightOnlyConfig")
    },
    "torchao int4 in tiles, groups of 32": ("torchao", "torchao", tiles),
    "torch.distributed.checkpoint": ("torch", "torch", distributed),
    **{
        f"ONNX QGemm, int8 {per}": ("onnxruntime", "onnxruntime", lambda f, p=per == "per channel": integers(f, p))
        for per in ("per tensor", "per channel")
    },
    **{
        f"GGUF {kind}": ("gguf", "gguf", lambda f, k=kind: ggml(f, k))
        for kind in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS",
                     "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_S", "IQ1_M", "TQ1_0", "TQ2_0", "MXFP4")
    },
    **{
        f"NumPy {kind}": ("numpy", "numpy", lambda f, k=kind: numpy_(f, k))
        for kind in ("npy", "npz", "npz, compressed")
    },
    **{
        f"Keras .weights.h5{kind and f', {kind}'}": ("keras", "keras", lambda f, k=kind: keras_(f, k))
        for kind in ("", "int8")
    },
    **{
        f"OpenVINO {mode or 'FP16'}": ("nncf", "nncf", lambda f, m=mode, o=options: openvino(f, m, **o))
        for mode, options in (
            ("", {}), ("INT8_SYM", {}), ("INT8_ASYM", {}),
            *((mode, {"group_size": size, "all_layers": True}) for mode, size in (
                ("INT4_SYM", 64), ("INT4_ASYM", 64), ("NF4", 64), ("FP4", 64), ("FP8_E4M3", 64), ("MXFP4", 32),
                ("MXFP8_E4M3", 32), ("NVFP4", 16)
            )),
        )
    },
    **{
        f"Core ML {kind or 'float32'}": ("coremltools", "coremltools", lambda f, k=kind: coreml(f, k))
        for kind in ("", "int8", "int4", "palette 4", "sparse")
    },
    "LoRA": ("peft", "peft", lambda f: peft(f)),
    "rsLoRA": ("peft", "peft", lambda f: peft(f, use_rslora=True)),
    "DoRA": ("peft", "peft", lambda f: peft(f, use_dora=True)),
}  # fmt: skip


def row(name: str, package: str, write: Callable[[Path], Written]) -> str:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "scratch").mkdir()
        written = write(folder)
        start = base() if written.name == NAME else np.ascontiguousarray(base().T)
        save_file({written.name: start}, folder / "base.safetensors")
        first, (second, _) = opened(folder / "base.safetensors", folder)[0], opened(written.path, folder / "scratch")
        pair = ModelPair.of(first, second, buffers=False)
        match = pair.matches[written.name]
        values = pair.values(match)[1]
        stored = next(iter(pair.model_tensors(match).values()), None)
        bits = stored.packing.bits if stored is not None and stored.packing is not None else ""
        told = f"{name} | {package} {importlib.metadata.version(package)}"
        if values is None or stored is None:
            return f"| {told} | not read: {json.dumps(pair.model.unread)} | | | |"
        expected = written.numbers[written.name]
        scale = float(np.abs(expected[np.isfinite(expected)]).max())
        wrong = float(np.nanmax(np.abs(values.whole().reshape(expected.shape) - expected))) / scale
        exact = (
            "every number"
            if wrong == 0
            else f"within {wrong:.0e}"
            if wrong <= written.tolerance
            else f"WRONG {wrong:.2g}"
        )
        return f"| {told} | {exact} | {bits} | {stored.num_bytes:,} | {match.how} |"


def main() -> None:
    """Print the table."""
    wanted = sys.argv[1:]
    print("| format | written by | exact | bits | bytes | paired by |\n|---|---|---|---|---|---|")
    for name, (module, package, write) in CASES.items():
        if wanted and not any(part.lower() in name.lower() for part in wanted):
            continue
        try:
            importlib.import_module(module)
        except ImportError:
            print(f"| {name} | {package} is not installed | | | | |")
            continue
        print(row(name, package, write), flush=True)


if __name__ == "__main__":
    main()
