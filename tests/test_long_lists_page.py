"""Lists that are longer than what is drawn of them: each leads to its rest."""

from __future__ import annotations

from lib.domain.media import Source, SourceKind
from lib.ui.compare import page as compare_page
from lib.ui.conversation import page as ask_page
from lib.ui.video_card import RUNS_SHOWN
from tests.editing_fixtures import cues_of, write_run
from tests.page_fixtures import button, open_page, openrouter, services, words_on

__all__ = ["open_page", "openrouter", "services"]


def test_older_comparisons_are_shown_at_a_press(open_page, services, short_talking_video, monkeypatch):
    """Show more stands below the newest until there are no others."""
    monkeypatch.setattr(compare_page, "SHOWN", 2)
    run_id = write_run(services._tools.store, "a" * 32, services.keep_file(short_talking_video), cues_of()[:1])
    for _ in range(3):
        services.comparisons.of_runs([run_id])
    page = open_page("pages/compare.py")
    assert len(forget_buttons(page)) == 2
    button(page, "Show more").click().run()
    assert not page.exception
    assert len(forget_buttons(page)) == 3
    assert "Show more" not in [found.label for found in page.button]


def forget_buttons(page) -> list:
    return [found for found in page.button if found.label == "Forget"]


def test_older_videos_to_ask_about_are_found_by_their_title(open_page, services, monkeypatch):
    """The list says how many it leaves out; a search finds those, and what was chosen before stays chosen."""
    monkeypatch.setattr(ask_page, "NEWEST", 2)
    for number, title in enumerate(("A tale", "Old telescope", "New telescope", "Another tale")):
        source = Source(SourceKind.LINK, title, url=f"https://video.example/{number}", duration=60.0)
        write_run(services._tools.store, f"{number:032d}", source, cues_of()[:1])
    page = open_page("pages/ask.py")
    assert titles(page) == ["Another tale", "New telescope"]
    assert "The newest 2 videos are listed. A search finds the 2 older ones." in words_on(page)
    page.multiselect[0].set_value([f"{3:032d}"]).run()
    page.text_input(key="ask_title").set_value("TELESCOPE old").run()
    assert not page.exception
    assert titles(page) == ["Old telescope", "Another tale"]
    assert page.multiselect[0].value == [f"{3:032d}"]
    page.multiselect[0].set_value([f"{3:032d}", f"{1:032d}"]).run()
    page.text_input(key="ask_title").set_value("microscope").run()
    assert "No video with a transcript is called so." in words_on(page)
    page.text_input(key="ask_title").set_value("").run()
    assert page.multiselect[0].value == [f"{3:032d}", f"{1:032d}"]
    assert titles(page) == ["Another tale", "New telescope", "Old telescope"]


def titles(page) -> list[str]:
    """What is offered to ask about."""
    return [option.partition(" · ")[0] for option in page.multiselect[0].options]


def test_a_video_with_many_runs_leads_to_all_of_them(open_page, services, short_talking_video):
    """The card has the newest as links, and the older ones behind a press."""
    source, many = services.keep_file(short_talking_video), RUNS_SHOWN + 2
    for number in range(many):
        write_run(services._tools.store, f"{number:032d}", source, cues_of()[:1])
    page = open_page("pages/library.py")
    assert not page.exception
    links = [link.proto.label for link in page.get("page_link")]
    assert sum("whisper" in label for label in links) == many
