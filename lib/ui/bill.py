"""The bill before the run: what would be sent to each model, what it is expected to cost, and whether it may."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import streamlit as st

from lib.domain.batch import BatchPlan
from lib.domain.media import Source
from lib.domain.model import Model
from lib.domain.plan import Plan, RouteChoice
from lib.domain.run import Run, RunRequest
from lib.errors import CuewiseError, KeyMissing
from lib.services import Services
from lib.ui.caps import CHEAPER_CLIP, cap_words
from lib.ui.clip import ChosenClip
from lib.ui.model_words import senses_words
from lib.ui.offer import Confirmed, confirm, plan_figures, render_warnings
from lib.ui.question import TRANSCRIPT, Question
from lib.ui.source import Chosen
from lib.ui.words import (
    ROUTE_CHOICES,
    ROUTE_WORDS,
    SIZE_COLOURS,
    count_words,
    estimate_words,
    money,
    plain,
    render_failure,
    verdict_words,
)

PLAN_NEEDS = "With a clip and at least one model, what would be sent and what it costs is shown here."


@dataclass(frozen=True, slots=True)
class Entry:
    """One model over one source. ``model`` and ``plan`` are None when ``problem`` says why nothing can be planned."""

    model_id: str
    title: str
    model: Model | None = None
    request: RunRequest | None = None
    plan: Plan | None = None
    problem: CuewiseError | None = None
    ways: tuple[Plan, ...] = ()
    """Every way in which it could be sent, the one that Cuewise takes by itself first."""

    @property
    def can_run(self) -> bool:
        return self.plan is not None and self.plan.can_run

    @property
    def refusal(self) -> str | None:
        """Why it cannot run, with what to do about it; None when it can."""
        if self.problem is not None:
            return f"{self.problem} {self.problem.hint}"
        return self.plan.refusal if self.plan is not None else None

    @property
    def needs_key(self) -> bool:
        return self.can_run and self.model is not None and not self.model.is_local

    @property
    def estimate_usd(self) -> Decimal | None:
        """Expected dollars; zero on this machine, None when no price is known."""
        if self.model is not None and self.model.is_local:
            return Decimal(0)
        return self.plan.estimate_usd if self.plan is not None else None


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything that one press of Run would start."""

    entries: tuple[Entry, ...]
    cap_usd: Decimal | None = None
    left_usd: Decimal | None = None
    """What this month's cap leaves; None without one."""

    @property
    def runnable(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.can_run)

    @property
    def needs_key(self) -> bool:
        return any(entry.needs_key for entry in self.entries)

    @property
    def total_usd(self) -> Decimal:
        """The sum of what has a price; see ``unpriced`` for what has none."""
        return sum((entry.estimate_usd or Decimal(0) for entry in self.runnable), Decimal(0))

    @property
    def unpriced(self) -> int:
        return sum(entry.estimate_usd is None for entry in self.runnable)


def plan_bill(
    services: Services, chosen: Chosen, clip: ChosenClip, question: Question, models: tuple[str, ...]
) -> Bill:
    """Plan every model over one source. Nothing is sent."""
    (source,) = chosen.sources
    asked = _requests(services, source, chosen.track, clip, question, models)
    entries = [_entry(services, source, model_id, asked[model_id]) for model_id in models]
    return Bill(tuple(entries), services.preferences().spending_cap_usd, services.budget.left_this_month())


def _requests(
    services: Services,
    source: Source,
    track: int,
    clip: ChosenClip,
    question: Question,
    models: tuple[str, ...],
) -> dict[str, RunRequest | CuewiseError]:
    """The question for each model, with parts that serve all of them; an error where there is no such model."""
    found: dict[str, RunRequest | CuewiseError] = {}
    for model_id in models:
        try:
            services.model(model_id)
            if question.transcript is not None:
                found[model_id] = _about_transcript(services, model_id, clip, question)
                continue
            found[model_id] = services.new_request(source, model_id, track=track, **as_asked(clip, question))
        except CuewiseError as error:
            found[model_id] = error
    try:
        asked = [request for request in found.values() if isinstance(request, RunRequest)]
        found |= {request.model_id: request for request in services.comparisons.alike(asked)}
    except CuewiseError:
        pass  # the media are gone: planning says so, model by model
    return found


