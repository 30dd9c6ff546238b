"""Token classification, perplexity and similarity, beside the libraries that compute them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional as F

from compress_compare.errors import InvalidValue
from compress_compare.evaluation.evaluators.perplexity import Perplexity
from compress_compare.evaluation.evaluators.similarity import SentenceSimilarity
from compress_compare.evaluation.evaluators.token_classification import TokenClassification

TOKENS = torch.tensor([[3, 5, 2, 7], [4, 1, 0, 0], [6, 6, 8, 0]])
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]])
PADDED = {"input_ids": TOKENS, "attention_mask": MASK}


@pytest.fixture(scope="module", autouse=True)
def torchmetrics() -> Any:
    """Imported by who runs these tests alone: it takes seconds."""
    return pytest.importorskip("torchmetrics")


class Reader(nn.Module):
    """Scores of each token from the sum of those up to it."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.head = nn.Embedding(10, 6), nn.Linear(6, classes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Any:
        del attention_mask
        return self.head(self.table(input_ids).cumsum(1))


def alone() -> list[dict[str, Tensor]]:
    """The same texts one by one, without padding."""
    return [{"input_ids": row[kept.bool()][None]} for row, kept in zip(TOKENS, MASK, strict=True)]


def test_perplexity_is_that_of_torchmetrics_over_the_tokens_that_are_there(torchmetrics: Any) -> None:
    model = Reader(10).train()
    with torch.no_grad():
        scores = model(TOKENS)[:, :-1]
    targets = TOKENS[:, 1:].masked_fill(MASK[:, 1:] == 0, -100)
    wanted = float(torchmetrics.text.Perplexity(ignore_index=-100)(scores, targets))
    found = Perplexity([PADDED]).measure(model)
    assert found["Perplexity"].value == pytest.approx(wanted, rel=1e-5) and found["Perplexity"].count == 6
    assert found["NaN Texts"].value == 0 and model.training


def test_padding_changes_no_answer() -> None:
    model = Reader(10)
    padded, plain = Perplexity([PADDED]), Perplexity(alone())
    assert padded.measure(model)["Perplexity"].value == pytest.approx(plain.measure(model)["Perplexity"].value)
    for one, other in zip(padded.answer(model)["metrics"]["nll"], plain.answer(model)["metrics"]["nll"], strict=True):
        assert one == pytest.approx(other, rel=1e-5)


def test_texts_that_break_the_model_are_counted_beside_the_number() -> None:
    model = Reader(10)
    model.table.weight.data[6] = float("nan")  # the last text has it
    found = Perplexity([PADDED], device="auto").measure(model)
    first_two = Perplexity(alone()[:2]).measure(model)["Perplexity"]
    assert found["NaN Texts"].value == 1 and found["NaN Texts"].count == 3
    assert found["Perplexity"].value == pytest.approx(first_two.value, rel=1e-6) and found["Perplexity"].count == 4


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(InvalidValue, match="no device 'cuda:77'"):
        Perplexity([PADDED], device="cuda:77").measure(Reader(10))


def test_token_classes_are_scored_as_by_torchmetrics(torchmetrics: Any) -> None:
    model, names = Reader(3), ("O", "PER", "LOC")
    labels = torch.tensor([[0, 1, 1, 0], [2, 0, 1, 1], [-100, 0, 2, 2]])
    counted = labels.masked_fill(MASK == 0, -100)
    with torch.no_grad():
        found = model(TOKENS).argmax(-1)
    tagging = TokenClassification([(PADDED, labels)], names)
    answers = tagging.answer(model)
    assert answers["texts"][1] == " ".join(names[i] for i in found[1, :2].tolist())
    assert answers["metrics"]["Token Accuracy"][2] == float((found[2, 1:3] == labels[2, 1:3]).double().mean())
    score = torchmetrics.classification.MulticlassF1Score(3, ignore_index=-100)
    right = torchmetrics.classification.MulticlassAccuracy(3, ignore_index=-100, average="micro")
    measured = tagging.measure(model)
    assert measured["Token F1"].value == pytest.approx(float(score(found, counted)))
    assert measured["Token Accuracy"].value == pytest.approx(float(right(found, counted)))
    assert measured["Token Accuracy"].count == 8


def test_similarity_is_the_correlation_of_cosines_without_padding() -> None:
    model, others = Reader(5), TOKENS.flip(0)
    other = {"input_ids": others, "attention_mask": torch.ones_like(others)}
    sts = SentenceSimilarity([(PADDED, other)], [0.9, 0.1, 0.5])
    answers = sts.answer(model)
    with torch.no_grad():
        first = torch.cat([model(**text).mean(1) for text in alone()])
        wanted = F.cosine_similarity(first, model(others).mean(1)).tolist()
    assert answers["predictions"] == pytest.approx(wanted, rel=1e-5)
    assert answers["vectors"]["embeddings"].shape == (3, 5)
    found = sts.measure(model)
    assert found["Spearman Correlation"].value == pytest.approx(stats.spearmanr(wanted, [0.9, 0.1, 0.5]).statistic)
    assert found["Pearson Correlation"].value == pytest.approx(
        stats.pearsonr(wanted, [0.9, 0.1, 0.5]).statistic, rel=1e-4
    )


def test_constant_similarities_have_no_correlation() -> None:
    assert SentenceSimilarity([(PADDED, PADDED)], [1.0, 1.0, 1.0]).measure(Reader(5)) == {}


def test_two_levels_of_similarity_are_enough() -> None:
    other = {"input_ids": TOKENS.flip(0), "attention_mask": torch.ones_like(TOKENS)}
    sts = SentenceSimilarity([(PADDED, other)], [0.0, 1.0, 1.0])
    cosines = sts.answer(Reader(5))["predictions"]
    wanted = stats.spearmanr(cosines, [0.0, 1.0, 1.0]).statistic
    assert sts.measure(Reader(5))["Spearman Correlation"].value == pytest.approx(wanted)
    one = SentenceSimilarity([(PADDED, PADDED)], [0.0, 1.0, 1.0])
    assert one.score({"predictions": [0.5, 0.5, 0.5]}) == {}
