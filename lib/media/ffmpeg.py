"""The door to ffmpeg: one call runs it, tells how far it is, and never leaves it behind."""

from __future__ import annotations

import functools
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from lib.errors import (
    ConverterKilled,
    CuewiseError,
    DiskFull,
    FolderReadOnly,
    MediaError,
    MediaTooHeavy,
    TruncatedMedia,
    UnknownCodec,
)
from lib.media.limits import limits
from lib.settings import tool_environment

log = logging.getLogger(__name__)

PROTOCOLS = "file"
"""What an input may open. A playlist dressed up as a video must not make us fetch addresses."""

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,live_flv,mpegts,mpeg,mpegvideo,mp3,wav,w64,ogg,flac,aac,asf,"
    "aiff,amr,caf,au,ac3,eac3,dts,ape,wv,tta,mpc,mpc8,h264,hevc,ivf,nut,mxf,gxf,dv,rm,wtv"
)
"""The containers we open. Left out are the ones that name other files (playlists, concat lists), which would read
any file of this machine into a rendition, and pictures and texts, which are no media here."""

READ_AHEAD_SECONDS = 20
READ_AHEAD_BYTES = 30_000_000
"""How far streams are looked for: sound may begin late. The defaults (5 s, 5 MB) miss it in a transport stream."""

HEARTBEAT = 0.5
"""Seconds between two calls of ``on_progress`` at most, so that a Cancel is heard while ffmpeg says nothing."""

REINSTALL = "Run: pip install --force-reinstall -r requirements.txt"

KILLED = -9
STARTS = 3
"""So often ffmpeg is started when the system kills it: memory that was short a moment ago may be there now."""

PATIENCE_SECONDS = 600
PATIENCE_TIMES = 30
"""ffmpeg may take ten minutes, and thirty times as long as what it makes plays; then the file is to blame."""

STDERR_LINES = 40
STDERR_LINE_BYTES = 500


@functools.cache
def ffmpeg_path() -> str:
    """The binary that comes with imageio-ffmpeg. Raises MediaError where there is none."""
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as exc:
        # It is tried out, once for as long as we live: a trial that the system killed would count for ever.
        packed = next((Path(imageio_ffmpeg.__file__).parent / "binaries").glob("ffmpeg-*"), None)
        if packed is None:
            raise MediaError("The converter (ffmpeg) is not installed.", REINSTALL) from exc
        return str(packed)


@functools.cache
def ffmpeg_version() -> str:
    """What the binary calls itself, such as 9.0.1. Raises MediaError where there is none."""
    import imageio_ffmpeg

    ffmpeg_path()
    return imageio_ffmpeg.get_ffmpeg_version()


def input_options() -> dict[str, str]:
    """What ffmpeg and PyAV are told alike before they open a file, so that they see the same streams in it."""
    return {
        "protocol_whitelist": PROTOCOLS,
        "format_whitelist": DEMUXERS,
        "analyzeduration": str(READ_AHEAD_SECONDS * 1_000_000),
        "probesize": str(READ_AHEAD_BYTES),
        "max_streams": str(limits().streams + 1),  # by the one too many it is known that there are too many
    }


def decoder_options() -> dict[str, str]:
    """What decoders are told: a picture that is larger than allowed is refused wherever in a file it comes."""
    return {"max_pixels": str(limits().pixels)}


def file_url(path: Path) -> str:
    """A path as ffmpeg takes it whatever is in it: a leading dash is no option, a colon no protocol."""
    return f"file:{Path(path).absolute()}"


def run_ffmpeg(
    arguments: list[str],
    *,
    duration: float,
    on_progress: Callable[[float], None] | None = None,
    is_trial: bool = False,
) -> list[str]:
    """Run ffmpeg to its end, and give the last lines of what it said. ``arguments`` go to it as they are, never through
    a shell; name files with ``file_url``.

    ``on_progress`` is given the share done, 0 to 1, of ``duration`` seconds of output, at least twice a second and
    in this thread. What it raises (Cancelled) ends ffmpeg at once and comes through. However this call ends, ffmpeg
    has ended; when this process is killed, so is ffmpeg (on Linux). Its memory, what it writes and the time it takes
    are bounded (see ``lib.media.limits``). Killed by somebody else, it is started again. Of a trial, a failure is not
    worth a warning.
    Raises DiskFull, FolderReadOnly, TruncatedMedia, UnknownCodec, MediaTooHeavy, ConverterKilled, MediaError.
    """
    for _ in range(STARTS):
        code, said = _run_once(arguments, duration, on_progress)
        if code != KILLED:
            break
        log.warning("ffmpeg was killed before it was done")
    else:
        raise ConverterKilled("The system ended the converter (ffmpeg) before it was done.")
    if code != 0:
        message = "\n".join(said)
        log.log(logging.DEBUG if is_trial else logging.WARNING, "ffmpeg ended with %d:\n%s", code, message)
        raise _translated(message)
    if on_progress is not None:
        on_progress(1.0)
    return said


