"""One batch as it stands now, or the list of those there are."""

from __future__ import annotations

import streamlit as st

from lib.domain.batch import Progress, Row, Standing
from lib.domain.run import RunState
from lib.services import Services
from lib.ui.empty import render_empty
from lib.ui.exports_of_many import render_zip
from lib.ui.more import render_with_more
from lib.ui.run_card import render_run
from lib.ui.session import known_key
from lib.ui.words import ago_words, count_words, duration_words, money, plain, render_failure, state_badge

REFRESH_SECONDS = 1.0
SHOWN, NEWEST_SHOWN = 50, 3
VIDEOS_A_PAGE = 20
PROBLEMS = "batch_problems"


def render_batches(services: Services, batch_id: str | None) -> None:
    """The batch named in the address, kept up to date while its runs go on; without one, all there are."""
    standing = services.batches.get(batch_id) if batch_id else None
    if standing is None:
        _render_list(services, is_missing=bool(batch_id))
        return
    is_over = standing.progress.is_over
    st.fragment(_render_batch, run_every=None if is_over else REFRESH_SECONDS)(services, standing.batch.id, is_over)


def render_newest(services: Services) -> None:
    """The newest few, for Activity; nothing where there is none."""
    found = services.batches.newest(limit=NEWEST_SHOWN + 1)
    if not found:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Started together", anchor=False, width="content")
        if len(found) > NEWEST_SHOWN:
            st.page_link("pages/batch.py", label="All batches", icon=":material/stacks:")
    for standing in found[:NEWEST_SHOWN]:
        _render_line(standing)
    st.subheader("Runs", anchor=False)


def _render_list(services: Services, *, is_missing: bool) -> None:
    st.header(":material/stacks: Batches", anchor=False)
    if is_missing:
        st.info("There is no such batch here. It may have been deleted.", icon=":material/search_off:")
    shown = render_with_more(
        lambda limit: services.batches.newest(limit=limit), _render_line, at_first=SHOWN, key="batches"
    )
    if not shown:
        render_empty(
            "Nothing has been started together yet.",
            "Drop several files on New run, paste a list of links, or tick videos of a playlist: they get one bill "
            "and are started with one button.",
        )


def _render_line(standing: Standing) -> None:
    """A batch in a list: its name, how far it is, and the way to it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(gap="xxsmall", width="stretch"):
            st.markdown(f"**{plain(standing.batch.title)}**", wrap=False)
            when = ago_words(standing.batch.created)
            st.caption(plain(" · ".join([progress_words(standing.progress), money_words(standing.progress), when])))
        st.page_link(
            "pages/batch.py", label="Open", icon=":material/stacks:", query_params={"batch": standing.batch.id}
        )


def _render_batch(services: Services, batch_id: str, was_over: bool) -> None:
    standing = services.batches.get(batch_id)
    if standing is None or standing.progress.is_over != was_over:
        # The clock of a fragment is set when the page draws it: start or stop it.
        st.rerun()
    st.header(plain(standing.batch.title), anchor=False)
    st.caption(plain(" · ".join(facts(standing))))
    _render_progress(standing.progress)
    _render_actions(services, standing)
    for failure in st.session_state.get(PROBLEMS, {}).get(batch_id, ()):
        render_failure(failure)
    _render_rows(services, standing)


def facts(standing: Standing) -> list[str]:
    """How many videos, by which models, for which task, and when."""
    requests = [item.request for item in standing.batch.items if item.request is not None]
    return [
        count_words(len(standing.videos), "video"),
        ", ".join(dict.fromkeys(request.model_id for request in requests)),
        ", ".join(dict.fromkeys(request.task for request in requests)),
        f"started {ago_words(standing.batch.created)}",
    ]


def _render_progress(progress: Progress) -> None:
    st.progress(min(max(progress.share, 0.0), 1.0), text=plain(progress_words(progress)))
    words = [money_words(progress), duration_words(round(progress.seconds, 1))]
    st.caption(plain(" · ".join(words)))


def progress_words(progress: Progress) -> str:
    """``7 of 12 done · 1 failed · 2 running · 2 waiting``."""
    others = {
        "failed": progress.failed,
        "cancelled": progress.cancelled,
        "running": progress.running,
        "waiting": progress.waiting,
    }
    words = [f"{progress.done} of {progress.total} done"]
    return " · ".join([*words, *(f"{count} {word}" for word, count in others.items() if count)])


def money_words(progress: Progress) -> str:
    """Dollars so far beside what was expected; unknown prices are said."""
    if not progress.estimate_usd and not progress.unpriced and not progress.cost_usd:
        return "free"
    unknown = f", {count_words(progress.unpriced, 'run')} without a known price" if progress.unpriced else ""
    so_far = "" if progress.is_over else " so far"
    return f"{money(progress.cost_usd)}{so_far}, expected {money(progress.estimate_usd, estimate=True)}{unknown}"


def _render_actions(services: Services, standing: Standing) -> None:
    batch_id, progress = standing.batch.id, standing.progress
    with st.container(horizontal=True, vertical_alignment="center"):
        if not progress.is_over:
            cancel = {"on_click": services.batches.cancel, "args": (batch_id,)}
            st.button("Cancel all", key="cancel_all", icon=":material/stop_circle:", **cancel)
        if standing.can_retry:
            retry = {"on_click": _retry_failed, "args": (services, batch_id)}
            st.button("Retry failed", key="retry_failed", icon=":material/refresh:", **retry)
        if standing.done_run_ids:
            render_zip(services, standing.done_run_ids, key=batch_id)
        st.page_link("app.py", label="Add videos", icon=":material/add:", query_params={"add_to": batch_id})
        if progress.is_over:
            st.button(
                "Forget",
                key="forget_batch",
                type="tertiary",
                icon=":material/delete:",
                help="Its runs stay in Activity and in the library.",
                on_click=services.batches.remove,
                args=(batch_id,),
            )


def _retry_failed(services: Services, batch_id: str) -> None:
    """Try what failed again, and keep what went wrong beside its batch until the next attempt."""
    failures = services.batches.retry_failed(batch_id, key=known_key(services))
    st.session_state.setdefault(PROBLEMS, {})[batch_id] = failures


def _retry(services: Services, batch_id: str, row: Row) -> None:
    services.batches.retry(batch_id, row.item.video, row.item.place, key=known_key(services))


def _render_rows(services: Services, standing: Standing) -> None:
    videos = standing.videos
    num_pages = -(-len(videos) // VIDEOS_A_PAGE)
    first = (min(st.session_state.get("batch_page") or 1, num_pages) - 1) * VIDEOS_A_PAGE
    for rows in videos[first : first + VIDEOS_A_PAGE]:
        for row in rows:
            if row.run is not None:
                render_run(services, row.run, row.comparison_id)
            else:
                _render_unstarted(services, standing.batch.id, row)
    if num_pages > 1:
        st.pagination(num_pages, key="batch_page")


def _render_unstarted(services: Services, batch_id: str, row: Row) -> None:
    """A row that has no run: what it was, and why it could not be started."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{plain(row.item.name)}**", wrap=False)
        badge = state_badge(RunState.FAILED)
        model = plain(row.item.request.model_id) if row.item.request else ""
        st.markdown(f"{badge} :small[{model}]" if model else badge)
        if row.failure is not None:
            render_failure(row.failure)
        if row.can_retry:
            number = f"{row.item.video}_{row.item.place}"
            retry = {"on_click": _retry, "args": (services, batch_id, row)}
            st.button("Retry", key=f"retry_{number}", icon=":material/refresh:", **retry)
