"""The comparison of models instance by instance, through a project on disk."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from scipy.spatial import distance

import compress_compare as cc
from compress_compare.errors import InvalidValue, NotFound
from tests.analysis.behaviors.frames import classified

COUNT = 400
LABELS, PROBABILITIES = classified(11, COUNT, models=2)
IDS = [f"image {i}" for i in range(COUNT)]
PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "datasets" / "cifar10_predictions_30_models.npz"

SUMMARY = (
    *("model", "metric", "count", "value", "base_value", "difference", "ci_low", "ci_high"),
    *("bootstrap_low", "bootstrap_high", "agreement"),
    *("right_to_wrong", "wrong_to_right", "wrong_to_wrong", "mcnemar_p"),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    random = np.random.default_rng(12)
    with cc.open(tmp_path_factory.mktemp("behaviors") / "project") as opened:
        opened.define_metric("loss", higher_is_better=False)
        metadata = {"light": np.array(["day", "night"])[random.integers(0, 2, COUNT)], "ink": random.random(COUNT)}
        opened.log_dataset("images", ids=IDS, labels=LABELS, metadata=metadata)
        opened.log_dataset("same images", ids=IDS[::-1], labels=LABELS[::-1])
        opened.log_dataset("others", ids=IDS, labels=LABELS * 0)
        for place, given in enumerate(PROBABILITIES):
            opened.log_model(f"m{place}")
            rows = random.permutation(COUNT)[: COUNT - 10 * place]
            loss = -np.log(given[rows, LABELS[rows]])
            loss[:place] = np.nan
            opened.log_outputs(
                f"m{place}",
                "images",
                ids=[IDS[row] for row in rows],
                predictions=given[rows].argmax(1),
                vectors={"probabilities": given[rows]},
                metrics={"loss": loss},
            )
        opened.log_model("elsewhere")
        opened.log_outputs("elsewhere", "others", ids=IDS, predictions=LABELS)
        opened.log_model("twin")
        opened.log_outputs("twin", "same images", ids=IDS, predictions=PROBABILITIES[1].argmax(1))
        opened.log_dataset("numbers", ids=[1, 2, 3], labels=[1.0, 2.0, 4.0])
        opened.log_dataset("unlabeled", ids=[1, 2, 3])
        for model, values in (("m0", [1.0, 2.5, 4.0]), ("m1", [1.0, 2.0, 3.0])):
            opened.log_outputs(model, "numbers", ids=[1, 2, 3], predictions=values)
            opened.log_outputs(model, "unlabeled", ids=[1, 2, 3], predictions=[int(value) for value in values])
        yield opened


@pytest.fixture(scope="module")
def found(project):
    return project.behaviors(base="m0", models=["m1", "m2"], dataset="images")


def test_the_summary_of_every_model(found, project):
    table = found.summary
    assert tuple(table.column_names[: len(SUMMARY)]) == SUMMARY
    base = {row["id"]: row["prediction"] for row in project.outputs("m0", "images").to_pylist()}
    truth = dict(zip(IDS, LABELS.tolist(), strict=True))
    for row in table.to_pylist():
        model = {answer["id"]: answer["prediction"] for answer in project.outputs(row["model"], "images").to_pylist()}
        both = [id for id in IDS if id in base and id in model]
        was = np.array([base[id] == truth[id] for id in both])
        now = np.array([model[id] == truth[id] for id in both])
        same = np.array([base[id] == model[id] for id in both])
        assert row["count"] == row["compared"] == len(both)
        assert row["value"] == pytest.approx(now.mean())
        assert row["base_value"] == pytest.approx(was.mean())
        assert row["difference"] == pytest.approx(now.mean() - was.mean())
        assert row["ci_low"] < row["difference"] < row["ci_high"]
        drawn = stats.bootstrap(((now * 1.0 - was),), np.mean, n_resamples=20_000, method="percentile", rng=1)
        limits = drawn.confidence_interval
        assert (row["bootstrap_low"], row["bootstrap_high"]) == pytest.approx(limits, abs=1 / len(both))
        assert row["agreement"] == pytest.approx(same.mean())
        lost, won = int((was & ~now).sum()), int((~was & now).sum())
        assert (row["right_to_wrong"], row["wrong_to_right"]) == (lost, won)
        assert row["wrong_to_wrong"] == (~was & ~now & ~same).sum()
        assert row["mcnemar_p"] == pytest.approx(stats.binomtest(lost, lost + won).pvalue)
        assert row["missing"] == COUNT - len(model)
        assert row["base_missing"] == 0
        assert row["interval"].startswith("Newcombe")


def test_holm_over_the_models(found):
    first, second = found.summary["mcnemar_p"].to_pylist()
    low, high = sorted((first, second))
    adjusted = {low: min(1, 2 * low), high: min(1, max(2 * low, high))}
    assert found.summary["mcnemar_p_adjusted"].to_pylist() == pytest.approx([adjusted[first], adjusted[second]])


def test_numbers_that_are_not_finite_are_counted_apart(project):
    rows = project.behaviors("m0", ["m1", "m2"], "images", "loss").summary.to_pylist()
    assert [row["nonfinite"] for row in rows] == [1, 2]
    assert [row["count"] for row in rows] == [COUNT - 11, COUNT - 22]
    assert all(row["interval"].startswith("paired t") for row in rows)


def test_groups_are_classes_or_values_of_columns(found, project):
    table = found.groups
    assert set(SUMMARY) | {"group", "hurt", "excess", "excess_p", "interval"} <= set(table.column_names)
    assert table["group"].to_pylist() == [0, 1, 2, 3] * 2
    assert sum(table["count"].to_pylist()[:4]) == found.summary["count"][0].as_py()
    by_light = project.behaviors("m0", "m1", "images", by="light").groups
    assert by_light["group"].to_pylist() == ["day", "night"]
    both = found.using(by=["light", "label"]).groups
    assert both["group"][0].as_py() == "light day, label 0"
    assert sum(both["count"].to_pylist()) == sum(found.summary["count"].to_pylist())


def test_changes_add_up_to_the_disagreements(found):
    rows = found.changes.to_pylist()
    assert found.changes.column_names[:5] == ["model", "base_prediction", "prediction", "count", "rate"]
    for row in found.summary.to_pylist():
        total = sum(change["count"] for change in rows if change["model"] == row["model"])
        assert total == round((1 - row["agreement"]) * row["compared"])
        assert total == row["right_to_wrong"] + row["wrong_to_right"] + row["wrong_to_wrong"]


def test_instances_come_with_all_models_side_by_side(found):
    table = found.instances(limit=5)
    assert table["id"].to_pylist() == IDS[:5]
    assert table.column_names[:4] == ["id", "label", "light", "ink"]
    assert {"prediction[m0]", "prediction[m2]", "correct[m1]", "difference[m2]", "num_changed"} <= set(
        table.column_names
    )
    assert len(found.instances(limit=0)) == 0
    assert found.instances(offset=COUNT - 2)["id"].to_pylist() == IDS[-2:]
    assert len(found.instances(offset=10**9)) == 0


def test_sorting_puts_what_is_missing_last_in_both_directions(project):
    found = project.behaviors("m0", ["m1", "m2"], "images", "loss")
    for sort, step in (("loss[m2]", 1), ("-loss[m2]", -1)):
        values = found.instances(sort=sort, limit=COUNT)["loss[m2]"].to_pylist()
        numbers = [value for value in values if value is not None and not np.isnan(value)]
        assert len(numbers) == COUNT - 22
        assert values[: len(numbers)] == sorted(numbers, reverse=step < 0)
        assert np.isnan(values[COUNT - 22 : COUNT - 20]).all()
        assert values[COUNT - 20 :] == [None] * 20


def test_filters_name_columns(found):
    changed = found.instances(where={"changed": True, "label": [1, 2]}, limit=COUNT).to_pylist()
    assert changed
    assert all(row["num_changed"] > 0 and row["label"] in (1, 2) for row in changed)
    assert len(changed) == found.count({"changed": True, "label": [1, 2]})
    sure = found.instances("-true_probability[m1]", [("true_probability[m1]", ">", 0.5), ("changed[m1]", "==", True)])
    assert all(row["prediction[m1]"] == row["label"] != row["prediction[m0]"] for row in sure.to_pylist())
    assert found.count([("prediction[m2]", "is null", True)]) == 20
    assert found.count([("id", "contains", "IMAGE 39")]) == 11


def test_histograms_follow_a_brush(project):
    found = project.behaviors("m0", ["m1", "m2"], "images", "true_probability")
    whole = found.histograms(bins=10)
    assert [sum(row["counts"]) + row["missing"] for row in whole.to_pylist()] == [COUNT] * 3
    brushed = found.histograms(bins=10, where=[("true_probability[m1]", ">=", 0.5)])
    assert brushed["low"].to_pylist() == whole["low"].to_pylist()
    count = found.count([("true_probability[m1]", ">=", 0.5)])
    assert [sum(row["counts"]) + row["missing"] for row in brushed.to_pylist()] == [count] * 3


def test_calibration_exemplars_slices_and_confusion(found):
    assert set(found.calibration_errors) == {"m0", "m1", "m2"}
    assert all(0 <= error <= 1 for error in found.calibration_errors.values())
    exemplars = found.exemplars().to_pylist()
    assert exemplars[0]["share"] == 1.0
    assert exemplars[0]["num_changed"] == exemplars[0]["num_models"]
    assert all(row["prediction"] != row["base_prediction"] for row in exemplars if row["share"] == 1)
    confusion = found.confusion("m1").to_pylist()
    assert sum(row["change"] for row in confusion) == 0
    assert sum(row["count"] for row in confusion) == found.summary["compared"][0].as_py()
    assert found.slices.column_names[:4] == ["model", "slice", "columns", "values"]
    assert len(found.pairs) == 3


def test_equal_data_under_another_name_is_compared(project):
    found = project.behaviors("m0", ["twin"], "images")
    assert found.summary["count"][0].as_py() == COUNT
    assert found.summary["agreement"][0].as_py() == pytest.approx(
        (PROBABILITIES[0].argmax(1) == PROBABILITIES[1].argmax(1)).mean()
    )


def test_other_data_are_not(project):
    with pytest.raises(NotFound, match=r"'others' \(.*these are not compared") as caught:
        project.behaviors("m0", ["elsewhere"], "images")
    assert caught.value.code == "outputs.unknown"


def test_measurements_have_no_flips(project):
    found = project.behaviors("m0", ["m1"], "numbers", "squared_error")
    (row,) = found.summary.to_pylist()
    assert row["value"] == pytest.approx(1 / 3)
    assert row["base_value"] == pytest.approx(0.25 / 3)
    assert row["agreement"] is row["right_to_wrong"] is row["mcnemar_p"] is None
    assert found.instances()["prediction[m1]"].to_pylist() == [1.0, 2.0, 3.0]
    for wrong in (lambda: found.changes, lambda: found.groups, lambda: found.exemplars(), lambda: found.pairs):
        with pytest.raises(InvalidValue):
            wrong()


def test_without_labels_there_is_agreement_but_no_flip(project):
    with pytest.raises(InvalidValue, match="labels: log the dataset") as caught:
        project.behaviors("m0", ["m1"], "unlabeled")
    assert caught.value.hint == "Available: none."
    with pytest.raises(InvalidValue, match="does not apply"):
        project.behaviors("m0", ["m1"], "unlabeled", "kl_divergence")


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda p: p.behaviors("nope", ["m1"], "images"), "model.unknown"),
        (lambda p: p.behaviors("m0", ["nope"], "images"), "model.unknown"),
        (lambda p: p.behaviors("m0", ["m1"], "nope"), "dataset.unknown"),
        (lambda p: p.behaviors("m0", [], "images"), "behaviors.models"),
        (lambda p: p.behaviors("m0", ["m0"], "images"), "behaviors.models"),
        (lambda p: p.behaviors("m0", "m1", "images", "nope"), "behaviors.metric"),
        (lambda p: p.behaviors("m0", "m1", "images", by="nope").groups, "behaviors.group"),
        (lambda p: p.behaviors("m0", "m1", "images").instances(sort="nope"), "behaviors.column"),
        (lambda p: p.behaviors("m0", "m1", "images").instances(where={"nope": 1}), "behaviors.column"),
        (lambda p: p.behaviors("m0", "m1", "images").instances(where={"label": "1"}), "behaviors.where"),
        (lambda p: p.behaviors("m0", "m1", "images").instances(limit=-1), "value.range"),
        (lambda p: p.behaviors("m0", "m1", "images").instances(limit=10**6), "value.range"),
        (lambda p: p.behaviors("m0", "m1", "images").instances(offset=-1), "value.range"),
        (lambda p: p.behaviors("m0", "m1", "images").confusion("m2"), "behaviors.model"),
        (lambda p: p.behaviors("m0", "m1", "images").histograms(bins=0), "value.range"),
    ],
)
def test_wrong_questions_get_one_sentence(project, ask, code):
    with pytest.raises((InvalidValue, NotFound)) as caught:
        ask(project)
    assert caught.value.code == code


def test_the_same_models_by_another_metric(found):
    other = found.using("nll")
    assert other.summary["metric"].to_pylist() == ["nll", "nll"]
    assert found.summary["metric"].to_pylist() == ["correct", "correct"]
    assert "loss" in found.metrics
    assert isinstance(found.summary.arrow, pa.Table)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published predictions are not here")
def test_thirty_published_models(tmp_path):
    with np.load(PUBLISHED) as data:
        names, predictions, labels, accuracy = (data[key] for key in ("names", "pred", "y", "accuracy"))
    ids = np.arange(len(labels))
    with cc.open(tmp_path / "published") as project, project.batch():
        project.log_dataset("cifar10", ids=ids, labels=labels)
        for name, predicted in zip(names.tolist(), predictions, strict=True):
            project.log_model(name)
            project.log_outputs(name, "cifar10", ids=ids[::-1], predictions=predicted[::-1])
        found = project.behaviors(names[0], names.tolist(), "cifar10")
        assert found.summary["value"].to_pylist() == pytest.approx(accuracy[1:].tolist(), abs=1e-4)
        right = predictions == labels
        p = {}
        for first in range(30):
            for second in range(first + 1, 30):
                lost, won = (right[first] & ~right[second]).sum(), (~right[first] & right[second]).sum()
                p[names[first], names[second]] = stats.binomtest(int(lost), int(lost + won)).pvalue
        ordered = sorted(p, key=p.__getitem__)
        significant = set()
        for rank, pair in enumerate(ordered):
            if p[pair] * (len(ordered) - rank) > 0.05:
                break
            significant.add(pair)
        assert {(row["first"], row["second"]) for row in found.pairs.to_pylist() if not row["tie"]} == significant
        assert 0 < len(significant) < len(p)
        exemplars = found.exemplars(share=0.9)
        disagreeing = (predictions[1:] != predictions[0]).sum(axis=0)
        assert exemplars["num_changed"].to_pylist() == sorted(disagreeing[disagreeing >= 0.9 * 29], reverse=True)[:100]


def test_models_without_predictions_are_compared_by_what_they_logged(tmp_path):
    random = np.random.default_rng(2)
    ids = ["a", "b", "c"]
    embeddings = random.normal(size=(2, 3, 4)).astype(np.float32)
    with cc.open(tmp_path / "p") as project:
        project.log_dataset("text", ids=ids, tokens=[["A", " dog"], ["No"], ["So", " it", " is"]])
        for k, model in enumerate("xy"):
            project.log_model(model)
            given = [[-1.0, -2.0 - k], [-0.5], [-1.0 - k, -1.0, -1.0]]
            vectors = {"embeddings": embeddings[k]}
            project.log_outputs(model, "text", ids=ids, vectors=vectors, tokens={"log_probability": given})
        found = project.behaviors("x", "y", "text", "perplexity")
        assert found.summary["value"].to_pylist() == pytest.approx([np.exp([2.0, 0.5, 4 / 3]).mean()])
        assert found.perplexity["perplexity"].to_pylist() == pytest.approx([np.exp(8.5 / 6)])
        assert found.instances(where=[("*", "contains", "dog")])["text"].to_pylist() == ["A dog"]
        assert found.tokens("a") == {"log_probability": {"x": [-1.0, -2.0], "y": [-1.0, -3.0]}}
        cosine = found.using("cosine").instances()["cosine[y]"].to_pylist()
        cross = [1 - distance.cosine(*pair) for pair in zip(embeddings[0], embeddings[1], strict=True)]
        assert cosine == pytest.approx(cross, abs=1e-6)
        assert found.has_classes is False
        assert found.summary["agreement"].to_pylist() == [None]
        assert set(found.group_columns) == {"token count"}


def test_other_preprocessing_or_classes_are_not_compared(tmp_path):
    ids = np.arange(20)
    with cc.open(tmp_path / "p") as project:
        project.log_dataset("d", ids=ids, labels=ids % 2)
        for model, facts in {
            "plain": {},
            "small": {"preprocessing": {"resize": 32, "mean": [0.5]}, "classes": ["cat", "dog"]},
            "large": {"preprocessing": {"resize": 64, "mean": [0.5]}, "classes": ["cat", "dog"]},
            "other": {"classes": ["cat", "fox"]},
        }.items():
            project.log_model(model)
            project.log_outputs(model, "d", ids=ids, predictions=ids % 2, **facts)
        assert project.behaviors("plain", "small", "d").summary["count"].to_pylist() == [20]
        with pytest.raises(InvalidValue, match="'small' and 'large' have different preprocessing") as error:
            project.behaviors("plain", ["small", "large"], "d")
        assert (error.value.code, error.value.detail) == ("behaviors.not_comparable", "Found resize: 32 and 64.")
        with pytest.raises(InvalidValue, match="'small' and 'other' have different sets of classes") as error:
            project.behaviors("small", "other", "d")
        assert "['dog'], only in the second ['fox']" in error.value.detail


def test_slices_by_simple_features_of_texts_and_images(tmp_path):
    """Only long texts and dark images got worse."""
    random = np.random.default_rng(3)
    count = 600
    long, dark = random.random(count) < 0.3, random.random(count) < 0.3
    images = [np.full((4, 4), 20 if one else 220, dtype=np.uint8) for one in dark]
    texts = ["word " * (30 if one else 4) for one in long]
    labels = random.integers(0, 2, count)
    with cc.open(tmp_path / "p") as project:
        project.log_dataset("d", ids=np.arange(count), labels=labels, texts=texts, images=images)
        for model, wrong in (("base", np.zeros(count, bool)), ("small", (long | dark) & (random.random(count) < 0.8))):
            project.log_model(model)
            project.log_outputs(model, "d", ids=np.arange(count), predictions=np.where(wrong, 1 - labels, labels))
        found = project.behaviors("base", "small", "d").slices.to_pylist()
    worst = {tuple(row["columns"]) for row in found if row["excess"] < 0}
    assert ("image brightness",) in worst
    assert ("text words",) in worst
