"""What can be said of a transcript: the badge, the sentence beside it, and what is wrong, part by part. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lib.domain.health import GAP_SECONDS, Finding, Health
from lib.domain.run import PartRecord, PartState, Run
from lib.domain.translation import UNTRANSLATED
from lib.ui.words import count_words

COMPLETE_COVERAGE = 0.95
"""From this share of the speech on, what is missing is the breath around words, not words."""
LEAST_COVERAGE = 0.9
LEAST_OF_SHORT_SILENCES = 0.8
"""The same where no silence of the text is long and hardly a word that was heard is missing: in a short clip the breath
around a few words is a tenth of all."""
FEW_WORDS = 0.1
"""The share of the words heard that may be missing by slips of the ear: the listener's own errors are among them."""
WELL_TIMED = 0.9
COUNTED = {"out_of_order": "starts before the one it follows", "outside": "lies outside the clip"}
"""Findings that are told once for each part: a model that lost the clock has hundreds."""


class Verdict(StrEnum):
    """``UNKNOWN`` is no praise: nobody listened, so nobody can tell."""

    GOOD = "good"
    LOOK = "look"
    INCOMPLETE = "incomplete"
    UNKNOWN = "unknown"


VERDICT_WORDS = {
    Verdict.GOOD: "Good",
    Verdict.LOOK: "Look at it",
    Verdict.INCOMPLETE: "Incomplete",
    Verdict.UNKNOWN: "Not measured",
}
VERDICT_COLOURS = {
    Verdict.GOOD: "green",
    Verdict.LOOK: "orange",
    Verdict.INCOMPLETE: "red",
    Verdict.UNKNOWN: "gray",
}
VERDICT_ICONS = {
    Verdict.GOOD: ":material/verified:",
    Verdict.LOOK: ":material/visibility:",
    Verdict.INCOMPLETE: ":material/warning:",
    Verdict.UNKNOWN: ":material/help:",
}


@dataclass(frozen=True, slots=True)
class Place:
    """What is wrong in one part; ``part`` is None for what lies in no part alone. ``repairs``: asking again helps."""

    part: PartRecord | None
    findings: tuple[Finding, ...] = ()
    repairs: bool = True


def verdict_of(run: Run) -> Verdict | None:
    """How good the transcript of a run that is over is; None where there is nothing to judge.

    Incomplete: a part failed, an answer was cut off, speech is without text for over 10 s, under 90% of it has text
    (80% where hardly a word is missing). Look at it: under 95%, loops, many words missing, or times that the sound did
    not set right.
    """
    health = run.health
    if num_failed(run.parts):
        return Verdict.INCOMPLETE
    if health is None:
        return None
    if num_untranslated(health):
        return Verdict.INCOMPLETE
    coverage, missing = health.coverage, health.missing_words or 0.0
    least = LEAST_OF_SHORT_SILENCES if missing < FEW_WORDS else LEAST_COVERAGE
    if health.truncated or health.gaps or (coverage is not None and coverage < least):
        return Verdict.INCOMPLETE
    is_short = coverage is not None and coverage < COMPLETE_COVERAGE
    is_ill_timed = coverage is not None and health.timed_by_audio < WELL_TIMED
    if is_short or is_ill_timed or _lacks_words(health) or health.loops or _is_disordered(health):
        return Verdict.LOOK
    return Verdict.UNKNOWN if coverage is None else Verdict.GOOD


def _lacks_words(health: Health) -> bool:
    return any(finding.kind == "missing_words" for finding in health.findings)


def _is_disordered(health: Health) -> bool:
    # Where the sound timed every line, it does not matter what the model's clock said.
    return bool(health.out_of_order or health.outside) and health.timed_by_audio < 1


def num_untranslated(health: Health) -> int:
    """Lines of a translation that stayed as they were."""
    return sum(finding.kind == UNTRANSLATED for finding in health.findings)


def num_failed(parts: Iterable[PartRecord]) -> int:
    return sum(part.state is PartState.FAILED for part in parts)


def health_sentence(run: Run) -> str:
    """``97% of the speech has text · 1 gap · 2 of 7 parts failed``: what stands beside the badge."""
    health, failed = run.health, num_failed(run.parts)
    facts = [_failed_words(failed, len(run.parts)) if failed else ""]
    if health is not None and (left := num_untranslated(health)):
        facts.insert(0, f"{count_words(left, 'line')} not translated")
    elif health is not None:
        facts = [
            "nobody listened, so what is missing is not known"
            if health.coverage is None
            else f"{share_words(health.coverage)} of the speech has text",
            f"{share_words(health.missing_words)} of the words heard are not in it" if _lacks_words(health) else "",
            count_words(len(health.gaps), "gap") if health.gaps else "",
            count_words(health.loops, "loop") if health.loops else "",
            "cut off" if health.truncated else "",
            *facts,
        ]
    return " · ".join(fact for fact in facts if fact)


