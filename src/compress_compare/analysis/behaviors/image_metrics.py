"""The per-instance metrics of images: of the boxes that detectors find, and of masks."""

from __future__ import annotations

from . import detection, segmentation
from .definition import BOXES, FRACTION, MASKS, InstanceMetric

OF_IMAGES = {
    "detection_f1": InstanceMetric(
        detection.f1,
        True,
        (BOXES,),
        "F1 of the boxes with a score of at least 0.5. A box is right if its intersection over union with an object of "
        "the class is at least 0.5. F1 is 1 where there is nothing to find and nothing found.",
        title="Detection F1",
        **FRACTION,
    ),
    "detection_recall": InstanceMetric(
        detection.recall, True, (BOXES,), "Share of the objects that are found.", title="Detection recall", **FRACTION
    ),
    "detection_precision": InstanceMetric(
        detection.precision,
        True,
        (BOXES,),
        "Share of the boxes that find an object.",
        title="Detection precision",
        **FRACTION,
    ),
    "missed_objects": InstanceMetric(
        detection.missed_objects,
        False,
        (BOXES,),
        "Number of objects that no box finds.",
        title="Missed objects",
        low=0,
    ),
    "false_positives": InstanceMetric(
        detection.false_positives,
        False,
        (BOXES,),
        "Number of boxes that find no object.",
        title="False positives",
        low=0,
    ),
    "mean_iou": InstanceMetric(
        segmentation.mean_iou,
        True,
        (MASKS,),
        "Mean of the intersection over union of the classes that label or answer have in the image, without void "
        "pixels.",
        title="Mean IoU",
        **FRACTION,
    ),
    "pixel_accuracy": InstanceMetric(
        segmentation.pixel_accuracy,
        True,
        (MASKS,),
        "Share of the pixels that have the class of the label, without void pixels.",
        title="Pixel accuracy",
        **FRACTION,
    ),
    "pixel_agreement": InstanceMetric(
        segmentation.agreement,
        True,
        (MASKS,),
        "Share of the pixels that have the class that the base gives them, without void pixels.",
        title="Pixel agreement",
        **FRACTION,
        against_base=True,
    ),
}
