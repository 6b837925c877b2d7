"""Plan: what will be sent to one model, by which route, in which parts, and what it will cost. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lib.domain.cuts import Piece, Portion, cut_points, portions
from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip, MediaAsset, Source
from lib.domain.model import Model
from lib.domain.plan import (
    MEGABYTE,
    Part,
    Plan,
    Quality,
    Route,
    RouteChoice,
    SizeVerdict,
    size_verdict,
)
from lib.domain.renditions import estimate_audio_bytes, estimate_video_bytes
from lib.domain.run import RunRequest
from lib.domain.youtube import canonical
from lib.formats.timecode import format_length
from lib.pipeline.estimate import (
    PROMPT_TOKENS,
    TRANSCRIPT_TOKENS,
    completion_tokens,
    dollars,
    is_guess,
    prompt_token_rate,
    waiting_seconds,
)
from lib.store.generations import Measured

SENT_AS_THEY_ARE = frozenset({"video/mp4", "video/webm", "video/quicktime", "video/mpeg"})
"""Containers that OpenRouter documents: mp4, webm, mov, mpeg. Everything else is converted."""
CUT_AS_THEY_ARE = frozenset({"video/mp4", "video/webm", "video/quicktime"})
"""Those that can be cut without re-encoding."""

LONGEST_PART = 1.4
"""A part may be so much longer than the length that is aimed at, to end in a silence."""
SHORTEST_PART_SECONDS = 20.0
"""Parts below this are no help: what cannot be sent in these is refused."""
CUT_SPACING = 12.0
"""Key frames further apart than this make a cut begin too far before its part."""
KEY_FRAME_SPACING = {Quality.SPEECH: 5.0, Quality.VISUAL: 0.0}
"""Key frames up to so many seconds apart stand for a picture a second: never where the screen is to be read."""
AT_ONCE = 8
UNKNOWN_LENGTH = 12 * 3600.0
"""Stands for the length of a link that nobody could tell: times past it are not believed."""

CHOICES = {
    RouteChoice.LINK: (Route.LINK,),
    RouteChoice.AS_IS: (Route.AS_IS,),
    RouteChoice.AUDIO: (Route.AUDIO,),
    RouteChoice.VIDEO: (Route.CUT, Route.KEY_FRAMES, Route.VIDEO),
}
Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What the plan needs to know of the media, measured for an asset and announced for a link (None: unknown)."""

    duration: float | None
    size_bytes: int | None
    media_type: str | None = None
    has_picture: bool = True
    has_sound: bool = True
    num_tracks: int | None = None
    key_frame_spacing: float | None = None
    youtube_url: str | None = None
    is_here: bool = True


def facts_of_asset(asset: MediaAsset, source: Source) -> MediaFacts:
    return MediaFacts(
        duration=asset.duration,
        size_bytes=asset.size_bytes,
        media_type=asset.media_type,
        has_picture=asset.has_picture,
        has_sound=asset.has_sound,
        num_tracks=len(asset.audio),
        key_frame_spacing=asset.video.key_frame_spacing if asset.video else None,
        youtube_url=canonical(source.url or ""),
    )


def facts_of_link(source: Source) -> MediaFacts:
    return MediaFacts(
        duration=source.duration,
        size_bytes=source.size_bytes,
        youtube_url=canonical(source.url or ""),
        is_here=False,
    )


def make_plan(
    request: RunRequest,
    model: Model,
    facts: MediaFacts,
    measured: Measured | None = None,
    speech: Sequence[Stretch] | None = None,
) -> Plan:
    """The plan for one model. Never raises: a plan that cannot be run carries its refusal.

    ``speech`` are the stretches where somebody speaks; None while nobody has listened, then parts are only counted.
    """
    draft = _Draft(request, model, facts, measured or Measured(), speech)
    refusal = draft.refusal()
    if refusal:
        return draft.refused(Route.LOCAL if model.is_local else Route.AS_IS, refusal)
    if model.is_local:
        return draft.plan(Route.LOCAL, "Listens on this machine: nothing leaves it.", draft.undivided(), lambda _: 0)
    possible = _possible_plans(draft)
    wanted = CHOICES.get(request.route)
    for plan in possible:
        if plan.can_run and (wanted is None or plan.route in wanted):
            return plan
    refused = [plan for plan in possible if not plan.can_run and (wanted is None or plan.route in wanted)]
    if refused:
        return refused[-1]
    route = wanted[-1] if wanted else Route.VIDEO
    return draft.refused(route, "This way of sending is not possible here: choose another, or leave it to Cuewise.")


