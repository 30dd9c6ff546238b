"""kill -9 of a process that changes a project, at 200 random moments.

Claim: nothing is half-done. After each kill the project is whole, every change that was acknowledged is there, and of
the one that was under way all is there, or nothing. Run: python benchmarks/change_kills.py [kills]
"""

import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

import compress_compare as cc
from compress_compare.errors import UserError

KILLS, MOST, LONGEST_S = 200, 5, 0.03
"""How many changes are started at most before a kill, and how long after the last start it comes."""

MODELS = 12
KINDS = ("rename", "correct", "archive", "unarchive", "delete", "restore", "set base", "undo", "note")


def change(project, chance, *, kind, number):
    """One change at random."""
    ids = [*project.models()["id"].to_pylist(), *project.archived()] or ["none"]
    id, other = chance.choice(ids), chance.choice(ids)
    if kind == "rename":
        project.rename(id, f"m{number}")
    elif kind == "correct":
        project.correct(id, {"Size": float(number)})
    elif kind == "archive":
        project.archive(id, descendants=True)
    elif kind == "unarchive":
        project.unarchive(id)
    elif kind == "delete":
        project.delete(id, descendants=True)
    elif kind == "restore":
        project.restore_deleted(chance.choice(project.deleted() or ["none"]))
    elif kind == "set base":
        project.set_base(id, other)
    elif kind == "note":
        project.set_note(id, str(number))
    else:
        project.undo()


def write(folder, seed, told):
    """Change the project again and again, and tell what was started and what was acknowledged."""
    chance = random.Random(seed)
    with cc.open(folder) as project:
        while True:
            number = chance.randrange(10**9)
            os.write(told, b"start\n")
            try:
                change(project, chance, kind=chance.choice(KINDS), number=number)
            except UserError:
                os.write(told, b"refused\n")
                continue
            os.write(told, f"done {project.history()[0].number}\n".encode())


def state(project):
    """Everything that people see: the models with all that belongs to them, what is deleted, and the history."""
    ids = [*project.models()["id"].to_pylist(), *project.archived()]
    models = {}
    for id in ids:
        model = project.model(id)
        values = {name: value[0].value for name, value in model.metrics.items()}
        models[id] = (model.base, model.step, values, model.note, model.archived_at is not None, model.checkpoint)
    history = [(one.number, one.action, one.models, one.undone_by) for one in project.history()]
    return models, sorted(project.deleted()), history


def killed(folder, number, *, changes, after_s):
    """Change the project in a copy of this process, and kill it in a change or after one; returns what it told."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            write(folder, number, writing)
        finally:
            os._exit(1)
    os.close(writing)
    told = b""
    while told.count(b"start") < changes and (part := os.read(reading, 100)):
        told += part
    time.sleep(after_s)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    with os.fdopen(reading, "rb") as file:
        return (told + file.read()).decode().splitlines()


def wrong(project, before, lines):
    """What is not as it must be, given the history before and what the writer has said."""
    found = list(project.damage())
    models, deleted, history = state(project)
    listed = project.overview().to_pylist()
    if {row["id"] for row in listed} != {id for id, model in models.items() if not model[4]}:
        found.append("the table has other models than the project")
    found += [
        f"{id} has the base {m[0]}, which is not there" for id, m in models.items() if m[0] and m[0] not in models
    ]
    depth = {
        id: 0 if m[0] is None else models[m[0]][1] + 1 for id, m in models.items() if m[0] is None or m[0] in models
    }
    found += [f"{id} has step {models[id][1]}, not {right}" for id, right in depth.items() if models[id][1] != right]
    found += [f"{id} is deleted and there" for id in deleted if id in models]
    numbers = [number for number, *_ in history]
    acknowledged = [int(line.split()[1]) for line in lines if line.startswith("done")]
    found += [f"change {number} was acknowledged and is not there" for number in acknowledged if number not in numbers]
    started = sum(line.startswith("start") for line in lines)
    if len(numbers) - len(before) > started:
        found.append("there are more changes than were started")
    return found


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    draw, found, changes, cut = random.Random(3), [], 0, 0
    print(f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "p"
        with cc.open(folder) as project:
            for number in range(MODELS):
                base = None if number == 0 else f"m{draw.randrange(number)}"
                weights = {"w": np.full(100, number)}
                operation = cc.Operation("prune", amount=number / 40)
                project.log_model(
                    f"m{number}", base=base, operation=operation, metrics={"Size": number}, checkpoint=weights
                )
        before = []
        for number in range(kills):
            lines = killed(folder, number, changes=draw.randint(1, MOST), after_s=draw.uniform(0, LONGEST_S))
            with cc.open(folder) as project:
                now = wrong(project, before, lines)
                found += [f"kill {number}: {one}" for one in now]
                before = [one.number for one in project.history()]
                if len(project) < MODELS // 2:
                    for id in project.archived():
                        project.unarchive(id)
                    for id in project.deleted():
                        with suppress(UserError):
                            project.restore_deleted(id)
                    before = [one.number for one in project.history()]
            changes += sum(line.startswith("done") for line in lines)
            cut += bool(lines) and lines[-1].startswith("start")
    print(f"{kills} kills, {changes} changes acknowledged, {cut} cut off; wrong: {found or 'nothing'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
