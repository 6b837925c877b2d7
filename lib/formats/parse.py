"""Timestamped transcripts as models really write them, read into segments."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from lib.domain.transcript import Segment
from lib.formats.loose_json import Pairs, json_and_text
from lib.formats.speakers import Label, Strength, accepted_names, find_label, is_name, is_role
from lib.formats.stamps import (
    Doubt,
    Mark,
    Stamp,
    inline_marks,
    leading_mark,
    named_mark,
    plain,
    read_stamps,
    trailing_mark,
)
from lib.formats.text import encodable, one_line, without_control, words

DURATION_SLACK = 1.05, 5.0
"""A time may pass the duration by 5 % and 5 s before it counts as past it: durations and models are both rough."""
DEEPEST = 60
"""JSON nested deeper than any transcript is read as the bare list of its strings."""


class _Kind(Enum):
    LINE = "line"
    HEADING = "heading"
    WHOLE = "whole"  # from JSON or a table: complete in itself


@dataclass(slots=True)
class _Line:
    """A line of the answer, or a piece of one, on its way to a segment. ``fresh``: an empty line stands before it."""

    text: str
    start: Stamp | None = None
    end: Stamp | None = None
    speaker: str | None = None
    fresh: bool = False
    kind: _Kind = _Kind.LINE
    label: Label | None = None
    raw: str = ""


@dataclass(slots=True)
class _Draft:
    """A segment that may still grow."""

    start: Stamp | None
    end: Stamp | None
    speaker: str | None
    texts: list[str] = field(default_factory=list)
    closed: bool = False


def parse_answer(text: str, *, duration: float | None = None) -> tuple[Segment, ...]:
    """The segments of a model's answer, in the order written, on the clock of what the model was shown.

    Every word that is not a time, markup or JSON or table structure is in a segment, as text or as speaker; what
    has no time becomes a segment without one (``start`` None). Only a preamble such as "Here is the transcript:"
    before the first time is dropped. Times are neither sorted nor clamped. Never raises; linear in the length.

    With ``duration``, in seconds, two doubts are settled: ``00:05:12`` in a short video is MM:SS and hundredths
    when most times would otherwise lie past the end, and numbers of JSON are milliseconds likewise.
    """
    text = without_control(encodable(text)).replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    text = _THINKING.sub("", text)
    lines: list[_Line] = []
    for piece in json_and_text(text):
        lines.extend(_lines_of_text(piece) if isinstance(piece, str) else _lines_of_json(piece))
    _settle_doubts(lines, duration)
    _name_speakers(lines)
    return tuple(_segments(_without_preamble(lines)))


# ---- lines of text

_THINKING = re.compile(r"\A\s*+<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(
    r"(?:>\s?)*(?:```+|~~~+)\s?(?:json[lc5]?|ndjson|srt|subrip|web-?vtt|vtt|te?xt|plain|plaintext|markdown|md|csv|tsv|html|xml|yaml|"
    r"transcript|transcription|subtitles?|captions?|none|log)?",
    re.IGNORECASE,
)
_RULE = re.compile(r"(?:[-*_=~]\s?){3,}")
_WRAPPER = re.compile(
    r"</?(?:transcript|transcription|captions?|subtitles?|segments?|answer|output|response|result|tt|body|div|p)>",
    re.IGNORECASE,
)
_HEADING = re.compile(r"#{1,6}\s(.*)")
_TAG = re.compile(
    r"</?(?:i|b|u|s|em|strong|font|c|v|lang|ruby|rt|br)(?:[.\s][^<>]{0,200})?/?>|<\d{1,3}:\d\d[\d:.]{0,12}>|\{\\[^{}]{0,40}\}",
    re.IGNORECASE,
)
_SETTING = re.compile(r"\b(?:align|position|line|size|vertical|region):\S+\s?")
_VTT_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)\b")
_VTT_HEADER = re.compile(r"(?:Kind|Language):")
_INDEX = re.compile(r"\d{1,6}")


@dataclass(slots=True)
class _Read:
    """A physical line and what was seen in it."""

    text: str
    fresh: bool
    mark: Mark | None = None
    heading: bool = False


def _lines_of_text(text: str) -> list[_Line]:
    rows = [" ".join(row.split()) for row in text.split("\n")]
    rows = _without_caption_structure(rows)
    lines: list[_Line] = []
    reads: list[_Read] = []
    place, fresh = 0, True
    while place < len(rows):
        row = rows[place]
        if "|" in row and (table := _table(rows, place)):
            lines.extend(_lines_of_reads(reads))
            reads = []
            lines.extend(table[0])
            place, fresh = table[1], True
            continue
        place += 1
        if not row or _FENCE.fullmatch(row) or _WRAPPER.fullmatch(row):
            fresh = True
        elif not _RULE.fullmatch(row):
            heading = _HEADING.fullmatch(row)
            reads.append(_Read(row, fresh, leading_mark(row), heading is not None))
            fresh = heading is not None and reads[-1].mark is None
    lines.extend(_lines_of_reads(reads))
    return lines


def _without_caption_structure(rows: list[str]) -> list[str]:
    """SRT and WebVTT without numbers, header, notes, settings and tags; any other text as it is."""
    has_arrow = [("-->" in row or "→" in row) and _is_timing(row) for row in rows]
    if not any(has_arrow):
        return rows
    first = next((place for place, row in enumerate(rows) if row and not _FENCE.fullmatch(row)), 0)
    is_vtt = rows[first].startswith("WEBVTT")
    kept: list[str] = []
    number, skipping = 0, False
    for place, row in enumerate(rows):
        timing_next = place + 1 < len(rows) and has_arrow[place + 1]
        after_blank = place == 0 or not rows[place - 1] or bool(_FENCE.fullmatch(rows[place - 1]))
        if not row:
            skipping = False
        elif is_vtt and place == first:
            row = row.removeprefix("WEBVTT").strip(" -")
        elif is_vtt and (skipping or (after_blank and _VTT_BLOCK.match(row)) or _VTT_HEADER.match(row)):
            skipping = skipping or bool(_VTT_BLOCK.match(row))
            row = ""
        elif timing_next and _INDEX.fullmatch(row) and (after_blank or int(row) == number + 1):
            number, row = int(row), ""
        elif timing_next and is_vtt and after_blank and " " not in row and not has_arrow[place]:
            row = ""
        elif has_arrow[place]:
            row = _SETTING.sub("", row)
        row = _TAG.sub(_tag_kept, row) if "<" in row or "{" in row else row
        if is_vtt and "&" in row:
            row = row.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&")
        kept.append(row.strip())
    return kept


def _is_timing(row: str) -> bool:
    mark = leading_mark(row)
    return mark is not None and mark.end is not None


def _tag_kept(found: re.Match[str]) -> str:
    tag = found.group().lower()
    if tag.startswith("<br"):
        return " "
    return found.group() if tag.startswith(("<v ", "<v.")) else ""


def _lines_of_reads(reads: Sequence[_Read]) -> list[_Line]:
    _drop_unlikely_marks(reads)
    if lines := _lines_timed_at_end(reads):
        return lines
    inline = _inline_is_the_style(reads)
    heads = Counter(mark.name for read in reads if not read.mark and (mark := named_mark(read.text)) and mark.bare)
    names = frozenset(name for name, count in heads.items() if count > 1)
    return [line for read in reads for line in _lines_of_read(read, inline, names)]


def _drop_unlikely_marks(reads: Sequence[_Read]) -> None:
    """Where times stand in brackets, a line that merely begins with ``10:30`` is text, unless it fits in order;
    where hardly any line begins with a time, none is one."""
    marked = [read for read in reads if read.mark]
    bare = [read for read in marked if read.mark.bare]
    if not bare:
        return
    boxed = len(marked) - len(bare)
    if boxed == 0:
        if not (
            reads[0].mark
            or 5 * len(bare) >= len(reads)
            or (len(reads) > 1 and reads[1].mark and reads[0].text.endswith(":"))
        ):
            for read in bare:
                read.mark = None
        return
    if len(bare) > boxed:
        return
    following = math.inf
    limits: list[float] = []
    for read in reversed(marked):
        limits.append(following)
        if not read.mark.bare:
            following = read.mark.start.seconds
    before = 0.0
    for read, limit in zip(marked, reversed(limits), strict=True):
        seconds = read.mark.start.seconds
        if read.mark.bare and not before <= seconds <= min(limit, before + 600):
            read.mark = None
        else:
            before = seconds


def _lines_timed_at_end(reads: Sequence[_Read]) -> list[_Line]:
    """Lines of an answer that writes each time after its text; none if it does not."""
    if not reads or any(read.mark for read in reads):
        return []
    marks = [trailing_mark(read.text) for read in reads]
    timed = [read for read, mark in zip(reads, marks, strict=True) if mark]
    if 2 * len(timed) < len(reads) or (2 * len(timed) == len(reads) and all(_is_head(read.text) for read in timed)):
        return []
    if any(sum(1 for _ in inline_marks(read.text)) > 1 for read in reads):
        return []
    lines = []
    for read, mark in zip(reads, marks, strict=True):
        text = _bare_text(read.text[: mark.begin].strip() if mark else read.text)
        lines.append(_Line(text, mark and mark.start, mark and mark.end, fresh=read.fresh, raw=read.text))
    return lines


def _is_head(text: str) -> bool:
    """Whether a line is a speaker and a time over the text that follows: ``**Anna** [0:05]``."""
    mark = named_mark(text)
    return mark is not None and is_name(mark.name)


def _inline_is_the_style(reads: Sequence[_Read]) -> bool:
    """Whether times in square brackets inside lines begin new segments: they do where brackets mean times."""
    if any(read.mark and not read.mark.bare and "[" in plain(read.text[:12]) for read in reads):
        return True
    found = 0
    for read in reads:
        for _ in inline_marks(read.text):
            found += 1
            if found >= 2:
                return True
    return False


def _named(text: str, names: frozenset[str]) -> Mark | None:
    """The time after a speaker's name: in brackets, or bare at the end of the line after a name that comes back."""
    mark = named_mark(text)
    return mark if mark and (not mark.bare or mark.name in names or is_role(mark.name)) else None


