"""Plan: what will be sent to one model, by which route, and what it will cost. Pure: nothing is read or sent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from lib.domain.media import Clip, MediaAsset, Source
from lib.domain.model import Model
from lib.domain.plan import MEGABYTE, Part, Plan, Route, SizeVerdict, size_verdict
from lib.domain.renditions import estimate_audio_bytes, estimate_video_bytes
from lib.domain.run import RunRequest
from lib.domain.youtube import canonical
from lib.store.generations import Measured

SENT_AS_THEY_ARE = frozenset({"video/mp4", "video/webm", "video/quicktime", "video/mpeg"})
"""Containers that OpenRouter documents: mp4, webm, mov, mpeg. Everything else is converted."""

VIDEO_TOKENS = (("google/gemini-2.5", 295.0), ("google/gemini", 91.0), ("google/gemma", 91.0))
"""Prompt tokens a second of video with sound, by family. Measured live by a third party, November 2026."""
AUDIO_TOKENS = (("google/gemini", 32.0),)
"""The same for sound alone: 25 to 32; the dearer is taken."""
TRANSCRIPT_TOKENS = 30_000 / 3600
"""Completion tokens a second of clip: 20,000 to 30,000 for an hour of transcript; the dearer is taken."""
OTHER_TASK_TOKENS = 1500
LOCAL_SECONDS = {"local/whisper-base": 1 / 6.5, "local/whisper-tiny.en": 1 / 12}
"""Waiting a second of clip, on two cores, until this machine's own speed is known."""

