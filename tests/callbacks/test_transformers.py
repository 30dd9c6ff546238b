"""The callback inside a real Hugging Face trainer."""

import pytest
import torch

import compress_compare as cc
from compress_compare import errors

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def callbacks():
    """Imported by who runs these tests alone: the trainer takes seconds."""
    pytest.importorskip("accelerate")
    from compress_compare.callbacks import transformers

    return transformers


class Texts(torch.utils.data.Dataset):
    """Sixteen sequences whose label is their first token."""

    def __len__(self):
        return 16

    def __getitem__(self, index):
        tokens = torch.tensor([index % 2, 3, 4, 5])
        return {"input_ids": tokens, "attention_mask": torch.ones(4, dtype=torch.long), "labels": index % 2}


def network():
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return transformers.BertForSequenceClassification(
        transformers.BertConfig(vocab_size=8, max_position_embeddings=8, num_labels=2, **sizes)
    )


def accuracy(found):
    return {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())}


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


def trainer(tmp_path, callback, **options):
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"),
        num_train_epochs=2,
        per_device_train_batch_size=8,
        learning_rate=1e-2,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        **{"eval_strategy": "epoch", "save_strategy": "no", **options},
    )
    return transformers.Trainer(
        model=network(),
        args=arguments,
        train_dataset=Texts(),
        eval_dataset=Texts(),
        compute_metrics=accuracy,
        callbacks=[callback],
    )


def test_the_trained_weights_and_the_last_evaluation_are_logged(project, callbacks, tmp_path):
    running = trainer(tmp_path, callbacks.LogTransformersModel(project, "bert"))
    running.train()
    found = project.model("bert")
    assert (found.base, found.operation) == (None, cc.Operation("train", epochs=2))
    assert set(found.metrics) == {"eval_loss", "eval_accuracy"}
    stored = project.load_checkpoint("bert")
    assert torch.equal(stored["classifier.weight"], running.model.classifier.weight.detach())
    # Worked out again from the trained weights.
    batch = torch.utils.data.default_collate([Texts()[index] for index in range(16)])
    logits = running.model.eval()(**batch).logits
    right = float((logits.argmax(-1) == batch["labels"]).float().mean())
    assert found.metrics["eval_accuracy"][0].value == pytest.approx(right)


def test_an_evaluation_after_the_training_is_added(project, callbacks, tmp_path):
    project.log_model("bert")
    callback = callbacks.LogTransformersModel(project, "child", base="bert", metrics={"eval_accuracy": "Accuracy"})
    running = trainer(tmp_path, callback, eval_strategy="no")
    with pytest.warns(UserWarning, match="no 'eval_accuracy'; it logged nothing"):
        running.train()
    assert project.model("child").operation == cc.Operation("finetune", epochs=2)
    assert not project.model("child").metrics
    reported = running.evaluate()
    assert project.model("child").metrics["Accuracy"][0].value == reported["eval_accuracy"]
    running.evaluate()


def test_a_taken_name_is_refused_before_the_training(project, callbacks, tmp_path):
    project.log_model("bert")
    running = trainer(tmp_path, callbacks.LogTransformersModel(project, "bert"))
    before = running.model.classifier.weight.detach().clone()
    with pytest.raises(errors.Conflict, match="'bert' already"):
        running.train()
    assert torch.equal(running.model.classifier.weight.detach(), before)


def test_the_metrics_are_those_of_the_weights_that_were_kept(callbacks):
    history = [
        {"loss": 1.0, "step": 1},
        {"eval_accuracy": 0.9, "eval_runtime": 1.0, "epoch": 1, "step": 1},
        {"eval_accuracy": 0.5, "eval_runtime": 1.0, "epoch": 2, "step": 2},
        {"train_runtime": 3.0, "step": 2},
    ]
    assert callbacks.evaluated(history, step=None) == {"eval_accuracy": 0.5}
    assert callbacks.evaluated(history, step=1) == {"eval_accuracy": 0.9}
    assert callbacks.evaluated([], step=None) == {}
