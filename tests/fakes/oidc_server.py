"""A real OpenID Connect provider on loopback: discovery, a page to say who one is, codes with PKCE, signed ID tokens.

In a test::

    with OidcServer([Person("ann", "Ann Archer", "ann@example.org")]) as provider:
        provider.write_secrets(folder / "secrets.toml")

By hand, with two people and the secrets for an app on a port printed::

    python -m tests.fakes.oidc_server --port 8900 --app http://localhost:8501
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "cuewise", "a secret of the client"
COOKIE_SECRET = "a-secret-for-cookies-of-48-characters-0123456789"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider knows. ``is_verified`` None: it says nothing of the e-mail, as those of companies do."""

    subject: str
    name: str
    email: str
    is_verified: bool | None = True


class OidcServer:
    """Speaks the authorization code flow to one client; ``issued`` has the name of whoever signed in, in order."""

    def __init__(self, people: Iterable[Person], port: int = 0) -> None:
        self.people = {each.subject: each for each in people}
        self.issued: list[str] = []
        self._key = RSAKey.generate_key(2048, parameters={"kid": "1"})
        self._codes: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.url = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> OidcServer:
        threading.Thread(target=self._server.serve_forever, name="oidc", daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def write_secrets(self, path: Path) -> Path:
        """The operator's file of secrets, for an app on any port of this machine."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.secrets_for("http://localhost:{port}"), encoding="utf-8")
        return path

    def secrets_for(self, app_url: str) -> str:
        values = {
            "redirect_uri": f"{app_url}/oauth2callback",
            "cookie_secret": COOKIE_SECRET,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "server_metadata_url": f"{self.url}/.well-known/openid-configuration",
        }
        return "[auth]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())

    def discovery(self) -> dict[str, object]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def jwks(self) -> dict[str, object]:
        return {"keys": [self._key.as_dict(private=False)]}

    def page(self, asked: dict[str, str]) -> str:
        """Who are you: a link for each person, which leads back with a code."""
        links = []
        for person in self.people.values():
            code = secrets.token_urlsafe(16)
            with self._lock:
                self._codes[code] = asked | {"subject": person.subject}
            back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            links.append(f'<p><a href="{escape(back)}">{escape(person.name)}</a></p>')
        # The icon, or the browser asks for one.
        head = '<link rel="icon" href="data:,"><title>Who are you?</title>'
        return f"<!DOCTYPE html><html><head>{head}</head><body>{''.join(links)}</body></html>"

    def exchange(self, asked: dict[str, str], authorization: str) -> dict[str, object] | None:
        """Tokens for a code, once, to the client that it was made for; None for anything else."""
        with self._lock:
            known = self._codes.pop(asked.get("code", ""), None)
        given = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if known is None or authorization != f"Basic {given}" or known.get("code_challenge") != challenge:
            return None
        person = self.people[known["subject"]]
        claims = {
            "iss": self.url,
            "sub": person.subject,
            "aud": CLIENT_ID,
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "nonce": known["nonce"],
            "name": person.name,
            "email": person.email,
        }
        if person.is_verified is not None:
            claims["email_verified"] = person.is_verified
        self.issued.append(person.name)
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key)
        return {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 300, "id_token": token}


class _Handler(BaseHTTPRequestHandler):
    provider: OidcServer

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = dict(parse_qsl(address.query))
        if address.path == "/.well-known/openid-configuration":
            self._say(200, json.dumps(self.provider.discovery()))
        elif address.path == "/jwks":
            self._say(200, json.dumps(self.provider.jwks()))
        elif address.path == "/authorize" and asked.get("client_id") == CLIENT_ID:
            self._say(200, self.provider.page(asked), "text/html; charset=utf-8")
        elif address.path == "/end":
            self.send_response(302)
            self.send_header("Location", asked["post_logout_redirect_uri"])
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._say(404, "{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        tokens = self.provider.exchange(asked, self.headers.get("Authorization", ""))
        self._say(200, json.dumps(tokens)) if tokens else self._say(400, '{"error": "invalid_grant"}')

    def _say(self, status: int, text: str, media_type: str = "application/json") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet: a test says what went wrong."""


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenID Connect provider to try the login with.")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--app", default="http://localhost:8501")
    options = parser.parse_args()
    people = [Person("ann", "Ann Archer", "ann@example.org"), Person("bob", "Bob Baker", "bob@example.org")]
    with OidcServer(people, options.port) as provider:
        print(provider.secrets_for(options.app))
        threading.Event().wait()


if __name__ == "__main__":
    main()
