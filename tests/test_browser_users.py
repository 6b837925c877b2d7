"""Two people of a team in two real browsers: each has a library of their own, and nothing of the other's."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.app import WAIT_MS, environment_for, open_browser, running_app, visits
from tests.browsing import assert_framed, choose_model, drop_file, lines, open_by_menu, press_run, settle, type_key
from tests.fakes.oidc_server import OidcServer, Person
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter

pytestmark = pytest.mark.browser

ANN = Person("ann", "Ann Archer", "ann@example.org")
BOB = Person("bob", "Bob Baker", "bob@example.org", is_verified=None)
EVE = Person("eve", "Eve Elsewhere", "eve@elsewhere.example")


def sign_in(page: Page, person: Person) -> None:
    expect(page.get_by_role("heading", name="Sign in to Cuewise")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=person.name).click()


def test_two_people_sign_in_and_neither_sees_anything_of_the_other(tmp_path, short_talking_video):
    """Each signs in, comes to the page they asked for, drops a video and runs it; neither finds the other's run, media,
    library or key under any address; who signs out has to sign in again, and who is not allowed is told so and comes no
    further."""
    expect.set_options(timeout=WAIT_MS)
    with (
        OidcServer([ANN, BOB, EVE]) as provider,
        FakeOpenRouter(answer="[00:01] Ever tried, ever failed.\n[00:05] Fail better.") as openrouter,
        running_app(
            tmp_path / "app",
            **environment_for(openrouter.base_url),
            STREAMLIT_SECRETS_FILES=str(provider.write_secrets(tmp_path / "secrets.toml")),
            CUEWISE_ALLOWED_EMAILS="*@example.org",
        ) as app,
        open_browser() as browser,
        visits(browser, app) as visit,
    ):
        ann, bob = visit("/library"), visit("/transcript?run=" + "0" * 32)
        for page, person in ((ann, ANN), (bob, BOB)):
            asked_for = page.url
            sign_in(page, person)
            assert_framed(page)
            assert page.url == asked_for
            expect(page.get_by_test_id("stSidebar").get_by_text(person.name)).to_be_visible()

        open_by_menu(ann, "New run")
        drop_file(ann, {"name": "Anns.mp4", "mimeType": "video/mp4", "buffer": short_talking_video.read_bytes()})
        run_id = press_run(ann)  # with the model on this machine
        expect(lines(ann).first).to_be_visible(timeout=3 * WAIT_MS)
        media = ann.locator("video").get_attribute("src")
        assert ann.request.get(app.url + media).status == 200

        type_key(bob)
        open_by_menu(bob, "New run")
        other_bytes = short_talking_video.read_bytes() + b"\0\0\0\x08free"  # an empty box of MP4's after the last
        drop_file(bob, {"name": "Bobs.mp4", "mimeType": "video/mp4", "buffer": other_bytes})
        choose_model(bob, "Google: Gemini 3.8 Flash")
        press_run(bob)
        expect(bob.get_by_text("Fail better.").first).to_be_visible()
        assert bob.request.get(app.url + media).status == 404
        bob.goto(f"{app.url}/transcript?run={run_id}")
        expect(bob.get_by_text("There is no such run")).to_be_visible()
        expect(lines(bob)).to_have_count(0)

        for page, own, others in ((ann, "Anns", "Bobs"), (bob, "Bobs", "Anns")):
            page.goto(f"{app.url}/library")
            expect(page.get_by_text(f"{own}.mp4").first).to_be_visible()
            settle(page)
            expect(page.get_by_text(others)).to_have_count(0)
        open_by_menu(ann, "Settings")
        settle(ann)
        expect(ann.get_by_label("Paste a key")).to_be_visible()
        expect(ann.get_by_text(DEFAULT_KEY[-4:])).to_have_count(0)

        bob.get_by_role("button", name="Sign out").click()
        sign_in(bob, ANN)  # in Bob's browser, Ann finds what is hers, and not his key
        open_by_menu(bob, "Settings")
        expect(bob.get_by_label("Paste a key")).to_be_visible()
        open_by_menu(bob, "Library")
        expect(bob.get_by_text("Anns.mp4").first).to_be_visible()
        expect(bob.get_by_text("Bobs")).to_have_count(0)

        eve = visit("/library")
        sign_in(eve, EVE)
        expect(eve.get_by_text("and that does not open this Cuewise")).to_be_visible()
        expect(eve.get_by_test_id("stSidebar")).to_have_count(0)
        eve.get_by_role("button", name="Sign out").click()
        expect(eve.get_by_role("button", name=re.compile("Sign in"))).to_be_visible()
        assert len(list((app.data / "users").iterdir())) == 2
