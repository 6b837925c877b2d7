"""Tables of an answer, one row a line: Markdown, with or without a header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lib.formats.answer_lines import Kind, Line, bare_text
from lib.formats.speakers import find_label
from lib.formats.stamps import read_stamps
from lib.formats.text import words

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


def table_at(rows: Sequence[str], place: int) -> tuple[list[Line], int] | None:
    """The lines of the table that begins at a row, and the row after it; None where no table begins."""
    row = rows[place]
    roles: list[str] = []
    lines: list[Line] = []
    if (
        place + 1 < len(rows)
        and "-" in rows[place + 1]
        and "|" in rows[place + 1]
        and _DIVIDER.fullmatch(rows[place + 1])
    ):
        header = _cells(row)
        roles = _roles(header)
        if "time" not in roles:
            lines.append(Line(" ".join(filter(None, header)), fresh=True, kind=Kind.WHOLE, raw=row))
        place += 2
    elif _DIVIDER.fullmatch(row) and "-" in row:
        place += 1
    elif row.startswith(("|", "｜")) and row.count("|") >= 3 and read_stamps(_cells(row)[0]):
        pass
    else:
        return None
    while place < len(rows) and "|" in rows[place]:
        if not (_DIVIDER.fullmatch(rows[place]) and "-" in rows[place]):
            lines.append(line_of_cells(_cells(rows[place]), roles))
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


def line_of_cells(cells: Sequence[str], roles: Sequence[str]) -> Line:
    """One row as a line. ``roles`` (time, end, speaker, text or empty) are by column; without any, cells tell."""
    line = Line("", kind=Kind.WHOLE, fresh=True, raw=" ".join(cells))
    texts = []
    for place, cell in enumerate(cells):
        role = roles[place] if place < len(roles) else ""
        stamps = read_stamps(cell) if role in ("time", "end") or not roles else None
        if stamps and role != "end" and line.start is None:
            line.start, line.end = stamps[0], stamps[1] or line.end
        elif stamps and line.end is None and not stamps[1] and (role == "end" or not texts):
            line.end = stamps[0]
        elif role == "speaker" and line.speaker is None and cell:
            line.speaker = bare_text(cell)
        elif cell:
            texts.append(cell)
    line.text = " ".join(texts)
    if not line.speaker and line.start:
        line.label = find_label(line.text)
        if not line.label and len(texts) > 1 and not roles and (label := find_label(f"{texts[0]}:")):
            line.label = replace(label, rest=" ".join(texts[1:]))
    return line
