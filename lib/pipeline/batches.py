"""Batches: many videos planned as one bill, started together, watched, cancelled and tried again as one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from lib.domain.batch import (
    NOT_STARTED,
    Batch,
    BatchPlan,
    Given,
    Item,
    Line,
    Row,
    Seat,
    Standing,
    batch_title,
    progress_of,
    without_repeats,
)
from lib.domain.comparison import Comparison
from lib.domain.media import Source, SourceKind
from lib.domain.model import Model
from lib.domain.run import Failure, Run, RunRequest
from lib.errors import CuewiseError, InputError, NothingThere
from lib.pipeline.answered import answered_before
from lib.pipeline.budget import Budget
from lib.pipeline.ingest import facts_of, link_source
from lib.pipeline.plan import MediaFacts, alike, make_plan
from lib.pipeline.requests import of_today
from lib.pipeline.run import find_model
from lib.pipeline.tools import Tools
from lib.store import Measured
from lib.ytdlp import LinkPlaylist, LinkVideo

Asked = tuple[Model, Measured]
"""A model of a plan, with what its calls so far tell."""
Compare = Callable[[Sequence[str]], Comparison]


class Desk(Protocol):
    """What is done with one video at a time: lib.services."""

    def keep_file(self, path: Path) -> Source: ...
    def look_up(self, url: str, *, hears_only: bool = False) -> LinkVideo | LinkPlaylist: ...
    def new_request(self, source: Source, model_id: str, **asked: object) -> RunRequest: ...
    def submit(
        self,
        request: RunRequest,
        *,
        key: str | None = None,
        seat: Seat | None = None,
        comparison_id: str | None = None,
    ) -> Run: ...
    def retry(self, run_id: str, *, key: str | None = None) -> Run: ...
    def cancel(self, run_id: str) -> None: ...


class Batches:
    """Verbs for pages and the command line. One video that fails says why in its row and stops none of the others.

    ``compare`` lays runs side by side that are about one video; ``budget`` says what the whole bill may come to.
    """

    def __init__(
        self, tools: Tools, desk: Desk, compare: Callable[[Sequence[str]], Comparison], budget: Budget
    ) -> None:
        self._tools = tools
        self._desk = desk
        self._compare = compare
        self._budget = budget

    # What is given

    def read_file(self, path: Path) -> Given:
        """A file on this machine, kept and measured; or why it is no good. Never raises for the file."""
        return given_or_why(path.name, lambda: self._desk.keep_file(path))

    def look_up(self, url: str, *, hears_only: bool = False) -> list[Given]:
        """What a link leads to: one video, all those of a playlist, or a link that leads nowhere and why."""
        try:
            found = self._desk.look_up(url, hears_only=hears_only)
        except CuewiseError as error:
            # Kept as a source all the same: it may lead somewhere tomorrow.
            return [Given(url, Source(SourceKind.LINK, url, url=url), _failure(error))]
        videos = found.videos if isinstance(found, LinkPlaylist) else (found,)
        return [Given(video.title, link_source(video), has_picture=video.has_video) for video in videos]

    # The bill

    def plan(self, given: Iterable[Given], model_ids: Sequence[str], **asked: object) -> BatchPlan:
        """What would be sent for each video to each model, and the whole bill; sends nothing.

        ``asked`` is what ``Services.new_request`` takes. Raises InputError where the question itself is none.
        """
        videos, repeated = without_repeats(given)

        def ask(source: Source) -> list[RunRequest]:
            return [self._desk.new_request(source, model_id, **asked) for model_id in model_ids]

        return self._plan(videos, repeated, model_ids, ask)

    def plan_more(self, batch_id: str, given: Iterable[Given]) -> BatchPlan:
        """The same for further videos, asked today what those of a batch were asked; what is in it already is left
        out."""
        batch = self._known(batch_id)
        questions = [of_today(question, self._tools) for question in _questions(batch)]
        here = {item.request.source.video_id for item in batch.items if item.request}
        videos, repeated = without_repeats(given)
        fresh = [each for each in videos if each.source is None or each.source.video_id not in here]
        repeated += [each.name for each in videos if each not in fresh]

        def ask(source: Source) -> list[RunRequest]:
            return [replace(question, source=source) for question in questions]

        return self._plan(fresh, repeated, [question.model_id for question in questions], ask)

    def _plan(
        self,
        videos: Sequence[Given],
        repeated: Sequence[str],
        model_ids: Sequence[str],
        ask: Callable[[Source], list[RunRequest]],
    ) -> BatchPlan:
        models = self._models(model_ids)
        lines: list[Line] = []
        for number, each in enumerate(videos):
            if each.source is None:
                lines.append(Line(number, 0, each.name, failure=each.failure))
            else:
                lines += self._lines(number, each, ask(each.source), models)
        own_cap_usd = next((line.request.own_cap_usd for line in lines if line.request), None)
        caps = self._budget.cap(own_cap_usd), self._budget.left_this_month()
        return BatchPlan(tuple(lines), tuple(repeated), *caps)

    def _models(self, model_ids: Iterable[str]) -> dict[str, Asked | Failure]:
        """Each model with what its calls so far tell, looked up once for all videos; or why there is none."""
        found: dict[str, Asked | Failure] = {}
        for model_id in model_ids:
            try:
                model = find_model(model_id, self._tools)
                found[model_id] = model, self._tools.store.generations.measured(model.id)
            except CuewiseError as error:
                found[model_id] = _failure(error)
        return found

    def _lines(
        self, number: int, given: Given, requests: Sequence[RunRequest], models: Mapping[str, Asked | Failure]
    ) -> list[Line]:
        """One video: a line for each model."""
        failure = given.failure
        facts = before = None
        if failure is None:
            try:
                facts = facts_of(given.source, self._tools)
                before = self._tools.store.runs.of_videos([given.source.video_id])
            except CuewiseError as error:
                failure = _failure(error)
        known = {name: each for name, each in models.items() if isinstance(each, tuple)}
        lines = []
        for place, request in enumerate(requests if facts is None else alike(requests, known, facts)):
            line = Line(number, place, given.name, request.model_id, request=request, failure=failure)
            asked = models[request.model_id]
            if isinstance(asked, Failure):
                line = replace(line, failure=failure or asked)
            else:
                model, measured = asked
                line = replace(line, model=model)
                line = line if facts is None else self._planned(line, measured, facts, before)
            lines.append(line)
        return lines

    def _planned(self, line: Line, measured: Measured, facts: MediaFacts, before: Sequence[Run]) -> Line:
        plan = make_plan(line.request, line.model, facts, measured)
        if plan.refusal:
            return replace(line, plan=plan, failure=Failure("PlanRefused", plan.refusal))
        run = answered_before(line.request, line.model, plan, before, self._tools)
        return replace(line, plan=plan, answered_by=run.id if run else None)

    # Starting

    def start(
        self,
        plan: BatchPlan,
        *,
        key: str | None = None,
        title: str | None = None,
        accepts_unknown_price: bool = False,
    ) -> Batch:
        """Start all that can be started; what cannot stays in its row with the reason. Several models over one video
        become a comparison as well.

        Raises InputError when nothing at all can be started.
        """
        if not plan.runnable:
            failure = next((line.failure for line in plan.lines if line.failure), None)
            raise InputError(failure.message, failure.hint) if failure else InputError("There is nothing to run.")
        batch_id = uuid.uuid4().hex
        plan = _as_one_order(plan, batch_id, accepts_unknown_price)
        names = list(dict.fromkeys(line.name for line in plan.lines))
        # Written down first, as not started: a crash in the middle leaves the rest where Retry finds it.
        self._tools.store.batches.add(batch_id, title or batch_title(names), [_item(line) for line in plan.lines])
        self._start(batch_id, plan, key)
        return self._known(batch_id)

    def add(
        self, batch_id: str, plan: BatchPlan, *, key: str | None = None, accepts_unknown_price: bool = False
    ) -> Batch:
        """Start what :meth:`plan_more` planned, as part of that batch."""
        plan = _as_one_order(plan, batch_id, accepts_unknown_price)
        first = max(item.video for item in self._known(batch_id).items) + 1
        plan = replace(plan, lines=tuple(replace(line, video=first + line.video) for line in plan.lines))
        self._tools.store.batches.add_items(batch_id, [_item(line) for line in plan.lines])
        self._start(batch_id, plan, key)
        return self._known(batch_id)

    def _start(self, batch_id: str, plan: BatchPlan, key: str | None) -> None:
        for lines in plan.videos:
            begun: list[str] = []
            for line in lines:
                if line.can_run and (run_id := self._begin(batch_id, _item(line), key, begun).run_id):
                    begun.append(run_id)

    def _begin(self, batch_id: str, item: Item, key: str | None, others: Sequence[str]) -> Item:
        """Queue the run of one item, beside the other runs of its video, and write down what came of it."""
        seat = Seat(batch_id, item.video, item.place)
        known = self._tools.store.comparisons.first_of(others)
        beside = next(iter(known.values()), None) or self._begun_comparison(others)
        try:
            # The run, its seat and its column are written down together: Retry starts none again that a crash came
            # right after, and no comparison misses it.
            run = self._desk.submit(item.request, key=key, seat=seat, comparison_id=beside)
        except CuewiseError as error:
            item = replace(item, run_id=None, failure=_failure(error))
            if beside and not known:  # begun for this run alone
                self._tools.store.comparisons.remove(beside)
        else:
            item = replace(item, run_id=run.id, failure=None)
        self._tools.store.batches.put_item(batch_id, item)
        return item

    def _begun_comparison(self, run_ids: Sequence[str]) -> str | None:
        """A new comparison of these runs of one video; None where there is no run."""
        here = self._tools.store.runs.some(run_ids)
        return self._compare([run_id for run_id in run_ids if run_id in here]).id if here else None

    # Watching

    def get(self, batch_id: str) -> Standing | None:
        """A batch as it stands now; None where there is no such batch."""
        batch = self._tools.store.batches.get(batch_id)
        return None if batch is None else self._standing([batch])[0]

    def newest(self, *, limit: int = 20) -> list[Standing]:
        """The batches there are, newest first."""
        return self._standing(self._tools.store.batches.newest(limit))

    def _standing(self, batches: Sequence[Batch]) -> list[Standing]:
        run_ids = [run_id for batch in batches for run_id in batch.run_ids]
        runs, comparisons = self._tools.store.runs.some(run_ids), self._tools.store.comparisons.first_of(run_ids)

        def row(item: Item) -> Row:
            return Row(item, runs.get(item.run_id or ""), comparisons.get(item.run_id or ""))

        found = []
        for batch in batches:
            rows = tuple(row(item) for item in batch.items)
            found.append(Standing(batch, rows, progress_of(batch, rows)))
        return found

    # What can be done about it

    def cancel(self, batch_id: str) -> None:
        """Stop all that is not over; what is finished is kept."""
        for row in self._seen(batch_id).rows:
            if row.run is not None and not row.state.is_over:
                self._desk.cancel(row.run.id)

    def retry(self, batch_id: str, video: int, place: int, *, key: str | None = None) -> Failure | None:
        """Try one item again that failed or was cancelled: its own run, or a first one. Gives why that could not be."""
        for row in self._seen(batch_id).rows:
            if (row.item.video, row.item.place) == (video, place) and row.can_retry:
                return self._retry(batch_id, row, key)
        return None

    def retry_failed(self, batch_id: str, *, key: str | None = None) -> tuple[Failure, ...]:
        """Try everything again that failed or was cancelled; gives why some could not be, each reason once."""
        failures = [self._retry(batch_id, row, key) for row in self._seen(batch_id).rows if row.can_retry]
        return tuple(dict.fromkeys(failure for failure in failures if failure))

    def _retry(self, batch_id: str, row: Row, key: str | None) -> Failure | None:
        item = row.item
        try:
            if row.run is not None:
                self._desk.retry(row.run.id, key=key)
                return None
            request = self._looked_up(item.request)
            item = replace(item, request=request, name=request.source.title)
        except CuewiseError as error:
            failure = _failure(error)
            if row.run is None:
                self._tools.store.batches.put_item(batch_id, replace(item, failure=failure))
            return failure
        of_video = [each for each in self._known(batch_id).items if each.video == item.video and each.run_id]
        return self._begin(batch_id, item, key, [each.run_id for each in of_video]).failure

    def _looked_up(self, request: RunRequest) -> RunRequest:
        """The request with what its link leads to now, where nobody could tell before."""
        source = request.source
        if source.kind is not SourceKind.LINK or source.title != source.url:
            return request
        found = self._desk.look_up(source.url or "")
        if isinstance(found, LinkPlaylist):
            raise InputError("This link leads to a playlist now.", "Paste it on New run, and choose among its videos.")
        return replace(request, source=link_source(found))

    def remove(self, batch_id: str) -> None:
        """Forget a batch; its runs stay in Activity and in the library."""
        self._tools.store.batches.remove(batch_id)

    def _seen(self, batch_id: str) -> Standing:
        return self._standing([self._known(batch_id)])[0]

    def _known(self, batch_id: str) -> Batch:
        found = self._tools.store.batches.get(batch_id)
        if found is None:
            raise NothingThere("There is no such batch.", "Open Activity for those there are.")
        return found


def _as_one_order(plan: BatchPlan, batch_id: str, accepts_unknown_price: bool) -> BatchPlan:
    """The plan with requests that share the cap of their batch."""

    def ordered(request: RunRequest | None) -> RunRequest | None:
        if request is None:
            return None
        is_accepted = accepts_unknown_price or request.accepts_unknown_price
        return replace(request, order_id=request.order_id or batch_id, accepts_unknown_price=is_accepted)

    return replace(plan, lines=tuple(replace(line, request=ordered(line.request)) for line in plan.lines))


def given_or_why(name: str, keep: Callable[[], Source]) -> Given:
    """What was kept of a file; or why it could not be."""
    try:
        return Given(name, keep())
    except CuewiseError as error:
        return Given(name, failure=_failure(error))


def _item(line: Line) -> Item:
    """A line before it is started."""
    return Item(
        line.video,
        line.place,
        line.name,
        line.request,
        line.estimate_usd if line.can_run else Decimal(0),
        failure=line.failure or NOT_STARTED,
    )


def _questions(batch: Batch) -> list[RunRequest]:
    """What each video of a batch is asked: as the first of them was."""
    asked: dict[int, list[RunRequest]] = {}
    for item in batch.items:
        if item.request is not None:
            asked.setdefault(item.video, []).append(item.request)
    if not asked:
        raise NothingThere("Nobody knows any more what this batch was asked.", "Start a new one on New run.")
    return next(iter(asked.values()))


def _failure(error: CuewiseError) -> Failure:
    return Failure(error.code, str(error), error.hint)
