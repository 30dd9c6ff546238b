"""Evaluation data and outputs as Arrow tables: built from what the user has, checked, and fingerprinted."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import checks
from ..errors import InvalidValue
from ..records import check_name
from . import box_columns, mask_columns, object_mask_columns
from .payload_columns import described, encode_audio, file_bytes, label_sets, per_token_column, token_column

CONTENT = ("id", "label", "boxes", "mask", "object_masks", "image", "audio", "text", "tokens")
"""The columns that make the fingerprint; metadata may be added to the same data."""
MASKS = {"mask": mask_columns.MASK, "object_masks": object_mask_columns.OBJECT_MASKS}
"""Columns of masks; those of these names and other types are metadata, as datasets had before there were masks."""

MAX_PIXELS = 100_000_000
"""Of one picture, by what its header says."""
RESERVED = (*(name for name in CONTENT if name not in MASKS), "prediction")
"""Names that no metadata can have."""
PREPROCESSING, CLASSES = b"preprocessing", b"classes"
"""What is written in the schema of outputs: how inputs were prepared, and the names of the vectors' elements."""


@dataclass(frozen=True)
class PayloadColumns:
    """What instances are: ``[N]`` each, as ``project.log_dataset`` takes them."""

    images: Any = None
    audio: Any = None
    texts: Any = None
    tokens: Any = None
    boxes: Any = None
    masks: Any = None
    void: int | None = None
    """A class of masks that counts for nothing."""
    object_masks: Any = None


def dataset_table(
    ids: Any, *, labels: Any = None, payload: PayloadColumns | None = None, metadata: Any = None
) -> pa.Table:
    """The instances as one table: ``id``, then ``label``, ``boxes``, ``object_masks``, ``mask``, ``image`` and
    ``audio`` (bytes of files), ``text``, ``tokens`` and the metadata columns.

    Raises:
        InvalidValue: ``data.*`` for lengths that differ, ids that repeat or are missing, names that are taken.
    """
    columns = {"id": id_column(ids)}
    payload = payload or PayloadColumns()
    if mask_columns.are_masks(labels):
        labels, payload = None, replace(payload, masks=_only(payload.masks, labels))
    if labels is not None:
        columns |= _answered("label", labels, what="labels")
    if payload.boxes is not None:
        columns |= _boxed("label", payload.boxes, columns=columns)
    if payload.object_masks is not None:
        columns["object_masks"] = _object_masks(payload.object_masks, columns)
    if payload.masks is not None:
        columns["mask"] = mask_columns.mask_column(payload.masks, void=payload.void)
    if payload.images is not None:
        images = checks.items(payload.images, "The images")
        columns["image"] = pa.array([encode_image(image, i) for i, image in enumerate(images)], pa.binary())
    if payload.audio is not None:
        sounds = checks.items(payload.audio, "The sounds")
        columns["audio"] = pa.array([encode_audio(sound, i) for i, sound in enumerate(sounds)], pa.binary())
    if payload.texts is not None:
        columns["text"] = _array(payload.texts, "texts")
        if not pa.types.is_string(columns["text"].type):
            raise InvalidValue("data.type", "Texts must be strings.", detail=f"Found {columns['text'].type}.")
    if payload.tokens is not None:
        columns["tokens"] = token_column(checks.items(payload.tokens, "Tokens"))
    for name, values in _mapping(metadata).items():
        columns[_free_name(name, columns)] = _array(values, f"metadata {name!r}")
    _check_lengths(columns)
    return pa.table(columns)


@dataclass(frozen=True)
class OutputColumns:
    """What a model answered beside its predictions, and how it was asked; see ``project.log_outputs``."""

    vectors: Any = None
    metrics: Any = None
    texts: Any = None
    tokens: Any = None
    preprocessing: Any = None
    classes: Any = None
    boxes: Any = None
    masks: Any = None
    object_masks: Any = None


def outputs_table(ids: Any, predictions: Any, *, answers: OutputColumns | None = None) -> pa.Table:
    """What a model answered: ``id, prediction, text``, each vector as a list of float32, each metric as float64,
    numbers per token as lists of any length."""
    answers = answers or OutputColumns()
    columns = {"id": id_column(ids)}
    if mask_columns.are_masks(predictions):
        predictions, answers = None, replace(answers, masks=_only(answers.masks, predictions))
    if predictions is not None:
        columns |= _answered("prediction", predictions, what="predictions")
    if answers.boxes is not None:
        columns |= _boxed("prediction", answers.boxes, columns=columns)
    if answers.object_masks is not None:
        columns["object_masks"] = _object_masks(answers.object_masks, columns)
    if answers.masks is not None:
        columns["mask"] = mask_columns.mask_column(answers.masks, names=answers.classes)
    if answers.texts is not None:
        columns["text"] = _array(answers.texts, "texts")
    for name, values in _mapping(answers.tokens).items():
        rows = checks.items(values, f"The numbers per token {name!r}")
        columns[_free_name(name, columns)] = per_token_column(rows, name)
    for name, values in _mapping(answers.vectors).items():
        columns[_free_name(name, columns)] = _vectors(values, name)
    for name, values in _mapping(answers.metrics).items():
        array = _array(values, f"metric {name!r}")
        try:
            columns[_free_name(name, columns)] = array.cast(pa.float64())
        except pa.ArrowInvalid as error:
            raise InvalidValue("data.type", f"The per-instance metric {name!r} must be numbers.") from error
    if len(columns) == 1:
        raise InvalidValue("data.empty", "There are no outputs.", hint="Give predictions, masks or vectors, say.")
    _check_lengths(columns)
    return described(pa.table(columns), {PREPROCESSING: _fact(answers.preprocessing), CLASSES: _fact(answers.classes)})


