"""An import as it is asked for: what to read, how it is to be understood, and the mapping that a project has kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .base import Imported, direct
from .files import yaml_document
from .places import Progress, untold
from .registry import load_all
from .rules import Rules

if TYPE_CHECKING:
    from ..store.store import Store


@dataclass(frozen=True)
class ImportHow:
    """How what is read is to be understood.

    Args:
        rules: where base and operation are looked for.
        mapping: what the columns of a table are, as YAML; that of the project, or a proposed one, if not given.
        higher: metrics of which higher values are better.
        lower: likewise lower ones.
        units: what metrics are measured in.
        new_versions: whether datasets that differ from the project's become new versions of them.
    """

    rules: Rules = field(default_factory=Rules)
    mapping: str | None = None
    higher: Sequence[str] = ()
    lower: Sequence[str] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    new_versions: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        rules = {name: getattr(self.rules, name) for name in Rules.__dataclass_fields__}
        return {
            "rules": rules,
            "mapping": self.mapping,
            "higher": list(self.higher),
            "lower": list(self.lower),
            "units": dict(self.units),
            "new_versions": self.new_versions,
        }

    @staticmethod
    def of(plain: Mapping[str, Any]) -> ImportHow:
        """From what ``plain`` gave."""
        return ImportHow(**{**plain, "rules": Rules(**plain["rules"])})


def read(
    source: str, paths: Sequence[str], *, how: ImportHow, project: Store | None, progress: Progress = untold
) -> Imported:
    """Read what another tool wrote; nothing is changed.

    Args:
        source: name of an importer.
        paths: files or folders.
        how: it is understood.
        project: whose kept mapping is used where none is given.
        progress: is told how much has been read.

    Raises:
        NotFound: ``import.no_file``, ``metric.unknown``.
        InvalidValue: ``import.*``.
    """
    given = None if how.mapping is None else _options(how.mapping, "the mapping")
    imported = load_all(source, paths, rules=how.rules, options=given, progress=progress)
    kept = project.table_mapping(imported.columns) if given is None and project and imported.columns else None
    if kept is not None:
        imported = load_all(source, paths, rules=how.rules, options=_options(kept, "the kept mapping"))
        imported.notices.insert(0, "The mapping of its columns is the one that the project has kept.")
    direct(imported, higher=how.higher, lower=how.lower, units=how.units)
    return imported


def _options(mapping: str, name: str) -> dict[str, Any]:
    return {"mapping": yaml_document(Path(name), content=mapping)}
