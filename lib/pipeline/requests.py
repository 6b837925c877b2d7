"""Requests: what of them belongs to the day on which they are sent, and not to the one on which they were made."""

from __future__ import annotations

from dataclasses import replace

from lib.domain.run import RunRequest
from lib.pipeline.tools import Tools


def of_today(request: RunRequest, tools: Tools) -> RunRequest:
    """The request to the server of today, in the form and under the limits that hold for it now.

    Today's key must never go to the server of another day.
    """
    settings = tools.settings
    return replace(
        request,
        base_url=settings.openrouter_base_url,
        allow_private_urls=settings.allow_private_urls,
        media_limit_bytes=settings.media_limit_bytes,
        part_form=tools.store.preferences.get().part_form,
    )
