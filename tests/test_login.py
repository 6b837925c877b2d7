"""Signing in: what is shown to whom by the routes beside the pages, and a login that cannot work opens nothing."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_auth_routes import create_auth_routes

from lib.errors import InputError
from lib.settings import Settings
from lib.ui import frame, login, server
from lib.ui.gate import OnlySignedIn
from lib.ui.session import cookie_name, visitor_as, visitors
from lib.ui.sign_in import KnowsVisitors
from lib.ui.way_back import LeadsBack, page_of_ours
from tests.login_fixtures import ANN, AUTH, BOB, COOKIE, ORIGIN, SECRET, cookie_for, secrets_file, user_of
from tests.page_fixtures import ROOT, words_on

STREAMLITS = [
    Route(path, lambda _: PlainTextResponse("somebody's")) for path in ("/media/x.srt", "/_stcore/upload_file/1/2")
]
PAGE = Route("/{page:path}", lambda _: HTMLResponse("a page"))


@pytest.fixture
def visit(tmp_path, monkeypatch):
    """Opens browsers at our routes, the gate before them, with a login that is set up; each with the cookies given."""
    monkeypatch.setenv("CUEWISE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CUEWISE_ALLOWED_EMAILS", "*@example.org")
    app = Starlette(
        routes=[*server.ROUTES, *create_auth_routes(""), *STREAMLITS, PAGE],
        middleware=[Middleware(OnlySignedIn), Middleware(LeadsBack), Middleware(KnowsVisitors)],
    )
    with secrets_file(tmp_path / "secrets.toml", AUTH):
        yield lambda cookies, address=ORIGIN: TestClient(app, base_url=address, cookies=cookies, follow_redirects=False)
    frame.close_services()


@pytest.fixture
def of_ann(visit, footage) -> str:
    """A video in Ann's library."""
    ann = frame._services_for(user_of(ANN), Settings.from_environment())
    return ann.keep_file(footage).asset_id


def test_media_is_for_whose_it_is_and_for_nobody_else(visit, of_ann, footage):
    """Ann plays it, whole and in ranges; under its very address Bob finds nothing, and who is not signed in is asked
    to. What was never anybody's looks the same to Bob."""
    ann, bob, nobody = visit(cookie_for(ANN)), visit(cookie_for(BOB)), visit({})
    for route in ("media", "poster"):
        url = f"/api/{route}/{of_ann}"
        assert ann.get(url).status_code == 200
        refused, unknown = bob.get(url), bob.get(f"/api/{route}/{'0' * 64}")
        assert (refused.status_code, refused.text) == (404, unknown.text)
        assert nobody.get(url).status_code == 401
        assert "Cookie" in ann.get(url).headers["vary"]
    stretch = {"Range": "bytes=1000-1999"}
    assert ann.get(f"/api/media/{of_ann}", headers=stretch).content == footage.read_bytes()[1000:2000]
    assert bob.get(f"/api/media/{of_ann}", headers=stretch).status_code == 404


@pytest.mark.parametrize(
    "cookies",
    [
        {},
        {COOKIE: "x"},
        cookie_for(ANN, secret="another-secret-of-48-characters-0123456789-abcdef"),
        cookie_for(ANN, origin="https://elsewhere.example"),
        {COOKIE: cookie_for(ANN)[COOKIE][:-1]},
        {f"{COOKIE}_1": cookie_for(ANN)[COOKIE]},
    ],
    ids=["none", "nonsense", "another secret", "another app's", "cut", "under another name"],
)
@pytest.mark.parametrize("path", ["/api/sign-in", "/media/x.srt", "/_stcore/upload_file/1/2", "/api/media/" + "0" * 64])
def test_who_is_not_signed_in_takes_and_leaves_nothing(visit, cookies, path):
    """Neither our routes nor Streamlit's for what is somebody's own answer without a cookie that it signed here."""
    refused = visit(cookies).get(path)
    assert refused.status_code == 401
    assert "not signed in" in refused.text


def test_who_may_not_come_in_is_told_so(visit):
    """Signed in, by an e-mail that is not on the list: it says which."""
    refused = visit(cookie_for(ANN | {"email": "eve@elsewhere.example"})).get("/media/x.srt")
    assert refused.status_code == 403
    assert "eve@elsewhere.example" in refused.text


def test_the_way_in_is_open_to_everybody(visit):
    """The page that shows it, and whether the app is well."""
    nobody = visit({})
    assert nobody.get("/library").text == "a page"
    assert nobody.get("/api/health").json()["status"] == "ok"
    assert nobody.get("/healthz").status_code == 200


