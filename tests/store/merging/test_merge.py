"""Two copies that went their own ways become one: nothing is lost, doubled, or overwritten unasked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import Conflict, InvalidValue
from compress_compare.store.merging.conflicts import MergeConflict, MergeRefusedError
from tests.store.stored import sizes

twice = pytest.mark.usefixtures("each_backend")

SHARED = np.ones((4, 4), dtype=np.float32)


def weights(number: int) -> dict[str, np.ndarray]:
    return {"shared.weight": SHARED, "own.weight": np.full((2, 2), number, dtype=np.float32)}


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Path]:
    """Two copies of one project that diverged by 10 models each, with shared weights and 5 conflicts."""
    with cc.open(tmp_path / "ours") as project:
        project.define_metric("Accuracy", higher_is_better=True, min=0, max=1)
        project.log_dataset("test", ids=[1, 2], labels=[0, 1])
        project.log_model("root", checkpoint=weights(0), metrics={"Accuracy": 0.9})
        for number in range(3):
            project.log_model(f"m{number}", base="root", operation=cc.Operation("prune", amount=number / 10))
            project.log_outputs(f"m{number}", "test", ids=[1, 2], predictions=[0, number % 2])
        project.backup(tmp_path / "theirs")
    for name, value in (("ours", 0.5), ("theirs", 0.6)):
        with cc.open(tmp_path / name) as project:
            for number in range(10):
                own = f"{name} {number}"
                project.log_model(
                    own, base="root", operation=cc.Operation("prune", amount=0.5), checkpoint=weights(number)
                )
                project.log_metrics(own, {"Accuracy": number / 10, f"Only {name}": 1.0})
                project.log_outputs(own, "test", ids=[1, 2], predictions=[1, 1])
                project.set_tags(own, [name])
            project.log_model("both", base="root", checkpoint=weights(7), tags=[name], metrics={f"Only {name}": 3.0})
            project.log_metrics("m0", {"Accuracy": value})
            project.set_note("m1", f"a note of {name}")
            project.log_model("same id", base="root", operation=cc.Operation("prune", amount=value))
            project.define_metric("Accuracy", higher_is_better=True, min=0, max=1, description=name)
            project.log_outputs("root", "test", ids=[1, 2], predictions=[0, int(name == "ours")])
            project.log_model("child", base="same id", operation=cc.Operation("tune"))
    return tmp_path / "ours", tmp_path / "theirs"


CONFLICTS = [
    "metric Accuracy",
    "model same id",
    "note m1",
    "outputs root, test",
    "value m0, Accuracy",
]


def state(project: cc.Project) -> dict[str, object]:
    """All that people see, for comparing before and after."""
    return {id: project.model(id) for id in project.models()["id"].to_pylist()}


@twice
def test_conflicts_are_refused_with_their_names_and_nothing_changes(copies: tuple[Path, Path]) -> None:
    with cc.open(copies[0]) as project:
        before = state(project)
        with pytest.raises(MergeRefusedError) as caught:
            project.merge(copies[1])
        assert sorted(each.title for each in caught.value.conflicts) == CONFLICTS
        assert state(project) == before
        assert project.damage() == []


@pytest.mark.parametrize("rule", ["ours", "theirs"])
def test_a_rule_for_all(copies: tuple[Path, Path], rule: str) -> None:
    with cc.open(copies[0]) as project, cc.open(copies[1]) as other:
        report = project.merge(other, on_conflict=rule)
        assert sorted(each.title for each in report.conflicts) == CONFLICTS
        expected = {*(f"ours {n}" for n in range(10)), *(f"theirs {n}" for n in range(10))}
        assert set(project.models()["id"].to_pylist()) == {
            "root",
            "m0",
            "m1",
            "m2",
            "both",
            "same id",
            "child",
            *expected,
        }
        chosen = project if rule == "ours" else other
        taken = "ours" if rule == "ours" else "theirs"
        assert project.model("m0").metrics["Accuracy"][0].value == (0.5 if rule == "ours" else 0.6)
        assert project.model("m1").note == f"a note of {taken}"
        assert project.model("same id").operation == chosen.model("same id").operation
        assert project.metric("Accuracy").description == taken
        assert project.outputs("root", "test") == chosen.outputs("root", "test")
        assert project.damage() == []


@twice
def test_nothing_is_lost_and_nothing_is_doubled(copies: tuple[Path, Path]) -> None:
    with cc.open(copies[0]) as project, cc.open(copies[1]) as other:
        theirs = {id: (other.model(id), other.load_checkpoint(id)) for id in (f"theirs {n}" for n in range(10))}
        project.merge(other, on_conflict="ours")
        for id, (model, tensors) in theirs.items():
            found = project.model(id)
            assert (found.base, found.operation, found.metrics, found.tags) == (
                model.base,
                model.operation,
                model.metrics,
                model.tags,
            )
            assert found.checkpoint == model.checkpoint
            assert all((project.load_checkpoint(id)[name] == tensors[name]).all() for name in tensors)
            assert project.outputs(id, "test") == other.outputs(id, "test")
        # what is in both is there once, with the values and tags of both
        both = project.model("both")
        assert sorted(both.tags) == ["ours", "theirs"]
        assert {"Only ours", "Only theirs"} <= set(both.metrics)
        assert [one.name for one in project.datasets()] == ["test"]
        objects = len(sizes(project))
        assert project.merge(other, on_conflict="ours").added == {}
        assert len(sizes(project)) == objects


def test_one_by_one(copies: tuple[Path, Path]) -> None:
    with cc.open(copies[0]) as project:
        choices = {"note m1": "both", "model same id": "both", "value m0, Accuracy": "theirs", "*": "ours"}
        report = project.merge(copies[1], on_conflict=choices)
        assert report.renamed == {"same id": "same id (2)"}
        assert project.model("m1").note == "a note of ours\n\na note of theirs"
        assert project.model("m0").metrics["Accuracy"][0].value == 0.6
        assert project.model("same id").operation == cc.Operation("prune", amount=0.5)
        assert project.model("same id (2)").operation == cc.Operation("prune", amount=0.6)
        assert [step.model for step in project.model("child").lineage] == ["root", "same id", "child"]
        assert report.as_dict()["conflicts"][0].keys() == {"conflict", "ours", "theirs", "choice"}


def test_a_function_decides(copies: tuple[Path, Path]) -> None:
    seen: list[MergeConflict] = []

    def decide(conflict: MergeConflict) -> str:
        seen.append(conflict)
        return "theirs"

    with cc.open(copies[0]) as project:
        project.merge(copies[1], on_conflict=decide)
    assert sorted(each.title for each in seen) == CONFLICTS


@pytest.mark.parametrize(
    "choices", [{"note nothing": "ours"}, {"note m1": "mine", "*": "ours"}, {"value m0, Accuracy": "both", "*": "ours"}]
)
def test_choices_that_are_none(copies: tuple[Path, Path], choices: dict[str, str]) -> None:
    with cc.open(copies[0]) as project:
        with pytest.raises(InvalidValue) as caught:
            project.merge(copies[1], on_conflict=choices)
        assert caught.value.code == "merge.choice"
        assert "theirs 0" not in project


def test_what_was_done_there_is_kept_and_keys_of_deleted_models_are_not_given_away(copies: tuple[Path, Path]) -> None:
    with cc.open(copies[0]) as project, cc.open(copies[1]) as other:
        project.delete("ours 9")
        other.archive("theirs 9")
        other.correct("theirs 0", {"Accuracy": 0.25}, reason="a typo")
        project.merge(other, on_conflict="ours")
        assert "theirs 9" not in project.models()["id"].to_pylist()
        assert project.model("theirs 0").metrics["Accuracy"][0].value == 0.25
        assert "a typo" in [change.reason for change in project.history("theirs 0")]
        project.restore_deleted("ours 9")
        assert {"ours 9", "theirs 8"} <= set(project.models()["id"].to_pylist())
        assert project.damage() == []


def test_a_new_model_shows_the_archived_base_that_it_comes_from(copies: tuple[Path, Path]) -> None:
    with cc.open(copies[0]) as project:
        project.archive("m2")
        with cc.open(copies[1]) as other:
            other.log_model("of m2", base="m2")
        project.merge(copies[1], on_conflict="ours")
        assert {"m2", "of m2"} <= set(project.models()["id"].to_pylist())


@twice
def test_an_archive_is_merged_like_a_project(copies: tuple[Path, Path], tmp_path: Path) -> None:
    with cc.open(copies[1]) as other:
        other.pack(tmp_path / "theirs.ccz")
    with cc.open(copies[0]) as project:
        project.merge(tmp_path / "theirs.ccz", on_conflict="ours")
        assert "theirs 9" in project
        assert project.damage() == []


def test_other_data_under_one_name_stays_apart_and_equal_data_under_two_is_one(tmp_path: Path) -> None:
    with cc.open(tmp_path / "a") as first, cc.open(tmp_path / "b") as second:
        first.log_dataset("test", ids=[1, 2], labels=[0, 1])
        first.log_dataset("mine", ids=[5, 6], labels=[0, 1])
        second.log_dataset("test", ids=[1, 2], labels=[1, 1])
        second.log_dataset("yours", ids=[5, 6], labels=[0, 1])
        second.log_model("m")
        for dataset, ids in (("test", [1, 2]), ("yours", [5, 6])):
            second.log_outputs("m", dataset, ids=ids, predictions=[0, 0])
        report = first.merge(second)
        assert report.renamed == {"dataset test": "test (2)"}
        assert [one.name for one in first.datasets()] == ["test", "mine", "test (2)"]
        assert first.model("m").datasets == ("mine", "test (2)")


def test_new_versions_on_both_sides_become_versions_one_after_the_other(tmp_path: Path) -> None:
    with cc.open(tmp_path / "a") as first, cc.open(tmp_path / "b") as second:
        for project, own in ((first, 2), (second, 3)):
            project.log_dataset("test", ids=[1, 2], labels=[0, 1])
            project.log_dataset("test", ids=[1, 2, own], labels=[0, 1, 1], new_version=True) if own == 3 else None
            project.log_dataset("test", ids=[1, 2, 9], labels=[0, 1, own], new_version=True)
        second.log_model("m")
        second.log_outputs("m", "test@3", ids=[9], predictions=[3])
        report = first.merge(second)
        assert report.renamed == {"dataset test@2": "test@3", "dataset test@3": "test@4"}
        assert [(one.name, one.family, one.version) for one in first.datasets()] == [
            ("test", None, 1),
            ("test@2", "test", 2),
            ("test@3", "test", 3),
            ("test@4", "test", 4),
        ]
        assert first.model("m").datasets == ("test@4",)
        assert first.instances("test@4").to_pylist()[-1] == {"id": 9, "label": 3}
        assert first.merge(second).renamed == {}


@twice
def test_weights_whose_files_differ_only_in_order_are_equal(tmp_path: Path) -> None:
    from safetensors.numpy import save

    content = save(weights(1))
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    turned = json.dumps(dict(reversed(header.items())), separators=(",", ":")).encode().ljust(size)
    for name, text in (("a", content[8 : 8 + size]), ("b", turned)):
        (tmp_path / "w.safetensors").write_bytes(content[:8] + text + content[8 + size :])
        with cc.open(tmp_path / name) as project:
            project.log_model("m", checkpoint=tmp_path / "w.safetensors")
    with cc.open(tmp_path / "b") as other, cc.open(tmp_path / "a") as project:
        assert other.model("m").checkpoint != project.model("m").checkpoint
    with cc.open(tmp_path / "a") as project:
        assert project.merge(tmp_path / "b").conflicts == {}


def test_weights_are_equal_whatever_their_file_is_called(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file(weights(1), tmp_path / "epoch 3.safetensors")
    for name, given in (("a", weights(1)), ("b", tmp_path / "epoch 3.safetensors")):
        with cc.open(tmp_path / name) as project:
            project.log_model("m", checkpoint=given)
    with cc.open(tmp_path / "a") as project:
        before = project.model("m").checkpoint
        assert project.merge(tmp_path / "b").conflicts == {}
        assert project.model("m").checkpoint == before


def test_other_weights_are_a_conflict_and_missing_ones_come_in(tmp_path: Path) -> None:
    for name, number in (("a", 1), ("b", 2)):
        with cc.open(tmp_path / name) as project:
            project.log_model("m", checkpoint=weights(number))
            project.log_model("n", checkpoint=weights(3) if name == "b" else None)
    with cc.open(tmp_path / "a") as project:
        with pytest.raises(MergeRefusedError, match="model m: weights"):
            project.merge(tmp_path / "b")
        project.merge(tmp_path / "b", on_conflict="theirs")
        assert project.load_checkpoint("m")["own.weight"][0, 0] == 2
        assert project.load_checkpoint("n")["own.weight"][0, 0] == 3


def test_a_project_is_not_merged_with_itself(tmp_path: Path) -> None:
    with cc.open(tmp_path / "a") as project, pytest.raises(InvalidValue, match="with itself"):
        project.merge(tmp_path / "a")


def test_bases_that_form_a_circle_are_refused(tmp_path: Path) -> None:
    for name, first, second in (("a", "x", "y"), ("b", "y", "x")):
        with cc.open(tmp_path / name) as project:
            project.log_model(first)
            project.log_model(second, base=first)
    with cc.open(tmp_path / "a") as project:
        choices = {"model x": "theirs", "model y": "ours"}
        with pytest.raises(Conflict) as caught:
            project.merge(tmp_path / "b", on_conflict=choices)
        assert caught.value.code == "merge.cycle"
        assert project.model("y").base == "x"


@pytest.fixture
def apart(tmp_path: Path) -> tuple[Path, Path]:
    """Two copies of a project with a root, a model and one that comes from it."""
    with cc.open(tmp_path / "a") as project:
        project.define_metric("Accuracy", higher_is_better=True, min=0, max=1)
        project.log_model("root", checkpoint=weights(0))
        prune = cc.Operation("prune", amount=0.5)
        project.log_model("m", base="root", operation=prune, checkpoint=weights(1), metrics={"Accuracy": 0.5})
        project.log_model("tuned", base="m", operation=cc.Operation("tune"))
        project.log_model("teacher")
        project.backup(tmp_path / "b")
    return tmp_path / "a", tmp_path / "b"


def tree(path: Path) -> dict[str, str | None]:
    with cc.open(path) as project:
        table = project.models()
        return dict(zip(table["id"].to_pylist(), table["base"].to_pylist(), strict=True))


@twice
@pytest.mark.parametrize("side", ["ours", "theirs", "both"])
def test_a_model_that_was_renamed_is_not_doubled(apart: tuple[Path, Path], side: str) -> None:
    name = {"ours": "half", "theirs": "there", "both": "half"}[side]
    with cc.open(apart[0]) as project:
        if side != "theirs":
            project.rename("m", "other")
            project.rename("other", "half")
        project.set_note("half" if side != "theirs" else "m", "a note of ours")
    with cc.open(apart[1]) as project:
        if side != "ours":
            project.rename("m", "there")
        id = "m" if side == "ours" else "there"
        project.log_model("new", base=id, operation=cc.Operation("quantize"), references={"of": id})
        project.log_metrics(id, {"Size": 3.0})
    for _ in range(2):
        with cc.open(apart[0]) as project:
            assert project.merge(apart[1]).conflicts == {}
        assert tree(apart[0]) == {"root": None, name: "root", "tuned": name, "teacher": None, "new": name}
    with cc.open(apart[0]) as project:
        model = project.model(name)
        assert (model.note, model.metrics["Size"][0].value) == ("a note of ours", 3.0)
        assert [one.model for one in project.model("new").references] == [name]
        assert [one.action for one in project.history(name)].count("rename") == {"ours": 2, "theirs": 1, "both": 3}[
            side
        ]


def test_a_rename_that_was_undone_or_given_to_another_model_joins_nothing(apart: tuple[Path, Path]) -> None:
    with cc.open(apart[0]) as project:
        project.rename("teacher", "student")
        project.undo()
        project.rename("m", "half")
        project.log_model("m", base="root", operation=cc.Operation("another"))
    with cc.open(apart[0]) as project:
        project.merge(apart[1])
    assert tree(apart[0]) == {"root": None, "half": "root", "tuned": "half", "teacher": None, "m": "root"}


def test_both_kept_twice_are_still_two(apart: tuple[Path, Path]) -> None:
    for path, amount in zip(apart, (1, 2), strict=True):
        with cc.open(path) as project:
            project.log_model("c", base="root", operation=cc.Operation("prune", amount=amount))
    with cc.open(apart[1]) as project:
        project.log_model("of c", base="c", operation=cc.Operation("tune"))
    expected = {"root": None, "m": "root", "tuned": "m", "teacher": None}
    expected |= {"c": "root", "c (2)": "root", "of c": "c (2)"}
    with cc.open(apart[0]) as project:
        project.merge(apart[1], on_conflict="both")
    assert tree(apart[0]) == expected
    with cc.open(apart[0]) as project:
        report = project.merge(apart[1])
    assert (report.conflicts, report.renamed, tree(apart[0])) == ({}, {"c": "c (2)"}, expected)
