"""Who speaks: labels such as ``Anna:`` at the head of a line, told from words that merely stand before a colon."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from lib.formats.text import words


class Strength(IntEnum):
    """How sure a label is by its own form."""

    WEAK = 1
    """``John:`` counts when the rest of the text bears it out."""
    MARKED = 2
    """``**John:**`` or ``<v John>``: set apart as a label."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label found at the head of a text, and the ``rest`` after it. ``name`` is None for an empty one."""

    name: str
    rest: str
    strength: Strength


_ROLE = re.compile(
    r"(?:the\s)?(?:speaker|spk|spkr|person|host|co-?host|guest|interviewer|interviewee|narrator|narration|moderator|announcer"
    r"|presenter|reporter|anchor|commentator|instructor|lecturer|man|woman|boy|girl|(?:fe)?male(?: voice)?|voice-?over"
    r"|off-?screen voice|audience|crowd|caller|operator|teacher|student|unknown speaker"
    r"|sprecher(?:in)?|moderator(?:in)?|mann|frau|hablante|orador(?:a)?|narrador(?:a)?|entrevistador(?:a)?|locutor(?:a)?"
    r"|locuteur|locutrice|intervenant(?:e)?|narrateur|narratrice|relatore|parlante|falante|говорящий|спикер|диктор|ведущий|ведущая"
    r"|说话人|说话者|發言人|发言人|主持人|旁白|講者|讲者|嘉宾|話者|ナレーター|司会|화자|진행자|내레이터|متحدث|المتحدث|वक्ता)"
    r"[\s_#-]{0,2}(?:\d{1,3}|[A-Za-z])?",
    re.IGNORECASE,
)
_NOT_NAMES = words(
    """
    note notes nb n.b. ps p.s. warning tip tips hint example examples eg e.g ie i.e question answer q a step steps
    chapter part section update updated summary title subtitle http https ftp mailto remember result results
    conclusion important reminder caution today tomorrow yesterday first second third fourth finally lastly next
    so and but or well now then look listen here there this that these those what why how who when where which yes
    no ok okay also because however instead transcript transcription captions subtitles subtitle timestamp
    timestamps time times start end duration language text description visual visuals video audio music sound
    sounds scene caption on-screen onscreen key topic topics overview introduction intro outro disclaimer source
    sources link links url file date location total hinweis achtung beispiel frage antwort anmerkung nota ejemplo
    pregunta respuesta atención remarque exemple réponse esempio nota bene внимание пример вопрос ответ примечание
    注意 注 提示 例如 备注 備註 例 问 答 結論 结论 总结 標題 标题 ملاحظة مثال सूचना उदाहरण 참고 예
    """
)
_SOUNDS = re.compile(
    r"\b(?:music|musik|música|musique|applause|applauding|clapping|laugh\w*|chuckl\w*|giggl\w*|cheer\w*|silence|pause|inaudible"
    r"|unintelligible|indistinct|crosstalk|noise|static|sound\w*|sfx|beep\w*|bell\w*|cough\w*|sigh\w*|gasp\w*|cry\w*|sob\w*"
    r"|scream\w*|shout\w*|whisper\w*|bark\w*|ring\w*|door|footsteps|wind|rain|thunder|blank_audio|foreign|end|start|video|image"
    r"|visual|screen|text|sic|redacted|bleep|singing|sings|noises?|playing|plays)\b",
    re.IGNORECASE,
)
_PARTICLES = words(
    """
    de da di do du des del der den la le el al van von of the and und et y e & bin ibn ben ter
    """
)

_COLON = re.compile(
    r"(?P<mark>[*_]{0,3})(?P<name>[^\W\d_][^\n:：*\[\](){}<>|\"“”?!;/\\]{0,48}?)(?P<closed>[*_]{0,3})"
    r"(?P<aside>\s?\([^()\n]{1,40}\))?(?P<closed2>[*_]{0,3})\s?(?::(?P<closed3>[*_]{0,3})(?=\s|$)|：[*_]{0,3})\s?"
)
_BRACKET = re.compile(r"(?P<mark>[*_]{0,3})\[(?P<name>[^\W\d_][^\[\]\n:]{0,40})\][*_]{0,3}\s?:?[*_]{0,3}(?=\s|$)\s?")
_ALONE = re.compile(r"\*\*(?P<name>[^*\n:]{1,40})(?::?\*\*|\*\*:)")
_SIGN = re.compile(r"[:：|\[<]")
_PIPE = re.compile(r"(?P<name>[^\W\d_][^\n:*|\[\](){}<>]{0,40}?)\s\|\s")
_VOICE = re.compile(r"<v(?:\.[^\s<>]{1,40})?\s(?P<name>[^<>\n]{1,80})>\s?")