def test_under_https_no_cookie_travels_without(visit):
    """Ours and Streamlit's are for https alone when the browser came by it; on this machine they are not."""
    given = visit({}, "https://cuewise.example").get("/library", headers={"Accept": "text/html"}).headers["set-cookie"]
    assert given.endswith("Secure")
    assert given.lower().count("secure") == 1
    assert "Secure" not in visit({}).get("/library", headers={"Accept": "text/html"}).headers["set-cookie"]


@pytest.mark.parametrize("page", ["/transcript?run=0a1b&t=1.5", "/library?said=%22next%20year%22", "/ask", "/"])
def test_who_comes_back_is_taken_to_the_page_they_left_from(visit, page):
    """Once, whether they signed in or not; the cookie is for the way back alone, and under https for nothing else."""
    browser = visit({})
    left = browser.get("/auth/login", headers={"Referer": ORIGIN + page})
    given = left.headers["set-cookie"]
    assert "HttpOnly" in given
    assert "Path=/oauth2callback" in given
    assert "asked_for" not in str(browser.get("/library").request.headers.get("cookie"))
    back = browser.get("/oauth2callback?error=access_denied")
    assert (back.status_code, back.headers["location"]) == (302, page)
    assert browser.get("/oauth2callback").headers["location"] == "/"
    assert "Secure" in visit({}, "https://localhost:8501").get("/auth/login").headers["set-cookie"]


@pytest.mark.parametrize(
    "referrer",
    [
        "",
        "https://elsewhere.example/library",
        f"{ORIGIN}@elsewhere.example/library",
        f"{ORIGIN}.elsewhere.example/library",
        f"{ORIGIN}//elsewhere.example/library",
        f"{ORIGIN}/auth/logout",
        f"{ORIGIN}/api/sign-in",
        f"{ORIGIN}/library?said={'x' * 2000}",
    ],
)
def test_nobody_is_taken_to_what_is_no_page_of_ours(visit, referrer):
    """Another's page, a route of ours, an address without end: then it is New run, also for who left before."""
    browser = visit({})
    browser.get("/auth/login", headers={"Referer": f"{ORIGIN}/library"})
    browser.get("/auth/login", headers={"Referer": referrer})
    assert browser.get("/oauth2callback").headers["location"] == "/"


@pytest.mark.parametrize(
    "address",
    [
        *("https://elsewhere.example", "//elsewhere.example", "//elsewhere.example/library", "/\\elsewhere.example"),
        *("javascript:alert(1)", "/library/../api/sign-in", "/library\\@elsewhere.example", "library", "//[", ""),
        *("/auth/logout", "/library;//elsewhere.example", " //elsewhere.example/library", "\t//elsewhere.example"),
    ],
)
def test_a_planted_way_back_leads_nowhere(visit, address):
    """Whatever a cookie says that was not ours: nobody is taken to another host, nor to a route."""
    assert page_of_ours(address) is None
    planted = {f"{cookie_name()}_asked_for": quote(address, safe="")}
    assert visit(planted).get("/oauth2callback").headers["location"] == "/"


def test_a_planted_way_back_adds_no_header(visit):
    """Line breaks in an address stay in it, encoded or left out."""
    planted = {f"{cookie_name()}_asked_for": quote("/library?said=a\r\nSet-Cookie: b=c é", safe="")}
    back = visit(planted).get("/oauth2callback")
    assert back.headers["location"] == "/library?said=aSet-Cookie:%20b=c%20%C3%A9"
    assert "b=c" not in back.headers.get("set-cookie", "")


def test_who_signs_in_next_in_the_same_browser_has_another_key(visit):
    """A key belongs to one user in one browser: neither the next user there nor the same one elsewhere finds it."""
    mine, other = visitors.new(), visitors.new()
    ann, bob = user_of(ANN).id, user_of(BOB).id
    visitors.remember(visitor_as(mine, ann), "sk-or-of-ann")
    assert visitors.key(visitor_as(mine, ann)) == "sk-or-of-ann"
    assert visitors.key(visitor_as(mine, bob)) is None
    assert visitors.key(visitor_as(other, ann)) is None
    assert visitors.key(mine) is None


