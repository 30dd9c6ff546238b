"""Tasks of lm-evaluation-harness, run on a model in memory; results and samples are what `import lm-eval` reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from ...errors import MissingExtra
from ...operations.parts.devices import placed
from ..forward import observing


@dataclass(frozen=True)
class Harness:
    """Tasks of lm-evaluation-harness.

    Args:
        tokenizer: of the model, as transformers has it.
        tasks: names of tasks.
        include: a folder with further tasks, as its ``--include_path``.
        limit: documents of each task; all if not given.
        device: ``auto``, a name, or none for where the model is.
    """

    tokenizer: Any
    tasks: Sequence[str]
    include: Path | None = None
    limit: int | None = None
    device: str | None = None

    def run(self, model: nn.Module, out: Path, *, name: str = "model", batch_size: int = 8) -> Path:
        """Run the tasks and write ``results_*.json`` and ``samples_*.jsonl`` as the harness does; their folder.

        Args:
            model: a causal language model of transformers; it stays as it is.
            out: the folder to write to.
            name: of the model, in the results.
            batch_size: texts that are run at a time.

        Raises:
            MissingExtra: without lm-evaluation-harness.
        """
        try:
            from lm_eval import simple_evaluate
            from lm_eval.loggers import EvaluationTracker
            from lm_eval.models.huggingface import HFLM
            from lm_eval.tasks import TaskManager
        except ImportError as error:
            raise MissingExtra("lm-eval", purpose="Tasks of lm-evaluation-harness", extra="harness") from error
        tracker = EvaluationTracker(output_path=str(out))
        with observing(model), placed(model, self.device) as place:
            harnessed = HFLM(pretrained=model, tokenizer=self.tokenizer, batch_size=batch_size, device=str(place))
            include = None if self.include is None else str(self.include)
            manager = TaskManager(include_path=include)
            found = simple_evaluate(
                harnessed,
                tasks=list(self.tasks),
                limit=self.limit,
                task_manager=manager,
                log_samples=True,
                evaluation_tracker=tracker,
                bootstrap_iters=0,
            )
        samples = found.pop("samples")
        tracker.general_config_tracker.model_name_sanitized = name
        tracker.save_results_aggregated(results=found, samples=samples)
        for task in found["configs"]:
            tracker.save_results_samples(task_name=task, samples=samples[task])
        return out
