"""ONNX: codes stand where the runtime looks for them, and the model says where it comes from."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

import compress_compare as cc
from compress_compare.operations import Quantize
from compress_compare.recipes import Task


class Mixed(nn.Module):
    """A convolution, and two products of matrices of which one is a product of three dimensions."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.inner = nn.Linear(8, 32)
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        x = self.inner(torch.relu(self.conv(x)).mean(1))
        return self.head(x.mean(1))


@pytest.fixture
def shipped(tmp_path):
    def ship(operation):
        torch.manual_seed(0)
        net = Mixed().eval()
        task = Task(lambda: net, lambda _: {}, batches=[(torch.randn(8, 1, 8, 8), torch.zeros(8))])
        with cc.open(tmp_path / "project") as project:
            project.log_model("net", checkpoint=net)
            project.log_model("small", base="net", operation=operation, checkpoint=operation(net))
            found = project.ship("small", tmp_path / "out", format="onnx", task=task)
            return found, onnx.load(tmp_path / "out" / "model.onnx"), project.load_checkpoint("small")

    return ship


def of(model, kind):
    return [node for node in model.graph.node if node.op_type == kind]


def numbers(model, node):
    """A dequantized weight, by the reference implementation of the operator."""
    given = {one.name: one for one in model.graph.initializer}
    graph = onnx.helper.make_graph(
        [node], "one", [], [onnx.helper.make_tensor_value_info(node.output[0], 1, None)],
        [given[name] for name in node.input],
    )  # fmt: skip
    single = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)
    return onnxruntime.InferenceSession(single.SerializeToString()).run(None, {})[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("bits", [3, 4, 8])
def test_channels_are_dequantized_by_the_runtime_to_the_numbers_of_the_model(shipped, bits, symmetric):
    found, model, state = shipped(Quantize(bits=bits, symmetric=symmetric))
    assert found.proof.max_difference == 0 and found.proof.agreement == 1
    nodes = {node.output[0]: node for node in of(model, "DequantizeLinear")}
    assert set(nodes) == {"conv.weight", "head.weight"}
    for name, node in nodes.items():
        assert np.array_equal(numbers(model, node), state[name].numpy())
    (product,) = of(model, "MatMulNBits")
    said = {one.name: one.i for one in product.attribute}
    assert (said["bits"], said["N"], said["K"]) == (4 if bits <= 4 else 8, 32, 8)


@pytest.mark.filterwarnings("ignore")
def test_groups_stay_groups(shipped):
    found, model, state = shipped(Quantize(bits=4, strategy="group", group_size=16, targets=("head",)))
    (node,) = of(model, "DequantizeLinear")
    assert {one.name: one.i for one in node.attribute} == {"axis": 1, "block_size": 16}
    assert np.array_equal(numbers(model, node), state["head.weight"].numpy())
    assert found.proof.max_difference == 0


@pytest.mark.filterwarnings("ignore")
def test_the_metadata_say_where_the_model_comes_from(shipped):
    _, model, _ = shipped(Quantize(bits=8))
    (said,) = [json.loads(one.value) for one in model.metadata_props if one.key == "compress_compare"]
    assert (said["origin"]["model"], said["origin"]["format"]) == ("small", "onnx")
