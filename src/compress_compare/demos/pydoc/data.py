"""The text of Python's own documentation topics, which `help()` prints and every CPython carries, split by topic."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from .pieces import Pieces

DATASET = "pydoc-prompts"
HELD_OUT_EVERY = 8
PROMPTS = 100
START = 32
REST = 32
_CODE = re.compile(r">>>|^ {6,}\S|\w\(.*\)|[=:]$", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True)
class Corpus:
    """Text by topic: to learn from, and held out."""

    train: dict[str, str]
    held_out: dict[str, str]


@dataclass(frozen=True)
class Prompt:
    """A place in a held-out topic: the 32 pieces that stand before it, and the 32 that come after."""

    topic: str
    offset: int
    start: list[int]
    rest: list[int]


def load() -> Corpus:
    """Every eighth topic, in the order of their names, is held out."""
    from pydoc_data.topics import topics

    names = sorted(topics)
    held_out = names[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    return Corpus(
        {name: topics[name] for name in names if name not in held_out}, {name: topics[name] for name in held_out}
    )


def joined(texts: dict[str, str]) -> bytes:
    """The texts one after the other."""
    return "\n".join(texts.values()).encode()


def prompts(texts: dict[str, str], pieces: Pieces, *, seed: int) -> list[Prompt]:
    """A hundred places that do not overlap, drawn by a seed from all the text, in its order."""
    encoded = {topic: pieces.encode(text.encode()) for topic, text in texts.items()}
    size = START + REST
    places = [(topic, at) for topic, text in encoded.items() for at in range(0, len(text) - size + 1, size)]
    drawn = np.random.default_rng(seed).choice(len(places), min(PROMPTS, len(places)), replace=False)
    found = [places[index] for index in sorted(drawn)]
    return [
        Prompt(topic, at, encoded[topic][at : at + START], encoded[topic][at + START : at + size])
        for topic, at in found
    ]


def columns(found: list[Prompt], pieces: Pieces) -> dict[str, Any]:
    """The prompts as `Project.log_dataset` takes them; the label is how the documentation goes on."""
    texts = [shown(pieces.decode(prompt.start)) for prompt in found]
    return {
        "ids": [f"{prompt.topic}@{prompt.offset}" for prompt in found],
        "labels": [shown(pieces.decode(prompt.rest)) for prompt in found],
        "texts": texts,
        "metadata": {
            "topic": [prompt.topic for prompt in found],
            "kind": ["code" if _CODE.search(text) else "prose" for text in texts],
        },
    }


def shown(text: bytes) -> str:
    """Bytes as text; what is no text, control characters but line ends included, as the replacement character."""
    decoded = text.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in decoded)


def vocabulary(texts: dict[str, str]) -> frozenset[str]:
    """The words of the texts, in lower case."""
    return frozenset(words("\n".join(texts.values())))


def words(text: str) -> list[str]:
    """Runs of Latin letters, in lower case."""
    return [word.lower() for word in _WORD.findall(text)]
