"""The catalogue: which models live, what they take and cost, and what to offer in place of one that is gone."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from lib.domain.model import Model, Price, PriceStep, is_local_id
from lib.errors import CuewiseError, UnknownModel

logger = logging.getLogger(__name__)

PREFERRED: tuple[str, ...] = (
    "google/gemini-3.8-flash",
    "google/gemini-3.5-flash-lite",
    "qwen/qwen3.8-omni-flash",
    "xiaomi/mimo-v2.5",
    "meta/muse-spark-1.3",
    "z-ai/glm-5.3-flash",
    "qwen/qwen3.8-flash",
    "moonshotai/kimi-k3",
    "google/gemma-4-31b-it:free",
)
"""An order of preference and nothing more: ids and prices change monthly, so which live is read, never assumed."""

_WANTED = {
    "google/gemini-2.0-flash-exp:free": "free tier",
    "google/gemini-pro-1.5": "higher quality",
    "google/gemini-flash-1.5": "faster",
}
"""Ids of older guides that are gone, and what people chose them for."""

_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The living models that take video or sound, preferred ones first. ``fetched`` is when they were (UTC), None when
    they never were; ``problem`` says in a sentence why they may be out of date. ``readers`` are models that only read.
    """

    models: tuple[Model, ...]
    fetched: datetime | None = None
    problem: str | None = None
    readers: tuple[Model, ...] = ()

    @property
    def every(self) -> tuple[Model, ...]:
        """All that can be asked about a text: every model reads."""
        return (*self.models, *self.readers)

    def find(self, model_id: str) -> Model | None:
        return next((model for model in self.models if model.id == model_id), None)


def read_models(payload: object, *, today: date | None = None) -> tuple[Model, ...]:
    """The models of ``GET /models`` that take video or sound and answer in text, preferred ones first.

    Any field may be null, missing or of a wrong type: what cannot be read is None on the model, and a row without
    an id is left out; nothing is raised. Batch variants and models that expired before ``today`` (UTC) are left out.
    """
    return tuple(model for model in _living(payload, today) if model.sees or model.hears)


def read_readers(payload: object, *, today: date | None = None) -> tuple[Model, ...]:
    """The models of ``GET /models`` that only read, likewise."""
    return tuple(
        model for model in _living(payload, today) if "text" in model.modalities and not (model.sees or model.hears)
    )


def _living(payload: object, today: date | None) -> list[Model]:
    rows = payload.get("data") if isinstance(payload, dict) else None
    rows = rows if isinstance(rows, list) else []
    today = today or datetime.now(UTC).date()
    found: dict[str, Model] = {}
    for row in rows:
        model = _read_row(row) if isinstance(row, dict) else None
        if model is None or model.id in found:
            continue
        if model.expires is None or model.expires >= today:
            found[model.id] = model
    return sorted(found.values(), key=_order)


def nearest(model_id: str, models: Iterable[Model], *, limit: int = 3) -> tuple[str, ...]:
    """The living models nearest to one that is gone or misspelt, best first, of the same vendor.

    A free one is replaced by free ones, a ``pro`` by those of higher quality, a ``flash`` by fast ones; newer
    versions first. A vendor nobody knows may be misspelt too: then ids that look alike, or nothing.
    """
    from rapidfuzz import fuzz, process

    wanted = model_id.strip().lower()
    living = [model for model in models if not model.is_local]
    family = [model for model in living if model.vendor.lower() == wanted.split("/", 1)[0]]
    if not family:
        ids = [model.id for model in living]
        return tuple(match for match, _, _ in process.extract(wanted, ids, limit=limit, score_cutoff=75))
    tier = _tier(wanted)

    def closeness(model: Model) -> tuple[Any, ...]:
        likeness = fuzz.ratio(wanted, model.id.lower())
        return (
            wanted not in _WANTED and likeness >= 95,  # a slip of the finger
            (tier == "free") == model.is_free,
            _stem(wanted) == _stem(model.id),
            _tier_match(tier, _tier(model.id, ignore_free=tier != "free")),
            model.expires is None,
            _version(model.id),
            likeness,
        )

    return tuple(model.id for model in sorted(family, key=closeness, reverse=True)[:limit])


