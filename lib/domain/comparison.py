"""Comparisons: several runs over one clip for one task, laid side by side."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from lib.domain.grid import Grid
from lib.domain.media import Clip
from lib.domain.run import Run, RunState
from lib.domain.scores import shared_reference
from lib.domain.transcript import Cue

MOST_MODELS = 6
"""More columns than this cannot be read side by side."""
CONSENSUS = "consensus"
"""In place of a run's id: what most of the models said."""
LABELS = "ABCDEF"
"""What stands in place of a name while it is hidden."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What was really said, to count errors against. ``cues`` are there when its file has times.

    ``is_automatic``: a machine wrote it, so that its own errors count as those of the models.
    """

    name: str
    text: str
    cues: tuple[Cue, ...] = ()
    is_automatic: bool = False

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("a reference says something")

    def within(self, *stretches: Clip) -> str:
        """Its text, of these stretches alone where it has times."""
        if not self.cues:
            return self.text
        return "\n".join(shared_reference(self.cues, stretch) for stretch in stretches)


@dataclass(frozen=True, slots=True)
class Pick:
    """A row taken from one run: its stretch, in seconds. Rows may move when a model is added; a stretch does not."""

    start: float
    end: float
    run_id: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several runs over one clip for one task, in the order of their columns.

    ``merged_run_id`` names the run that holds the transcript made of the picks.
    """

    id: str
    title: str
    created: datetime
    run_ids: tuple[str, ...] = ()
    reference: Reference | None = None
    picks: tuple[Pick, ...] = ()
    merged_run_id: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """What one model did, in figures; None is what is not known. Shares run from 0 to 1.

    ``agreement`` is the mean with the others; the errors are those against the reference, per reference word for
    ``wer``. ``seconds`` is what the answer took, without what this machine did afterwards for the times.
    ``usd_per_hour`` is the cost by the length of the clip.
    """

    run_id: str
    model_id: str
    state: RunState
    cost_usd: Decimal | None = None
    usd_per_hour: Decimal | None = None
    seconds_to_first_text: float | None = None
    seconds: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    words: int | None = None
    coverage: float | None = None
    timed_by_audio: float | None = None
    agreement: float | None = None
    wer: float | None = None
    substitutions: int | None = None
    deletions: int | None = None
    insertions: int | None = None
    reference_words: int | None = None


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """A comparison as it stands now: everything that is shown, exported or printed of it.

    ``names`` are those of the columns, one for each run. ``grid`` is there for transcripts as soon as one is finished
    (then the columns of unfinished runs are empty), ``texts`` for every other task: each run's Markdown.
    ``verdict`` are sentences; ``agreement_over_time`` has, for each column, pairs of a moment and a share.
    ``normalisation`` says in words what does not count as a difference.
    """

    comparison: Comparison
    runs: tuple[Run, ...]
    names: tuple[str, ...]
    figures: tuple[ModelFigures, ...]
    grid: Grid | None = None
    texts: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    agreement_over_time: tuple[tuple[tuple[float, float], ...], ...] = ()
    normalisation: str = ""
    clip: Clip | None = None

    @property
    def is_over(self) -> bool:
        return all(run.state.is_over for run in self.runs)

    @property
    def task(self) -> str:
        return self.runs[0].request.task if self.runs else "transcript"


def column_names(runs: Sequence[Run]) -> tuple[str, ...]:
    """A name for each run's column: its model's id, numbered where the same model was asked twice."""
    ids = [run.request.model_id for run in runs]
    names = []
    for at, model_id in enumerate(ids):
        before = ids[:at].count(model_id)
        names.append(f"{model_id} ({before + 1})" if before else model_id)
    return tuple(names)


def picked(picks: Iterable[Pick], rows: Sequence[tuple[float, float]], run_ids: Sequence[str]) -> dict[int, int]:
    """The column taken for each row: that of the latest pick which holds the middle of the row."""
    columns = {run_id: at for at, run_id in enumerate(run_ids)}
    found: dict[int, int] = {}
    for pick in picks:
        if pick.run_id not in columns:
            continue
        for row, (start, end) in enumerate(rows):
            if pick.start <= (start + end) / 2 < max(pick.end, pick.start + 0.001):
                found[row] = columns[pick.run_id]
    return found


def next_pair(comparison_id: str, models: Sequence[str], judged: Iterable[frozenset[str]]) -> tuple[str, str] | None:
    """Two models that nobody judged against each other here, in an order that tells nothing; None when all were.

    Always the same pair for the same votes, so that a page drawn anew shows what it showed.
    """
    done = set(judged)
    pairs = [pair for pair in itertools.combinations(dict.fromkeys(models), 2) if frozenset(pair) not in done]
    if not pairs:
        return None
    shuffled = sorted(pairs, key=lambda pair: _lot(comparison_id, *pair))
    one, other = shuffled[0]
    return (one, other) if _lot(comparison_id, one, other, "side")[0] < "8" else (other, one)


def _lot(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
