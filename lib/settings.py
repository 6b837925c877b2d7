"""Settings from the environment: the only module that reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import platformdirs

from lib.domain.plan import MEGABYTE
from lib.domain.user import GIGABYTE, UserLimits, check_user_id
from lib.errors import InputError
from lib.media.limits import MediaLimits

APP_NAME = "Cuewise"
OPENROUTER_URL = "https://openrouter.ai/api/v1"
LEAST_SECRET = 32
"""Characters of a secret that nobody can guess."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decides. ``openrouter_api_key`` and ``vault_key`` never show in a repr. After ``keep_days``
    days a run that is over is deleted, with its video when no other run needs it; None keeps all.

    ``media_url`` is where several machines find each other's media, ``vault_key`` the secret that they share. Of what
    lies there, each machine keeps ``copies_limit_bytes`` of copies.

    ``is_login_required``: without a login that is set up nobody sees anything. ``allowed_emails`` are patterns in small
    letters. Those of a user (``for_user``) have ``user_id``, and ``installation``, the settings they were made from.
    """

    data_dir: Path
    database_url: str
    openrouter_base_url: str = OPENROUTER_URL
    openrouter_api_key: str | None = field(default=None, repr=False)
    media_limit_bytes: int = 14 * MEGABYTE
    allow_private_urls: bool = False
    parts_at_once: int = 8
    keep_days: int | None = None
    logs_json: bool = False
    media_limits: MediaLimits = field(default_factory=MediaLimits)
    download_limit_bytes: int = 4000 * MEGABYTE
    download_limit_seconds: float = 6 * 3600.0
    media_url: str | None = None
    copies_limit_bytes: int = 50 * GIGABYTE
    vault_key: str | None = field(default=None, repr=False)
    is_login_required: bool = False
    allowed_emails: tuple[str, ...] = ()
    user_limits: UserLimits = field(default_factory=UserLimits)
    user_id: str | None = None
    installation: Settings | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.media_url and self.is_shared and not self.vault_key:
            raise InputError(
                "CUEWISE_MEDIA_URL is set and CUEWISE_VAULT_KEY is not: no other machine could open a run's key.",
                "Set CUEWISE_VAULT_KEY to the same secret on every machine. Make it with: openssl rand -hex 32",
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. Raises InputError, naming the variable, for a value that cannot be meant."""
        env = os.environ if environment is None else environment
        data_dir = Path(env.get("CUEWISE_DATA") or platformdirs.user_data_dir("cuewise")).expanduser().resolve()
        return cls(
            data_dir=data_dir,
            database_url=env.get("CUEWISE_DATABASE_URL") or f"sqlite:///{data_dir / 'cuewise.db'}",
            openrouter_base_url=(env.get("OPENROUTER_BASE_URL") or OPENROUTER_URL).rstrip("/"),
            openrouter_api_key=(env.get("OPENROUTER_API_KEY") or "").strip() or None,
            media_limit_bytes=_megabytes(env, "CUEWISE_MEDIA_LIMIT_MB", 14),
            allow_private_urls=_flag(env, "CUEWISE_ALLOW_PRIVATE_URLS"),
            parts_at_once=_count(env, "CUEWISE_PARTS_AT_ONCE", 8),
            keep_days=_days(env, "CUEWISE_KEEP_DAYS"),
            logs_json=_flag(env, "CUEWISE_LOGS_JSON"),
            media_limits=MediaLimits(
                seconds=_number(env, "CUEWISE_MEDIA_HOURS", 24, most=1000) * 3600,
                pixels=int(_number(env, "CUEWISE_MEDIA_MEGAPIXELS", 36, most=250) * 1_000_000),
                memory_bytes=int(_number(env, "CUEWISE_FFMPEG_MEMORY_MB", 4000, least=200, most=1_000_000) * MEGABYTE),
            ),
            download_limit_bytes=int(_number(env, "CUEWISE_DOWNLOAD_MB", 4000, most=1_000_000) * MEGABYTE),
            download_limit_seconds=_number(env, "CUEWISE_DOWNLOAD_HOURS", 6, most=1000) * 3600,
            media_url=_media_url(env),
            copies_limit_bytes=int(_number(env, "CUEWISE_COPIES_GB", 50, least=0.01, most=1_000_000) * GIGABYTE),
            vault_key=_secret(env, "CUEWISE_VAULT_KEY"),
            is_login_required=_flag(env, "CUEWISE_LOGIN"),
            allowed_emails=tuple(_words(env, "CUEWISE_ALLOWED_EMAILS")),
            user_limits=_user_limits(env),
        )

    def for_user(self, user_id: str) -> Settings:
        """The settings of one user's library: a folder and a database, or a schema of it, in which nothing of anybody
        else is, so that no question to it can find that."""
        check_user_id(user_id)
        folder = self.data_dir / "users" / user_id
        return replace(
            self,
            data_dir=folder,
            database_url=self.database_url if self.is_shared else f"sqlite:///{folder / 'cuewise.db'}",
            user_id=user_id,
            installation=self,
        )

    @property
    def shared(self) -> Settings:
        """Those of the whole installation, whoever's these are: where the jobs, the logs and the weights are."""
        return self.installation or self

    @property
    def database_schema(self) -> str | None:
        """The schema of a user's tables in the database that all share; None where the database is theirs alone."""
        return f"user_{self.user_id}" if self.user_id and self.is_shared else None

    @property
    def jobs_database_url(self) -> str:
        """Where the job engine keeps its tables: a file of its own beside ours on SQLite, else our database."""
        if not self.is_shared:
            return f"sqlite:///{self.shared.data_dir / 'jobs.db'}"
        return self.database_url

    @property
    def is_shared(self) -> bool:
        """Whether several machines may work on the database: not so on a file of SQLite."""
        return not self.database_url.startswith("sqlite:")

    @property
    def backups_dir(self) -> Path:
        return self.data_dir / "backups"

    def worker_environment(self) -> dict[str, str]:
        """The environment for a worker of these settings: without the key, which comes sealed with each run and
        would otherwise reach every process that the worker starts."""
        kept = {name: value for name, value in os.environ.items() if name != "OPENROUTER_API_KEY"}
        own = {
            "CUEWISE_DATA": str(self.data_dir),
            "CUEWISE_DATABASE_URL": self.database_url,
            "CUEWISE_PARTS_AT_ONCE": str(self.parts_at_once),
            "CUEWISE_KEEP_DAYS": str(self.keep_days or ""),
            "CUEWISE_MEDIA_URL": self.media_url or "",
            "CUEWISE_COPIES_GB": str(self.copies_limit_bytes / GIGABYTE),
            "CUEWISE_VAULT_KEY": self.vault_key or "",
            **self.user_limits.environment(),
        }
        return kept | own


