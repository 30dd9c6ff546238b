"""Single instances over HTTP: payloads, probabilities, and files to download."""

import io
import json
import wave

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import compress_compare as cc
from compress_compare.page.payloads import Payloads, media_type

from .running import running

IDS = ["a", "ü b", "=1+1", "../x"]
PNG = np.arange(16, dtype=np.uint8).reshape(4, 4)
TEXTS = ["<b>bold</b>", "x" * 150_000, "=HYPERLINK()", None]
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [1, 0, 0]], dtype=np.float32)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with cc.open(tmp_path_factory.mktemp("payloads") / "project") as opened:
        images = [PNG, None, PNG, PNG]
        opened.log_dataset("data", ids=IDS, labels=[0, 1, 2, 0], images=images, texts=TEXTS)
        for name, given in (("base", PROBABILITIES), ("small", PROBABILITIES[::-1])):
            opened.log_model(name)
            opened.log_outputs(name, "data", ids=IDS, predictions=given.argmax(1), vectors={"probabilities": given})
        opened.log_model("silent")
        opened.log_dataset("measured", ids=[1, 2], labels=[0.5, 1.5])
        for name, given in (("base", [0.5, 1.0]), ("small", [0.0, 1.5])):
            opened.log_outputs(name, "measured", ids=[1, 2], predictions=given)
        yield opened


@pytest.fixture(scope="module")
def client(project, static):
    with running(project, static=static) as server, server.client(headers=server.bearer) as opened:
        yield opened


ASK = {"base": "base", "models": ["small"], "dataset": "data"}


def look(client, id):
    return client.post("/api/v1/behaviors/instance", json=ASK | {"id": id})


def image(client, id, dataset="data"):
    return client.get("/api/v1/behaviors/image", params={"dataset": dataset, "id": id})


def export(client, format="csv", part="instances", **changes):
    params = {"ask": json.dumps(ASK | changes), "part": part, "format": format}
    return client.get("/api/v1/behaviors/export", params=params)


def test_one_instance(client):
    answer = look(client, "ü b").json()
    assert answer["row"]["id"] == "ü b"
    assert answer["row"]["prediction[small]"] == 2
    assert (len(answer["text"]), answer["is_cut"], answer["has_image"]) == (100_000, True, False)
    found = {(row["model"], row["class"]): row["probability"] for row in answer["probabilities"]}
    assert found["base", "1"] == pytest.approx(0.8)
    assert found["small", "2"] == pytest.approx(0.6)
    assert len(found) == 6
    assert look(client, "a").json()["text"] == "<b>bold</b>"
    assert look(client, "../x").json()["text"] is None


@pytest.mark.parametrize("id", ["nothing", 7, "", "a/../a"])
def test_only_known_instances(client, id):
    assert (look(client, id).status_code, image(client, id).status_code) == (404, 404)
    assert look(client, id).json()["code"] == "instance.unknown"


def test_images_are_as_logged_and_harmless(client):
    answer = image(client, "a")
    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert media_type(b"<svg onload=alert(1)>") == "application/octet-stream"
    assert image(client, "a", dataset="other").status_code == 404


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"\xff\xd8\xff\xe0", "jpeg"), (b"GIF89a", "gif"), (b"RIFF0000WEBP", "webp"), (b"BM00", "bmp")],
)
def test_kinds_of_images(start, kind):
    assert media_type(start) == f"image/{kind}"


def test_exports(client, project):
    found = project.behaviors("base", ["small"], "data")
    answer = export(client, "parquet")
    assert pq.read_table(io.BytesIO(answer.content)).equals(found.instances().arrow)
    assert answer.headers["content-disposition"] == 'attachment; filename="instances.parquet"'
    where = {"where": [["changed[small]", "==", True]], "sort": "-id"}
    table = pyarrow.csv.read_csv(io.BytesIO(export(client, instances=where).content))
    assert table["id"].to_pylist() == ["ü b", "'=1+1"]
    assert "'=HYPERLINK()" in table["text"].to_pylist()
    assert "counts" not in export(client, part="summary").text
    assert export(client, part="groups").text.startswith('"model","group"')


@pytest.mark.parametrize("ask", ["", "{", "[1]", '{"base": 1}', '{"base": "a", "base": "b"}', "[" * 2_000])
def test_export_refuses_what_it_cannot_read(client, ask):
    answer = client.get("/api/v1/behaviors/export", params={"ask": ask, "part": "summary", "format": "csv"})
    assert answer.status_code in (400, 422)
    assert answer.json()["code"]


def test_who_answered(client):
    answer = client.get("/api/v1/behaviors/answered", params={"dataset": "data"})
    assert answer.json() == {"dataset": "data", "models": ["base", "small"]}


def test_relative_histograms(client, project):
    body = ASK | {"relative": True, "parts": ["histograms"], "metric": "true_probability"}
    (row,) = client.post("/api/v1/behaviors", json=body).json()["histograms"]
    assert row["model"] == "small"
    assert row["low"] == -row["high"]
    change = project.behaviors("base", ["small"], "data", "true_probability").instances()["difference[small]"]
    low, high = np.abs(change.to_numpy()).max() * np.array([-1, 1])
    assert (row["low"], row["high"]) == (low, high)
    assert row["counts"] == np.histogram(change.to_numpy(), 40, (low, high))[0].tolist()


def where(client, *conditions, **changes):
    body = ASK | {"parts": ["instances"], "instances": {"where": conditions}} | changes
    answer = client.post("/api/v1/behaviors", json=body)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["instances"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [("BOLD", ["a"]), ("hyper", ["=1+1"]), ("2", ["=1+1"]), ("./", ["../x"]), ("9" * 30, []), ("", IDS)],
)
def test_search_in_all_columns(client, text, found):
    assert where(client, ["*", "contains", text]) == found


def test_the_instances_of_a_group(client):
    assert where(client, ["group", "==", 0]) == ["a", "../x"]
    assert where(client, ["group", "==", "label 1, base predicts 1"], by=["label", "prediction"]) == ["ü b"]


def test_the_metric_that_fits_the_task(client):
    for dataset, metric in (("data", "correct"), ("measured", "absolute_error")):
        answer = client.post("/api/v1/behaviors", json=ASK | {"dataset": dataset}).json()
        assert answer["metric"] == metric
    answer = client.post("/api/v1/behaviors", json=ASK | {"dataset": "measured", "metric": "correct"})
    assert answer.json()["code"] == "behaviors.metric"


def test_sounds_and_tokens(tmp_path):
    with cc.open(tmp_path / "p") as project:
        sounds = [(np.sin(np.arange(80) / 5), 8000), b"OggS and so on"]
        project.log_dataset("d", ids=["a", "b"], audio=sounds, tokens=[["Hi", "!"], []])
        found = Payloads(project)
        with wave.open(io.BytesIO(found.get("d", "a").audio)) as file:
            assert (file.getframerate(), file.getnframes(), file.getsampwidth()) == (8000, 80, 2)
            samples = np.frombuffer(file.readframes(80), dtype="<i2") / 32767
        assert samples == pytest.approx(sounds[0][0], abs=1e-4)
        assert [found.get("d", id).tokens for id in "ab"] == [["Hi", "!"], []]
        assert [media_type(found.get("d", id).audio) for id in "ab"] == ["audio/wav", "audio/ogg"]
