"""Many at once, in a real Chromium: three files of which one is broken, one bill, one press of Run, and a zip."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app import PHONE, assert_fits
from tests.batch_fixtures import broken_file, make_video
from tests.browsing import badges, drop_file
from tests.strict_captions import parse_srt

__all__ = ["broken_file", "make_video"]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app_environment() -> Mapping[str, str]:
    """Without a network: none of this needs one."""
    return {"OPENROUTER_BASE_URL": "http://127.0.0.1:9/api/v1"}


def test_three_files_of_which_one_is_broken(visit, make_video, broken_file):
    """Dropped at once, planned as one, run with one press; the broken one says why in its row, the others are done
    after a reload too, and the zip holds the captions and texts of both."""
    page = visit()
    drop_file(page, [make_video("one.mp4"), broken_file, make_video("two.mp4")])
    expect(page.get_by_text("2 of 3 videos", exact=True)).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("broken.mp4")
    expect(page.get_by_text("Total: free.")).to_be_visible()
    page.get_by_role("button", name="Run 2 videos").click()
    page.wait_for_url(re.compile(r"/batch\?batch="))
    expect(page.get_by_role("heading", name="one.mp4 and 2 more")).to_be_visible()
    page.reload()
    expect(page.get_by_text("2 of 3 done · 1 failed")).to_be_visible()
    expect(badges(page, "Done")).to_have_count(2)
    expect(page.get_by_role("alert")).to_have_count(1)

    page.get_by_role("button", name="Download all (zip)").click()
    with page.expect_download() as download:
        page.get_by_test_id("stPopoverBody").get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "2 transcripts.zip"
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        names = archive.namelist()
        assert sorted(names) == [
            f"{stem} - whisper-base{ending}" for stem in ("one", "two") for ending in (".srt", ".txt")
        ]
        for name in names:
            text = archive.read(name).decode()
            assert "fail better" in text.lower()
            if name.endswith(".srt"):
                assert parse_srt(text)

    page.set_viewport_size(PHONE)
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Open").first).to_be_visible()
    assert_fits(page)
