"""Proposals: which stretches of a video are worth sending, by what we hold of it or find out in seconds."""

from __future__ import annotations

from collections.abc import Callable

from lib.domain.media import Clip, MediaAsset, Source
from lib.domain.proposals import around_changes, around_speech, around_word, places_of
from lib.domain.run import Run, RunRequest, best_first
from lib.domain.transcript import Cue
from lib.errors import CuewiseError, InputError, NoPicture, NoSound, NothingToPropose
from lib.media.scenes import scene_changes
from lib.pipeline.ingest import held_asset, held_link, ingest
from lib.pipeline.reporter import Saying
from lib.pipeline.tools import Tools

OnProgress = Callable[[float], None]
FAR_APART = 4.0
"""Key frames further apart than this, in seconds, miss scenes."""
SHORT = 600.0
"""Videos up to this length are looked at picture by picture where their key frames do not serve."""


class Proposals:
    """Stretches by hand are one way; these are the others. Each keeps to a budget of seconds, inside ``clip`` if given.

    ``on_progress`` gets from 0 to 1 and may raise to stop; what was found out is kept, and the next time is at once.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def held(self, source: Source) -> MediaAsset | None:
        """The media of a source, if it is here: a link may have been downloaded for an earlier run."""
        try:
            if source.asset_id:
                return held_asset(source.asset_id, self._tools)
            return held_link(source, hears_only=True, tools=self._tools)
        except CuewiseError:
            return None

    def fetch(self, source: Source, say: Callable[[str], None], *, hears_only: bool = False) -> MediaAsset:
        """The same, downloaded if it is not here yet. Raises LinkError, MediaError and StorageError."""
        allows_private = self._tools.settings.allow_private_urls
        request = RunRequest(source, model_id="", allow_private_urls=allows_private)
        return ingest(request, self._tools, Saying(say), hears_only=hears_only)

    def by_speech(
        self,
        asset: MediaAsset,
        budget: float,
        *,
        clip: Clip | None = None,
        track: int = 0,
        on_progress: OnProgress | None = None,
    ) -> tuple[Clip, ...]:
        """Where somebody speaks on a track of its sound, counted from 0.

        Raises NothingToPropose, NoSound, and what the listener raises.
        """
        if not asset.has_sound:
            raise NoSound("The file has no sound, so nobody is heard in it.", NothingToPropose.hint)
        if track >= len(asset.audio):
            tracks = len(asset.audio)
            raise NoSound(f"There is no track {track + 1} of sound: the file has {tracks}.", "Choose another track.")
        whole, heard = Clip(0.0, asset.duration), asset.hearing(track).sound_index
        kept = self._tools.store.assets.speech(asset.id, whole, track=heard)
        if kept is None:
            path, listener = self._tools.files.path(asset.id), self._tools.listener
            kept = listener.speech_stretches(path, end=asset.duration, track=heard, on_progress=on_progress)
            self._tools.store.assets.keep_speech(asset.id, whole, kept, track=heard)
        return _some(around_speech(kept, clip or whole, _read(budget)), "Nobody speaks there.")

    def by_scenes(
        self, asset: MediaAsset, budget: float, *, clip: Clip | None = None, on_progress: OnProgress | None = None
    ) -> tuple[Clip, ...]:
        """Where other things are seen than before. Raises NothingToPropose, NoPicture, and MediaError."""
        if not asset.has_picture:
            raise NoPicture("The file has no picture, so no scene changes in it.", NothingToPropose.hint)
        kept = self._tools.store.assets.scenes(asset.id)
        if kept is None:
            path, every_picture = self._tools.files.path(asset.id), _needs_every_picture(asset)
            kept = scene_changes(path, every_picture=every_picture, on_progress=on_progress)
            self._tools.store.assets.keep_scenes(asset.id, kept)
        found = around_changes(kept, clip or Clip(0.0, asset.duration), _read(budget))
        return _some(found, "No scene changes there: it is one long shot.")

    def by_word(self, asset: MediaAsset, text: str, budget: float, *, clip: Clip | None = None) -> tuple[Clip, ...]:
        """Around a word or a phrase, in the best transcript of it that we hold and that has it.

        Raises NothingToPropose when it is not said there, InputError when there is no transcript or no word.
        """
        if not text.strip():
            raise InputError("There is no word to look for.", "Write a word or a phrase that is said.")
        held = self._transcripts(asset)
        if not held:
            raise InputError(
                "No transcript of this video is kept here, so there is nothing to look for words in.",
                "Transcribe it once with a local model, which is free; then words are found at once.",
            )
        places = next((found for cues in held if (found := places_of(text, cues))), ())
        found = around_word(places, clip or Clip(0.0, asset.duration), _read(budget))
        return _some(
            found, f"“{text.strip()}” is not said there.", "Try another word, or choose the stretches by hand."
        )

    def has_transcript(self, asset: MediaAsset) -> bool:
        """Whether words can be looked for."""
        return bool(self._runs(asset))

    def _transcripts(self, asset: MediaAsset) -> list[tuple[Cue, ...]]:
        kept = (self._tools.store.transcripts.get(run.id) for run in self._runs(asset))
        return [transcript.cues for transcript in kept if transcript is not None and transcript.cues]

    def _runs(self, asset: MediaAsset) -> list[Run]:
        return best_first(self._tools.store.runs.of_asset(asset.id), "transcript")


def _needs_every_picture(asset: MediaAsset) -> bool:
    spacing = asset.video.key_frame_spacing if asset.video else None
    return asset.duration <= SHORT and (spacing is None or spacing > FAR_APART)


def _read(budget: float) -> float:
    if not budget > 0:
        raise InputError("The stretches need some time.", "Give a total of more than 0 seconds.")
    return budget


def _some(found: tuple[Clip, ...], sentence: str, hint: str | None = None) -> tuple[Clip, ...]:
    if not found:
        raise NothingToPropose(sentence, hint)
    return found
