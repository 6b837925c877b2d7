"""Logs for the operator: ids and references, no media content, never a key."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import wraps
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_KEY = re.compile(r"sk-[A-Za-z0-9_-]{8,}|(?i:bearer )\S+")


P = ParamSpec("P")
R = TypeVar("R")

_run_id: ContextVar[str | None] = ContextVar("run_id", default=None)


def about_run(work: Callable[Concatenate[str, P], R]) -> Callable[Concatenate[str, P], R]:
    """What is logged while ``work`` goes on names the run, or copy, that is its first argument."""

    @wraps(work)
    def named(run_id: str, *args: P.args, **kwargs: P.kwargs) -> R:
        token = _run_id.set(run_id)
        try:
            return work(run_id, *args, **kwargs)
        finally:
            _run_id.reset(token)

    return named


class _WithoutKeys(logging.Formatter):
    """A last net: whatever looks like a key does not reach a log, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return _KEY.sub("[key]", super().format(record))


class _AsJson(_WithoutKeys):
    """One JSON object a line: time, level, logger, message, and, where there are, run_id and error."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if run_id := getattr(record, "run_id", None) or _run_id.get():
            line["run_id"] = run_id
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # Each value by itself: what looks like a key may end with the value, and must not take the quote along.
        return json.dumps({name: _KEY.sub("[key]", text) for name, text in line.items()}, ensure_ascii=False)


def start_logging(data_dir: Path, name: str, *, is_shown: bool = True, is_json: bool = False) -> Path:
    """Log to ``logs/<name>.log`` in the data folder, five files of 2 MB; gives the file.

    ``is_shown``: warnings go to stderr as well. ``is_json``: each line is a JSON object, for machines that read logs.
    """
    path = data_dir / "logs" / f"{name}.log"
    root = logging.getLogger()
    if any(getattr(handler, "baseFilename", None) == str(path) for handler in root.handlers):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = RotatingFileHandler(path, maxBytes=2_000_000, backupCount=5, encoding="utf-8", delay=True)
    shown = logging.StreamHandler(sys.stderr)
    shown.setLevel(logging.WARNING)
    for handler in (kept, shown) if is_shown else (kept,):
        handler.setFormatter(_AsJson() if is_json else _WithoutKeys(FORMAT))
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    for chatty in ("httpx", "httpx2", "httpcore", "openai", "alembic", "faster_whisper", "huggingface_hub"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return path
