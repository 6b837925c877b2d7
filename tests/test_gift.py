"""The library from before there was a login, given to a user: all of it, whatever breaks off."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from filelock import FileLock

from lib.cli.entry import main
from lib.domain.run import RunRequest
from lib.domain.transcript import Cue, Transcript
from lib.media_store import MediaStore
from lib.pipeline.upkeep import keep_up
from lib.services import Services, open_services
from lib.settings import Settings
from lib.store import back_up
from tests.login_fixtures import ANN, BOB, user_of

ANNS, BOBS = (user_of(claims) for claims in (ANN, BOB))
RUN, NOON = "b" * 32, datetime(2026, 11, 24, 12, tzinfo=UTC)
SAID = Transcript((Cue(1.0, 2.0, "Ever tried, ever failed."),), "Ever tried, ever failed.")


def fill(house: Services, video: Path) -> str:
    """Let the operator have a video, with a run, a poster and a choice, and Ann and Bob sign in; gives the asset."""
    for user in (ANNS, BOBS):
        house.users.enter(user)
    source = house.keep_file(video)
    request = RunRequest(source, "local/whisper-base")
    house._tools.store.runs.add_done(RUN, request, SAID, started=NOON, asset_id=source.asset_id)
    assert house.library.poster(source.asset_id)
    house.save_preferences(replace(house.preferences(), monthly_cap_usd=Decimal(7)))
    return source.asset_id


def check_given(installation: Settings, asset_id: str, video: Path) -> None:
    """Ann has all of it, is found in it and can be searched; the installation has nothing left, and knows everybody."""
    assert main(["delete-user", "eve@example.org"]) == 2
    with closing(open_services(installation)) as house:
        ann, bob = (house.of_user(user.id) for user in (ANNS, BOBS))
        assert {user.email for user in house.users.all()} == {"ann@example.org", "bob@example.org"}
        assert [run.id for run in ann.runs()] == [RUN]
        assert ann.media_path(asset_id).read_bytes() == video.read_bytes()
        assert ann.library.search("tried").count == 1
        assert ann.library.poster(asset_id)
        assert ann.preferences().monthly_cap_usd == 7
        assert ann._tools.store.users.all() == []
        for other in (house, bob):
            assert other.runs() == []
            assert other.library.search("tried").count == 0
            assert other.media_path(asset_id) is None
            assert other.preferences().monthly_cap_usd is None
        keep_up(house._tools)
        assert ann.media_path(asset_id).read_bytes() == video.read_bytes()
        source = house.keep_file(video)  # both can be written to
        house._tools.store.runs.add_done("c" * 32, RunRequest(source, "local/whisper-base"), SAID, started=NOON)
        assert house.library.search("tried").count == 1
        assert ann.library.search("tried").count == 1


def lies_in(installation: Settings) -> list[str]:
    """What the media store holds: the first folder of each name."""
    return sorted({name.partition("/")[0] for name in MediaStore(installation.media_url).names("")})


def test_the_library_from_before_the_login_is_given_to_one_user(installation, short_talking_video, capsys):
    """Runs, media here and in the media store, and what is searched are theirs alone from then on, and everybody is
    still known; a second time it is refused, as is a gift to whom it would cost a library."""
    with closing(open_services(installation)) as house:
        asset_id = fill(house, short_talking_video)
    back_up(installation.database_url, installation.backups_dir)
    assert main(["give", "ann@example.org"]) == 0
    assert "ann@example.org's now" in capsys.readouterr().out
    assert [path for path in installation.data_dir.glob("*/*/*") if path.parts[-3] in ("media", "renditions")] == []
    assert not list(installation.backups_dir.glob("*"))
    assert not list(installation.data_dir.rglob("*.given*"))
    assert not list(installation.data_dir.rglob("*.unfinished*"))
    if installation.is_shared:
        assert lies_in(installation) == ["users"]
    assert main(["give", "bob@example.org"]) == 2
    assert "no library to give" in capsys.readouterr().err
    check_given(installation, asset_id, short_talking_video)
    capsys.readouterr()
    assert main(["give", "ann@example.org"]) == 2
    assert "has a library already" in capsys.readouterr().err


BROKEN = {
    "while media are copied": "lib.pipeline.library_gift._copy",
    "before the switch": "lib.pipeline.library_gift._switch",
    "in the middle of the switch": "",
    "before anything is deleted": "lib.pipeline.library_gift._delete_originals",
    "while backups are deleted": "lib.pipeline.library_gift.forget_backups",
}


def dying_at(place: Path, die: Callable[[], None]) -> Callable[[Path, Path], None]:
    """``os.replace``, until that place is to be taken."""
    replace_it = os.replace
    return lambda source, target: die() if target == place else replace_it(source, target)


@pytest.mark.parametrize("moment", BROKEN)
def test_a_gift_that_breaks_off_is_whole_on_one_side_and_is_done_again(
    installation, short_talking_video, monkeypatch, moment
):
    """At whatever moment: the library is wholly the installation's, or wholly Ann's, and giving it again ends it."""
    with closing(open_services(installation)) as house:
        asset_id = fill(house, short_talking_video)

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    with monkeypatch.context() as broken:
        if BROKEN[moment]:
            broken.setattr(BROKEN[moment], die)
        elif installation.is_shared:
            broken.setattr("lib.store.place.make_tables", die)
        else:
            broken.setattr("os.replace", dying_at(installation.data_dir / "cuewise.db", die))
        with pytest.raises(Killed), closing(open_services(installation)) as house:
            house.users.give(ANNS)
    with closing(open_services(installation)) as house:
        mine, theirs = (each._tools.store.transcripts.get(RUN) for each in (house, house.of_user(ANNS.id)))
        assert SAID.text in {each.text for each in (mine, theirs) if each}
        owner = house if mine else house.of_user(ANNS.id)
        assert owner.media_path(asset_id).read_bytes() == short_talking_video.read_bytes()
        assert {user.id for user in house.users.all()} == {ANNS.id, BOBS.id}
    assert main(["give", "ann@example.org"]) == 0
    check_given(installation, asset_id, short_talking_video)


def test_a_library_at_work_is_not_given_away(installation, short_talking_video, capsys):
    """Not while a worker holds the data folder or the app is open, nor while a run is not over: nothing is moved."""
    with closing(open_services(installation)) as house:
        asset_id = fill(house, short_talking_video)
        assert main(["give", "ann@example.org"]) == 1
        assert "Stop the app" in capsys.readouterr().err
    with FileLock(installation.data_dir / "worker.lock"):
        assert main(["give", "ann@example.org"]) == 1
        assert "Stop the app" in capsys.readouterr().err
    with closing(open_services(installation)) as house:
        request = house._tools.store.runs.get(RUN).request
        house._tools.store.runs.add("d" * 32, request, None)
    assert main(["give", "ann@example.org"]) == 2
    assert "let it end" in capsys.readouterr().err
    with closing(open_services(installation)) as house:
        assert len(house.runs()) == 2
        assert house.media_path(asset_id)
        assert house.of_user(ANNS.id).runs() == []


@pytest.mark.parametrize("installation", ["one machine"], indirect=True)
def test_a_disk_that_gives_no_file_a_second_name_has_it_copied(installation, short_talking_video, monkeypatch):
    """As on FAT: the bytes are written again, and the originals go after."""
    with closing(open_services(installation)) as house:
        asset_id = fill(house, short_talking_video)

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as fat:
        fat.setattr("os.link", refuse)
        assert main(["give", "ann@example.org"]) == 0
    check_given(installation, asset_id, short_talking_video)


@pytest.mark.parametrize("installation", ["several machines"], indirect=True)
def test_a_library_whose_media_are_elsewhere_is_not_given_away(installation, short_talking_video, capsys):
    """What lies on another machine alone would be lost: it says so, and what to do. What lies here alone goes along."""
    with closing(open_services(installation)) as house:
        asset_id = fill(house, short_talking_video)
        here, store = house.media_path(asset_id), house._tools.files.shared
        store.remove([f"media/{asset_id[:2]}/{asset_id}"])
        here.rename(here.with_name("aside"))
    assert main(["give", "ann@example.org"]) == 2
    assert "media, 1 cannot be found" in capsys.readouterr().err
    here.with_name("aside").rename(here)
    assert main(["give", "ann@example.org"]) == 0
    assert f"users/{ANNS.id}/media/{asset_id[:2]}/{asset_id}" in MediaStore(installation.media_url).names("")
    check_given(installation, asset_id, short_talking_video)