def as_asked(clip: ChosenClip, question: Question) -> dict[str, object]:
    """What was chosen to be asked, as ``Services.new_request`` takes it."""
    return {
        "task": question.task,
        "prompt": question.prompt,
        "start": clip.start,
        "end": clip.end,
        "stretches": clip.stretches,
        "language": question.language,
        "terms": question.terms,
        "quality": question.quality,
        "times": question.times,
    }


def _about_transcript(services: Services, model_id: str, clip: ChosenClip, question: Question) -> RunRequest:
    asked = as_asked(clip, question)
    return services.from_transcript.request(question.transcript, model_id, **asked)


def _entry(services: Services, source: Source, model_id: str, request: RunRequest | CuewiseError) -> Entry:
    if isinstance(request, CuewiseError):
        return Entry(model_id, source.title, problem=request)
    try:
        ways = services.alternatives(request)
        request = replace(request, route=_chosen_route(model_id, ways))
        return Entry(model_id, source.title, services.model(model_id), request, services.plan(request), ways=ways)
    except CuewiseError as error:
        return Entry(model_id, source.title, problem=error)


def route_choices(ways: Sequence[Plan]) -> dict[RouteChoice, Plan]:
    """What the user may choose among: the automatic way under its own name, then the others."""
    found = {RouteChoice.AUTO: ways[0]} if ways else {}
    for plan in ways[1:]:
        if plan.route in ROUTE_CHOICES:
            found.setdefault(ROUTE_CHOICES[plan.route], plan)
    return found


def _chosen_route(model_id: str, ways: Sequence[Plan]) -> RouteChoice:
    """The user's choice while it is one: another clip or task may have taken it away."""
    chosen = RouteChoice(st.session_state.get(_route_key(model_id)) or RouteChoice.AUTO)
    return chosen if chosen in route_choices(ways) else RouteChoice.AUTO


def _route_key(model_id: str) -> str:
    return f"route_{model_id}"


def render_bill(bill: Bill, task: str) -> None:
    """One box per model, then the total."""
    st.subheader("Before you run", anchor=False)
    for entry in bill.entries:
        _render_box(entry, task)
    st.markdown(plain_total(bill))


def _render_box(entry: Entry, task: str) -> None:
    """One model: what it is, what it would be sent, and for how much."""
    model = entry.model
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{plain(model.name if model else entry.model_id)}** {_badge(model, task)}")
            if model is not None and entry.can_run:
                st.markdown(f"**{plain(estimate_words(model, entry.estimate_usd))}**")
        _render_entry(entry)


def _render_entry(entry: Entry) -> None:
    if entry.problem is not None:
        render_failure(entry.problem)
        return
    plan = entry.plan
    if plan is None:
        return
    if plan.refusal:
        st.error(plain(plan.refusal), icon=":material/block:")
        return
    about = entry.model.description if entry.model is not None and entry.model.is_local else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(plain(f"{plan.reason} {about}"), width="stretch")
        if entry.model is not None and len(route_choices(entry.ways)) > 1:
            _change_route(entry.model, entry.ways)
    if line := f"{_verdict(plan)}{plain(plan_figures(plan))}":
        st.markdown(f":small[{line}]")
    render_warnings(plan)


def _change_route(model: Model, ways: Sequence[Plan]) -> None:
    """A quiet way to another route, each with what it would send, take and cost."""
    choices = route_choices(ways)
    with st.popover("Change", type="tertiary", key=f"change_{model.id}"):
        st.radio(
            "How it is sent",
            list(choices),
            format_func=lambda choice: route_words(choice, choices),
            captions=[
                plain(f"{plan_figures(plan)} · {estimate_words(model, plan.estimate_usd)}") for plan in choices.values()
            ],
            key=_route_key(model.id),
            persist_state="session",
        )


