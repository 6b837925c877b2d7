"""Many videos on New run: what would be sent for each, the whole bill, and the one button that starts them all."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lib.domain.batch import Batch, BatchPlan, Line
from lib.domain.run import Failure
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.bill import as_asked, confirm_bill, plain_total
from lib.ui.clip import ChosenClip
from lib.ui.question import Question
from lib.ui.source import Chosen, forget_added
from lib.ui.words import (
    ROUTE_WORDS,
    UNKNOWN,
    bytes_words,
    cell,
    count_words,
    duration_words,
    money,
    plain,
    render_failure,
)

ROWS_AT_ONCE = 12
ROW_HEIGHT = 35
VIDEO_WIDTH = 220
PRICE = "Price (estimate)"


def run_many(
    services: Services, chosen: Chosen, clip: ChosenClip, question: Question, models: tuple[str, ...]
) -> str | None:
    """Draw the bill for all of them and the last step; gives the id of the batch that was just started."""
    return _confirm_and_start(
        services,
        chosen,
        lambda: services.batches.plan(chosen.all_given, models, **as_asked(clip, question)),
        lambda plan, key: services.batches.start(plan, key=key, accepts_unknown_price=True),
    )


def add_to_batch(services: Services, batch_id: str, chosen: Chosen | None) -> str | None:
    """The same for more videos of a batch, which are asked what the others were; gives its id once they are started."""
    standing = services.batches.get(batch_id)
    if standing is None:
        st.info("There is no such batch here. It may have been deleted.", icon=":material/search_off:")
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Added to **{plain(standing.batch.title)}**: the same is asked of them.", width="content")
        st.page_link("pages/batch.py", label="Back to it", query_params={"batch": batch_id})
    if chosen is None:
        return None
    added_to = _confirm_and_start(
        services,
        chosen,
        lambda: services.batches.plan_more(batch_id, chosen.all_given),
        lambda plan, key: services.batches.add(batch_id, plan, key=key, accepts_unknown_price=True),
    )
    if added_to:
        forget_added()
    return added_to


def _confirm_and_start(
    services: Services,
    chosen: Chosen,
    make_plan: Callable[[], BatchPlan],
    start: Callable[[BatchPlan, str | None], Batch],
) -> str | None:
    st.subheader("Before you run", anchor=False)
    try:
        plan = make_plan()
    except CuewiseError as error:
        render_failure(error)
        return None
    _render_plan(plan, told={each.failure for each in chosen.given if each.failure})
    confirmed = confirm_bill(services, plan, run_label(plan))
    if confirmed is None:
        return None
    with st.spinner(f"Starting {count_words(len(plan.runnable), 'run')}…"):
        try:
            return start(plan, confirmed.key).id
        except CuewiseError as error:
            render_failure(error)
            return None


def run_label(plan: BatchPlan) -> str:
    """``Run 12 videos``; with several models each, ``Run 12 videos, 24 runs``."""
    videos = f"Run {count_words(plan.num_runnable_videos, 'video')}"
    return videos if len(plan.runnable) <= plan.num_runnable_videos else f"{videos}, {len(plan.runnable)} runs"


def _render_plan(plan: BatchPlan, told: set[Failure]) -> None:
    has_models = len({line.model_id for line in plan.lines if line.model_id}) > 1
    rows = [table_row(line, has_model=has_models) for line in plan.lines]
    columns = [name for name in rows[0] if any(row[name] for row in rows)] if rows else []
    st.dataframe(
        [{name: row[name] for name in columns} for row in rows],
        key="bill_rows",
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=(min(len(rows), ROWS_AT_ONCE) + 1) * ROW_HEIGHT + 3,
        column_config={
            "Video": st.column_config.TextColumn(width=VIDEO_WIDTH),
        },
    )
    _render_refusals(plan, told)
    for words in notes(plan):
        st.caption(plain(words))
    st.markdown(plain_total(plan))


def table_row(line: Line, *, has_model: bool) -> dict[str, str]:
    """A line of the bill in words: what is not known stands as such."""
    row = {"Video": cell(line.name)}
    if has_model:
        row["Model"] = cell(line.model_id)
    plan = line.plan
    if not line.can_run or plan is None:
        return row | {PRICE: UNKNOWN, "Sent": "cannot run", "Size": "", "Parts": "", "Tokens": "", "Time": ""}
    tokens = plan.prompt_tokens
    return row | {
        PRICE: _price(line),
        "Sent": ROUTE_WORDS[plan.route],
        "Size": bytes_words(plan.size_bytes) if plan.size_bytes else "",
        "Parts": f"{len(plan.parts):,}" if plan.size_bytes else "",
        "Tokens": f"{tokens + (plan.completion_tokens or 0):,}" if tokens else "",
        "Time": "" if plan.seconds is None else duration_words(max(1, round(plan.seconds))),
    }


def _price(line: Line) -> str:
    if line.answered_by:
        return "free: answered before"
    if line.model is not None and (line.model.is_local or line.model.is_free):
        return "free"
    return money(line.estimate_usd)


def _render_refusals(plan: BatchPlan, told: set[Failure]) -> None:
    """Why some cannot run: each reason once, with the names it holds for, but what is told above already."""
    for failure in dict.fromkeys(line.failure for line in plan.lines if line.failure and line.failure not in told):
        lines = [line for line in plan.lines if line.failure == failure]
        names = "" if len(lines) == len(plan.lines) else f" ({names_words([line.name for line in lines])})"
        st.error(plain(f"{failure.message} {failure.hint}{names}"), icon=":material/block:")


def names_words(names: list[str], most: int = 4) -> str:
    """The first few names, each once, and how many others there are."""
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def notes(plan: BatchPlan) -> list[str]:
    """What is worth knowing beside the table: repeats, what was answered before, how long it takes, warnings."""
    found = []
    if plan.repeated:
        found.append(f"Given twice and run once: {names_words(list(plan.repeated))}.")
    if plan.answered:
        found.append(
            f"{count_words(plan.answered, 'run')} answered before: the answer is kept, and costs nothing again."
        )
    warnings = dict.fromkeys(warning for line in plan.runnable for warning in line.plan.warnings)
    return [*found, *warnings]
