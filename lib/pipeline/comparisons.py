"""Comparisons: several models over one clip, prepared once, laid on one grid, judged, and made into the best of all."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from lib.domain.captions import CaptionKind, CaptionTrack
from lib.domain.comparison import (
    CONSENSUS,
    LABELS,
    MOST_MODELS,
    Comparison,
    ComparisonTable,
    ModelFigures,
    Pick,
    Reference,
    column_names,
    next_pair,
    picked,
)
from lib.domain.consensus import consensus, merged
from lib.domain.cues import shape_cues
from lib.domain.differences import num_changed
from lib.domain.excerpt import Excerpt
from lib.domain.grid import Column, Grid, make_grid
from lib.domain.health import assess
from lib.domain.media import Clip, MediaAsset, Source
from lib.domain.model import is_local_id
from lib.domain.normalised import normalised_words, normaliser_name
from lib.domain.ranking import Standing, Verdict, Vote, bradley_terry
from lib.domain.run import Run, RunRequest, RunState
from lib.domain.scores import WordErrors, agreement_over_time, mean_agreement, word_errors
from lib.domain.transcript import Cue, Transcript, Word
from lib.domain.verdict import Figures, verdict
from lib.domain.versions import Author
from lib.errors import CuewiseError, InputError, NothingThere
from lib.formats.comparison import COMPARISON_FORMATS
from lib.formats.names import file_name
from lib.formats.timecode import format_clock
from lib.pipeline.export import Export
from lib.pipeline.hear import kept_speech, kept_words
from lib.pipeline.ingest import facts_of
from lib.pipeline.plan import alike
from lib.pipeline.requests import of_today
from lib.pipeline.run import find_model
from lib.pipeline.tools import Tools
from lib.store.comparisons import KeptVote

TRANSCRIPT = "transcript"
MERGED_MODEL = "merged"
"""Stands in place of a model's id for a transcript that was taken from several."""
NORMALISATION = "Case, punctuation and the way numbers are written do not count"
"""Said with the name of the normaliser that sees to it."""
AGREEMENT_STEP = 30.0
"""Seconds over which agreement is counted together: some 80 words."""
GRIDS_KEPT = 8

Submit = Callable[..., Run]
FetchCaptions = Callable[[Source, CaptionTrack], Transcript]


@dataclass(frozen=True, slots=True)
class Started:
    """What came of starting: the comparison, and why some of the models could not be asked."""

    comparison: Comparison
    problems: tuple[CuewiseError, ...] = ()


@dataclass(frozen=True, slots=True)
class _Score:
    """What a transcript's words tell beside the others'. None: nothing to compare with."""

    words: int | None = None
    agreement: float | None = None
    errors: WordErrors | None = None


@dataclass(frozen=True, slots=True)
class _Laid:
    """Transcripts laid side by side: what takes a second for an hour, and is kept until one of them changes."""

    scores: tuple[_Score, ...]
    grid: Grid | None = None
    agreement_over_time: tuple[tuple[tuple[float, float], ...], ...] = ()


