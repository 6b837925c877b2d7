"""Users: who somebody is, who may come in, and that nobody finds anything of anybody else's."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from io import BytesIO

import pytest

from lib.cli.entry import main
from lib.domain.budget import CallPrice, Cap, Granted, Refused
from lib.domain.media import Source, SourceKind
from lib.domain.run import RunState
from lib.domain.user import User, UserLimits, check_let_in
from lib.errors import CapReached, InputError, KeyMissing, KeyRingRefused, LibraryFull, NotLetIn
from lib.pipeline.budget import caps_of, refusal_words
from lib.pipeline.keys import NOT_YOURS
from lib.pipeline.tools import Opened
from lib.pipeline.upkeep import keep_up
from lib.services import Services, open_services, open_tools
from lib.settings import Settings
from lib.store import backups
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter
from tests.login_fixtures import ANN, BOB, user_of
from tests.services_fixtures import services_beside, services_beside_server
from tests.test_jobs import MODEL, SLOW, wait_for, worker_pid
from tests.waiting import is_over, look_until


@pytest.fixture
def server():
    with FakeOpenRouter(answer="[00:01] Ever tried, ever failed.\n[00:05] Fail better.") as server:
        yield server


def enter(house: Services) -> list[Services]:
    """The services of Ann and Bob, who sign in."""
    for claims in (ANN, BOB):
        house.users.enter(user_of(claims))
    return [house.of_user(user_of(claims).id) for claims in (ANN, BOB)]


# Who somebody is, and who may come in


def test_a_user_is_known_by_issuer_and_subject_and_by_nothing_else():
    """A new e-mail or name is the same person; the same subject at another issuer is another; the id tells neither."""
    ann = user_of(ANN)
    assert user_of(ANN | {"email": "archer@example.org", "name": "A. Archer"}).id == ann.id
    assert user_of(ANN | {"iss": "https://other.example"}).id != ann.id
    assert len(ann.id) == 32
    assert "ann" not in ann.id


@pytest.mark.parametrize("missing", ["iss", "sub"])
def test_a_login_that_does_not_say_who_it_is_about_lets_nobody_in(missing):
    """Without both, two people could be taken for one."""
    with pytest.raises(NotLetIn):
        User.of_claims({name: value for name, value in ANN.items() if name != missing})


@pytest.mark.parametrize("name", ["", "../../etc", "A" * 32, "0" * 31, "0" * 33, 'x" ; DROP SCHEMA public; --'])
def test_nothing_but_an_id_names_a_library(settings, name):
    """What names a folder and a schema is 32 hexadecimal digits."""
    with pytest.raises(ValueError):
        settings.for_user(name)


@pytest.mark.parametrize(
    ("claims", "is_let_in"),
    [
        ({"email": "ann@example.org"}, True),
        ({"email": "ANN@Example.ORG"}, True),
        ({"email": "guest@elsewhere.example"}, True),
        ({"email": "eve@elsewhere.example"}, False),
        ({"email": "ann@example.org.evil.example"}, False),
        ({"email": "ann@example.org", "email_verified": False}, False),
        ({"email": "ann@example.org", "email_verified": "false"}, False),
        ({"email": None}, False),
    ],
)
def test_only_who_fits_the_allowed_emails_comes_in(claims, is_let_in):
    """By a confirmed e-mail, capitals or not; one that the provider does not vouch for opens nothing."""
    user, allowed = User.of_claims(ANN | claims), ("*@example.org", "guest@elsewhere.example")
    if is_let_in:
        check_let_in(user, allowed)
    else:
        with pytest.raises(NotLetIn):
            check_let_in(user, allowed)


def test_without_a_list_all_whom_the_provider_lets_in_come_in():
    """The list is the operator's choice; the launch says so."""
    check_let_in(User.of_claims(ANN | {"email": None}), ())


def test_the_operators_limits_are_read_from_the_environment():
    """Each by its variable; a value that cannot be meant names it."""
    environment = {"CUEWISE_USER_MONTH_USD": "2.50", "CUEWISE_USER_RUNS": "2", "CUEWISE_USER_STORAGE_GB": "1.5"}
    limits = Settings.from_environment(environment).user_limits
    assert limits == UserLimits(Decimal("2.50"), 2, 1_500_000_000)
    assert Settings.from_environment({}).user_limits == UserLimits()
    assert Settings.from_environment(limits.environment()).user_limits == limits  # what its worker is told
    assert Settings.from_environment(UserLimits().environment()).user_limits == UserLimits()
    for name in environment:
        with pytest.raises(InputError, match=name):
            Settings.from_environment({name: "much"})


# Libraries


@pytest.fixture
def house(tmp_path, database):
    """The installation's services, on each kind of database, and those of Ann and Bob."""
    environment = {"CUEWISE_DATA": str(tmp_path / "data"), "CUEWISE_DATABASE_URL": database}
    with closing(open_services(Settings.from_environment(environment))) as house:
        yield house, *enter(house)