def _run_once(
    arguments: list[str], duration: float, on_progress: Callable[[float], None] | None
) -> tuple[int, list[str]]:
    """How ffmpeg ended, and the last lines of what it said."""
    command = [
        *bounded(memory_bytes=limits().memory_bytes, output_bytes=limits().output_bytes),
        ffmpeg_path(),
        *("-nostdin", "-hide_banner", "-y", "-loglevel", "warning", "-nostats", "-progress", "pipe:1"),
        *locked_in(arguments),
    ]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=tool_environment(),
        )
    except OSError as exc:
        raise MediaError("The converter (ffmpeg) could not be started.", REINSTALL) from exc
    times: queue.SimpleQueue[float | None] = queue.SimpleQueue()
    said: deque[str] = deque(maxlen=STDERR_LINES)
    readers = [
        threading.Thread(target=_read_times, args=(process.stdout, times), name="ffmpeg-progress", daemon=True),
        threading.Thread(target=_read_lines, args=(process.stderr, said), name="ffmpeg-messages", daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        _follow(times, duration, on_progress)
        code = process.wait()
    finally:
        process.kill()
        process.wait()
        for reader in readers:
            reader.join()
        process.stdout.close()
        process.stderr.close()
    return code, list(said)


def locked_in(arguments: list[str]) -> list[str]:
    """The arguments with the protocols allowed before every input, and the containers too where it is not said what
    the input is; each input needs its own."""
    locked: list[str] = []
    begun = 0
    for argument in arguments:
        if argument == "-i":
            locked += ["-protocol_whitelist", PROTOCOLS]
            if "-f" not in locked[begun:]:
                locked += ["-format_whitelist", DEMUXERS, "-max_pixels", str(limits().pixels)]
            begun = len(locked)
        locked.append(argument)
    return locked


def _follow(
    times: queue.SimpleQueue[float | None], duration: float, on_progress: Callable[[float], None] | None
) -> None:
    done = 0.0
    deadline = time.monotonic() + PATIENCE_SECONDS + PATIENCE_TIMES * duration
    while True:
        try:
            written = times.get(timeout=HEARTBEAT)
        except queue.Empty:
            written = 0.0
        if written is None:
            return
        done = max(done, min(1.0, written / duration) if duration > 0 else 0.0)
        if on_progress is not None:
            on_progress(done)
        if time.monotonic() > deadline:
            raise MediaTooHeavy("Converting this file takes longer than any honest file would.")


def _read_times(stream: IO[bytes], times: queue.SimpleQueue[float | None]) -> None:
    """Pass on the seconds of output written so far; None when ffmpeg has closed the pipe."""
    for line in stream:
        name, _, value = line.strip().partition(b"=")
        if name == b"out_time_us" and value.lstrip(b"-").isdigit():
            times.put(int(value) / 1_000_000)
    times.put(None)


def _read_lines(stream: IO[bytes], said: deque[str]) -> None:
    """Keep the last lines, each cut: a broken file makes ffmpeg say the same thing a million times."""
    while line := stream.readline(STDERR_LINE_BYTES):
        said.append(line.decode(errors="replace").rstrip())


_FAULTS: tuple[tuple[tuple[str, ...], type[CuewiseError], str], ...] = (
    (
        ("Cannot allocate memory", "Picture size", "out of memory"),
        MediaTooHeavy,
        "This file needs more memory than it may take here.",
    ),
    (
        ("No space left on device", "Disk quota exceeded", "File too large"),
        DiskFull,
        "The disk has no room for the converted file.",
    ),
    (
        ("Read-only file system", "Permission denied"),
        FolderReadOnly,
        "The converted file cannot be written to its folder.",
    ),
    (("moov atom not found",), TruncatedMedia, "The file ends before it says what is in it."),
    (("Decoder not found", "no decoder found", "Decoder (codec"), UnknownCodec, "No decoder here knows this file."),
)


def _translated(message: str) -> CuewiseError:
    for signs, error, sentence in _FAULTS:
        if any(sign in message for sign in signs):
            return error(sentence)
    return MediaError("The file could not be converted: too much of it is damaged.")


_GUARD = """
import ctypes, os, resource, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
for limit, value in ((resource.RLIMIT_DATA, sys.argv[2]), (resource.RLIMIT_FSIZE, sys.argv[3])):
    value = min([int(value), *(each for each in resource.getrlimit(limit) if each != resource.RLIM_INFINITY)])
    resource.setrlimit(limit, (value, value))
os.execv(sys.argv[4], sys.argv[4:])
"""


def bounded(*, memory_bytes: int, output_bytes: int) -> list[str]:
    """The head of a command that may take so much memory and write files of such a size, and that dies with us, even
    when we are killed. On Linux; elsewhere the command stands alone.

    A process may ask Linux to be killed with its parent (``prctl(PR_SET_PDEATHSIG)``) and then become ffmpeg. Asking
    between fork and exec (``preexec_fn``) can hang a process with threads, so a bare interpreter asks, some 20 ms.
    "Parent" means the thread that started it: that thread waits as long as the command lives.
    Memory is what is written to (RLIMIT_DATA): address space alone (RLIMIT_AS) is what the drivers of graphics cards
    reserve by the terabyte.
    """
    if not sys.platform.startswith("linux"):
        return []
    return [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), str(memory_bytes), str(output_bytes)]
