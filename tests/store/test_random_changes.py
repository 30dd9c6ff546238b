"""Random sequences of changes against a model of a project in plain Python: all readers agree with it after each."""

import base64
import json
import random

import pyarrow as pa
import pytest

import compress_compare as cc
from compress_compare.errors import UserError
from compress_compare.exporters.compress_and_compare import document
from compress_compare.page.built import STATIC
from compress_compare.report import report
from tests.report.test_report import DAY, parts

pytestmark = pytest.mark.usefixtures("each_backend")

METRICS = ("Accuracy", "Size")
OPERATIONS = ("prune", "quantize", "finetune")


class Plain:
    """A project as dictionaries; each change is a new copy, so that undo is the copy before."""

    def __init__(self):
        self.models = {}
        self.deleted = []
        self.undos = []

    def copy(self):
        return json.loads(json.dumps([self.models, self.deleted]))

    def below(self, id):
        found = [one for one, model in self.models.items() if model["base"] == id]
        for one in found:
            found += [other for other, model in self.models.items() if model["base"] == one]
        return found

    def above(self, id):
        found = []
        while (id := self.models[id]["base"]) is not None:
            found.append(id)
        return found

    def shown(self):
        return {id for id, model in self.models.items() if not model["archived"]}


def state(project):
    """What a project says, in the form of `Plain.models`."""
    found = {}
    for id in [*project.models()["id"].to_pylist(), *project.archived()]:
        model = project.model(id)
        found[id] = {
            "base": model.base,
            "operation": model.operation.name,
            "metrics": {name: values[0].value for name, values in model.metrics.items()},
            "archived": model.archived_at is not None,
        }
    return found


def frontier(models):
    """The ids that nobody beats, worked out pair by pair."""
    points = {id: [m["metrics"].get(n) for n in METRICS] for id, m in models.items() if not m["archived"]}
    points = {id: point for id, point in points.items() if None not in point}
    beaten = {
        id
        for id, (accuracy, size) in points.items()
        if any(a >= accuracy and s <= size and (a, s) != (accuracy, size) for a, s in points.values())
    }
    return points.keys() - beaten


def agree(project, plain):
    """All readers say what the plain model says."""
    assert state(project) == plain.models
    shown = plain.shown()
    table = {row["id"]: row for row in project.overview().to_pylist()}
    assert set(table) == shown == set(project.graph().ids)
    assert len(project) == len(shown)
    listed = list(table)
    for id, row in table.items():
        assert row["base"] == plain.models[id]["base"]
        assert row["base"] is None or listed.index(row["base"]) < listed.index(id)
        assert row["step"] == len(plain.above(id))
        assert {name: row.get(name) for name in METRICS} == {
            name: plain.models[id]["metrics"].get(name) for name in METRICS
        }
    assert set(project.frontier("Size", "Accuracy")) == frontier(plain.models)
    paired = {id for row in project.effects().to_pylist() for pair in row["models"] for id in pair}
    assert paired <= shown
    exported = document(project.overview().to_pylist(), project.metrics())
    assert shown == {model["id"] for model in exported["models"]}


def reported(project, plain):
    """A report has the models as they are after all changes, with what two of them were measured."""
    shown = {id: model for id, model in plain.models.items() if not model["archived"]}
    if not shown or not (STATIC / "report").is_dir():
        return
    named = sorted(shown)[:2]
    _, answers, _ = parts(report(project, named, now=DAY))
    table = pa.ipc.open_stream(base64.b64decode(answers["GET models"]["arrow"])).read_all()
    found = {row["id"]: row for row in table.to_pylist()}
    assert set(found) == set(shown)
    for id, model in shown.items():  # the page has float32
        for name in METRICS:
            assert found[id].get(name) == pytest.approx(model["metrics"].get(name), rel=1e-7)
    assert [answers[f"GET model {id}"]["base"] for id in named] == [shown[id]["base"] for id in named]