def unknown_model(model_id: str, models: Iterable[Model]) -> UnknownModel:
    """The error for an id that is not among the living, with the nearest ones in its hint and ``nearest``."""
    offered = nearest(model_id, models)
    gone = model_id.strip().lower() in _WANTED
    message = f"{model_id} is no longer offered." if gone else f"{model_id} is not in the catalogue of living models."
    if not offered:
        return UnknownModel(message)
    reason = _WANTED.get(model_id.strip().lower())
    others = f" (or {', '.join(offered[1:])})" if offered[1:] else ""
    return UnknownModel(message, f"Nearest{f', {reason}' if reason else ''}: {offered[0]}{others}.", offered)


class CatalogueKeeper:
    """Keeps a copy of the catalogue at ``path`` as it came, and fetches it anew when it is older than ``max_age``
    seconds. Safe among threads and processes: the copy is replaced whole."""

    def __init__(self, path: Path, fetch: Callable[[], dict[str, Any]], max_age: float = 3600) -> None:
        self._path = path
        self._fetch = fetch
        self._max_age = max_age
        self._lock = threading.Lock()
        self._kept: Catalogue | None = None
        self._failed_at: float | None = None
        self._problem: str | None = None

    def get(self, refresh: bool = False) -> Catalogue:
        """The catalogue, from the copy while it is fresh. ``refresh`` fetches it now.

        Never raises: when it cannot be fetched, the old copy comes with a ``problem``, and without a copy an empty
        catalogue does. After a failure the next fetch is a minute later, unless ``refresh`` asks for it.
        """
        with self._lock:
            if not refresh and self._is_fresh(self._kept):
                return self._kept
            copy = self._load()
            if not refresh and self._is_fresh(copy):
                self._kept, self._problem = copy, None
                return copy
            waits = self._failed_at is not None and time.monotonic() - self._failed_at < _RETRY_SECONDS
            if refresh or not waits:
                fetched = self._fetch_anew()
                if fetched is not None:
                    self._kept = fetched
                    return fetched
            return self._stale(copy or self._kept)

    def _fetch_anew(self) -> Catalogue | None:
        try:
            payload = self._fetch()
            models = read_models(payload)
            if not models:
                raise CuewiseError("The server's list names no model that takes video or sound.")
        except Exception as exc:
            # A missing catalogue must never keep anyone from the local models, whatever went wrong.
            logger.warning("the catalogue could not be fetched: %s", type(exc).__name__)
            self._failed_at = time.monotonic()
            self._problem = str(exc) if isinstance(exc, CuewiseError) else "The list of models could not be fetched."
            return None
        self._failed_at, self._problem = None, None
        now = datetime.now(UTC)
        self._save(payload, now)
        return Catalogue(models, now, readers=read_readers(payload))

    def _stale(self, copy: Catalogue | None) -> Catalogue:
        problem = self._problem or "The list of models could not be fetched."
        if copy is None or copy.fetched is None:
            return Catalogue((), None, f"{problem} No earlier list is kept, so only local models can be offered.")
        return replace(copy, problem=f"{problem} This is the list of {copy.fetched:%Y-%m-%d %H:%M} UTC.")

    def _is_fresh(self, catalogue: Catalogue | None) -> bool:
        if catalogue is None or catalogue.fetched is None:
            return False
        return 0 <= (datetime.now(UTC) - catalogue.fetched).total_seconds() < self._max_age

    def _load(self) -> Catalogue | None:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            fetched = datetime.fromisoformat(kept["fetched"]).astimezone(UTC)
            return Catalogue(read_models(kept["payload"]), fetched, readers=read_readers(kept["payload"]))
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None  # no copy, or one that something else has written: as good as none

    def _save(self, payload: dict[str, Any], fetched: datetime) -> None:
        temporary = ""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=self._path.parent, prefix=self._path.name, suffix=".tmp", delete=False
            ) as file:
                temporary = file.name
                json.dump({"fetched": fetched.isoformat(), "payload": payload}, file)
            os.replace(temporary, self._path)
        except (OSError, ValueError, TypeError):
            logger.warning("the copy of the catalogue could not be written")
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _read_row(row: dict[str, Any]) -> Model | None:
    model_id = row.get("id")
    if not isinstance(model_id, str) or not model_id.strip() or model_id.endswith(":batch"):
        return None
    if is_local_id(model_id):  # ours: a server cannot pass for this machine
        return None
    architecture = _dict(row.get("architecture"))
    outputs = _words(architecture.get("output_modalities"))
    if outputs and "text" not in outputs:
        return None
    modalities = _words(architecture.get("input_modalities"))
    if "architecture" not in row and row.get("object") == "model":
        # Other servers list bare ids: what those models take is not known, so nothing is ruled out.
        modalities = frozenset({"text", "video", "audio"})
    reasoning = _dict(row.get("reasoning"))
    return Model(
        id=model_id,
        name=row["name"].strip() if isinstance(row.get("name"), str) and row["name"].strip() else model_id,
        modalities=modalities,
        context_tokens=_positive(row.get("context_length")),
        max_output_tokens=_positive(_dict(row.get("top_provider")).get("max_completion_tokens")),
        price=_price(_dict(row.get("pricing"))),
        expires=_date(row.get("expiration_date")),
        created=_date(row.get("created")),
        description=row["description"] if isinstance(row.get("description"), str) else "",
        parameters=_words(row.get("supported_parameters")),
        reasoning_mandatory=reasoning.get("mandatory") is True,
        reasoning_efforts=tuple(e for e in _list(reasoning.get("supported_efforts")) if isinstance(e, str)),
    )


