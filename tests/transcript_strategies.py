"""Texts and cues as a renderer may meet them, for what holds of every transcript."""

from hypothesis import strategies as st

from lib.domain.transcript import Cue

LETTERS = st.one_of(
    st.characters(exclude_categories=("Cs", "Cc")),
    st.sampled_from("aB3.-<>&\"'*_[]()|:;#\n\t 、。中文字한국어日本ーひらש\u0301\u200d😀"),
    st.sampled_from(["-->", "&amp;", "<v X>", "12", "\n\n", "\n7\n", "NOTE ", "WEBVTT", "00:01.000 --> 00:02.000"]),
)
TEXTS = st.lists(LETTERS, max_size=40).map("".join)
NAMES = st.one_of(st.none(), TEXTS)


@st.composite
def cues(draw, speakers=NAMES) -> tuple[Cue, ...]:
    """Cues in order, on whole milliseconds, with texts as a renderer may meet them."""
    now, made = 0, []
    for _ in range(draw(st.integers(1, 6))):
        now += draw(st.integers(0, 400_000_000) | st.integers(0, 2000))
        end = now + draw(st.integers(1, 5000))
        made.append(Cue(now / 1000, end / 1000, draw(TEXTS), draw(speakers)))
    return tuple(made)