def test_nobody_finds_anything_of_anybody_elses(house, footage):
    """A run, its media, preferences, prompts, tags, money and keys are in one library, whichever database it is in."""
    house, ann, bob = house
    source = ann.keep_file(footage)
    ann._tools.store.runs.add("a" * 32, ann.new_request(source, "local/whisper-base"), None)
    ann.save_preferences(replace(ann.preferences(), monthly_cap_usd=Decimal(7)))
    ann.library.tag(source.video_id, "secret")
    ann.saved_prompts.save("Mine", "List all products.")
    ref = ann._tools.vault.reference(DEFAULT_KEY)
    ann._tools.vault.seal(DEFAULT_KEY)
    ann._tools.store.payments.reserve("o", CallPrice(Decimal(1), Decimal(1)), {}, "w")
    assert ann.library.videos().count == 1
    for other in (bob, house):
        assert other.run("a" * 32) is None
        assert other.runs() == []
        assert other.library.videos().count == 0
        assert other.library.tags() == []
        assert other.asset(source.asset_id) is None
        assert other.media_path(source.asset_id) is None
        assert other.preferences().monthly_cap_usd is None
        assert other.saved_prompts.all() == []
        assert other.budget.this_month().total_usd == 0
        with pytest.raises(KeyMissing):
            other._tools.vault.open(ref)
    assert ann._tools.vault.open(ref) == DEFAULT_KEY
    assert {user.name for user in house.users.all()} == {"Ann Archer", "Bob Baker"}
    assert ann.users.all() == []


def test_a_video_that_two_have_is_deleted_by_each_for_themselves(house, footage):
    """The same bytes lie in both libraries: what one deletes the other keeps."""
    _, ann, bob = house
    source = Source(SourceKind.UPLOAD, "Bicycles.mp4", asset_id=ann.keep_file(footage).asset_id, duration=10.0)
    assert bob.keep_file(footage).asset_id == source.asset_id
    ann._tools.files.remove(source.asset_id)
    assert ann.media_path(source.asset_id) is None
    assert bob.media_path(source.asset_id).read_bytes() == footage.read_bytes()


def test_a_user_cannot_name_a_file_of_the_operators_machine(house):
    """Cookies by path are for who runs the app: for who signs in, no file is opened."""
    house, ann, _ = house
    for services, is_used in ((ann, False), (house, True)):
        services.save_preferences(replace(services.preferences(), cookies_file="/etc/hostname"))
        assert (services._tools.links(False).cookies_file is not None) is is_used


def test_a_user_cannot_use_the_operators_keyring(tmp_path):
    """Neither a key is put into it nor one got out of it for who signs in, whatever a browser sends."""
    with services_beside(tmp_path / "data") as house:
        ann, _ = enter(house)
        assert ann.keys.remembering_problem() == NOT_YOURS
        with pytest.raises(KeyRingRefused):
            ann.keys.remember(DEFAULT_KEY)
        ann.save_preferences(replace(ann.preferences(), remembers_key=True))
        assert ann.keys.remembered() is None


def test_libraries_that_many_others_were_opened_after_are_closed():
    """Memory holds those used last; who comes back is opened anew."""
    opened, closed = [], []
    kept = Opened(lambda user_id: opened.append(user_id) or user_id, closed.append, most=2)
    for user_id in ("a", "b", "a", "c", "b"):
        assert kept.get(user_id) == user_id
    assert (opened, closed) == (["a", "b", "c", "b"], ["b", "a"])
    kept.close()
    assert sorted(closed) == ["a", "b", "b", "c"]


@pytest.mark.expects_errors
def test_upkeep_goes_through_every_library(tmp_path):
    """Each user's database is backed up in their own folder, and one that cannot be opened keeps none of the others."""
    settings = Settings.from_environment({"CUEWISE_DATA": str(tmp_path / "data")})
    with closing(open_services(settings)) as house:
        folders = [own.settings.backups_dir for own in enter(house)]
    (folders[0].parent / "cuewise.db").write_bytes(b"no database" * 1000)
    with closing(open_tools(settings)) as tools:
        keep_up(tools)
    assert [len(backups(folder)) for folder in folders] == [0, 1]
    assert len(backups(settings.backups_dir)) == 1


# Work


def test_one_worker_works_for_all_and_writes_each_run_where_it_belongs(tmp_path, server, short_talking_video):
    """Ann's, Bob's and the operator's runs of one video, side by side: each has its transcript in its own library
    alone, no job holds a key, and a run that a crash left unqueued in a user's library is found at the next start."""
    with services_beside_server(tmp_path / "data", server) as house:
        all_three = [house, *enter(house)]
        for services in all_three:
            source = services.keep_file(short_talking_video)
            services._tools.store.runs.add("f" * 32, services.new_request(source, "local/whisper-tiny.en"), None)
        runs = [
            services.submit(services.new_request(services.keep_file(short_talking_video), MODEL))
            for services in all_three
        ]
        for services, run in zip(all_three, runs, strict=True):
            done = wait_for(services, run, is_over)
            assert done.state is RunState.DONE, done.failure
            assert services.transcript(run.id).cues
            assert {each.id for each in services.runs()} == {run.id, "f" * 32}
            assert wait_for(services, services.run("f" * 32), is_over).state is RunState.DONE
        # The same question, in three libraries: three answers, for nobody reads what another paid for.
        assert sum(request.method == "POST" for request in server.history) == 3
    with closing(sqlite3.connect(tmp_path / "data" / "jobs.db")) as jobs:
        dump = "\n".join(jobs.iterdump())
    assert f"{user_of(ANN).id}/{runs[1].id}.1" in dump
    assert DEFAULT_KEY not in dump


