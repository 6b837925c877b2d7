"""The models as a table, and where the list comes from."""

from __future__ import annotations

import streamlit as st

from lib.domain.model import Model
from lib.pipeline.estimate import USUAL_GUESS
from lib.services import Catalogue, Services
from lib.ui.model_words import context_hours, hour_price
from lib.ui.words import ago_words, cell, count_words, plain

PRICE = "$ per hour (estimate)"
ESTIMATE_NOTE = (
    "Prices and hours are estimates. A price is for the transcript of an hour of video with sound (of its sound alone, "
    "where a model only hears), asked for in parts of five minutes, at the tokens a second that the model's family is "
    f"known to take. Where nobody measured the family, {USUAL_GUESS:.0f} a second are assumed. “Before you run” gives "
    "the price of your clip."
)


def render_catalogue(services: Services) -> None:
    """Search, Refresh, the table, and how fresh it is."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Search", key="search", placeholder="Name or id", bind="query-params", live=True)
        hears_only = st.toggle("Hears speech", key="hears", help="Leave out the models that only see")
        refresh = st.button("Refresh", icon=":material/refresh:", key="refresh")
    with st.spinner("Fetching the catalogue…", show_time=True):
        catalogue = services.catalogue(refresh=refresh)
    _render_freshness(catalogue)
    models = [
        model
        for model in (*services.local_models(), *catalogue.models)
        if matches(model, words) and (model.hears or not hears_only)
    ]
    if not models:
        st.caption("No model matches. Search for less, or press Refresh.")
        return
    st.dataframe(
        [table_row(model) for model in models],
        hide_index=True,
        height="content" if len(models) <= 16 else 600,
        column_config={
            "Name": st.column_config.TextColumn(width="medium"),
            "Sees": st.column_config.TextColumn(width="small", alignment="center"),
            "Hears": st.column_config.TextColumn(width="small", alignment="center"),
            "Id": st.column_config.TextColumn(width="medium", help="local/… runs on this machine: free and private"),
            PRICE: st.column_config.NumberColumn(
                format="dollar", help="US dollars for the transcript of an hour, estimated"
            ),
            "Context": st.column_config.NumberColumn(format="%.1f h", help="Hours of video that fit at once"),
            "Retires": st.column_config.DateColumn(format="D MMM YYYY", width="small"),
        },
        placeholder="—",
    )
    st.caption(ESTIMATE_NOTE)


def _render_freshness(catalogue: Catalogue) -> None:
    if catalogue.problem:
        st.warning(plain(catalogue.problem), icon=":material/cloud_off:")
    if catalogue.fetched is None:
        st.caption("The list of online models could not be fetched yet. The models on this machine work without it.")
    else:
        fetched = f"{ago_words(catalogue.fetched)} ({catalogue.fetched:%Y-%m-%d %H:%M} UTC)"
        st.caption(f"{count_words(len(catalogue.models), 'online model')} · fetched {fetched}")


def matches(model: Model, words: str) -> bool:
    """Whether every word stands in the model's name or id."""
    text = f"{model.name} {model.id}".casefold()
    return all(word in text for word in words.casefold().split())


def table_row(model: Model) -> dict[str, object]:
    """A model as the table shows it; what is not known stays empty, never zero."""
    price = 0 if model.is_local else hour_price(model)
    return {
        "Name": cell(model.name),
        "Sees": "✓" if model.sees else "",
        "Hears": "✓" if model.hears else "",
        PRICE: None if price is None else float(price),
        "Context": None if model.is_local else context_hours(model),
        "Retires": model.expires,
        "Id": cell(model.id),
    }
