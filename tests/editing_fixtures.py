"""Runs that are done, written straight into a store: what a model would have said, without waiting for one."""

from __future__ import annotations

from collections.abc import Sequence

from lib.domain.health import Health
from lib.domain.media import Clip, Source
from lib.domain.plan import Part, Plan, Route
from lib.domain.run import PartState, RunRequest
from lib.domain.transcript import Cue, TimedBy, Transcript
from lib.store import Store
from tests.run_fixtures import finish

MODEL = "local/whisper-base"
TWO_CITIES = (
    # What is said in two_cities, from when to when, and by whom.
    (1.2, 4.8, "It was the best of times, it was the worst of times.", "Speaker 1"),
    (5.1, 8.5, "It was the age of wisdom, it was the age of foolishness.", "Speaker 1"),
    (8.8, 13.2, "It was the epoch of belief, it was the epoch of incredulity.", "Speaker 2"),
    (13.5, 17.0, "It was the season of light, it was the season of darkness.", "Speaker 1"),
    (17.3, 20.9, "It was the spring of hope, it was the winter of despair.", None),
    (21.2, 24.4, "We had everything before us, we had nothing before us.", None),
)


def cues_of(lines: Sequence[tuple[float, float, str, str | None]] = TWO_CITIES) -> tuple[Cue, ...]:
    return tuple(Cue(start, end, text, speaker, TimedBy.AUDIO) for start, end, text, speaker in lines)


def write_run(
    store: Store,
    run_id: str,
    source: Source,
    cues: Sequence[Cue],
    *,
    task: str = "transcript",
    model_id: str = MODEL,
    route: Route = Route.LOCAL,
    end: float = 44.4,
    health: Health | None = None,
    text: str = "",
    cost: str | None = None,
    again_of: str | None = None,
) -> str:
    """A run over a source, done, with this transcript as its first version; ``text`` is that of the cues by default."""
    plan = Plan(model_id, route, "", Clip(0.0, end), (Part(0, 0.0, end, 100),))
    store.runs.add(run_id, RunRequest(source, model_id, task=task), plan, again_of=again_of)
    store.runs.begin(run_id, 1)
    store.runs.set_plan(run_id, 1, plan)
    store.runs.report_part(run_id, 1, 0, state=PartState.OK)
    text = text or "\n".join(cue.text for cue in cues)
    store.transcripts.keep(run_id, Transcript(tuple(cues), text, "en"), attempt=1)
    finish(store, run_id, cost=cost, health=health, measured=store.transcripts.newest(run_id).version)
    return run_id
