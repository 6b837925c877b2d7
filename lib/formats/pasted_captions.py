"""SRT and WebVTT that a model pasted whole into its answer, stripped to their times and text."""

from __future__ import annotations

import re

from lib.formats.answer_lines import FENCE
from lib.formats.stamps import leading_mark

_TAG = re.compile(
    r"</?(?:i|b|u|s|em|strong|font|c|v|lang|ruby|rt|br)(?:[.\s][^<>]{0,200})?/?>|<\d{1,3}:\d\d[\d:.]{0,12}>|\{\\[^{}]{0,40}\}",
    re.IGNORECASE,
)
_SETTING = re.compile(r"\b(?:align|position|line|size|vertical|region):\S+\s?")
_VTT_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)\b")
_VTT_HEADER = re.compile(r"(?:Kind|Language):")
_INDEX = re.compile(r"\d{1,6}")


def without_caption_structure(rows: list[str]) -> list[str]:
    """SRT and WebVTT without numbers, header, notes, settings and tags; any other text as it is."""
    has_arrow = [("-->" in row or "→" in row) and _is_timing(row) for row in rows]
    if not any(has_arrow):
        return rows
    first = next((place for place, row in enumerate(rows) if row and not FENCE.fullmatch(row)), 0)
    is_vtt = rows[first].startswith("WEBVTT")
    kept: list[str] = []
    number, skipping = 0, False
    for place, row in enumerate(rows):
        timing_next = place + 1 < len(rows) and has_arrow[place + 1]
        after_blank = place == 0 or not rows[place - 1] or bool(FENCE.fullmatch(rows[place - 1]))
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