class Comparisons:
    """Verbs for pages and the command line. ``submit`` queues one run, with the key that it may use, as a column of a
    comparison; ``fetch_captions`` gets what stands in a track of a link."""

    def __init__(self, tools: Tools, submit: Submit, fetch_captions: FetchCaptions) -> None:
        self._tools = tools
        self._submit = submit
        self._fetch_captions = fetch_captions
        self._kept: OrderedDict[object, _Laid] = OrderedDict()
        self._lock = threading.Lock()

    # Starting

    def alike(self, requests: Sequence[RunRequest]) -> list[RunRequest]:
        """The same requests with parts of one length, so that what is made for one model serves the others too."""
        models = {request.model_id: find_model(request.model_id, self._tools) for request in requests}
        if len(models) < 2 or requests[0].about is not None:
            return list(requests)
        measured = self._tools.store.generations.measured
        known = {model_id: (model, measured(model.id)) for model_id, model in models.items()}
        return alike(requests, known, facts_of(requests[0].source, self._tools))

    def start(self, requests: Sequence[RunRequest], *, key: str | None = None) -> Started:
        """Ask several models the same question. One that cannot be asked is told of and hurts none of the others.

        Raises what the first one met when none could be asked, and InputError for no model or too many.
        """
        if not 1 <= len(requests) <= MOST_MODELS:
            raise InputError(f"A comparison has one to {MOST_MODELS} models, not {len(requests)}.")
        comparison_id = uuid.uuid4().hex
        self._tools.store.comparisons.add(comparison_id, requests[0].source.title)
        problems = self._ask(comparison_id, self.alike(requests), key)
        if len(problems) == len(requests):
            self._tools.store.comparisons.remove(comparison_id)
            raise problems[0]
        return Started(self._known(comparison_id), tuple(problems))

    def add(
        self,
        comparison_id: str,
        model_ids: Sequence[str],
        *,
        key: str | None = None,
        accepts_unknown_price: bool = False,
    ) -> Started:
        """Ask further models what the others were asked; nothing else is asked again."""
        comparison = self._known(comparison_id)
        runs = self._runs(comparison)
        if not runs:
            raise NothingThere("This comparison has no runs any more.", "Start a new one on New run.")
        if len(runs) + len(model_ids) > MOST_MODELS:
            raise InputError(f"A comparison has at most {MOST_MODELS} models.", "Take a column away first.")
        asked = [self.request_for(comparison_id, model_id) for model_id in model_ids]
        requests = [replace(request, accepts_unknown_price=accepts_unknown_price) for request in asked]
        problems = self._ask(comparison_id, requests, key)
        if problems and len(problems) == len(requests):
            raise problems[0]
        return Started(self._known(comparison_id), tuple(problems))

    def request_for(self, comparison_id: str, model_id: str) -> RunRequest:
        """The question of a comparison, put to another model today."""
        runs = self._runs(self._known(comparison_id))
        if not runs:
            raise NothingThere("This comparison has no runs any more.", "Start a new one on New run.")
        # A remote run knows how long the parts of the others are; a local one has none.
        asked = next((run for run in runs if not is_local_id(run.request.model_id)), runs[0])
        source = asked.request.source
        if asked.asset_id and not source.asset_id:
            source = replace(source, asset_id=asked.asset_id)
        request = replace(asked.request, model_id=model_id, source=source, key_ref=None)
        return of_today(request, self._tools)

    def of_runs(self, run_ids: Sequence[str]) -> Comparison:
        """A comparison of runs that there are. Raises InputError unless they are of one task over one video."""
        runs = [run for run_id in run_ids if (run := self._tools.store.runs.get(run_id))]
        if not 1 <= len(runs) <= MOST_MODELS:
            raise InputError(f"A comparison has one to {MOST_MODELS} runs, not {len(runs)}.")
        if len({(run.request.source.video_id, run.request.task) for run in runs}) > 1:
            raise InputError(
                "These runs are not of one video and one task.", "Choose runs that were asked the same of the same."
            )
        comparison_id = uuid.uuid4().hex
        self._tools.store.comparisons.add(comparison_id, runs[0].request.source.title)
        for run in runs:
            self._tools.store.comparisons.add_run(comparison_id, run.id)
        return self._known(comparison_id)

    def remove_run(self, comparison_id: str, run_id: str) -> None:
        """Take a column away; the run itself stays in Activity."""
        self._tools.store.comparisons.remove_run(comparison_id, run_id)

    def remove(self, comparison_id: str) -> None:
        """Forget a comparison; its runs and votes stay."""
        self._tools.store.comparisons.remove(comparison_id)

    # Looking

    def get(self, comparison_id: str) -> Comparison | None:
        return self._tools.store.comparisons.get(comparison_id)

    def newest(self, *, limit: int = 100) -> list[Comparison]:
        return self._tools.store.comparisons.newest(limit)

    def runs(self, comparison_id: str) -> tuple[Run, ...]:
        """The runs of its columns as they stand now: all that a page needs while they go on."""
        return self._runs(self._known(comparison_id))

    def table(self, comparison_id: str) -> ComparisonTable:
        """Everything there is to show. What takes long is worked out anew only when a transcript or the reference
        has changed. Raises NothingThere."""
        comparison = self._known(comparison_id)
        runs = self._runs(comparison)
        names = column_names(runs)
        transcripts = tuple(self._tools.store.transcripts.get(run.id) for run in runs)
        clip = _clip_of(runs, self._tools)
        laid = self._laid(comparison, runs, names, transcripts, clip)
        seconds = sum(stretch.duration for stretch in _sent(runs, clip)) if clip else None
        figures = tuple(_figures(*each, seconds) for each in zip(runs, laid.scores, strict=True))
        return ComparisonTable(
            comparison=comparison,
            runs=runs,
            names=names,
            figures=figures,
            grid=laid.grid,
            texts=() if _is_transcript(runs) else tuple(_markdown(each) for each in transcripts),
            verdict=_verdict(names, figures) if all(run.state.is_over for run in runs) else (),
            agreement_over_time=laid.agreement_over_time,
            normalisation=_normalisation(transcripts) if _is_transcript(runs) else "",
            clip=clip,
        )

    def picks(self, comparison_id: str) -> dict[int, int]:
        """The column that was taken for each row of the grid."""
        table = self.table(comparison_id)
        rows = [(row.start, row.end) for row in table.grid.rows] if table.grid else []
        return picked(table.comparison.picks, rows, [run.id for run in table.runs])

    def export(self, comparison_id: str, format_name: str) -> Export:
        """The comparison as a file. Raises InputError for an unknown format, or a grid where there is none."""
        if format_name not in COMPARISON_FORMATS:
            names = ", ".join(COMPARISON_FORMATS)
            raise InputError(f"There is no format named {format_name!r}.", f"Choose one of: {names}.")
        chosen, table = COMPARISON_FORMATS[format_name], self.table(comparison_id)
        if chosen.needs_grid and table.grid is None:
            raise InputError("Only transcripts have a grid.", "Choose another format.")
        name = file_name(table.comparison.title, "comparison", chosen.suffix)
        return Export(name, chosen.media_type, chosen.render(table).encode())

    # The reference

    def set_reference(self, comparison_id: str, reference: Reference | None) -> None:
        """Measure against this text from now on; None measures against nothing."""
        self._known(comparison_id)
        self._tools.store.comparisons.set_reference(comparison_id, reference)

    def measure_against(self, comparison_id: str, track: CaptionTrack) -> None:
        """The same with the captions that the video's site has, fetched now. Raises LinkError and InputError."""
        source = self.runs(comparison_id)[0].request.source
        fetched = self._fetch_captions(source, track)
        is_automatic = track.kind is CaptionKind.AUTOMATIC
        name = f"{track.language_words} captions of the video{', automatic' if is_automatic else ''}"
        self.set_reference(comparison_id, Reference(name, fetched.text, fetched.cues, is_automatic))

    # Judging

    def next_pair(self, comparison_id: str) -> tuple[str, str] | None:
        """The ids of two finished runs to judge blindly, in an order that tells nothing; None when all were."""
        done = [run for run in self.runs(comparison_id) if run.state is RunState.DONE]
        by_model = {run.request.model_id: run.id for run in done}
        judged = [
            frozenset((kept.vote.left, kept.vote.right))
            for kept in self._tools.store.comparisons.votes()
            if kept.comparison_id == comparison_id
        ]
        pair = next_pair(comparison_id, list(by_model), judged)
        return None if pair is None else (by_model[pair[0]], by_model[pair[1]])

    def blind(self, comparison_id: str, left_run_id: str, right_run_id: str) -> tuple[Grid | None, tuple[str, str]]:
        """Two answers without their names: on a grid of their own (transcripts), and as Markdown."""
        runs = {run.id: run for run in self.runs(comparison_id)}
        pair = [runs[run_id] for run_id in (left_run_id, right_run_id) if run_id in runs]
        transcripts = [self._tools.store.transcripts.get(run.id) for run in pair]
        clip = _clip_of(pair, self._tools)
        texts = tuple(_markdown(transcript) for transcript in transcripts)
        if not _is_transcript(pair) or clip is None:
            return None, texts
        columns = [_column(LABELS[at], transcript) for at, transcript in enumerate(transcripts)]
        return make_grid(columns, words=self._words(pair), clip=clip), texts

    def vote(self, comparison_id: str, left_run_id: str, right_run_id: str, decision: Verdict) -> Vote:
        """Keep which of two answers is better; it counts for their models. Gives the vote, with their names."""
        runs = {run.id: run for run in self.runs(comparison_id)}
        if left_run_id not in runs or right_run_id not in runs:
            raise NothingThere("These runs are not in this comparison any more.", "Reload the page.")
        left, right = (runs[run_id].request.model_id for run_id in (left_run_id, right_run_id))
        vote = Vote(left, right, decision)
        self._tools.store.comparisons.cast(comparison_id, runs[left_run_id].request.task, vote)
        return vote

    def votes(self, *, comparison_id: str | None = None) -> list[KeptVote]:
        """Every vote, oldest first; of one comparison where it is named."""
        found = self._tools.store.comparisons.votes()
        return [kept for kept in found if comparison_id in (None, kept.comparison_id)]

    def scoreboard(self, *, task: str | None = None) -> tuple[Standing, ...]:
        """Every model that was ever judged, the best first; of one task where it is named."""
        return bradley_terry([kept.vote for kept in self.votes() if task in (None, kept.task)])

    # The best of all

    def take(self, comparison_id: str, row: int, column: int | None) -> None:
        """Take a row from a column of the grid; None takes none."""
        table = self.table(comparison_id)
        if table.grid is None or not 0 <= row < len(table.grid.rows):
            return
        start, end = table.grid.rows[row].start, table.grid.rows[row].end
        middle = (start + end) / 2
        kept = tuple(pick for pick in table.comparison.picks if not pick.start <= middle < pick.end)
        if column is not None and 0 <= column < len(table.runs):
            kept += (Pick(start, end, table.runs[column].id),)
        self._tools.store.comparisons.set_picks(comparison_id, kept)

    def take_all(self, comparison_id: str, base: str) -> Run:
        """Write the merged transcript: the rows taken, and everything else from ``base``, a run's id or CONSENSUS.

        It is a run of its own, with a transcript like any other; done again, it gets a new version. Raises
        InputError while no transcript is finished.
        """
        table = self.table(comparison_id)
        columns, words = self._columns(table.runs), self._words(table.runs)
        if table.grid is None or not any(column.cues for column in columns):
            raise InputError("No transcript is finished yet.", "Wait for the first column.")
        cues = self._merged_cues(table, columns, words, base)
        shaped = shape_cues(cues, end=table.clip.end)
        run_id = self._keep_merged(table, Transcript(shaped, "\n".join(cue.text for cue in shaped), _language(columns)))
        sent = _sent(table.runs, table.clip)
        health = assess(shaped, clip=table.clip, sent=sent, words=words, stretches=self._speech(table))
        newest = next(iter(self._tools.store.transcripts.versions(run_id)))
        self._tools.store.runs.set_health(run_id, health, newest)
        return self._tools.store.runs.get(run_id)

    def _merged_cues(
        self, table: ComparisonTable, columns: Sequence[Column], words: Sequence[Word], base: str
    ) -> tuple[Cue, ...]:
        picks = self.picks(table.comparison.id)
        if base != CONSENSUS:
            run_ids = [run.id for run in table.runs]
            if base not in run_ids:
                raise InputError("This column is not here any more.", "Choose another to begin with.")
            return merged(picks, table.grid, columns, default=run_ids.index(base))
        agreed = consensus(columns, words=words, clip=table.clip).cues
        if not picks:
            return agreed
        columns = [*columns, Column(CONSENSUS, agreed, _language(columns))]
        grid = make_grid(columns, words=words, clip=table.clip)
        # With one more column the rows may lie otherwise: what was taken is found again by its stretch.
        rows = [(row.start, row.end) for row in grid.rows]
        picks = picked(table.comparison.picks, rows, [run.id for run in table.runs])
        return merged(picks, grid, columns, default=len(columns) - 1)

    def _keep_merged(self, table: ComparisonTable, transcript: Transcript) -> str:
        """Keep the merged transcript, as the next version of the run that has it or with a run of its own; gives the
        run's id."""
        store, first, known = self._tools.store, table.runs[0], table.comparison.merged_run_id
        kept = store.runs.get(known) if known else None
        if kept and kept.state is RunState.DONE:
            before = store.transcripts.get(known)
            changed = num_changed(before.cues, transcript.cues)
            store.transcripts.keep(known, transcript, author=Author.MERGED, lines_changed=changed)
            return known
        run_id = uuid.uuid4().hex
        store.runs.add_done(
            run_id,
            replace(first.request, model_id=MERGED_MODEL, key_ref=None),
            transcript,
            started=None,
            asset_id=first.asset_id,
            author=Author.MERGED,
            merged_of=table.comparison.id,
        )
        return run_id

    # What is behind them

    def _ask(self, comparison_id: str, requests: Sequence[RunRequest], key: str | None) -> list[CuewiseError]:
        problems: list[CuewiseError] = []
        for request in requests:
            try:
                # The run and its column are written down together: no crash leaves one that its comparison misses.
                self._submit(request, key=key, comparison_id=comparison_id)
            except CuewiseError as problem:
                problems.append(problem)
        return problems

    def _known(self, comparison_id: str) -> Comparison:
        found = self._tools.store.comparisons.get(comparison_id)
        if found is None:
            raise NothingThere("There is no such comparison.", "Start one on New run with two models or more.")
        return found

    def _runs(self, comparison: Comparison) -> tuple[Run, ...]:
        found = (self._tools.store.runs.get(run_id) for run_id in comparison.run_ids)
        return tuple(run for run in found if run is not None)

    def _laid(
        self,
        comparison: Comparison,
        runs: Sequence[Run],
        names: Sequence[str],
        transcripts: tuple[Transcript | None, ...],
        clip: Clip | None,
    ) -> _Laid:
        if not _is_transcript(runs) or clip is None or not any(transcripts):
            return _Laid(tuple(_Score() for _ in runs))
        # The words heard come later than the first text: they are part of what the grid is made of.
        words = self._words(runs)
        state = (tuple(names), transcripts, comparison.reference, len(words))
        with self._lock:
            if state in self._kept:
                self._kept.move_to_end(state)
                return self._kept[state]
        laid = _lay(names, transcripts, words, clip, _sent(runs, clip), comparison.reference)
        with self._lock:
            self._kept[state] = laid
            while len(self._kept) > GRIDS_KEPT:
                self._kept.popitem(last=False)
        return laid

    def _columns(self, runs: Sequence[Run]) -> list[Column]:
        names = column_names(runs)
        return [_column(name, self._tools.store.transcripts.get(run.id)) for name, run in zip(names, runs, strict=True)]

    def _words(self, runs: Sequence[Run]) -> tuple[Word, ...]:
        """The words heard in the clip for whichever of the runs; empty where nobody listened."""
        for run in runs:
            excerpt = run.plan.excerpt if run.plan else None
            asset = self._heard_asset(run)
            if excerpt and asset and (words := kept_words(run.request, asset, excerpt, self._tools)):
                return words
        return ()

    def _speech(self, table: ComparisonTable) -> tuple[tuple[float, float], ...]:
        asset = next((found for run in table.runs if (found := self._heard_asset(run))), None)
        return kept_speech(asset, Excerpt(_sent(table.runs, table.clip)), self._tools) if asset else ()

    def _heard_asset(self, run: Run) -> MediaAsset | None:
        """The media of a run, with the track of its sound that the run hears."""
        asset = self._tools.store.assets.get(run.asset_id) if run.asset_id else None
        return asset.hearing(run.request.track) if asset else None


