import torch

from compress_compare.demos.pydoc.generate import chances, continuations
from compress_compare.demos.pydoc.network import BLOCKS, LENGTH, Memory, PieceTransformer
from compress_compare.evaluation.sparsity import parameters


def network():
    torch.manual_seed(0)
    return PieceTransformer(300).eval()


def test_parameters_by_hand():
    # Tables and head 64·(300 + 64 + 300); a block: four norms' vectors, attention 4·64², feed-forward 2·64·256 + 320.
    assert parameters(network()).value == 64 * 664 + 4 * (4 * 64 + 4 * 64**2 + 2 * 64 * 256 + 320) + 2 * 64


def test_nothing_is_known_of_what_comes_later():
    model, text = network(), torch.randint(0, 300, (2, LENGTH))
    changed = text.clone()
    changed[:, 40:] = 7
    with torch.no_grad():
        assert torch.equal(model(text)[:, :40], model(changed)[:, :40])


def test_with_memories_it_reads_on_as_if_it_read_everything():
    model, text = network(), torch.randint(0, 300, (2, 20))
    memories = [Memory() for _ in range(BLOCKS)]
    with torch.no_grad():
        parts = [model(text[:, :12], memories), *(model(text[:, at : at + 1], memories) for at in range(12, 20))]
        torch.testing.assert_close(torch.cat(parts, 1), model(text))


def test_draws_have_the_distribution_that_the_model_says():
    model, start = network(), torch.randint(0, 300, (1, 5))
    drawn = continuations(model, start.expand(4000, 5), chances=chances(4000, 1, seed=0))[:, 0]
    with torch.no_grad():
        wanted = (model(start)[0, -1].double() / 0.7).softmax(-1)
    found = torch.bincount(drawn, minlength=300) / 4000
    assert float((found - wanted).abs().sum()) / 2 < 0.15  # total variation; about 0.1 for 4,000 draws of 300
