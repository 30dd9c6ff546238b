"""ResNet-20, 32 and 44, compressed alike, on exact images and on a shifted set: the same images as lossy JPEG."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from cifar import images, resnet
from larger.steps import Step, against, effects, table
from PIL import Image
from torch import Tensor, nn

from compress_compare.operations import (
    Calibrate,
    GPTQQuantize,
    LowRank,
    MagnitudePrune,
    Palettize,
    Quantize,
    Restore,
)
from compress_compare.project import Project
from compress_compare.records import Metric, MetricValue

DEPTHS = (20, 32, 44)
EXACT, JPEG = "CIFAR-10 test, 1,017 exact", "CIFAR-10 test, 10,000 JPEG"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TOP1, SHIFTED = "Top-1 Accuracy", "Top-1 Accuracy, JPEG"
ALIKE = {"format": ".1%", "higher_is_better": True, "primary": True, "min": 0, "max": 1}


class ResNets:
    """Thirteen models of each network."""

    metrics = (Metric(TOP1, **ALIKE), Metric(SHIFTED, **ALIKE))

    def __init__(self, data: Path) -> None:
        self._data = data
        with np.load(data / "datasets" / "cifar10_test_1017.npz") as file:
            self._pixels = file["x"]
        jpeg = pq.read_table(data / "datasets" / "cifar10_test_jpeg_10000.parquet")
        self._files = jpeg["jpeg"].to_pylist()
        shifted = np.stack([np.asarray(Image.open(io.BytesIO(one)).convert("RGB")) for one in self._files])
        exact = images(data, "test_1017")
        self._sets = {EXACT: exact, JPEG: (_prepared(shifted), torch.from_numpy(jpeg["label"].to_numpy()).long())}
        pixels, labels = images(data, "train_8068")
        self._calibration = [(pixels[:512].split(64)[k], labels[:512].split(64)[k]) for k in range(8)]

    def roots(self) -> Mapping[str, nn.Module]:
        return {f"resnet{depth}": resnet(self._data, depth) for depth in DEPTHS}

    def steps(self) -> Iterable[Step]:
        for root in (f"resnet{depth}" for depth in DEPTHS):
            for bits in (8, 4, 3):
                yield Step(f"{root}-w{bits}", root, Quantize(bits=bits))
            yield Step(f"{root}-w3-calibrated", f"{root}-w3", Calibrate())
            yield Step(f"{root}-w3-stem", f"{root}-w3", Restore(targets=["conv1", "linear"]))
            for bits in (4, 3):
                yield Step(f"{root}-gptq{bits}", root, GPTQQuantize(bits=bits))
            for percent in (50, 70):
                yield Step(f"{root}-p{percent}", root, MagnitudePrune(amount=percent / 100))
                yield Step(f"{root}-p{percent}-calibrated", f"{root}-p{percent}", Calibrate())
            for bits in (3, 2):
                yield Step(f"{root}-palette{bits}", root, Palettize(bits=bits))
            yield Step(f"{root}-rank50", root, LowRank(ratio=0.5))

    def calibration(self) -> Any:
        return self._calibration

    def prepare(self, project: Project) -> None:
        for name, (_, labels) in self._sets.items():
            given: Any = self._pixels if name == EXACT else self._files
            words = [CLASSES[label] for label in labels.tolist()]
            project.log_dataset(name, ids=np.arange(len(words)), labels=words, images=given)

    def measure(self, model: nn.Module) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        values, answers = {}, {}
        for (name, (pixels, labels)), metric in zip(self._sets.items(), (TOP1, SHIFTED), strict=True):
            chances = _chances(model, pixels)
            chosen = chances.argmax(1)
            share = float((chosen == labels.numpy()).mean())
            error = float(np.sqrt(share * (1 - share) / len(labels)))
            values[metric] = MetricValue(share, count=len(labels), standard_error=error)
            answers[name] = {
                "ids": np.arange(len(labels)),
                "predictions": [CLASSES[k] for k in chosen],
                "vectors": {"probabilities": chances},
                "classes": CLASSES,
            }
        return values, answers

    def tell(self, project: Project) -> None:
        table(project, (TOP1, SHIFTED, "Packed Size"))
        deeper = [("resnet20", "resnet32"), ("resnet32", "resnet44"), ("resnet20", "resnet44")]
        against(project, deeper, EXACT, metric="correct")
        against(project, deeper, JPEG, metric="correct")
        ends = ("w8", "w4", "gptq4", "p50", "p50-calibrated", "palette3")
        children = [(f"resnet{depth}", f"resnet{depth}-{end}") for depth in DEPTHS for end in ends]
        against(project, children, EXACT, metric="correct")
        against(project, children, JPEG, metric="correct")
        effects(project, TOP1)
        effects(project, SHIFTED)


def _prepared(pixels: np.ndarray[Any, Any]) -> Tensor:
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    scaled = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    return (scaled - mean[:, None, None]) / deviation[:, None, None]


@torch.no_grad()
def _chances(model: nn.Module, pixels: Tensor) -> np.ndarray[Any, Any]:
    return torch.cat([model.eval()(batch).softmax(1) for batch in pixels.split(256)]).numpy()