def _lines_of_read(read: _Read, inline: bool, names: frozenset[str]) -> Iterator[_Line]:
    mark = read.mark
    named = None if mark else _named(read.text, names)
    kind = _Kind.HEADING if read.heading and not mark else _Kind.LINE
    if named and (label := find_label(f"{named.name}:")):
        # Judged as a label would be: "Anna (0:05): text" is one, "Hello [0:05] world" is not.
        label = replace(label, rest=named.rest)
        yield _Line(named.rest, named.start, named.end, None, read.fresh, kind, label, read.text)
        return
    rest = mark.rest if mark else _bare_text(read.text) if read.heading else read.text
    name = mark.name if mark else None
    line = _Line(rest, mark and mark.start, mark and mark.end, None, read.fresh, kind, raw=read.text)
    if name:
        label = find_label(f"{name}:")
        line.label = replace(label, rest=rest) if label else None
        line.text = rest if label else f"{name} {rest}".strip()
        line.raw = f"{name}: {rest}"
        if label:
            yield line
            return
    yield from _split_inline(line) if inline else (line,)


def _split_inline(line: _Line) -> Iterator[_Line]:
    rest, place = line.text, 0
    current = line
    for found in inline_marks(rest):
        before = rest[place : found.begin].strip()
        current.text = before
        if found.stop >= len(rest) and before and not found.end and _may_end(current, found.start):
            current.end = found.start  # "[0:05] text [0:09]": the last time ends the line
            place = len(rest)
            break
        yield from _with_raw(current)
        current = _Line("", found.start, found.end)
        place = found.stop
        if rest[place : place + 2] in (": ", ":", "- "):
            place += 1
    if place < len(rest) or not current.text:
        current.text = rest[place:].strip()
    yield from _with_raw(current)


