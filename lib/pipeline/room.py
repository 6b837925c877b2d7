"""Room: how much media a user's library may hold, where the operator has set a limit."""

from __future__ import annotations

from collections.abc import Callable

from lib.domain.user import GIGABYTE
from lib.errors import LibraryFull
from lib.pipeline.tools import Tools


def room_check(tools: Tools) -> Callable[[int], None]:
    """Tells, of more and more bytes of one file, whether they still find room; by now they do not, it raises
    LibraryFull. A library that is full already refuses the first byte."""
    limit = tools.settings.user_limits.storage_bytes if tools.settings.user_id else None
    if limit is None:
        return lambda size_bytes: None
    held = tools.store.assets.total_bytes()

    def check(size_bytes: int) -> None:
        if held + size_bytes > limit:
            raise LibraryFull(
                f"Your library may hold {_gigabytes(limit)} of media: {_gigabytes(held)} are taken, and this file does "
                "not fit into the rest."
            )

    return check


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / GIGABYTE:.2f} GB" if size_bytes < GIGABYTE else f"{size_bytes / GIGABYTE:.1f} GB"
