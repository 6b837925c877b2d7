"""Adding a model to a comparison: only that one is asked, and its price is shown before."""

from __future__ import annotations

import streamlit as st

from lib.domain.comparison import MOST_MODELS, ComparisonTable
from lib.domain.model import Model
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.caps import accept_price
from lib.ui.key import ask_key, check_key
from lib.ui.model_picker import can_take
from lib.ui.model_words import model_line
from lib.ui.question import TRANSCRIPT
from lib.ui.repair import do_or_tell
from lib.ui.words import estimate_words, plain


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
        model = offered[chosen]
        st.caption(_price(services, table, model))
        key = None if model.is_local else ask_key(services, field=f"add_key_{table.comparison.id}")
        accepts = accept_price([model], key=f"add_price_{table.comparison.id}")
        now = f"add_now_{table.comparison.id}"
        if st.button("Ask it", type="primary", icon=":material/play_arrow:", key=now, disabled=not accepts):
            do_or_tell(lambda: _add(services, table, model, key))


def _offered(services: Services, table: ComparisonTable) -> dict[str, Model]:
    run = table.runs[0]
    asset = services.asset(run.asset_id) if run.asset_id else None
    there = {each.request.model_id for each in table.runs}
    is_transcript = run.request.task == TRANSCRIPT
    return {
        model.id: model
        for model in (*services.local_models(), *services.catalogue().models)
        if model.id not in there
        and (is_transcript or not model.is_local)
        and (asset is None or can_take(model, has_picture=asset.has_picture, has_sound=asset.has_sound))
    }


def _price(services: Services, table: ComparisonTable, model: Model) -> str:
    if model.is_local:
        return ":material/lock: Free and private: heard on this machine."
    try:
        plan = services.plan(services.comparisons.request_for(table.comparison.id, model.id))
    except CuewiseError as error:
        return plain(str(error))
    if plan.refusal:
        return f":material/block: {plain(plan.refusal)}"
    return plain(f"{plan.reason} {estimate_words(model, plan.estimate_usd)}")


def _add(services: Services, table: ComparisonTable, model: Model, key: str | None) -> None:
    check_key(services, model.id, key)
    services.comparisons.add(table.comparison.id, [model.id], key=key, accepts_unknown_price=True)
