"""Deleting a user: all that is theirs goes, wherever it lies, and nothing of anybody else's."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import create_engine, inspect

from lib.cli.entry import main
from lib.domain.run import RunState
from lib.errors import StorageError, StorageInUse
from lib.media_store import MediaStore
from lib.pipeline.upkeep import keep_up
from lib.services import Services, open_services
from lib.store import back_up
from tests.fakes.openrouter_server import DEFAULT_KEY
from tests.login_fixtures import ANN, BOB, user_of

LOCAL = "local/whisper-base"
ANNS, BOBS = (user_of(claims) for claims in (ANN, BOB))


def fill(house: Services, short_talking_video: Path) -> list[str]:
    """Let the operator, Ann and Bob each keep a video, a key, a choice and a run that waits; gives the runs' ids."""
    house._worker.close()
    run_ids = []
    for user in (None, ANNS, BOBS):
        if user is not None:
            house.users.enter(user)
        own = house if user is None else house.of_user(user.id)
        own.save_preferences(replace(own.preferences(), monthly_cap_usd=Decimal(7)))
        run_ids.append(own.submit(own.new_request(own.keep_file(short_talking_video), LOCAL)).id)
        own._tools.vault.seal(DEFAULT_KEY)
    return run_ids


def names_of_jobs(house: Services) -> list[str]:
    """What the job engine remembers, by whose it is: a user's id, or nothing."""
    found = house._open_jobs()._open().list_workflows()
    return sorted(each.workflow_id.rpartition("/")[0] for each in found)


def schemas(url: str) -> list[str]:
    engine = create_engine(url)
    try:
        return [name for name in inspect(engine).get_schema_names() if name.startswith("user_")]
    finally:
        engine.dispose()


def test_a_user_is_deleted_whole_and_nobody_else_is_touched(installation, short_talking_video, capsys):
    """Folder, database or schema, media store, jobs, keys, backups and the name: gone. The others have all of theirs.
    Who signs in again begins with nothing."""
    with closing(open_services(installation)) as house:
        houses, anns, bobs = fill(house, short_talking_video)
        asset_id = house.run(houses).request.source.asset_id
    back_up(installation.database_url, installation.backups_dir)
    assert main(["delete-user", "ann@example.org", "--yes"]) == 0
    told = capsys.readouterr().err
    assert "Ann Archer" in told
    assert "1 video, 1 run" in told
    assert "1 job not over" in told
    assert not installation.for_user(ANNS.id).data_dir.exists()
    for path in installation.data_dir.rglob("*"):
        assert path.is_dir() or b"ann@example.org" not in path.read_bytes(), path
        assert ANNS.id not in str(path)
    if installation.is_shared:
        assert schemas(installation.database_url) == [f"user_{BOBS.id}"]
        left = MediaStore(installation.media_url).names("")
        assert sorted(left) == [f"media/{asset_id[:2]}/{asset_id}", f"users/{BOBS.id}/media/{asset_id[:2]}/{asset_id}"]
    with closing(open_services(installation)) as house:
        assert house.users.all() == [BOBS]
        assert names_of_jobs(house) == ["", BOBS.id]
        bob = house.of_user(BOBS.id)
        for own, run_id in ((house, houses), (bob, bobs)):
            assert own.run(run_id).state is RunState.QUEUED
            assert own.media_path(asset_id).read_bytes() == short_talking_video.read_bytes()
            assert own.preferences().monthly_cap_usd == 7
        house.users.enter(ANNS)
        ann = house.of_user(ANNS.id)
        assert ann.run(anns) is None
        assert ann.media_path(asset_id) is None
        assert ann.preferences().monthly_cap_usd is None


