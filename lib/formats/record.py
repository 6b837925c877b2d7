"""JSON: the whole record of a run, for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from lib.domain.transcript import Transcript
from lib.formats.export import ExportFacts, ExportOptions
from lib.formats.text import encodable


def render_json(transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> str:
    """The record of ``record_of`` as one indented JSON object, in UTF-8. The user's toggles leave nothing out."""
    return json_text(record_of(transcript, facts))


def record_of(transcript: Transcript, facts: ExportFacts) -> dict[str, object]:
    """``facts.record`` with ``cues`` and ``text``, in JSON's own types; times in seconds to the millisecond."""
    cues = [
        {
            "start": round(cue.start, 3),
            "end": round(cue.end, 3),
            "text": cue.text,
            "speaker": cue.speaker,
            "timed_by": cue.timed_by,
        }
        for cue in transcript.cues
    ]
    return plain_record({**facts.record, "cues": cues, "text": transcript.text})


def json_text(record: object) -> str:
    """A record of JSON's own types, indented, as a file in UTF-8 holds it."""
    return json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def plain_record(value: object):
    """The same in JSON's own types: what JSON cannot say becomes text, a number or null."""
    if isinstance(value, str):
        return encodable(str(value))
    if isinstance(value, Mapping):
        return {encodable(str(key)): plain_record(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_record(item) for item in value]
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):  # datetime is one
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int) else str(value)