def test_a_sign_in_at_openrouter_is_the_users_who_began_it(visit):
    """Begun by Ann, ended by Bob in the same browser: refused, and no key is fetched."""
    cookies = {cookie_name(): visitors.new()}
    begun = visit(cookie_for(ANN) | cookies).get("/api/sign-in").headers["location"]
    state = begun.partition("state%3D")[2].partition("&")[0]
    assert state
    back = visit(cookie_for(BOB) | cookies).get(f"/api/sign-in/back?state={state}&code=c")
    assert back.headers["location"] == "/settings?sign_in=refused"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[auth\n", "cannot be read"),
        ("auth = 1\n", "no section"),
        (AUTH.replace(SECRET, "short"), "cookie_secret"),
        (AUTH.replace("/oauth2callback", "/"), "redirect_uri"),
        (AUTH.replace("client_id", "client"), "client_id"),
    ],
)
def test_a_login_that_cannot_work_opens_nothing(tmp_path, monkeypatch, text, says):
    """A mistake in the file of secrets never makes an open app of a closed one: each page and route says what it is."""
    monkeypatch.setenv("CUEWISE_DATA", str(tmp_path / "data"))
    with secrets_file(tmp_path / "secrets.toml", text):
        with pytest.raises(InputError, match=says):
            login.is_on(Settings.from_environment())
        app = Starlette(routes=[*server.ROUTES], middleware=[Middleware(OnlySignedIn)])
        refused = TestClient(app).get("/api/media/" + "0" * 64)
        assert refused.status_code == 503
        assert says in refused.text
    assert not (tmp_path / "data").exists()


def test_a_login_that_is_asked_for_and_not_set_up_opens_nothing(tmp_path, monkeypatch):
    """CUEWISE_LOGIN=1 without [auth]: a lost file of secrets is no open door. Without it there is no login."""
    with secrets_file(tmp_path / "secrets.toml", "other = 1\n"):
        assert not login.is_on(Settings.from_environment({}))
        with pytest.raises(InputError, match="CUEWISE_LOGIN"):
            login.is_on(Settings.from_environment({"CUEWISE_LOGIN": "1"}))


@pytest.mark.parametrize("script", ["app.py", "pages/library.py", "pages/settings.py", "pages/status.py"])
def test_a_page_shows_nothing_but_the_way_in(tmp_path, monkeypatch, script):
    """To who is not signed in: no menu, no heading of the page, and no library is opened."""
    monkeypatch.setenv("CUEWISE_DATA", str(tmp_path / "data"))
    with secrets_file(tmp_path / "secrets.toml", AUTH):
        app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
        page = (app if script == "app.py" else app.switch_page(script)).run()
        assert [each.value for each in page.header] == ["Sign in to Cuewise"]
        assert [each.label for each in page.button] == ["Sign in"]
        assert "library of their own" in words_on(page)
        assert not page.sidebar.children
    assert not (tmp_path / "data").exists()


def test_each_provider_has_a_button(tmp_path):
    """Several that are named: one button each; what lacks something has none."""
    shared, _, own = AUTH.partition("client_id")
    named = f"{shared}\n[auth.google]\nclient_id{own}\n[auth.okta]\nclient_id{own}\n[auth.half]\nclient_id = '1'\n"
    with secrets_file(tmp_path / "secrets.toml", named):
        assert login.is_on(Settings.from_environment({}))
        assert list(login._providers(login.st.secrets["auth"]).values()) == [
            "Sign in with Google",
            "Sign in with Okta",
        ]


def test_the_operator_is_told_what_makes_a_login_weak(tmp_path):
    """No TLS beyond this machine, no list of who may come in, or why nobody gets in at all."""
    public = AUTH.replace("http://localhost:8501", "{}://cuewise.example")
    for text, environment, expected in (
        (AUTH, {"CUEWISE_ALLOWED_EMAILS": "*@example.org"}, []),
        (public.replace("{}", "https"), {"CUEWISE_ALLOWED_EMAILS": "*@example.org"}, []),
        (public.replace("{}", "http"), {}, [login.NO_TLS, login.OPEN_TO_ALL]),
    ):
        with secrets_file(tmp_path / "secrets.toml", text):
            assert login.notes(Settings.from_environment(environment)) == expected
    with secrets_file(tmp_path / "secrets.toml", AUTH.replace(SECRET, "short")):
        (said,) = login.notes(Settings.from_environment({}))
        assert "cookie_secret has fewer than 32 characters" in said
        assert "For a team" in said
    with secrets_file(tmp_path / "secrets.toml", "other = 1\n"):
        assert login.notes(Settings.from_environment({})) == []
