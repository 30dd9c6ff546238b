"""Changes after logging: what each does, what stands in its way, and that all of them can be taken back."""

import math

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import Conflict, InvalidValue, NotFound
from compress_compare.records import MetricValue
from tests.store.stored import sizes

pytestmark = pytest.mark.usefixtures("each_backend")


@pytest.fixture
def project(tmp_path):
    """root → a → b, root → c; c was distilled from b."""
    with cc.open(tmp_path / "p") as opened:
        opened.define_metric("Accuracy", higher_is_better=True, min=0, max=1)
        opened.define_metric("Size", higher_is_better=False)
        log(opened, "root", None, "train", {"Accuracy": 0.9, "Size": 100})
        log(opened, "a", "root", "prune", {"Accuracy": 0.8, "Size": 50})
        log(opened, "b", "a", "finetune", {"Accuracy": 0.85, "Size": 50})
        opened.log_model(
            "c",
            base="root",
            operation=cc.Operation("distill", epochs=2),
            metrics={"Accuracy": 0.95, "Size": 20},
            references={"teacher": "b"},
            tags=["x", "y"],
            note="n",
            checkpoint={"w": np.arange(3.0)},
        )
        opened.log_dataset("d", ids=range(6), labels=[0, 1, 0, 1, 0, 1])
        opened.log_outputs("root", "d", ids=range(6), predictions=[0, 1, 0, 1, 0, 1])
        opened.log_outputs("c", "d", ids=range(4), predictions=[0, 0, 0, 1])
        yield opened


def log(project, id, base, operation, metrics):
    project.log_model(id, base=base, operation=cc.Operation(operation), metrics=metrics)


def ids(project):
    return project.models()["id"].to_pylist()


def everything(project):
    """All that a project says of its models, to compare before and after."""
    return [repr({**vars(project.model(id)), "corrections": ()}) for id in ids(project)]


def test_a_deleted_model_is_nowhere_and_comes_back_whole(project):
    before, overview = everything(project), project.overview().to_pylist()
    assert project.frontier("Size", "Accuracy") == ["c"]
    change = project.delete("c", reason="wrong data")
    assert (change.action, change.models, change.reason, change.undoable) == ("delete", ("c",), "wrong data", True)
    assert ids(project) == ["root", "a", "b"]
    assert len(project) == 3
    assert "c" not in project
    assert project.answered("d") == ["root"]
    assert "c" not in project.graph()
    assert project.frontier("Size", "Accuracy") == ["b", "root"]
    assert "distill" not in project.effects()["operation"].to_pylist()
    assert project.deleted() == ["c"]
    for gone in (project.model, project.layers, project.behaviors, project.selection):
        arguments = {project.layers: ("root", "c"), project.behaviors: ("root", "c", "d"), project.selection: (["c"],)}
        with pytest.raises(NotFound, match="'c'"):
            gone(*arguments.get(gone, ("c",)))
    assert project.damage() == []
    assert project.purge(older_than=1000).count == 0
    project.restore_deleted("c")
    assert everything(project) == before
    assert project.overview().to_pylist() == overview
    assert project.load_checkpoint("c")["w"].tolist() == [0, 1, 2]
    assert project.deleted() == []


def test_a_model_that_others_come_from_is_deleted_with_them_or_not(project):
    before = everything(project)
    with pytest.raises(Conflict, match="3 models come from it") as caught:
        project.delete("root")
    assert caught.value.code == "model.has_descendants"
    assert "'a', 'c', 'b'" in caught.value.detail
    project.delete("a", descendants=True)
    assert ids(project) == ["root", "c"]
    assert project.model("c").references == ()
    project.restore_deleted("b")
    assert everything(project) == before


def test_references_between_models_deleted_one_after_the_other_come_back_in_any_order(project):
    before = everything(project)
    for first in ("b", "c"):
        project.delete("c")
        project.delete("b")
        project.restore_deleted(first)
        project.restore_deleted({"b": "c", "c": "b"}[first])
        assert everything(project) == before


def test_a_model_is_not_restored_without_its_base_or_over_another_one(project):
    project.delete("b")
    project.delete("a")
    with pytest.raises(NotFound, match="its base is not there") as caught:
        project.restore_deleted("b")
    assert caught.value.hint == "Restore 'a' first."
    log(project, "a", None, "other", {})
    with pytest.raises(Conflict) as caught:
        project.restore_deleted("a")
    assert caught.value.code == "model.exists"
    assert project.model("a").operation.name == "other"
    with pytest.raises(NotFound) as caught:
        project.restore_deleted("never")
    assert caught.value.code == "model.not_deleted"


def test_purge_gives_the_space_back_and_only_that_of_the_deleted(project):
    big = np.random.default_rng(0).normal(size=100_000)
    project.log_model("big", base="root", operation=cc.Operation("quantize"), checkpoint={"w": big})
    project.log_model("twin", base="root", operation=cc.Operation("quantize"), checkpoint={"w": np.arange(3.0)})
    project.delete("big")
    project.delete("c")
    used = sum(sizes(project))
    found = project.purge()
    left = sum(sizes(project))
    assert (found.models, found.count) == (2, 2)
    assert found.num_bytes == used - left > big.nbytes * 0.9
    assert project.load_checkpoint("twin")["w"].tolist() == [0, 1, 2]
    assert project.damage() == []
    assert project.deleted() == []
    with pytest.raises(NotFound):
        project.restore_deleted("big")
    with pytest.raises(NotFound) as caught:
        project.undo()
    assert caught.value.code == "history.nothing"
    log(project, "new", "root", "prune", {})
    assert project.history("new") == []


