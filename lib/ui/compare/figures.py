"""The figures of a comparison: the verdict in words, a table, charts, and the text that errors are counted against."""

from __future__ import annotations

import streamlit as st

from lib.domain.comparison import ComparisonTable, ModelFigures
from lib.domain.run import RunState
from lib.errors import CuewiseError
from lib.formats.references import read_reference
from lib.services import Services
from lib.ui.compare_charts import AgreementLine, CostPoint, Measure, agreement_chart, cost_chart
from lib.ui.repair import do_or_tell
from lib.ui.words import STATE_WORDS, captions_words, cell, plain, render_failure

REFERENCE_TYPES = ("srt", "vtt", "txt")
REFERENCE_BYTES = 5_000_000


def render_figures(services: Services, table: ComparisonTable) -> None:
    _render_verdict(table)
    _render_table(table)
    _render_charts(table)
    if table.normalisation:
        _render_reference(services, table)


def _render_verdict(table: ComparisonTable) -> None:
    if not table.is_over:
        st.caption(":material/hourglass_top: The verdict comes when every model is done.")
    elif table.verdict:
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in table.verdict))


def _offer_captions(services: Services, table: ComparisonTable) -> None:
    """The captions that the video's site has: by people first, a machine's named as such."""
    source = table.runs[0].request.source
    tracks = source.captions or ()
    if not tracks:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        track = st.selectbox(
            "The video's own captions", tracks, format_func=captions_words, key=f"captions_{table.comparison.id}"
        )
        if st.button("Measure against these", key="captions_use", icon=":material/closed_caption:"):
            do_or_tell(lambda: services.comparisons.measure_against(table.comparison.id, track))


def _render_table(table: ComparisonTable) -> None:
    rows = [_row(name, figures) for name, figures in zip(table.names, table.figures, strict=True)]
    known = [column for column in rows[0] if any(row[column] is not None for row in rows)]
    share = {"format": "%.1f%%"}
    st.dataframe(
        [{column: row[column] for column in known} for row in rows],
        hide_index=True,
        height="content",
        placeholder="—",
        column_config={
            "Model": st.column_config.TextColumn(width="medium", pinned=True),
            "Cost": st.column_config.NumberColumn(format="$%.4f", help="What was billed; local models are free."),
            "Per hour": st.column_config.NumberColumn(format="$%.3f", help="Dollars for an hour of video."),
            "First words": st.column_config.NumberColumn(format="%.1f s", help="From the request to the first text."),
            "Answered": st.column_config.NumberColumn(
                format="%.1f s", help="Until its whole answer was there; the listening for the times is not counted."
            ),
            "Words": st.column_config.NumberColumn(format="localized"),
            "Coverage": st.column_config.NumberColumn(**share, help="Share of the speech that has text."),
            "Timed by sound": st.column_config.NumberColumn(**share),
            "Agreement": st.column_config.NumberColumn(**share, help="Mean share of words in common with the others."),
            "WER": st.column_config.NumberColumn(**share, help="Word errors per word of the reference."),
        },
    )
    if table.normalisation:
        st.caption(plain(table.normalisation))


def _row(name: str, figures: ModelFigures) -> dict[str, object]:
    def number(value) -> float | None:
        return None if value is None else float(value)

    def per_cent(share: float | None) -> float | None:
        return None if share is None else 100 * share

    return {
        "Model": cell(name),
        "State": STATE_WORDS[figures.state],
        "Cost": number(figures.cost_usd),
        "Per hour": number(figures.usd_per_hour),
        "First words": figures.seconds_to_first_text,
        "Answered": figures.seconds,
        "Words": figures.words,
        "Coverage": per_cent(figures.coverage),
        "Timed by sound": per_cent(figures.timed_by_audio),
        "Agreement": per_cent(figures.agreement),
        "WER": per_cent(figures.wer),
        "Substituted": figures.substitutions,
        "Left out": figures.deletions,
        "Added": figures.insertions,
    }


def _render_charts(table: ComparisonTable) -> None:
    has_reference = any(figures.wer is not None for figures in table.figures)
    measure = Measure.WER if has_reference else Measure.AGREEMENT
    points = [
        CostPoint(name, figures.cost_usd, figures.wer if has_reference else figures.agreement)
        for name, figures in zip(table.names, table.figures, strict=True)
        if figures.state is RunState.DONE
    ]
    over_time = zip(table.names, table.agreement_over_time, strict=False)
    cost, agreement = cost_chart(points, measure), agreement_chart([AgreementLine(*each) for each in over_time])
    if cost is None and agreement is None:
        return
    one, other = st.columns(2, gap="medium")
    if cost is not None:
        with one:
            st.markdown(f"**Cost against {'word errors' if has_reference else 'agreement'}**")
            st.altair_chart(cost)
    if agreement is not None:
        with other if cost is not None else one:
            st.markdown("**Agreement over time**")
            st.altair_chart(agreement)


def _render_reference(services: Services, table: ComparisonTable) -> None:
    comparison = table.comparison
    with st.expander(
        "Measure against what was really said", icon=":material/rule:", expanded=comparison.reference is not None
    ):
        if comparison.reference is not None:
            automatic = " (automatic: a machine's own errors count too)" if comparison.reference.is_automatic else ""
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f":material/check_circle: {plain(comparison.reference.name + automatic)}", width="stretch")
                if st.button("Take it away", key="reference_away", type="tertiary", icon=":material/close:"):
                    do_or_tell(lambda: services.comparisons.set_reference(comparison.id, None))
        _offer_captions(services, table)
        given = st.file_uploader(
            "SRT, VTT or TXT", type=REFERENCE_TYPES, key=f"reference_{comparison.id}", max_upload_size=5
        )
        if given is None:
            st.caption("With times, only what lies in the clip counts; a plain text counts as a whole.")
            return
        try:
            text = given.getvalue()[:REFERENCE_BYTES].decode("utf-8-sig", errors="replace")
            reference = read_reference(given.name, text)
        except CuewiseError as error:
            render_failure(error)
            return
        if reference != comparison.reference and st.button("Measure against it", type="primary", key="reference_use"):
            do_or_tell(lambda: services.comparisons.set_reference(comparison.id, reference))
