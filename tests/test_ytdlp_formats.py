"""Links: the smallest format that serves is the one that is brought."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.addresses import AddressGuard
from lib.ytdlp import Need, format_choice
from lib.ytdlp.library import GuardedYoutubeDL
from lib.ytdlp.patience import Patience


def pictures(name: str, height: int, size: int | None, ext: str = "mp4", codec: str = "avc1.4d401f", **more) -> dict:
    width = more.pop("width", height * 16 // 9)
    return video_format(name, ext, height=height, width=width, vcodec=codec, acodec="none", filesize=size, **more)


def sound(name: str, rate: float, size: int | None, ext: str = "m4a", codec: str = "mp4a.40.2", **more) -> dict:
    return video_format(name, ext, vcodec="none", acodec=codec, abr=rate, filesize=size, **more)


def both(name: str, height: int, size: int | None, ext: str = "mp4", **more) -> dict:
    width = more.pop("width", height * 16 // 9)
    more = {"vcodec": "avc1.42001e", "acodec": "mp4a.40.2", **more}
    return video_format(name, ext, height=height, width=width, filesize=size, **more)


def video_format(name: str, ext: str, **more) -> dict:
    return {"format_id": name, "ext": ext, "url": f"https://media.example/{name}", "protocol": "https", **more}


MB = 1_000_000
YOUTUBE = [
    video_format("sb0", "mhtml", vcodec="none", acodec="none", protocol="mhtml", width=320, height=180),
    both("18", 360, 30 * MB),
    sound("139", 48.8, 4 * MB),
    sound("140", 129.5, 10 * MB),
    sound("249", 51, 5 * MB, "webm", "opus"),
    sound("251", 130, 11 * MB, "webm", "opus"),
    pictures("134", 360, 20 * MB),
    pictures("135", 480, 40 * MB),
    pictures("136", 720, 90 * MB),
    pictures("137", 1080, 300 * MB),
    pictures("244", 480, 35 * MB, "webm", "vp9"),
    pictures("397", 480, 25 * MB, "mp4", "av01.0.04M.08"),
    pictures("247", 720, 70 * MB, "webm", "vp9"),
]
APART = [one for one in YOUTUBE if one["format_id"] != "18"]
HLS = [
    both(f"hls-{height}", height, None, protocol="m3u8_native", tbr=height * 3, filesize_approx=height * 100_000)
    for height in (240, 360, 480, 720, 1080)
]
DUBBED = [
    sound("140-de", 129, 8 * MB, language="de", language_preference=-1),
    sound("140-en", 129, 10 * MB, language="en", language_preference=10),
    pictures("135", 480, 40 * MB),
]
UPRIGHT = [both("18", 640, 10 * MB, width=360), both("22", 1280, 50 * MB, width=720)]


@pytest.mark.parametrize(
    ("formats", "need", "chosen"),
    [
        (YOUTUBE, Need(), "18"),
        (YOUTUBE, Need(hears_only=True), "139"),
        (YOUTUBE, Need(max_height=240), "18"),
        (APART, Need(), "135+139"),
        (APART, Need(max_height=720), "136+139"),
        (APART, Need(max_height=1080, size_limit_bytes=60 * MB), "135+139"),
        (APART, Need(max_height=1080, size_limit_bytes=5 * MB), "134+139"),
        (APART, Need(hears_only=True), "139"),
        ([*APART, both("17", 144, 5 * MB)], Need(), "135+139"),
        ([*APART, both("43", 360, 30 * MB, "flv")], Need(), "135+139"),
        (DUBBED, Need(), "135+140-en"),
        (DUBBED, Need(hears_only=True), "140-en"),
        (UPRIGHT, Need(), "18"),
        (HLS, Need(), "hls-480"),
        (HLS, Need(size_limit_bytes=40 * MB), "hls-360"),
        (HLS, Need(hears_only=True), "hls-240"),
        ([both("hd", 1080, 900 * MB), both("uhd", 2160, 4000 * MB)], Need(), "hd"),
        ([both("old", 144, 2 * MB)], Need(), "old"),
        ([pictures("silent", 480, 9 * MB)], Need(), "silent"),
        ([pictures("135", 480, 9 * MB), pictures("137", 1080, 90 * MB)], Need(), "135"),
        ([sound("podcast", 128, 60 * MB, "mp3", "mp3")], Need(), "podcast"),
        ([sound("low", 24, 1 * MB), sound("high", 128, 9 * MB)], Need(hears_only=True), "high"),
        ([sound("flac", 900, 90 * MB, "flac", "flac"), sound("mp3", 128, 9 * MB, "mp3")], Need(hears_only=True), "mp3"),
        ([video_format("file", "avi")], Need(), "file"),
        ([video_format("file", "mp4")], Need(hears_only=True), "file"),
    ],
)
def test_the_smallest_format_that_serves_is_chosen(formats, need, chosen):
    """Never the best: models see a frame a second at 640 pixels, and hear speech at 32 kbit/s."""
    assert choose(formats, need)["format_id"] == chosen


def test_a_joined_file_is_an_mp4_or_webm_where_the_codecs_allow():
    """Which models and browsers take without converting."""
    assert choose(APART, Need())["ext"] == "mp4"
    webm = [pictures("244", 480, 9 * MB, "webm", "vp9"), sound("251", 130, 2 * MB, "webm", "opus")]
    assert choose(webm, Need())["ext"] == "webm"


def test_choices_in_several_threads_do_not_disturb_one_another():
    """yt-dlp keeps the order of sorting where all threads share it."""
    needs = [Need(max_height=height) for height in (360, 480, 720, 1080)] * 3
    wanted = {360: "134+139", 480: "135+139", 720: "136+139", 1080: "137+139"}
    with ThreadPoolExecutor(4) as threads:
        chosen = list(threads.map(lambda need: choose(APART, need)["format_id"], needs))
    assert chosen == [wanted[need.max_height] for need in needs]


def choose(formats: list[dict], need: Need) -> dict:
    """What yt-dlp would download of such a video with our choice."""
    chosen, order = format_choice(need)
    options = {"format": chosen, "format_sort": order, "merge_output_format": "mp4/webm/mkv", "quiet": True}
    info = {
        "id": "x",
        "title": "A video",
        "extractor": "fake",
        "extractor_key": "Fake",
        "webpage_url": "https://media.example/x",
        "duration": 600,
        "formats": [dict(one) for one in formats],
    }
    with GuardedYoutubeDL(options, guard=AddressGuard(), patience=Patience(60)) as ydl:
        return ydl.process_ie_result(info, download=False)
