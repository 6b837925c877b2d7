"""Edits of a transcript: each says exactly which lines it replaces and what it puts there.

So every edit can be checked before it is applied, undone, and told as a difference, whatever it was that was done.
The functions that make edits never lose a word, and never let a line cross the one before or after it. An edit that
would change nothing is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lib.domain.media import Clip
from lib.domain.tokens import display_width, is_unspaced, tokens
from lib.domain.transcript import Cue, TimedBy, Transcript, Word
from lib.errors import LineChanged

NUDGE_SECONDS = 0.1
LEAST_SECONDS = 0.1
"""No line is made shorter than this by hand."""
NEW_SECONDS = 2.0
"""How long a line that is put in lasts, where there is room."""
_NEAR = 1.5  # seconds around the guess in which the word at the caret may have been heard


class Action(StrEnum):
    WRITE = "write"
    SPLIT = "split"
    MERGE = "merge"
    TIME = "time"
    SPEAKER = "speaker"
    REPLACE = "replace"
    DELETE = "delete"
    INSERT = "insert"
    PLACE = "place"
    UNDO = "undo"
    REDO = "redo"


@dataclass(frozen=True, slots=True)
class Splice:
    """The lines ``old``, from index ``at`` on, become the lines ``new``."""

    at: int
    old: tuple[Cue, ...]
    new: tuple[Cue, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """What is done in one go. The splices are in order and apart; each ``at`` counts in the lines as they were
    before the edit."""

    action: Action
    splices: tuple[Splice, ...] = ()

    def __post_init__(self) -> None:
        until = 0
        for splice in self.splices:
            if splice.at < until:
                raise ValueError("the splices of an edit are in order and do not overlap")
            until = splice.at + len(splice.old)

    @property
    def is_empty(self) -> bool:
        return not self.splices

    @property
    def start(self) -> float | None:
        """Where in the video it is, in seconds; None for an empty one."""
        lines = [cue for splice in self.splices for cue in (*splice.old, *splice.new)]
        return min((cue.start for cue in lines), default=None)


def apply(transcript: Transcript, edit: Edit) -> Transcript:
    """The transcript after the edit. Raises LineChanged where its lines are not those that the edit replaces."""
    cues = transcript.cues
    made: list[Cue] = []
    until = 0
    for splice in edit.splices:
        end = splice.at + len(splice.old)
        if cues[splice.at : end] != splice.old:
            raise LineChanged("This line was changed elsewhere meanwhile.")
        made += [*cues[until : splice.at], *splice.new]
        until = end
    return with_cues(transcript, (*made, *cues[until:]))


def with_cues(transcript: Transcript, cues: Sequence[Cue]) -> Transcript:
    """The transcript with other lines, and its text made of them."""
    return replace(transcript, cues=tuple(cues), text="\n".join(cue.text for cue in cues))


def inverse(edit: Edit, action: Action = Action.UNDO) -> Edit:
    """The edit that takes this one back: ``apply(apply(t, edit), inverse(edit)) == t``."""
    splices = []
    shift = 0
    for splice in edit.splices:
        splices.append(Splice(splice.at + shift, splice.new, splice.old))
        shift += len(splice.new) - len(splice.old)
    return Edit(action, tuple(splices))


def joined(first: Edit, second: Edit) -> Edit | None:
    """Both as one edit, where the second changes only lines that the first made, as typing does; else None.

    Empty where the second takes the first back.
    """
    if len(first.splices) != 1 or len(second.splices) != 1:
        return None
    (one,), (other,) = first.splices, second.splices
    begin, end = other.at - one.at, other.at - one.at + len(other.old)
    if begin < 0 or one.new[begin:end] != other.old or not other.old:
        return None
    new = (*one.new[:begin], *other.new, *one.new[end:])
    return Edit(first.action, (Splice(one.at, one.old, new),) if new != one.old else ())


def replaced(action: Action, cues: Sequence[Cue], wanted: Sequence[Cue]) -> Edit:
    """The edit that makes ``wanted`` of ``cues``, as one splice without what both begin and end with."""
    first, last = 0, 0
    shorter = min(len(cues), len(wanted))
    while first < shorter and cues[first] == wanted[first]:
        first += 1
    while last < shorter - first and cues[-1 - last] == wanted[-1 - last]:
        last += 1
    old, new = tuple(cues[first : len(cues) - last]), tuple(wanted[first : len(wanted) - last])
    return Edit(action, (Splice(first, old, new),)) if old or new else Edit(action)


# Text --------------------------------------------------------------------------------------------------------


def write(cues: Sequence[Cue], at: int, text: str) -> Edit:
    """Another text for a line; a line without text goes."""
    text = " ".join(text.split())
    if not text:
        return delete(cues, at)
    return _each(Action.WRITE, cues, [at], lambda cue: _said(cue, text))


def split(cues: Sequence[Cue], at: int, position: int, words: Sequence[Word] = ()) -> Edit:
    """A line parted at a character. The second begins where its first word was heard among ``words``, or else, by
    the length of the text, about where it may be; that time says that it is an estimate."""
    cue = cues[at]
    left, right = cue.text[:position].rstrip(), cue.text[position:].lstrip()
    if not left or not right:
        return Edit(Action.SPLIT)
    moment, timed_by = _moment(cue, left, right, words)
    first = replace(cue, end=moment, text=left)
    second = replace(cue, start=moment, text=right, timed_by=timed_by)
    return Edit(Action.SPLIT, (Splice(at, (cue,), (first, second)),))


def merge(cues: Sequence[Cue], at: int, count: int = 2) -> Edit:
    """Neighbouring lines as one, from the start of the first to the end of the last."""
    lines = tuple(cues[at : at + count])
    if len(lines) < 2:
        return Edit(Action.MERGE)
    whole = lines[0]
    for cue in lines[1:]:
        whole = replace(
            whole,
            end=max(whole.end, cue.end),
            text=_run_on(whole.text, cue.text),
            speaker=whole.speaker or cue.speaker,
            is_edited=whole.is_edited or cue.is_edited,
        )
    return Edit(Action.MERGE, (Splice(at, lines, (whole,)),))


def delete(cues: Sequence[Cue], at: int, count: int = 1) -> Edit:
    return Edit(Action.DELETE, (Splice(at, tuple(cues[at : at + count]), ()),))


def insert(cues: Sequence[Cue], at: int, text: str, bounds: Clip) -> Edit:
    """A new line before the one at index ``at``, in the pause that is there. Where there is none, the line before
    makes room for it."""
    text = " ".join(text.split())
    if not text:
        return Edit(Action.INSERT)
    before = cues[at - 1] if at > 0 else None
    low = bounds.start if before is None else before.end
    high = max(low, cues[at].start if at < len(cues) else bounds.end)
    if high - low >= LEAST_SECONDS or before is None:
        new = Cue(low, _ms(min(high, low + NEW_SECONDS)), text, timed_by=TimedBy.EDITED, is_edited=True)
        return Edit(Action.INSERT, (Splice(at, (), (new,)),))
    start = _ms(max((before.start + before.end) / 2, before.end - NEW_SECONDS))
    shorter = replace(before, end=start, timed_by=TimedBy.EDITED)
    new = Cue(start, max(start, high), text, timed_by=TimedBy.EDITED, is_edited=True)
    return Edit(Action.INSERT, (Splice(at - 1, (before,), (shorter, new)),))


def replace_all(cues: Sequence[Cue], find: str, replacement: str, *, match_case: bool = False) -> Edit:
    """Every place where ``find`` stands, replaced in the whole transcript; a line that is left without text goes."""
    pattern = pattern_of(find, match_case=match_case)
    if pattern is None:
        return Edit(Action.REPLACE)
    splices = []
    for at, cue in enumerate(cues):
        text = " ".join(pattern.sub(lambda _: replacement, cue.text).split())
        if text != cue.text and pattern.search(cue.text):
            splices.append(Splice(at, (cue,), (_said(cue, text),) if text else ()))
    return Edit(Action.REPLACE, tuple(splices))


def pattern_of(find: str, *, match_case: bool = False) -> re.Pattern[str] | None:
    """What is typed, found across any white space, as the reader finds it too; None for what is not worth a search:
    nothing, or one Latin letter."""
    words = find.split()
    if not words or (len(words) == 1 and len(words[0]) == 1 and words[0].isascii()):
        return None
    return re.compile(r"\s+".join(re.escape(word) for word in words), 0 if match_case else re.IGNORECASE)


# Speakers ----------------------------------------------------------------------------------------------------


def name_speaker(cues: Sequence[Cue], at: int, name: str, *, everywhere: bool = False) -> Edit:
    """Another speaker for a line, or ``everywhere`` for every line of the same one; a blank name takes it away."""
    speaker = " ".join(name.split()) or None
    known = cues[at].speaker
    lines = [at]
    if everywhere and known is not None:
        lines = [k for k, cue in enumerate(cues) if cue.speaker == known]
    return _each(Action.SPEAKER, cues, lines, lambda cue: replace(cue, speaker=speaker))


# Times -------------------------------------------------------------------------------------------------------


def set_times(cues: Sequence[Cue], at: int, start: float, end: float, bounds: Clip) -> Edit:
    """Another start and end for a line, in seconds: as near to them as its neighbours and the clip allow."""
    cue = cues[at]
    low, high = room_of(cues, at, bounds)
    start, end = _ms(min(max(start, low), high)), _ms(min(max(end, low), high))
    least = min(LEAST_SECONDS, cue.end - cue.start)  # one that is shorter may stay so
    if end - start < least and start != cue.start:
        start = max(low, _ms(end - least))
    if end - start < least:
        end = min(high, _ms(start + least))
    if (start, end) == (cue.start, cue.end):
        return Edit(Action.TIME)
    return _each(Action.TIME, cues, [at], lambda cue: replace(cue, start=start, end=end, timed_by=TimedBy.EDITED))


def room_of(cues: Sequence[Cue], at: int, bounds: Clip) -> tuple[float, float]:
    """Between which seconds a line may be moved: from the end of the one before to the start of the next. Where
    they overlap already, it may stay where it is."""
    cue = cues[at]
    low = max(bounds.start, cues[at - 1].end if at > 0 else bounds.start)
    high = min(bounds.end, cues[at + 1].start if at + 1 < len(cues) else bounds.end)
    return min(low, cue.start), max(high, cue.end)


# Stretches ---------------------------------------------------------------------------------------------------


def put_in_place(cues: Sequence[Cue], stretches: Sequence[Clip], fresh: Sequence[Cue]) -> Edit:
    """The lines of some stretches taken from ``fresh``; all other lines stay exactly as they are.

    A line belongs to the stretch in which its middle lies. At the borders the fresh lines give way to those that stay.
    """
    kept = [cue for cue in cues if not _is_within(cue, stretches, _end(cues))]
    wanted: list[tuple[Cue, bool]] = []  # each with whether it is fresh
    passed = 0
    for new in (cue for cue in fresh if _is_within(cue, stretches, _end(fresh))):
        while passed < len(kept) and kept[passed].start <= new.start:
            wanted.append((kept[passed], False))
            passed += 1
        wanted.append((new, True))
    wanted += [(cue, False) for cue in kept[passed:]]
    return replaced(Action.PLACE, cues, _giving_way(wanted))


def _is_within(cue: Cue, stretches: Sequence[Clip], end_of_all: float) -> bool:
    """A line without length at the very end, put there because its time lay behind it, is of the stretch that ends
    there."""
    middle = (cue.start + cue.end) / 2
    return any(clip.start <= middle < clip.end or middle == clip.end == end_of_all for clip in stretches)


def _end(cues: Sequence[Cue]) -> float:
    return max((cue.end for cue in cues), default=0.0)


def _giving_way(lines: Sequence[tuple[Cue, bool]]) -> list[Cue]:
    """The lines, those that are fresh cut to fit between the others."""
    out: list[Cue] = []
    for at, (cue, is_fresh) in enumerate(lines):
        if is_fresh:
            low = lines[at - 1][0].end if at and not lines[at - 1][1] else cue.start
            high = lines[at + 1][0].start if at + 1 < len(lines) and not lines[at + 1][1] else cue.end
            start = min(max(cue.start, low), max(cue.start, high))
            cue = replace(cue, start=start, end=max(start, min(cue.end, high)))
        out.append(cue)
    return out


# What they have in common ------------------------------------------------------------------------------------


def _each(action: Action, cues: Sequence[Cue], lines: Sequence[int], change: Callable[[Cue], Cue]) -> Edit:
    """One splice for each row of neighbouring lines that change."""
    rows: list[tuple[int, list[Cue], list[Cue]]] = []
    for at in lines:
        old, new = cues[at], change(cues[at])
        if new == old:
            continue
        if rows and rows[-1][0] + len(rows[-1][1]) == at:
            rows[-1][1].append(old)
            rows[-1][2].append(new)
        else:
            rows.append((at, [old], [new]))
    return Edit(action, tuple(Splice(at, tuple(old), tuple(new)) for at, old, new in rows))


def _said(cue: Cue, text: str) -> Cue:
    return cue if text == cue.text else replace(cue, text=text, is_edited=True)


def _run_on(one: str, other: str) -> str:
    if not one or not other:
        return one or other
    glue = "" if is_unspaced(one[-1]) and is_unspaced(other[0]) else " "
    return f"{one}{glue}{other}"


def _moment(cue: Cue, left: str, right: str, words: Sequence[Word]) -> tuple[float, TimedBy]:
    """When the right side of a line begins, and how that is known."""
    width = display_width(left)
    share = width / max(1, width + display_width(right))
    guess = cue.start + (cue.end - cue.start) * share
    opening = next((token.text for token in tokens(right)), None)
    heard = [
        word.start
        for word in words
        if cue.start < word.start < cue.end
        and abs(word.start - guess) <= _NEAR
        and any(token.text == opening for token in tokens(word.text)[:1])
    ]
    if heard:
        return min(heard, key=lambda start: abs(start - guess)), TimedBy.AUDIO
    return _ms(min(max(guess, cue.start), cue.end)), TimedBy.PART


def _ms(seconds: float) -> float:
    return round(seconds, 3)
