"""Signing in with OpenRouter: OAuth with PKCE (RFC 7636), in which no secret of ours takes part."""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import urlencode

API = "/api/v1"


def new_verifier() -> str:
    """What only we know until the code is exchanged: 32 random bytes."""
    return _base64url(secrets.token_bytes(32))


def challenge_of(verifier: str) -> str:
    """What may be shown of a verifier (S256)."""
    return _base64url(hashlib.sha256(verifier.encode("ascii")).digest())


def sign_in_url(base_url: str, callback_url: str, challenge: str) -> str:
    """Where the user says yes; they come back to ``callback_url`` with a code. Beside the API of the same server."""
    asked = {"callback_url": callback_url, "code_challenge": challenge, "code_challenge_method": "S256"}
    return f"{base_url.removesuffix(API)}/auth?{urlencode(asked)}"


def offers_sign_in(base_url: str) -> bool:
    """Whether a server is laid out as OpenRouter is; others that speak its API have no such page."""
    return base_url.endswith(API)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