def alternatives(
    request: RunRequest, model: Model, facts: MediaFacts, measured: Measured | None = None
) -> tuple[Plan, ...]:
    """Every plan that could be run, one for each choice of route, the automatic one first."""
    plans = [make_plan(replace(request, route=choice), model, facts, measured) for choice in RouteChoice]
    found: dict[Route, Plan] = {}
    for plan in plans:
        if plan.can_run:
            found.setdefault(plan.route, plan)
    return tuple(found.values())


def alike(
    requests: Sequence[RunRequest], models: Mapping[str, tuple[Model, Measured]], facts: MediaFacts
) -> list[RunRequest]:
    """The requests with parts of one length, the shortest that any of their models needs, so that what is made for one
    serves the others too. Local models have no parts, and what is not among ``models`` stays as it is."""
    known = [(request, *models[request.model_id]) for request in requests if request.model_id in models]
    drafts = [_Draft(request, model, facts, measured, None) for request, model, measured in known if not model.is_local]
    if len(drafts) < 2:
        return list(requests)
    longest = [draft.longest / LONGEST_PART for draft in drafts if draft.longest > SHORTEST_PART_SECONDS]
    seconds = min([*longest, *(draft.request.part_seconds for draft in drafts)])
    remote = {draft.request.model_id for draft in drafts}
    return [replace(each, part_seconds=seconds) if each.model_id in remote else each for each in requests]


def needs_download(plan: Plan) -> bool:
    """Whether the media itself must be here, or the link is enough."""
    return plan.route is not Route.LINK


def _possible_plans(draft: _Draft) -> list[Plan]:
    """The plans that this model and these media allow, in the order in which they are preferred."""
    facts, model = draft.facts, draft.model
    sees = model.sees and facts.has_picture
    plans = []
    if facts.youtube_url and model.takes_youtube_links and draft.is_untouched:
        plans += _link(draft)
    if sees and facts.duration is None:
        plans.append(draft.undecided(Route.VIDEO))
    elif sees:
        plans += [*_as_is(draft), *_cut(draft), *_key_frames(draft), *_video(draft)]
    if model.hears and facts.has_sound:
        plans.append(_audio(draft, "there is no picture" if model.sees else "the model hears but does not see"))
    return plans


def _link(draft: _Draft) -> list[Plan]:
    # A link cannot be cut: an answer that may not fit is better asked for in parts, unless the user wants the link.
    is_asked_for = draft.request.route is RouteChoice.LINK
    if not is_asked_for and draft.clip is not None and draft.clip.duration > draft.longest_answer:
        return []
    reason = "The YouTube link goes straight to the model: nothing is downloaded."
    return [draft.plan(Route.LINK, reason, draft.undivided(), lambda _: 0)]


def _as_is(draft: _Draft) -> list[Plan]:
    facts, size = draft.facts, draft.facts.size_bytes
    is_taken = facts.media_type in SENT_AS_THEY_ARE or not facts.is_here
    if not (draft.is_untouched and is_taken and draft.fits and size is not None):
        return []
    if draft.seconds > draft.longest and draft.request.route is not RouteChoice.AS_IS:
        return []
    return [draft.plan(Route.AS_IS, f"Sent as it is: {_size(size)} fits.", draft.undivided(), lambda _: size)]


def _cut(draft: _Draft) -> list[Plan]:
    facts, limit = draft.facts, draft.request.media_limit_bytes
    spacing = facts.key_frame_spacing
    if draft.request.stretches:  # each would begin a few seconds early, and none could follow the other in time
        return []
    if facts.media_type not in CUT_AS_THEY_ARE or facts.size_bytes is None or spacing is None or spacing > CUT_SPACING:
        return []
    rate = facts.size_bytes / facts.duration
    # A cut begins at the key frame before its part, and bit rates vary: a fifth is left for both.
    longest = min(draft.longest, 0.8 * limit / rate - spacing)
    if longest < min(draft.seconds, draft.request.part_seconds / 2):
        return []
    return [
        draft.plan(
            Route.CUT,
            f"Cut without re-encoding: {_why_cut(draft)}.",
            draft.portions(longest),
            lambda seconds: round(rate * (seconds + spacing / 2)),
        )
    ]


