"""Speech recognition: the word error rate of what a model hears, by jiwer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from ...records import Metric, MetricValue
from .base import Answers, Evaluator, needs, running

WER = Metric("Word Error Rate", format=".1%", higher_is_better=False, primary=True, min=0)
ERRORS = "word errors"


@dataclass(frozen=True)
class Speech(Evaluator):
    """Sentences that a model writes down.

    Args:
        batches: inputs of the model.
        references: what was said, sentence by sentence over all batches.
        transcribe: (model, inputs) → one sentence for each of the inputs.
        device: see ``Evaluator``.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (WER,)

    batches: Sequence[Any]
    references: Sequence[str]
    transcribe: Callable[[nn.Module, Any], Sequence[str]]
    device: str | None = None

    def run(self, model: nn.Module) -> Answers:
        """Return the sentences, and the words of each that were replaced, left out or put in."""
        texts: list[str] = []
        with running(model, self.device) as placed:
            for inputs in self.batches:
                texts += self.transcribe(model, placed(inputs))
        errors = [_errors(self._words([said], [heard])) for said, heard in zip(self.references, texts, strict=True)]
        return {"texts": texts, "metrics": {ERRORS: errors}}

    def score(self, answers: Mapping[str, Any]) -> dict[str, MetricValue]:
        """Return the word error rate over all sentences; its count is that of the words said."""
        found = self._words(list(self.references), list(answers["texts"]))
        said = found.hits + found.substitutions + found.deletions
        return {WER.name: MetricValue(float(found.wer), count=said)}

    def _words(self, said: list[str], heard: list[str]) -> Any:
        try:
            import jiwer
        except ImportError as error:
            raise needs("jiwer", "Scoring speech") from error
        return jiwer.process_words(said, heard)


def _errors(found: Any) -> int:
    return int(found.substitutions + found.deletions + found.insertions)