def _price(pricing: dict[str, Any]) -> Price | None:
    """None when a price is missing or negative, which means unknown: a price that is not known is never zero."""
    prompt, completion = _amount(pricing.get("prompt")), _amount(pricing.get("completion"))
    if prompt is None or completion is None:
        return None
    request = _amount(pricing.get("request")) if pricing.get("request") is not None else Decimal(0)
    if request is None:
        return None
    steps = []
    for override in _list(pricing.get("overrides")):
        step = _step(_dict(override), prompt, completion)
        if step is not None:
            steps.append(step)
    return Price(prompt, completion, request, tuple(sorted(steps, key=lambda step: step.min_prompt_tokens)))


def _step(override: dict[str, Any], prompt: Decimal, completion: Decimal) -> PriceStep | None:
    tokens = _positive(override.get("min_prompt_tokens"))
    dearer, longer = _amount(override.get("prompt", prompt)), _amount(override.get("completion", completion))
    if tokens is None or dearer is None or longer is None:
        return None
    return PriceStep(tokens, dearer, longer)


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        amount = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    return amount if amount.is_finite() and 0 <= amount < 1_000_000 else None


def _positive(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return int(number) if math.isfinite(number) and 1 <= number < 1e15 else None


def _date(value: object) -> date | None:
    """A day from ``2026-12-01``, a whole ISO time, or seconds since 1970."""
    try:
        if isinstance(value, str):
            text = value.strip()
            return date.fromisoformat(text[:10]) if re.match(r"\d{4}-\d\d-\d\d", text) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return datetime.fromtimestamp(value, UTC).date()
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _order(model: Model) -> tuple[int, str, str]:
    rank = PREFERRED.index(model.id) if model.id in PREFERRED else len(PREFERRED)
    return rank, model.name.lower(), model.id


def _tier(model_id: str, *, ignore_free: bool = False) -> str:
    """``free``, ``pro``, ``flash``, ``lite`` or ``""``: what kind of model its id says it is."""
    slug = model_id.lower().split("/", 1)[-1]
    if not ignore_free and slug.endswith(":free"):
        return "free"
    tokens = set(re.split(r"[^a-z0-9]+", slug))
    for tier, names in (
        ("lite", {"lite", "mini", "nano", "tiny", "small"}),
        ("pro", {"pro", "max", "ultra", "opus", "large"}),
        ("flash", {"flash", "fast", "turbo", "haiku"}),
    ):
        if tokens & names:
            return tier
    return ""


def _tier_match(wanted: str, found: str) -> int:
    if wanted == found:
        return 3
    order = {"pro": ("", "flash", "lite"), "flash": ("lite", "", "pro"), "lite": ("flash", "", "pro")}.get(
        wanted, ("", "pro", "flash", "lite")
    )
    return 2 - order.index(found) if found in order[:3] else 0


def _stem(model_id: str) -> str:
    """The family's name: the letters the slug begins with (``gemini``, ``qwen``)."""
    match = re.match(r"[a-z]+", model_id.lower().split("/", 1)[-1])
    return match.group() if match else ""


def _version(model_id: str) -> tuple[int, ...]:
    match = re.search(r"\d+(?:\.\d+)*", model_id.split("/", 1)[-1])
    return tuple(int(number[:6]) for number in match.group().split(".")) if match else ()


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: object) -> frozenset[str]:
    return frozenset(word.strip().lower() for word in _list(value) if isinstance(word, str) and word.strip())
