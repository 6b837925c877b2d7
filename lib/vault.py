"""API keys on their way to the worker: sealed, so that neither the database nor a job's arguments hold one.

The master key is a file in the data folder that only its owner can read, or comes of a secret that several machines
share; the ciphertext is in the database.
A reference says nothing about the key and is the same for the same key.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from lib.errors import DiskFull, FolderReadOnly, KeyMissing
from lib.store import Store


class Vault:
    """``secret`` takes the place of the file: with the same one, what one machine seals another can open."""

    def __init__(self, data_dir: Path, store: Store, secret: str | None = None) -> None:
        self._path = data_dir / "vault.key"
        self._store = store
        self._secret = secret

    @property
    def fingerprint(self) -> str:
        """Tells whether two machines have the same master key, and nothing else about it."""
        return hmac.new(self._master(), b"fingerprint of a vault", hashlib.sha256).hexdigest()[:16]

    def reference(self, key: str) -> str:
        """The reference under which the key will be kept. Written into a run or a question first, so that no other's
        end lets go of a key that this one needs."""
        return hmac.new(self._master(), key.encode(), hashlib.sha256).hexdigest()[:32]

    def seal(self, key: str) -> None:
        """Keep the key sealed for the unfinished run or question that has its reference."""
        ciphertext = Fernet(self._master()).encrypt(key.encode()).decode()
        self._store.sealed_keys.put(self.reference(key), ciphertext)

    def open(self, ref: str) -> str:
        """The key behind a reference. Raises KeyMissing when it was forgotten or sealed elsewhere."""
        ciphertext = self._store.sealed_keys.get(ref)
        if ciphertext is None:
            raise KeyMissing("The key for this run is no longer kept.")
        try:
            return Fernet(self._master()).decrypt(ciphertext.encode()).decode()
        except InvalidToken as exc:
            raise KeyMissing(
                "The key for this run was sealed by another installation.",
                "Set CUEWISE_VAULT_KEY to the same secret on every machine, then press Retry.",
            ) from exc

    def forget_unused(self) -> None:
        """Let go of every key that no unfinished run or question needs."""
        self._store.sealed_keys.forget_unused()

    def _master(self) -> bytes:
        if self._secret is not None:
            derived = hmac.new(b"cuewise vault", self._secret.encode(), hashlib.sha256).digest()
            return base64.urlsafe_b64encode(derived)
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            pass
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_name(f"vault.{secrets.token_hex(8)}.new")
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
                file.write(Fernet.generate_key())
            try:
                # Linking fails when another process was first: then its key is the one that counts.
                os.link(fresh, self._path)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        except OSError as exc:
            if exc.errno == errno.ENOSPC:
                raise DiskFull("The disk is full: your key cannot be kept for the worker.") from exc
            raise FolderReadOnly("The data folder cannot be written.") from exc
        return self._path.read_bytes()