_HARMLESS = (
    *("PATH", "HOME", "LANG", "LC_", "LD_LIBRARY_PATH", "TMP", "TEMP", "SYSTEMROOT"),
    *("XDG_", "FONTCONFIG_", "LIBVA_", "CUDA_", "NVIDIA_"),
)
"""How the names of variables begin that tools need: where programs, libraries, fonts and drivers are."""


def tool_environment() -> dict[str, str]:
    """The environment for a tool that opens strangers' files: no key, no password of a database, nothing of ours."""
    return {name: value for name, value in os.environ.items() if name.upper().startswith(_HARMLESS)}


def _megabytes(env: Mapping[str, str], name: str, default: float) -> int:
    return int(_number(env, name, default, what="a number of megabytes") * MEGABYTE)


def _number(
    env: Mapping[str, str], name: str, default: float, *, least: float = 0.1, most: float = 1000, what: str = "a number"
) -> float:
    text = env.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise InputError(f"{name} is {text!r}.", f"Set {name} to {what} between {least:g} and {most:g}.")
    return number


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise InputError(f"{name} is {text!r}.", f"Set {name} to a whole number from 1 to 64.")
    return int(text)


def _days(env: Mapping[str, str], name: str) -> int | None:
    text = (env.get(name) or "").strip()
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 36500:
        raise InputError(f"{name} is {text!r}.", f"Set {name} to a whole number of days, or leave it out to keep all.")
    return int(text)


def _media_url(env: Mapping[str, str]) -> str | None:
    text = (env.get("CUEWISE_MEDIA_URL") or "").strip().rstrip("/")
    if text and not text.startswith(("s3://", "file:///")):
        raise InputError(
            "CUEWISE_MEDIA_URL names no place that we know.", "Set it to s3://bucket/prefix or file:///shared/folder."
        )
    return text or None


def _secret(env: Mapping[str, str], name: str) -> str | None:
    text = (env.get(name) or "").strip()
    if text and len(text) < LEAST_SECRET:
        raise InputError(f"{name} has fewer than {LEAST_SECRET} characters.", "Make one with: openssl rand -hex 32")
    return text or None


def _words(env: Mapping[str, str], name: str) -> list[str]:
    """What stands between commas or blanks, in small letters."""
    return (env.get(name) or "").lower().replace(",", " ").split()


def _user_limits(env: Mapping[str, str]) -> UserLimits:
    usd, gigabytes = ((env.get(f"CUEWISE_USER_{name}") or "").strip() for name in ("MONTH_USD", "STORAGE_GB"))
    if usd:
        _number(env, "CUEWISE_USER_MONTH_USD", 0, least=0, most=1_000_000, what="dollars")
    if gigabytes:
        _number(env, "CUEWISE_USER_STORAGE_GB", 0, least=0.01, most=1_000_000, what="gigabytes")
    return UserLimits(
        month_usd=Decimal(usd) if usd else None,
        runs_at_once=_count(env, "CUEWISE_USER_RUNS", 4),
        storage_bytes=int(float(gigabytes) * GIGABYTE) if gigabytes else None,
    )


def _flag(env: Mapping[str, str], name: str) -> bool:
    text = (env.get(name) or "").strip().lower()
    if text in {"", "0", "false", "no", "off"}:
        return False
    if text in {"1", "true", "yes", "on"}:
        return True
    raise InputError(f"{name} is {text!r}.", f"Set {name} to 1 or 0.")
