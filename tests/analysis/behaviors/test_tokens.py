import numpy as np
import pytest
from scipy import special

import compress_compare as cc
from compress_compare.analysis.behaviors import metrics, tokens
from compress_compare.analysis.behaviors.frame import Frame
from compress_compare.errors import InvalidValue
from tests.analysis.behaviors.frames import dataset, outputs

WORDS = [["Once", " upon", " a"], ["The", " end"], [], ["x"]]
BASE = [[-1.0, -2.0, -0.5], [-0.25, -3.0], [], [np.nan]]
MODEL = [[-1.5, -2.0, -1.0], [-0.5, -3.5], [], [np.nan]]
KL = [[0.1, 0.0, 0.2], [0.3, 0.5], [], [0.0]]


@pytest.fixture(scope="module")
def frame():
    ids = np.arange(4)
    zero = [[0.0] * len(one) for one in WORDS]
    return Frame(
        dataset(ids, tokens=WORDS),
        {
            "base": outputs(ids, tokens={"log_probability": BASE, "kl_divergence": zero}),
            "model": outputs(ids[::-1], tokens={"log_probability": MODEL[::-1], "kl_divergence": KL[::-1]}),
        },
    )


def of(frame, name):
    return metrics.values(frame, name, metric=metrics.find(frame, name, directions={}))["model"]


def test_means_over_tokens(frame):
    assert of(frame, "log_probability") == pytest.approx([-1.5, -2.0, np.nan, np.nan], nan_ok=True)
    assert of(frame, "nll") == pytest.approx([1.5, 2.0, np.nan, np.nan], nan_ok=True)
    assert of(frame, "perplexity") == pytest.approx([np.exp(1.5), np.exp(2.0), np.nan, np.nan], nan_ok=True)
    assert of(frame, "kl_divergence") == pytest.approx([0.1, 0.4, np.nan, 0.0], nan_ok=True)
    assert metrics.find(frame, "kl_divergence", directions={}).higher_is_better is False


def test_perplexity_of_all_tokens(frame):
    row = tokens.corpus(frame).to_pylist()[0]
    assert row["tokens"] == 5
    assert row["perplexity"] == pytest.approx(np.exp(8.5 / 5))
    assert row["base_perplexity"] == pytest.approx(np.exp(6.75 / 5))
    assert row["ratio"] == pytest.approx(row["perplexity"] / row["base_perplexity"])


def test_the_interval_covers_the_true_ratio():
    """Of texts whose change is drawn around 0.1 nats per token, nineteen in twenty intervals hold exp(0.1)."""
    random = np.random.default_rng(8)
    held = 0
    for _ in range(300):
        lengths = random.integers(5, 40, 60)
        shift = 0.1 + 0.05 * random.normal(size=60)
        base = [random.normal(-3, 1, length) for length in lengths]
        model = [one - move for one, move in zip(base, shift, strict=True)]
        ids = np.arange(60)
        answered = {
            "a": outputs(ids, tokens={"log_probability": base}),
            "b": outputs(ids, tokens={"log_probability": model}),
        }
        row = tokens.corpus(Frame(dataset(ids), answered)).to_pylist()[0]
        held += row["ci_low"] <= np.exp(0.1) <= row["ci_high"]
    assert 0.91 <= held / 300 <= 0.98


def test_a_token_without_a_number_is_left_out():
    ids = np.arange(2)
    base = [[-1.0, None, -3.0], [None, -1.0]]
    given = Frame(
        dataset(ids, tokens=[["a", "b", "c"], ["d", "e"]]),
        {name: outputs(ids, tokens={"log_probability": base}) for name in ("base", "model")},
    )
    assert of(given, "log_probability") == pytest.approx([-2.0, -1.0])


def test_numbers_of_one_instance(frame):
    assert tokens.of_instance(frame, 1)["log_probability"] == {"base": [-0.25, -3.0], "model": [-0.5, -3.5]}


@pytest.mark.parametrize("kind", ["logits", "log-probabilities", "tensors"])
def test_the_divergence_of_every_place(kind, monkeypatch):
    random = np.random.default_rng(3)
    base, model = random.normal(0, 3, (2, 37, 50)).astype(np.float32)
    expected = special.rel_entr(special.softmax(base, axis=1), special.softmax(model, axis=1)).sum(1)
    monkeypatch.setattr(tokens, "_AT_ONCE", 500)
    if kind == "log-probabilities":
        base, model = special.log_softmax(base, axis=1), special.log_softmax(model, axis=1)
    if kind == "tensors":
        torch = pytest.importorskip("torch")
        base, model = torch.tensor(base, requires_grad=True), torch.tensor(model)
    assert cc.kl_per_token(base, model) == pytest.approx(expected, abs=1e-5)
    assert cc.kl_per_token(base, base).tolist() == [0] * 37