def _failed_words(failed: int, num_parts: int) -> str:
    return f"{failed} of {count_words(num_parts, 'part')} failed" if num_parts > 1 else "nothing was written"


def figures(health: Health) -> list[tuple[str, str]]:
    """Name and value of everything that was measured."""
    return [
        ("Speech with text", "not measured" if health.coverage is None else share_words(health.coverage)),
        ("Timed by the sound", share_words(health.timed_by_audio)),
        ("Gaps over 10 s", f"{len(health.gaps):,}"),
        ("Loops", f"{health.loops:,}"),
        ("Times out of order", f"{health.out_of_order + health.outside:,}"),
        ("Cut off", "yes" if health.truncated else "no"),
    ]


def share_words(share: float) -> str:
    """A share in whole per cent, rounded down: only all is 100%."""
    return f"{int(min(max(share, 0.0), 1.0) * 100 + 1e-9)}%"


def places(run: Run) -> list[Place]:
    """The parts that failed or have findings, in order, and at the end what belongs to no part."""
    found: dict[int | None, list[Finding]] = {}
    for finding in run.health.findings if run.health else ():
        for part in parts_of(finding, run.parts) or (None,):
            found.setdefault(None if part is None else part.index, []).append(finding)
    is_set_right = run.health is not None and not _is_disordered(run.health)
    in_parts = [
        _place(part, found.get(part.index, ()), is_set_right)
        for part in run.parts
        if part.state is PartState.FAILED or part.index in found
    ]
    rest = [Place(None, told(found[None], is_set_right), repairs=False)] if None in found else []
    return in_parts + rest


def _place(part: PartRecord, findings: Sequence[Finding], is_set_right: bool) -> Place:
    matters = any(not (finding.kind in COUNTED and is_set_right) for finding in findings)
    return Place(part, told(findings, is_set_right), part.state is PartState.FAILED or matters)


def part_of(finding: Finding, parts: Sequence[PartRecord]) -> PartRecord | None:
    """The part that holds most of a finding; None for one without a time, or outside all parts.

    A finding's own number counts answers, and a part may have several of them, or none.
    """
    if finding.start is None or not parts:
        return None
    start, end = finding.start, finding.start if finding.end is None else finding.end

    def shared(part: PartRecord) -> float:
        return min(end, part.end) - max(start, part.start)

    best = max(parts, key=shared)
    return best if shared(best) >= 0 else None


def parts_of(finding: Finding, parts: Sequence[PartRecord]) -> tuple[PartRecord, ...]:
    """The parts that have to be repaired to mend a finding: a gap may run through several, and lies in each that
    lacks so much of it that it would be a gap there as well."""
    best = part_of(finding, parts)
    if best is None:
        return ()
    if finding.kind != "gap" or finding.start is None or finding.end is None:
        return (best,)
    start, end = finding.start, finding.end
    return tuple(part for part in parts if part is best or min(end, part.end) - max(start, part.start) > GAP_SECONDS)


def told(findings: Iterable[Finding], is_set_right: bool = False) -> tuple[Finding, ...]:
    """The findings as they are listed, in order of time: those that come in swarms become one, with their number."""
    listed: list[Finding] = []
    swarms: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.kind in COUNTED:
            swarms.setdefault(finding.kind, []).append(finding)
        else:
            listed.append(finding)
    for kind, swarm in swarms.items():
        first = min(swarm, key=lambda finding: finding.start or 0.0)
        words = f"1 line {COUNTED[kind]}" if len(swarm) == 1 else f"{len(swarm):,} lines {_plural(COUNTED[kind])}"
        listed.append(replace(first, words=f"{words}: {'set right by the sound' if is_set_right else 'put in order'}."))
    return tuple(sorted(listed, key=lambda finding: finding.start or 0.0))


def _plural(words: str) -> str:
    return words.replace("starts", "start").replace("lies", "lie").replace("the one it follows", "the ones they follow")


def marks(run: Run) -> list[tuple[float, float, str]]:
    """What the player marks on its timeline: start, end and a sentence. Failed parts, and gaps that are not in one."""
    failed = [part for part in run.parts if part.state is PartState.FAILED]
    marked = [(part.start, part.end, f"Part {part.index + 1} failed") for part in failed]
    for gap in run.health.gaps if run.health else ():
        if not any(part.start <= (gap.start + gap.end) / 2 < part.end for part in failed):
            marked.append((gap.start, gap.end, f"{gap.end - gap.start:.0f} s of speech without text"))
    for finding in run.health.findings if run.health else ():
        if finding.kind == UNTRANSLATED and finding.start is not None:
            marked.append((finding.start, finding.end or finding.start, finding.words))
    return sorted(marked)
