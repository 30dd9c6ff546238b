"""OpenVINO's intermediate representation: weights as integers with scales or as tables, run by OpenVINO."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis.layers.values import Array
from ...errors import MissingExtra, UserError
from ...records.own_key import KEY
from ..base import Format, Runner, Source, Written
from ..codes import Coded, LookupTables
from ..origin import text
from .onnx import graph_of, too_large
from .openvino_graph import decompressed, replace, weight_nodes

FILE = "model.xml"
SETTINGS = {
    "INFERENCE_NUM_THREADS": 1,
    "INFERENCE_PRECISION_HINT": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
}


class OpenvinoFormat(Format):
    """Holds floats, integers of 2 to 8 bits with scales for tensors, channels and groups, palettes, and static int8.

    Codes take 4 or 8 bits, labels 1, 2, 4 or 8. Zeros are stored like other numbers.
    """

    name = "openvino"
    summary = "OpenVINO IR with weights as integers and scales or as tables, as NNCF compresses them"
    extra = "openvino"
    needs_network = True

    def refusal(self, source: Source) -> UserError | None:
        """Refuse more weights than one file of ONNX takes, on the way, and models without a network."""
        try:
            import onnx  # noqa: F401
            import onnxscript  # noqa: F401
            import openvino  # noqa: F401
        except ImportError as error:
            raise MissingExtra(error.name or "openvino", purpose="Shipping as openvino", extra=self.extra) from error
        return too_large(self, source)

    def write(self, source: Source, folder: Path) -> Written:
        """Translate the network by way of ONNX, and put codes in place of its weights."""
        import openvino

        proto, weights, written = graph_of(self, source)
        notes = list(written.notes)
        model = openvino.Core().read_model(proto.SerializeToString())
        nodes = weight_nodes(model)
        for name, weight in weights.items():
            made = decompressed(weight, name) if isinstance(weight, Coded | LookupTables) else None
            if made is None or name not in nodes:
                notes.append(f"{name}: its scales or tables are laid out in another way; it is stored as floats.")
            else:
                replace(nodes[name], made)
        model.set_rt_info(text({"origin": source.origin}), [KEY])
        openvino.save_model(model, str(folder / FILE), compress_to_fp16=False)
        return replaced(written, notes=notes)

    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The weights as OpenVINO computes them."""
        import openvino

        core = openvino.Core()
        found = weight_nodes(core.read_model(str(folder / FILE)))
        if not found:
            return {}
        small = openvino.Model([node.output(0) for node in found.values()], [], "weights")
        answers = core.compile_model(small, "CPU", SETTINGS)([])
        return {name: np.array(answers[place]) for place, name in enumerate(found)}

    def origin(self, folder: Path) -> Mapping[str, Any]:
        """From the runtime information of the model."""
        import openvino

        model = openvino.Core().read_model(str(folder / FILE))
        if not model.has_rt_info([KEY]):
            return {}
        said = json.loads(model.get_rt_info([KEY]).astype(str)).get("origin", {})
        return said if isinstance(said, Mapping) else {}

    def runner(self, folder: Path, source: Source) -> tuple[Runner, str] | None:
        """By OpenVINO on one thread of the CPU."""
        import openvino
        import torch

        from ...evaluation.inputs import tensors

        core = openvino.Core()
        compiled = core.compile_model(core.read_model(str(folder / FILE)), "CPU", SETTINGS)
        names = [entry.get_any_name() for entry in compiled.inputs]

        def run(inputs: Any) -> torch.Tensor:
            if isinstance(inputs, Mapping) and set(names) <= set(inputs):
                given = [inputs[name].numpy() for name in names]
            else:
                given = [tensor.numpy() for tensor in tensors(inputs)][: len(names)]
            return torch.from_numpy(np.array(compiled(given)[0]))

        return run, f"OpenVINO {openvino.__version__.partition('-')[0]}"
