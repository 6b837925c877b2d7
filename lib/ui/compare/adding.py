"""Adding a model to a comparison: only that one is asked, and its price is shown before."""

from __future__ import annotations

import streamlit as st

from lib.domain.comparison import MOST_MODELS, ComparisonTable
from lib.domain.model import Model
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.model_picker import models_for
from lib.ui.model_words import model_line
from lib.ui.offer import offer
from lib.ui.repair import do_or_tell
from lib.ui.words import render_failure


def add_model(services: Services, table: ComparisonTable) -> None:
    """A quiet way to one more column, while there is room for one."""
    if not table.runs or len(table.runs) >= MOST_MODELS:
        return
    with st.popover("Add a model", icon=":material/add:"):
        offered = _offered(services, table)
        chosen = st.selectbox(
            "Ask another model the same",
            list(offered),
            format_func=lambda model_id: model_line(offered[model_id]) if model_id in offered else model_id,
            index=None,
            placeholder="Choose a model",
            key=f"add_model_{table.comparison.id}",
        )
        if chosen is None:
            st.caption("Nothing else is asked again.")
            return
        _offer(services, table, offered[chosen], or_local=any(model.is_local for model in offered.values()))


def _offer(services: Services, table: ComparisonTable, model: Model, *, or_local: bool) -> None:
    comparison_id = table.comparison.id
    try:
        plan = services.plan(services.comparisons.request_for(comparison_id, model.id))
    except CuewiseError as error:
        render_failure(error)
        return
    confirmed = offer(services, model, plan, label="Ask it", key=f"add_{comparison_id}", or_local=or_local)
    if confirmed is not None:
        key = confirmed.key
        do_or_tell(lambda: services.comparisons.add(comparison_id, [model.id], key=key, accepts_unknown_price=True))


def _offered(services: Services, table: ComparisonTable) -> dict[str, Model]:
    there = {each.request.model_id for each in table.runs}
    return {model.id: model for model in models_for(services, table.runs[0]) if model.id not in there}
