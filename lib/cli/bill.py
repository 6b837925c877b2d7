"""The bill of many: what each model would be sent of each video, and what it would cost."""

from __future__ import annotations

from lib.cli.words import aligned, problem_words, short
from lib.domain.batch import BatchPlan, Line
from lib.domain.plan import MEGABYTE
from lib.formats.counts import counted
from lib.formats.timecode import format_length


def bill_words(plan: BatchPlan) -> list[str]:
    """The bill: a row for each video and model, and the total."""
    rows = [["VIDEO", "MODEL", "ROUTE", "MB", "PARTS", "TOKENS", "DOLLARS", "TIME"]]
    rows += [_line_row(line) for line in plan.lines if line.can_run]
    refused = [
        f"{short(line.name)}{f' ({line.model_id})' if line.model_id else ''}: cannot run. {problem_words(line.failure)}"
        for line in plan.lines
        if line.failure is not None
    ]
    return [*(aligned(rows) if len(rows) > 1 else []), *refused, _total_words(plan)]


def _total_words(plan: BatchPlan) -> str:
    """``Total for 12 videos: $1.2345 (estimate), and 2 runs without a known price.``"""
    videos = counted(plan.num_runnable_videos, "video")
    if not plan.needs_key:
        return f"Total for {videos}: free."
    unknown = f", and {counted(plan.unpriced, 'run')} whose price is unknown"
    return f"Total for {videos}: ${plan.total_usd:.4f} (estimate){unknown if plan.unpriced else ''}."


def _line_row(line: Line) -> list[str]:
    plan = line.plan
    tokens = "" if plan.prompt_tokens is None else f"{plan.prompt_tokens:,} + {plan.completion_tokens or 0:,}"
    return [
        short(line.name),
        line.model_id,
        plan.route.value,
        f"{plan.size_bytes / MEGABYTE:.1f}" if plan.size_bytes else "",
        str(len(plan.parts) or ""),
        tokens,
        _dollars(line),
        "" if plan.seconds is None else format_length(max(1, round(plan.seconds))),
    ]


def _dollars(line: Line) -> str:
    if line.answered_by:
        return "answered before: free"
    if line.model is not None and line.model.is_local:
        return "free"
    return "unknown" if line.estimate_usd is None else f"${line.estimate_usd:.4f}"


def bill_record(plan: BatchPlan) -> dict[str, object]:
    items = [_line_record(line) for line in plan.lines]
    return {"items": items, "estimate_usd": float(plan.total_usd), "unpriced": plan.unpriced}


def _line_record(line: Line) -> dict[str, object]:
    plan = line.plan
    return {
        "name": line.name,
        "model": line.model_id or None,
        "route": plan.route.value if plan else None,
        "size_bytes": plan.size_bytes if plan else None,
        "parts": len(plan.parts) if plan else None,
        "prompt_tokens": plan.prompt_tokens if plan else None,
        "completion_tokens": plan.completion_tokens if plan else None,
        "estimate_usd": None if line.estimate_usd is None or not line.can_run else float(line.estimate_usd),
        "seconds": plan.seconds if plan else None,
        "answered_by": line.answered_by,
        "warnings": list(plan.warnings) if plan else [],
        "refusal": None if line.failure is None else problem_words(line.failure),
    }