def act(project, plain, chance):
    """One random change of both; what the project refuses leaves both as they are."""
    kinds = ["log", "log", "delete", "restore", "rename", "set base", "archive", "unarchive", "correct", "undo"]
    kind = chance.choice(kinds)
    id = chance.choice(sorted(plain.models)) if plain.models else "m0"
    other = chance.choice([*sorted(plain.models), None])
    before = plain.copy()
    fresh = f"m{chance.randrange(30)}"
    values = {"Accuracy": chance.randrange(10) / 10, "Size": float(chance.randrange(10))}
    models = plain.models
    if kind == "log":
        if fresh in models or (other is not None and other not in models):
            return
        operation = chance.choice(OPERATIONS)
        project.log_model(fresh, base=other, operation=cc.Operation(operation), metrics=values)
        models[fresh] = {"base": other, "operation": operation, "metrics": values, "archived": False}
        # bases are shown again in a change of their own
        hidden = [one for one in plain.above(fresh) if models[one]["archived"]]
        if hidden:
            plain.undos.append(("unarchive", hidden))
            for one in hidden:
                models[one]["archived"] = False
        return
    with_descendants = chance.random() < 0.5
    try:
        if kind == "delete":
            project.delete(id, descendants=with_descendants)
        elif kind == "restore":
            project.restore_deleted(chance.choice(plain.deleted)[0] if plain.deleted else fresh)
        elif kind == "rename":
            project.rename(id, fresh)
        elif kind == "set base":
            project.set_base(id, other)
        elif kind == "archive":
            project.archive(id, descendants=with_descendants)
        elif kind == "unarchive":
            project.unarchive(id)
        elif kind == "correct":
            project.correct(id, {"Size": values["Size"]})
        else:
            project.undo()
    except UserError:
        assert state(project) == before[0]
        return
    follow(project, plain, kind=kind)


def follow(project, plain, *, kind):
    """Take the change from the history, and apply it to the plain model by its own words."""
    last = project.history()[0]
    models = plain.models
    if kind == "undo" or last.number == getattr(plain, "seen", 0):
        plain.models = state(project)
    elif last.action == "delete":
        expected = {last.models[0], *plain.below(last.models[0])}
        assert set(last.models) == expected
        for one in last.models:
            del models[one]
    elif last.action == "rename":
        (id,), new = last.models, last.new["id"]
        plain.models = {
            (new if one == id else one): {**model, "base": new if model["base"] == id else model["base"]}
            for one, model in models.items()
        }
    elif last.action == "correct":
        models[last.models[0]]["metrics"]["Size"] = last.new["Size"]
    elif last.action == "archive":
        for one in last.models:
            models[one]["archived"] = True
    else:
        plain.models = state(project)
    plain.deleted = [[id] for id in project.deleted()]
    plain.seen = last.number


@pytest.mark.parametrize("seed", range(4))
def test_readers_agree_after_every_change(tmp_path, seed):
    chance, plain = random.Random(seed), Plain()
    with cc.open(tmp_path / "p") as project:
        project.define_metric("Accuracy", higher_is_better=True)
        project.define_metric("Size", higher_is_better=False)
        for _ in range(40):
            act(project, plain, chance)
            agree(project, plain)
        reported(project, plain)
        assert project.damage() == []


@pytest.mark.parametrize("seed", range(2))
def test_undoing_everything_leads_back_to_what_was_logged(tmp_path, seed):
    """Every state on the way is met again, in the other direction."""
    chance = random.Random(seed)
    with cc.open(tmp_path / "p") as project:
        for place in range(8):
            base = None if place == 0 else f"m{chance.randrange(place)}"
            values = {"Size": float(place), "Accuracy": 0.5}
            project.log_model(f"m{place}", base=base, operation=cc.Operation("prune", amount=place), metrics=values)
        states = [state(project)]
        while len(states) < 12:
            ids = [*states[-1]]
            id, other = (chance.choice(ids) if ids else "m0" for _ in range(2))
            kind = chance.randrange(6)
            try:
                if kind == 0:
                    project.delete(id, descendants=chance.random() < 0.7)
                elif kind == 1:
                    project.rename(id, f"n{len(states)}")
                elif kind == 2:
                    project.set_base(id, other)
                elif kind == 3:
                    project.archive(id, descendants=True)
                elif kind == 4:
                    project.correct(id, {"Size": chance.random()})
                else:
                    project.restore_deleted(chance.choice(project.deleted() or ["x"]))
            except UserError:
                continue
            if state(project) != states[-1]:
                states.append(state(project))
        while (last := next((one for one in project.history() if one.undoable), None)) is not None:
            project.undo()
            now = state(project)
            if now != states[-1]:
                states.pop()
            assert now == states[-1], last
        assert len(states) == 1
        assert project.damage() == []