def test_half_precision_tensors():
    torch = pytest.importorskip("torch")
    base = torch.randn(4, 9, generator=torch.Generator().manual_seed(0)).bfloat16()
    model = (base + 0.5 * torch.arange(9)).bfloat16()
    first, second = (special.softmax(one.double().numpy(), axis=1) for one in (base, model))
    assert cc.kl_per_token(base, model) == pytest.approx(special.rel_entr(first, second).sum(1))


def test_what_is_ruled_out_and_what_is_no_number():
    never = -np.inf
    base = [[0.0, 0.0, never], [0.0, never, never], [0.0, np.nan, 0.0], [0.0, 0.0, 0.0], [never, never, never]]
    model = [[0.0, never, 0.0], [0.0, 5.0, 5.0], [0.0, 0.0, 0.0], [0.0, 0.0, np.nan], [0.0, 0.0, 0.0]]
    expected = [np.inf, np.log(1 + 2 * np.exp(5)), np.nan, np.nan, np.nan]
    assert cc.kl_per_token(base, model) == pytest.approx(expected, nan_ok=True)
    assert len(cc.kl_per_token(np.zeros((0, 5)), np.zeros((0, 5)))) == 0


@pytest.mark.parametrize(
    ("base", "model"),
    [
        (np.zeros((3, 4)), np.zeros((3, 5))),
        (np.zeros((3, 4)), np.zeros((2, 4))),
        (np.zeros(4), np.zeros(4)),
        (np.zeros((3, 0)), np.zeros((3, 0))),
        ([["a", "b"]], [[0.0, 1.0]]),
        ([[0.0, 1.0], [0.0]], [[0.0, 1.0], [0.0, 1.0]]),
        (None, np.zeros((3, 4))),
    ],
)
def test_logits_of_other_shapes_are_refused(base, model):
    with pytest.raises(InvalidValue) as caught:
        cc.kl_per_token(base, model)
    assert caught.value.code == "behaviors.logits"


def perplexities(base, model):
    """Of texts, of which a model answers those that are not ``None``."""
    given = {}
    for name, texts in (("a", base), ("b", model)):
        answered = [place for place, one in enumerate(texts) if one is not None]
        numbers = [texts[place] for place in answered]
        given[name] = outputs(np.array(answered), tokens={"log_probability": numbers})
    return tokens.corpus(Frame(dataset(np.arange(len(base))), given)).to_pylist()[0]


def test_the_interval_of_two_texts_by_hand():
    # changes of 0.5 over two tokens and 0.2 over one; 0.7 / 3 for each token of all
    row = perplexities([[-1.0, -1.0], [-2.0]], [[-1.5, -1.0], [-2.2]])
    mean = 0.7 / 3
    residuals = [0.5 - 2 * mean, 0.2 - mean]
    # Cochran 1977, 6.13: the variance of a ratio is that of its residuals, over n and the mean size squared
    error = np.sqrt(sum(one**2 for one in residuals) / 1 / 2) / 1.5
    assert (row["tokens"], row["ratio"]) == (3, pytest.approx(np.exp(mean)))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(
        tuple(np.exp(mean + np.array([-1.959964, 1.959964]) * error))
    )
    assert (row["perplexity"], row["base_perplexity"]) == pytest.approx((np.exp(4.7 / 3), np.exp(4 / 3)))


def test_texts_with_other_tokens_or_without_an_answer_are_left_out_of_the_perplexity():
    base = [[-1.0, -1.0], [-2.0], [-3.0], [], [-np.inf], None]
    model = [[-1.5], [-2.5], None, [], [-1.0], [-1.0]]
    row = perplexities(base, model)
    assert (row["tokens"], row["perplexity"], row["base_perplexity"]) == (1, np.exp(2.5), np.exp(2))
    assert row["ratio"] == pytest.approx(np.exp(0.5)) and row["ci_low"] is row["ci_high"] is None
    nothing = perplexities(base[2:4], model[2:4])
    assert nothing == {"model": "b", "tokens": 0} | dict.fromkeys(
        ("perplexity", "base_perplexity", "ratio", "ci_low", "ci_high")
    )
