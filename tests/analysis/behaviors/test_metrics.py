"""Every metric by name against a few lines of numpy, over outputs in another order and with instances missing."""

import numpy as np
import pytest
from scipy.spatial import distance
from scipy.special import rel_entr

from compress_compare.analysis.behaviors import metrics
from compress_compare.analysis.behaviors.frame import Frame
from compress_compare.errors import InvalidValue

from .frames import classified, dataset, frame, outputs

LABELS, PROBABILITIES = classified(count=80)
ROWS = np.arange(80)


def value(given, name, model="m1"):
    return metrics.values(given, name, metric=metrics.find(given, name, directions={}))[model]


def expected(name, base, model, labels):
    base, model = base.astype(np.float64), model.astype(np.float64)
    rows = np.arange(len(labels))
    first = base.argmax(1)
    others = model.copy()
    others[rows, labels] = -1
    pairs = list(zip(base, model, strict=True))
    change = model[rows, first] - base[rows, first]
    return {
        "correct": 1.0 * (model.argmax(1) == labels),
        "true_probability": model[rows, labels],
        "base_probability": model[rows, first],
        "confidence": model.max(axis=1),
        "margin": model[rows, labels] - others.max(axis=1),
        "nll": -np.log(model[rows, labels]),
        "kl_divergence": rel_entr(base, model).sum(axis=1),
        "js_divergence": [distance.jensenshannon(p, q) ** 2 for p, q in pairs],
        "total_variation": np.abs(base - model).sum(axis=1) / 2,
        "mse": ((base - model) ** 2).mean(axis=1),
        "difference": change,
        "absolute_difference": np.abs(change),
        "ratio": model[rows, first] / base[rows, first],
        "cosine": [1 - distance.cosine(p, q) for p, q in pairs],
    }[name]


CLASSIFICATION = (
    *("correct", "true_probability", "base_probability", "confidence", "margin", "nll", "kl_divergence"),
    *("js_divergence", "total_variation", "mse", "difference", "absolute_difference", "ratio", "cosine"),
)


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_a_metric_is_what_numpy_says(name):
    given = frame(LABELS, PROBABILITIES)
    assert value(given, name) == pytest.approx(expected(name, *PROBABILITIES[:2], LABELS), abs=1e-6)


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_a_metric_follows_the_ids(name):
    random = np.random.default_rng(4)
    orders = [random.permutation(80), random.permutation(80)[:50], random.permutation(80)]
    given = frame(LABELS, PROBABILITIES, orders=orders)
    found, present = value(given, name), np.isin(ROWS, orders[1])
    whole = value(frame(LABELS, PROBABILITIES), name)
    assert np.array_equal(found[present], whole[present])
    assert np.isnan(found[~present]).all()
    assert np.array_equal(given.present("m1"), present)


@pytest.mark.parametrize("name", [name for name in CLASSIFICATION if name not in ("mse", "cosine")])
def test_logits_do_as_well_as_probabilities(name):
    whole = value(frame(LABELS, PROBABILITIES), name)
    assert value(frame(LABELS, PROBABILITIES, kind="logits"), name) == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_the_base_against_itself_has_not_changed(name):
    given = frame(LABELS, PROBABILITIES)
    unchanged = {"ratio": 1.0, "cosine": 1.0}.get(name, 0.0)
    if name in (*CLASSIFICATION[6:10], "difference", "absolute_difference", "ratio", "cosine"):
        assert value(given, name, "m0") == pytest.approx(np.full(80, unchanged), abs=1e-12)
    else:
        same = value(given, name, "m0")
        assert same == pytest.approx(expected(name, PROBABILITIES[0], PROBABILITIES[0], LABELS), abs=1e-6)


def numeric(labels=(1.0, 2.0, 3.0), base=(1.5, 2.0, 2.0), model=(1.0, 4.0, -2.0)):
    ids = np.arange(3)
    answered = {"m0": outputs(ids, list(base)), "m1": outputs(ids, list(model))}
    return Frame(dataset(ids, labels=list(labels)), answered)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("error", [0.0, 2.0, -5.0]),
        ("absolute_error", [0.0, 2.0, 5.0]),
        ("squared_error", [0.0, 4.0, 25.0]),
        ("difference", [-0.5, 2.0, -4.0]),
        ("absolute_difference", [0.5, 2.0, 4.0]),
        ("mse", [0.25, 4.0, 16.0]),
        ("ratio", [1 / 1.5, 2.0, -1.0]),
        ("cosine", [1.0, 1.0, -1.0]),
    ],
)
def test_measurements(name, numbers):
    assert value(numeric(), name) == pytest.approx(numbers)


def test_integer_labels_go_with_numeric_predictions():
    assert value(numeric(labels=(1, 2, 3)), "error") == pytest.approx([0.0, 2.0, -5.0])


