from pydoc_data.topics import topics

from compress_compare.demos.pydoc import data
from compress_compare.demos.pydoc.pieces import Pieces


def test_every_topic_is_either_learned_or_held_out():
    corpus = data.load()
    assert {**corpus.train, **corpus.held_out} == topics
    assert not corpus.train.keys() & corpus.held_out.keys()
    assert len(corpus.held_out) == len(topics) // 8


def test_prompts_are_places_of_the_held_out_topics_that_do_not_overlap():
    held_out, pieces = data.load().held_out, Pieces(())
    prompts = data.prompts(held_out, pieces, seed=0)
    assert len({(prompt.topic, prompt.offset) for prompt in prompts}) == 100
    for prompt in prompts:
        text = held_out[prompt.topic].encode()
        assert bytes(prompt.start + prompt.rest) == text[prompt.offset : prompt.offset + 64]
        assert prompt.offset % 64 == 0
    assert data.prompts(held_out, pieces, seed=0) == prompts
    assert data.prompts(held_out, pieces, seed=1) != prompts


def test_what_is_no_text_is_shown_as_such():
    assert data.shown(b"a\x00b\n\xff") == "a\ufffdb\n\ufffd"


def test_words():
    assert data.words("Don't print(x_1)") == ["don", "t", "print", "x"]
