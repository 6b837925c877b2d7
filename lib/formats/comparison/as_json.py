"""JSON: a comparison for programs."""

from __future__ import annotations

from lib.domain.comparison import ComparisonTable, ModelFigures
from lib.domain.run import Run
from lib.formats.record import json_text, plain_record


def render_comparison_json(table: ComparisonTable) -> str:
    """``comparison_record`` as indented JSON, in UTF-8."""
    return json_text(comparison_record(table))


def comparison_record(table: ComparisonTable) -> dict[str, object]:
    """The whole table in JSON's own types: ``models[{model, state, cost_usd, seconds, seconds_to_first_text, words,
    coverage, agreement, wer, ...}]`` and ``rows[{start, end, is_different, cells[{model, text, spans}]}]``.

    Times in seconds, money in US dollars, shares from 0 to 1; what is not known is null.
    """
    comparison, reference = table.comparison, table.comparison.reference
    named = zip(table.runs, table.names, table.figures, strict=True)
    record: dict[str, object] = {
        "comparison_id": comparison.id,
        "title": comparison.title,
        "task": table.task,
        "clip": None if table.clip is None else {"start": table.clip.start, "end": table.clip.end},
        "normalisation": table.normalisation,
        "reference": None if reference is None else {"name": reference.name, "is_automatic": reference.is_automatic},
        "models": [_model(run, name, figures) for run, name, figures in named],
        "verdict": list(table.verdict),
        "rows": _rows(table),
    }
    if table.grid is None:
        record["texts"] = [{"model": name, "text": text} for name, text in zip(table.names, table.texts, strict=False)]
    return plain_record(record)


def _model(run: Run, name: str, figures: ModelFigures) -> dict[str, object]:
    return {
        "model": name,
        "run_id": run.id,
        "state": run.state,
        "provider": run.provider,
        "cost_usd": figures.cost_usd,
        "usd_per_hour": figures.usd_per_hour,
        "seconds": figures.seconds,
        "seconds_to_first_text": figures.seconds_to_first_text,
        "prompt_tokens": figures.prompt_tokens,
        "completion_tokens": figures.completion_tokens,
        "words": figures.words,
        "coverage": figures.coverage,
        "timed_by_audio": figures.timed_by_audio,
        "agreement": figures.agreement,
        "wer": figures.wer,
        "substitutions": figures.substitutions,
        "deletions": figures.deletions,
        "insertions": figures.insertions,
        "reference_words": figures.reference_words,
        "from_cache": run.from_cache,
        "error": None if run.failure is None else {"code": run.failure.code, "message": run.failure.message},
    }


def _rows(table: ComparisonTable) -> list[dict[str, object]]:
    if table.grid is None:
        return []
    return [
        {
            "start": round(row.start, 3),
            "end": round(row.end, 3),
            "is_different": row.is_different,
            "cells": [
                {
                    "model": name,
                    "text": cell.text,
                    "spans": [{"text": span.text, "mark": span.mark} for span in cell.spans],
                }
                for name, cell in zip(table.names, row.cells, strict=True)
            ],
        }
        for row in table.grid.rows
    ]
