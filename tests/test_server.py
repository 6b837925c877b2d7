"""The route that plays media, and who may call it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from lib.domain.media import Source, SourceKind
from lib.domain.run import RunRequest
from lib.domain.transcript import Cue, Transcript
from lib.pipeline.copies import make_copy
from lib.ui import frame, server
from lib.ui.server import OnlyOurHost, allowed_hosts


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Our routes alone, on a data folder of this test's own, as served on loopback."""
    monkeypatch.setenv("CUEWISE_DATA", str(tmp_path / "data"))
    guard = Middleware(OnlyOurHost, hosts=allowed_hosts("localhost"))
    with TestClient(Starlette(routes=server.ROUTES, middleware=[guard]), base_url="http://localhost:8501") as client:
        yield client
    frame.close_services()


@pytest.fixture
def asset(client, footage):
    """Ten seconds of bicycles, held as an asset."""
    services = frame.services_of(server.Settings.from_environment())
    return services.asset(services.keep_file(footage).asset_id)


def test_media_is_served_whole_and_in_ranges(client, asset, footage):
    """A player may ask for any stretch of bytes, and gets exactly those."""
    whole = client.get(f"/api/media/{asset.id}")
    assert whole.content == footage.read_bytes()
    stretch = client.get(f"/api/media/{asset.id}", headers={"Range": "bytes=1000-1999"})
    assert (stretch.status_code, stretch.content) == (206, footage.read_bytes()[1000:2000])
    assert stretch.headers["content-range"] == f"bytes 1000-1999/{footage.stat().st_size}"


def test_a_poster_is_a_small_picture_for_our_own_pages(client, asset):
    """Made when it is asked for, as a JPEG, with the same headers as media."""
    poster = client.get(f"/api/poster/{asset.id}")
    assert (poster.status_code, poster.headers["content-type"]) == (200, "image/jpeg")
    assert poster.content.startswith(b"\xff\xd8")
    assert len(poster.content) < 100_000
    assert poster.headers["x-content-type-options"] == "nosniff"


def test_what_has_no_picture_has_an_empty_poster(client, beckett):
    """For a list it is no fault that a sound cannot be seen; what is no asset is not found."""
    services = frame.services_of(server.Settings.from_environment())
    sound = services.keep_file(beckett).asset_id
    poster = client.get(f"/api/poster/{sound}")
    assert (poster.status_code, poster.headers["content-type"]) == (200, "image/svg+xml")
    for name in ("0" * 64, "x", "..%2f..%2fvault.key"):
        assert client.get(f"/api/poster/{name}").status_code == 404


def test_media_can_be_asked_about_without_its_bytes(client, asset, footage):
    """HEAD tells size and type, from the asset and not from a name."""
    head = client.head(f"/api/media/{asset.id}")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == "video/mp4"
    assert head.headers["content-length"] == str(footage.stat().st_size)
    assert head.headers["accept-ranges"] == "bytes"


def test_media_is_for_our_own_pages_only(client, asset):
    """The headers keep other sites and guessing browsers away from it."""
    headers = client.head(f"/api/media/{asset.id}").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"].startswith("private")
    assert headers["content-disposition"] == "inline"


@pytest.mark.parametrize("name", ["0" * 64, "0" * 63, "A" * 64, "g" * 64, "..%2f..%2fcuewise.db", "%00" * 64])
def test_what_is_no_asset_is_not_found(client, name):
    """Only the SHA-256 of media we hold opens anything."""
    assert client.get(f"/api/media/{name}").status_code == 404


def test_media_takes_no_other_verbs(client, asset):
    """The route only reads."""
    assert client.post(f"/api/media/{asset.id}").status_code == 405


@pytest.fixture
def captioned(client, asset, monkeypatch):
    """A copy of the bicycles with captions, made here and now."""
    services = frame.services_of(server.Settings.from_environment())
    source = Source(SourceKind.UPLOAD, "“Räder” & more.mp4", asset_id=asset.id)
    said = Transcript((Cue(1.0, 2.0, "Look."),), "Look.")
    request = RunRequest(source, "local/whisper-base")
    services._tools.store.runs.add_done("r1", request, said, started=datetime.now(UTC), asset_id=asset.id)

    class AtOnce:
        def copy(self, copy_id: str, attempt: int) -> None:
            make_copy(copy_id, attempt, services._tools)

    monkeypatch.setattr(services.copies, "_jobs", AtOnce)
    return services.copies.get(services.copies.order("r1").id), services


def test_a_copy_is_given_out_under_its_name_whole_and_in_ranges(client, captioned):
    """As a download from its file: a broken transfer goes on where it stopped."""
    copy, services = captioned
    content = services.copies.path(copy.id).read_bytes()
    whole = client.get(f"/api/copies/{copy.id}")
    assert whole.content == content
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["content-disposition"].startswith("attachment; filename*=utf-8''%E2%80%9CR%C3%A4der")
    assert whole.headers["x-content-type-options"] == "nosniff"
    rest = client.get(f"/api/copies/{copy.id}", headers={"Range": "bytes=1000-"})
    assert (rest.status_code, rest.content) == (206, content[1000:])


@pytest.mark.parametrize("name", ["0" * 64, "A" * 64, "..%2f..%2fcuewise.db", "{asset}"])
def test_what_is_no_copy_is_not_found(client, asset, name):
    """Only a copy that is made can be had; media has a route of its own."""
    assert client.get(f"/api/copies/{name.format(asset=asset.id)}").status_code == 404


def test_health_answers_with_the_version(client):
    """A script that waits for the app sees when it answers."""
    assert client.get("/api/health").json() == {"app": "Cuewise", "status": "ok", "version": frame.version()}


@pytest.mark.parametrize("host", ["localhost", "localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST"])
def test_our_own_names_are_let_in(client, host):
    """However the user writes this machine's address."""
    assert client.get("/api/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["example.org", "localhost.example.org:8501", "127.0.0.1.example.org", "", "[::1"])
def test_a_foreign_name_is_refused_on_loopback(client, host):
    """A page elsewhere that points its own name at this machine gets nothing (DNS rebinding)."""
    assert client.get("/api/health", headers={"Host": host}).status_code in (400, 421)


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.20", "", None])
def test_a_server_for_a_network_answers_under_any_name(address):
    """Whoever listens beyond this machine has decided to be reached."""
    assert allowed_hosts(address) is None


def test_the_name_the_operator_gave_is_let_in():
    """Behind a reverse proxy the public name reaches us on loopback."""
    assert "films.example.org" in allowed_hosts("127.0.0.1", "films.example.org")


def test_a_failing_page_shows_a_reference_and_the_log_has_the_traceback(caplog):
    """The user sees no traceback; the operator finds it under the reference."""
    caplog.set_level(logging.ERROR, "cuewise.server")
    assert server.tell_script_error(RuntimeError("a fault inside")) is True
    (record,) = caplog.records
    assert record.exc_info[1].args == ("a fault inside",)
    assert "reference" in record.getMessage()
    caplog.clear()
