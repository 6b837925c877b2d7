"""A model's Markdown is shown, not obeyed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ui.markdown import safe_markdown
from lib.ui.words import JOINER


@pytest.mark.parametrize(
    "image",
    [
        "![pixel](http://example.org/track.png)",
        "![pixel][ref]\n\n[ref]: http://example.org/track.png",
        "![][ref]",
        "[![badge](http://example.org/b.svg)](https://example.org)",
        "`code ![x](http://example.org/x)",
        "\\![pixel](http://example.org/track.png)",
    ],
)
def test_no_image_is_left(image):
    """Opening an answer fetches nothing: the two characters every image holds are parted."""
    assert "![" not in safe_markdown(image)


@pytest.mark.parametrize(
    "link",
    [
        "[x](javascript:alert(1))",
        "[x]( <javascript:alert(1)>)",
        "[x](/settings)",
        "[x](data:text/html,hi)",
        "[x](\nfile:///etc/passwd)",
        "[x](&#106;avascript:alert(1))",
    ],
)
def test_a_link_that_is_not_http_is_only_text(link):
    """The bracket and its target are parted."""
    assert "](" not in safe_markdown(link)


@pytest.mark.parametrize("link", ["[ref]: javascript:alert(1)", "[ref]: /settings", "[ref]:\n  data:text/html,x"])
def test_a_reference_that_is_not_http_is_only_text(link):
    """A definition elsewhere in the text is no way around."""
    assert "]:" not in safe_markdown(link)


def test_an_address_in_angle_brackets_is_only_text_unless_http():
    """Autolinks of other schemes are parted too."""
    assert safe_markdown("<javascript:alert(1)>") == f"<{JOINER}javascript:alert(1)>"
    assert safe_markdown("<https://example.org>") == "<https://example.org>"


def test_ordinary_markdown_stays_as_it_is():
    """Headings, lists, tables and http links are what the reader came for."""
    text = (
        "# A\n\n- **b** [c](https://example.org/x?y=1)\n\n| d | e |\n|---|---|\n| 1 | 2 |\n\n[r]: https://example.org"
    )
    assert safe_markdown(text) == text


def test_money_is_not_read_as_a_formula():
    """Two prices in one sentence stay prices; code keeps its dollars."""
    assert safe_markdown("from $5 to $10") == "from \\$5 to \\$10"
    assert safe_markdown("already \\$5, `$HOME`") == "already \\$5, `$HOME`"
    assert safe_markdown("```\n$x\n```\n$5") == "```\n$x\n```\n\\$5"


@given(st.text(alphabet="![](): <>\\`~$\nahtps:/x", max_size=60))
def test_whatever_a_model_writes_no_image_survives(text):
    """No arrangement of marks leaves an image, and nothing that was written is lost."""
    shown = safe_markdown(text)
    assert "![" not in shown
    assert not re.search(r"\]\((?!\s*<?https?://)", shown, re.IGNORECASE)
    assert shown.replace(JOINER, "").replace("\\$", "$") == text.replace("\\$", "$")
