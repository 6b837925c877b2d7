"""yt-dlp's own messages."""

from __future__ import annotations

import logging

from lib.ytdlp.wording import bare_links

log = logging.getLogger(__name__)


class DebugLog:
    """yt-dlp's messages in our log, for the operator who asks for them; links lose their secrets."""

    def debug(self, message: str) -> None:
        log.debug("%s", bare_links(message))

    info = warning = error = stdout = stderr = debug