def route_words(choice: RouteChoice, choices: Mapping[RouteChoice, Plan]) -> str:
    """A way by its name; the first says that it needs no choosing."""
    plan = choices.get(choice)
    if plan is None:
        return str(choice)
    return f"{ROUTE_WORDS[plan.route]} (automatic)" if choice is RouteChoice.AUTO else ROUTE_WORDS[plan.route]


def _badge(model: Model | None, task: str) -> str:
    """What reaches the model, as a coloured mark; its retirement is among the warnings of its plan."""
    if model is None:
        return ""
    if model.is_local:
        return ":green-badge[:material/lock: on this machine]"
    colour = "orange" if task == TRANSCRIPT and not model.hears else "gray"
    return f":{colour}-badge[{senses_words(model)}]"


def _verdict(plan: Plan) -> str:
    """The verdict in words and colour, before the figures."""
    words = verdict_words(plan)
    return f":{SIZE_COLOURS[plan.verdict]}-badge[{plain(words)}] " if words and plan.verdict else ""


def plain_total(bill: Bill | BatchPlan) -> str:
    """The sum in words, as Markdown."""
    if not bill.runnable:
        return "Nothing can be run as it stands."
    if not bill.needs_key:
        return "**Total: free.** Nothing leaves this machine."
    total = f"Total: {money(bill.total_usd, estimate=True)}"
    if bill.unpriced:
        without = count_words(bill.unpriced, "run")
        total = (
            f"Total: price unknown for {without}" if not bill.total_usd else f"{total}, and {without} without a price"
        )
    return f"**{plain(total)}** {plain(cap_words(bill.cap_usd, bill.left_usd))}".rstrip()


@dataclass(frozen=True, slots=True)
class Begun:
    """What one press of Run has started: runs, and the comparison that they are the columns of, if any."""

    runs: tuple[Run, ...] = ()
    comparison_id: str | None = None


def press_run(services: Services, bill: Bill) -> Begun:
    """Draw the last step, and give what was just started."""
    confirmed = confirm_bill(services, bill, _run_label(bill))
    return _submit(services, bill, confirmed.key) if confirmed is not None else Begun()


def confirm_bill(services: Services, bill: Bill | BatchPlan, label: str) -> Confirmed | None:
    """Draw the last step for all of it, and give that it was pressed and may be obeyed."""
    return confirm(
        services,
        [each.model for each in bill.runnable if each.model],
        bill.total_usd,
        label=label,
        key="run",
        advice=CHEAPER_CLIP,
        without_key=KeyMissing(
            "A chosen model needs your OpenRouter key.", "Paste it above, or choose local models only."
        ),
    )


def _as_one_order(requests: Sequence[RunRequest]) -> list[RunRequest]:
    """Requests that share one cap, with the user's yes to each price that is not known."""
    order_id = uuid.uuid4().hex
    return [replace(request, order_id=order_id, accepts_unknown_price=True) for request in requests]


def _run_label(bill: Bill) -> str:
    return "Run" if len(bill.runnable) <= 1 else f"Compare {len(bill.runnable)} models"


def _submit(services: Services, bill: Bill, key: str | None) -> Begun:
    """Start what can run: several models as a comparison. What could not be started says why, and then the page stays
    as it is."""
    requests = _as_one_order([entry.request for entry in bill.runnable])
    try:
        if len(requests) == 1:
            return Begun((services.submit(requests[0], key=key),))
        started = services.comparisons.start(requests, key=key)
    except CuewiseError as error:
        render_failure(error)
        return Begun()
    runs = services.comparisons.runs(started.comparison.id)
    for problem in started.problems:
        render_failure(problem)
    if started.problems:
        st.info(f"{count_words(len(runs), 'run')} started: see Activity.", icon=":material/pending_actions:")
        return Begun()
    return Begun(runs, started.comparison.id)