def _may_end(line: _Line, stamp: Stamp) -> bool:
    return line.start is not None and line.end is None and stamp.seconds >= line.start.seconds


def _with_raw(line: _Line) -> Iterator[_Line]:
    if line.text or line.start:
        line.raw = line.raw or line.text
        yield line


def _bare_text(text: str) -> str:
    """A line without the markup of a heading or list item around it."""
    text = re.sub(r"^(?:#{1,6}|[-*+•])\s", "", text)
    whole = re.fullmatch(r"(\*{1,3}|_{1,3})([^*_]+)\1", text)
    return whole[2].strip() if whole else text


# ---- tables

_DIVIDER = re.compile(r"\|?\s?:?-+:?\s?(?:\|\s?:?-+:?\s?)*\|?")
_CELL = re.compile(r"((?:[^|\\]|\\.)*+)(?:\||$)", re.DOTALL)
_TIMES = words(
    """
    range interval
    time times timestamp timestamps timecode start start_time starttime begin from in tc when zeit zeitstempel
    tiempo marca hora inicio temps horodatage début tempo inizio início время начало
    时间 時間 时间戳 時間戳 开始 開始 시간 시작
    الوقت البداية समय
    """
)
_ENDS = words(
    """
    end end_time endtime to until stop out ende fin fine fim конец 结束 終了 종료 النهاية
    """
)
_SPEAKERS = words(
    """
    speaker speakers name who person sprecher hablante orador locuteur intervenant relatore falante спикер
    говорящий 说话人 发言人 講者 話者 화자 المتحدث वक्ता
    """
)
_TEXTS = words(
    """
    text transcript transcription dialogue dialog content caption captions line lines speech words utterance
    sentence subtitle description said texto texte testo текст 文本 内容 內容 テキスト 내용 النص पाठ spoken
    """
)