def _lay(
    names: Sequence[str],
    transcripts: Sequence[Transcript | None],
    words: Sequence[Word],
    clip: Clip,
    sent: Sequence[Clip],
    reference: Reference | None,
) -> _Laid:
    columns = [_column(name, transcript) for name, transcript in zip(names, transcripts, strict=True)]
    texts = {at: transcript.text for at, transcript in enumerate(transcripts) if transcript is not None}
    language = _language(columns)
    wanted = reference.within(*sent) if reference is not None else ""
    return _Laid(
        scores=tuple(_score(at, texts, wanted, language) for at in range(len(columns))),
        grid=make_grid(columns, words=words, clip=clip),
        agreement_over_time=agreement_over_time(columns, AGREEMENT_STEP) if len(texts) > 1 else (),
    )


def _score(at: int, texts: dict[int, str], wanted: str, language: str | None) -> _Score:
    if at not in texts:
        return _Score()
    others = [text for other, text in texts.items() if other != at]
    errors = word_errors(wanted, texts[at], language) if normalised_words(wanted, language) else None
    return _Score(
        words=len(normalised_words(texts[at], language)),
        agreement=mean_agreement(texts[at], others, language) if others else None,
        errors=errors,
    )


def _column(name: str, transcript: Transcript | None) -> Column:
    return Column(name, transcript.cues if transcript else (), transcript.language if transcript else None)