def test_a_logged_metric_is_passed_on_with_its_direction():
    ids = [1, 2]
    answered = {name: outputs(ids, [0, 1], metrics={"wer": [0.5, np.inf]}) for name in ("a", "b")}
    given = Frame(dataset(ids), answered)
    assert metrics.available(given) == ["wer"]
    assert value(given, "wer", "b").tolist() == [0.5, np.inf]
    assert metrics.find(given, "wer", directions={"wer": False}).higher_is_better is False


def test_string_classes_take_their_places_in_order():
    names = np.array(["ant", "bee", "cat", "dog"])
    ids = np.arange(80)
    answered = {
        f"m{i}": outputs(ids, names[p.argmax(1)].tolist(), vectors={"probabilities": p})
        for i, p in enumerate(PROBABILITIES)
    }
    given = Frame(dataset(ids, labels=names[LABELS].tolist()), answered)
    assert value(given, "nll") == pytest.approx(value(frame(LABELS, PROBABILITIES), "nll"))


def test_classes_without_a_place_are_refused():
    answered = {m: outputs([1, 2], ["a", "b"], vectors={"probabilities": np.eye(2, 3)}) for m in ("x", "y")}
    with pytest.raises(InvalidValue) as caught:
        value(Frame(dataset([1, 2], labels=["a", "b"]), answered), "nll", "y")
    assert caught.value.code == "behaviors.classes"


@pytest.mark.parametrize("bad", [[0.9, 0.2], [1.5, -0.5], [0.2, 0.2]])
@pytest.mark.parametrize("name", ["kl_divergence", "js_divergence", "total_variation", "nll", "margin"])
def test_probabilities_that_are_none_are_refused(bad, name):
    good = np.array([[0.5, 0.5], [0.1, 0.9]])
    vectors = {"m0": good, "m1": np.array([[0.5, 0.5], bad])}
    answered = {m: outputs([1, 2], [0, 1], vectors={"probabilities": v}) for m, v in vectors.items()}
    with pytest.raises(InvalidValue, match="model 'm1' are not at least 0 with the sum 1") as caught:
        value(Frame(dataset([1, 2], labels=[0, 1]), answered), name)
    assert caught.value.code == "behaviors.probabilities"


def test_half_precision_passes_and_nan_is_kept():
    half = PROBABILITIES.astype(np.float16).astype(np.float32)
    half[1, 3] = np.nan
    found = value(frame(LABELS, half), "kl_divergence")
    assert np.isnan(found).nonzero()[0].tolist() == [3]


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("nope", "no per-instance metric 'nope'"),
        ("correct", "labels: log the dataset"),
        ("nll", "labels: log the dataset with labels=…; and vectors named"),
        ("kl_divergence", "vectors named 'probabilities' or 'logits'"),
        ("cosine", "vectors of every model"),
        ("error", "predictions that are numbers"),
        ("token_f1", "predictions or texts that are strings"),
    ],
)
def test_what_does_not_apply_says_what_is_missing_and_what_there_is(name, needs):
    answered = {m: outputs([1, 2], [0, 1], metrics={"loss": [1, 2]}) for m in ("x", "y")}
    with pytest.raises(InvalidValue, match=needs) as caught:
        metrics.find(Frame(dataset([1, 2]), answered), name, directions={})
    assert caught.value.code == "behaviors.metric"
    assert caught.value.hint == "Available: loss."


def test_every_metric_says_what_it_means():
    assert all(metric.meaning.endswith(".") for metric in metrics.BUILTIN.values())


SHARES = ("correct", "true_probability", "base_probability", "exact_match", "token_f1", "jaccard", "label_f1")
OF_OBJECTS = (
    "detection_f1",
    "detection_recall",
    "detection_precision",
    "mean_iou",
    "pixel_accuracy",
    "pixel_agreement",
)
COUNTED = ("nll", "kl_divergence", "js_divergence", "mse", "absolute_difference", "absolute_error", "squared_error")
ENDS = {
    **dict.fromkeys((*SHARES, *OF_OBJECTS), (True, 0, 1)),
    **dict.fromkeys((*COUNTED, "missed_objects", "false_positives"), (False, 0, None)),
    **dict.fromkeys(("total_variation", "edit_distance", "hamming"), (False, 0, 1)),
    **dict.fromkeys(("difference", "error"), (None, None, None)),
    "confidence": (None, 0, 1),
    "margin": (True, -1, 1),
    "ratio": (None, 0, None),
    "cosine": (True, None, None),
    "log_probability": (True, None, 0),
    "perplexity": (False, 1, None),
}


def test_directions_and_ends_of_every_metric_follow_from_what_it_is():
    found = {name: (one.higher_is_better, one.low, one.high) for name, one in metrics.BUILTIN.items()}
    assert found == ENDS
