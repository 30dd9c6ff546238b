"""Weights inside the graphs of Keras, OpenVINO, Core ML and LiteRT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from format_writers.written import COLUMNS, NAME, ROWS, Case, Written, base, linear, network

KERNEL = "layers.dense.0"
LAYER = "torch.nn.modules.linear.Linear;"


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
    return Written(folder / "m.weights.h5", {KERNEL: kernel}, 1e-6, KERNEL, turned=True)


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


def litert(folder: Path, name: str) -> Written:
    """LiteRT, by one of the quantizer's own recipes; what its interpreter makes of the identity are the numbers."""
    import litert_torch
    import torch
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    litert_torch.convert(linear().eval(), (torch.zeros(COLUMNS, COLUMNS),)).export(str(folder / "float.tflite"))
    made = quantizer.Quantizer(str(folder / "float.tflite"))
    made.load_quantization_recipe(getattr(recipe, name)())
    made.quantize().export_model(str(folder / "m.tflite"))
    interpreter = Interpreter(str(folder / "m.tflite"))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.eye(COLUMNS, dtype=np.float32))
    interpreter.invoke()
    product = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return Written(folder / "m.tflite", {LAYER: product.T}, 1e-6, LAYER)


CASES: dict[str, Case] = {
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
    **{
        f"LiteRT {name}": ("ai_edge_quantizer", "ai-edge-quantizer", lambda f, n=name: litert(f, n))
        for name in (
            "weight_only_wi8_afp32", "weight_only_wi4_afp32", "dynamic_wi8_afp32", "dynamic_wi4_afp32",
            "dynamic_wi4b32_afp32", "dynamic_wi4b64_afp32", "dynamic_wi2c_afp32"
        )
    },
}  # fmt: skip