def _language(columns: Sequence[Column]) -> str | None:
    return next((column.language for column in columns if column.language), None)


def _clip_of(runs: Sequence[Run], tools: Tools) -> Clip | None:
    """The stretch that is compared: that of the first run which knows its own."""
    for run in runs:
        if run.plan and run.plan.clip:
            return run.plan.clip
    for run in runs:
        asset = tools.store.assets.get(run.asset_id) if run.asset_id else None
        end = run.request.end or (asset.duration if asset else run.request.source.duration)
        if end is not None and end > run.request.start:
            return Clip(run.request.start, end)
    return None


def _sent(runs: Sequence[Run], clip: Clip) -> tuple[Clip, ...]:
    """What was sent of the clip that is compared: all of it, unless several stretches were chosen."""
    return next((run.request.stretches for run in runs if run.request.stretches), (clip,))


def _is_transcript(runs: Sequence[Run]) -> bool:
    return bool(runs) and runs[0].request.task == TRANSCRIPT


def _figures(run: Run, score: _Score, seconds: float | None) -> ModelFigures:
    hours = Decimal(str(seconds)) / 3600 if seconds else None
    health, errors = run.health, score.errors
    return ModelFigures(
        run_id=run.id,
        model_id=run.request.model_id,
        state=run.state,
        cost_usd=run.cost_usd,
        usd_per_hour=run.cost_usd / hours if hours and run.cost_usd is not None else None,
        seconds_to_first_text=run.seconds_to_first_text,
        seconds=run.seconds if run.answer_seconds is None else run.answer_seconds,
        prompt_tokens=run.usage.prompt_tokens,
        completion_tokens=run.usage.completion_tokens,
        words=score.words,
        coverage=health.coverage if health else None,
        timed_by_audio=health.timed_by_audio if health else None,
        agreement=score.agreement,
        wer=errors.wer if errors else None,
        substitutions=errors.substitutions if errors else None,
        deletions=errors.deletions if errors else None,
        insertions=errors.insertions if errors else None,
        reference_words=errors.reference_words if errors else None,
    )


def _verdict(names: Sequence[str], figures: Sequence[ModelFigures]) -> tuple[str, ...]:
    rows = [
        Figures(
            name=name,
            cost_usd=each.cost_usd,
            seconds=each.seconds,
            seconds_to_first_text=each.seconds_to_first_text,
            words=each.words,
            coverage=each.coverage,
            agreement=each.agreement,
            wer=each.wer,
        )
        for name, each in zip(names, figures, strict=True)
        if each.state is RunState.DONE
    ]
    return tuple(finding.words for finding in verdict(rows))


def _normalisation(transcripts: Sequence[Transcript | None]) -> str:
    language = next((each.language for each in transcripts if each and each.language), None)
    return f"{NORMALISATION} ({normaliser_name(language)})."


def _markdown(transcript: Transcript | None) -> str:
    """An answer as Markdown: as it is, or a line for each of its times."""
    if transcript is None:
        return ""
    lines = [f"[{format_clock(cue.start)}] {cue.text}" for cue in transcript.cues]
    return "\n\n".join(lines) if lines else transcript.text