def _table(rows: Sequence[str], place: int) -> tuple[list[_Line], int] | None:
    """The lines of the table that begins at a row, and the row after it; None where no table begins."""
    row = rows[place]
    roles: list[str] = []
    lines: list[_Line] = []
    if (
        place + 1 < len(rows)
        and "-" in rows[place + 1]
        and "|" in rows[place + 1]
        and _DIVIDER.fullmatch(rows[place + 1])
    ):
        header = _cells(row)
        roles = _roles(header)
        if "time" not in roles:
            lines.append(_Line(" ".join(filter(None, header)), fresh=True, kind=_Kind.WHOLE, raw=row))
        place += 2
    elif _DIVIDER.fullmatch(row) and "-" in row:
        place += 1
    elif row.startswith(("|", "｜")) and row.count("|") >= 3 and read_stamps(_cells(row)[0]):
        pass
    else:
        return None
    while place < len(rows) and "|" in rows[place]:
        if not (_DIVIDER.fullmatch(rows[place]) and "-" in rows[place]):
            lines.append(_line_of_cells(_cells(rows[place]), roles))
        place += 1
    return lines, place


def _cells(row: str) -> list[str]:
    inner = row.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    cells = [found[1] for found in _CELL.finditer(inner)]
    if len(cells) > 1 and not inner.endswith("|"):
        cells = cells[:-1] if cells[-1] == "" else cells
    return [re.sub(r"<br\s?/?>", " ", cell.replace("\\|", "|"), flags=re.IGNORECASE).strip() for cell in cells]


def _roles(header: Sequence[str]) -> list[str]:
    roles = []
    for cell in header:
        words = re.findall(r"\w+", cell.casefold())
        known = {"time": _TIMES, "end": _ENDS, "speaker": _SPEAKERS, "text": _TEXTS}
        # "End time" is an end, "Start – end" is a time: the first word decides.
        role = next((role for word in words for role, names in known.items() if word in names), "")
        roles.append(role)
    return roles


def _line_of_cells(cells: Sequence[str], roles: Sequence[str]) -> _Line:
    line = _Line("", kind=_Kind.WHOLE, fresh=True, raw=" ".join(cells))
    texts = []
    for place, cell in enumerate(cells):
        role = roles[place] if place < len(roles) else ""
        stamps = read_stamps(cell) if role in ("time", "end") or not roles else None
        if stamps and role != "end" and line.start is None:
            line.start, line.end = stamps[0], stamps[1] or line.end
        elif stamps and line.end is None and not stamps[1] and (role == "end" or not texts):
            line.end = stamps[0]
        elif role == "speaker" and line.speaker is None and cell:
            line.speaker = _bare_text(cell)
        elif cell:
            texts.append(cell)
    line.text = " ".join(texts)
    if not line.speaker and line.start:
        line.label = find_label(line.text)
        if not line.label and len(texts) > 1 and not roles and (label := find_label(f"{texts[0]}:")):
            line.label = replace(label, rest=" ".join(texts[1:]))
    return line


# ---- JSON

