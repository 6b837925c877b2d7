"""Secrets: signing in, who sees a key and for how long, and the keyring."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import keyring
import keyring.backends.fail
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from lib.errors import KeyMissing, KeyRingRefused, SignInRefused
from lib.openrouter.sign_in import challenge_of, new_verifier, offers_sign_in, sign_in_url
from lib.services import Services, open_services
from lib.ui import frame, session
from lib.ui.session import visitors
from lib.ui.sign_in import SIGN_IN_ROUTES, KnowsVisitors, can_come_back
from lib.visitors import Visitors
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply
from tests.fakes.system_keyring import SystemKeyring
from tests.services_fixtures import services_beside
from tests.test_jobs import SLOW, wait_for, worker_pid
from tests.waiting import is_over

MODEL = "google/gemini-3.8-flash"
PAGE = {"Accept": "text/html"}


@pytest.fixture
def server():
    with FakeOpenRouter() as server:
        yield server


@pytest.fixture
def browser(tmp_path, monkeypatch, server):
    """Opens browsers of their own at the routes beside the pages, under https or not."""
    monkeypatch.setenv("CUEWISE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
    pages = Route("/{page:path}", lambda _: HTMLResponse("a page"))
    app = Starlette(routes=[*SIGN_IN_ROUTES, pages], middleware=[Middleware(KnowsVisitors)])

    def open_browser(address: str = "http://localhost:8501") -> TestClient:
        client = TestClient(app, base_url=address, follow_redirects=False)
        client.get("/settings", headers=PAGE)
        return client

    yield open_browser
    frame.close_services()


def visitor_of(client: TestClient) -> str:
    return client.cookies[session.cookie_name()]


def consent(client: TestClient, server: FakeOpenRouter, label: str = "Authorize") -> str:
    """Leave for OpenRouter and say yes there; gives the address that it sends the browser to."""
    there = client.get("/api/sign-in").headers["location"]
    assert there.startswith(server.base_url.removesuffix("/api/v1") + "/auth?")
    page = server.desk.page(urlsplit(there).query).body.decode()
    links = dict(reversed(link.split('">')) for link in page.replace("&amp;", "&").split('<a href="')[1:])
    return next(url for name, url in links.items() if name.startswith(label))


def outcome(client: TestClient, address: str) -> str:
    """How coming back there ends: on Settings, with nothing in the address but a word."""
    sent_to = client.get(address.removeprefix(str(client.base_url))).headers["location"]
    assert urlsplit(sent_to).path == "/settings"
    (word,) = parse_qs(urlsplit(sent_to).query)["sign_in"]
    assert len(sent_to) < 40
    return word


def test_the_challenge_is_that_of_the_standard():
    """The example of RFC 7636, appendix B; and no two verifiers are alike."""
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert len({new_verifier() for _ in range(50)}) == 50
    assert len(new_verifier()) == 43


def test_the_page_to_sign_in_on_follows_the_server():
    """OpenRouter's own by default; a server that is laid out otherwise has none."""
    url = sign_in_url("https://openrouter.ai/api/v1", "http://localhost:8501/api/sign-in/back?state=a", "c")
    assert url.startswith("https://openrouter.ai/auth?callback_url=http%3A%2F%2Flocalhost%3A8501%2Fapi%2Fsign-in%2F")
    assert url.endswith("&code_challenge=c&code_challenge_method=S256")
    assert offers_sign_in("http://127.0.0.1:8700/api/v1")
    assert not offers_sign_in("http://localhost:1234/v1")
    assert [
        can_come_back(url) for url in ("https://a.example/x", "http://localhost:9/", "http://127.0.0.1:9/", "")
    ] == [
        *(True, True),
        *(False, False),
    ]


def test_signing_in_gives_this_browser_the_key_and_no_other(browser, server):
    """There and back: the key is this browser's; another finds none, and the code is not in the address it ends at."""
    one, other = browser(), browser()
    assert outcome(one, consent(one, server)) == "done"
    assert visitors.key(visitor_of(one)) == DEFAULT_KEY
    assert visitors.key(visitor_of(other)) is None
    exchanged = server.history[-1]
    assert exchanged.bearer is None
    assert exchanged.body["code_challenge_method"] == "S256"


def test_a_foreign_or_a_replayed_way_back_is_refused(browser, server):
    """Another browser's, one with a made-up state, and the same one once more: none of them gives anybody a key."""
    mine, theirs = browser(), browser()
    address = consent(mine, server)
    assert outcome(theirs, address) == "refused"
    assert outcome(mine, address.replace("state=", "state=x")) == "refused"
    assert outcome(mine, "/api/sign-in/back?code=made-up") == "refused"
    assert visitors.key(visitor_of(mine)) is visitors.key(visitor_of(theirs)) is None
    assert outcome(mine, address) == "done"
    assert outcome(mine, address) == "refused"