def test_a_deletion_that_breaks_off_pays_for_nothing_and_is_done_again(installation, short_talking_video, monkeypatch):
    """What was at work is cancelled first and the key forgotten; the user is still known, so that the rest can go."""
    with closing(open_services(installation)) as house:
        _, anns, _ = fill(house, short_talking_video)

    def refuse(*_):
        raise StorageError("The disk refused.", "Try again.")

    with monkeypatch.context() as broken:
        broken.setattr("lib.pipeline.users._remove_folder", refuse)
        broken.setattr("lib.pipeline.users.drop_schema", refuse)
        assert main(["delete-user", ANNS.id, "--yes"]) == 1
    with closing(open_services(installation)) as house:
        assert ANNS in house.users.all()
        ann = house.of_user(ANNS.id)
        assert ann.run(anns).state is RunState.CANCELLED
        assert ann._tools.store.sealed_keys.get(ann._tools.vault.reference(DEFAULT_KEY)) is None
    assert main(["delete-user", ANNS.id, "--yes"]) == 0
    with closing(open_services(installation)) as house:
        assert house.users.all() == [BOBS]


def test_nobody_is_deleted_by_mistake(installation, monkeypatch, capsys):
    """Not who is unknown; not without a yes; not while the app has the library open or a worker is at work."""
    with closing(open_services(installation)) as house:
        for user in (ANNS, BOBS):
            house.users.enter(user)
        assert main(["delete-user", "ann@example.org", "--yes"]) == 1  # the app is open
        assert "Stop the app" in capsys.readouterr().err
    with FileLock(installation.data_dir / "worker.lock"):
        assert main(["delete-user", "ann@example.org", "--yes"]) == 1
    assert "Stop the app" in capsys.readouterr().err
    assert main(["delete-user", "eve@example.org", "--yes"]) == 2
    assert "Nobody who has signed in here is called “eve@example.org”" in capsys.readouterr().err
    assert main(["delete-user", "ann@example.org"]) == 2
    assert "--yes" in capsys.readouterr().err
    for answer in ("n\n", "\n"):
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        assert main(["delete-user", "ann@example.org"]) == 1
        assert "Nothing was deleted." in capsys.readouterr().err
    with closing(open_services(installation)) as house:
        assert {user.id for user in house.users.all()} == {ANNS.id, BOBS.id}
        house._tools.close()
        with closing(open_services(installation)), pytest.raises(StorageInUse):
            house.users.delete(ANNS)


class Terminal:
    """Somebody who sits there and types one answer."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self._answer


def test_users_are_listed_with_what_they_take_up(installation, short_talking_video, capsys):
    """Their runs and the bytes of their media, on whichever machine these lie; for programs as well."""
    import json

    with closing(open_services(installation)) as house:
        fill(house, short_talking_video)
    assert main(["users"]) == 0
    assert "1 run  0.00 GB" in capsys.readouterr().out
    assert main(["users", "--json"]) == 0
    rows = {row["email"]: row for row in json.loads(capsys.readouterr().out)}
    size_bytes = short_talking_video.stat().st_size
    assert rows["ann@example.org"] == {
        "id": ANNS.id,
        "name": "Ann Archer",
        "email": "ann@example.org",
        "month_usd": 0.0,
        "runs": 1,
        "media_bytes": size_bytes,
    }


@pytest.mark.parametrize("installation", ["several machines"], indirect=True)
def test_other_machines_part_with_a_user_at_their_next_upkeep(installation, short_talking_video, tmp_path):
    """What they had fetched for a user who was deleted goes; what they have of others stays."""
    elsewhere = replace(installation, data_dir=tmp_path / "elsewhere")
    with closing(open_services(installation)) as house:
        run_ids = fill(house, short_talking_video)
        asset_id = house.run(run_ids[0]).request.source.asset_id
    with closing(open_services(elsewhere)) as other:
        paths = [other.of_user(user.id).media_path(asset_id) for user in (ANNS, BOBS)]
        keep_up(other._tools)
        assert all(path.exists() for path in paths)
    assert main(["delete-user", "ann@example.org", "--yes"]) == 0
    with closing(open_services(elsewhere)) as other:
        keep_up(other._tools)
    assert [path.exists() for path in paths] == [False, True]
    assert not elsewhere.for_user(ANNS.id).data_dir.exists()
