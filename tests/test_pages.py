"""Every page as it opens, run by Streamlit's own test runner on the real services and a server on loopback."""

from __future__ import annotations

import pytest

from tests.page_fixtures import GEMINI, open_page, openrouter

__all__ = ["open_page", "openrouter"]

PAGES = (
    *("app.py", "pages/activity.py", "pages/ask.py", "pages/batch.py", "pages/compare.py", "pages/library.py"),
    *("pages/models.py", "pages/settings.py", "pages/status.py"),
)


@pytest.mark.parametrize("script", PAGES)
def test_every_page_opens_on_an_empty_data_folder(open_page, script):
    """A first visit shows a finished page, without an exception and without an error."""
    page = open_page(script)
    assert not page.exception
    assert not page.error
    assert page.header[0].value


@pytest.mark.parametrize("script", PAGES)
def test_every_page_opens_without_a_network(open_page, monkeypatch, script):
    """When the catalogue cannot be fetched, pages say so quietly and the local models are there."""
    monkeypatch.setenv("OPENROUTER_BASE_URL", "http://127.0.0.1:9/api/v1")
    page = open_page(script)
    assert not page.exception
    assert not page.error


def test_models_are_listed_with_price_and_hours(open_page):
    """The table has local models first, what is known of each, and blanks for what is not."""
    page = open_page("pages/models.py")
    table = page.dataframe[0].value
    assert table["Id"][0] == "local/whisper-base"
    gemini = table[table["Id"] == GEMINI].iloc[0]
    assert gemini["Sees"]
    assert gemini["Hears"]
    assert gemini["Context"] > 1
    page.text_input(key="search").set_value("gemini 3.8").run()
    assert set(page.dataframe[0].value["Id"]) == {GEMINI}
