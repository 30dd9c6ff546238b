"""Byte-pair encoding: text as pieces of words, learned by joining the commonest neighbors again and again.

Sennrich, Haddow, Birch: Neural machine translation of rare words with subword units. ACL 2016, arXiv 1508.07909.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

BYTES = 256
_CHUNK = re.compile(rb" ?[A-Za-z_]+| ?[0-9]+|\n[ \n]*| +|[^ \nA-Za-z0-9_]+")
"""What is never joined across: a word with the space before it, a number, white space, punctuation."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Pieces:
    """A vocabulary: the 256 bytes, then one piece for each pair that was joined.

    Args:
        joined: the pairs in the order in which they were learned.
    """

    joined: tuple[Pair, ...]

    @staticmethod
    def learned(text: bytes, size: int) -> Pieces:
        """A vocabulary of at most ``size`` pieces from a text; between equally common pairs the lowest is taken."""
        words = [(list(word), count) for word, count in Counter(_CHUNK.findall(text)).items()]
        pairs: Counter[Pair] = Counter()
        where: dict[Pair, set[int]] = {}
        for index, (word, count) in enumerate(words):
            for pair in pairwise(word):
                pairs[pair] += count
                where.setdefault(pair, set()).add(index)
        joined: list[Pair] = []
        while BYTES + len(joined) < size and (best := _commonest(pairs)) is not None:
            for index in where.pop(best):
                word, count = words[index]
                pairs.subtract({pair: count * times for pair, times in Counter(pairwise(word)).items()})
                _join(word, best, BYTES + len(joined))
                for pair in pairwise(word):
                    pairs[pair] += count
                    where.setdefault(pair, set()).add(index)
            joined.append(best)
        return Pieces(tuple(joined))

    def __len__(self) -> int:
        return BYTES + len(self.joined)

    def encode(self, text: bytes) -> list[int]:
        """The numbers of the pieces of a text."""
        known: dict[bytes, list[int]] = {}
        found: list[int] = []
        for chunk in _CHUNK.findall(text):
            if chunk not in known:
                known[chunk] = self._pieces(chunk)
            found += known[chunk]
        return found

    def decode(self, pieces: list[int]) -> bytes:
        """The text of pieces."""
        return b"".join(self.spelled[piece] for piece in pieces)

    @cached_property
    def spelled(self) -> tuple[bytes, ...]:
        """What every piece stands for."""
        found = [bytes([value]) for value in range(BYTES)]
        for first, second in self.joined:
            found.append(found[first] + found[second])
        return tuple(found)

    @cached_property
    def _ranks(self) -> dict[Pair, int]:
        return {pair: BYTES + rank for rank, pair in enumerate(self.joined)}

    def _pieces(self, chunk: bytes) -> list[int]:
        word = list(chunk)
        while pairs := [pair for pair in pairwise(word) if pair in self._ranks]:
            first = min(pairs, key=self._ranks.__getitem__)
            _join(word, first, self._ranks[first])
        return word


def _commonest(pairs: Counter[Pair]) -> Pair | None:
    best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
    return best if best is not None and pairs[best] > 0 else None


def _join(word: list[int], pair: Pair, piece: int) -> None:
    """Put ``piece`` wherever ``pair`` stands, from left to right."""
    place = 0
    while place < len(word) - 1:
        if word[place] == pair[0] and word[place + 1] == pair[1]:
            word[place : place + 2] = [piece]
        place += 1