_KEYS = {
    "start": """
        start starttime starts timestamp timestamps time begin begintime from startsec startsecs startseconds
        startoffset timecode ts t offset at starttimestamp startms startmilliseconds timerange range
    """,
    "end": """
        end endtime ends to stop until endsec endsecs endseconds endoffset endtimestamp endms endmilliseconds finish
    """,
    "length": "duration dur length durationms",
    "text": """
        text transcript transcription content caption captions line sentence utterance dialogue speech subtitle words
        word body value message
    """,
    "speaker": "speaker name who speakerlabel speakerid speakername role person",
    "skip": """
        id index idx no number num seq n language lang locale languagecode type kind format confidence score probability
        avglogprob nospeechprob compressionratio temperature seek tokens channel version model status
    """,
}
_ROLE_OF_KEY = {key: role for role, keys in _KEYS.items() for key in keys.split()}


def _lines_of_json(value: object, depth: int = 0) -> list[_Line]:
    if depth > DEEPEST:
        return [line for string in _strings(value) for line in _lines_of_text(string)]
    if isinstance(value, Pairs):
        return _lines_of_object(value, depth)
    if isinstance(value, str):
        return _lines_of_text(value)
    if not isinstance(value, list):
        return []
    if _is_row(value):
        return [_line_of_row(value)]
    lines: list[_Line] = []
    strings: list[str] = []
    for item in value:
        if isinstance(item, str):
            strings.append(item)
            continue
        lines.extend(_lines_of_text("\n".join(strings)) if strings else ())
        strings = []
        lines.extend(_lines_of_json(item, depth + 1))
    lines.extend(_lines_of_text("\n".join(strings)) if strings else ())
    return lines


def _lines_of_object(value: Pairs, depth: int) -> list[_Line]:
    line = _Line("", kind=_Kind.WHOLE, fresh=True)
    length: float | None = None
    names: list[str] = []
    parts: list[tuple[bool, object]] = []  # (is it said text by its key, string or container), in order
    for key, item in value:
        role = _role(key)
        thousandth = "ms" in key[-3:].lower() or "milli" in key.lower()
        if role in ("start", "end") and (stamps := _stamps_of_json(item, thousandth)):
            if role == "start" and line.start is None:
                line.start, line.end = stamps[0], stamps[1] or line.end
            elif role == "end" and line.end is None:
                line.end = stamps[0]
        elif role == "length" and isinstance(item, float):
            length = item / 1000 if thousandth else item
        elif role == "speaker" and not isinstance(item, list) and item is not None:
            names.append(f"{item:g}" if isinstance(item, float) else str(item).strip())
        elif isinstance(item, list) or (isinstance(item, str) and (role != "skip" or len(item) > 40)):
            if not role and (stamps := read_stamps(key)) and (":" in key or "s" in key):
                parts.append((False, _keyed_by_time(stamps, item)))
            elif item:
                parts.append((role == "text", item))
        elif role == "text" and isinstance(item, float):
            parts.append((True, f"{item:g}"))
    if line.start and length is not None and line.end is None:
        line.end = Stamp(line.start.seconds + length)
    strings = [item for _, item in parts if isinstance(item, str)]
    children = [_lines_of_json(item, depth + 1) if isinstance(item, list) else [] for _, item in parts]
    if line.start is None and any(children):
        return _container_lines(names, parts, children)
    line.text = " ".join(" ".join(string.split()) for string in strings)
    line.speaker = next((name for name in names if name), None)
    extra = [name for name in names if name and name != line.speaker]
    line.text = " ".join([*extra, line.text]).strip()
    if line.start is None:
        said = _lines_of_text("\n".join(strings))
        if line.speaker is None or any(other.start for other in said):
            return [*(_Line(name, fresh=True, raw=name) for name in names if name), *said]
    elif not line.speaker:
        line.label = find_label(line.text)
    inner = [child for lines in children for child in lines]
    if inner and not line.text:
        return [replace(line, text="", speaker=None), *inner] if line.speaker else [*_inherit(line, inner)]
    repeated = _squeezed(inner) == _squeezed([line])
    return [line] if repeated else [line, *inner]


def _container_lines(names: list[str], parts: list, children: list[list[_Line]]) -> list[_Line]:
    """The lines of an object that holds segments; its own text is left out when the segments repeat it."""
    inner = _squeezed([line for lines in children for line in lines])
    lines = [_Line(name, fresh=True, raw=name) for name in names if name]
    for (_, item), child in zip(parts, children, strict=True):
        if isinstance(item, str):
            said = _lines_of_text(item)
            lines.extend(() if _squeezed(said) == inner else said)
        lines.extend(child)
    return lines


