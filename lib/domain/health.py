"""How complete and how well timed a transcript is, measured against the sound."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from lib.domain.alignment import Expectation, align
from lib.domain.media import Clip
from lib.domain.retime import Stretch, merged, retime, speaking_seconds
from lib.domain.tokens import tokens
from lib.domain.transcript import Cue, Segment, TimedBy, Word

GAP_SECONDS = 10.0
"""Speech without text from this long on is a gap."""
LOOP_TIMES = 4
"""A line said this often in a row is a loop, if the audio does not hold it."""

_OUTSIDE_LEEWAY = 0.5
_BRIDGE = 1.0  # seconds between two cues, or two heard words, that count as covered
_STUMP = 0.3  # seconds of speech that stick out of a cue at most
_NEAR = 4.0  # seconds within which a heard word may be that of a line timed by the audio
_HOLE_WORDS = 6  # so many heard words in a row that nothing of the text matches are a hole
_TRUNCATED = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_LONGEST_CYCLE = 4  # lines
_LONGEST_PHRASE = 12  # tokens in a phrase that is repeated within one line
_PHRASE_TIMES = 6
_LOOP_TOKENS = 18


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which over 10 seconds of speech have no text."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``kind`` is gap, loop, out_of_order, outside, truncated or missing_words; ``words``
    say it in plain English; ``part`` is the index of the part to repair, None when that is not known."""

    kind: str
    words: str
    start: float | None = None
    end: float | None = None
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Shares run from 0 to 1; None is what could not be measured.

    ``coverage`` is the share of the speech in the audio that is in the transcript, by seconds; ``missing_words`` the
    share of the words heard locally that the text lacks; ``timed_by_audio`` the share of cues timed by the audio, of
    those that nobody timed by hand.
    ``out_of_order`` counts the times that run backwards, ``outside`` those outside the clip.
    """

    coverage: float | None = None
    gaps: tuple[Gap, ...] = ()
    loops: int = 0
    out_of_order: int = 0
    outside: int = 0
    truncated: bool = False
    missing_words: float | None = None
    timed_by_audio: float = 0.0
    findings: tuple[Finding, ...] = ()

    def as_record(self) -> dict:
        """The figures as they stand in JSON exports."""
        return {
            "coverage": None if self.coverage is None else round(self.coverage, 4),
            "gaps": [{"start": round(gap.start, 3), "end": round(gap.end, 3)} for gap in self.gaps],
            "loops": self.loops,
            "out_of_order": self.out_of_order,
            "truncated": self.truncated,
            "timed_by_audio": round(self.timed_by_audio, 4),
        }


def assess(
    lines: Sequence[Cue | Segment],
    *,
    clip: Clip,
    words: Sequence[Word] = (),
    stretches: Sequence[Stretch] = (),
    finish_reasons: Sequence[str | None] = (),
    parts: Sequence[Clip] = (),
    segments: Sequence[Segment] = (),
    sent: Sequence[Clip] = (),
) -> Health:
    """What can be said of a transcript by looking at the sound.

    ``lines`` are its cues, or the segments as the model gave them. Cues no longer have times that run backwards or
    lie outside: give the model's ``segments`` as well to have those counted. ``words`` are those heard locally,
    ``stretches`` the speech that voice activity detection found, without padding; with neither, coverage is unknown
    and there are no gaps. ``finish_reasons`` has one entry for each part, ``parts`` their stretches, by which
    findings name theirs. ``sent`` is what was sent of the clip where that was not all of it: the rest is no gap.
    """
    lines = [line for line in lines if line.text.strip()]
    words = sorted(
        (word for word in words if word.end > clip.start and word.start < clip.end and tokens(word.text)),
        key=lambda word: word.start,
    )
    speech = merged(stretches, inside=clip)
    if not speech:
        speech = merged(((word.start, word.end) for word in words), inside=clip, join=0.5)
    # Raw segments are timed first: which of two identical sentences is missing, only times tell.
    placed = lines
    if words and not all(isinstance(line, Cue) for line in lines):
        placed = retime([_as_segment(line) for line in lines], words, clip=clip, onsets=speech)
    text = _Text(placed)
    heard = _Heard(words)
    expected = Expectation(text.times, heard.times, _NEAR)
    pairs = align(text.tokens, heard.tokens, expected=expected, openings=(text.openings, ()))
    pairs = [(i, j) for i, j in pairs if text.times[i] is None or abs(heard.times[j] - text.times[i]) <= 2 * _NEAR]

    covered = _covered(placed, clip, heard, text, pairs)
    seconds = sum(end - start for start, end in speech)
    coverage = min(1.0, _seconds_of(speech, covered) / seconds) if seconds else None
    gaps = _gaps(speech, covered, sent or (clip,))
    loops = _loops(lines, text, pairs, bool(words))
    backwards, outside = _disorder(segments or lines, clip)
    missing = 1 - len({heard.word[j] for _, j in pairs}) / len(words) if words else None

    findings = [
        *(
            Finding("gap", f"{gap.end - gap.start:.0f} seconds with speech have no text.", gap.start, gap.end)
            for gap in gaps
        ),
        *loops,
        *backwards,
        *outside,
    ]
    findings = [_with_part(finding, parts) for finding in findings]
    is_cut = [k for k, reason in enumerate(finish_reasons) if reason and reason.lower() in _TRUNCATED]
    findings.extend(
        Finding(
            "truncated",
            "The model stopped at its output limit before the end.",
            *((parts[k].start, parts[k].end) if k < len(parts) else (None, None)),
            part=k,
        )
        for k in is_cut
    )
    if missing is not None and missing > 0.3:
        findings.append(Finding("missing_words", f"{missing:.0%} of the words heard are not in the text."))
    return Health(
        coverage=coverage,
        gaps=gaps,
        loops=len(loops),
        out_of_order=len(backwards),
        outside=len(outside),
        truncated=bool(is_cut),
        missing_words=missing,
        timed_by_audio=_timed_by_audio(lines),
        findings=tuple(findings),
    )


class _Text:
    """The tokens of all lines in one row. ``first[k]`` is where line ``k`` begins in it."""

    def __init__(self, lines: Sequence[Cue | Segment]) -> None:
        self.tokens: list[str] = []
        self.times: list[float | None] = []  # by its line, None where that was not heard
        self.first = [0]
        for line in lines:
            for token in tokens(line.text):
                self.tokens.append(token.text)
                self.times.append(_time_within(line, token.start / len(line.text)))
            self.first.append(len(self.tokens))
        self.openings = [at for at, end in zip(self.first, self.first[1:], strict=False) if at < end]

    def of(self, line: int) -> tuple[str, ...]:
        return tuple(self.tokens[self.first[line] : self.first[line + 1]])


class _Heard:
    """The tokens of the words heard; ``word[j]`` is the index of the word that token ``j`` belongs to."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.tokens: list[str] = []
        self.times: list[float] = []
        self.word: list[int] = []
        for index, word in enumerate(words):
            for token in tokens(word.text):
                self.tokens.append(token.text)
                self.times.append(word.start)
                self.word.append(index)