def test_nobody_signs_another_in_to_their_account(browser, server):
    """Login CSRF: an attacker's code on the victim's own way back does not fit the victim's verifier, and a page
    elsewhere cannot begin a sign-in."""
    victim, attacker = browser(), browser()
    code = parse_qs(urlsplit(consent(attacker, server)).query)["code"][0]
    mine = urlsplit(consent(victim, server))
    state = parse_qs(mine.query)["state"][0]
    assert outcome(victim, f"{mine.path}?state={state}&code={code}") == "failed"
    assert visitors.key(visitor_of(victim)) is None
    assert victim.get("/api/sign-in", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_who_says_no_is_told_so(browser, server):
    """Back without a code: nothing is kept, and Settings says what happened."""
    client = browser()
    assert outcome(client, consent(client, server, "Cancel")) == "declined"
    assert visitors.key(visitor_of(client)) is None


def test_the_cookie_is_for_nobody_else(browser):
    """Scripts cannot read it, other sites cannot send it along, under https it never goes in the clear, and a value
    that we did not give is not taken."""
    client = browser()
    client.cookies.clear()
    plain = client.get("/settings", headers=PAGE).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(plain.split("; "))
    assert "Secure" not in plain
    secure = client.get("/x", headers=PAGE | {"X-Forwarded-Proto": "https", "Cookie": ""}).headers["set-cookie"]
    assert "Secure" in secure.split("; ")
    client.cookies.set(session.cookie_name(), "chosen-by-somebody.0123")
    assert "set-cookie" in client.get("/settings", headers=PAGE).headers
    again = browser()
    assert "set-cookie" not in again.get("/settings", headers=PAGE).headers
    assert "set-cookie" not in again.get("/x.js").headers


def test_a_sign_in_and_a_key_have_their_time():
    """After ten minutes a way back is refused; a key that nobody used for a day is forgotten; all within bounds."""
    now = [0.0]
    kept = Visitors(lambda: now[0])
    one = kept.new()
    begun = kept.begin_sign_in(one)
    now[0] = 601.0
    with pytest.raises(SignInRefused, match="10 minutes"):
        kept.end_sign_in(one, begun.state)
    kept.remember(one, "sk-or-one")
    now[0] += 86_000
    assert kept.key(one) == "sk-or-one"
    now[0] += 86_401
    assert kept.key(one) is None
    assert kept.known(one) == one
    assert Visitors().known(one) is None


@pytest.fixture
def system_keyring():
    """A system with a keyring, for as long as the test runs."""
    before, made = keyring.get_keyring(), SystemKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_a_key_is_remembered_on_request_only(services, system_keyring):
    """The keyring is not even opened before; then it gives the key to the next start; Forget takes it out."""
    assert services.keys.remembered() is None
    assert system_keyring.asked == 0
    services.keys.remember("sk-or-mine")
    with closing(open_services(services.settings)) as again:
        assert again.keys.remembered() == "sk-or-mine"
        again.keys.forget()
        assert again.keys.remembered() is None
        assert system_keyring.kept == {}


def test_a_remembered_key_goes_to_its_own_server_only(services, system_keyring, tmp_path):
    """Another server's address finds nothing in the keyring."""
    services.keys.remember("sk-or-mine")
    other = "http://127.0.0.1:9/api/v1"
    with services_beside(services.settings.data_dir, OPENROUTER_BASE_URL=other) as elsewhere:
        assert elsewhere.keys.remembered() is None


def test_where_there_is_no_keyring_it_says_why(services, system_keyring):
    """Without one, and with one that is locked, nothing is remembered anywhere, and the reason is told."""
    system_keyring.is_locked = True
    with pytest.raises(KeyRingRefused):
        services.keys.remember("sk-or-mine")
    assert not services.preferences().remembers_key
    keyring.set_keyring(keyring.backends.fail.Keyring())
    assert "no keyring" in services.keys.remembering_problem()
    with pytest.raises(KeyRingRefused):
        services.keys.remember("sk-or-mine")


def is_sealed(services: Services) -> bool:
    """Whether the database holds any key, sealed as it is."""
    with pytest.raises(KeyMissing):
        services._tools.vault.open("0" * 32)
    return services._tools.store.sealed_keys.get(services._tools.vault.reference(DEFAULT_KEY)) is not None


@pytest.mark.parametrize("end", ["done", "failed", "cancelled", "killed"])
def test_a_key_is_gone_with_the_work_that_needed_it(services, server, short_talking_video, end):
    """However the run ends: while it goes on its key is there, sealed; a moment after, it is not."""
    if end == "failed":
        server.enqueue(Reply.refusal(402, "Insufficient credits"))
    server.enqueue(SLOW)
    run = services.submit(services.new_request(services.keep_file(short_talking_video), MODEL))
    if end != "failed":
        wait_for(services, run, lambda run: "One" in run.partial_text)
        assert is_sealed(services)
    if end == "cancelled":
        services.cancel(run.id)
    if end == "killed":
        os.kill(worker_pid(services), signal.SIGKILL)
    wait_for(services, run, is_over)
    wait_for(services, run, lambda _: not is_sealed(services), 10)


def test_the_end_of_one_run_leaves_anothers_key(services, server, short_talking_video):
    """Two runs with one key: it stays until the second is over."""
    source = services.keep_file(short_talking_video)
    server.enqueue(SLOW)
    slow = services.submit(services.new_request(source, MODEL))
    wait_for(services, slow, lambda run: "One" in run.partial_text)
    quick = services.submit(services.new_request(source, "qwen/qwen3.8-omni-flash"))
    wait_for(services, quick, is_over)
    if not services.run(slow.id).state.is_over:
        assert is_sealed(services)
    assert wait_for(services, slow, is_over).failure is None
    wait_for(services, slow, lambda _: not is_sealed(services), 10)
