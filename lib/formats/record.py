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
    return json.dumps(record_of(transcript, facts), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


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
    return _plain({**facts.record, "cues": cues, "text": transcript.text})


def _plain(value: object):
    if isinstance(value, str):
        return encodable(str(value))
    if isinstance(value, Mapping):
        return {encodable(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):  # datetime is one
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int) else str(value)
