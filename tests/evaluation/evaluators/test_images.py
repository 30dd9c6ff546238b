"""Detection and segmentation, beside the libraries that compute them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import compress_compare as cc
from compress_compare.engines.scoring import Scorer, define
from compress_compare.evaluation.evaluators.detection import Detection
from compress_compare.evaluation.evaluators.segmentation import Segmentation
from compress_compare.recipes import Data, Task
from compress_compare.store.store import Store

IMAGES = [torch.rand(3, 40, 40) for _ in range(3)]
NAMES = {1: "cat", 2: "dog"}


@pytest.fixture(scope="module", autouse=True)
def torchmetrics() -> Any:
    """Imported by who runs these tests alone: it takes seconds."""
    return pytest.importorskip("torchmetrics")


def objects(*found: tuple[int, list[float], float]) -> dict[str, Tensor]:
    """Labels, boxes and scores, and masks that fill the boxes."""
    masks = torch.zeros(len(found), 1, 40, 40)
    for mask, (_, (left, top, right, bottom), _) in zip(masks, found, strict=True):
        mask[0, int(top) : int(bottom), int(left) : int(right)] = 1
    return {
        "labels": torch.tensor([label for label, _, _ in found], dtype=torch.long),
        "boxes": torch.tensor([box for _, box, _ in found]).reshape(-1, 4),
        "scores": torch.tensor([score for _, _, score in found]),
        "masks": masks,
    }


TRUTH = [
    objects((1, [2.0, 2.0, 20.0, 20.0], 1.0), (2, [22.0, 22.0, 38.0, 38.0], 1.0)),
    objects((1, [5.0, 5.0, 30.0, 30.0], 1.0)),
    objects(),
]
FOUND = [
    objects((1, [3.0, 2.0, 20.0, 21.0], 0.9), (2, [0.0, 0.0, 10.0, 10.0], 0.8), (2, [23.0, 22.0, 38.0, 38.0], 0.3)),
    objects((1, [5.0, 6.0, 28.0, 30.0], 0.7), (1, [6.0, 5.0, 30.0, 28.0], 0.6)),
    objects((2, [1.0, 1.0, 9.0, 9.0], 0.4)),
]


class Detector(nn.Module):
    """Finds what it is told to, as torchvision's detectors answer."""

    def __init__(self, found: list[dict[str, Tensor]]) -> None:
        super().__init__()
        self.found = found

    def forward(self, images: list[Tensor]) -> Any:
        assert len(images) == 3 and not self.training
        return self.found