def _inherit(line: _Line, inner: list[_Line]) -> Iterator[_Line]:
    """Lines inside an object with a time but no text of its own: the first takes the time if it has none."""
    first, *others = inner
    if first.start is None:
        first = replace(first, start=line.start, end=first.end or line.end)
    yield first
    yield from others


def _keyed_by_time(stamps: tuple[Stamp, Stamp | None], item: object) -> Pairs:
    """``{"0:05": ...}`` as the object it stands for."""
    own = item if isinstance(item, Pairs) else Pairs([("text", item)])
    ends = [("end", stamps[1])] if stamps[1] else []
    return Pairs([("start", stamps[0]), *ends, *own])


def _stamps_of_json(item: object, thousandth: bool) -> tuple[Stamp, Stamp | None] | None:
    if isinstance(item, Stamp):
        return item, None
    if isinstance(item, float):
        if not (math.isfinite(item) and item >= 0):
            return None
        return (Stamp(item / 1000) if thousandth else Stamp(item, item / 1000, Doubt.UNIT)), None
    if isinstance(item, str):
        return read_stamps(item)
    if isinstance(item, Pairs):
        inside = {
            _role(key): stamps[0] for key, value in item if (stamps := _stamps_of_json(value, "ms" in key.lower()))
        }
        known = inside.keys() <= {"start", "end"} and len(inside) == len(item)
        return (inside["start"], inside.get("end")) if known and "start" in inside else None
    if isinstance(item, list) and len(item) in (1, 2):
        stamps = [_stamps_of_json(value, thousandth) for value in item]
        return (stamps[0][0], stamps[-1][0] if len(stamps) == 2 else None) if all(stamps) else None
    return None


def _role(key: str) -> str:
    return _ROLE_OF_KEY.get(re.sub(r"[\W_]+", "", key.casefold()), "")


def _is_row(value: list) -> bool:
    """Whether a list is a row such as ``[0.0, 5.2, "text"]``: a time first, text after."""
    return (
        len(value) >= 2
        and not any(isinstance(item, list) for item in value)
        and (isinstance(value[0], float) or (isinstance(value[0], str) and ":" in value[0] and read_stamps(value[0])))
        and any(isinstance(item, str) and not read_stamps(item) for item in value[1:])
    )


def _line_of_row(value: list) -> _Line:
    cells = [f"{item:.6f}".rstrip("0").rstrip(".") if isinstance(item, float) else str(item or "") for item in value]
    return _line_of_cells([" ".join(cell.split()) for cell in cells], [])


def _strings(value: object) -> Iterator[str]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Pairs):
            stack.extend(inner for _, inner in reversed(item))
        elif isinstance(item, list):
            stack.extend(reversed(item))


def _squeezed(lines: Sequence[_Line]) -> str:
    return re.sub(r"\W+", "", "".join(line.text for line in lines)).casefold()


# ---- the whole answer

_PREAMBLE = re.compile(
    r"(?:here(?:['’]s| is| are)|sure|okay|ok|certainly|of course|absolutely|below|the following|this is"
    r"|i(?:['’]ve| have)"
    r"|hier|voici|aquí|claro|ecco|aqui|вот|конечно|以下|这是|這是|好的|다음은|إليك|यहाँ)\b.*|.*以下.*"
    r"|(?:[\w’'-]+\s){0,4}(?:transcripts?|transcription|captions|subtitles|timestamps|transkript|transcripción|trascrizione"
    r"|transcrição)"
    r"(?:\s[\w’'-]+){0,4}",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"(?:(?:full|video|audio|timestamped|verbatim)\s)*(?:transcript|transcription|captions|subtitles)", re.IGNORECASE
)


def _settle_doubts(lines: Sequence[_Line], duration: float | None) -> None:
    """Take the second reading of doubtful stamps where the first puts most of them past the end.

    Most, and not one: a model that drifts stamps the last fifth of a video past its end, too.
    """
    if not duration or duration <= 0:
        return
    limit = duration * DURATION_SLACK[0] + DURATION_SLACK[1]
    for doubt in Doubt:
        starts = [line.start for line in lines if line.start and line.start.doubt is doubt and line.start.seconds > 0]
        past = sum(stamp.seconds > limit for stamp in starts)
        if past and 2 * past >= len(starts) and all(stamp.other <= limit for stamp in starts):
            for line in lines:
                line.start, line.end = _other(line.start, doubt), _other(line.end, doubt)


