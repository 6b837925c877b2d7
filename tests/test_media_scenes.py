"""Scene changes, found in the key frames of real footage and of slides."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.errors import Cancelled
from lib.media.ffmpeg import file_url
from lib.media.scenes import scene_changes
from tests.media_fixtures import H264, SOUND, footage, make

SAME = "scale=320:180:force_original_aspect_ratio=increase,crop=320:180,setsar=1,fps=25,format=yuv420p"
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "50")


@pytest.fixture(scope="module")
def joined(tmp_path_factory) -> Path:
    """Street, cartoon and car, one after the other: cut at 10, 15.28 and 19.28 s. The street has cuts of its own."""
    names = ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4", "bikes.mp4")
    inputs = [word for name in names for word in ("-i", file_url(footage(name)))]
    scaled = ";".join(f"[{at}:v]{SAME}[v{at}]" for at in range(4))
    graph = f"{scaled};[v0][v1][v2][v3]concat=n=4:v=1[v]"
    return make(
        tmp_path_factory.mktemp("joined") / "joined.mp4", *inputs, "-filter_complex", graph, "-map", "[v]", *X264
    )


def test_cuts_between_films_are_found(joined):
    """Each to the key frame that the encoder put there, and the strongest of all among them."""
    found = scene_changes(joined)
    for cut in (10.0, 15.28, 19.28):
        assert min(abs(change.time - cut) for change in found) < 0.1
    assert all(0.28 <= change.strength <= 1 for change in found)
    assert len(found) <= 14
    assert [change.time for change in found] == sorted(change.time for change in found)


def test_a_slide_among_slides_is_a_change(tmp_path):
    """White pages that differ by a few dark bars: too little for a film, much where nothing else moves."""
    bars = "drawbox=x=40:y={y}:w={w}:h=14:color=black:t=fill"
    pages = [",".join(bars.format(y=20 + 26 * line, w=60 + (97 * (line + page)) % 180) for line in range(4 + page))
             for page in range(3)]  # fmt: skip
    inputs = [word for page in pages for word in ("-f", "lavfi", "-i", f"color=white:size=320x180:rate=5:d=20,{page}")]
    graph = ("-filter_complex", "[0:v][1:v][2:v]concat=n=3:v=1[v]", "-map", "[v]")
    source = make(tmp_path / "slides.mp4", *inputs, *graph, "-c:v", "libx264", "-g", "10")
    assert [change.time for change in scene_changes(source)] == pytest.approx([20, 40], abs=2.1)


def test_where_key_frames_stand_far_apart_every_picture_can_be_looked_at(tmp_path, joined):
    """Encoders in a hurry put one in ten seconds, and none at a cut: looked at whole, the cuts are found."""
    hurried = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "250")
    source = make(tmp_path / "hurried.mp4", "-i", file_url(joined), *hurried)
    found = scene_changes(source, every_picture=True)
    for cut in (10.0, 15.28, 19.28):
        assert min(abs(change.time - cut) for change in found) <= 0.55
    assert len(found) > len(scene_changes(source))


def test_one_long_shot_has_no_change(tmp_path):
    """A picture in which things move all the time, and one in which nothing does."""
    for name, picture in (("moving", "testsrc2"), ("still", "smptebars")):
        source = make(
            tmp_path / f"{name}.mp4", "-f", "lavfi", "-i", f"{picture}=size=320x180:rate=25:duration=20", *H264
        )
        assert scene_changes(source) == ()


def test_sound_alone_has_no_scenes(tmp_path):
    """Nor has a cover."""
    assert scene_changes(make(tmp_path / "x.m4a", *SOUND)) == ()


def test_it_tells_how_far_it_is_and_stops_when_told(joined):
    shares = []
    scene_changes(joined, on_progress=shares.append)
    assert shares == sorted(shares)
    assert 0.8 < shares[-1] <= 1

    def cancel(share: float) -> None:
        raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        scene_changes(joined, on_progress=cancel)
