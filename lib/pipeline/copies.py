"""Copies of a video with its transcript as captions: attached in seconds, or burned into the pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from lib.domain.copies import CaptionedCopy, CaptionForm, CopyOrder
from lib.domain.media import MediaAsset
from lib.domain.run import Run, RunState, digest
from lib.domain.transcript import Cue, Transcript
from lib.errors import Cancelled, MediaError, NoFont, NoPicture, NothingThere
from lib.formats import FORMATS, ExportFacts, ExportOptions, file_name
from lib.formats.export import caption_cues
from lib.media.captioning import attach, burn, carrier_of, undrawable
from lib.pipeline.ingest import held_asset
from lib.pipeline.queue import Queue
from lib.pipeline.run import as_failure, known_run
from lib.pipeline.tools import Tools

RECIPE_VERSION = 1
"""Raise it when a copy would come out differently: what was made before is then not given out again."""
LETTERS_A_LINE, LETTERS_NAMED = 40, 10

# A track of mp4 has no escapes, and ffmpeg would write a brace as a command.
_PLAIN = str.maketrans({"{": "(", "}": ")"})


class CopyJobs(Protocol):
    """What makes copies durable: lib.jobs."""

    def copy(self, copy_id: str, attempt: int) -> None: ...

    def cancel(self, subject_id: str, attempt: int) -> None: ...


class Copies:
    """Orders copies and tells how they fare; a worker makes them."""

    def __init__(self, tools: Tools, jobs: Callable[[], CopyJobs], queue: Queue) -> None:
        self._tools = tools
        self._jobs = jobs
        self._queue = queue

    def order(
        self, run_id: str, form: CaptionForm = CaptionForm.ATTACHED, options: ExportOptions | None = None
    ) -> CaptionedCopy:
        """Have a copy of the run's video made; one that is there, or in the making, is given as it is.

        Raises NothingThere for a run without a transcript, InputError for one without times, NoPicture, MediaError
        when the video is not here, and StorageError when it cannot be queued; then it is not wanted any more.
        """
        run = known_run(run_id, self._tools)
        transcript = self._tools.store.transcripts.get(run_id)
        if transcript is None:
            raise NothingThere("This run has no transcript yet.", "Wait until it is done, or press Retry.")
        if run.asset_id is None:
            raise MediaError("The video is not on this machine.", "Run a local model over its link to bring it here.")
        order = _order(run, transcript, held_asset(run.asset_id, self._tools), form, options or ExportOptions())
        copy_id = digest(run=run.id, order=repr(order), version=RECIPE_VERSION)
        made = self.get(copy_id)
        if made is not None and not (made.state.is_over and made.state is not RunState.DONE):
            return made
        attempt = self._tools.store.copies.want(copy_id, run.id, order)
        if attempt is not None:
            self._queue.put(
                lambda: self._jobs().copy(copy_id, attempt), lambda: self._tools.store.copies.cancel(copy_id)
            )
        return self._tools.store.copies.get(copy_id)

    def get(self, copy_id: str) -> CaptionedCopy | None:
        """A copy as it stands; None for one that nobody ordered, and one whose file is no longer kept."""
        found = self._tools.store.copies.get(copy_id)
        return found if found is not None and self._is_kept(found) else None

    def of_run(self, run_id: str) -> list[CaptionedCopy]:
        """Every copy ordered of a run, the newest first."""
        return [copy for copy in self._tools.store.copies.of_run(run_id) if self._is_kept(copy)]

    def cancel(self, copy_id: str) -> None:
        """Stop the making of a copy. Does nothing when it is over."""
        attempt = self._tools.store.copies.cancel(copy_id)
        if attempt is not None:
            self._jobs().cancel(copy_id, attempt)

    def path(self, copy_id: str) -> Path | None:
        """The file of a copy that is done, for the route that gives it out; None for anything else."""
        found = self.get(copy_id)
        if found is None or found.state is not RunState.DONE:
            return None
        return self._tools.files.rendition(found.id, found.suffix)

    def name(self, copy: CaptionedCopy) -> str:
        """What the file is called: ``Title (with captions) - model.mp4``."""
        run = known_run(copy.run_id, self._tools)
        words = "with captions" if copy.form is CaptionForm.ATTACHED else "captions burned in"
        return file_name(f"{run.request.source.stem} ({words})", run.request.model_id, copy.suffix)

    def _is_kept(self, copy: CaptionedCopy) -> bool:
        return copy.state is not RunState.DONE or self._tools.files.has_rendition(copy.id, copy.suffix)


def make_copy(copy_id: str, attempt: int, tools: Tools) -> None:
    """Make a copy that was ordered, unless it is no longer wanted. Why it could not be made is written down with it."""
    copies = tools.store.copies
    order = copies.begin(copy_id, attempt)
    if order is None:
        return

    def report(share: float) -> None:
        if not copies.report(copy_id, attempt, share):
            raise Cancelled("The copy was cancelled.")

    try:
        size_bytes = _make(copy_id, order, tools, report)
    except Cancelled:
        return
    except Exception as exc:
        copies.fail(copy_id, attempt, as_failure(exc, copy_id[:12]))
    else:
        copies.finish(copy_id, attempt, size_bytes)


def _order(run: Run, transcript: Transcript, asset: MediaAsset, form: CaptionForm, options: ExportOptions) -> CopyOrder:
    """Everything that shapes the copy, captions and all: what is changed later makes another copy."""
    if asset.video is None:
        raise NoPicture("This is sound alone: there are no pictures for captions.", "Download them as SRT or VTT.")
    facts = ExportFacts(run.request.source.title, run.request.model_id, picture_size=asset.video.watched_size)
    if form is CaptionForm.BURNED:
        return CopyOrder(asset.id, form, FORMATS["ass"].render(transcript, facts, options), ".mp4", "video/mp4")
    carrier = carrier_of(asset)
    # The names of speakers stand in the text: players show no other place for them.
    shown = Transcript(tuple(caption_cues(transcript, options, names_in_text=True)), "")
    captions = FORMATS[carrier.captions_format].render(shown, facts, options)
    if carrier.codec != "copy":
        captions = captions.translate(_PLAIN)
    return CopyOrder(
        asset.id,
        form,
        captions,
        carrier.suffix,
        carrier.media_type,
        language=transcript.language or run.request.language,
        title=run.request.model_id,
    )


def _make(copy_id: str, order: CopyOrder, tools: Tools, report: Callable[[float], None]) -> int:
    asset = held_asset(order.asset_id, tools)
    source = tools.files.path(asset.id)
    with tools.files.temporary(order.suffix) as fresh, tools.files.temporary() as captions:
        if order.form is CaptionForm.BURNED:
            captions.write_text(_drawable(order.captions, tools), "utf-8", newline="")
            size_bytes = burn(source, fresh, captions, asset=asset, on_progress=report)
        else:
            captions.write_text(order.captions, "utf-8", newline="")
            track = {"language": order.language, "title": order.title}
            size_bytes = attach(source, fresh, captions, asset=asset, **track, on_progress=report)
        tools.files.keep_rendition(fresh, copy_id, order.suffix, share=True)
    return size_bytes


def _drawable(captions: str, tools: Tools) -> str:
    """The captions without signs that no font here has (notes, emoji). Raises NoFont where it is letters that lack."""
    drawn = {
        letter for line in captions.splitlines() if line.startswith("Dialogue:") for letter in line.split(",", 9)[9]
    }
    letters = "".join(sorted(letter for letter in drawn if not letter.isspace()))
    lines = " ".join(letters[at : at + LETTERS_A_LINE] for at in range(0, len(letters), LETTERS_A_LINE))
    with tools.files.temporary() as trial:
        sample = Transcript((Cue(0.0, 1.0, lines),), "")
        trial.write_text(FORMATS["ass"].render(sample, ExportFacts("", ""), ExportOptions()), "utf-8", newline="")
        missing = undrawable(trial)
    lacking = [letter for letter in missing if letter.isalnum()]
    if lacking:
        named = " ".join(lacking[:LETTERS_NAMED]) + (" …" if len(lacking) > LETTERS_NAMED else "")
        raise NoFont(f"No font on this machine has letters of these captions: {named}")
    return captions.translate(dict.fromkeys(map(ord, missing)))
