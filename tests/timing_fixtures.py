"""Speech made up of words with known times, for the tests of the arithmetic of times."""

from __future__ import annotations

import random

from lib.domain.transcript import Segment, Word


def speech(seconds: float, seed: int = 1, vocabulary: int = 3000) -> list[list[Word]]:
    """Sentences of random words, said at about three words a second, with pauses between them."""
    chance = random.Random(seed)
    # A few words are everywhere and most are rare, as in any language.
    names = [f"{chance.choice('bdfgklmnprst')}{chance.choice('aeiou')}{k:x}" for k in range(vocabulary)]
    sentences: list[list[Word]] = []
    at = 0.5
    while True:
        sentence = []
        for _ in range(chance.randint(3, 14)):
            name = names[min(vocabulary - 1, int(chance.paretovariate(0.5)) - 1)]
            length = chance.uniform(0.12, 0.45)
            sentence.append(Word(round(at, 2), round(at + length, 2), " " + name))
            at += length + chance.choice((0.0, 0.0, 0.03))
        if at > seconds - 1:
            return sentences
        sentences.append(sentence)
        at += chance.uniform(0.25, 1.2)


def words_of(sentences: list[list[Word]]) -> list[Word]:
    return [word for sentence in sentences for word in sentence]


def text_of(sentence: list[Word]) -> str:
    return "".join(word.text for word in sentence).strip().capitalize() + "."


def misheard(words: list[Word], share: float, seed: int = 2) -> list[Word]:
    """The words with this share of them replaced, and as many again left out."""
    chance = random.Random(seed)
    out = []
    for word in words:
        throw = chance.random()
        if throw < share:
            continue
        out.append(Word(word.start, word.end, f" x{chance.randrange(999)}") if throw < 2 * share else word)
    return out


def segments_of(sentences: list[list[Word]], clock=lambda seconds: seconds) -> list[Segment]:
    """The sentences as a model gives them, stamped by its clock; a clock that gives None gives no times."""
    return [Segment(text_of(sentence), clock(sentence[0].start)) for sentence in sentences]


def stretches_of(sentences: list[list[Word]]) -> list[tuple[float, float]]:
    return [(sentence[0].start, sentence[-1].end) for sentence in sentences]