def _time_within(line: Cue | Segment, share: float) -> float | None:
    if line.start is None or (isinstance(line, Cue) and line.timed_by is not TimedBy.AUDIO):
        return None
    return line.start + ((line.end or line.start) - line.start) * share


def _as_segment(line: Cue | Segment) -> Segment:
    return line if isinstance(line, Segment) else Segment(line.text, line.start, line.end, line.speaker)


# Coverage ----------------------------------------------------------------------------------------------------


def _covered(
    lines: Sequence[Cue | Segment], clip: Clip, heard: _Heard, text: _Text, pairs: Sequence[tuple[int, int]]
) -> list[Stretch]:
    """The stretches of time whose speech is in the text.

    A line covers its own time, and the words heard that match it theirs. Where a row of words was heard and the text
    has nothing for them, the line that spans them does not cover them: a summary is no transcript.
    """
    spans = [_span(lines, k) for k in range(len(lines))]
    covered = merged((span for span in spans if span), inside=clip, join=_BRIDGE)
    if not heard.words:
        return covered
    matched = [(heard.words[w].start, heard.words[w].end) for w in sorted({heard.word[j] for _, j in pairs})]
    covered = merged([*covered, *merged(matched, join=_BRIDGE)], inside=clip, join=_BRIDGE)
    return _without(covered, _holes(heard, text, pairs))


