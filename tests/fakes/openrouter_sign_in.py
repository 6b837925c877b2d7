"""The page on which a user of the fake OpenRouter says yes, and the exchange of the code that they bring back."""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
import threading
from urllib.parse import parse_qs

from tests.fakes.openrouter_replies import Reply


class SignInDesk:
    """Gives a code for each consent, and ``key`` for each code: once, and only to who has the verifier (S256)."""

    def __init__(self, key: str | None) -> None:
        self._key = key
        self._challenges: dict[str, str] = {}
        self._lock = threading.Lock()

    def page(self, query: str) -> Reply:
        """What `/auth` shows: a link that goes back to the app with a code, and one that goes back without."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            return Reply.page(400, "A challenge is missing.")
        code = secrets.token_urlsafe(12)
        with self._lock:
            self._challenges[code] = asked["code_challenge"]
        back = asked["callback_url"]
        joint = "&" if "?" in back else "?"
        links = ((f"{back}{joint}code={code}", "Authorize"), (back, "Cancel"))
        body = " ".join(f'<a href="{html.escape(url)}">{label}</a>' for url, label in links)
        head = '<link rel="icon" href="data:,"><title>Sign in</title>'  # or the browser asks for one
        return Reply.page(200, f"<!DOCTYPE html><html>{head}{body}</html>")

    def exchange(self, asked: object) -> Reply:
        asked = asked if isinstance(asked, dict) else {}
        with self._lock:
            challenge = self._challenges.pop(str(asked.get("code")), None)
        digest = hashlib.sha256(str(asked.get("code_verifier")).encode()).digest()
        if challenge is None or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return Reply.refusal(403, "Invalid code or code_verifier")
        return Reply.json({"key": self._key, "user_id": "user_1"})