def id_column(ids: Any) -> pa.Array:
    """Instance ids as int64 or string, checked: present, unique, at least one."""
    array = _array(ids, "ids")
    if len(array) == 0:
        raise InvalidValue("data.empty", "There is no instance.")
    if pa.types.is_integer(array.type):
        array = array.cast(pa.int64())
    elif not pa.types.is_string(array.type):
        raise InvalidValue("data.ids", "Instance ids must be integers or strings.", detail=f"Found {array.type}.")
    if array.null_count:
        raise InvalidValue("data.ids", "Every instance needs an id.", detail=f"{array.null_count:,} are missing.")
    counts = pc.value_counts(array)
    repeated = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    if len(repeated):
        raise InvalidValue(
            "data.duplicate_ids",
            "Instance ids must be unique.",
            detail=f"{len(repeated):,} repeat, e.g. {repeated[0].as_py()!r:.80}.",
        )
    return array


def fingerprint(table: pa.Table) -> str:
    """SHA-256 of ids, labels and payloads, the same for any order of the instances and any metadata."""
    there = [name for name in CONTENT if name in table.column_names]
    names = [name for name in there if name not in MASKS or has_masks(table.schema, name)]
    ordered = table.select(names).sort_by("id")
    digest = hashlib.sha256()
    for name in ordered.column_names:
        column = ordered.column(name).combine_chunks()
        digest.update(f"{name}:{column.type}:{len(column)};".encode())
        digest.update(np.packbits(column.is_null().to_numpy(zero_copy_only=False)).tobytes())
        for part in _parts(column):
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def encode_image(image: Any, position: int) -> bytes | None:
    """A PNG of an array [H,W], [H,W,C] or [C,H,W] (uint8, or float in 0–1), or the bytes of an image file."""
    from PIL import Image

    if image is None:
        return None
    if isinstance(image, str | Path):
        image = file_bytes(Path(image), f"Image {position}")
    if isinstance(image, bytes):
        _check_image(image, position)
        return image
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4):
        array = np.moveaxis(array, 0, 2)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or 0 in array.shape:
        raise InvalidValue("data.image", f"Image {position} has the shape {array.shape}; expected [H,W] or [H,W,C].")
    if np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise InvalidValue("data.image", f"Image {position} has float values outside 0–1.", hint="Scale to 0–1.")
        array = np.rint(array * 255)
    elif array.min() < 0 or array.max() > 255:
        raise InvalidValue("data.image", f"Image {position} has values outside 0–255.")
    buffer = io.BytesIO()
    Image.fromarray(array.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _check_image(content: bytes, position: int) -> None:
    """Refuse what is no image file; its pixels are not decoded."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is looked at here
            with Image.open(io.BytesIO(content)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InvalidValue(
                        "data.too_large",
                        f"Image {position} has too many pixels.",
                        detail=f"It says {image.width:,} x {image.height:,}; the limit is {MAX_PIXELS:,}.",
                    )
                image.verify()
    except InvalidValue:
        raise
    except Image.DecompressionBombError as error:
        title = f"Image {position} has too many pixels."
        raise InvalidValue("data.too_large", title, detail=f"The limit is {MAX_PIXELS:,}.") from error
    except Exception as error:  # Pillow's plugins raise what they like on damaged files
        unknown = isinstance(error, UnidentifiedImageError)
        found = f"It starts with {content[:12]!r}." if unknown else f"{error}"[:200]
        raise InvalidValue(
            "data.image",
            f"Image {position} is no image file, or a damaged one.",
            detail=found,
            hint="Log None in its place if there is no better one.",
        ) from error


def check_known_ids(ids: pa.ChunkedArray, dataset_ids: pa.ChunkedArray, *, dataset: str) -> pa.ChunkedArray:
    """Return ``ids`` in the type of the dataset's ids if all of them are in it.

    Raises:
        InvalidValue: ``data.unknown_ids``, with how many and an example.
    """
    try:
        cast = ids.cast(dataset_ids.type)
    except pa.ArrowInvalid:
        cast, unknown = ids, ids
    else:
        unknown = cast.filter(pc.invert(pc.is_in(cast, value_set=dataset_ids.combine_chunks())))
    if len(unknown):
        raise InvalidValue(
            "data.unknown_ids",
            f"Some ids are not in dataset {dataset!r}.",
            detail=f"{len(unknown):,} of {len(ids):,}, e.g. {unknown[0].as_py()!r:.80}.",
        )
    return cast


def has_masks(schema: pa.Schema, name: str = "mask") -> bool:
    """Whether a dataset or outputs have masks, of a name in ``MASKS``."""
    return name in schema.names and bool(schema.field(name).type == MASKS[name])


def check_masks(table: pa.Table, dataset: pa.Table) -> None:
    """Refuse masks that do not fit those of the dataset, if both have some.

    Raises:
        InvalidValue: ``data.mask``.
    """
    if has_masks(table.schema) and has_masks(dataset.schema):
        fact = (table.schema.metadata or {}).get(CLASSES)
        mask_columns.check_label(table, dataset, names=None if fact is None else json.loads(fact))
    if has_masks(table.schema, "object_masks") and has_masks(dataset.schema, "object_masks"):
        mask_columns.check_sizes(table, dataset, column="object_masks")


def _only(given: Any, values: Any) -> Any:
    if given is not None:
        raise InvalidValue("data.mask", "Masks are given twice.", hint="Give them once.")
    return values


def _parts(column: pa.Array) -> list[np.ndarray[Any, Any]]:
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        values = [value.encode() if isinstance(value, str) else value or b"" for value in column.to_pylist()]
        lengths = np.array([len(value) for value in values], dtype=np.int64)
        return [lengths, np.frombuffer(b"".join(values), dtype=np.uint8)]
    if pa.types.is_boolean(column.type):
        return [column.fill_null(False).to_numpy(zero_copy_only=False)]
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return [column.fill_null(0).to_numpy(zero_copy_only=False)]
    if column.type == mask_columns.MASK:
        return mask_columns.parts(column)
    if column.type == object_mask_columns.OBJECT_MASKS:
        return object_mask_columns.parts(column)
    return [np.frombuffer(json.dumps(column.to_pylist(), default=str).encode(), dtype=np.uint8)]


def _fact(value: Any) -> str | None:
    """Anything that JSON can say, in one spelling."""
    if value is None:
        return None
    plain = value.tolist() if isinstance(value, np.ndarray) else value
    try:
        return json.dumps(plain, sort_keys=True, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise InvalidValue("data.type", "Preprocessing and classes must be what JSON can say.") from error


def _answered(name: str, values: Any, *, what: str) -> dict[str, pa.Array]:
    """Labels or predictions: one value per instance, a set of labels, or boxes beside the set of their classes."""
    values = checks.column(values, f"The {what}")
    if box_columns.are_boxes(values):
        return _boxed(name, values, columns={})
    sets = label_sets(values, what)
    return {name: _array(values, what) if sets is None else sets}


def _boxed(name: str, values: Any, *, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Boxes, their masks if they have some, and the set of their classes as the answer where there is no other."""
    rows = list(checks.items(values, "The boxes"))
    boxes = box_columns.box_column(rows)
    found = {"boxes": boxes} if name in columns else {name: box_columns.classes_in(boxes), "boxes": boxes}
    masks = object_mask_columns.carried(rows)
    return found if masks is None else found | {"object_masks": _object_masks(masks, found)}


def _object_masks(values: Any, columns: Mapping[str, pa.Array]) -> pa.Array:
    if "boxes" not in columns:
        raise InvalidValue("data.mask", "Masks of objects need boxes, one for each mask.", hint="Give boxes=… too.")
    _only(columns.get("object_masks"), values)
    return object_mask_columns.object_mask_column(values, boxes=columns["boxes"])


def _array(values: Any, what: str) -> pa.Array:
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise InvalidValue("data.shape", f"The {what} must be one value per instance; the shape is {values.shape}.")
    values = checks.column(values, f"The {what}")
    try:
        array = pa.array(values, from_pandas=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise InvalidValue(
            "data.type", f"The {what} are of mixed or unknown types.", detail=f"{error}"[:200]
        ) from error
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_large_string(array.type) or pa.types.is_dictionary(array.type):
        array = array.cast(pa.string())
    return array


def _vectors(values: Any, name: str) -> pa.Array:
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        matrix = np.ascontiguousarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidValue("data.type", f"Vectors {name!r} must be a matrix of numbers.") from error
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InvalidValue("data.shape", f"Vectors {name!r} must be [instances, size]; the shape is {matrix.shape}.")
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def _mapping(columns: Any) -> Mapping[str, Any]:
    if columns is None:
        return {}
    if hasattr(columns, "column_names"):
        return {name: columns[name] for name in columns.column_names}
    if hasattr(columns, "columns") and not isinstance(columns, Mapping):
        return {name: columns[name].to_numpy() for name in columns.columns}
    if not isinstance(columns, Mapping):
        raise InvalidValue("data.type", "Expected a mapping of names to columns, or a data frame.")
    return columns


def _free_name(name: Any, columns: Mapping[str, pa.Array]) -> str:
    check_name(name, "column name")
    if name in columns or name in RESERVED:
        raise InvalidValue("data.column", f"The column name {name!r} is taken.", hint="Rename it.")
    return str(name)


def _check_lengths(columns: Mapping[str, pa.Array]) -> None:
    expected = len(columns["id"])
    for name, column in columns.items():
        if len(column) != expected:
            raise InvalidValue("data.length", f"There are {expected:,} ids but {len(column):,} values of {name!r}.")
