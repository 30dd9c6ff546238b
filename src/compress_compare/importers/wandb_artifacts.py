"""Weights & Biases: which run's model artifact another run used, as the logs of both have it.

A run that is offline cannot use an artifact: the log of a run that was online tells of it, by name and version. The log
of a run that logged one tells the name alone, so that a run is only found where no other logged a model of that name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .runs import TrackedRun

LOGGED, USED = 8, 25
"""Numbers of the fields of a record."""
MODEL = "model"
TYPE, NAME, USED_TOO = {LOGGED: 4, USED: 2}, {LOGGED: 5, USED: 3}, 10
"""Numbers of the fields of both messages; the last marks an artifact that a run logs only to use it."""


@dataclass
class RunArtifacts:
    """The models that runs logged and used.

    Args:
        makers: name of a model → keys of the runs that logged it, whether they became models or not.
        used: key of a run → names of the models that it used.
    """

    makers: dict[str, list[str]] = field(default_factory=dict)
    used: dict[str, list[str]] = field(default_factory=dict)

    def add(self, key: str, records: Sequence[tuple[int, Mapping[int, object]]]) -> None:
        """Take in what a run's log has.

        Args:
            key: of the run.
            records: number and fields of each.
        """
        for kind, fields in records:
            if _text(fields.get(TYPE[kind])) != MODEL:
                continue
            name = _text(fields.get(NAME[kind])).rpartition("/")[2].partition(":")[0]
            if not name:
                continue
            if kind == USED or fields.get(USED_TOO):
                self.used.setdefault(key, []).append(name)
            elif key not in self.makers.setdefault(name, []):
                self.makers[name].append(key)

    def relate(self, runs: Sequence[TrackedRun]) -> Iterator[str]:
        """Give runs their base, and say of how many, and of which it is not known."""
        count = 0
        for run in runs:
            for name in dict.fromkeys(self.used.get(run.key, ())):
                makers = [key for key in self.makers.get(name, ()) if key != run.key]
                if len(makers) == 1:
                    run.base = makers[0]
                    count += 1
                    break
                said = "several runs that are read" if makers else "no run that is read"
                yield f"Run {run.name!r} used the model {name!r}, which {said} logged; say its base with --base-from."
        if count:
            yield f"The base is taken from the model that a run used in {count:,} of {len(runs):,} models."


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
