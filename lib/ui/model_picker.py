"""Choosing models: those on this machine first, then the living catalogue."""

from __future__ import annotations

import streamlit as st

from lib.domain.model import Model
from lib.errors import UnknownModel
from lib.services import Catalogue, Services
from lib.ui.model_words import model_line
from lib.ui.source import Chosen
from lib.ui.words import plain

MOST_MODELS = 6


def choose_models(services: Services, chosen: Chosen) -> tuple[str, ...]:
    """Draw the picker, and give the ids of the chosen models in the order of choosing."""
    st.subheader("Models", anchor=False)
    catalogue = services.catalogue()
    offered = {
        model.id: model
        for model in (*services.local_models(), *catalogue.models)
        if can_take(model, has_picture=chosen.has_picture, has_sound=chosen.has_sound)
    }
    ids = pick_models(
        "One or several, up to six. Type a name to search.",
        offered,
        default=services.preferences().default_models,
        key="models",
    )
    _render_catalogue_note(services, catalogue, chosen)
    return ids


def pick_models(
    label: str, offered: dict[str, Model], *, default: tuple[str, ...], key: str, persist_state: str | None = "session"
) -> tuple[str, ...]:
    """A searchable choice of up to six ids. An id that is not offered can be typed as well."""
    return tuple(
        st.multiselect(
            label,
            list(offered),
            default=[model_id for model_id in default if model_id in offered][:MOST_MODELS],
            format_func=lambda model_id: model_line(offered[model_id]) if model_id in offered else model_id,
            key=key,
            max_selections=MOST_MODELS,
            accept_new_options=True,
            select_all=False,
            placeholder="Choose models",
            persist_state=persist_state,
        )
    )


def can_take(model: Model, *, has_picture: bool, has_sound: bool) -> bool:
    """Whether the model can make anything of such an input. What is on this machine only listens."""
    if model.is_local:
        return has_sound
    return (model.sees and has_picture) or (model.hears and has_sound)


def _render_catalogue_note(services: Services, catalogue: Catalogue, chosen: Chosen) -> None:
    """What the list leaves out, said quietly."""
    if catalogue.problem:
        st.caption(f":material/cloud_off: {plain(catalogue.problem)}")
    if not chosen.has_sound:
        st.caption(":material/volume_off: No sound in this file: only models that see are listed.")
    if not chosen.has_picture:
        st.caption(":material/graphic_eq: Sound only: only models that hear are listed.")
    for model_id in services.preferences().default_models:
        try:
            services.model(model_id)
        except UnknownModel as error:
            st.caption(f":material/info: {plain(f'{error} {error.hint}')}")
