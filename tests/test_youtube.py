"""Links to YouTube videos, and what is none."""

from __future__ import annotations

import pytest

from lib.domain.youtube import canonical


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "http://youtube.com/watch?v=dQw4w9WgXcQ&t=42s&list=PL123&feature=share",
        "https://youtu.be/dQw4w9WgXcQ?si=abc&t=10",
        "https://www.youtube.com/shorts/dQw4w9WgXcQ",
        "https://www.youtube.com/live/dQw4w9WgXcQ?feature=share",
        "https://www.youtube.com/embed/dQw4w9WgXcQ",
        "https://m.youtube.com/watch?app=desktop&v=dQw4w9WgXcQ",
        "https://music.youtube.com/watch?v=dQw4w9WgXcQ&list=RDAMVM",
        "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
        " https://WWW.YouTube.com/watch?v=dQw4w9WgXcQ#t=1 ",
    ],
)
def test_a_youtube_link_has_one_form(link):
    """One more parameter would cost 80 times as much and invent the video."""
    assert canonical(link) == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "link",
    [
        "",
        "dQw4w9WgXcQ",
        "https://example.org/watch?v=dQw4w9WgXcQ",
        "https://youtube.com.example.org/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/playlist?list=PL123",
        "https://www.youtube.com/embed/videoseries?list=PL123",
        "https://www.youtube.com/@channel",
        "https://www.youtube.com/results?search_query=dQw4w9WgXcQ",
        "https://user@www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com:99999/watch?v=dQw4w9WgXcQ",
        "ftp://youtu.be/dQw4w9WgXcQ",
        "https://[youtu.be/dQw4w9WgXcQ",
        None,
    ],
)
def test_anything_else_is_no_youtube_video(link):
    """Other hosts, playlists, channels and broken links are None."""
    assert canonical(link) is None