def _span(lines: Sequence[Cue | Segment], at: int) -> Stretch | None:
    line = lines[at]
    if line.start is None:
        return None
    if line.end is not None and line.end > line.start:
        return (line.start, line.end)
    following = next((other.start for other in lines[at + 1 : at + 20] if other.start is not None), None)
    end = line.start + max(2.5, 1.5 * speaking_seconds(line.text))
    return (line.start, min(end, following) if following is not None and following > line.start else end)


def _holes(heard: _Heard, text: _Text, pairs: Sequence[tuple[int, int]]) -> list[Stretch]:
    """The stretches in which words were heard for which the text has next to nothing."""
    holes: list[Stretch] = []
    edges = [(-1, -1), *_firm(pairs, text, heard), (len(text.tokens), len(heard.tokens))]
    for (i0, j0), (i1, j1) in itertools.pairwise(edges):
        unmatched, written = j1 - j0 - 1, i1 - i0 - 1
        if unmatched < _HOLE_WORDS or written * 3 > unmatched:
            continue
        first, last = heard.word[j0 + 1], heard.word[j1 - 1]
        holes.append((heard.words[first].start, heard.words[last].end))
    return holes


def _firm(pairs: Sequence[tuple[int, int]], text: _Text, heard: _Heard) -> list[tuple[int, int]]:
    """The pairs without those that stand alone in the midst of words nothing matches."""
    out = []
    edges = [(-1, -1), *pairs, (len(text.tokens), len(heard.tokens))]
    for before, pair, after in zip(edges, edges[1:], edges[2:], strict=False):
        is_lone = pair[1] - before[1] > _HOLE_WORDS and after[1] - pair[1] > _HOLE_WORDS
        if not is_lone:
            out.append(pair)
    return out


def _without(stretches: Sequence[Stretch], holes: Sequence[Stretch]) -> list[Stretch]:
    out: list[Stretch] = []
    for start, end in stretches:
        first = bisect_right(holes, start, key=lambda hole: hole[1])
        for hole_start, hole_end in holes[first:]:
            if hole_start >= end:
                break
            if hole_start > start:
                out.append((start, hole_start))
            start = max(start, hole_end)
        if start < end:
            out.append((start, end))
    return out


def _seconds_of(speech: Sequence[Stretch], covered: Sequence[Stretch]) -> float:
    """How many seconds the two have in common. Both are in order and without overlaps."""
    total, k = 0.0, 0
    for start, end in speech:
        while k < len(covered) and covered[k][1] <= start:
            k += 1
        at = k
        while at < len(covered) and covered[at][0] < end:
            total += max(0.0, min(end, covered[at][1]) - max(start, covered[at][0]))
            at += 1
    return total


def _gaps(speech: Sequence[Stretch], covered: Sequence[Stretch], sent: Sequence[Clip]) -> tuple[Gap, ...]:
    gaps = []
    for low, high in _without([(each.start, each.end) for each in sent], covered):
        inside = merged(speech, inside=Clip(low, high)) if high > low else []
        # A word's ending that sticks out of a cue is not where the gap begins.
        if inside and inside[0][0] == low and inside[0][1] - low < _STUMP:
            inside.pop(0)
        if inside and inside[-1][1] == high and high - inside[-1][0] < _STUMP:
            inside.pop()
        if sum(end - start for start, end in inside) > GAP_SECONDS:
            gaps.append(Gap(inside[0][0], inside[-1][1]))
    return tuple(gaps)


# Loops -------------------------------------------------------------------------------------------------------


