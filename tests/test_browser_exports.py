"""What a person takes along, in a real Chromium: captions that are there already, files in a menu, a captioned copy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.app import PHONE, assert_fits, environment_for
from tests.browsing import drop_file, lines, settle
from tests.fakes.media_server import Answer, MediaServer, captioned_page
from tests.strict_captions import parse_srt

pytestmark = pytest.mark.browser

VTT = (
    "WEBVTT\n\n00:01.000 --> 00:04.000\n<v Anna>Ever tried, ever failed, and no matter at all.\n\n"
    "00:04.500 --> 00:06.000\n<v Bob>Try again &amp; fail better.\n"
)
SRT = "1\n00:00:01,000 --> 00:00:02,000\nEver tried.\n\n2\n00:00:03,000 --> 00:00:04,500\nFail better.\n"


@pytest.fixture(scope="module")
def media() -> Iterator[MediaServer]:
    """A page with a video and captions by people and by a machine."""
    with MediaServer() as server:
        server.put("/talk.mp4", Answer(b"\0" * 1000, "video/mp4"))
        for name in ("en", "auto"):
            server.put(f"/{name}.vtt", Answer(VTT.encode(), "text/vtt"))
        tracks = {"en-x-autogen": "/auto.vtt", "en": "/en.vtt"}
        server.put("/talk", captioned_page("A talk", "/talk.mp4", tracks))
        yield server


@pytest.fixture(scope="module")
def app_environment() -> Mapping[str, str]:
    """Without a network: none of this needs one."""
    return environment_for("http://127.0.0.1:9/api/v1")


def read_captions_of(page: Page, media: MediaServer) -> None:
    """Paste the link, and open its captions as a transcript."""
    page.get_by_label("Link to a video, a playlist or a media file").fill(media.url("/talk"))
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text("People wrote captions for this video")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Read them").click()
    page.wait_for_url(re.compile(r"/transcript\?run="))
    expect(lines(page)).to_have_count(2)


def read_file_beside(page: Page, video: Path) -> None:
    """Drop a video, and open a caption file of one's own beside it as a transcript."""
    drop_file(page, video)
    page.get_by_role("button", name="Use a caption file").click()
    dropped = page.get_by_test_id("stPopoverBody").locator("input[type=file]")
    dropped.set_input_files({"name": "talk.srt", "mimeType": "application/x-subrip", "buffer": SRT.encode()})
    settle(page)
    page.get_by_role("button", name="Read it", exact=True).click()
    page.wait_for_url(re.compile(r"/transcript\?run="))
    expect(lines(page)).to_have_count(2)
    settle(page)


def menu(page: Page) -> Locator:
    """The open menu."""
    return page.get_by_test_id("stPopoverBody")


def fetched(page: Page, button: Locator) -> tuple[str, bytes]:
    """The name and the content of what a click downloads."""
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_a_videos_own_captions_are_read_at_once_and_taken_along(visit, media):
    """Look up, read, and download: SRT and Markdown with one click, the others from the menu, all in a zip."""
    page = visit()
    read_captions_of(page, media)
    expect(page.get_by_text(re.compile("human.*en.* free"))).to_be_visible()
    assert not [each for each in media.requests if each.path == "/talk.mp4" and each.method == "GET"]
    settle(page)
    name, content = fetched(page, page.get_by_role("button", name="SRT", exact=True))
    assert name == "A talk - human-en.srt"
    assert [cue.lines for cue in parse_srt(content.decode())] == [
        ("Anna: Ever tried, ever failed, and no", "matter at all."),
        ("Bob: Try again & fail better.",),
    ]
    name, content = fetched(page, page.get_by_role("button", name="Markdown", exact=True))
    assert (name, b"**Anna:** Ever tried" in content) == ("A talk - human-en.md", True)
    page.get_by_role("button", name="Download", exact=True).click()
    name, content = fetched(page, menu(page).get_by_role("button", name="Word"))
    assert (name, content[:2]) == ("A talk - human-en.docx", b"PK")
    name, content = fetched(page, menu(page).get_by_role("button", name="All"))
    assert (name, content[:2]) == ("A talk - human-en.zip", b"PK")


def test_the_toggles_reach_the_files(visit, media):
    """Speakers off and lines of at most 20 letters, one at a time: the next download is so, and the menu stays open."""
    page = visit()
    read_captions_of(page, media)
    settle(page)
    page.get_by_role("button", name="Download", exact=True).click()
    menu(page).get_by_text("Speakers").click()
    settle(page)
    width = menu(page).get_by_role("spinbutton", name="Line width")
    width.fill("20")
    width.press("Enter")
    settle(page)
    lines = menu(page).get_by_role("combobox", name="Lines per caption")
    page.wait_for_timeout(1_000)  # a list that is opened while the menu is drawn anew closes again
    lines.click()
    page.get_by_role("option", name="1", exact=True).click()
    expect(lines).to_have_value("1")
    settle(page)
    _, content = fetched(page, menu(page).get_by_role("button", name="SRT"))
    cues = parse_srt(content.decode())
    assert len(cues) > 3
    assert all(len(cue.lines) == 1 and len(cue.lines[0]) <= 20 for cue in cues)
    assert b"Anna" not in content


def test_a_captioned_copy_is_made_and_downloaded(visit, short_talking_video, tmp_path):
    """A video with a caption file of one's own: the copy carries them as a track, under a name that says so."""
    page = visit()
    read_file_beside(page, short_talking_video)
    expect(page.locator(".reader video")).to_be_visible()
    page.get_by_role("button", name="Video with captions").click()
    menu(page).get_by_role("button", name="Make the copy").click()
    download = menu(page).get_by_role("link", name=re.compile("Download · "))
    expect(download).to_be_visible()
    name, content = fetched(page, download)
    assert name == "beckett (with captions) - file.mp4"
    (tmp_path / "copy.mp4").write_bytes(content)
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio", "subtitle"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_menus_fit_a_phone(visit, media, scheme):
    """Nothing of the offer and of the menu is cut off on a small screen, in either theme."""
    page = visit(viewport=PHONE, color_scheme=scheme)
    read_captions_of(page, media)
    settle(page)
    page.get_by_role("button", name="Download", exact=True).click()
    box = menu(page).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    for label in ("captions for every player", "every format, in one zip"):
        row = menu(page).get_by_text(label).bounding_box()
        assert row["x"] + row["width"] <= PHONE["width"]
    assert_fits(page)
