"""The library: videos with their runs and tags, what is found in them, what they cost, the room they take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lib.domain.media import MediaAsset
from lib.domain.run import Run, RunState, best_first
from lib.domain.search import Spot

LONGEST_TAG = 40


@dataclass(frozen=True, slots=True)
class Filters:
    """Which runs are meant; None lets every one through. Days are of UTC, both included, and so are both sums.

    A run whose cost nobody knows is let through only where no sum is given.
    """

    model_id: str | None = None
    task: str | None = None
    state: RunState | None = None
    tag: str | None = None
    since: date | None = None
    until: date | None = None
    least_usd: Decimal | None = None
    most_usd: Decimal | None = None

    @property
    def count(self) -> int:
        """How many of them are set, a stretch of days or of dollars counting once."""
        alone = (self.model_id, self.task, self.state, self.tag)
        pairs = ((self.since, self.until), (self.least_usd, self.most_usd))
        return sum(each is not None for each in alone) + sum(pair != (None, None) for pair in pairs)


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to filter by."""

    model_ids: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Video:
    """A video, or a sound, with everything that was done with it; ``runs`` newest first, never none.

    ``id`` is that of its sources (``Source.video_id``). ``asset`` is None where the media is not on this machine.
    """

    id: str
    runs: tuple[Run, ...]
    tags: tuple[str, ...] = ()
    asset: MediaAsset | None = None

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("a video is in the library for its runs")

    @property
    def title(self) -> str:
        return self.runs[0].request.source.title

    @property
    def duration(self) -> float | None:
        return self.asset.duration if self.asset else self.runs[0].request.source.duration

    @property
    def to_open(self) -> Run:
        """The newest run that is done and no stretch run again, else the newest."""
        done = (run for run in self.runs if run.state is RunState.DONE and not run.is_rerun)
        return next(done, self.runs[0])

    @property
    def to_ask_about(self) -> Run | None:
        """The run with the best transcript that can be asked about."""
        return next(iter(best_first(self.runs, "transcript")), None)

    @property
    def going_on(self) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if not run.state.is_over)

    @property
    def cost_usd(self) -> Decimal:
        """What is known of what it cost."""
        return sum((run.cost_usd for run in self.runs if run.cost_usd is not None), Decimal(0))


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of the videos, newest run first, and how many there are on all pages."""

    videos: tuple[Video, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where it was said."""

    run: Run
    spot: Spot


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what a search found.

    ``count`` is how many places there are; ``is_more`` says that there are more, which nobody counted. ``is_ranked``:
    best first, else newest first, as where there are too many to weigh.
    """

    hits: tuple[Hit, ...] = ()
    count: int = 0
    is_more: bool = False
    is_ranked: bool = False


@dataclass(frozen=True, slots=True)
class Month:
    """What the runs of one month (``2026-11``, UTC) really cost."""

    name: str
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes in the data folder, by what they are for.

    ``unneeded`` is the part of ``media`` that no run needs; ``leftovers`` are downloads and encodings that broke off,
    or are going on.
    """

    media: int
    unneeded: int
    renditions: int
    leftovers: int
    weights: int
    database: int
    others: int

    @property
    def total(self) -> int:
        return self.media + self.renditions + self.leftovers + self.weights + self.database + self.others


@dataclass(frozen=True, slots=True)
class Farewell:
    """What a deletion would take along; ``rendition_bytes`` are those of all that was made of the file.

    ``going_on``: runs that must be cancelled first; ``is_shared``: the file stays, since another video's runs need it.
    """

    title: str
    runs: int
    transcripts: int
    file_bytes: int = 0
    rendition_bytes: int = 0
    is_shared: bool = False
    going_on: tuple[Run, ...] = ()
    conversations: int = 0

    @property
    def size_bytes(self) -> int:
        return self.file_bytes + self.rendition_bytes
