"""The sections of Settings."""

from __future__ import annotations

import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import streamlit as st

from lib.domain.plan import MEGABYTE
from lib.domain.run import PartForm
from lib.domain.user import UserLimits
from lib.errors import CuewiseError, InputError
from lib.pipeline.doctor import Verdict
from lib.services import Services
from lib.ui.caps import render_spent
from lib.ui.model_picker import pick_models
from lib.ui.words import bytes_words, count_words, money, plain, render_failure

PART_MINUTES = (1, 15)
FORM_WORDS = {
    PartForm.VIDEO_URL: "video_url: what OpenRouter asks for today",
    PartForm.IMAGE_URL: "image_url: for older servers and guides",
}
VERDICT_WORDS = {Verdict.WORKS: "✓ works", Verdict.LIMITED: "! limited", Verdict.FAILS: "✗ does not work"}
CAP_HELP = (
    "What one press of Run may cost, all its models, parts and later repairs together. A request that could cost more "
    "is not sent: what is finished by then is kept, and Retry goes on once the cap is raised."
)
MONTH_HELP = "The same for all runs of a calendar month. It holds at once, also for runs that are going on."


def render_preferences(services: Services) -> None:
    """What is kept in the database and holds for every later run."""
    preferences = services.preferences()
    st.subheader("Runs", anchor=False)
    offered = {model.id: model for model in (*services.local_models(), *services.catalogue().models)}
    with st.form("preferences"):
        models = pick_models(
            "Default models", offered, default=preferences.default_models, key="default_models", persist_state=None
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            cap = _cap_input("Spending cap per run, in US dollars", preferences.spending_cap_usd, CAP_HELP)
            monthly = _cap_input("Spending cap per month, in US dollars", preferences.monthly_cap_usd, MONTH_HELP)
        render_spent(services)
        minutes = st.slider(
            "Length of a part",
            *PART_MINUTES,
            format="%d min",
            value=min(max(round(preferences.part_seconds / 60), PART_MINUTES[0]), PART_MINUTES[1]),
            help="Long videos are asked about in parts of about this length, cut where nobody speaks. Models lose the "
            "clock and leave things out in longer ones; shorter ones cost a little more.",
        )
        form = st.radio(
            "Form of the video part",
            list(PartForm),
            index=list(PartForm).index(preferences.part_form),
            format_func=FORM_WORDS.get,
            help="Change it only when a server refuses the video and names the part type in its message.",
        )
        # A path on the operator's machine is not for each who signs in.
        is_own_machine = services.settings.user_id is None
        cookies = is_own_machine and st.text_input(
            "Cookies file for links",
            value=preferences.cookies_file or "",
            placeholder="/home/me/cookies.txt",
            help="For videos that need a signed-in browser: a cookies.txt in Netscape format, as yt-dlp reads it. "
            "The path is on the machine that runs Cuewise.",
        )
        pressed = st.form_submit_button("Save", type="primary")
    if pressed:
        try:
            chosen = replace(
                preferences,
                default_models=models,
                spending_cap_usd=cap,
                monthly_cap_usd=monthly,
                part_form=form,
                part_seconds=minutes * 60.0,
                cookies_file=read_cookies_path(cookies or ""),
            )
            services.save_preferences(chosen)
        except CuewiseError as error:
            render_failure(error)
        else:
            st.success("Saved.", icon=":material/check_circle:")


def _cap_input(label: str, value: Decimal | None, explained: str) -> Decimal | None:
    usd = st.number_input(
        label,
        min_value=0.0,
        value=None if value is None else float(value),
        step=0.5,
        format="%.2f",
        placeholder="no cap",
        help=explained,
    )
    return None if usd is None else Decimal(str(usd))


def read_cookies_path(text: str) -> str | None:
    """The path that was typed, or None for blanks. Raises InputError when there is no such file."""
    if not text.strip():
        return None
    path = Path(text.strip()).expanduser()
    if not path.is_file():
        raise InputError(f"There is no file at {path}.", "Give the whole path of a cookies.txt on this machine.")
    return str(path)


def render_storage(services: Services) -> None:
    """Where things are kept, how much room there is, and what one request may carry."""
    st.subheader("Storage and limits", anchor=False)
    settings = services.settings
    used = services.library.space().total
    free = shutil.disk_usage(settings.shared.data_dir).free
    where = "Your library" if settings.user_id else str(settings.data_dir)
    limit = f"{settings.media_limit_bytes / MEGABYTE:g} MB of media in one request"
    st.markdown(
        f":material/folder: {plain(where)} · {bytes_words(used)} used, {bytes_words(free)} free\n\n"
        f":material/upload: {limit} · CUEWISE\\_MEDIA\\_LIMIT\\_MB changes it\n\n"
        f":material/dynamic_feed: up to {count_words(settings.parts_at_once, 'part')} asked at once · "
        f"CUEWISE\\_PARTS\\_AT\\_ONCE changes it\n\n"
        f":material/dns: {plain(settings.openrouter_base_url)} · OPENROUTER\\_BASE\\_URL changes it"
    )
    if settings.user_id:
        st.markdown(f":material/group: {plain(user_limits_words(settings.user_limits))}")


def user_limits_words(limits: UserLimits) -> str:
    """What the operator lets each user have, such as ``Each user: 4 runs at once, $5.00 a month, 20 GB of media``."""
    parts = [f"{count_words(limits.runs_at_once, 'run')} at once"]
    if limits.month_usd is not None:
        parts.append(f"{money(limits.month_usd)} a month")
    if limits.storage_bytes is not None:
        parts.append(f"{bytes_words(limits.storage_bytes)} of media")
    return f"Each user: {', '.join(parts)}"


def render_health(services: Services) -> None:
    """The tools Cuewise stands on: there or not, and which version."""
    st.subheader("Tools", anchor=False)
    st.page_link("pages/status.py", label="Status: what was worked on", icon=":material/monitoring:")
    with st.spinner("Looking at the tools…"):
        tools = services.doctor.tools()
    if ill := [tool.name for tool in tools if tool.verdict is Verdict.FAILS]:
        st.warning(plain(f"Not working: {', '.join(ill)}."), icon=":material/warning:")
    st.dataframe(
        [
            {
                "Tool": tool.name,
                "State": VERDICT_WORDS[tool.verdict],
                "Version": tool.found,
                "Note": tool.note,
            }
            for tool in tools
        ],
        hide_index=True,
        height="content",
        column_config={
            "Tool": st.column_config.TextColumn(width="small"),
            "State": st.column_config.TextColumn(width="small"),
            "Version": st.column_config.TextColumn(width=150),
        },
    )
