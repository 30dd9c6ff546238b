import pytest

from compress_compare.demos.pydoc.experiments import experiments
from compress_compare.demos.pydoc.network import PieceTransformer
from compress_compare.operations.targets import reached

TARGETED = [node for node in experiments() if getattr(node.operation, "targets", ())]


def test_at_least_forty_models_each_after_what_it_is_made_with():
    nodes = experiments()
    assert len(nodes) >= 40
    made = {None}
    for node in nodes:
        assert {node.base, *node.references.values()} <= made
        assert node.id not in made
        made.add(node.id)


def test_every_amount_has_its_norms_restored_and_three_have_other_parts():
    ids = {node.id for node in experiments()}
    assert {f"lm-all{amount}-norms" for amount in range(10, 80, 10)} <= ids
    assert {f"lm-all{amount}-{part}" for amount in (10, 30, 50) for part in ("queries", "half", "norms-trained")} <= ids
    assert {f"lm-{part}{amount}" for part in ("attention", "feed-forward") for amount in (30, 50, 70, 90)} <= ids
    assert {f"lm-w{bits}" for bits in (8, 6, 5, 4, 3, 2)} | {f"lm-gptq{bits}" for bits in (4, 3, 2)} <= ids


def test_the_seed_reaches_everything_random():
    assert {node.operation.seed for node in experiments(5) if hasattr(node.operation, "seed")} >= {5}


@pytest.mark.parametrize("node", TARGETED, ids=lambda node: node.id)
def test_every_pattern_matches_a_layer_of_the_network(node):
    for pattern in node.operation.targets:
        weights, _ = reached(node.id, PieceTransformer(vocabulary=512), pattern=pattern)
        assert weights, pattern
