"""Links: what sites and yt-dlp say, and YouTube as far as it goes without a network."""

from __future__ import annotations

import imageio_ffmpeg
import pytest

from lib import errors
from lib.addresses import AddressGuard
from lib.domain.captions import CaptionKind, CaptionTrack
from lib.ytdlp import LinkDoor, LinkVideo, Need
from lib.ytdlp.failures import our_error
from lib.ytdlp.info import playlist_of, video_of
from lib.ytdlp.library import GuardedYoutubeDL
from lib.ytdlp.patience import Patience

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


@pytest.fixture
def door() -> LinkDoor:
    return LinkDoor(FFMPEG, allow_private=True, retry_seconds=0)


# ---------------------------------------------------------------------------- what sites say

COOKIES = (
    "Use --cookies-from-browser or --cookies for the authentication. "
    "See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies. "
    "Also see  https://github.com/yt-dlp/yt-dlp/wiki/Extractors#exporting-youtube-cookies  "
    "for tips on effectively exporting YouTube cookies"
)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (f"Sign in to confirm you’re not a bot. {COOKIES}", errors.BotCheck),
        (f"Sign in to confirm you're not a bot. {COOKIES}", errors.BotCheck),
        ("Video unavailable. YouTube is requiring a captcha challenge before playback", errors.BotCheck),
        (
            "This content isn't available, try again later. The current session has been rate-limited by YouTube for "
            "up to an hour. It is recommended to use `-t sleep` to add a delay between video requests",
            errors.BotCheck,
        ),
        ("Unable to download API page: HTTP Error 429: Too Many Requests (caused by <HTTPError 429>)", errors.BotCheck),
        (
            f"Sign in to confirm your age. This video may be inappropriate for some users. {COOKIES}",
            errors.AgeGated,
        ),
        ("This video is age-restricted and only available on YouTube", errors.AgeGated),
        (
            "Join this channel to get access to members-only content like this video, and other exclusive perks.",
            errors.MembersOnly,
        ),
        (
            "This video is available to this channel's members on level: Fan (or any higher level). Join this channel "
            "to get access to members-only content and other exclusive perks.",
            errors.MembersOnly,
        ),
        ("This video is only available to Music Premium members", errors.MembersOnly),
        ("This video requires payment to watch.", errors.MembersOnly),
        (f"Private video. Sign in if you've been granted access to this video. {COOKIES}", errors.PrivateVideo),
        ("Video unavailable. This video is private", errors.PrivateVideo),
        ("This playlist is private", errors.PrivateVideo),
        (f"This video is only available for registered users. {COOKIES}", errors.PrivateVideo),
        ("This video is protected by a password, use the --video-password option", errors.PrivateVideo),
        (
            "Video unavailable. The uploader has not made this video available in your country",
            errors.GeoBlocked,
        ),
        (
            "Video unavailable. This video contains content from SME, who has blocked it in your country on copyright "
            "grounds",
            errors.GeoBlocked,
        ),
        ("This video is not available from your location due to geo restriction", errors.GeoBlocked),
        ("Video unavailable", errors.RemovedVideo),
        ("Video unavailable. This video has been removed by the uploader", errors.RemovedVideo),
        ("This video has been removed for violating YouTube's Terms of Service", errors.RemovedVideo),
        (
            "Video unavailable. This video is no longer available because the YouTube account associated with this "
            "video has been terminated.",
            errors.RemovedVideo,
        ),
        ("This video isn't available anymore", errors.RemovedVideo),
        ("Premieres in 6 hours", errors.LiveStream),
        ("This live event will begin in 2 days.", errors.LiveStream),
        ("This live stream recording is not available.", errors.LiveStream),
        ("The channel is not currently live", errors.LiveStream),
        ("This video is DRM protected", errors.DownloadFailed),
        ("No video formats found!; please report this issue on  https://github.com/x", errors.NotMediaPage),
        ("Unsupported URL: https://example.org/private-video/members-only", errors.NotMediaPage),
        ("Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404>)", errors.NothingThere),
        ("Unable to download webpage: HTTP Error 407: Proxy Authentication Required", errors.DownloadFailed),
        (
            "Unable to download webpage: The read operation timed out (caused by TransportError())",
            errors.LinkUnreachable,
        ),
        ("unable to write data: [Errno 28] No space left on device", errors.DiskFull),
        ("unable to open for writing: [Errno 13] Permission denied: '/data/x.part'", errors.FolderReadOnly),
        ("Something nobody has seen before", errors.DownloadFailed),
    ],
)
def test_what_a_site_says_becomes_our_error(message, error):
    """In the wordings that yt-dlp and YouTube really use."""
    ours = translated(f"ERROR: [youtube] dQw4w9WgXcQ: {message}")
    assert type(ours) is error
    assert str(ours).endswith(".")
    assert "--" not in str(ours)


def test_yt_dlps_own_kinds_of_error_are_known_by_kind():
    """Whatever language the site's sentence is in."""
    from yt_dlp.utils import DownloadError, GeoRestrictedError, UserNotLive

    for inner, error in ((GeoRestrictedError("Nicht hier"), errors.GeoBlocked), (UserNotLive(), errors.LiveStream)):
        outer = DownloadError("ERROR: [x] y: Nicht hier", (type(inner), inner, None))
        assert type(our_error(outer, "https://x.example/", Need())) is error


