"""`POST /api/v1/behaviors` on a server that runs."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.page.recent import RecentBehaviors
from tests.analysis.behaviors.frames import classified

from .running import running

COUNT = 120
LABELS, PROBABILITIES = classified(21, COUNT, models=2)


@pytest.fixture(scope="module")
def project(each_backend_of_module, tmp_path_factory):
    with cc.open(tmp_path_factory.mktemp("behaviors") / "project") as opened:
        ids = np.arange(COUNT)
        texts = ["<img src=x onerror=alert(1)>"] + ["x" * 5_000] * (COUNT - 1)
        opened.log_dataset("images", ids=ids, labels=LABELS, metadata={"note": texts})
        for place, given in enumerate(PROBABILITIES):
            opened.log_model(f"m{place}")
            loss = np.where(ids == 3, np.nan, 1.0)
            vectors, metrics = {"probabilities": given}, {"loss": loss}
            opened.log_outputs(
                f"m{place}", "images", ids=ids, predictions=given.argmax(1), vectors=vectors, metrics=metrics
            )
        yield opened


@pytest.fixture(scope="module")
def client(project, static):
    with running(project, static=static) as server, server.client(headers=server.bearer) as opened:
        yield opened


def ask(client, code=200, **changes):
    body = {"base": "m0", "models": ["m1", "m2"], "dataset": "images"} | changes
    answer = client.post("/api/v1/behaviors", json=body)
    assert answer.status_code == code, answer.text
    return answer.json()


def test_the_first_view(client, project):
    answer = ask(client)
    found = project.behaviors("m0", ["m1", "m2"], "images")
    assert answer["summary"] == found.summary.to_pylist()
    assert [sum(row["counts"]) for row in answer["histograms"]] == [COUNT] * 3
    assert answer["num_instances"] == COUNT
    assert answer["group_columns"] == ["label", "prediction", "note"]
    assert {"correct", "kl_divergence", "loss"} <= set(answer["metrics"])
    assert answer["groups"] is answer["instances"] is answer["total"] is None


def test_calibration_comes_with_its_error(client, project):
    answer = ask(client, parts=["calibration", "perplexity"])
    assert answer["calibration_errors"] == project.behaviors("m0", ["m1", "m2"], "images").calibration_errors
    assert len(answer["calibration"]) == 3 * 15
    assert answer["perplexity"] is None


def test_tokens_and_sounds(client, project):
    sounds = [(np.zeros(10), 8000), b"none"]
    project.log_dataset("texts", ids=["a", "b"], tokens=[["<b>", "!"], ["x"]], audio=sounds)
    for place in range(2):
        given = [[-1.0, float("nan")], [-2.0 - place]]
        project.log_outputs(f"m{place}", "texts", ids=["a", "b"], tokens={"log_probability": given})
    answer = ask(client, models=["m1"], dataset="texts", parts=["summary", "perplexity", "instances", "changes"])
    assert (answer["metric"], answer["changes"]) == ("nll", None)
    assert answer["perplexity"][0]["perplexity"] == pytest.approx(np.exp(2))
    assert [row["text"] for row in answer["instances"]] == ["<b>!", "x"]
    body = {"base": "m0", "models": ["m1"], "dataset": "texts", "id": "a"}
    one = client.post("/api/v1/behaviors/instance", json=body).json()
    assert (one["tokens"], one["has_audio"]) == (["<b>", "!"], True)
    assert one["token_numbers"][0] == {"measure": "log_probability", "model": "m0", "values": [-1.0, "NaN"]}
    sound = client.get("/api/v1/behaviors/audio", params={"dataset": "texts", "id": "a"})
    assert (sound.headers["content-type"], sound.content[:4]) == ("audio/wav", b"RIFF")
    unknown = client.get("/api/v1/behaviors/audio", params={"dataset": "texts", "id": "b"})
    assert unknown.headers["content-type"] == "application/octet-stream"


def test_masks_of_an_image_are_sent_as_runs(client, project):
    label = np.array([[0, 0, 255], [2, 2, 0]])
    large = np.zeros((600, 1030), int)
    project.log_dataset("street", ids=["a", "large"], masks=[label, large], void=255)
    for model in ("m0", "m1"):
        answers = [label % 3, large + (model == "m1")]
        project.log_outputs(model, "street", ids=["a", "large"], masks=answers, classes=["road", "car", "tree"])
    answer = ask(client, dataset="street", models=["m1"], metric=None)
    assert (answer["metric"], answer["summary"][0]["compared"]) == ("mean_iou", 2)
    body = {"base": "m0", "models": ["m1"], "dataset": "street", "id": "a"}
    one = client.post("/api/v1/behaviors/instance", json=body).json()
    assert one["masks"][0] == {
        **{"model": None, "height": 2, "width": 3, "step": 1},
        **{"classes": [0, -100, 2, 0], "lengths": [2, 1, 2, 1]},
    }
    assert [mask["model"] for mask in one["masks"]] == [None, "m0", "m1"]
    names = {"road": 0, "car": 1, "tree": 2}
    assert one["mask_classes"] == [{"number": number, "name": name} for name, number in names.items()]
    reduced = client.post("/api/v1/behaviors/instance", json={**body, "id": "large"}).json()["masks"][2]
    assert reduced == {"model": "m1", "height": 200, "width": 344, "step": 3, "classes": [1], "lengths": [200 * 344]}


def test_pixels_by_class_are_sent_and_saved(client, project):
    label = np.array([[0, 0, 1, 1]])
    project.log_dataset("pixels", ids=["a", "b"], masks=[label, label])
    for model, mask in (("m0", label), ("m1", np.array([[0, 1, 1, 1]]))):
        project.log_outputs(model, "pixels", ids=["a", "b"], masks=[mask, mask], classes=["road", "car"])
    asked = {"dataset": "pixels", "models": ["m1"], "metric": None}
    rows = ask(client, **asked, parts=["segmentation"])["segmentation"]
    # Road: 1 pixel shared of 2; car: 2 of 3. Both images are alike, so every resample says the same.
    found = {row["class"]: [row["base_iou"], *(row[name] for name in ("iou", "ci_low", "ci_high"))] for row in rows}
    assert found["road"] == [1, 0.5, -0.5, -0.5]
    assert found["car"] == [1, *(pytest.approx(value) for value in (2 / 3, -1 / 3, -1 / 3))]
    assert found[None][:2] == [1, pytest.approx(7 / 12)]
    assert [(row["num_pixels"], row["lost"], row["won"]) for row in rows[1:]] == [(4, 2, 0), (4, 0, 0)]
    assert ask(client, parts=["segmentation"])["segmentation"] is None
    question = json.dumps({"base": "m0", **asked})
    saved = client.get("/api/v1/behaviors/export", params={"ask": question, "part": "segmentation", "format": "csv"})
    assert saved.status_code == 200 and saved.text.splitlines()[2].startswith('"m1","road",4,0.5,1,')


def test_masks_of_objects_are_sent_as_runs(client, project):
    mask = np.zeros((600, 1030), bool)
    mask[:300] = True
    dog = {"class": "dog", "box": [0, 0, 1030, 300]}
    small = np.array([[False, True], [True, True]])
    project.log_dataset("dogs", ids=["a", "b"], boxes=[[dog], [dog]], object_masks=[[small], [mask]])
    for model in ("m0", "m1"):
        boxes = [[dog, {**dog, "score": 0.4}], [dog]]
        project.log_outputs(model, "dogs", ids=["a", "b"], boxes=boxes, object_masks=[[small, small], [~mask]])
    body = {"base": "m0", "models": ["m1"], "dataset": "dogs", "id": "a"}
    objects, base, _ = client.post("/api/v1/behaviors/instance", json=body).json()["boxes"]
    assert (objects["model"], objects["boxes"][0]["right"]) == (None, True)
    assert objects["boxes"][0]["mask"] == {"height": 2, "width": 2, "step": 1, "counts": [1, 3]}
    assert [box["mask"] is None for box in base["boxes"]] == [False, True]  # the second one does not count
    large = client.post("/api/v1/behaviors/instance", json={**body, "id": "b"}).json()["boxes"][1]["boxes"][0]
    counts = [100] * 2 * 344
    assert large["mask"] == {"height": 200, "width": 344, "step": 3, "counts": counts} and not large["right"]


def test_every_part(client):
    parts = [
        *("summary", "histograms", "groups", "changes", "pairs"),
        *("confusion", "calibration", "exemplars", "slices", "instances"),
    ]
    answer = ask(client, metric="nll", by=["label"], parts=parts)
    assert all(answer[part] is not None for part in parts)
    assert len(answer["groups"]) == 8


def test_a_page_of_instances(client, project):
    instances = {"sort": "-nll[m1]", "where": [["changed", "==", True]], "limit": 7, "offset": 2}
    answer = ask(client, parts=["instances"], instances=instances)
    found = project.behaviors("m0", ["m1", "m2"], "images")
    page = found.instances("-nll[m1]", {"changed": True}, limit=7, offset=2)
    assert [row["id"] for row in answer["instances"]] == page["id"].to_pylist()
    assert answer["total"] == found.count({"changed": True})


def test_texts_are_data_and_cut_short_and_nan_is_a_word(client):
    answer = ask(client, metric="loss", parts=["instances"])
    assert answer["instances"][0]["note"] == "<img src=x onerror=alert(1)>"
    assert len(answer["instances"][1]["note"]) == 1001
    assert answer["instances"][3]["loss[m1]"] == "NaN"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"base": "nope"}, 404, "model.unknown"),
        ({"dataset": "nope"}, 404, "dataset.unknown"),
        ({"models": ["m0"]}, 422, "behaviors.models"),
        ({"models": []}, 422, "param.range"),
        ({"metric": "nope"}, 422, "behaviors.metric"),
        ({"metric": 3}, 422, "param.type"),
        ({"by": ["nope"], "parts": ["groups"]}, 422, "behaviors.group"),
        ({"parts": ["nope"]}, 422, "param.type"),
        ({"parts": ["instances"], "instances": {"where": [["label", "=="]]}}, 422, "param.range"),
        ({"parts": ["instances"], "instances": {"where": [["label", "==", "x"]]}}, 422, "behaviors.where"),
        ({"parts": ["instances"], "instances": {"where": [["label", "==", {"a": [1]}]]}}, 422, "behaviors.where"),
        ({"parts": ["instances"], "instances": {"limit": 1001}}, 422, "param.range"),
        ({"parts": ["confusion"], "confusion_of": "nope"}, 422, "behaviors.model"),
        ({"extra": 1}, 422, "param.unknown"),
    ],
)
def test_wrong_questions_get_one_sentence(client, changes, status, code):
    assert ask(client, status, **changes)["code"] == code


def test_comparisons_are_kept_and_let_go(project, monkeypatch):
    comparisons = RecentBehaviors(project)

    def get(models, metric="correct"):
        return comparisons.get("m0", models, dataset="images", metric=metric, by=[])

    first = get(["m1"])
    assert get(["m1"]) is first
    assert get(["m1"], "nll") is not first
    assert get(["m1"]) is first
    monkeypatch.setattr("compress_compare.page.recent.CELLS", 0)
    get(["m2"])
    assert get(["m1"]) is not first


def test_different_questions_do_not_wait_for_each_other_and_the_same_is_answered_once(project, monkeypatch):
    comparisons = RecentBehaviors(project)
    read, asked = project.outputs_of, []
    together = threading.Barrier(2)

    def answered(ids, *, dataset):
        asked.append(tuple(ids[1:]))
        together.wait(60)
        return read(ids, dataset=dataset)

    monkeypatch.setattr(project, "outputs_of", answered)

    def get(model):
        return comparisons.get("m0", [model], dataset="images", metric="correct", by=[])

    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(get, ["m1", "m1", "m2"]))
    assert sorted(asked) == [("m1",), ("m2",)]
    assert found[0] is found[1] is not found[2]


def test_what_cannot_be_compared_is_not_kept(project):
    comparisons = RecentBehaviors(project)
    for _ in range(2):
        with pytest.raises(InvalidValue):
            comparisons.get("m0", ["m1"], dataset="images", metric="no such metric", by=[])
    assert not comparisons._kept