def _other(stamp: Stamp | None, doubt: Doubt) -> Stamp | None:
    return Stamp(stamp.other) if stamp and stamp.doubt is doubt else stamp


def _name_speakers(lines: Sequence[_Line]) -> None:
    """Move labels from the text to the speaker, where the whole answer bears them out."""
    for line in lines:
        if line.kind is _Kind.LINE and not line.label and not line.speaker:
            line.label = find_label(line.text)
    timed = any(line.start for line in lines)
    judged = [
        line.label
        for line in lines
        if line.kind is not _Kind.HEADING
        and not line.speaker
        and (line.label or (line.start and line.text) or not timed)
    ]
    names = accepted_names(judged)
    alone = not timed and sum(label is not None for label in judged) < 2
    for line in lines:
        if not line.label:
            continue
        sure = line.label.name in names and not (alone and line.label.strength is Strength.WEAK)
        if sure:
            line.speaker, line.text = line.label.name, line.label.rest
        elif line.text == line.label.rest:
            # The name stood beside the time, not in the text: it is text after all.
            line.text = f"{line.label.name} {line.text}".strip()


def _without_preamble(lines: list[_Line]) -> list[_Line]:
    """The lines without chatter before the first time: what ends in a colon and announces a transcript."""
    first = next((place for place, line in enumerate(lines) if line.start), 0)
    return [line for place, line in enumerate(lines) if place >= first or not _is_preamble(line)]


def _is_preamble(line: _Line) -> bool:
    raw = line.raw.strip("*_ ")
    plain_raw = plain(raw).strip("#*_> ")
    if line.speaker or len(plain_raw) > 300:
        return False
    if plain_raw.endswith(":"):
        return bool(_PREAMBLE.fullmatch(plain_raw[:-1].rstrip("* _")))
    is_title = line.kind is _Kind.HEADING or line.raw.startswith("**")
    return is_title and bool(_TITLE.fullmatch(plain_raw))


def _segments(lines: Sequence[_Line]) -> Iterator[Segment]:
    last_timed = max((place for place, line in enumerate(lines) if line.start), default=-1)
    current: _Draft | None = None
    waiting: str | None = None  # a speaker alone on a line, whose time comes next
    for place, line in enumerate(lines):
        follows = line.start is None and line.kind is _Kind.LINE and current is not None and not current.closed
        if follows and line.speaker and current.start and not current.texts and not current.speaker:
            current.speaker = line.speaker
            current.texts.append(line.text)
        elif follows and not line.speaker and _continues(line, current, place < last_timed):
            current.texts.append(line.text)
        else:
            if current:
                segment, waiting = _finished(current, line)
                if segment:
                    yield segment
            current = _Draft(line.start, line.end, line.speaker or waiting, [line.text] if line.text else [])
            current.closed = line.kind is not _Kind.LINE
            waiting = None
    if current:
        segment, _ = _finished(current, None)
        if segment:
            yield segment


def _continues(line: _Line, current: _Draft, time_follows: bool) -> bool:
    """Whether an untimed line belongs to what is before it. After the last time, a new paragraph stands alone:
    it may be a model's farewell."""
    return not line.fresh or not any(current.texts) or (current.start is not None and time_follows)


def _finished(draft: _Draft, following: _Line | None) -> tuple[Segment | None, str | None]:
    """The segment of a draft, if it holds anything, and a speaker to hand on to the line that follows."""
    # Cleaned once more: the escapes of JSON bring in what the answer itself did not hold.
    text = one_line(" ".join(draft.texts))
    draft.speaker = one_line(draft.speaker or "") or None
    if not text and draft.speaker:
        if draft.start is None and following and following.start and not following.speaker:
            return None, draft.speaker
        text, draft.speaker = f"{draft.speaker}:", None
    if not text:
        return None, None
    start = draft.start.seconds if draft.start else None
    end = draft.end.seconds if draft.end and start is not None else None
    return Segment(text, start, end, draft.speaker), None
