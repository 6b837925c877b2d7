"""What differs between two versions of a transcript: the lines, and within them the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lib.domain.tokens import written_words
from lib.domain.transcript import Cue


class Kind(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words that are in both versions, or in one of them only."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Neighbouring lines that are not the same: as they were, as they are, and their words laid over each other.

    Without ``old`` they are new, without ``new`` they are gone. Where all words are the same, times or speakers differ.
    """

    old: tuple[Cue, ...]
    new: tuple[Cue, ...]
    pieces: tuple[Piece, ...]

    @property
    def start(self) -> float:
        return min(cue.start for cue in (*self.old, *self.new))

    @property
    def end(self) -> float:
        return max(cue.end for cue in (*self.old, *self.new))

    @property
    def says_the_same(self) -> bool:
        return all(piece.kind is Kind.SAME for piece in self.pieces)


def differences(old: Sequence[Cue], new: Sequence[Cue]) -> tuple[Difference, ...]:
    """What differs, in order of the lines. Neighbours that were changed one by one are told one by one."""
    found: list[Difference] = []
    for before, after in _blocks([_seen(cue) for cue in old], [_seen(cue) for cue in new]):
        was, now = tuple(old[before]), tuple(new[after])
        if len(was) == len(now):
            found += [
                Difference((one,), (other,), _pieces([one], [other])) for one, other in zip(was, now, strict=True)
            ]
        else:
            found.append(Difference(was, now, _pieces(was, now)))
    return tuple(found)


def num_changed(old: Sequence[Cue], new: Sequence[Cue]) -> int:
    """How many lines are not the same: those that are new or different, or, where more have gone, those that went."""
    were, are = {_seen(cue) for cue in old}, {_seen(cue) for cue in new}
    return max(len(are - were), len(were - are))


def _seen(cue: Cue) -> tuple[object, ...]:
    """What a reader sees of a line."""
    return cue.text, cue.speaker, round(cue.start, 3), round(cue.end, 3)


def _pieces(old: Sequence[Cue], new: Sequence[Cue]) -> tuple[Piece, ...]:
    was, now = _words(old), _words(new)
    pieces: list[Piece] = []
    passed = 0
    for before, after in _blocks([word.strip() for word in was], [word.strip() for word in now]):
        _add(pieces, Kind.SAME, now[passed : after.start])
        _add(pieces, Kind.REMOVED, was[before])
        _add(pieces, Kind.ADDED, now[after])
        passed = after.stop
    _add(pieces, Kind.SAME, now[passed:])
    return tuple(pieces)


def _words(cues: Sequence[Cue]) -> list[str]:
    return [word for cue in cues for word in written_words(f" {cue.text}" if cue.text else "")]


def _add(pieces: list[Piece], kind: Kind, words: Sequence[str]) -> None:
    if words:
        pieces.append(Piece(kind, "".join(words)))


def _blocks(old: Sequence[object], new: Sequence[object]) -> list[tuple[slice, slice]]:
    """The stretches of both rows that differ, in order, by the least number of changes."""
    # Imported late, as in alignment: it takes a moment, and most pages need none of it.
    from rapidfuzz.distance import Indel

    blocks: list[tuple[slice, slice]] = []
    for step in Indel.opcodes(old, new):
        if step.tag == "equal":
            continue
        before, after = slice(step.src_start, step.src_end), slice(step.dest_start, step.dest_end)
        if blocks and (blocks[-1][0].stop, blocks[-1][1].stop) == (before.start, after.start):
            before, after = slice(blocks[-1][0].start, before.stop), slice(blocks[-1][1].start, after.stop)
            blocks.pop()
        blocks.append((before, after))
    return blocks
