"""What is needed of a video, and the format that serves it: by need, not "best"."""

from __future__ import annotations

from dataclasses import dataclass

from lib.domain.plan import MEGABYTE


@dataclass(frozen=True, slots=True)
class Need:
    """What the models need of a video: sound alone, or pictures no taller than ``max_height`` with sound.

    ``size_limit_bytes`` is wished, not promised: where every format is larger, the choice falls on what there is.
    """

    hears_only: bool = False
    max_height: int = 480
    size_limit_bytes: int = 500 * MEGABYTE


def format_choice(need: Need) -> tuple[str, list[str]]:
    """yt-dlp's ``format`` and ``format_sort`` for a need; the first rung of the ladder that holds a format wins.

    Pictures: one file over plain HTTP with sound, no taller than asked (for upright video: no wider) and at least
    240 lines, within the size; else pictures and sound apart, to be joined; else the same from streams; else
    the smaller of what is too large. Among equals H.264, at most 30 frames a second, the smaller file.
    Sound: the smallest track of at least 32 kbit/s in the video's own language, else the smallest file with sound.
    """
    plain = "[protocol~='^https?$']"
    if need.hears_only:
        known = "[ext~='^(m4a|webm|mp3|mp4|aac|ogg|opus)$']"
        rungs = [f"ba[abr>=?32]{known}", "ba", "b[ext~='^(mp4|webm)$']", "b", "ba*"]
        return "/".join(rungs), ["lang", "proto", "+size", "+br", "+res"]
    size = f"[filesize<=?{need.size_limit_bytes}][filesize_approx<=?{need.size_limit_bytes}]"
    picture_bytes = need.size_limit_bytes * 9 // 10  # the rest is for the sound that is joined
    picture_size = f"[filesize<=?{picture_bytes}][filesize_approx<=?{picture_bytes}]"
    fits = [f"[{side}<=?{need.max_height}]" for side in ("height", "width")]
    small = [f"[{side}<=?{min(360, need.max_height)}]" for side in ("height", "width")]
    floor = "".join(f"[{side}>=?{min(240, need.max_height)}]" for side in ("height", "width"))
    rungs = [f"b{plain}[ext~='^(mp4|webm)$']{fit}{floor}{size}" for fit in fits]
    for way in (plain, ""):
        for fit in fits:
            rungs += [
                f"bv{way}[ext=mp4]{fit}{picture_size}+ba{way}[ext=m4a][abr>=?32]",
                f"bv{way}[ext=webm]{fit}{picture_size}+ba{way}[ext=webm][abr>=?32]",
                f"bv{way}{fit}{picture_size}+ba{way}",
            ]
        rungs += [f"b{way}{fit}{size}" for fit in fits]
    for fit in (*small, *fits):  # everything is too large: the smaller pictures first
        rungs += [f"b{fit}", f"bv{fit}+ba"]
    rungs += ["b", "bv+ba", "bv*", "ba"]
    order = ["lang", "hasaud", f"res:{need.max_height}", "fps:30", "vcodec:h264", "proto", "ext", "+size", "+br"]
    return "/".join(rungs), order
