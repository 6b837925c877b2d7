"""Times as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.formats.timecode import format_clock, format_srt, format_vtt, parse_time


@pytest.mark.parametrize(
    ("seconds", "clock", "srt"),
    [
        (0, "0:00", "00:00:00,000"),
        (65.25, "1:05", "00:01:05,250"),
        (59.9996, "0:59", "00:01:00,000"),
        (3725, "1:02:05", "01:02:05,000"),
        (36_000.001, "10:00:00", "10:00:00,001"),
        (360_000, "100:00:00", "100:00:00,000"),
        (-0.0004, "0:00", "00:00:00,000"),
    ],
)
def test_seconds_become_text(seconds, clock, srt):
    """A clock shows whole seconds rounded down; captions show milliseconds."""
    assert format_clock(seconds) == clock
    assert format_srt(seconds) == srt
    assert format_vtt(seconds) == srt.replace(",", ".")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90.5", 90.5),
        ("90,5", 90.5),
        (" 1:30 ", 90),
        ("75:00", 4500),
        ("0:01:30.5", 90.5),
        ("01:02:03,250", 3723.25),
        ("1h2m3s", 3723),
        ("1h 2m 3.5s", 3723.5),
        ("2m", 120),
        ("45 sec", 45),
        ("1 Hour 5 Minutes", 3900),
        ("0", 0),
    ],
)
def test_text_becomes_seconds(text, seconds):
    """Seconds, clocks and units are all understood."""
    assert parse_time(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", " ", "soon", "-5", "1:75", "1:75:00", "1:", ":30", "1:2:3:4", "nan", "inf", "1e5", "5x", "9" * 50, "٥:٣٠"],
)
def test_what_is_no_time_is_refused_with_a_sentence(text):
    """The refusal quotes what was given and shows how to write a time."""
    with pytest.raises(ValueError, match=r"is not a time[.:].*"):
        parse_time(text)


@given(st.integers(0, 400_000_000))
def test_a_caption_time_reads_back(ms):
    """What captions show is exactly what was meant."""
    assert parse_time(format_vtt(ms / 1000)) == pytest.approx(ms / 1000, abs=1e-6)
    assert parse_time(format_srt(ms / 1000)) == pytest.approx(ms / 1000, abs=1e-6)
