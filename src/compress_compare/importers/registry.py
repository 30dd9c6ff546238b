"""The table of importers, by the name that the command line uses: those of this package and of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import plugins
from ..errors import InvalidValue
from . import (
    ai_hub,
    aimet,
    compress_and_compare,
    csv_table,
    executorch,
    gptqmodel,
    huggingface,
    inspect_log,
    lighteval,
    llama_cpp,
    lm_eval,
    mlflow,
    model_explorer,
    modelopt,
    olive,
    onnx_runtime,
    optuna,
    tensorboard,
    trackio,
    wandb,
)
from .base import Imported, Importer
from .places import Place, Progress, locate, untold
from .rules import DEFAULT, Rules, relate

IMPORTERS: Mapping[str, Importer] = {
    "compress-and-compare": compress_and_compare.IMPORTER,
    "ai-hub": ai_hub.IMPORTER,
    "aimet": aimet.IMPORTER,
    "csv": csv_table.IMPORTER,
    "executorch": executorch.IMPORTER,
    "gptqmodel": gptqmodel.IMPORTER,
    "huggingface": huggingface.IMPORTER,
    "inspect": inspect_log.IMPORTER,
    "lighteval": lighteval.IMPORTER,
    "llama-cpp": llama_cpp.IMPORTER,
    "lm-eval": lm_eval.IMPORTER,
    "mlflow": mlflow.IMPORTER,
    "model-explorer": model_explorer.IMPORTER,
    "modelopt": modelopt.IMPORTER,
    "olive": olive.IMPORTER,
    "onnx-runtime": onnx_runtime.IMPORTER,
    "optuna": optuna.IMPORTER,
    "tensorboard": tensorboard.IMPORTER,
    "trackio": trackio.IMPORTER,
    "wandb": wandb.IMPORTER,
}
UNEXPECTED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What is raised by values of another type or number than an importer expects."""
GENERAL = frozenset({"csv"})
"""Importers of what any tool may write: they are taken where no other knows a file."""


def added() -> list[plugins.Added[Importer]]:
    """The importers of other packages, each with the error if it cannot be used."""
    return plugins.added("importer", IMPORTERS, load=_load)


def available() -> dict[str, Importer]:
    """All importers: the built-in ones and those of entry points in the group ``compress_compare.importers``.

    Raises:
        UserError: ``importer.entry_point`` naming the package whose importer cannot be loaded or takes a taken name.
    """
    return plugins.joined(IMPORTERS, added())


@dataclass(frozen=True)
class Recognized:
    """What a file or folder shows itself to be.

    Args:
        source: name of the importer.
        reason: by what, as a noun phrase.
    """

    source: str
    reason: str


def recognize(where: str | Path) -> Recognized:
    """The importer that a file, a folder or an address is for.

    Raises:
        NotFound: ``import.no_file``.
        InvalidValue: ``import.not_recognized`` if none knows it, or several do and none of them before the others.
    """
    known = available()
    place = locate(where, takes=("file", "folder", "url"))
    hint = f"Name one: {', '.join(known)}."
    url = place.kind == "url"
    found = [
        Recognized(name, reason)
        for name, importer in known.items()
        if place.kind in importer.takes
        and (reason := importer.knows(place.address) if url else importer.recognizes(place.path))
    ]
    if not found and url:
        raise InvalidValue("import.not_recognized", "A URL does not say what is behind it.", hint=hint)
    if not found:
        title = f"{place.name!r} is not recognized as the file or folder of any tool."
        raise InvalidValue("import.not_recognized", title, hint=hint)
    found = [one for one in found if one.source not in GENERAL] or found
    if len(found) > 1:
        names = "; ".join(f"{one.source} ({one.reason})" for one in found)
        title = f"{place.name!r} could be of several tools."
        raise InvalidValue("import.not_recognized", title, detail=f"{names}.", hint="Name the one that is meant.")
    return found[0]


def load(
    source: str, where: str | Path, *, rules: Rules = DEFAULT, options: Mapping[str, Any] | None = None
) -> Imported:
    """Read the experiments that ``source`` wrote.

    Args:
        source: name of an importer.
        where: a file, a folder or a URL, as the importer takes them.
        rules: where base and operation are looked for.
        options: of the importer, e.g. the mapping of a table's columns.

    Raises:
        NotFound: ``import.no_file``.
        InvalidValue: ``import.*`` if it cannot be read as that.
    """
    return load_all(source, [where], rules=rules, options=options)


def load_all(
    source: str,
    places: Sequence[str | Path],
    *,
    rules: Rules = DEFAULT,
    options: Mapping[str, Any] | None = None,
    progress: Progress = untold,
) -> Imported:
    """Read several files or folders of one tool as one import: a base may stand in any of them."""
    known = available()
    if source not in known:
        raise InvalidValue(
            "import.unknown_source",
            f"There is no importer {source[:80]!r}.",
            hint=f"Choose one of: {', '.join(known)}.",
        )
    importer = known[source]
    located = [locate(where, takes=importer.takes) for where in places]
    asked = [replace(place, options=dict(options or {}), progress=progress) for place in located]
    if importer.together is not None and len(asked) > 1:
        imported = _read(importer, asked)
    else:
        imported = Imported()
        for index, place in enumerate(asked):

            def told(share: float, what: str, *, index: int = index) -> None:
                progress((index + share) / len(places), what)

            told(0.0, f"reading {place.name}")
            imported.join(_read(importer, [replace(place, progress=told)]))
    relate(imported, rules)
    return imported


def _read(importer: Importer, places: Sequence[Place]) -> Imported:
    """What an importer reads; what trips it is told as what it is, a place that is laid out in another way.

    Raises:
        InvalidValue: ``import.*``.
    """
    try:
        together = importer.together if len(places) > 1 else None
        return importer.read(places[0]) if together is None else together(places)
    except UNEXPECTED as error:
        raise InvalidValue(
            "import.format",
            f"{', '.join(repr(place.name) for place in places):.300} is not laid out as expected.",
            detail=f"This importer reads {importer.summary}; it met {type(error).__name__}: {error!s:.200}.",
            hint="Check that the file is whole and that the right source is named.",
        ) from error


def _load(plugin: plugins.Plugin) -> tuple[str, Importer]:
    loaded = plugin.load()
    if not isinstance(loaded, Importer):
        raise plugin.broken(f"{plugin.value} is not an importer.")
    return plugin.name, loaded
