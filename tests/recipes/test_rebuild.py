"""Sizes predicted before anything runs are those measured after; models come back from the store as they were."""

import pytest
import torch
from torch import nn

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.evaluation.size import packed_size
from compress_compare.operations import from_record
from compress_compare.recipes import Task, loads, plan
from compress_compare.recipes.predict import packed_sizes
from compress_compare.recipes.rebuild import RebuiltWeights, apply, rebuild
from compress_compare.schemes import scheme
from compress_compare.store import checkpoints
from compress_compare.store.artifacts import Artifacts

RECIPE = """
base: {id: net, train: {epochs: 1}}
steps:
  - magnitude prune: {amount: 0.4}
    then:
      - finetune: {epochs: 1}
        then: [{quantize: {bits: 4}}, {palettize: {bits: 2}}]
      - gradient prune: {amount: 0.9}
  - quantize: {bits: 3}
    then: {finetune: {epochs: 1}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The models of the recipe by id as they came from the operations, and the project that they were logged to."""
    inputs = torch.linspace(-1, 1, 64 * 8).reshape(64, 8)
    task = Task(network, lambda model: {}, batches=[(inputs, (inputs.sum(1) > 0).long())])
    planned = plan(loads(RECIPE))
    models = {}
    with cc.open(tmp_path_factory.mktemp("rebuild") / "p") as project:
        for one in planned.models:
            base = models[one.base] if one.base else task.create()
            models[one.id] = apply(task, from_record(one.operation), model=base)
            project.log_model(one.id, base=one.base, operation=one.operation, checkpoint=models[one.id])
        yield task, planned, models, project


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))


def test_predicted_sizes_are_the_measured_ones(made):
    task, planned, models, _ = made
    predicted = packed_sizes(planned, task.create(), operations=from_record)
    for id, size in predicted.items():
        if "gradient" in id:
            assert size is None
        else:
            assert size == packed_size(models[id]).value, id


def test_a_stored_model_comes_back_as_it_was(made):
    task, _, models, project = made

    def weights(id):
        (file,) = project.model(id).checkpoint.files
        header = checkpoints.header(Artifacts(project.storage).path(file.sha256))
        return RebuiltWeights(project.load_checkpoint(id), header.get("scheme", {}))

    for id, model in models.items():
        again = rebuild(task, project.model(id).lineage, weights=weights, operations=from_record)
        assert scheme.of(again) == scheme.of(model), id
        state = model.state_dict()
        assert all(torch.equal(tensor, state[name]) for name, tensor in again.state_dict().items())


def test_weights_of_another_network_are_refused(made):
    _, _, _, project = made
    other = Task(lambda: nn.Linear(3, 3), lambda model: {})
    with pytest.raises(InvalidValue, match="do not fit") as caught:
        lineage = project.model("net").lineage
        rebuild(
            other, lineage, weights=lambda id: RebuiltWeights(project.load_checkpoint(id), {}), operations=from_record
        )
    assert caught.value.code == "config.other_network"