def _loops(
    lines: Sequence[Cue | Segment], text: _Text, pairs: Sequence[tuple[int, int]], has_words: bool
) -> list[Finding]:
    """Lines, short cycles of lines, or phrases within a line, said again and again though the audio does not."""
    contents = [text.of(k) for k in range(len(lines))]
    matched = {i for i, _ in pairs}
    found: list[Finding] = []
    at = 0
    while at < len(lines):
        period, count = _cycle(contents, at)
        these = range(at, at + period * count)
        is_held = has_words and _is_held(these, text, matched)
        if count >= LOOP_TIMES and not is_held:
            last = these[-1]
            what = f"“{lines[at].text.strip()[:60]}”" if period == 1 else f"{period} lines"
            end = lines[last].end if lines[last].end is not None else lines[last].start
            found.append(Finding("loop", f"{what} repeated {count} times in a row.", lines[at].start, end))
        elif count < LOOP_TIMES:
            times = _phrase_times(contents[at])
            if times and not is_held:
                found.append(
                    Finding("loop", f"A phrase repeated {times} times in one line.", lines[at].start, lines[at].end)
                )
        at += period * count
    return found


def _cycle(contents: Sequence[tuple[str, ...]], at: int) -> tuple[int, int]:
    """The shortest cycle of lines that begins here and comes often enough, and how often: else (1, 1)."""
    for period in range(1, _LONGEST_CYCLE + 1):
        if not all(contents[at : at + period]):
            break
        count = 1
        while contents[at + count * period : at + (count + 1) * period] == contents[at : at + period]:
            count += 1
        if count >= LOOP_TIMES:
            return period, count
    return 1, 1


def _phrase_times(content: tuple[str, ...]) -> int:
    """How often a phrase is said in a row within one line, 0 when that is nothing unusual."""
    for period in range(1, min(_LONGEST_PHRASE, len(content) // _PHRASE_TIMES) + 1):
        run = period
        for k in range(period, len(content)):
            run = run + 1 if content[k] == content[k - period] else period
            if run >= _PHRASE_TIMES * period and run >= _LOOP_TOKENS and _ends_run(content, k, period):
                return run // period
    return 0


def _ends_run(content: tuple[str, ...], at: int, period: int) -> bool:
    return at + 1 == len(content) or content[at + 1] != content[at + 1 - period]


def _is_held(these: range, text: _Text, matched: set[int]) -> bool:
    """Whether the audio holds these lines: at least 60 % of their words were heard there."""
    places = range(text.first[these.start], text.first[these.stop])
    return sum(i in matched for i in places) >= 0.6 * len(places)


# Times -------------------------------------------------------------------------------------------------------


def _disorder(lines: Sequence[Cue | Segment], clip: Clip) -> tuple[list[Finding], list[Finding]]:
    """A finding for each time that runs backwards, and for each that lies outside the clip."""
    backwards: list[Finding] = []
    outside: list[Finding] = []
    previous: float | None = None
    for line in lines:
        if line.start is None:
            continue
        if previous is not None and line.start < previous - 0.001:
            backwards.append(Finding("out_of_order", "A line starts before the one it follows.", line.start, line.end))
        if not clip.start - _OUTSIDE_LEEWAY <= line.start <= clip.end + _OUTSIDE_LEEWAY:
            outside.append(Finding("outside", "A line lies outside the clip.", line.start, line.end))
        previous = line.start
    return backwards, outside


def _timed_by_audio(lines: Sequence[Cue | Segment]) -> float:
    # Where a person has set a time, nobody asks any more who had set it before.
    by_hand = [line for line in lines if isinstance(line, Cue) and line.timed_by is TimedBy.EDITED]
    if not lines or len(by_hand) == len(lines):
        return 1.0 if by_hand else 0.0
    by_audio = sum(
        line.timed_by is TimedBy.AUDIO if isinstance(line, Cue) else bool(line.words and line.is_timed)
        for line in lines
    )
    return by_audio / (len(lines) - len(by_hand))


def _with_part(finding: Finding, parts: Sequence[Clip]) -> Finding:
    """The finding with the part in which its middle lies."""
    if finding.start is None or not parts:
        return finding
    middle = (finding.start + (finding.end if finding.end is not None else finding.start)) / 2
    at = bisect_right(parts, middle, key=lambda part: part.start) - 1
    return Finding(finding.kind, finding.words, finding.start, finding.end, max(0, at))