def test_a_new_id_is_used_everywhere(project):
    project.log_task("root", "package:task")
    project.rename("root", "resnet")
    assert ids(project) == ["resnet", "a", "b", "c"]
    assert project.models()["base"].to_pylist() == [None, "resnet", "a", "resnet"]
    assert project.behaviors("resnet", "c", "d").summary.to_pylist()[0]["compared"] == 4
    with project._database.read() as connection:
        assert connection.exec_driver_sql("SELECT root FROM tasks").scalars().all() == ["resnet"]
    assert [change.action for change in project.history("resnet")] == ["rename"]
    with pytest.raises(Conflict) as caught:
        project.rename("a", "b")
    assert caught.value.code == "model.exists"
    with pytest.raises(InvalidValue):
        project.rename("a", "")
    project.undo()
    assert ids(project)[0] == "root"


def test_a_model_moves_with_all_that_comes_from_it(project):
    before = everything(project)
    change = project.set_base("a", "c", cc.Operation("prune", amount=0.5))
    assert dict(change.old) == {"base": "root", "operation": "prune"}
    assert dict(change.new) == {"base": "c", "operation": "prune amount=0.5"}
    assert [step.model for step in project.model("b").lineage] == ["root", "c", "a", "b"]
    assert dict(zip(ids(project), project.models()["step"].to_pylist(), strict=True)) == {
        **{"root": 0, "c": 1, "a": 2, "b": 3}
    }
    assert ids(project).index("c") < ids(project).index("a"), "a base precedes what comes from it"
    values = {row["id"]: row["Size"] for row in project.models().to_pylist()}
    assert values == {"root": 100, "c": 20, "a": 50, "b": 50}
    for wrong in ("a", "b"):
        with pytest.raises((Conflict, InvalidValue), match="base"):
            project.set_base("a", wrong)
    project.undo()
    assert everything(project) == before
    project.set_base("b", None)
    assert (project.model("b").step, project.model("b").operation.name) == (0, "finetune")


@pytest.mark.parametrize("count", [1, 150])
def test_what_new_models_come_from_is_shown_again(project, count):
    project.archive("a", descendants=True)
    project.log_models([{"id": f"n{k}", "base": "b", "operation": cc.Operation("prune")} for k in range(count)])
    assert project.archived() == [] and len(project) == 4 + count
    project.archive("c")
    project.log_models([{"id": f"m{k}", "base": "b", "operation": cc.Operation("prune")} for k in range(count)])
    assert project.archived() == ["c"]


def test_archived_models_are_hidden_and_can_be_named(project):
    with pytest.raises(Conflict) as caught:
        project.archive("a")
    assert caught.value.code == "model.has_descendants"
    project.archive("a", descendants=True)
    assert ids(project) == ["root", "c"]
    assert len(project) == 2
    assert project.archived() == ["a", "b"]
    assert project.frontier("Size", "Accuracy") == ["c"]
    assert "prune" not in project.effects()["operation"].to_pylist()
    assert project.model("a").archived_at is not None
    assert project.archive("a") is None
    project.unarchive("b")
    assert ids(project) == ["root", "a", "b", "c"]
    assert project.unarchive("b") is None
    project.archive("c")
    assert project.answered("d") == ["root"]
    log(project, "e", "c", "quantize", {})
    assert ids(project) == ["root", "a", "b", "c", "e"], "what a shown model comes from is shown"


def test_a_number_is_corrected_and_the_old_one_is_kept(project):
    project.log_metrics(
        "a", {"Latency": [MetricValue(2, device="cpu", count=20, dataset="d", protocol={"threads": 1})]}
    )
    change = project.correct("a", {"Accuracy": 0.81, "Latency": 3}, reason="typo")
    assert dict(change.old) == {"Accuracy": 0.8, 'Latency (cpu, d, {"threads":1})': 2.0}
    assert dict(change.new) == {"Accuracy": 0.81, 'Latency (cpu, d, {"threads":1})': 3.0}
    (latency,) = project.model("a").metrics["Latency"]
    assert (latency.value, latency.device, latency.count, latency.protocol) == (3, "cpu", 20, {"threads": 1})
    assert project.models()["Accuracy"].to_pylist()[1] == 0.81
    assert [one.reason for one in project.model("a").corrections] == ["typo"]
    assert project.correct("a", {"Accuracy": 0.81}) is None
    project.log_model("a", base="root", operation=cc.Operation("prune"), metrics={"Accuracy": 0.8, "Size": 50})
    assert project.model("a").metrics["Accuracy"][0].value == 0.81, "the number that was wrong is not logged again"
    with pytest.raises(Conflict):
        project.log_metrics("a", {"Accuracy": 0.7})
    project.undo()
    assert project.model("a").metrics["Accuracy"][0].value == 0.8
    assert project.model("a").corrections == ()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"Nothing": 1}, "metric.unknown"),
        ({"Loss": 1}, "metric.no_value"),
        ({"Two": 1}, "metric.ambiguous"),
        ({"Two": MetricValue(1, device="tpu")}, "metric.no_value"),
        ({"Accuracy": 97.5}, "metric.range"),
        ({"Accuracy": "high"}, "metric.value"),
    ],
)
def test_a_correction_that_does_not_fit_changes_nothing(project, values, code):
    project.define_metric("Loss")
    project.log_metrics("a", {"Two": [MetricValue(1, device="cpu"), MetricValue(2, device="gpu")]})
    before = everything(project)
    with pytest.raises((InvalidValue, NotFound)) as caught:
        project.correct("a", {"Size": 1, **values})
    assert caught.value.code == code
    assert everything(project) == before
    assert project.history() == []