UNKNOWN_LENGTH = 12 * 3600.0
"""Stands for the length of a link that nobody could tell: times past it are not believed."""


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What the plan needs to know of the media, measured for an asset and announced for a link (None: unknown)."""

    duration: float | None
    size_bytes: int | None
    media_type: str | None = None
    has_picture: bool = True
    has_sound: bool = True
    youtube_url: str | None = None
    is_here: bool = True


def facts_of_asset(asset: MediaAsset, source: Source) -> MediaFacts:
    return MediaFacts(
        duration=asset.duration,
        size_bytes=asset.size_bytes,
        media_type=asset.media_type,
        has_picture=asset.has_picture,
        has_sound=asset.has_sound,
        youtube_url=canonical(source.url or ""),
    )


def facts_of_link(source: Source) -> MediaFacts:
    return MediaFacts(
        duration=source.duration,
        size_bytes=source.size_bytes,
        youtube_url=canonical(source.url or ""),
        is_here=False,
    )


def make_plan(request: RunRequest, model: Model, facts: MediaFacts, measured: Measured = Measured()) -> Plan:  # noqa: B008 (frozen)
    """The plan for one model. Never raises: a plan that cannot be run carries its refusal."""
    draft = _Draft(request, model, facts, measured)
    refusal = draft.refusal()
    if refusal:
        return draft.plan(Route.LOCAL if model.is_local else Route.AS_IS, "", None, refusal=refusal)
    if model.is_local:
        return draft.plan(Route.LOCAL, "Listens on this machine: nothing leaves it.", 0)
    if facts.youtube_url and model.takes_youtube_links and draft.is_whole:
        return draft.plan(Route.LINK, "The YouTube link goes straight to the model: nothing is downloaded.", 0)
    if model.sees and facts.has_picture:
        return _plan_video(draft)
    return _plan_audio(draft)


def needs_download(plan: Plan) -> bool:
    """Whether the media itself must be here, or the link is enough."""
    return plan.route is not Route.LINK


def _plan_video(draft: _Draft) -> Plan:
    facts, limit = draft.facts, draft.request.media_limit_bytes
    fits = facts.size_bytes is not None and facts.size_bytes <= limit
    is_taken = facts.media_type in SENT_AS_THEY_ARE or not facts.is_here
    if draft.is_whole and fits and is_taken:
        return draft.plan(Route.AS_IS, f"Sent as it is: {_size(facts.size_bytes)} fits.", facts.size_bytes)
    if facts.duration is None:
        return draft.plan(Route.VIDEO, "Decided once it is downloaded and measured.", None)
    size = estimate_video_bytes(draft.seconds, facts.has_sound, limit)
    if size is None:
        return draft.plan(
            Route.VIDEO, "", None, refusal=f"The clip is too long to fit into {_size(limit)}: choose a shorter one."
        )
    return draft.plan(Route.VIDEO, f"Re-encoded at 1 frame a second: {_why(draft, fits, is_taken)}.", size)


def _plan_audio(draft: _Draft) -> Plan:
    limit = draft.request.media_limit_bytes
    why = "the model hears but does not see" if draft.facts.has_picture else "there is no picture"
    if draft.facts.duration is None:
        return draft.plan(Route.AUDIO, "Sound alone; decided once it is downloaded and measured.", None)
    size = estimate_audio_bytes(draft.seconds, limit)
    if size is None:
        return draft.plan(
            Route.AUDIO, "", None, refusal=f"The clip is too long to fit into {_size(limit)}: choose a shorter one."
        )
    return draft.plan(Route.AUDIO, f"Sound alone, as mp3: {why}.", size)


def _why(draft: _Draft, fits: bool, is_taken: bool) -> str:
    if not draft.is_whole:
        return "only the chosen clip is sent"
    if not fits:
        size = "its size is not known" if draft.facts.size_bytes is None else _size(draft.facts.size_bytes)
        return f"{size} is more than the {_size(draft.request.media_limit_bytes)} that one request may carry"
    return "models do not take this kind of file" if not is_taken else "it is made smaller"


@dataclass(frozen=True, slots=True)
class _Draft:
    request: RunRequest
    model: Model
    facts: MediaFacts
    measured: Measured

    @property
    def clip(self) -> Clip | None:
        end = self.request.end if self.request.end is not None else self.facts.duration
        if end is None:
            return None
        if self.facts.duration is not None:
            end = min(end, self.facts.duration)
        return Clip(self.request.start, end) if self.request.start < end else None

    @property
    def seconds(self) -> float:
        return self.clip.duration if self.clip else 0.0

    @property
    def is_whole(self) -> bool:
        duration = self.facts.duration
        at_end = self.request.end is None or (duration is not None and self.request.end >= duration)
        return self.request.start <= 0 and at_end

    def refusal(self) -> str | None:
        request, model, facts = self.request, self.model, self.facts
        if facts.duration is not None and request.start >= facts.duration:
            return f"The clip begins after the end of the video, which lasts {facts.duration:.0f} s."
        if request.end is not None and request.end <= request.start:
            return "The clip ends before it begins."
        if model.is_local and request.task != "transcript":
            return "Local models only write transcripts: choose a remote model for this task."
        if (model.is_local or not model.sees) and not facts.has_sound:
            return "The file has no sound, and this model only listens."
        if not model.is_local and not model.hears and not facts.has_picture:
            return "The file has no picture, and this model only sees."
        tokens = self.prompt_tokens(Route.VIDEO if model.sees and facts.has_picture else Route.AUDIO)
        if tokens is not None and model.context_tokens is not None and tokens > model.context_tokens:
            return f"About {tokens:,} tokens are more than the model's context of {model.context_tokens:,}."
        return None

    def plan(self, route: Route, reason: str, size: int | None, *, refusal: str | None = None) -> Plan:
        prompt, completion = self.prompt_tokens(route), self.completion_tokens(route)
        # A link that goes straight to the model is one request even while its length is unknown.
        clip = self.clip or (Clip(0, UNKNOWN_LENGTH) if route is Route.LINK else None)
        parts = (Part(0, clip.start, clip.end, size or 0),) if clip and refusal is None else ()
        is_sent = route not in (Route.LOCAL, Route.LINK) and self.facts.size_bytes is not None
        return Plan(
            model_id=self.model.id,
            route=route,
            reason=reason,
            clip=self.clip,
            parts=parts,
            source_bytes=self.facts.size_bytes,
            verdict=size_verdict(self.facts.size_bytes) if is_sent else None,
            prompt_tokens=prompt,
            completion_tokens=completion,
            estimate_usd=self.estimate(prompt, completion),
            seconds=self.waiting(),
            warnings=tuple(self.warnings(route, completion)) if refusal is None else (),
            refusal=refusal,
        )

    def prompt_tokens(self, route: Route) -> int | None:
        if self.model.is_local or self.clip is None:
            return None
        rate = self.measured.prompt_tokens_per_second
        if rate is None:
            table = AUDIO_TOKENS if route is Route.AUDIO else VIDEO_TOKENS
            rate = next((figure for prefix, figure in table if self.model.id.startswith(prefix)), None)
        return None if rate is None else round(rate * self.seconds) + 400

    def completion_tokens(self, route: Route) -> int | None:
        if self.model.is_local or self.clip is None:
            return None
        is_transcript = self.request.task == "transcript"
        return round(self.seconds * TRANSCRIPT_TOKENS) + 50 if is_transcript else OTHER_TASK_TOKENS

    def estimate(self, prompt: int | None, completion: int | None) -> Decimal | None:
        if self.model.is_local or self.model.is_free:
            return Decimal(0)
        if self.model.price is None or prompt is None or completion is None:
            return None
        return self.model.price.cost(prompt, completion)

    def waiting(self) -> float | None:
        rate = self.measured.wall_seconds_per_second or LOCAL_SECONDS.get(self.model.id)
        return None if rate is None or self.clip is None else round(rate * self.seconds, 1)

    def warnings(self, route: Route, completion: int | None) -> list[str]:
        found = []
        if self.request.task == "transcript" and not self.model.hears:
            found.append("This model sees pictures only: it cannot hear what is said.")
        if self.model.expires is not None:
            found.append(f"This model retires on {self.model.expires.isoformat()}.")
        limit = self.model.max_output_tokens
        if completion is not None and limit is not None and completion > limit:
            found.append(f"The answer may be cut off: the model writes at most {limit:,} tokens.")
        if route is Route.AS_IS and self.facts.size_bytes and size_verdict(self.facts.size_bytes) is SizeVerdict.LARGE:
            found.append("A request of this size may be refused.")
        if route is Route.AS_IS and size_verdict(self.facts.size_bytes or 0) is SizeVerdict.TOO_LARGE:
            found.append("Requests of this size are refused by most servers.")
        return found


def _size(size_bytes: int) -> str:
    return f"{size_bytes / MEGABYTE:.1f} MB"