def find_label(text: str) -> Label | None:
    """The label at the head of a line of text, if there is something in the form of one."""
    if found := _ALONE.fullmatch(text):
        return Label(found["name"], "", Strength.WEAK) if is_name(found["name"]) else None
    if not _SIGN.search(text[:120]):
        return None
    if found := _VOICE.match(text):
        return Label(found["name"].strip(), text[found.end() :].replace("</v>", "").strip(), Strength.MARKED)
    if found := _BRACKET.match(text):
        name = found["name"].strip()
        if is_name(name) and not _SOUNDS.search(name) and not (is_uncased(name) and not is_role(name)):
            return Label(name, text[found.end() :], Strength.MARKED if is_role(name) else Strength.WEAK)
        return None
    if (found := _PIPE.match(text)) and is_name(found["name"]):
        return Label(found["name"], text[found.end() :], Strength.WEAK)
    if found := _COLON.match(text):
        name = found["name"].strip()
        if is_name(name):
            mark = found["mark"]
            marked = mark and (found["closed"] or found["closed2"] or found["closed3"])
            # A single mark that never closes is left where it is: it belongs to the text.
            if mark and not marked:
                return None
            sure = marked or is_role(name)
            label = name + (found["aside"] or "")
            return Label(label, text[found.end() :], Strength.MARKED if sure else Strength.WEAK)
    return None


def accepted_names(labels: Sequence[Label | None]) -> frozenset[str]:
    """Which names are speakers, judged over the whole text: ``labels`` has one entry for each line that could have one.

    A marked label is believed. A weak one must come back, or stand among lines half of which have a label of few
    names; so that a sentence such as ``Remember: always test`` stays a sentence, and so do titles of chapters.
    """
    found = [label for label in labels if label]
    counts = Counter(label.name for label in found)
    names = {label.name for label in found if label.strength is Strength.MARKED}
    come_back = max(counts.values(), default=0) > 1 or not any(label.rest for label in found)
    few_names = len(counts) <= max(2, len(found) // 2) and (len(labels) <= 2 or come_back)
    if 2 * len(found) >= len(labels) and few_names:
        names.update(counts)
    names.update(name for name, count in counts.items() if count >= 2 and 10 * count >= len(labels))
    return frozenset(names)


def split_speakers(texts: Sequence[str]) -> list[tuple[str | None, str]]:
    """Each text with its speaker taken off its head, where there is one."""
    labels = [find_label(text) for text in texts]
    names = accepted_names(labels)
    return [
        (label.name, label.rest) if label and label.rest and label.name in names else (None, text)
        for label, text in zip(labels, texts, strict=True)
    ]


def is_role(name: str) -> bool:
    """Whether the name says by itself that it is a speaker: ``Speaker 1``, ``Host``, ``SPEAKER_00``, ``说话人1``."""
    return bool(_ROLE.fullmatch(name.strip()))


def is_uncased(name: str) -> bool:
    """Whether the name is in a script without capitals."""
    return name.lower() == name.upper()


def is_name(name: str) -> bool:
    """Whether this could be what a speaker is called: capitals, few words, and no word that heads a sentence."""
    if is_role(name):
        return True
    parts = name.split()
    if not parts or len(parts) > 4 or len(name) > 40 or {parts[0].casefold(), name.casefold()} & _NOT_NAMES:
        return False
    if name.endswith(".") and len(parts[-1]) > 3:  # a sentence, and no "Jr."
        return False
    if is_uncased(name):
        return len(name) <= (24 if len(parts) > 1 else 12) and not re.search(r"[^\w\s.'’·・-]", name)
    if any(character in ",…—–=+%$€@#^~`" for character in name):
        return False
    return parts[0][0].isupper() and all(
        part[0].isupper() or part[0].isdigit() or part.casefold() in _PARTICLES for part in parts[1:]
    )
