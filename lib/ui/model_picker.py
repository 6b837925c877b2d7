"""Choosing models: those on this machine first, then the living catalogue."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lib.domain.model import Model
from lib.domain.run import Run
from lib.errors import UnknownModel
from lib.services import Catalogue, Services
from lib.ui.model_words import model_line, reader_line
from lib.ui.question import TRANSCRIPT
from lib.ui.source import Chosen
from lib.ui.words import plain

MOST_MODELS = 6


def choose_models(services: Services, chosen: Chosen, *, is_reading: bool = False) -> tuple[str, ...]:
    """Draw the picker, and give the ids of the chosen models in the order of choosing. Where they are only to read, all
    of the catalogue can."""
    st.subheader("Models", anchor=False)
    catalogue = services.catalogue()
    if is_reading:
        return _choose_readers(services, catalogue)
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


def _choose_readers(services: Services, catalogue: Catalogue) -> tuple[str, ...]:
    offered = {model.id: model for model in catalogue.every}
    favourites = [model_id for model_id in services.preferences().default_models if model_id in offered]
    ids = pick_models(
        "One or several, up to six. Type a name to search.",
        offered,
        default=tuple(favourites or list(offered)[:1]),
        key="reading_models",
        words=reader_line,
    )
    if catalogue.problem:
        st.caption(f":material/cloud_off: {plain(catalogue.problem)}")
    return ids


def pick_models(
    label: str,
    offered: dict[str, Model],
    *,
    default: tuple[str, ...],
    key: str,
    persist_state: str | None = "session",
    words: Callable[[Model], str] = model_line,
) -> tuple[str, ...]:
    """A searchable choice of up to six ids. An id that is not offered can be typed as well."""
    return tuple(
        st.multiselect(
            label,
            list(offered),
            default=[model_id for model_id in default if model_id in offered][:MOST_MODELS],
            format_func=lambda model_id: words(offered[model_id]) if model_id in offered else model_id,
            key=key,
            max_selections=MOST_MODELS,
            accept_new_options=True,
            select_all=False,
            placeholder="Choose models",
            persist_state=persist_state,
        )
    )


def models_for(services: Services, run: Run) -> list[Model]:
    """The models that can be asked what a run was asked, of its video or of its text: those of this machine first, then
    the user's own, then all."""
    if run.request.about is not None:
        return list(services.from_transcript.models())
    asset = services.asset(run.asset_id) if run.asset_id else None
    has_picture, has_sound = (asset.has_picture, asset.has_sound) if asset else (True, True)
    local = services.local_models() if run.request.task == TRANSCRIPT else ()
    favourites = services.preferences().default_models
    remote = sorted(services.catalogue().models, key=lambda model: model.id not in favourites)
    return [model for model in (*local, *remote) if can_take(model, has_picture=has_picture, has_sound=has_sound)]


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
