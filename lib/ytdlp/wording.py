"""What sites and yt-dlp write, and our sentence for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lib.domain.plan import MEGABYTE
from lib.errors import (
    AgeGated,
    BotCheck,
    CuewiseError,
    DownloadFailed,
    GeoBlocked,
    LiveStream,
    MembersOnly,
    NotMediaPage,
    PrivateVideo,
    RemovedVideo,
    TooManyRedirects,
)


@dataclass(frozen=True, slots=True)
class Wording:
    """What sites and yt-dlp write when something is so, and what we make of it."""

    pattern: str
    error: type[CuewiseError]
    sentence: str
    hint: str | None = None


# In this order: one message may hold several of these ("Video unavailable. This video is private").
# Sources: yt_dlp/extractor/youtube/video_of.py and _tab.py, extractor/common.py (raise_login_required,
# raise_geo_restricted, report_drm), and the reasons YouTube itself sends as quoted in yt-dlp's issues.
WORDINGS = (
    Wording(
        r"confirm (that )?you're not a (ro)?bot|captcha|rate-limited by|unusual traffic|too many requests|anti-bot",
        BotCheck,
        "{site} asks for proof that a person is watching.",
    ),
    Wording(
        r"confirm your age|age[- ]restricted|inappropriate for some users|verify your age"
        r"|age[_ ](verification|check)",
        AgeGated,
        "{site} shows this video only to people who have confirmed their age.",
    ),
    Wording(
        r"members[- ]only|available to this channel's members|join this channel|music premium members|premium members"
        r"|requires (a )?(paid )?(subscription|payment|purchase)|only available (for|to) (paying |paid )?subscribers"
        r"|only available for premium|rent(al)? or (buy|purchase)",
        MembersOnly,
        "{site} shows this video to members only.",
    ),
    Wording(
        r"not made this video available in your country|available in your (country|region|location)"
        r"|blocked (it|this video) in your country|geo[- ]?restrict|from your (location|country)|outside your country",
        GeoBlocked,
        "{site} does not show this video in the country this machine is in.",
    ),
    Wording(
        r"premieres? in|live (event|stream) will begin|this live stream recording is not available"
        r"|is not currently live|live event has ended|is offline|will begin in|starts in \d"
        r"|is upcoming|has not started",
        LiveStream,
        "This is a live stream or a premiere, and its recording is not online yet.",
    ),
    Wording(
        r"private video|private playlist|is private\b|only available for registered|login details are needed"
        r"|log ?in required|logged[- ]in|need to (be )?log|requires? (a )?log-?in|authentication"
        r"|granted access|protected by a password|password[- ]protected|don't have permission|do not have permission"
        r"|account credentials",
        PrivateVideo,
        "This video is private: {site} shows it only to people who may see it.",
    ),
    Wording(
        r"has been (removed|deleted|terminated|taken down)|removed (by|for)|been closed|no longer (available|exists)"
        r"|isn't available any ?more|not available any ?more|video (is )?unavailable|this video is not available"
        r"|this video isn't available|(video|playlist|channel|tweet|post) does not exist|doesn't exist|was deleted",
        RemovedVideo,
        "This video is not online any more, or never was.",
    ),
    Wording(
        r"drm",
        DownloadFailed,
        "This video is copy-protected (DRM) and cannot be downloaded.",
        "Choose another video, or upload a file you may use.",
    ),
    Wording(
        r"unsupported url|no video formats found|no media found|no video could be found|there is no video|no video in",
        NotMediaPage,
        "No video or sound was found behind this link.",
    ),
    Wording(r"redirect (loop|error)|too many redirects", TooManyRedirects, "The link redirects for ever."),
)


def worded(text: str, site: str) -> CuewiseError | None:
    """The error that a message of yt-dlp speaks of, or None. Links and yt-dlp's own advice are not read."""
    said = re.sub(r"https?://\S+|HTTP Error \d+: [^(]*", "", text.replace("’", "'"))
    said = re.split(r"\bUse --|\bSee  |\bYou might want", said)[0].lower()
    for wording in WORDINGS:
        if re.search(wording.pattern, said):
            return wording.error(wording.sentence.format(site=site), wording.hint)
    return None


def plain(exc: BaseException) -> str:
    """yt-dlp's message without colours, labels and requests to report."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", str(exc))
    text = re.sub(r"^\s*(?:ERROR:)?\s*(?:\[download\] Got error:|\[[\w:+.-]+\])?\s*", "", text)
    text = re.split(r"[;.,]?\s*please report this issue|\s*\(caused by ", text, flags=re.IGNORECASE)[0]
    return text.strip()


def sentence(text: str) -> str:
    """yt-dlp's message as a bounded sentence: no links, no options of a command line, no paths of this machine."""
    text = bare_links(text)
    text = re.sub(r"(?<![\w:/])(?:/[\w.+@~-]+){2,}/?|\b[A-Za-z]:\\[^\s'\"]+", "a file", text)
    said = [part for part in re.split(r"(?<=[.!?])\s+", " ".join(text.split())) if not re.search(r"(^|\s)--?\w", part)]
    words = " ".join(said)[:200].strip().rstrip(".:;, ")
    return f"The download failed: {words}." if words else "The download failed."


def bare_links(text: str) -> str:
    """The text with every link in it stripped of its password and its query."""
    link = r"(https?://)(?:[^\s/@\"']*@)?([^\s?#\"']*)(?:[?#][^\s\"']*?)?(?=[.,;:)]*(?:[\s\"']|$))"
    return re.sub(link, r"\1\2", str(text))


def megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.0f} MB" if size >= MEGABYTE else f"{size:,} bytes"
