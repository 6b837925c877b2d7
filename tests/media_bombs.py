"""Media that attack whoever opens them: each says what it does, and is made by the arguments or bytes beside it."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.conftest import run_ffmpeg

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def hundred_hours(path: Path) -> Path:
    """A picture every ten minutes for 100 hours, in some 20 kB."""
    run_ffmpeg("-f", "lavfi", "-i", "color=size=16x16:rate=1/600:duration=360000", *H264, "-f", "mp4", path)
    return path


def huge_pictures(path: Path) -> Path:
    """Pictures of 30,000 × 2,000, a thousandth of their size while they are packed."""
    wall = ("-f", "lavfi", "-i", "color=size=30000x2000:rate=1:duration=2")
    run_ffmpeg(*wall, "-c:v", "png", "-pix_fmt", "gray", "-f", "matroska", path)
    return path


def growing_pictures(path: Path) -> Path:
    """A transport stream whose pictures are 320 × 180 for four seconds, and 8,000 × 6,000 from then on."""
    small, large = path.with_suffix(".small"), path.with_suffix(".large")
    for part, size, length in ((small, "320x180", 4), (large, "8000x6000", 1)):
        run_ffmpeg(
            *("-f", "lavfi", "-i", f"color=size={size}:rate=2:duration={length}", *H264, "-threads", "1"),
            *("-output_ts_offset", 4 if part is large else 0, "-f", "mpegts", part),
        )
    path.write_bytes(small.read_bytes() + large.read_bytes())
    return path


def many_tracks(path: Path) -> Path:
    """200 tracks of sound, each of a hundredth of a second."""
    maps = ("-map", "0:a") * 200
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=0.01", *maps, "-c:a", "pcm_s16le", "-f", "matroska", path)
    return path


def slow_sound(path: Path) -> Path:
    """Two days of sound at one sample a second, in 8 kB: for a speech model each packet is made into 2 GB."""
    silence = ("-f", "lavfi", "-i", "anullsrc=r=1:cl=mono:d=200000")
    run_ffmpeg(*silence, "-c:a", "flac", "-frame_size", "65535", "-f", "flac", path)
    return path


def endless_index(path: Path, pictures: int = 60_000_000) -> Path:
    """1.6 kB whose index speaks of sixty million pictures, for each of which a demuxer makes room."""
    entry = _box(
        *(b"jpeg", bytes(6), struct.pack(">H", 1), bytes(16), struct.pack(">HHIII", 64, 64, 72 << 16, 72 << 16, 0)),
        *(struct.pack(">H", 1), bytes(32), struct.pack(">Hh", 24, -1)),
    )
    table = _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), entry),
        _full(b"stts", struct.pack(">III", 1, pictures, 1)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, pictures, 1)),
        _full(b"stsz", struct.pack(">II", 1, pictures)),
        _full(b"stco", struct.pack(">II", 1, 100)),
    )
    where = _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ")))
    media = _box(
        b"mdia",
        _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 1000, pictures, 0x55C4, 0)),
        _full(b"hdlr", bytes(4), b"vide", bytes(13)),
        _box(b"minf", _full(b"vmhd", bytes(8)), where, table),
    )
    track = _box(b"trak", _full(b"tkhd", struct.pack(">IIIII", 0, 0, 1, 0, 10), bytes(60)), media)
    movie = _box(b"moov", _full(b"mvhd", struct.pack(">IIII", 0, 0, 1000, 10), bytes(80)), track)
    path.write_bytes(_box(b"ftyp", b"isom\0\0\2\0isom") + _box(b"mdat", bytes(1000)) + movie)
    return path


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, *content: bytes) -> bytes:
    return _box(kind, bytes(4), *content)


# Texts that some demuxers follow elsewhere: each names an address and a file of this machine.


def playlist(path: Path, address: str, secret: Path) -> Path:
    """HLS, with a key, a first piece and a next one."""
    key, start = f'#EXT-X-KEY:METHOD=AES-128,URI="{address}/key"', f'#EXT-X-MAP:URI="{address}/init"'
    pieces = f"#EXTINF:5,\n{address}/piece.ts\n#EXTINF:5,\nfile://{secret}"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n{key}\n{start}\n{pieces}\n#EXT-X-ENDLIST\n")
    return path


def concat_list(path: Path, address: str, secret: Path) -> Path:
    """ffconcat, as ffmpeg joins files."""
    path.write_text(f"ffconcat version 1.0\nfile '{address}/a.mp4'\nfile '{secret}'\n")
    return path


def session(path: Path, address: str, secret: Path) -> Path:
    """SDP, which opens sockets."""
    port = address.rpartition(":")[2]
    path.write_text(f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n")
    return path


def manifest(path: Path, address: str, secret: Path) -> Path:
    """DASH."""
    piece = f'<SegmentTemplate media="{address}/$Number$" initialization="{address}/init" duration="1"/>'
    shape = '<Representation id="1" bandwidth="1" mimeType="video/mp4" codecs="avc1"/>'
    period = f"<Period><BaseURL>file://{secret}</BaseURL><AdaptationSet>{piece}{shape}</AdaptationSet></Period>"
    head = '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S">'
    path.write_text(f'<?xml version="1.0"?>\n{head}{period}</MPD>\n')
    return path


def reference_movie(path: Path, address: str, secret: Path) -> Path:
    """A QuickTime movie that is only the address of another one."""
    target = f"{address}/a.mov\0".encode()
    reference = _full(b"rdrf", b"url ", struct.pack(">I", len(target)), target)
    movie = _box(b"moov", _box(b"rmra", _box(b"rmda", reference)))
    path.write_bytes(_box(b"ftyp", b"qt  \0\0\2\0qt  ") + movie)
    return path


LEADING_ELSEWHERE = (playlist, concat_list, session, manifest, reference_movie)
