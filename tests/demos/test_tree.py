import numpy as np
import pytest
import torch
from torch import nn

from compress_compare.demos.batches import ShuffledBatches
from compress_compare.demos.tree import Node, grow
from compress_compare.errors import Conflict
from compress_compare.operations import Calibrate, Finetune, MagnitudePrune, Quantize, Restore, Train
from compress_compare.project import open as open_project
from compress_compare.schemes import scheme

NODES = [
    Node("net", None, Train(epochs=2)),
    Node("net-p50", "net", MagnitudePrune(amount=0.5)),
    Node("net-p50-finetuned", "net-p50", Finetune(epochs=1)),
    Node("net-p50-finetuned-w4", "net-p50-finetuned", Quantize(bits=4)),
    Node("net-p50-calibrated", "net-p50", Calibrate()),
]


class Interruption(KeyboardInterrupt):
    pass


class Bench:
    """Two noisy classes in four dimensions. Breaks off in the middle of logging the model `stop_at`."""

    def __init__(self, stop_at=None):
        labels = np.arange(64) % 2
        points = np.random.default_rng(0).normal(size=(64, 4)) + labels[:, None]
        self.data = ShuffledBatches(torch.tensor(points, dtype=torch.float32), torch.tensor(labels), batch_size=24)
        self.logged = {}
        self._stop_at = stop_at

    def create(self):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))

    def log(self, project, node, *, model):
        project.log_model(node.id, base=node.base, operation=node.operation, checkpoint=model)
        if node.id == self._stop_at:
            raise Interruption
        project.log_metrics(node.id, {"Non-zero": sum(int(p.count_nonzero()) for p in model.parameters())})
        self.logged[node.id] = (model.state_dict(), scheme.of(model))


def grown(path, bench, nodes=NODES):
    steps = []
    with open_project(path) as project:
        grow(project, nodes, bench=bench, progress=lambda *step: steps.append(step))
    return steps


def test_every_node_is_made_from_its_base_and_reported(tmp_path):
    bench = Bench()
    steps = grown(tmp_path, bench)
    assert [step[:2] for step in steps] == [(index, 5) for index in range(6)]
    assert steps[1][2] == "net-p50: magnitude prune"
    assert steps[-1][2] == "5 models, 5 of them new"
    with open_project(tmp_path) as project:
        assert [step.model for step in project.model("net-p50-finetuned-w4").lineage] == [node.id for node in NODES[:4]]
        weights = project.load_checkpoint("net-p50-finetuned")["0.weight"]
    assert torch.equal(weights, bench.logged["net-p50-finetuned"][0]["0.weight"])
    assert (bench.logged["net-p50"][0]["0.weight"] == 0).sum() == (weights == 0).sum() > 0


def test_a_second_run_makes_nothing(tmp_path):
    grown(tmp_path, Bench())
    with open_project(tmp_path) as project:
        revision = project.revision()
    second = Bench()
    steps = grown(tmp_path, second)
    assert steps == [(5, 5, "5 models, 0 of them new")]
    assert second.logged == {}
    with open_project(tmp_path) as project:
        assert project.revision() == revision


@pytest.mark.parametrize("stop_at", [node.id for node in NODES])
def test_an_interrupted_run_continues_to_the_same_end(tmp_path, stop_at):
    whole = Bench()
    grown(tmp_path / "whole", whole)
    first, rest = Bench(stop_at), Bench()
    with pytest.raises(Interruption):
        grown(tmp_path / "halted", first)
    grown(tmp_path / "halted", rest)
    made = {**first.logged, **rest.logged}
    assert list(made) == [node.id for node in NODES]
    assert not set(first.logged) & set(rest.logged)
    for id, (state, schemes) in whole.logged.items():
        assert made[id][1] == schemes
        assert all(torch.equal(made[id][0][name], tensor) for name, tensor in state.items())


def test_a_model_of_another_tree_is_not_mistaken_for_ours(tmp_path):
    grown(tmp_path, Bench())
    others = [Node("net", None, Train(epochs=3)), *NODES[1:]]
    with pytest.raises(Conflict, match="'net'"):
        grown(tmp_path, Bench(), others)


def test_an_operation_gets_the_models_that_it_refers_to_also_in_a_later_run(tmp_path):
    restored = Node("net-p50-restored", "net-p50", Restore(targets=("0",)), {"original": "net"})
    first = Bench()
    grown(tmp_path, first, NODES[:2])
    second = Bench()
    grown(tmp_path, second, [*NODES[:2], restored])
    state, original = second.logged["net-p50-restored"][0], first.logged["net"][0]
    assert torch.equal(state["0.weight"], original["0.weight"])
    assert torch.equal(state["3.weight"], first.logged["net-p50"][0]["3.weight"])
    assert not torch.equal(state["3.weight"], original["3.weight"])


def test_threads_and_random_state_are_left_alone(tmp_path):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    grown(tmp_path, Bench())
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads
