"""The frame around every page: title, menu, services, and the sentence shown when they cannot open."""

from __future__ import annotations

import threading
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.requests import HTTPConnection

from lib.domain.user import User
from lib.errors import InputError, NotLetIn, SignInNeeded, StorageError
from lib.services import Services, open_services
from lib.settings import APP_NAME, Settings
from lib.ui.login import render_sign_in, user_of_page, user_of_request
from lib.ui.session import sign_out
from lib.ui.words import plain, render_failure

ROOT = Path(__file__).resolve().parents[2]
ASSETS = Path(__file__).parent / "assets"
LEAVES_THE_MACHINE = "Local models keep everything on this machine. Other models get only the clip you run."

# Streamlit fades captions to a contrast under 4.5 to 1 and the rings of radio buttons to one under 3 to 1 (WCAG AA),
# writes what is chosen in the accent, which is too dark for words on a dark page and too light on its own tint, keeps
# wide margins on narrow screens, has no foot in its sidebar, reads every document from the left, shows the headings of
# a model's answer larger than the page's own, and takes a link to another run on the same page for one to the page
# that is open.
STYLE = """
<style>
[data-testid="stCaptionContainer"] { opacity: 0.76; }
[data-testid="stRadioOption"]:not(:has(:checked)) > div > div:first-child { border-color: #76857f; }
[data-testid="stSliderThumbValue"], [data-testid="stButtonGroup"] [data-selected] { color: inherit !important; }
:is(.st-key-making, .st-key-made_of) [data-testid="stPageLink-NavLink"] { background: none; }
:is(.st-key-making, .st-key-made_of) [data-testid="stPageLink-NavLink"] * { font-weight: 400; }
.st-key-sign_in_page { max-width: 24rem; margin: 12vh auto 0; }
[class*="st-key-document"] :is(p, li, h1, h2, h3, h4) { unicode-bidi: plaintext; text-align: start; }
[data-testid="stMarkdown"] h1 { font-size: 1.3rem; padding: 0.5rem 0 0.25rem; }
[data-testid="stMarkdown"] h2 { font-size: 1.15rem; padding: 0.5rem 0 0.25rem; }
[data-testid="stMarkdown"] :is(h3, h4, h5, h6) { font-size: 1rem; padding: 0.5rem 0 0.25rem; }
[data-testid="stMainBlockContainer"] { padding-inline: clamp(1rem, 4vw, 4rem); }
@media (min-height: 34rem) {
  .st-key-foot { position: absolute; bottom: 1.25rem; left: 1.25rem; right: 1rem; width: auto; }
}
</style>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One line of the menu: a script relative to the root, its name and its icon."""

    script: str
    name: str
    icon: str


PAGES = (
    Page("app.py", "New run", ":material/add_circle:"),
    Page("pages/activity.py", "Activity", ":material/pending_actions:"),
    Page("pages/compare.py", "Compare", ":material/compare_arrows:"),
    Page("pages/ask.py", "Ask", ":material/forum:"),
    Page("pages/library.py", "Library", ":material/video_library:"),
    Page("pages/models.py", "Models", ":material/neurology:"),
    Page("pages/settings.py", "Settings", ":material/tune:"),
)
"""The menu, top to bottom. A transcript is reached from its run, so it is not here."""


THINGS = {"run", "comparison", "batch", "conversation"}
"""What an address can name."""


def open_page(title: str, icon: str, *, wide: bool = False, heading: bool = True) -> Services:
    """Draw the frame and the heading, and give the services. Every page calls it first, on every run.

    Where there is a login, who is not signed in sees the way in and nothing else, and the services are the user's own.
    Stops the page with a sentence when the services cannot open. ``icon`` is a Material icon shown before the
    heading; the browser's tab shows the app's own mark, since Streamlit fetches Material favicons from elsewhere.
    ``heading`` False leaves the heading to a page that has a better one than its name.
    """
    st.set_page_config(
        page_title=f"{title} · {APP_NAME}",
        page_icon=str(ASSETS / "mark.svg"),
        layout="wide" if wide else "centered",
        menu_items={},
    )
    _tell_address()
    user = _let_in()
    _draw_menu(user)
    if heading:
        st.header(f"{icon} {plain(title)}", anchor=False)
    try:
        services = _services_for(user, Settings.from_environment())
        services.ensure_worker()
    except (InputError, StorageError) as error:
        render_failure(error)
        st.stop()
    if problem := services.disk_problem() or services.worker_problem():
        render_failure(problem)
    return services


def _tell_address() -> None:
    """Let the address name what is looked at, for a reload: a link to the page one is on leaves the old one there.

    Fields that stand in the address, as searches do, are the browser's: it is ahead of us while somebody types.
    """
    if THINGS.intersection(st.query_params):
        st.query_params.update()


def _let_in() -> User | None:
    """Who looks at the page; None without a login. Stops here for everybody else."""
    try:
        return user_of_page(Settings.from_environment())
    except (SignInNeeded, NotLetIn) as error:
        st.html(STYLE)
        render_sign_in(error)
    except InputError as error:
        render_failure(error)
    st.stop()


def _draw_menu(user: User | None) -> None:
    theme = "dark" if st.context.theme.type == "dark" else "light"
    st.logo(str(ASSETS / f"wordmark-{theme}.svg"), size="large", icon_image=str(ASSETS / "mark.svg"))
    with st.sidebar:
        for page in PAGES:
            if (ROOT / page.script).exists():
                st.page_link(page.script, label=page.name, icon=page.icon)
        with st.container(key="foot"):
            if user is not None:
                _draw_account(user)
            st.caption(f"{LEAVES_THE_MACHINE}\n\n{APP_NAME} {version()}")
    st.html(STYLE)


def _draw_account(user: User) -> None:
    with st.container(key="account", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(plain(user.name))
        st.button("Sign out", key="sign_out", type="tertiary", icon=":material/logout:", on_click=sign_out)


_opened: dict[Settings, Services] = {}
_opening = threading.Lock()


def services_of(settings: Settings) -> Services:
    """The services of this process, opened once; also for threads outside a page, like the media route's."""
    with _opening:
        if settings not in _opened:
            _opened[settings] = open_services(settings)
        return _opened[settings]


def services_of_request(request: HTTPConnection) -> Services:
    """The services for who asks a route: with a login, their own. Raises SignInNeeded, NotLetIn, InputError and
    StorageError."""
    settings = Settings.from_environment()
    return _services_for(user_of_request(request, settings), settings)


def _services_for(user: User | None, settings: Settings) -> Services:
    services = services_of(settings)
    if user is None:
        return services
    services.users.enter(user)
    return services.of_user(user.id)


def close_services() -> None:
    """Let go of what :func:`services_of` opened, and end the worker with it. The next call opens anew."""
    with _opening:
        while _opened:
            _opened.popitem()[1].close()


@cache
def version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