def test_values_that_are_not_finite_are_corrected_like_others(project):
    project.log_metrics("a", {"Loss": math.nan})
    assert dict(project.correct("a", {"Loss": -math.inf}).old) == {"Loss": "NaN"}
    assert dict(project.correct("a", {"Loss": None}).new) == {"Loss": None}
    assert "Loss" not in project.model("a").metrics
    project.undo()
    assert project.model("a").metrics["Loss"][0].value == -math.inf
    project.undo()
    assert math.isnan(project.model("a").metrics["Loss"][0].value)


@pytest.mark.parametrize(
    ("value", "hint"), [(97.5, "Did you mean 0.975?"), (-0.5, "Correct the value"), (250, "Correct the value")]
)
def test_a_number_outside_of_its_range_is_refused(project, value, hint):
    with pytest.raises(InvalidValue, match="range of 'Accuracy', which is 0 to 1") as caught:
        project.log_model("bad", metrics={"Accuracy": value})
    assert caught.value.hint.startswith(hint)
    assert "bad" not in project
    project.log_model("good", metrics={"Accuracy": 1 + 1e-12})


def test_outputs_on_further_examples_complete_those_that_are_there(project):
    first = project.behaviors("root", "c", "d").summary.to_pylist()[0]
    assert (first["compared"], first["missing"]) == (4, 2)
    project.log_outputs("c", "d", ids=[5, 4, 0], predictions=[1, 0, 0])
    after = project.behaviors("root", "c", "d").summary.to_pylist()[0]
    assert (after["compared"], after["missing"], after["agreement"]) == (6, 0, pytest.approx(5 / 6))
    assert [dict(one.new) for one in project.history("c")] == [{"dataset": "d", "examples": 6}]
    project.log_outputs("c", "d", ids=range(4), predictions=[0, 0, 0, 1])
    assert len(project.history("c")) == 1
    with pytest.raises(Conflict) as caught:
        project.log_outputs("c", "d", ids=[0], predictions=[1])
    assert caught.value.code == "outputs.conflict"
    project.undo()
    assert project.outputs("c", "d")["id"].to_pylist() == [0, 1, 2, 3]
    assert project.damage() == []


def test_notes_and_tags_have_a_history(project):
    project.set_note("c", "other")
    project.set_tags("c", ["z"])
    project.set_tags("c", ["z"])
    assert [(one.action, dict(one.old)) for one in project.history("c")] == [
        ("tags", {"tags": ["x", "y"]}),
        ("note", {"note": "n"}),
    ]
    assert project.history()[0].origin.host
    project.undo()
    project.undo()
    assert (project.model("c").note, project.model("c").tags) == ("n", ("x", "y"))


def test_a_change_is_undone_by_its_number_unless_later_ones_stand_in_the_way(project):
    first = project.rename("a", "a1")
    second = project.correct("a1", {"Size": 1})
    other = project.set_note("b", "note")
    assert other is None
    with pytest.raises(Conflict) as caught:
        project.undo(first.number)
    assert (caught.value.code, caught.value.hint) == ("history.later", f"Undo change {second.number} first.")
    project.undo(second.number)
    done = project.undo(first.number)
    assert (done.action, dict(done.old)) == ("undo", {"change": first.number, "action": "rename"})
    for number in (first.number, done.number):
        with pytest.raises(Conflict) as caught:
            project.undo(number)
        assert caught.value.code == "history.not_undoable"
    assert project.model("b").note == "note"
    with pytest.raises(NotFound):
        project.undo(999)


def test_changes_of_purged_models_are_not_offered_to_be_undone(tmp_path):
    with cc.open(tmp_path / "of its own") as project:
        for id in ("a", "b"):
            project.log_model(id, metrics={"Size": 1.0})
            project.correct(id, {"Size": 2.0})
        project.delete("a")
        assert [change.undoable for change in project.history()] == [True, True, True]
        project.log_model("c", checkpoint={"w": np.ones(4, np.float32)})
        project.purge()
        said = {(change.action, *change.models): change.undoable for change in project.history()}
    assert said == {("correct", "a"): False, ("correct", "b"): True, ("delete", "a"): False, ("purge", "a"): False}
