"""The JSON of an answer, whatever its keys and nesting, read into lines."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lib.formats.answer_lines import Kind, Line
from lib.formats.loose_json import Pairs
from lib.formats.plain_lines import lines_of_text
from lib.formats.speakers import find_label
from lib.formats.stamps import Doubt, Stamp, read_stamps
from lib.formats.tables import line_of_cells

DEEPEST = 60
"""JSON nested deeper than any transcript is read as the bare list of its strings."""

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


def lines_of_json(value: object, depth: int = 0) -> list[Line]:
    """The lines of a value as ``loose_json`` reads it, in the order written."""
    if depth > DEEPEST:
        return [line for string in _strings(value) for line in lines_of_text(string)]
    if isinstance(value, Pairs):
        return _lines_of_object(value, depth)
    if isinstance(value, str):
        return lines_of_text(value)
    if not isinstance(value, list):
        return []
    if _is_row(value):
        return [_line_of_row(value)]
    lines: list[Line] = []
    strings: list[str] = []
    for item in value:
        if isinstance(item, str):
            strings.append(item)
            continue
        lines.extend(lines_of_text("\n".join(strings)) if strings else ())
        strings = []
        lines.extend(lines_of_json(item, depth + 1))
    lines.extend(lines_of_text("\n".join(strings)) if strings else ())
    return lines


def _lines_of_object(value: Pairs, depth: int) -> list[Line]:
    line = Line("", kind=Kind.WHOLE, fresh=True)
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
    children = [lines_of_json(item, depth + 1) if isinstance(item, list) else [] for _, item in parts]
    if line.start is None and any(children):
        return _container_lines(names, parts, children)
    line.text = " ".join(" ".join(string.split()) for string in strings)
    line.speaker = next((name for name in names if name), None)
    extra = [name for name in names if name and name != line.speaker]
    line.text = " ".join([*extra, line.text]).strip()
    if line.start is None:
        said = lines_of_text("\n".join(strings))
        if line.speaker is None or any(other.start for other in said):
            return [*(Line(name, fresh=True, raw=name) for name in names if name), *said]
    elif not line.speaker:
        line.label = find_label(line.text)
    inner = [child for lines in children for child in lines]
    if inner and not line.text:
        return [replace(line, text="", speaker=None), *inner] if line.speaker else [*_inherit(line, inner)]
    repeated = _squeezed(inner) == _squeezed([line])
    return [line] if repeated else [line, *inner]


def _container_lines(names: list[str], parts: list, children: list[list[Line]]) -> list[Line]:
    """The lines of an object that holds segments; its own text is left out when the segments repeat it."""
    inner = _squeezed([line for lines in children for line in lines])
    lines = [Line(name, fresh=True, raw=name) for name in names if name]
    for (_, item), child in zip(parts, children, strict=True):
        if isinstance(item, str):
            said = lines_of_text(item)
            lines.extend(() if _squeezed(said) == inner else said)
        lines.extend(child)
    return lines


def _inherit(line: Line, inner: list[Line]) -> Iterator[Line]:
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


def _line_of_row(value: list) -> Line:
    cells = [f"{item:.6f}".rstrip("0").rstrip(".") if isinstance(item, float) else str(item or "") for item in value]
    return line_of_cells([" ".join(cell.split()) for cell in cells], [])


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


def _squeezed(lines: Sequence[Line]) -> str:
    return re.sub(r"\W+", "", "".join(line.text for line in lines)).casefold()