def test_an_unknown_failure_keeps_yt_dlps_words_without_its_trimmings():
    """No colours, no request to report, no options, no paths of this machine, and not without end."""
    ours = translated(
        "\x1b[0;31mERROR:\x1b[0m [youtube] abc: Unable to extract thing from /home/ann/.cache/x.json at "
        "https://ann:pw@example.org/a?sig=1. Use --verbose to see. "
        + "More words. "
        * 60
        + "; please report this issue on  "
        "https://github.com/yt-dlp/yt-dlp/issues?q= , filling out the appropriate issue template. "
        "Confirm you are on the latest version using  yt-dlp -U"
    )
    assert str(ours).startswith(
        "The download failed: abc: Unable to extract thing from a file at https://example.org/a"
    )
    for trimming in ("\x1b", "ERROR", "report", "--verbose", "/home", "pw", "sig"):
        assert trimming not in str(ours)
    assert len(str(ours)) < 260


def test_a_model_that_hears_is_told_when_there_is_no_sound():
    """Instead of yt-dlp's words about formats."""
    message = (
        "ERROR: [generic] x: Requested format is not available. Use --list-formats for a list of available formats"
    )
    assert type(translated(message, Need(hears_only=True))) is errors.NoSound
    assert type(translated(message)) is errors.NotMediaPage


def translated(message: str, need: Need | None = None) -> errors.CuewiseError:
    from yt_dlp.utils import DownloadError

    return our_error(DownloadError(message), "https://www.youtube.com/watch?v=x", need or Need())


# ---------------------------------------------------------------------------- YouTube, as far as it goes here


def options_of(door: LinkDoor) -> dict:
    return door._options(Need(), None, None)


def test_youtube_finds_its_javascript_runtime(door):
    """Without it YouTube gives no formats: the package's binary is found and new enough, and its scripts are there."""
    from yt_dlp.dependencies import yt_dlp_ejs

    with GuardedYoutubeDL(options_of(door), guard=AddressGuard(), patience=Patience(60)) as ydl:
        runtime = ydl._js_runtimes["deno"].info
        assert runtime is not None
        assert runtime.supported
        assert yt_dlp_ejs is not None
        assert list(ydl._request_director.handlers) == ["Urllib"]
        assert ydl._request_director.handlers["Urllib"].RH_NAME == "cuewise"


def test_a_video_opened_from_a_list_is_the_video_and_a_list_is_the_list(door):
    """By the address alone, as YouTube's extractor reads it with our options."""
    with GuardedYoutubeDL(options_of(door), guard=AddressGuard(), patience=Patience(60)) as ydl:
        tab = ydl.get_info_extractor("YoutubeTab")
        assert not tab._yes_playlist("PL1", "dQw4w9WgXcQ")
        assert tab._yes_playlist("PL1", None)


def test_a_youtube_video_is_described_from_its_own_page(door):
    """The list and the time in the pasted link are gone, live chat is no caption, the channel is named."""
    info = {
        "id": "dQw4w9WgXcQ",
        "title": "A  talk\n",
        "extractor_key": "Youtube",
        "webpage_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "channel": "Ann",
        "thumbnail": "https://i.ytimg.com/vi/dQw4w9WgXcQ/hq.jpg",
        "duration": 212,
        "subtitles": {
            "en": [{"ext": "vtt", "url": "https://www.youtube.com/api/timedtext?lang=en"}],
            "live_chat": [{"ext": "json", "url": "https://www.youtube.com/live_chat"}],
        },
        "requested_formats": [
            {
                "format_id": "135",
                "protocol": "https",
                "vcodec": "avc1.4d401f",
                "acodec": "none",
                "filesize": 40_000_000,
            },
            {"format_id": "139", "protocol": "https", "vcodec": "none", "acodec": "mp4a.40.2", "filesize": 4_000_000},
        ],
    }
    with GuardedYoutubeDL(options_of(door), guard=AddressGuard(), patience=Patience(60)) as ydl:
        video = video_of(info, "https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=PL1&t=9", ydl.answers)
    assert video == LinkVideo(
        url="https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        title="A talk",
        site="youtube.com",
        channel="Ann",
        picture_url="https://i.ytimg.com/vi/dQw4w9WgXcQ/hq.jpg",
        duration=212.0,
        size_bytes=44_000_000,
        captions=(CaptionTrack(CaptionKind.HUMAN, "en"),),
    )


def test_a_youtube_list_leaves_out_what_cannot_be_watched():
    """Private, deleted, live and double entries."""
    watch = "https://www.youtube.com/watch?v="
    entry = {"_type": "url", "ie_key": "Youtube", "duration": 60.0, "channel": "Ann"}
    entries = [
        {
            **entry,
            "url": f"{watch}a",
            "title": "One",
            "thumbnails": [{"url": "https://i.example/s"}, {"url": "https://i.example/l"}],
        },
        {**entry, "url": f"{watch}b", "title": "[Private video]"},
        {**entry, "url": f"{watch}c", "title": "[Deleted video]"},
        {**entry, "url": f"{watch}d", "title": "Now", "live_status": "is_live"},
        {**entry, "url": f"{watch}a", "title": "One again"},
        {**entry, "url": "ytsearch:x", "title": "No link"},
        None,
    ]
    found = playlist_of({"title": "Talks", "entries": entries}, "https://www.youtube.com/playlist?list=PL1")
    assert [(video.url, video.title, video.picture_url) for video in found.videos] == [
        (f"{watch}a", "One", "https://i.example/l")
    ]
