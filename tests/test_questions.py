"""Questions to models: by which digest an answer that was paid for is found again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lib.domain.media import Rendition
from lib.domain.model import Model
from lib.domain.run import PartForm
from lib.openrouter import MediaPart, Question, Turn
from lib.pipeline.questions import question_digest

SERVER = "https://openrouter.ai/api/v1"
MODEL = Model("google/gemini-3.8-flash", "Gemini 3.8 Flash", frozenset({"text", "video"}))
TEXT = Question(MODEL, "What is said?", None, max_tokens=16_384, reasoning_effort="minimal")
MADE = Rendition("r" * 64, "video/mp4", 5, 0.0, 9.0)
FILM = replace(TEXT, media=MediaPart("video", Path("made.mp4"), None, "video/mp4", seconds=9.0))
LINK = replace(TEXT, media=MediaPart("video", None, "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "video/mp4"))
TURNS = (Turn("system", "You are asked."), Turn("user", "Who?"), Turn("assistant", "Ann."))


@pytest.mark.parametrize(
    ("question", "rendition", "more", "kept_under"),
    [
        (FILM, MADE, {}, "c7606541f9c354d6dc5b0e5978370c80c930df19ac3ca078bdc410292ac3d10a"),
        (
            replace(FILM, part_form=PartForm.IMAGE_URL),
            MADE,
            {},
            "3398fe4cded36c9640117d377604e60a7562f7d13c16c9b63984fb73226fc633",
        ),
        (LINK, None, {}, "f73e4e3a7cbbb21d2e7cc7e6e2a12e5f52a35fbd2f71c8d9fc81f7fc01aaea21"),
        (TEXT, None, {}, "c702e6f1b6458cc7a73940f643836b3c3dca58c35c58bdbdf01ceec05fa02c1f"),
        (
            TEXT,
            None,
            {"take": 2, "asked_by": "x"},
            "ece94fd037db2d68cc80231ce377421ad4e92ae9a2b42cb43233b6af1d4a62ad",
        ),
        (
            replace(TEXT, turns=TURNS),
            None,
            {},
            "05c578f42e476395ae595f53a7d9d47c51de561f75030bb6b147d0dd4071d546",
        ),
        (
            replace(FILM, turns=TURNS),
            MADE,
            {},
            "cf698d81a5e2920f4a157e27d6d27f51a675515cb6bae1ee9659e586b3624846",
        ),
        (
            replace(LINK, turns=TURNS),
            None,
            {},
            "07b9d60d54b9a557f7f4750e6189b66b84fa4bb8bf45b4553d452553f19c9be6",
        ),
    ],
    ids=["film", "older form", "link", "text", "asked anew", "conversation", "with film", "with link"],
)
def test_an_answer_of_an_earlier_version_is_found_again(question, rendition, more, kept_under):
    """The digests of November 2026, written out: a change of any would have every answer paid for once more."""
    assert question_digest(question, rendition, SERVER, **more) == kept_under
