"""Lookup tables in the formats of runtimes: what shares a table, vectors, and other axes of output channels."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from torch import nn

import compress_compare as cc
from compress_compare.operations import Palettize
from compress_compare.recipes import Task
from compress_compare.schemes.scheme import TensorScheme
from compress_compare.shipping.codes import palette


class Turned(nn.Module):
    """Output channels in the first dimension, and, of the transposed convolution, in the second."""

    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(3, 8, 3)
        self.head = nn.Linear(8, 16)

    def forward(self, x):
        return self.head(torch.relu(self.up(x)).mean((2, 3)))


@pytest.fixture(scope="module")
def ship(tmp_path_factory):
    def shipped(operation, format):
        torch.manual_seed(0)
        net = Turned().eval()
        task = Task(lambda: net, lambda _: {}, batches=[(torch.randn(8, 3, 4, 4), torch.zeros(8))])
        place = tmp_path_factory.mktemp("palettes")
        with cc.open(place / "project") as project:
            project.log_model("net", checkpoint=net)
            project.log_model("small", base="net", operation=operation, checkpoint=operation(net))
            return project.ship("small", place / "out", format=format, task=task), place / "out"

    return shipped


WAYS = {
    "one table": Palettize(bits=2),
    "a table for four channels": Palettize(bits=3, group_size=4),
    "vectors of two": Palettize(bits=4, cluster_dim=2),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["onnx", "openvino", "coreml"])
@pytest.mark.parametrize("way", WAYS)
def test_tables_leave_as_tables(ship, way, format):
    pytest.importorskip({"onnx": "onnxscript", "openvino": "openvino", "coreml": "coremltools"}[format])
    found, _ = ship(WAYS[way], format)
    assert (found.proof.max_difference, found.proof.agreement, list(found.notes)) == (0, 1, [])


@pytest.mark.filterwarnings("ignore")
def test_openvino_keeps_labels_of_two_bits(ship):
    pytest.importorskip("openvino")
    _, out = ship(WAYS["one table"], "openvino")
    constants = [one for one in ElementTree.parse(out / "model.xml").iter("layer") if one.get("type") == "Const"]
    kinds = [(one.find("data").get("element_type"), int(one.find("data").get("size"))) for one in constants]
    assert sorted(size for kind, size in kinds if kind == "u2") == [8 * 16 * 2 // 8, 3 * 8 * 9 * 2 // 8]


@pytest.mark.filterwarnings("ignore")
def test_core_ml_keeps_labels_of_two_bits(ship):
    models = pytest.importorskip("coremltools").models
    _, out = ship(WAYS["one table"], "coreml")
    spec = models.utils.load_spec(str(out / "model.mlpackage"))
    block = next(iter(spec.mlProgram.functions["main"].block_specializations.values()))
    lookups = [one for one in block.operations if one.type == "constexpr_lut_to_dense"]
    of = {one.outputs[0].name: one.outputs[0].type.tensorType for one in block.operations if one.outputs}
    given = [one.inputs["lut"].arguments[0] for one in lookups]
    types = [of[one.name] if one.name else one.value.type.tensorType for one in given]
    shapes = [[dimension.constant.size for dimension in kind.dimensions] for kind in types]
    assert sorted(shapes) == [[1, 1, 1, 1, 4, 1], [1, 1, 4, 1]]


@pytest.mark.parametrize(
    ("scheme", "shape"),
    [
        (TensorScheme("palettized", 2, codebook_size=4), (4, 6)),
        (TensorScheme("palettized", 2, strategy="channel", codebook_size=4), (4, 6)),
        (TensorScheme("palettized", 2, strategy="channel", group_size=2, channel_axis=1, codebook_size=4), (3, 4, 5)),
        (TensorScheme("palettized", 2, strategy="group", group_size=3, codebook_size=4), (4, 6)),
        (TensorScheme("palettized", 2, dim=2, codebook_size=4, channel_axis=0), (4, 6)),
    ],
)
def test_tables_and_labels_give_the_weight_back(scheme, shape):
    values = np.random.default_rng(0).integers(0, 4, shape).astype(np.float32)
    found = palette(values, scheme)
    flat = np.concatenate([table[labels].reshape(-1) for table, labels in zip(found.tables, found.labels, strict=True)])
    first, axes = found.order()
    assert np.array_equal(flat.reshape(first).transpose(axes), values)


def test_tables_that_are_shared_unevenly_are_named():
    scheme = TensorScheme("palettized", 2, strategy="channel", group_size=3, codebook_size=4)
    assert palette(np.zeros((4, 6), np.float32), scheme) == "its last table is shared by fewer weights than the others"
    many = np.arange(300, dtype=np.float32)
    assert palette(many, TensorScheme("palettized", 8)) == "it has more than 256 distinct numbers"
