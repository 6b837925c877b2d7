"""Logs for the operator: ids and references, no media content, never a key."""

from __future__ import annotations

import logging
import re
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_KEY = re.compile(r"sk-[A-Za-z0-9_-]{8,}|(?i:bearer )\S+")


class _WithoutKeys(logging.Formatter):
    """A last net: whatever looks like a key does not reach a log, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return _KEY.sub("[key]", super().format(record))


def start_logging(data_dir: Path, name: str, *, is_shown: bool = True) -> Path:
    """Log to ``logs/<name>.log`` in the data folder, five files of 2 MB; gives the file.

    ``is_shown``: warnings go to stderr as well.
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
        handler.setFormatter(_WithoutKeys(FORMAT))
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    for chatty in ("httpx", "httpx2", "httpcore", "openai", "alembic", "faster_whisper", "huggingface_hub"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return path