def _key_frames(draft: _Draft) -> list[Plan]:
    spacing = draft.facts.key_frame_spacing
    if spacing is None or spacing > KEY_FRAME_SPACING[draft.request.quality]:
        return []
    return [_encoded(draft, Route.KEY_FRAMES, "Re-encoded from its key frames, one picture a second", _key_frame_bytes)]


def _video(draft: _Draft) -> list[Plan]:
    return [_encoded(draft, Route.VIDEO, "Re-encoded at 1 frame a second", _video_bytes)]


def _audio(draft: _Draft, why: str) -> Plan:
    if draft.facts.duration is None:
        return draft.undecided(Route.AUDIO)
    if draft.request.route is RouteChoice.AUDIO:
        why = "as you chose"
    return _encoded(draft, Route.AUDIO, "Sound alone, as mp3", lambda draft, seconds: _audio_bytes(draft, seconds), why)


def _encoded(
    draft: _Draft,
    route: Route,
    words: str,
    size_of: Callable[[_Draft, float], int | None],
    why: str | None = None,
) -> Plan:
    fitting = _longest_that_fits(draft, size_of)
    if fitting < min(draft.seconds, SHORTEST_PART_SECONDS):
        limit = _size(draft.request.media_limit_bytes)
        return draft.refused(route, f"Not even {SHORTEST_PART_SECONDS:.0f} s of it fit into {limit}: raise the limit.")
    return draft.plan(
        route,
        f"{words}: {why or _why_encoded(draft)}.",
        draft.portions(min(draft.longest, fitting)),
        lambda seconds: size_of(draft, seconds),
    )


def _video_bytes(draft: _Draft, seconds: float) -> int | None:
    return estimate_video_bytes(
        seconds,
        draft.facts.has_sound,
        draft.request.media_limit_bytes,
        is_visual=draft.request.quality is Quality.VISUAL,
    )


def _key_frame_bytes(draft: _Draft, seconds: float) -> int | None:
    facts = draft.facts
    return estimate_video_bytes(
        seconds, facts.has_sound, draft.request.media_limit_bytes, key_frame_spacing=facts.key_frame_spacing
    )


def _audio_bytes(draft: _Draft, seconds: float) -> int | None:
    return estimate_audio_bytes(seconds, draft.request.media_limit_bytes)


def _longest_that_fits(draft: _Draft, size_of: Callable[[_Draft, float], int | None]) -> float:
    """The longest stretch, to a second, whose rendition can be made to fit; the estimates grow with the length."""
    if size_of(draft, draft.seconds) is not None:
        return draft.seconds
    low, high = 0.0, draft.seconds
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (middle, high) if size_of(draft, middle) is not None else (low, middle)
    return low


def _why_cut(draft: _Draft) -> str:
    if not draft.is_untouched:
        return draft.chosen_words
    return "a long video is asked about in parts" if draft.fits else f"{draft.size_words}, so it is sent in parts"


def _why_encoded(draft: _Draft) -> str:
    if not draft.fits:
        return draft.size_words
    if draft.facts.media_type not in SENT_AS_THEY_ARE:
        return "models do not take this kind of file"
    if draft.request.stretches:
        return "only the chosen stretches are sent"
    return draft.chosen_words if not draft.is_untouched else "it is made smaller"