@pytest.mark.parametrize("kind", ["boxes", "masks"])
def test_average_precision_is_that_of_pycocotools(kind: Any) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    coded = pytest.importorskip("pycocotools.mask")

    def entries(images: list[dict[str, Tensor]]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for number, image in enumerate(images):
            columns = [image[key] for key in ("labels", "boxes", "scores", "masks")]
            for label, box, score, mask in zip(*columns, strict=True):
                x, y, right, bottom = box.tolist()
                size = {"bbox": [x, y, right - x, bottom - y], "area": (right - x) * (bottom - y)}
                row = {"id": len(rows) + 1, "image_id": number, "category_id": int(label), "iscrowd": 0}
                row |= size | {"score": float(score)}
                pixels = mask[0].to(torch.uint8).t().contiguous().numpy().T
                rows.append(row | ({"segmentation": coded.encode(pixels)} if kind == "masks" else {}))
        return rows

    truth = coco.COCO()
    truth.dataset = {
        "images": [{"id": i, "height": 40, "width": 40} for i in range(3)],
        "categories": [{"id": 1}, {"id": 2}],
    }
    truth.dataset["annotations"] = entries(TRUTH)
    truth.createIndex()
    wanted = evaluation.COCOeval(truth, truth.loadRes(entries(FOUND)), "bbox" if kind == "boxes" else "segm")
    wanted.evaluate()
    wanted.accumulate()
    wanted.summarize()
    measured = Detection([(IMAGES, TRUTH)], NAMES, kind=kind).measure(Detector(FOUND))
    assert measured["Average Precision"].value == pytest.approx(wanted.stats[0])
    assert measured["Average Precision 50"].value == pytest.approx(wanted.stats[1])
    assert measured["Average Precision"].count == 3 and 0 < wanted.stats[0] < 1


def test_objects_found_and_missed_are_counted_image_by_image(tmp_path: Any) -> None:
    pytest.importorskip("pycocotools")
    evaluator = Detection([(IMAGES, TRUTH)], NAMES)
    answers = evaluator.answer(Detector(FOUND))
    assert answers["metrics"] == {
        "objects found": [1, 1, 0],  # the box of score 0.3 counts for nothing
        "objects missed": [1, 0, 0],
        "false detections": [1, 1, 0],
    }
    assert answers["boxes"][1][0]["class"] == "cat" and answers["boxes"][1][0]["box"] == [5.0, 6.0, 28.0, 30.0]
    with Store.open(tmp_path / "p") as project:
        project.log_model("m")
        project.log_dataset("photos", ids=[0, 1, 2])
        project.log_outputs("m", "photos", ids=[0, 1, 2], **answers)


def test_a_detector_that_finds_nothing() -> None:
    pytest.importorskip("pycocotools")
    evaluator = Detection([(IMAGES, TRUTH)], NAMES)
    nothing = Detector([objects()] * 3)
    assert evaluator.measure(nothing)["Average Precision"].value == 0
    assert evaluator.answer(nothing)["metrics"]["objects missed"] == [2, 1, 0]


def test_a_score_and_a_pixel_of_one_half_count() -> None:
    pytest.importorskip("pycocotools")
    found = [objects((1, [5.0, 5.0, 30.0, 30.0], 0.5), (1, [0.0, 0.0, 4.0, 4.0], 0.49)), objects(), objects()]
    truth = [objects((1, [5.0, 5.0, 30.0, 30.0], 1.0)), objects(), objects()]
    for each in found:
        each["masks"] = each["masks"] / 2
    for kind in ("boxes", "masks"):
        evaluator = Detection([(IMAGES, truth)], NAMES, kind=kind)  # type: ignore[arg-type]
        assert evaluator.answer(Detector(found))["metrics"]["objects found"] == [1, 0, 0]
        assert evaluator.answer(Detector(found))["metrics"]["false detections"] == [0, 0, 0]
        assert evaluator.measure(Detector(found))["Average Precision"].value == pytest.approx(1)
    found[0]["masks"] -= 0.01  # every pixel is now less likely than not
    assert evaluator.measure(Detector(found))["Average Precision"].value == 0


def test_classes_may_be_a_list_of_names_and_images_come_in_batches() -> None:
    pytest.importorskip("pycocotools")

    class Half(Detector):
        def forward(self, images: list[Tensor]) -> Any:
            return self.found[: len(images)] if len(images) == 2 else self.found[2:]

    batches = [(IMAGES[:2], TRUTH[:2]), (IMAGES[2:], TRUTH[2:])]
    evaluator = Detection(batches, ("nothing", "cat", "dog"))
    whole = Detection([(IMAGES, TRUTH)], NAMES)
    for name, value in whole.measure(Detector(FOUND)).items():
        assert evaluator.measure(Half(FOUND))[name] == value
    assert evaluator.answer(Half(FOUND)) == whole.answer(Detector(FOUND))


def test_masks_of_objects_are_logged_and_compared(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    evaluator = Detection([(IMAGES, TRUTH)], NAMES, kind="masks")
    assert "object_masks" not in Detection([(IMAGES, TRUTH)], NAMES).answer(Detector(FOUND))
    whole = [
        [{"class": NAMES[int(label)], "box": box.tolist()} for label, box in zip(*each, strict=True)]
        for each in ((one["labels"], one["boxes"]) for one in TRUTH)
    ]
    columns = {"ids": range(3), "boxes": whole, "object_masks": [each["masks"] for each in TRUTH]}
    task = Task(nn.Identity, evaluator.measure, evaluator.metrics, data=Data("photos", columns, evaluator.answer))
    with cc.open(tmp_path / "p") as project:
        scorer = Scorer(project, task, define(project, task))
        for id, found in (("base", TRUTH), ("small", FOUND)):
            project.log_model(id)
            assert scorer.evaluate(id, Detector(found), asked=())
        found = project.behaviors("base", "small", "photos", metric="missed_objects")
        mean = found.detection.to_pylist()[0]
        assert (mean["overlap_of"], mean["base_ap"]) == ("masks", 1)
        assert mean["ap"] == pytest.approx(project.model("small").metrics["Average Precision"][0].value, abs=1e-6)
        missed = [row["missed_objects[small]"] for row in found.instances().to_pylist()]
        assert missed == evaluator.answer(Detector(FOUND))["metrics"]["objects missed"]


@pytest.mark.parametrize(("bottom", "is_found"), [(5.2, True), (5.0, True), (4.9, False)])
def test_an_object_is_found_where_a_box_overlaps_it_by_half(bottom: float, is_found: bool) -> None:
    pytest.importorskip("pycocotools")
    truth = [{"labels": torch.tensor([1]), "boxes": torch.tensor([[0.0, 0.0, 10.0, 10.0]])}]
    found = [{**truth[0], "boxes": torch.tensor([[0.0, 0.0, 10.0, bottom]]), "scores": torch.tensor([0.9])}]
    evaluator = Detection([(IMAGES[:1], truth)], NAMES, detect=lambda model, images: found)
    assert evaluator.answer(nn.Identity())["metrics"] == {
        "objects found": [int(is_found)],
        "objects missed": [int(not is_found)],
        "false detections": [int(not is_found)],
    }
    assert evaluator.measure(nn.Identity())["Average Precision 50"].value == pytest.approx(float(is_found))


def test_images_without_objects_have_no_precision() -> None:
    pytest.importorskip("pycocotools")
    assert Detection([(IMAGES, [objects()] * 3)], NAMES).measure(Detector(FOUND)) == {}


def test_segmentation_is_scored_as_by_torchmetrics(torchmetrics: Any) -> None:
    torch.manual_seed(0)
    model, images = nn.Conv2d(3, 4, 3, padding=1), torch.randn(2, 3, 8, 8)
    labels = torch.randint(0, 4, (2, 8, 8))
    labels[0, :3] = 255
    with torch.no_grad():
        found = model(images).argmax(1)
    wanted = torchmetrics.classification.MulticlassJaccardIndex(4, ignore_index=255)(found, labels)
    evaluator = Segmentation([(images, labels)], 4, void=255)
    assert evaluator.measure(model)["Mean IoU"].value == pytest.approx(float(wanted))
    answers = evaluator.answer(model)
    assert all((mask == one.numpy()).all() for mask, one in zip(answers["masks"], found, strict=True))
    shares = answers["metrics"]["pixel accuracy"]
    assert shares == pytest.approx(
        [float((found[0, 3:] == labels[0, 3:]).float().mean()), float((found[1] == labels[1]).float().mean())]
    )


def test_an_evaluation_logs_masks_that_are_compared(tmp_path: Path) -> None:
    torch.manual_seed(0)
    images, labels = torch.randn(4, 3, 8, 8), torch.randint(0, 3, (4, 8, 8))
    labels[:, 0] = 255
    evaluator = Segmentation([(images[:2], labels[:2]), (images[2:], labels[2:])], 3, void=255, names=("a", "b", "c"))
    columns = {"ids": range(4), "masks": labels, "void": 255}
    models = {"base": nn.Conv2d(3, 3, 3, padding=1), "half": nn.Conv2d(3, 3, 3, padding=1)}
    task = Task(nn.Identity, evaluator.measure, evaluator.metrics, data=Data("street", columns, evaluator.answer))
    with cc.open(tmp_path / "p") as project:
        scorer = Scorer(project, task, define(project, task))
        for id, model in models.items():
            project.log_model(id)
            assert scorer.evaluate(id, model, asked=())
        found = project.behaviors("base", "half", "street", metric="mean_iou")
        whole = found.segmentation.to_pylist()[0]
        for id, name in (("base", "base_iou"), ("half", "iou")):
            assert whole[name] == pytest.approx(project.model(id).metrics["Mean IoU"][0].value, abs=1e-6)
        accuracy = found.using("pixel_accuracy").instances().to_pylist()
        logged = found.using("pixel accuracy").instances().to_pylist()
        assert [row["pixel_accuracy[half]"] for row in accuracy] == [row["pixel accuracy[half]"] for row in logged]
        assert found.mask_classes == {0: "a", 1: "b", 2: "c"}
        assert (found.masks(3)["half"] == evaluator.answer(models["half"])["masks"][3]).all()


def test_masks_of_fewer_images_than_there_are_labels_are_not_described() -> None:
    labels = torch.tensor([[[0, 1]], [[1, 255]], [[255, 255]]])
    evaluator = Segmentation([(torch.zeros(3), labels)], 2, void=255)
    masks = [torch.tensor([[0, 0]]), torch.tensor([[1, 0]]), torch.tensor([[1, 1]])]
    assert evaluator.describe({"masks": masks})["metrics"] == {"pixel accuracy": [0.5, 1.0, None]}
    with pytest.raises(ValueError, match="zip"):
        evaluator.describe({"masks": masks[:2]})