def test_nobodys_many_runs_keep_anothers_waiting(tmp_path, server, short_talking_video):
    """Of each user so many are worked on at once as the operator lets them: the others' go ahead of the rest, also
    when the worker is killed meanwhile."""
    server.enqueue(*[SLOW] * 6)
    with services_beside_server(tmp_path / "data", server, CUEWISE_USER_RUNS="1") as house:
        ann, bob = enter(house)
        source = ann.keep_file(short_talking_video)
        many = [ann.submit(ann.new_request(source, MODEL, start=float(at), end=8.0)) for at in range(4)]
        look_until(lambda: [ann.run(run.id).state for run in many], lambda states: RunState.RUNNING in states)
        os.kill(worker_pid(house), signal.SIGKILL)
        one = bob.submit(bob.new_request(bob.keep_file(short_talking_video), MODEL))
        done = wait_for(bob, one, is_over)
        assert done.state is RunState.DONE, done.failure
        assert RunState.QUEUED in [ann.run(run.id).state for run in many]
        for run in many:
            assert wait_for(ann, run, is_over, 120).state is RunState.DONE


# What the operator lets a user have


def test_a_users_month_is_capped_by_the_operator_whatever_they_set(tmp_path):
    """Theirs may be lower and never higher; the words say whose it is and what to do. The operator's own has none."""
    with services_beside(tmp_path / "data", CUEWISE_USER_MONTH_USD="2") as house:
        ann, _ = enter(house)
        assert ann.budget.left_this_month() == 2
        ann.save_preferences(replace(ann.preferences(), monthly_cap_usd=Decimal(100)))
        assert ann.budget.left_this_month() == 2
        price = CallPrice(Decimal("1.5"), Decimal("1.5"))
        caps = caps_of(None, ann._tools)
        assert caps == {Cap.MONTH: 100, Cap.USER: 2}
        payment, granted = ann._tools.store.payments.reserve("one", price, caps, "w")
        assert granted == Granted(Decimal("1.5"))
        ann._tools.store.payments.settle(payment, Decimal("1.5"))
        _, refused = ann._tools.store.payments.reserve("two", price, caps, "w")
        assert isinstance(refused, Refused)
        assert refusal_words(refused).startswith("The operator's limit of $2.00 a month for each user is reached")
        assert "Settings" not in CapReached.hint_for_users
        assert house.budget.left_this_month() is None


def test_a_library_that_is_full_takes_no_more_media(tmp_path, footage, beckett):
    """Neither an upload nor a file: it says how much is taken, keeps nothing half, and takes more once some is gone."""
    limit = footage.stat().st_size + 1000
    with services_beside(tmp_path / "data", CUEWISE_USER_STORAGE_GB="0.01") as house:
        ann, _ = enter(house)
        limits = replace(house.settings.user_limits, storage_bytes=limit)
        object.__setattr__(ann.settings, "user_limits", limits)
        kept = ann.keep_file(footage)
        for keep in (
            lambda: ann.keep_file(beckett),
            lambda: ann.keep_upload(BytesIO(beckett.read_bytes()), "Beckett.wav"),
        ):
            with pytest.raises(LibraryFull, match="are taken") as refused:
                keep()
            assert "Library" in refused.value.hint
        assert ann._tools.files.used_bytes("temporary") == 0
        ann._tools.files.remove(kept.asset_id)
        ann._tools.store.removals.forget_assets([kept.asset_id])
        assert ann.keep_file(beckett).asset_id
        assert house.keep_file(footage).asset_id


# The command line


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A data folder of the command line, in which Ann and Bob have signed in."""
    monkeypatch.setenv("CUEWISE_DATA", str(tmp_path / "data"))
    settings = Settings.from_environment()
    with closing(open_services(settings)) as house:
        enter(house)
    return settings


def test_the_command_line_works_in_the_library_of_a_user_who_is_named(home, footage, capsys):
    """By e-mail or by the beginning of the id; whoever is not known is not made up."""
    with closing(open_services(home)) as house:
        ann = house.of_user(user_of(ANN).id)
        ann._tools.store.runs.add("a" * 32, ann.new_request(ann.keep_file(footage), "local/whisper-base"), None)
    assert main(["--user", "Ann@example.org", "runs"]) == 0
    assert "a" * 8 in capsys.readouterr().out
    for arguments in (["--user", user_of(BOB).id[:6], "runs"], ["runs"]):
        assert main(arguments) == 0
        assert "a" * 8 not in capsys.readouterr().out
    assert main(["--user", "eve@example.org", "runs"]) == 2
    assert "eve@example.org" in capsys.readouterr().err
    assert main(["users"]) == 0
    assert "bob@example.org" in capsys.readouterr().out
