"""Hear: what the sound alone tells, whoever is asked: where somebody speaks, and which word is said when."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from lib.domain.cuts import SENTENCE_PAUSE, longest_silence
from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip, MediaAsset
from lib.domain.run import Generation, RunRequest, Stage
from lib.domain.transcript import Word
from lib.errors import Cancelled, CuewiseError
from lib.pipeline.generate import in_language_of, listen_through, listening_digest, longest_first
from lib.pipeline.reporter import Reporter
from lib.pipeline.tools import Tools

log = logging.getLogger(__name__)

NEAR, FAR = 6.0, 15.0
"""Seconds around a wanted cut in which a silence is looked for: where none is as long as between sentences, once more
and farther. Hardly anyone speaks for half a minute without a pause."""
HEARING_MODEL = "local/whisper-base"
"""Its word starts lie a median of 0.06 s from the true onset, in about 100 languages."""


def speech_of(asset: MediaAsset, excerpt: Excerpt, tools: Tools, reporter: Reporter) -> tuple[tuple[float, float], ...]:
    """The stretches of the excerpt in which somebody speaks, in seconds on the file's clock; found once, then kept.

    Empty where nobody does, and where the sound cannot be judged: nothing depends on it but where parts are cut.
    """
    if not asset.has_sound:
        return ()
    heard = [_found_once(asset, stretch, None, tools, reporter) or () for stretch in excerpt.stretches]
    return tuple(spoken for found in heard for spoken in found)


def kept_speech(asset: MediaAsset, excerpt: Excerpt, tools: Tools) -> tuple[tuple[float, float], ...]:
    """What ``speech_of`` found, without listening again; empty where it found nothing."""
    kept = [tools.store.assets.speech(asset.id, each, track=asset.sound_index) or () for each in excerpt.stretches]
    return tuple(spoken for found in kept for spoken in found)


def silences_near(
    asset: MediaAsset, clip: Clip, cuts: Sequence[float], tools: Tools, reporter: Reporter
) -> tuple[tuple[float, float], ...]:
    """Where somebody speaks near each wanted cut; everything else counts as speech.

    Enough to cut an hour, and ten times quicker than to listen to all of it before the first part can go.
    """
    if not asset.has_sound:
        return ()
    # What is kept of the whole clip is not used: it would move the cuts of a later attempt a little, and every part
    # that was answered would count as another one.
    found: list[tuple[float, float]] = []
    until = clip.start
    for number, cut in enumerate(cuts):
        if until < min(clip.end, cut + NEAR):
            around, heard = _heard_around(cut, Clip(until, clip.end), asset, number / len(cuts), tools, reporter)
            found += [(until, around.start), *heard]
            until = around.end
    found.append((until, clip.end))
    return tuple((start, end) for start, end in found if start < end)


def _heard_around(
    cut: float, rest: Clip, asset: MediaAsset, progress: float, tools: Tools, reporter: Reporter
) -> tuple[Clip, tuple[tuple[float, float], ...]]:
    """The stretch around a wanted cut that was listened to for a pause, and where somebody speaks in it."""
    for reach in (NEAR, FAR):
        around = Clip(max(rest.start, cut - reach), min(rest.end, cut + reach))
        heard = _found_once(asset, around, progress, tools, reporter)
        if heard is None:
            # Where the sound cannot be judged, it counts as speech: the cut is a hard one then, with an overlap.
            return around, ((around.start, around.end),)
        if longest_silence(around.start, around.end, heard) >= SENTENCE_PAUSE:
            break
    return around, heard


def words_of(
    request: RunRequest, asset: MediaAsset, excerpt: Excerpt, tools: Tools, reporter: Reporter
) -> tuple[Word, ...]:
    """The words heard in the excerpt, with their times on the file's clock; heard once for every model that is asked.

    Empty where the local model is not installed or does not know the language: the models' own times count then.
    """
    if not asset.has_sound:
        return ()
    try:
        asked = listen_through(
            request,
            HEARING_MODEL,
            asset,
            excerpt,
            tools,
            reporter,
            lambda _segment, fraction: reporter.stage(Stage.LISTENING, fraction, "timing the words"),
        )
    except Cancelled:
        raise
    except CuewiseError as exc:
        log.warning("run %s: no times from the audio: %s", reporter.run_id, exc)
        return ()
    except Exception:
        # The parts may be paid for already: a fault of the engine must not take them along.
        log.warning("run %s: no times from the audio", reporter.run_id, exc_info=True)
        return ()
    return tuple(word for each in asked for word in _words(each.generation))


def kept_words(request: RunRequest, asset: MediaAsset, excerpt: Excerpt, tools: Tools) -> tuple[Word, ...]:
    """What ``words_of`` found, without listening again; empty where it found nothing."""
    found: dict[Clip, tuple[Word, ...]] = {}
    for stretch in longest_first(excerpt):
        kept = tools.store.generations.get(listening_digest(request, HEARING_MODEL, asset, stretch))
        if kept:
            found[stretch] = _words(kept.generation)
            request = in_language_of(request, kept.generation)
    return tuple(word for stretch in excerpt.stretches for word in found.get(stretch, ()))


def _words(generation: Generation) -> tuple[Word, ...]:
    return tuple(word for segment in generation.segments for word in segment.words)


def _found_once(
    asset: MediaAsset, clip: Clip, progress: float | None, tools: Tools, reporter: Reporter
) -> tuple[tuple[float, float], ...] | None:
    """Where somebody speaks in exactly this stretch, found once for all runs; None where it cannot be judged."""
    track = asset.sound_index
    with tools.locks.hold(f"speech {asset.id} {track}", reporter.check):
        kept = tools.store.assets.speech(asset.id, clip, track=track)
        if kept is not None:
            return kept
        reporter.stage(Stage.LISTENING, progress, "finding the silences")
        found = _speech_in(asset, clip, tools, reporter)
        if found is not None:
            tools.store.assets.keep_speech(asset.id, clip, found, track=track)
        return found


def _speech_in(
    asset: MediaAsset, clip: Clip, tools: Tools, reporter: Reporter
) -> tuple[tuple[float, float], ...] | None:
    """None where the sound cannot be judged."""
    try:
        path = tools.files.path(asset.id)
        return tools.listener.speech_stretches(path, start=clip.start, end=clip.end, track=asset.sound_index)
    except Cancelled:
        raise
    except Exception as exc:
        log.warning("run %s: no voice activity for asset %s: %s", reporter.run_id, asset.id[:12], exc)
        return None