@dataclass(frozen=True, slots=True)
class _Draft:
    request: RunRequest
    model: Model
    facts: MediaFacts
    measured: Measured
    speech: Sequence[Stretch] | None

    @property
    def excerpt(self) -> Excerpt | None:
        """What is asked about; None while its length is not known, and where nothing of it lies in the video."""
        end = self.request.end if self.request.end is not None else self.facts.duration
        if end is None:
            return None
        if self.facts.duration is not None:
            end = min(end, self.facts.duration)
        if self.request.start >= end:
            return None
        clip = Clip(self.request.start, end)
        return Excerpt(self.request.stretches).within(clip) if self.request.stretches else Excerpt((clip,))

    @property
    def clip(self) -> Clip | None:
        return self.excerpt.span if self.excerpt else None

    @property
    def seconds(self) -> float:
        """How long what is sent lasts."""
        return self.excerpt.length if self.excerpt else 0.0

    @property
    def is_whole(self) -> bool:
        duration = self.facts.duration
        at_end = self.request.end is None or (duration is not None and self.request.end >= duration)
        return self.request.start <= 0 and at_end and not self.request.stretches

    @property
    def is_untouched(self) -> bool:
        """Whether all of the media is wanted as it is: who gets the file whole hears its first track."""
        return self.is_whole and self.request.track == 0

    @property
    def chosen_words(self) -> str:
        return "only the chosen clip is sent" if not self.is_whole else "only the chosen track of sound is sent"

    @property
    def fits(self) -> bool:
        return self.facts.size_bytes is not None and self.facts.size_bytes <= self.request.media_limit_bytes

    @property
    def size_words(self) -> str:
        limit = _size(self.request.media_limit_bytes)
        size = "its size is not known, and" if self.facts.size_bytes is None else f"{_size(self.facts.size_bytes)} is"
        return f"{size} more than the {limit} that one request may carry"

    @property
    def longest_answer(self) -> float:
        """Seconds of clip whose answer uses at most half of what the model may write."""
        limit = self.model.max_output_tokens
        if limit is None or self.request.task != "transcript":
            return math.inf
        return limit / 2 / TRANSCRIPT_TOKENS

    @property
    def longest(self) -> float:
        """The longest part that the model's clock, output and context bear."""
        found = [self.longest_answer, self.longest_in_context]
        if self.is_long_for_a_clock:
            found.append(LONGEST_PART * self.request.part_seconds)
        return min(found)

    @property
    def longest_in_context(self) -> float:
        rate = prompt_token_rate(self.model, Route.VIDEO if self.model.sees else Route.AUDIO, self.measured)
        if self.model.is_local or not self.model.context_tokens:
            return math.inf
        # A tenth is left for the answer and for what the figures do not know.
        return (0.9 * self.model.context_tokens - PROMPT_TOKENS) / rate

    @property
    def is_long_for_a_clock(self) -> bool:
        # A summary needs the whole. Models lose the clock after minutes: a list of times needs one that holds.
        return self.request.task in ("transcript", "shown")

    def portions(self, longest: float) -> tuple[Portion, ...]:
        target = longest / LONGEST_PART
        return portions(self.excerpt, lambda each: self._pieces(each, target, longest), target=target, longest=longest)

    def _pieces(self, stretch: Clip, target: float, longest: float) -> tuple[Piece, ...]:
        if self.speech is None:
            count = math.ceil(stretch.duration / target)
            step = stretch.duration / count
            starts = [stretch.start + step * number for number in range(count)]
            return tuple(Piece(start, min(start + step, stretch.end), 0.0) for start in starts)
        return cut_points(stretch.start, stretch.end, self.speech, target=target, longest=longest)

    def undivided(self) -> tuple[Portion, ...]:
        return (Portion(self.excerpt or Excerpt.of(0.0, UNKNOWN_LENGTH)),)

    def refusal(self) -> str | None:
        request, model, facts = self.request, self.model, self.facts
        if facts.duration is not None and request.start >= facts.duration:
            return f"The clip begins after the end of the video, which lasts {facts.duration:.0f} s."
        if request.end is not None and request.end <= request.start:
            return "The clip ends before it begins."
        if facts.num_tracks is not None and request.track >= max(1, facts.num_tracks):
            return f"There is no track {request.track + 1} of sound: the file has {facts.num_tracks or 'none'}."
        if request.task == "translation":
            return "A translation is made from a transcript: run the task Transcript first, then translate it."
        if model.is_local and request.task != "transcript":
            return "Local models only write transcripts: choose a remote model for this task."
        if not (model.is_local or model.sees or model.hears):
            return "This model only reads: ask it about a transcript, or choose a model that sees or hears."
        if (model.is_local or not model.sees) and not facts.has_sound:
            return "The file has no sound, and this model only listens: choose a model that sees pictures."
        if not model.is_local and not model.hears and not facts.has_picture:
            return "The file has no picture, and this model only sees: choose a model that hears."
        if not model.is_local and self.longest_in_context < SHORTEST_PART_SECONDS:
            return f"The model's context of {model.context_tokens:,} tokens holds less than 20 s of it."
        return None

    def refused(self, route: Route, why: str) -> Plan:
        return replace(self.plan(route, "", (), lambda _: 0), refusal=why, warnings=())

    def undecided(self, route: Route) -> Plan:
        """For a link whose length nobody told: what is known before it is here."""
        return self.plan(route, "Decided once it is downloaded and measured.", (), lambda _: 0)

    def plan(
        self, route: Route, reason: str, portions: Sequence[Portion], size_of: Callable[[float], int | None]
    ) -> Plan:
        parts = tuple(_part(index, portion, size_of) for index, portion in enumerate(portions))
        calls = max(1, len(parts))
        prompt, completion = self._tokens(route, calls)
        is_sent = route not in (Route.LOCAL, Route.LINK) and self.facts.size_bytes is not None
        longest = max((part.duration for part in parts), default=self.seconds) if self.clip else 0.0
        return Plan(
            model_id=self.model.id,
            route=route,
            reason=" ".join(words for words in (reason, self.stretches_words) if words),
            clip=self.clip,
            stretches=self.excerpt.stretches if self.excerpt and self.request.stretches else (),
            parts=parts,
            source_bytes=self.facts.size_bytes,
            verdict=size_verdict(self.facts.size_bytes) if is_sent else None,
            prompt_tokens=prompt,
            completion_tokens=completion,
            estimate_usd=dollars(self.model, prompt, completion, calls),
            seconds=waiting_seconds(self.model, longest, math.ceil(calls / AT_ONCE), self.measured)
            if self.clip
            else None,
            warnings=tuple(self._warnings(route, completion, calls)),
        )

    @property
    def stretches_words(self) -> str:
        """How much is sent of how much, where that is not a clip: ``3 stretches, 4 min 10 s of 52 min.``"""
        if not self.request.stretches or self.excerpt is None:
            return ""
        count, duration = len(self.excerpt.stretches), self.facts.duration
        of_all = "" if duration is None else f" of {format_length(duration)}"
        number = "1 stretch" if count == 1 else f"{count} stretches"
        return f"{number}, {format_length(self.excerpt.duration)}{of_all}."

    def _tokens(self, route: Route, calls: int) -> tuple[int | None, int | None]:
        if self.model.is_local or self.clip is None:
            return None, None
        rate = prompt_token_rate(self.model, route, self.measured)
        return round(rate * self.seconds) + PROMPT_TOKENS * calls, completion_tokens(self.request.task, self.seconds)

    def _warnings(self, route: Route, completion: int | None, calls: int) -> list[str]:
        found = []
        if self.excerpt is not None and len(self.excerpt.stretches) < len(self.request.stretches):
            lost = len(self.request.stretches) - len(self.excerpt.stretches)
            found.append(f"Beyond the end of the video: {lost} of {len(self.request.stretches)} stretches.")
        if self.request.task == "transcript" and not self.model.hears:
            found.append("This model sees pictures only: it cannot hear what is said.")
        if self.model.expires is not None:
            found.append(f"This model retires on {self.model.expires.isoformat()}.")
        if self.model.price is not None and not self.model.is_free and is_guess(self.model, route, self.measured):
            found.append("Its tokens and price are a guess until its first run.")
        limit = self.model.max_output_tokens
        if completion is not None and limit is not None and completion / calls > limit:
            found.append(f"The answer may be cut off: the model writes at most {limit:,} tokens.")
        verdict = size_verdict(self.facts.size_bytes or 0) if route is Route.AS_IS else SizeVerdict.FITS
        if verdict is SizeVerdict.LARGE:
            found.append("A request of this size may be refused.")
        if verdict is SizeVerdict.TOO_LARGE:
            found.append("Requests of this size are refused by most servers.")
        return found


def _part(index: int, portion: Portion, size_of: Callable[[float], int | None]) -> Part:
    excerpt = portion.excerpt
    stretches = excerpt.stretches if excerpt.is_joined else ()
    return Part(index, excerpt.start, excerpt.end, size_of(excerpt.length) or 0, portion.overlap, stretches)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / MEGABYTE:.1f} MB"
