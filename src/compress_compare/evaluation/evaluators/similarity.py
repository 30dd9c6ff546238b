"""Sentence embeddings: how well the cosine of pairs ranks them as people do (semantic textual similarity), by SciPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import MissingExtra
from ...records import Metric, MetricValue
from ..inputs import answer, call
from .base import Answers, Evaluator, running

SPEARMAN = Metric("Spearman Correlation", format=".3f", higher_is_better=True, primary=True, min=-1, max=1)
PEARSON = Metric("Pearson Correlation", format=".3f", higher_is_better=True, min=-1, max=1)
COSINE = "cosine"


def mean_of_tokens(model: nn.Module, inputs: Any) -> Tensor:
    """Embed sentences by the mean of the last hidden states of their tokens, without padding: [sentences, width]."""
    output = call(model, inputs)
    found = getattr(output, "last_hidden_state", None)
    states = found if isinstance(found, Tensor) else answer(output)
    mask = inputs.get("attention_mask") if isinstance(inputs, Mapping) else None
    if states.ndim == 2 or mask is None:
        return states if states.ndim == 2 else states.mean(1)
    kept: Tensor = mask[..., None].to(states)
    return (states * kept).sum(1) / kept.sum(1).clamp(min=1)


@dataclass(frozen=True)
class SentenceSimilarity(Evaluator):
    """Pairs of sentences with the similarity that people gave them.

    Args:
        pairs: batches of (inputs of the first sentences, inputs of the second).
        similarities: one number for each pair, over all batches.
        embed: (model, inputs) → [sentences, width].
        device: see ``Evaluator``.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (SPEARMAN, PEARSON)

    pairs: Sequence[tuple[Any, Any]]
    similarities: Sequence[float]
    embed: Callable[[nn.Module, Any], Tensor] = mean_of_tokens
    device: str | None = None

    def run(self, model: nn.Module) -> Answers:
        """Return the cosine of each pair, and the embedding of its first sentence."""
        cosines: list[float] = []
        vectors: list[Tensor] = []
        with running(model, self.device) as placed:
            for one, other in self.pairs:
                first, second = (self.embed(model, placed(inputs)).double().cpu() for inputs in (one, other))
                cosines += F.cosine_similarity(first, second).tolist()
                vectors.append(first)
        return {"predictions": cosines, "vectors": {"embeddings": torch.cat(vectors).numpy()}}

    def score(self, answers: Mapping[str, Any]) -> dict[str, MetricValue]:
        """Return both correlations of the cosines with the similarities; none where they are undefined."""
        try:
            from scipy import stats
        except ImportError as error:
            raise MissingExtra("scipy", purpose="Scoring similarities", extra="torch") from error
        cosines, count = answers["predictions"], len(self.similarities)
        if len(set(cosines)) < 2 or len(set(self.similarities)) < 2:
            return {}
        ranks = float(stats.spearmanr(cosines, self.similarities).statistic)
        line = float(stats.pearsonr(cosines, self.similarities).statistic)
        return {SPEARMAN.name: MetricValue(ranks, count=count), PEARSON.name: MetricValue(line, count=count)}
