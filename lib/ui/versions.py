"""The versions of a transcript: who made each, when, what it changed; any of them can be restored."""

from __future__ import annotations

import streamlit as st

from lib.domain.run import Run
from lib.domain.versions import Author, Version
from lib.services import Services
from lib.ui.difference import render_differences
from lib.ui.repair import do_or_tell
from lib.ui.words import ago_words, count_words, plain

SHOWN = 30


def render_versions(services: Services, run: Run) -> None:
    """The list, once there is more than what the model wrote."""
    versions = services.versions.all(run.id)
    if len(versions) < 2:
        return
    with st.expander(f"Versions ({len(versions)})", icon=":material/history:", key="versions"):
        for version in versions[:SHOWN]:
            _render_version(services, run, version, is_newest=version is versions[0])
        if len(versions) > SHOWN:
            st.caption(f"And {count_words(len(versions) - SHOWN, 'older one')}, which are kept as well.")


def _render_version(services: Services, run: Run, version: Version, *, is_newest: bool) -> None:
    shown = f"changes_{run.id}"
    is_open = st.session_state.get(shown) == version.number
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(version_words(version, run, is_newest=is_newest), width="stretch")
            if version.number > 1:
                st.button(
                    "Hide changes" if is_open else "Show changes",
                    icon=":material/difference:",
                    key=f"changes_{version.number}",
                    on_click=_show,
                    args=(shown, None if is_open else version.number),
                )
            if not is_newest and st.button("Restore", icon=":material/restore:", key=f"restore_{version.number}"):
                do_or_tell(lambda: services.versions.restore(run.id, version.number))
        if is_open:
            render_differences(services.versions.difference(run.id, version.number))


def _show(shown: str, number: int | None) -> None:
    st.session_state[shown] = number


def version_words(version: Version, run: Run, *, is_newest: bool) -> str:
    """One version as Markdown: its number, its author, when, and how much it changed."""
    facts = [author_words(version, run.request.model_id), ago_words(version.changed)]
    if version.number > 1:
        facts.append(f"{count_words(version.lines_changed, 'line')} changed")
    newest = " :green-badge[Newest]" if is_newest else ""
    return f"**{version.number}**{newest} {plain(' · '.join(facts))}"


def author_words(version: Version, model_id: str) -> str:
    """Whose work a version is, in words."""
    if version.author is Author.EDIT:
        return "Edited by hand"
    if version.author is Author.MODEL:
        return f"Written by {model_id}"
    if version.author is Author.MERGED:
        return "Merged from several models"
    verb = {
        Author.REPAIR: "Repaired",
        Author.RESHAPED: "Shaped anew as",
        Author.AGAIN: "A stretch run again with",
        Author.RESTORED: "Restored",
    }[version.author]
    return f"{verb} {version.note}".strip()
